"""Fetch one object over HTTP to a file, through dropped connections and redirects.

Every connection, also one that a redirect asks for, goes to an address that the
policy has just checked, so a name that resolves anew cannot lead elsewhere.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import certifi
import httpcore

from heatproxy.errors import interrupted
from heatproxy.lakehouse.policy import SourcePolicy, port_of, refused
from heatproxy.lakehouse.records import Cancelled, Progress

ATTEMPTS = 5  # without a new byte between them
REDIRECTS = 5
READ_BYTES = 1 << 18  # of a connection at once; httpcore asks for a quarter
_RETRIED = (408, 425, 429, 500, 502, 503, 504)
_MOVED = (301, 302, 303, 307, 308)
_TRANSPORT = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.RemoteProtocolError,
)
_RANGE = re.compile(rb"bytes (\d+)-\d+/(?:\d+|\*)")

Pause = Callable[[float], object]
Headers = list[tuple[bytes, bytes]]
Authorise = Callable[[str], Headers]


def nobody(url: str) -> Headers:
    """On nobody's behalf."""
    return []


class _Missing(Exception):
    """The server says that there is no such object."""


class _Retry(Exception):
    """Something that may pass by itself."""


class Fetcher:
    """HTTP GET under a policy; use it as a context manager."""

    def __init__(self, policy: SourcePolicy, pause: Pause | None = None) -> None:
        self._policy = policy
        self._aborted = threading.Event()
        self._pause = pause or self._aborted.wait
        self._network = _CheckedNetwork(policy)
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, network_backend=self._network
        )

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()
        self._network.forget()

    def abort(self) -> None:
        """End what is being fetched, which then asks ``cancelled``; from any thread."""
        self._aborted.set()
        self._network.shut_down()

    def download(
        self,
        url: str,
        path: Path,
        cancelled: Cancelled,
        progress: Progress,
        authorise: Authorise = nobody,
    ) -> int | None:
        """Store the object in ``path``; its size in bytes, None if there is none.

        ``authorise`` gives the headers that say on whose behalf a URL is asked for; a
        redirect gets none. A dropped connection is taken up where it broke, if the
        object has not changed; otherwise it starts again.

        Raises:
            MySQLError: 6128, not allowed, not reachable, too large; 1317.
        """
        with path.open("wb") as file:
            limit = self._policy.max_file_bytes
            try:
                self._get(url, file, limit, cancelled, progress, authorise)
            except _Missing:
                return None
            return file.tell()

    def read(
        self,
        url: str,
        limit_bytes: int,
        cancelled: Cancelled,
        authorise: Authorise = nobody,
    ) -> bytes | None:
        """A small document; None if there is none. Raises as ``download``."""
        buffer = _Memory()
        try:
            self._get(url, buffer, limit_bytes, cancelled, lambda _: None, authorise)
        except _Missing:
            return None
        return bytes(buffer.data)

    def _get(
        self,
        url: str,
        file: "BinaryIO | _Memory",
        limit_bytes: int,
        cancelled: Cancelled,
        progress: Progress,
        authorise: Authorise,
    ) -> None:
        left, stamp, reason, furthest = ATTEMPTS, b"", "", 0
        while left:
            try:
                stamp = self._attempt(
                    url, file, stamp, limit_bytes, cancelled, progress, authorise
                )
            except _Retry as problem:
                reason = str(problem.args[0])
                stamp = problem.args[1] if len(problem.args) > 1 else stamp
                left = ATTEMPTS if file.tell() > furthest else left - 1
                furthest = max(furthest, file.tell())
                if cancelled():
                    raise interrupted() from None
                if left:
                    self._pause(min(0.2 * 2 ** (ATTEMPTS - left), 5.0))
            else:
                return
        raise refused(url, reason)

    def _attempt(
        self,
        url: str,
        file: "BinaryIO | _Memory",
        stamp: bytes,
        limit_bytes: int,
        cancelled: Cancelled,
        progress: Progress,
        authorise: Authorise,
    ) -> bytes:
        """One request; raises _Retry(reason, validator) when it breaks."""
        have = file.tell() if stamp else 0
        headers = [(b"Range", b"bytes=%d-" % have), (b"If-Range", stamp)]
        given = headers if have else []
        with self._open(url, given, url, authorise(url)) as response:
            fields = {name.lower(): value for name, value in response.headers}
            resumed = have and response.status == 206
            if resumed:
                span = _RANGE.fullmatch(fields.get(b"content-range", b""))
                if span is None or int(span[1]) != have:
                    raise _Retry("the server answered another range", b"")
            elif response.status == 200:
                have = 0
                file.seek(0)
                file.truncate()
                stamp = _validator(fields)
            else:
                _refuse_status(response.status, url)
            length = fields.get(b"content-length")
            whole = have + int(length) if length and length.isdigit() else None
            if whole is not None and whole > limit_bytes:
                raise refused(url, f"it is larger than {limit_bytes} bytes")
            size = have
            try:
                for part in response.iter_stream():
                    if cancelled():
                        raise interrupted()
                    size += len(part)
                    if size > limit_bytes:
                        raise refused(url, f"it is larger than {limit_bytes} bytes")
                    file.write(part)
                    progress(len(part))
            except _TRANSPORT:
                raise _Retry("the connection broke", stamp) from None
            if whole is not None and size < whole:
                raise _Retry("the connection broke", stamp)
        return stamp

    @contextmanager
    def _open(
        self, url: str, headers: Headers, first: str, signature: Headers
    ) -> Iterator[httpcore.Response]:
        """The answer after redirects, each hop checked like the first URL."""
        for _ in range(REDIRECTS + 1):
            self._policy.check_scheme(url)
            parts = urlsplit(url)
            if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
                raise refused(first, "it leads to something that is not HTTP")
            if urlsplit(first).scheme == "https" and parts.scheme != "https":
                raise refused(first, "it leads from https to http")
            port_of(url)
            given = [
                (b"Accept", b"*/*"),
                (b"Accept-Encoding", b"identity"),
                (b"User-Agent", b"heatproxy"),
                *headers,
                *(signature if url == first else ()),
            ]
            times = dict.fromkeys(
                ("connect", "read", "write", "pool"), self._policy.timeout_s
            )
            host = parts.netloc.rpartition("@")[2].encode("ascii")
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            address = httpcore.URL(
                scheme=parts.scheme.lower().encode(),
                host=(parts.hostname or "").encode("ascii"),
                port=parts.port,
                target=_encoded(target),
            )
            try:
                with self._pool.stream(
                    "GET", address, headers=[(b"Host", host), *given],
                    extensions={"timeout": times},
                ) as response:  # fmt: skip
                    if response.status not in _MOVED:
                        yield response
                        return
                    place = next(
                        (v for n, v in response.headers if n.lower() == b"location"),
                        b"",
                    )
            except _TRANSPORT as problem:
                raise _Retry(_spoken(problem)) from None
            except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError):
                raise refused(first, "the URL is not valid") from None
            try:
                url = urljoin(url, place.decode("latin-1"))
            except ValueError:
                raise refused(first, "it leads to a URL that is not valid") from None
        raise refused(first, "too many redirects")


def _encoded(target: str) -> bytes:
    """A request target in ASCII; what is not is percent-encoded."""
    return b"".join(
        bytes([byte]) if 32 < byte < 127 else b"%%%02X" % byte
        for byte in target.encode()
    )


def _spoken(problem: Exception) -> str:
    if isinstance(problem, httpcore.ConnectError):
        return "the connection failed"
    if isinstance(problem, httpcore.TimeoutException):
        return "the server did not answer in time"
    return "the connection broke"


def _validator(fields: dict[bytes, bytes]) -> bytes:
    """What If-Range may name: a strong ETag, or the date of the last change."""
    tag = fields.get(b"etag", b"")
    if tag and not tag.startswith(b"W/"):
        return tag
    return fields.get(b"last-modified", b"")


def _refuse_status(status: int, url: str) -> None:
    if status in (404, 410):
        raise _Missing
    if status == 416:  # the object has shrunk: from the start
        raise _Retry("the server answered 416", b"")
    if status in _RETRIED:
        raise _Retry(f"the server answered {status}")
    raise refused(url, f"the server answered {status}")


class _Memory:
    """The part of a file that ``_get`` needs, kept in memory."""

    def __init__(self) -> None:
        self.data = bytearray()

    def tell(self) -> int:
        return len(self.data)

    def seek(self, place: int) -> None:
        del self.data[place:]

    def truncate(self) -> None:
        """``seek`` has cut already."""

    def write(self, part: bytes) -> None:
        self.data += part


class _Wide(httpcore.NetworkStream):
    """A connection that is read in large pieces, whatever is asked for."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max(max_bytes, READ_BYTES), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Wide(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that the policy has checked, never to a name."""

    def __init__(self, policy: SourcePolicy) -> None:
        self._policy = policy
        self._plain = httpcore.SyncBackend()
        # Closing a socket wakes nobody who reads from it; shutting it down does. TLS
        # takes the socket itself away, so what is kept is a duplicate.
        self._open: list[socket.socket] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        problem: Exception = httpcore.ConnectError("no address")
        for address in self._policy.addresses(host, port):
            try:
                stream = self._plain.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
                self._open.append(stream.get_extra_info("socket").dup())
                return _Wide(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                problem = failed
        raise problem

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Any = None
    ) -> httpcore.NetworkStream:
        raise refused(path, "unix sockets are not for files")

    def shut_down(self) -> None:
        """End every connection under way."""
        for one in self._open:
            with suppress(OSError):  # it has ended already
                one.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        for one in self._open:
            one.close()
        self._open.clear()
