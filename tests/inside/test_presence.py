"""Which heatproxy answers calls from inside, and that nobody keeps it from that."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from heatproxy.backend.account import Address
from heatproxy.backend.credentials import read_option_file
from heatproxy.inside import presence
from heatproxy.inside.presence import Presence
from heatproxy.routines.stubs import DESKS, HERE
from tests.asking import rows, run
from tests.conftest import Server

pytestmark = pytest.mark.mysql

Connection = Any
PATIENCE_S = 60


@pytest.fixture
def address(server: Server, monkeypatch: pytest.MonkeyPatch) -> Address:
    """Of the backend; the lock is another than that of the heatproxy that runs."""
    for name in ("_TAKE", "_HAVE", "_IS_JAMMED"):
        text = getattr(presence, name).replace(HERE, "nobody.present")
        monkeypatch.setattr(presence, name, text)
    account = read_option_file(server.data_dir / "service.cnf")
    return Address(account.user, account.password, server.backend_socket)


@contextmanager
def present(address: Address) -> Iterator[tuple[Presence, threading.Event]]:
    """One that has been started, and whether it is the one that answers."""
    is_here = threading.Event()

    def tell(here: bool) -> None:
        (is_here.set if here else is_here.clear)()

    one = Presence(address, tell)
    one.start()
    try:
        yield one, is_here
    finally:
        one.stop()


def test_one_answers_at_a_time_and_another_when_it_has_gone(address: Address) -> None:
    with present(address) as (_, other_is_here):
        assert other_is_here.wait(PATIENCE_S)
        with present(address) as (_, is_here):
            assert not is_here.wait(2 * presence.LOOKS_AGAIN_S)
            assert other_is_here.is_set()
    with present(address) as (_, is_here):
        assert is_here.wait(PATIENCE_S)


def test_a_stranger_who_took_the_lock_first_keeps_nobody_out(
    server: Server, address: Address
) -> None:
    of_desks = (
        "SELECT 1 FROM performance_schema.user_variables_by_thread"
        f" WHERE VARIABLE_NAME = '{DESKS}' AND VARIABLE_VALUE = 'a desk.'"
    )
    with closing(server.connect_backend()) as jammer:
        run(jammer, "DO GET_LOCK('nobody.present', 0)")
        with present(address) as (one, is_here):
            assert is_here.wait(PATIENCE_S)
            one.publish("a desk")
            published = threading.Event()
            for _ in range(PATIENCE_S * 20):
                if rows(jammer, of_desks):
                    break
                published.wait(0.05)
            else:
                pytest.fail("it told nobody")
            assert is_here.is_set()
