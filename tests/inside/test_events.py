"""Routines called from events, whose variables MySQL shows nobody."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.routines.stubs import PORTION
from tests.asking import Rows, rows, run, value
from tests.conftest import Server
from tests.inside.conftest import MODEL, ONE, PREDICTION
from tests.routines.conftest import BY_BAYES

pytestmark = pytest.mark.mysql

Connection = Any
PATIENCE_S = 60
EVERYBODY = "SELECT id, Prediction FROM expected ORDER BY id"
WAITING = (
    "SELECT PROCESSLIST_ID FROM performance_schema.threads"
    " WHERE NAME = 'thread/sql/event_worker' AND PROCESSLIST_STATE = 'User lock'"
)
TOLD = (  # what an event that ends in an error leaves in the server's log
    "SELECT DATA FROM performance_schema.error_log WHERE DATA LIKE '%[inside.{}]%'"
    " ORDER BY LOGGED"
)


def until(look: Callable[[], Any]) -> Any:
    """What it comes to be that is something."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return found


@pytest.fixture
def told(direct: Connection) -> Iterator[Callable[[str], Rows]]:
    """Runs statements in an event; the rows that they put into ``told``."""
    run(direct, "CREATE TABLE told (id int PRIMARY KEY AUTO_INCREMENT, p longtext)")

    def tell(body: str) -> Rows:
        run(direct, "TRUNCATE told", event(f"{body}; INSERT INTO told (p) VALUES ('')"))
        until(lambda: rows(direct, "SELECT 1 FROM told WHERE p = ''"))
        return rows(direct, "SELECT p FROM told WHERE p <> '' ORDER BY id")

    yield tell
    run(direct, "DROP TABLE told")


def event(body: str, name: str = "once", definer: str = "CURRENT_USER") -> str:
    """The CREATE statement of an event that runs at once."""
    return (
        f"CREATE DEFINER = {definer} EVENT {name} ON SCHEDULE AT CURRENT_TIMESTAMP"
        f" DO BEGIN {body}; END"
    )


def test_an_event_trains_predicts_and_stores(
    direct: Connection, told: Callable[[str], Rows]
) -> None:
    of_own = PREDICTION.replace(f"'{MODEL}'", "@m")
    found = told(
        f"CALL sys.ML_TRAIN('inside.customers', 'y', {BY_BAYES}, @m);"
        " CALL sys.ML_PREDICT_TABLE('inside.people', @m, 'inside.by_event', NULL);"
        " INSERT INTO told (p) SELECT"
        f" {of_own} FROM people ORDER BY id"
    )
    expected = rows(direct, EVERYBODY)
    assert found == [(prediction,) for _, prediction in expected]
    assert rows(direct, EVERYBODY.replace("expected", "by_event")) == expected
    run(direct, "DROP TABLE by_event")


def test_an_event_calls_through_programs_of_its_own(
    direct: Connection, told: Callable[[str], Rows]
) -> None:
    run(
        direct,
        "CREATE FUNCTION of_event(wanted int) RETURNS varchar(10) READS SQL DATA"
        f" RETURN (SELECT {PREDICTION} FROM people WHERE id = wanted)",
        "CREATE PROCEDURE by_procedure() INSERT INTO told (p)"
        " SELECT of_event(id) FROM people ORDER BY id",
    )
    expected = [(prediction,) for _, prediction in rows(direct, EVERYBODY)]
    assert told("CALL by_procedure()") == expected
    run(direct, "DROP PROCEDURE by_procedure", "DROP FUNCTION of_event")


def test_text_of_every_length_and_language_arrives(
    direct: Connection, told: Callable[[str], Rows]
) -> None:
    """What does not fit into the locks at a time comes in portions."""
    text = f"REPEAT('aZ größe 🌞 \\\\\\\\ ''', {PORTION // 6})"
    row = f"JSON_OBJECT('age', 61, 'job', {text}, 'balance', 0.5)"
    predicted = f"sys.ML_PREDICT_ROW({row}, '{MODEL}', NULL)"
    sql = f"SHA2(JSON_VALUE({predicted}, '$.job' RETURNING CHAR(100000)), 256)"
    assert told(f"INSERT INTO told (p) SELECT {sql}") == [
        (value(direct, f"SELECT SHA2({text}, 256)"),)
    ]


def test_an_event_keeps_its_own_locks_and_no_others(
    told: Callable[[str], Rows],
) -> None:
    found = told(
        "DO GET_LOCK('no overlap', 0);"
        f" DO sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL);"
        " INSERT INTO told (p) SELECT RELEASE_ALL_LOCKS()"
    )
    assert found == [("1",)]


def test_an_error_in_an_event_is_told_in_the_log(direct: Connection) -> None:
    run(
        direct,
        event(f"DO sys.ML_PREDICT_ROW({ONE}, 'nothing', NULL)", name="fails"),
    )
    told = until(lambda: rows(direct, TOLD.format("fails")))
    assert any("model_handle nothing does not exist" in text for (text,) in told)


def test_an_event_has_its_definers_rights(direct: Connection) -> None:
    run(
        direct,
        "DROP USER IF EXISTS eve",
        "CREATE USER eve",
        "GRANT EXECUTE ON sys.* TO eve",
        "GRANT EVENT ON inside.* TO eve",
        event(
            f"CALL sys.ML_MODEL_LOAD('{MODEL}', 'admin')", name="spies", definer="eve"
        ),
    )
    told = until(lambda: rows(direct, TOLD.format("spies")))
    assert any("command denied to user 'eve'" in text for (text,) in told)
    run(direct, "DROP USER eve")


def test_a_kill_ends_an_event_that_waits(
    server: Server, direct: Connection, told: Callable[[str], Rows]
) -> None:
    with closing(server.connect_backend()) as holder:
        run(holder, "LOCK TABLES ML_SCHEMA_admin.MODEL_CATALOG WRITE")
        run(
            direct,
            event(
                "DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;"
                f" DO sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL);"
                " INSERT INTO told (p) VALUES ('it went on')",
                name="killed",
            ),
        )
        ((number,),) = until(lambda: rows(direct, WAITING))
        run(direct, f"KILL {number}")
        gone = f"SELECT 1 FROM performance_schema.processlist WHERE ID = {number}"
        until(lambda: not rows(direct, gone))
        run(holder, "UNLOCK TABLES")
    assert rows(direct, "SELECT * FROM told") == []
    assert told(
        f"INSERT INTO told (p) SELECT sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)"
    )
