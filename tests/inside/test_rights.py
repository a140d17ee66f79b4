"""What a caller inside may have answered: what its invoker may read, and no more."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.routines import ROUTINES
from heatproxy.routines.stubs import (
    DESK,
    DESK_DIGITS,
    DESKS,
    HELPER,
    NAME_DIGITS,
    NONCE_DIGITS,
    REQUEST,
    SEAT,
    SITS,
    SITTING,
    WAITS,
)
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.inside.conftest import MODEL, ONE
from tests.routines.conftest import BY_BAYES

pytestmark = pytest.mark.mysql

Connection = Any
TRAIN = f"CALL sys.ML_TRAIN('inside.customers', 'y', {BY_BAYES}, @bobs)"
PREDICT = f"SELECT sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)"
LOAD = f"CALL sys.ML_MODEL_LOAD('{MODEL}', 'admin')"
PATIENCE_S = 60


@pytest.fixture(scope="module")
def admin(server: Server, schema: str) -> Iterator[Connection]:
    """A session of admin's past heatproxy."""
    with closing(server.connect_backend(database=schema)) as connection:
        yield connection


@pytest.fixture(scope="module")
def everybodys(admin: Connection) -> Iterator[None]:
    """The user bob may call everything and read nothing but his models."""
    run(
        admin,
        "DROP USER IF EXISTS bob",
        "CREATE USER bob IDENTIFIED BY 'pw'",
        "GRANT EXECUTE ON sys.* TO bob",
        "GRANT ALL ON ML_SCHEMA_bob.* TO bob",
        "GRANT CREATE TEMPORARY TABLES ON inside.* TO bob",
        "GRANT SELECT ON performance_schema.* TO bob",
    )
    yield
    run(admin, "DROP DATABASE IF EXISTS ML_SCHEMA_bob", "DROP USER bob")


@pytest.fixture
def bob(server: Server, everybodys: None) -> Iterator[Connection]:
    """A session of bob's past heatproxy."""
    with closing(server.connect_backend(user="bob", password="pw")) as connection:
        yield connection


# --- tables -------------------------------------------------------------------------


def test_a_table_that_the_caller_may_not_read_teaches_nothing(bob: Connection) -> None:
    number, text = refusal(bob, TRAIN)
    assert (number, "SELECT command denied to user 'bob'" in text) == (1142, True)


def test_a_temporary_table_opens_no_table_behind_it(bob: Connection) -> None:
    columns = "age int, job varchar(10), balance double, y varchar(3)"
    run(bob, f"CREATE TEMPORARY TABLE inside.customers ({columns})")
    assert refusal(bob, TRAIN)[0] == 1142


def test_a_table_is_read_while_all_of_it_is_granted(
    bob: Connection, admin: Connection
) -> None:
    run(admin, "GRANT SELECT (age, y) ON inside.customers TO bob")
    assert refusal(bob, TRAIN)[0] in (1142, 1143)
    run(admin, "GRANT SELECT ON inside.customers TO bob")
    run(bob, TRAIN)
    owner = "SELECT model_owner FROM ML_SCHEMA_bob.MODEL_CATALOG"
    assert rows(bob, owner) == [("bob",)]
    run(bob, "SET @old = @bobs, @bobs = NULL")
    run(admin, "REVOKE SELECT, SELECT (age, y) ON inside.customers FROM bob")
    assert refusal(bob, TRAIN)[0] == 1142
    handle = value(bob, "SELECT @old")
    run(bob, f"DO sys.ML_PREDICT_ROW({ONE}, '{handle}', NULL)")  # it is his


def test_the_right_on_one_routine_names_the_other_that_is_needed(
    server: Server, admin: Connection
) -> None:
    """The stub calls the helper as its invoker: heatproxy must know who that is."""
    run(admin, "DROP USER IF EXISTS dan", "CREATE USER dan IDENTIFIED BY 'pw'")
    run(admin, "GRANT EXECUTE ON FUNCTION sys.ML_PREDICT_ROW TO dan")
    with closing(server.connect_backend(user="dan", password="pw")) as dan:
        number, text = refusal(dan, PREDICT)
        assert (number, f"'sys.{HELPER}'" in text) == (1370, True)
        run(admin, f"GRANT EXECUTE ON FUNCTION sys.{HELPER} TO dan")
        assert refusal(dan, PREDICT)[0] in (3877, 1142)  # the model is not his
    run(admin, "DROP USER dan")


# --- models -------------------------------------------------------------------------


def test_the_models_of_others_are_not_there(bob: Connection) -> None:
    assert refusal(bob, PREDICT)[0] in (3877, 1142)
    assert refusal(bob, LOAD)[0] == 1142


def test_a_definers_program_has_the_definers_rights(
    bob: Connection, admin: Connection
) -> None:
    run(
        admin,
        "CREATE FUNCTION lends() RETURNS json READS SQL DATA"
        f" RETURN sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)",
        "GRANT EXECUTE ON FUNCTION inside.lends TO bob",
    )
    assert value(bob, "SELECT inside.lends()") == value(admin, PREDICT)
    assert refusal(bob, PREDICT)[0] in (3877, 1142)
    run(admin, "DROP FUNCTION lends")


def test_roles_count_while_they_are_active(bob: Connection, admin: Connection) -> None:
    run(
        admin,
        "CREATE ROLE reads_all",
        "GRANT SELECT ON ML_SCHEMA_admin.* TO reads_all",
        "GRANT reads_all TO bob",
    )
    assert refusal(bob, LOAD)[0] == 1142
    run(bob, "SET ROLE reads_all", LOAD)
    assert value(bob, PREDICT) == value(admin, PREDICT)
    run(bob, "SET ROLE NONE")
    assert refusal(bob, LOAD)[0] == 1142
    run(admin, "DROP ROLE reads_all")


def test_a_model_is_lent_until_the_right_is_revoked(
    bob: Connection, admin: Connection
) -> None:
    run(admin, "GRANT SELECT ON ML_SCHEMA_admin.* TO bob")
    run(bob, LOAD)
    assert value(bob, PREDICT) == value(admin, PREDICT)
    run(admin, "REVOKE SELECT ON ML_SCHEMA_admin.* FROM bob")
    assert refusal(bob, PREDICT)[0] == 1142
    assert refusal(bob, LOAD)[0] == 1142


# --- what passes between a caller and heatproxy -------------------------------------


def test_a_request_that_no_stub_made_is_not_answered(
    bob: Connection, admin: Connection
) -> None:
    """Whoever may read the stubs can say all that they say, but not be one."""
    nonce = "f" * NONCE_DIGITS
    asked = {
        "routine": "ML_PREDICT_ROW",
        "account": "admin@%",
        "roles": "NONE",
        "thread": value(bob, "SELECT PS_CURRENT_THREAD_ID()"),
        "arguments": ["{}", MODEL, None],
    }
    listed = value(
        bob,
        "SELECT CONVERT(VARIABLE_VALUE USING utf8mb4)"
        " FROM performance_schema.user_variables_by_thread"
        f" WHERE VARIABLE_NAME = '{DESKS}'",
    )
    desk = listed[DESK_DIGITS : DESK_DIGITS + NAME_DIGITS]
    answers = (
        "SELECT VARIABLE_VALUE FROM performance_schema.user_variables_by_thread"
        f" WHERE VARIABLE_NAME = 'heatproxy.{nonce}'"
    )
    run(
        bob,
        f"SET @`{SITS}` = '{nonce}{desk}'",
        f"SET @`{REQUEST}` = '{nonce}q000000{json.dumps(asked)}'",
        f"DO GET_LOCK('{SEAT}{desk}', {PATIENCE_S})",
    )
    # heatproxy would hand it over to answer, and else leaves
    turn = f"SELECT GET_LOCK('{DESK}{desk}', {PATIENCE_S}) /* {WAITS} */"
    assert value(bob, turn) == 1
    assert rows(admin, answers) == []
    assert refusal(bob, PREDICT)[0] in (3877, 1142)  # at another desk
    assert value(bob, "SELECT RELEASE_ALL_LOCKS()") == 2


def test_nobody_sits_at_a_desk_but_a_stub(admin: Connection) -> None:
    assert value(admin, f"SELECT sys.{HELPER}(0, 'x') /* {SITTING} */") == "x"
    run(
        admin,
        "CREATE PROCEDURE sits() BEGIN DECLARE hp_nonce, hp_seat TEXT;"
        f" {SITTING}; SELECT hp_seat; END",
    )
    assert value(admin, "CALL sits()") == "x"
    run(admin, "DROP PROCEDURE sits")


def test_the_helper_shows_no_requests_of_others(
    bob: Connection, admin: Connection
) -> None:
    asked = f"SELECT sys.{HELPER}({{}}, 'request')"
    for connection in (admin, bob):
        run(connection, "SET @`heatproxy.request` = 'mine'")
        assert value(connection, asked.format("CONNECTION_ID()")) == "mine"
    assert value(bob, asked.format(admin.thread_id())) is None


def test_only_one_helper_has_heatproxys_rights(admin: Connection) -> None:
    found = rows(
        admin,
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES"
        " WHERE ROUTINE_SCHEMA = 'sys' AND SECURITY_TYPE = 'DEFINER'"
        " AND ROUTINE_COMMENT LIKE 'heatproxy %'",
    )
    assert found == [(HELPER,)]
    assert HELPER not in {routine.name for routine in ROUTINES.values()}
