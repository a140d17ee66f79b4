"""What a caller inside may have answered: what its invoker may read, and no more."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.routines import ROUTINES
from heatproxy.routines.stubs import HELPER, KEY_BEGINS, KEY_DIGITS
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.inside.conftest import MODEL, ONE
from tests.routines.conftest import BY_BAYES

pytestmark = pytest.mark.mysql

Connection = Any
TRAIN = f"CALL sys.ML_TRAIN('inside.customers', 'y', {BY_BAYES}, @bobs)"
PREDICT = f"SELECT sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)"


@pytest.fixture
def bob(server: Server, schema: str, direct: Connection) -> Iterator[Connection]:
    """A user who may call everything and read nothing, in a session past heatproxy."""
    run(
        direct,
        "DROP USER IF EXISTS bob",
        "CREATE USER bob IDENTIFIED BY 'pw'",
        "GRANT EXECUTE ON sys.* TO bob",
        "GRANT ALL ON ML_SCHEMA_bob.* TO bob",
        "GRANT CREATE TEMPORARY TABLES ON inside.* TO bob",
        "GRANT SELECT ON performance_schema.* TO bob",
    )
    with closing(server.connect_backend(user="bob", password="pw")) as connection:
        yield connection
    run(direct, "DROP DATABASE IF EXISTS ML_SCHEMA_bob", "DROP USER bob")


def test_a_table_that_the_caller_may_not_read_teaches_nothing(bob: Connection) -> None:
    number, text = refusal(bob, TRAIN)
    assert (number, "denied to user 'bob'" in text) == (1142, True)


def test_a_temporary_table_opens_no_table_behind_it(bob: Connection) -> None:
    columns = "age int, job varchar(10), balance double, y varchar(3)"
    run(bob, f"CREATE TEMPORARY TABLE inside.customers ({columns})")
    assert refusal(bob, TRAIN)[0] == 1142


def test_some_columns_are_not_the_table(bob: Connection, direct: Connection) -> None:
    run(direct, "GRANT SELECT (age, y) ON inside.customers TO bob")
    assert refusal(bob, TRAIN)[0] in (1142, 1143)
    run(direct, "GRANT SELECT ON inside.customers TO bob", "SET @bobs = NULL")
    run(bob, TRAIN)
    owner = "SELECT model_owner FROM ML_SCHEMA_bob.MODEL_CATALOG"
    assert rows(bob, owner) == [("bob",)]
    handle = value(bob, "SELECT @bobs")
    run(bob, f"DO sys.ML_PREDICT_ROW({ONE}, '{handle}', NULL)")


def test_the_models_of_others_are_not_there(bob: Connection) -> None:
    number, text = refusal(bob, PREDICT)
    assert (number, "does not exist" in text or "denied" in text) in [
        (3877, True),
        (1142, True),
    ]
    load = f"CALL sys.ML_MODEL_LOAD('{MODEL}', 'admin')"
    assert refusal(bob, load)[0] == 1142


def test_a_definers_program_has_the_definers_rights(
    bob: Connection, direct: Connection
) -> None:
    run(
        direct,
        "CREATE FUNCTION lends() RETURNS json READS SQL DATA"
        f" RETURN sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)",
        "GRANT EXECUTE ON FUNCTION inside.lends TO bob",
    )
    assert value(bob, "SELECT inside.lends()") == value(direct, PREDICT)
    assert refusal(bob, PREDICT)[0] in (3877, 1142)
    run(direct, "DROP FUNCTION lends")


def test_roles_count_while_they_are_active(bob: Connection, direct: Connection) -> None:
    run(
        direct,
        "CREATE ROLE reads_all",
        "GRANT SELECT ON ML_SCHEMA_admin.* TO reads_all",
        "GRANT reads_all TO bob",
    )
    load = f"CALL sys.ML_MODEL_LOAD('{MODEL}', 'admin')"
    assert refusal(bob, load)[0] == 1142
    run(bob, "SET ROLE reads_all", load, PREDICT, "SET ROLE NONE")
    run(direct, "DROP ROLE reads_all")


def test_a_request_that_no_stub_made_is_not_answered(bob: Connection) -> None:
    run(
        bob,
        "SET @`heatproxy.request` = CONCAT(REPEAT('0', 96), 'q000000{}')",
        "DO GET_LOCK('heatproxy.seat.0', 5)",
        f"DO sys.{HELPER}(NULL, NULL)",
    )
    assert refusal(bob, PREDICT)[0] in (3877, 1142)  # at another desk
    assert value(bob, "SELECT RELEASE_ALL_LOCKS()") == 1


def test_the_key_is_not_shown_to_callers(bob: Connection, direct: Connection) -> None:
    body = (
        "SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES"
        " WHERE ROUTINE_SCHEMA = 'sys' AND ROUTINE_NAME = 'ML_PREDICT_ROW'"
    )
    assert value(bob, body) is None
    _, _, rest = value(direct, body).partition(KEY_BEGINS)
    key = rest[:KEY_DIGITS]
    assert len(key) == KEY_DIGITS
    refusal(bob, PREDICT)
    refusal(bob, TRAIN)
    seen = rows(
        bob,
        "SELECT SQL_TEXT FROM performance_schema.events_statements_history"
        " WHERE THREAD_ID = PS_CURRENT_THREAD_ID()",
    )
    assert seen
    assert not [text for (text,) in seen if text and key in text]
    variables = rows(
        bob,
        "SELECT VARIABLE_VALUE FROM performance_schema.user_variables_by_thread",
    )
    assert not [text for (text,) in variables if text and key.encode() in text]


def test_only_one_helper_has_heatproxys_rights(direct: Connection) -> None:
    found = rows(
        direct,
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES"
        " WHERE ROUTINE_SCHEMA = 'sys' AND SECURITY_TYPE = 'DEFINER'"
        " AND ROUTINE_COMMENT LIKE 'heatproxy %'",
    )
    assert found == [(HELPER,)]
    assert HELPER not in {routine.name for routine in ROUTINES.values()}
