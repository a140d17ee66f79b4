"""The HTTP port for those who watch: /metrics and /healthz, and nothing else.

Source: RFC 9112, 3 "Request Line"; every answer ends its connection.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from heatproxy.places import Address

log = logging.getLogger(__name__)

REQUEST_BYTES, REQUEST_S = 1 << 14, 5.0
TEXT = "text/plain; version=0.0.4; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page says now."""

    status: HTTPStatus
    kind: str
    body: bytes


def as_json(status: HTTPStatus, facts: object) -> Answer:
    return Answer(status, JSON, json.dumps(facts).encode() + b"\n")


Page = Callable[[], Awaitable[Answer]]


class Endpoint:
    """Serves pages by their paths."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self._pages = pages
        self._server: asyncio.Server | None = None

    async def listen(self, address: Address) -> None:
        """Serve from now on. Raises OSError: the address is taken."""
        try:
            self._server = await asyncio.start_server(
                self._serve, address.host, address.port, limit=REQUEST_BYTES
            )
        except OSError as problem:
            reason = (problem.strerror or "").lower()
            raise OSError(
                problem.errno, f"cannot serve metrics on {address}: {reason}"
            ) from None
        port = self._server.sockets[0].getsockname()[1]
        log.info("metrics are served on %s", Address(address.host, port))

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
            answer, has_body = await self._answer(head)
            writer.write(_head(answer) + (answer.body if has_body else b""))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # nobody is there, or nobody that speaks HTTP
        except asyncio.LimitOverrunError:
            pass
        except Exception:
            log.exception("a request for metrics failed")
        finally:
            writer.close()

    async def _answer(self, head: bytes) -> tuple[Answer, bool]:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0].decode("ascii", "replace")
        if method not in (b"GET", b"HEAD"):
            refusal = {"error": "only GET and HEAD"}
            return as_json(HTTPStatus.METHOD_NOT_ALLOWED, refusal), True
        page = self._pages.get(path)
        if page is None:
            facts = {"error": "no such page", "pages": sorted(self._pages)}
            return as_json(HTTPStatus.NOT_FOUND, facts), True
        return await page(), method == b"GET"


def _head(answer: Answer) -> bytes:
    status = answer.status
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
