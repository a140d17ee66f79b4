"""Routines called from everywhere inside the backend, past heatproxy's front door."""

import json
import threading
from contextlib import closing
from typing import Any

import pytest

from tests.asking import Rows, refusal, result_sets, rows, run, value
from tests.conftest import Server
from tests.inside.conftest import MODEL, ONE, PREDICTION
from tests.routines.conftest import BY_BAYES

pytestmark = pytest.mark.mysql

Connection = Any
EVERYBODY = "SELECT id, Prediction FROM expected ORDER BY id"
INFO = "SELECT CONVERT(@info USING utf8mb4)"
CALLERS = 6


@pytest.fixture
def expected(direct: Connection) -> Rows:
    """What the table routine predicts for each of the people, through heatproxy."""
    return rows(direct, EVERYBODY)


# --- functions ----------------------------------------------------------------------

POSITIONS = {
    "select list": f"SELECT id, {PREDICTION} FROM people ORDER BY id",
    "where": f"SELECT id, 'yes' FROM people WHERE {PREDICTION} = 'yes' UNION ALL"
    f" SELECT id, 'no' FROM people WHERE {PREDICTION} = 'no' ORDER BY id",
    "derived table": "SELECT id, p FROM"
    f" (SELECT id, {PREDICTION} AS p FROM people) AS found ORDER BY id",
    "prepared": f"EXECUTE everybody /* SELECT id, {PREDICTION} FROM people */",
    "view": "SELECT id, p FROM predicted ORDER BY id",
    "stored function": "SELECT id, predicted_of(id) FROM people ORDER BY id",
}


@pytest.fixture(scope="module")
def programs(server: Server, schema: str) -> None:
    """A view and a function that predict; they go with their schema."""
    with closing(server.connect_backend(database=schema)) as admin:
        run(
            admin,
            f"CREATE VIEW predicted AS SELECT id, {PREDICTION} AS p FROM people",
            "CREATE FUNCTION predicted_of(wanted int) RETURNS varchar(10)"
            f" READS SQL DATA RETURN (SELECT {PREDICTION} FROM people"
            " WHERE id = wanted)",
        )


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("sql", POSITIONS.values(), ids=POSITIONS)
def test_a_row_is_predicted_in_every_position(
    direct: Connection, expected: Rows, sql: str
) -> None:
    if sql.startswith("EXECUTE"):
        text = f"SELECT id, {PREDICTION} FROM people ORDER BY id".replace("'", "''")
        run(direct, f"PREPARE everybody FROM '{text}'")
    assert rows(direct, sql) == expected


def test_statements_that_write_may_predict(direct: Connection, expected: Rows) -> None:
    run(
        direct,
        f"CREATE TEMPORARY TABLE found AS SELECT id, {PREDICTION} AS p FROM people",
        "ALTER TABLE found ADD q varchar(10)",
        "SET @old = @@autocommit, autocommit = 0",
        f"UPDATE found JOIN people USING (id) SET q = {PREDICTION}",
        "COMMIT",
        "SET autocommit = @old",
    )
    assert rows(direct, "SELECT id, p FROM found ORDER BY id") == expected
    assert rows(direct, "SELECT id, q FROM found ORDER BY id") == expected


def test_a_trigger_predicts_rows_that_are_not_committed(
    direct: Connection, expected: Rows
) -> None:
    run(
        direct,
        "CREATE TABLE arrived LIKE people",
        "ALTER TABLE arrived ADD p varchar(10)",
        "CREATE TRIGGER arrives BEFORE INSERT ON arrived FOR EACH ROW SET NEW.p ="
        " JSON_VALUE(sys.ML_PREDICT_ROW(JSON_OBJECT('age', NEW.age, 'job', NEW.job,"
        f" 'balance', NEW.balance), '{MODEL}', NULL), '$.Prediction')",
        "START TRANSACTION",
        "INSERT INTO arrived (id, age, job, balance) SELECT * FROM people",
    )
    assert rows(direct, "SELECT id, p FROM arrived ORDER BY id") == expected
    run(direct, "ROLLBACK", "DROP TABLE arrived")


@pytest.mark.parametrize(
    "before", ["START TRANSACTION READ ONLY", "LOCK TABLES people READ"]
)
def test_transactions_and_locked_tables_are_of_no_account(
    direct: Connection, expected: Rows, before: str
) -> None:
    run(direct, before)
    assert rows(direct, POSITIONS["select list"]) == expected
    run(direct, "UNLOCK TABLES", "ROLLBACK")


def test_a_prediction_leaves_nothing_in_the_binary_log(direct: Connection) -> None:
    run(direct, f"SELECT {PREDICTION} FROM people")
    before = rows(direct, "SHOW BINARY LOG STATUS")
    run(direct, f"SELECT {PREDICTION} FROM people")
    assert rows(direct, "SHOW BINARY LOG STATUS") == before


def test_the_answer_is_the_one_that_heatproxy_gives(
    direct: Connection, server: Server
) -> None:
    for function in ("ML_PREDICT_ROW", "ML_EXPLAIN_ROW"):
        sql = f"SELECT sys.{function}({ONE}, '{MODEL}', NULL)"
        with closing(server.connect()) as proxied:
            assert value(direct, sql) == value(proxied, sql)
    text = value(direct, f"SELECT sys.ML_PREDICT_ROW({ONE}, '{MODEL}', NULL)")
    assert json.loads(text)["Prediction"] == "yes"


def test_text_of_every_language_arrives(direct: Connection) -> None:
    run(direct, "SET NAMES latin1")
    given = "JSON_OBJECT('age', 61, 'job', _utf8mb4'größe 🌞 \\\\ ''', 'balance', 0.5)"
    row = f"sys.ML_PREDICT_ROW({given}, '{MODEL}', NULL)"
    text = value(direct, f"SELECT HEX(JSON_VALUE({row}, '$.job'))")
    assert bytes.fromhex(text).decode() == "größe 🌞 \\ '"


WRONG = {
    "no model": (f"{ONE}, 'nothing', NULL", 3877, "model_handle nothing does not"),
    "NULL": (f"NULL, '{MODEL}', NULL", 3877, "ML003016"),
    "an option": (f"{ONE}, '{MODEL}', '{{\"topk\": 1}}'", 1235, "option topk"),
}


@pytest.mark.parametrize(("arguments", "number", "words"), WRONG.values(), ids=WRONG)
def test_errors_are_heatproxys_own(
    direct: Connection, arguments: str, number: int, words: str
) -> None:
    found, text = refusal(direct, f"SELECT sys.ML_PREDICT_ROW({arguments})")
    assert found == number
    assert words in text
    assert value(direct, "SELECT RELEASE_ALL_LOCKS()") == 0


def test_many_callers_are_answered_at_a_time(
    server: Server, schema: str, expected: Rows
) -> None:
    found: list[Rows] = []

    def call() -> None:
        with closing(server.connect_backend(database=schema)) as connection:
            found.append(rows(connection, POSITIONS["select list"]))

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [expected] * CALLERS


# --- procedures ---------------------------------------------------------------------

LAB = f"""
CREATE PROCEDURE lab(OUT score double, OUT handle varchar(255))
BEGIN
    DECLARE trained varchar(255) DEFAULT NULL;
    CALL sys.ML_TRAIN('inside.customers', 'y', {BY_BAYES}, trained);
    CALL sys.ML_MODEL_LOAD(trained, NULL);
    CALL sys.ML_PREDICT_TABLE('inside.people', trained, 'inside.lab_output', NULL);
    CALL sys.ML_SCORE('inside.customers', 'y', trained, 'balanced_accuracy',
        @lab_score, NULL);
    CALL sys.ML_EXPLAIN_TABLE('inside.people', trained, 'inside.lab_explained', NULL);
    CALL sys.ML_MODEL_UNLOAD(trained);
    SET score = @lab_score, handle = trained;
    SELECT id, Prediction FROM lab_output ORDER BY id;
END
"""


def test_a_lab_in_a_stored_procedure_runs_from_training_to_score(
    direct: Connection, server: Server, expected: Rows
) -> None:
    run(direct, LAB)
    (shown,) = result_sets(direct, "CALL lab(@score, @handle)")
    assert shown.rows == expected
    ((score, handle),) = rows(direct, "SELECT @score, @handle")
    assert handle.startswith("inside.customers_admin_")
    with closing(server.connect()) as proxied:
        run(
            proxied,
            f"CALL sys.ML_SCORE('inside.customers', 'y', '{MODEL}',"
            " 'balanced_accuracy', @s, NULL)",
        )
        assert value(proxied, "SELECT @s") == pytest.approx(score)
    described = [row[:2] for row in rows(direct, "DESCRIBE lab_output")]
    assert described == [row[:2] for row in rows(direct, "DESCRIBE expected")]
    assert value(direct, "SELECT COUNT(*) FROM lab_explained") == 4
    run(direct, "DROP TABLE lab_output, lab_explained")


def test_a_call_is_executed_where_it_was_prepared(direct: Connection) -> None:
    run(direct, "PREPARE active FROM \"CALL sys.ML_MODEL_ACTIVE('all', ?)\"")
    run(direct, "EXECUTE active USING @info", "EXECUTE active USING @info")
    assert "total model size(bytes)" in value(direct, INFO)


def test_a_call_through_heatproxy_still_ends_in_its_stub(server: Server) -> None:
    with closing(server.connect()) as proxied:
        run(proxied, "CALL sys.ML_MODEL_ACTIVE('all', @info)")
        assert "total model size(bytes)" in value(proxied, INFO)
        assert value(proxied, "SELECT @`heatproxy.request`") is None


def test_what_a_function_may_not_do_is_mysqls_to_say(direct: Connection) -> None:
    run(
        direct,
        "CREATE FUNCTION loads() RETURNS int READS SQL DATA BEGIN"
        f" CALL sys.ML_MODEL_LOAD('{MODEL}', NULL); RETURN 1; END",
    )
    assert refusal(direct, "SELECT loads()")[0] in (1336, 1422)


def test_rows_that_are_not_committed_are_not_left_out_in_silence(
    direct: Connection,
) -> None:
    run(direct, "START TRANSACTION", "UPDATE people SET age = age + 1")
    call = f"CALL sys.ML_PREDICT_TABLE('inside.people', '{MODEL}', 'inside.no', NULL)"
    number, text = refusal(direct, call)
    assert (number, "COMMIT before" in text) == (3877, True)
    run(direct, "ROLLBACK")


def test_a_table_has_to_be_named_with_its_schema(direct: Connection) -> None:
    call = f"CALL sys.ML_PREDICT_TABLE('people', '{MODEL}', 'inside.no', NULL)"
    assert refusal(direct, call) == (1046, "No database selected")


def test_a_report_is_shown_from_inside(direct: Connection) -> None:
    found = result_sets(direct, "CALL sys.heatwave_load('[\"inside\"]', NULL)")
    assert any("INSIDE" in one.columns[0].upper() or one.rows for one in found)
