"""How a session's channel ends."""

import asyncio
import logging
import os
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from heatproxy import service
from heatproxy.backend.connection import BackendConnection
from heatproxy.errors import ProtocolError
from heatproxy.jobs import JobProcesses
from heatproxy.loan import Loan
from heatproxy.wire.channel import Message, Statement, pack

STATEMENT = Statement(b"\x03SELECT 1", capabilities=0, status=2, thread_id=1)


class Relay:
    """The engine's side of a channel; ``asked`` is set when it has written."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.asked.set()

    async def drain(self) -> None:
        raise ConnectionResetError("Connection lost")

    def close(self) -> None:
        pass


async def _asks_the_backend(house: Any, loan: Loan, statement: Statement) -> None:
    await BackendConnection(loan, statement.capabilities, statement.status).query(
        "DO 1"
    )


async def _finds_nonsense(house: Any, loan: Loan, statement: Statement) -> None:
    loan.write(b"")
    raise ProtocolError("nonsense")


@pytest.mark.parametrize(
    ("serve_statement", "leaves", "failures"),
    [(_asks_the_backend, True, 0), (_finds_nonsense, False, 1)],
    ids=["the client has left", "the wire is broken"],
)
def test_a_client_that_leaves_in_the_middle_is_no_news_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    serve_statement: Any,
    leaves: bool,
    failures: int,
) -> None:
    monkeypatch.setattr(service, "serve_statement", serve_statement)
    names = SimpleNamespace(watch=lambda tell: None, look=lambda: None)
    rapid = SimpleNamespace(tables=names)
    house: Any = SimpleNamespace(
        shells=names, views=names, rapid=rapid, functions=names
    )

    async def session() -> None:
        reader, relay = asyncio.StreamReader(), Relay()
        writer: Any = relay
        reader.feed_data(pack(Message.START, STATEMENT.to_bytes()))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(service.Service(house).serve(reader, writer))
            await relay.asked.wait()
            if leaves:
                reader.feed_eof()

    asyncio.run(session())
    said = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(said) == failures


def test_what_cannot_be_sent_any_more_says_that_the_client_has_left() -> None:
    async def send() -> Loan:
        writer: Any = Relay()
        loan = Loan(asyncio.StreamReader(), writer)
        with pytest.raises(ProtocolError, match="the client has left"):
            await loan.send(b"rows")
        return loan

    assert asyncio.run(send()).gone


def _noted(folder: Path, never_idle: bool) -> None:
    """A warm-up that leaves word of its scheduling; it may get no time when idle."""
    is_idle = os.sched_getscheduler(0) == os.SCHED_IDLE
    (folder / f"{os.nice(0)} {'idle' if is_idle else 'fair'}").touch()
    if is_idle and never_idle:
        time.sleep(600)


@pytest.mark.parametrize(
    ("never_idle", "noted"),
    [(False, {"0 fair", "19 idle"}), (True, {"0 fair", "19 fair"})],
)
def test_kernels_are_compiled_by_idle_processors_and_on_a_busy_machine_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, never_idle: bool, noted: set[str]
) -> None:
    monkeypatch.setattr(service, "IDLE_S", 1.0 if never_idle else 600.0)
    house: Any = SimpleNamespace(jobs=JobProcesses(1))
    warm_up = partial(_noted, tmp_path, never_idle)
    asyncio.run(service._have_compiled(house, warm_up))
    found = {one.name for one in tmp_path.iterdir()}
    # on a busy machine an idle process may not even begin
    assert noted == (found - {"19 idle"} if never_idle else found)
