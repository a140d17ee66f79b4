"""Limits on connections hold over all workers together, and say what MySQL says."""

import pymysql
import pytest

from tests.asking import value
from tests.background import until
from tests.rawclient import RawClient, Reply, command, framed
from tests.supervisor.conftest import ENOUGH, Watched, connections, is_open, where

pytestmark = pytest.mark.mysql


@pytest.fixture(autouse=True)
def _nobody_else(watched: Watched) -> None:
    """The sessions of the test before have ended."""
    until(lambda: watched.metric("heatproxy_connections") == 0)


def test_a_limit_on_connections_holds_over_all_workers(watched: Watched) -> None:
    with (
        connections(watched, 3) as before,
        watched.settled("[limits]\nconnections = 5"),
    ):
        with connections(watched, 2) as more:
            for _ in range(ENOUGH):
                with pytest.raises(pymysql.OperationalError) as refusal:
                    watched.server.connect()
                assert refusal.value.args == (1040, "Too many connections")
            assert all(map(is_open, [*before, *more]))
        # two have gone: there is room for two
        until(lambda: watched.metric("heatproxy_connections") == 3)
        with connections(watched, 2) as others:
            assert all(map(is_open, others))
    refused = watched.metric(
        "heatproxy_connections_refused_total", reason="connections"
    )
    assert refused >= ENOUGH


def test_a_limit_counts_no_sessions_of_a_dead_worker(watched: Watched) -> None:
    with watched.settled(f"[limits]\nconnections = {ENOUGH}"):
        with connections(watched, ENOUGH):
            killed = [watched.kill("worker-1"), watched.kill("worker-2")]
            until(lambda: watched.pid("worker-1") != killed[0])
            until(lambda: watched.pid("worker-2") != killed[1])
        with connections(watched, ENOUGH) as again:
            assert all(map(is_open, again))


@pytest.fixture(scope="module")
def several(watched: Watched) -> dict[str, str]:
    """An account of whom there may be several."""
    with watched.server.connect_backend() as admin, admin.cursor() as cursor:
        for name in ("several", "other"):
            cursor.execute(f"CREATE USER {name} IDENTIFIED BY 'x'")
    return {"user": "several", "password": "x"}


def too_many(user: str, limit: int) -> tuple[int, str]:
    text = f"User '{user}' has exceeded the 'max_user_connections' resource"
    return 1226, f"{text} (current value: {limit})"


def test_a_limit_on_a_users_connections_holds_over_all_workers(
    watched: Watched, several: dict[str, str]
) -> None:
    with (
        connections(watched, 1, **several),
        watched.settled("[limits]\nconnections_per_user = 3"),
    ):
        with connections(watched, 2, **several):
            for _ in range(ENOUGH):
                with pytest.raises(pymysql.OperationalError) as refusal:
                    watched.server.connect(**several)
                assert refusal.value.args == too_many("several", 3)
            with watched.server.connect(**{**several, "user": "other"}) as other:
                assert value(other, "SELECT 4") == 4
        line = watched.until_said("session refused", reason="connections_per_user")
        assert line["level"] == "warning"
        assert line["connection"] > 0
        until(lambda: watched.metric("heatproxy_connections") == 1)
        with connections(watched, 2, **several) as others:
            assert all(map(is_open, others))


def test_a_session_that_changes_its_user_counts_for_the_new_one(
    watched: Watched, several: dict[str, str]
) -> None:
    change = command(
        0x11, b"several\0\0\0\x2d\x00caching_sha2_password\0", Reply.CLOSED
    )
    with (
        watched.settled("[limits]\nconnections_per_user = 2"),
        connections(watched, 2, **several) as made,
    ):
        other = {**several, "user": "other"}
        with RawClient(**where(watched), **other) as client:
            *_, error, gone = client.run(change)
            number = int.from_bytes(error.payload[1:3], "little")
            assert (number, error.payload[9:].decode()) == too_many("several", 2)
            assert gone.sequence_id == -1
        made.pop()._force_close()
        until(lambda: watched.metric("heatproxy_connections") == 1)
        with RawClient(**where(watched), **other) as client:
            client.socket.sendall(framed(change.encode(0)))
            error = client.packet([])
            # it is MySQL that refuses now, for the missing password
            assert int.from_bytes(error[1:3], "little") == 1045
