"""What a relay does not let its backend do, with a backend that no MySQL would be."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from heatproxy import config
from heatproxy.backend.certificates import TlsFolder
from heatproxy.backend.reach import Leg
from heatproxy.relay.frontend import Frontend, Worker
from heatproxy.relay.security import Security
from heatproxy.wire.packets import Capability, frame, ok
from tests.wire.test_login import BASIC, greeting, hello

OFFERS = BASIC | int(Capability.LOCAL_FILES)
OK = ok(0, 0x0002)
ASKED = b"\xfb/etc/passwd"
DISABLED = b"\xff\x6c\x0f#42000Loading local data is disabled"

LOAD = b"\x03LOAD DATA LOCAL INFILE 'mine' INTO TABLE t"
# The client's capabilities and command, and whether it is asked for the file.
CASES = {
    "of a client that offers files, for its own statement": (OFFERS, LOAD, True),
    "in a statement of several": (OFFERS, b"\x03DO 1; load xml local infile 'x'", True),
    "of a client that offers none": (BASIC, LOAD, False),
    "for a statement that speaks of none": (OFFERS, b"\x03SELECT * FROM t", False),
    "for a word that only looks like it": (OFFERS, b"\x03SELECT locally FROM t", False),
    "for a ping": (OFFERS, b"\x0e", False),
    "for an execution": (OFFERS, b"\x17\x01\0\0\0\0\x01\0\0\0", False),
}


@pytest.mark.parametrize(
    ("capabilities", "command", "passed"), CASES.values(), ids=CASES
)
async def test_a_file_is_asked_of_a_client(
    tmp_path: Path, capabilities: int, command: bytes, passed: bool
) -> None:
    async with rogue(tmp_path, frame(ASKED, 1)) as (reader, writer, heard):
        writer.write(frame(hello(capabilities), 1))
        assert await reader.readexactly(len(OK) + 4) == frame(OK, 2)
        writer.write(frame(command, 0))
        if passed:
            assert await reader.readexactly(len(ASKED) + 4) == frame(ASKED, 1)
            writer.write(frame(b"a line", 2) + frame(b"", 3))
            await heard.until(frame(b"a line", 2) + frame(b"", 3))
            return
        answer = await reader.read()
        assert answer[3:5] == b"\x01\xff"
        assert answer[4:].startswith(DISABLED)
        assert heard.data == frame(hello(capabilities), 1) + frame(command, 0)


class Heard:
    """What a rogue was told."""

    def __init__(self) -> None:
        self.data = b""
        self._more = asyncio.Event()

    def take(self, data: bytes) -> None:
        self.data += data
        self._more.set()

    async def until(self, ending: bytes) -> None:
        while not self.data.endswith(ending):
            self._more.clear()
            await self._more.wait()


class rogue:  # noqa: N801 - entered like a function's result
    """A client of a relay whose backend answers every command with the same bytes."""

    def __init__(self, folder: Path, answer: bytes) -> None:
        self._folder, self._answer = folder, answer
        self._heard, self._served = Heard(), asyncio.Event()

    async def __aenter__(
        self,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Heard]:
        backend, door = str(self._folder / "backend"), str(self._folder / "door")
        settings = config.load(None, {"data_dir": str(self._folder)}, {})
        TlsFolder.of(self._folder).prepare()
        loop = asyncio.get_running_loop()
        gate: Any = SimpleNamespace(
            counts_connections=False,
            counts_users=False,
            limits=settings.limits,
            leave=lambda session: None,
        )
        worker = self._worker = Worker(
            number=1,
            dial=lambda made: loop.create_unix_connection(made, backend),
            security=Security(settings, Leg(socket=backend)),
            engine_socket=str(self._folder / "no-engine"),
            gate=gate,
        )
        self._servers = [
            await asyncio.start_unix_server(self._serve, backend),
            await loop.create_unix_server(lambda: Frontend(worker).client, door),
        ]
        reader, self._writer = await asyncio.open_unix_connection(door)
        await reader.readexactly(len(frame(greeting(), 0)))
        return reader, self._writer, self._heard

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()
        await self._served.wait()
        while self._worker.sessions or self._worker.leaving:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
            await server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(frame(greeting(), 0))
        answers = [frame(OK, 2), self._answer]
        while data := await reader.read(1 << 16):
            self._heard.take(cast(bytes, data))
            if answers:
                writer.write(answers.pop(0))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self._served.set()
