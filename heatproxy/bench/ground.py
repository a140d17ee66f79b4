"""What ``bench rapid`` measures on: a heatproxy of its own, and TPC-H in its backend.

Making TPC-H takes minutes, so it stays in the cache from one run to the next.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from heatproxy.backend.credentials import Credentials, read_option_file
from heatproxy.bench import answers, processes, stock
from heatproxy.bench.clients import Door
from heatproxy.bench.stage import backend_socket, heatproxy
from heatproxy.bench.workloads import tpch
from heatproxy.datatypes import quote_name

_SETTINGS = {
    # all of TPC-H at scale 1: MySQL shall not wait for the disk
    "HEATPROXY_EMBEDDED_BUFFER_POOL_SIZE": "2G",
    "HEATPROXY_LOG_LEVEL": "error",
}
_MARK = "heatproxy_bench_made"


@dataclass(frozen=True, slots=True)
class Ground:
    """A running heatproxy, the backend behind it, and the folder of the workloads."""

    account: Credentials
    port: int
    socket: str
    engine_pid: int
    folder: Path

    def direct(self, schema: str = "mysql", **options: Any) -> Any:
        """A connection to the backend itself."""
        return answers.connect(
            unix_socket=self.socket, database=schema, **self._login, **options
        )

    def through(self, schema: str = "mysql") -> Any:
        """A connection to heatproxy."""
        return answers.connect(
            host="127.0.0.1", port=self.port, database=schema, **self._login
        )

    @property
    def doors(self) -> tuple[Door, Door]:
        """The way through heatproxy, and the backend itself."""
        through = Door("heatproxy", port=self.port)
        return through, Door("direct", path=self.socket)

    @property
    def _login(self) -> dict[str, str]:
        return {"user": self.account.user, "password": self.account.password}


@contextmanager
def opened(folder: Path) -> Iterator[Ground]:
    """Start heatproxy on a folder of the bench's own, made when it is not there.

    Raises:
        StageFailed: heatproxy did not start.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    data_dir = folder / "data"
    for file in data_dir.glob("engine.duckdb*"):  # what it held is loaded anew
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    with heatproxy(data_dir, **_SETTINGS) as (port, pid):
        yield Ground(
            read_option_file(data_dir / "client.cnf"),
            port,
            backend_socket(data_dir),
            processes.engine(pid),
            folder,
        )


def make_tpch(ground: Ground, scale: float) -> str:
    """The schema that holds TPC-H at a scale, made when it is not there.

    Raises:
        BenchFailed: the generator can't be had here.
    """
    schema = f"tpch_{scale:g}".replace(".", "_")
    files = ground.folder / schema
    with closing(ground.direct(local_infile=True)) as connection:
        marked = f"SHOW TABLES FROM {quote_name(schema)} LIKE '{_MARK}'"
        if not answers.ask(connection, marked).rows or not files.exists():
            shutil.rmtree(files, ignore_errors=True)
            files.mkdir()
            tpch.TPCH.make(files, scale)
            stock.fill(connection, schema, tpch.TPCH, files)
            answers.ask(connection, "SET SESSION sql_log_bin = 0")
            answers.ask(connection, f"CREATE TABLE {schema}.{_MARK} (made int)")
    return schema


def bare(ground: Ground, schema: str, threads: int) -> duckdb.DuckDBPyConnection:
    """DuckDB by itself on the same rows, in the same order, with as many threads."""
    path = ground.folder / f"{schema}.duckdb"
    made = path.exists()
    connection = duckdb.connect(str(path), config={"threads": threads})
    with closing(ground.direct(schema)) as mysql:
        for table in () if made else tpch.TPCH.tables:
            columns = ", ".join(
                f'CAST("{name}" AS {kind.duckdb()}) AS "{name}"'
                for name, kind in stock.column_types(mysql, schema, table)
            )
            key = ", ".join(stock.key_columns(mysql, schema, table))
            file = ground.folder / schema / f"{table}.parquet"
            connection.execute(
                f"CREATE TABLE {table} AS SELECT {columns} FROM '{file}' ORDER BY {key}"
            )
    connection.execute("CHECKPOINT")
    return connection
