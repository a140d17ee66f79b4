"""Clients that keep heatproxy waiting are told what MySQL tells them, and closed."""

import socket

import pytest

from tests.asking import value
from tests.rawclient import RawClient
from tests.supervisor.conftest import Watched, where

pytestmark = pytest.mark.mysql

ENDS_WITHIN_S = 60


def test_a_client_that_does_not_log_in_is_sent_away(watched: Watched) -> None:
    with (
        watched.settled("[limits]\nlogin_timeout_s = 0.5"),
        socket.create_connection((watched.server.host, watched.server.port)) as client,
    ):
        client.settimeout(ENDS_WITHIN_S)
        with client.makefile("rb") as stream:
            said = stream.read()  # to the end
    head = int.from_bytes(said[:3], "little")
    error = said[4 + head :]
    assert error[3:7] == b"\x01\xff\x87\x04"  # 1159, the first packet after a greeting
    assert error.endswith(b"#08S01Got timeout reading communication packets")
    assert watched.until_said("session refused", reason="login_timeout")["peer"]


INACTIVE = (
    "The client was disconnected by the server because of inactivity. See"
    " wait_timeout and interactive_timeout for configuring this behavior."
)


@pytest.mark.parametrize("transaction", [False, True], ids=["idle", "in a transaction"])
def test_a_client_that_says_nothing_is_sent_away(
    watched: Watched, transaction: bool
) -> None:
    with (
        watched.settled("[limits]\nidle_timeout_s = 0.5"),
        RawClient(**where(watched), **watched.server.login) as client,
    ):
        client.query("BEGIN" if transaction else "DO 1")
        error = client.packet(into := [])
        assert error[:9] == b"\xff\xbf\x0f#HY000"
        assert error[9:].decode() == INACTIVE
        assert into[0].sequence_id == 0
        with pytest.raises((EOFError, ConnectionError)):
            client.packet([])


def test_a_statement_that_runs_is_not_idle(watched: Watched) -> None:
    with (
        watched.settled("[limits]\nidle_timeout_s = 0.5"),
        watched.server.connect() as connection,
    ):
        assert value(connection, "SELECT SLEEP(2)") == 0
