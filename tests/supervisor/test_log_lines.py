"""What an operator finds in the log, and what nobody may find there."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, run, value
from tests.lakeside import external, load, load_call
from tests.supervisor.conftest import Watched

pytestmark = pytest.mark.mysql

PASSWORD, STATEMENT, TOKEN = "pwsesame", "stsesame", "parsesame"
PAR = f"http://127.0.0.1:1/p/{TOKEN}/n/space/b/bucket/o/file.csv"


@pytest.fixture
def slow(watched: Watched) -> Iterator[Watched]:
    """Where every statement is slow."""
    with watched.settled("[log]\nslow_statement_s = 0.000001"):
        yield watched


def test_the_start_says_where_and_in_front_of_what(watched: Watched) -> None:
    (line,) = watched.said("ready")
    assert line["listen"] == f"127.0.0.1:{watched.running.port}"
    assert line["workers"] == 2
    assert line["backend_version"][0].isdigit()


def test_a_login_that_fails_is_logged_with_user_and_peer(watched: Watched) -> None:
    before = len(watched.said("login failed"))
    with pytest.raises(pymysql.OperationalError):
        watched.server.connect(user="mallory\n{", password=PASSWORD)
    line = watched.until_said("login failed", before)
    assert line["user"] == "mallory\n{"
    assert line["peer"].startswith("127.0.0.1:")
    assert (line["level"], line["error"]) == ("warning", 1045)
    assert line["connection"] > 0
    assert line["session"].startswith(line["process"].removeprefix("worker-") + "-")


def test_a_slow_statement_is_logged_with_its_route(slow: Watched) -> None:
    before = len(slow.lines)
    with slow.server.connect() as connection:
        number = connection.thread_id()
        assert value(connection, "SELECT REPEAT('x', 5000)") == "x" * 5000
        assert refusal(connection, "SELECT nothing FROM nowhere.at_all")[0] == 1049
        failed = "CALL sys.ML_MODEL_ACTIVE('none of these', @x)"
        refusal(connection, failed)
    found = {
        (line["route"], line.get("error")): line
        for line in slow.lines[before:]
        if line["message"] == "slow statement" and line.get("connection") == number
    }
    read, refused = found["relayed", None], found["relayed", 1049]
    assert read["command"] == refused["command"] == "query"
    assert read["seconds"] >= 0
    (engine,) = [line for (route, _), line in found.items() if route != "relayed"]
    assert engine["route"] == "engine:ML_MODEL_ACTIVE"
    assert engine["process"] == "engine"


def test_no_secret_and_no_statement_stands_in_the_log(slow: Watched) -> None:
    with pytest.raises(pymysql.OperationalError):
        slow.server.connect(password=PASSWORD)
    with slow.server.connect() as connection:
        run(
            connection,
            f"SELECT '{STATEMENT}'",
            f"CREATE USER marked IDENTIFIED BY '{PASSWORD}'",
        )
        refusal(connection, f"SELECT {STATEMENT} FROM {STATEMENT}.{STATEMENT}")
        refusal(connection, f"CALL sys.ML_TRAIN('{STATEMENT}', '{STATEMENT}', 1, @m)")
        with connection.cursor() as cursor:
            cursor.execute(load_call(connection, "marked", {"t": external(PAR)}))
            while cursor.nextset():
                pass
    with slow.server.connect(user="marked", password=PASSWORD) as connection:
        assert value(connection, "SELECT 1") == 1
    assert slow.running.log is not None
    text = slow.running.log.read_text()
    for marker in (PASSWORD, STATEMENT, TOKEN):
        assert marker not in text
    assert slow.server.login["password"] not in text


def test_a_string_that_is_no_utf_8_is_no_error_of_ours(watched: Watched) -> None:
    with (
        ObjectStore({"t.csv": b"a,b\n1,x\n"}) as store,
        watched.server.connect() as client,
    ):
        load(client, "odd", {"t": external(store.url("t.csv"))})
        before = len(watched.lines)
        with client.cursor() as cursor:
            text: Any = b"SELECT COUNT(*) FROM odd.t WHERE b <> '\xff'"
            cursor.execute(text)
            assert cursor.fetchall() == ((1,),)
        run(client, "DROP DATABASE odd")
    assert not [line for line in watched.lines[before:] if line["level"] == "error"]


def test_every_line_is_json_with_a_time_a_level_and_a_process(watched: Watched) -> None:
    for line in watched.lines:
        json.dumps(line)
        assert line["time"].endswith("Z")
        assert line["level"].upper() in logging.getLevelNamesMapping()
        assert line["process"] in ("supervisor", "engine", "worker-1", "worker-2")
        if "session" in line:
            assert "-" in line["session"]
