"""A small web server that plays the object store: for the demo and the tests.

Objects stand where a pre-authenticated request (PAR) of OCI Object Storage has
them, ``/p/TOKEN/n/NAMESPACE/b/BUCKET/o/OBJECT``, and the URL up to ``/o/`` lists them.
It listens on 127.0.0.1 only.

Source: OCI Object Storage, "Using Pre-Authenticated Requests", "ListObjects";
RFC 9110, "Range Requests".
"""

import hashlib
import json
import re
import socket
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

LIST_LIMIT = 1000  # objects in one answer, at most
CHUNK_BYTES = 1 << 20
LISTING_KEYS = {"prefix", "start", "end", "limit", "fields"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class ObjectStore:
    """One bucket behind one PAR, served from a thread between start() and stop().

    Args:
        objects: what is in the bucket: bytes, or the path of a file, by name.
        token: what makes the URL a secret.
    """

    def __init__(
        self,
        objects: Mapping[str, bytes | Path],
        *,
        token: str = "demo",  # noqa: S107  # nothing but the demo's own data is behind
        namespace: str = "heatproxy",
        bucket: str = "demo",
    ) -> None:
        self.objects = dict(objects)
        self.path = "/" + "/".join(
            quote(part, safe="")
            for part in ("p", token, "n", namespace, "b", bucket, "o")
        )
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        if self._server is None:
            raise RuntimeError("the object store has not been started")
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    @property
    def bucket_url(self) -> str:
        """The PAR of the whole bucket; it ends in ``/o/``."""
        host, port = self.address
        return f"http://{host}:{port}{self.path}/"

    def url(self, name: str) -> str:
        """The PAR of one object."""
        return self.bucket_url + quote(name)

    def start(self) -> None:
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and free the port; harmless when stopped."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.close_connections()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for them

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = store
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End the connections that clients keep alive."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the client was faster
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "heatproxy-objectstore"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """URLs are secrets, so requests are not logged."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        base = self.server.store.path
        if parts.path in (base, base + "/"):
            self._list(parse_qs(parts.query, keep_blank_values=True))
        elif parts.path.startswith(base + "/"):
            self._object(unquote(parts.path[len(base) + 1 :]))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "BucketNotFound")

    def _list(self, query: dict[str, list[str]]) -> None:
        if unknown := query.keys() - LISTING_KEYS:
            self._refuse(HTTPStatus.BAD_REQUEST, f"InvalidParameter {min(unknown)}")
            return
        given = {name: values[-1] for name, values in query.items()}
        limit = given.get("limit", str(LIST_LIMIT))
        if not limit.isdigit() or not 1 <= int(limit) <= LIST_LIMIT:
            self._refuse(HTTPStatus.BAD_REQUEST, "InvalidParameter limit")
            return
        objects = self.server.store.objects
        names = [
            name
            for name in sorted(objects)
            if name.startswith(given.get("prefix", ""))
            and name >= given.get("start", "")
            and ("end" not in given or name < given["end"])
        ]
        shown, left = names[: int(limit)], names[int(limit) :]
        fields = given.get("fields", "name").split(",")
        listing: dict[str, Any] = {
            "objects": [
                {"name": name, "size": _size(objects[name])}
                if "size" in fields
                else {"name": name}
                for name in shown
            ],
            "prefixes": [],
        }
        if left:
            listing["nextStartWith"] = left[0]
        self._send(HTTPStatus.OK, "application/json", json.dumps(listing).encode())

    def _object(self, name: str) -> None:
        content = self.server.store.objects.get(name)
        if content is None:
            self._refuse(HTTPStatus.NOT_FOUND, "ObjectNotFound")
            return
        size = _size(content)
        wanted = _span(self.headers.get("Range"), size)
        if wanted is None:
            headers = {"Content-Range": f"bytes */{size}"}
            self._refuse(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidRange", headers
            )
            return
        status, headers = HTTPStatus.OK, {}
        if wanted != range(size):
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
        headers |= {"Accept-Ranges": "bytes", "ETag": _etag(content)}
        self._head(status, "application/octet-stream", len(wanted), headers)
        if self.command != "HEAD":
            self._body(content, wanted)

    def _body(self, content: bytes | Path, wanted: range) -> None:
        if isinstance(content, bytes):
            self.wfile.write(content[wanted.start : wanted.stop])
            return
        with content.open("rb") as file:
            file.seek(wanted.start)
            left = len(wanted)
            while left and (chunk := file.read(min(left, CHUNK_BYTES))):
                self.wfile.write(chunk)
                left -= len(chunk)

    def _refuse(
        self, status: HTTPStatus, code: str, headers: Mapping[str, str] | None = None
    ) -> None:
        body = json.dumps({"code": code, "message": status.description}).encode()
        self._send(status, "application/json", body, headers)

    def _send(
        self,
        status: HTTPStatus,
        kind: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._head(status, kind, len(body), headers or {})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(
        self, status: HTTPStatus, kind: str, length: int, headers: Mapping[str, str]
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _etag(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    status = content.stat()
    return f'"{status.st_size:x}-{status.st_mtime_ns:x}"'


def _span(header: str | None, size: int) -> range | None:
    """The bytes a Range header asks for; None when there are none of them.

    No header, several ranges and other units mean all of it, as RFC 9110 allows.
    """
    match = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None or not (match[1] or match[2]):
        return range(size)
    if not match[1]:  # the last so many
        count = min(int(match[2]), size)
        return range(size - count, size) if count else None
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return range(size)
    return range(first, last + 1) if first < size else None
