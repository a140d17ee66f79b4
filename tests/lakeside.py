"""Loads of Lakehouse tables, as a script asks for them, and stores that stall."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.asking import ResultSet, result_sets

CSV = {"format": "csv", "has_header": True, "field_delimiter": ","}


def external(url: str, dialect: Mapping[str, Any] = CSV, **file: Any) -> dict[str, Any]:
    """The ``dialect`` and ``file`` of one table of the old form."""
    return {"dialect": dict(dialect), "file": [{"par": url, **file}]}


def load_call(
    connection: Any,
    schema: str,
    tables: Mapping[str, Mapping[str, Any]],
    **options: Any,
) -> str:
    """The text of a CALL that loads external tables."""
    listed = [{"table_name": name, **given} for name, given in tables.items()]
    given = {"external_tables": [{"db_name": schema, "tables": listed}], **options}
    schemas = connection.escape(json.dumps([schema]))
    return f"CALL sys.heatwave_load({schemas}, {connection.escape(json.dumps(given))})"


def load(
    connection: Any,
    schema: str,
    tables: Mapping[str, Mapping[str, Any]],
    **options: Any,
) -> list[ResultSet]:
    """Load external tables; the blocks of the report."""
    return result_sets(connection, load_call(connection, schema, tables, **options))


class StallingStore:
    """An object store whose only object never ends; ``asked`` is set when it began."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.count = 0  # of those who asked
        self.released = threading.Event()
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                self.wfile.write(b"a,b\n1,2\n")
                store.count += 1
                store.asked.set()
                store.released.wait()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/endless.csv"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
