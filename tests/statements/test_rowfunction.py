"""sys.ML_PREDICT_ROW and sys.ML_EXPLAIN_ROW wherever a statement has them."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import ResultSet, refusal, result_sets, rows, run, value
from tests.automl.conftest import customers
from tests.conftest import Server
from tests.routines.conftest import BY_BAYES, fill
from tests.statements.conftest import Lake

pytestmark = pytest.mark.mysql

Connection = Any
ROW = '{"age": 61, "job": "nurse", "balance": 0.5}'
OF_ROW = "JSON_OBJECT('age', age, 'job', job, 'balance', balance)"
PREDICT = f"sys.ML_PREDICT_ROW({OF_ROW}, @m, NULL)"
ONE = "sys.ML_PREDICT_ROW(@row, @m, NULL)"


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    """Eight people, one of them without age, and a model of more of them."""
    with closing(server.connect()) as admin:
        run(
            admin,
            "DROP DATABASE IF EXISTS rowwise",
            "CREATE DATABASE rowwise",
            "USE rowwise",
            "CREATE TABLE customers"
            " (age int, job varchar(10), balance double, y varchar(3))",
        )
        fill(admin, "customers", customers())
        run(
            admin,
            "CREATE TABLE people (id int PRIMARY KEY AUTO_INCREMENT) AS"
            " SELECT age, job, balance FROM customers WHERE age IS NOT NULL LIMIT 8",
            "UPDATE people SET age = NULL WHERE id = 3",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'rowwise'",
            "SET @m = 'rowwise'",
            f"CALL sys.ML_TRAIN('rowwise.customers', 'y', {BY_BAYES}, @m)",
            "CALL sys.ML_PREDICT_TABLE('rowwise.people', @m, 'rowwise.expected', NULL)",
        )
        yield "rowwise"
        run(admin, "DROP DATABASE rowwise")


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    with closing(server.connect(database=schema)) as connection:
        run(connection, "SET @m = 'rowwise'", f"SET @row = '{ROW}'")
        yield connection


@pytest.fixture
def expected(client: Connection) -> dict[int, str]:
    """What the table routine predicts for each of the people."""
    return dict(rows(client, "SELECT id, Prediction FROM expected"))  # type: ignore[arg-type]


def only(connection: Connection, sql: str) -> ResultSet:
    (found,) = result_sets(connection, sql)
    return found


# --- one row ------------------------------------------------------------------------

CONSTANTS = {
    "a variable": ONE,
    "two arguments": "sys.ML_PREDICT_ROW(@row, @m)",
    "lower case": "sys.ml_predict_row(@row, @m, null)",
    "back-ticks": "`sys`.`ML_PREDICT_ROW`(@row, @m, NULL)",
    "blanks and comments": "sys . ML_PREDICT_ROW /* here */ (@row , -- row\n @m,NULL)",
    "text": f"sys.ML_PREDICT_ROW('{ROW}', 'rowwise', NULL)",
    "double quotes": 'sys.ML_PREDICT_ROW("{\\"age\\": 61, \\"job\\": \\"nurse\\",'
    ' \\"balance\\": 0.5}", "rowwise", NULL)',
    "JSON_OBJECT": "sys.ML_PREDICT_ROW(JSON_OBJECT('age', 60 + 1, \"job\","
    " LOWER('NURSE'), 'balance', 0.5), @m, JSON_OBJECT())",
    "CAST": f"sys.ML_PREDICT_ROW(CAST('{ROW}' AS JSON), @m, NULL)",
    "a subquery": f"sys.ML_PREDICT_ROW((SELECT CAST('{ROW}' AS JSON)), @m, NULL)",
}
ANSWER_KEYS = ["age", "job", "balance", "Prediction", "ml_results"]


@pytest.mark.parametrize("call", CONSTANTS.values(), ids=CONSTANTS)
def test_one_row_is_predicted_in_every_form(client: Connection, call: str) -> None:
    found = only(client, f"SELECT {call}")
    read = json.loads(found.rows[0][0])
    assert list(read) == ANSWER_KEYS
    assert (read["age"], read["job"], read["balance"]) == (61, "nurse", 0.5)
    assert read["Prediction"] == "yes"
    assert read["ml_results"]["predictions"] == {"y": "yes"}
    assert sum(read["ml_results"]["probabilities"].values()) == pytest.approx(1)
    assert only(client, f"SELECT {call} AS p").columns == ("p",)


def test_a_column_is_named_by_its_text_as_it_was_typed(client: Connection) -> None:
    for text in (ONE, "sys.ML_PREDICT_ROW(@row,@m)", f"JSON_PRETTY({ONE})"):
        assert only(client, f"SELECT {text}").columns == (text,)


def test_extra_keys_are_echoed_and_digits_kept(client: Connection) -> None:
    given = (
        '{"age": 61, "job": "nurse", "balance": 1425.0, "z": null,'
        ' "list": [1, {"größe": "ü"}], "exact": 0.10}'
    )
    found = value(client, f"SELECT sys.ML_PREDICT_ROW('{given}', @m, NULL)")
    assert '"balance": 1425.0' in found
    read = json.loads(found)
    assert read["list"] == [1, {"größe": "ü"}]
    assert read["z"] is None
    assert read["exact"] == 0.1


def test_nulls_are_values_and_missing_keys_are_not(client: Connection) -> None:
    given = '{"age": null, "job": null, "balance": null}'
    assert "Prediction" in value(client, f"SELECT sys.ML_PREDICT_ROW('{given}', @m)")
    assert refusal(client, "SELECT sys.ML_PREDICT_ROW('{\"age\": 1}', @m)") == (
        3877,
        "ML003011: Columns of provided data need to match those used for training."
        " Provided - ['age'] vs Trained - ['age', 'job', 'balance']",
    )


@pytest.mark.parametrize(
    ("argument", "number", "words"),
    [
        ("NULL", 3877, "ML003016"),
        ("@never_set", 3877, "ML003016"),
        ("'[]'", 3877, "ML003017"),
        ("5", 3877, "ML003017"),
        ("'nope'", 3141, "Invalid JSON text"),
        ("no_column", 1054, "Unknown column 'no_column'"),
    ],
)
def test_an_input_that_is_no_row_is_refused(
    client: Connection, argument: str, number: int, words: str
) -> None:
    found, text = refusal(client, f"SELECT sys.ML_PREDICT_ROW({argument}, @m, NULL)")
    assert (found, words in text) == (number, True), text


WRAPPED = {
    f"JSON_UNQUOTE(JSON_EXTRACT({ONE}, '$.Prediction'))": "yes",
    f"JSON_EXTRACT({ONE}, '$.age')": "61",
    f"CAST({ONE} AS CHAR) LIKE '%nurse%'": 1,
    f"JSON_LENGTH({ONE})": 5,
    f"{ONE} = {ONE}": 1,
    f"IF(JSON_CONTAINS_PATH({ONE}, 'one', '$.nope'), 'a', 'b')": "b",
    f"(SELECT JSON_LENGTH({ONE}))": 5,
}


@pytest.mark.parametrize(("text", "answer"), WRAPPED.items(), ids=range(len(WRAPPED)))
def test_expressions_around_a_prediction_are_mysqls(
    client: Connection, text: str, answer: Any
) -> None:
    assert value(client, f"SELECT {text}") == answer


def test_a_prediction_goes_into_variables(client: Connection) -> None:
    expected = value(client, f"SELECT {ONE}")
    run(client, f"SELECT {ONE} INTO @a")
    run(client, f"SET @b = {ONE}, @c = 5")
    assert value(client, f"select @d := {ONE}") == expected
    assert rows(client, "SELECT @a, @b, @c, @d") == [(expected, expected, 5, expected)]
    run(client, f"SET @row = {ONE}")  # the old value is the argument
    assert value(client, "SELECT @row") == expected
    run(client, f"DO {ONE}")


def test_a_constant_prediction_beside_rows_is_one_for_each(client: Connection) -> None:
    found = rows(client, f"SELECT id, {ONE} FROM people ORDER BY id LIMIT 3")
    assert [row[0] for row in found] == [1, 2, 3]
    assert len({row[1] for row in found}) == 1
    assert rows(client, f"SELECT {ONE} FROM people WHERE id = 100") == []


def test_a_table_is_made_of_constant_predictions(client: Connection) -> None:
    run(client, "DROP TABLE IF EXISTS constant")
    run(client, f"CREATE TABLE constant AS SELECT id, {ONE} AS p FROM people")
    assert value(client, "SELECT COUNT(DISTINCT p) FROM constant") == 1


def test_text_that_looks_like_a_call_is_left_alone(client: Connection) -> None:
    assert value(client, "SELECT 'sys.ML_PREDICT_ROW(1, 2, 3)'") == (
        "sys.ML_PREDICT_ROW(1, 2, 3)"
    )
    assert value(client, "SELECT 1 -- sys.ML_PREDICT_ROW(1, 2, 3)") == 1


def test_explain_row_tells_of_every_feature(client: Connection) -> None:
    for options in ("", ", NULL", ", JSON_OBJECT('prediction_explainer', NULL)"):
        read = json.loads(
            value(client, f"SELECT sys.ML_EXPLAIN_ROW(@row, @m{options})")
        )
        assert {"age_attribution", "job_attribution", "balance_attribution"} < set(read)
        assert read["ml_results"]["notes"] == read["Notes"]


def test_details_add_drift(client: Connection) -> None:
    options = "JSON_OBJECT('additional_details', true)"
    read = json.loads(value(client, f"SELECT sys.ML_PREDICT_ROW(@row, @m, {options})"))
    assert set(read["ml_results"]["drift"]) == {"metric", "attribution_percent"}


# --- rows of a table ----------------------------------------------------------------


def predictions(found: list[tuple[Any, ...]]) -> dict[int, str]:
    """The prediction by id, from rows whose last column is the answer."""
    return {row[0]: json.loads(row[-1])["Prediction"] for row in found}


def test_every_row_is_predicted_as_the_table_routine_does(
    client: Connection, expected: dict[int, str]
) -> None:
    assert predictions(rows(client, f"SELECT id, {PREDICT} FROM people")) == expected


SHAPES = {
    "a filter": ("WHERE id > 5", [6, 7, 8]),
    "an order": ("ORDER BY id DESC", [8, 7, 6, 5, 4, 3, 2, 1]),
    "an order by a function": ("ORDER BY FIELD(id, 3, 1) DESC, id LIMIT 3", [1, 3, 2]),
    "a limit": ("ORDER BY id LIMIT 2, 2", [3, 4]),
    "groups": ("GROUP BY id HAVING id < 3 ORDER BY id", [1, 2]),
    "a lock": ("WHERE id = 4 FOR UPDATE", [4]),
    "nothing": ("WHERE id > 1000", []),
}


@pytest.mark.parametrize(("rest", "ids"), SHAPES.values(), ids=SHAPES)
def test_clauses_choose_the_rows(
    client: Connection, expected: dict[int, str], rest: str, ids: list[int]
) -> None:
    found = rows(client, f"SELECT id, {PREDICT} AS p FROM people {rest}")
    assert [row[0] for row in found] == ids
    assert predictions(found) == {key: expected[key] for key in ids}


def test_several_items_and_a_star_keep_their_places(
    client: Connection, expected: dict[int, str]
) -> None:
    found = only(
        client,
        f"SELECT 1 + 1 AS two, t.*, {PREDICT} AS p, UPPER(job) 'a b',"
        f" sys.ML_EXPLAIN_ROW({OF_ROW}, @m) e FROM people t ORDER BY id",
    )
    assert found.columns == ("two", "id", "age", "job", "balance", "p", "a b", "e")
    for two, key, age, job, balance, answer, upper, explained in found.rows:
        read = json.loads(answer)
        assert (two, upper, read["Prediction"]) == (2, job.upper(), expected[key])
        assert (read["age"], read["job"], read["balance"]) == (age, job, balance)
        assert json.loads(explained)["Prediction"] == expected[key]


def test_every_alias_and_modifier_of_mysql_is_taken(client: Connection) -> None:
    for item, name in (
        (PREDICT, PREDICT),
        (f"{PREDICT} p", "p"),
        (f"{PREDICT} AS `a p`", "a p"),
        (f"{PREDICT} 'quoted'", "quoted"),
        (f'{PREDICT} AS "double"', "double"),
    ):
        for modifier in ("", "ALL ", "SQL_NO_CACHE ", "STRAIGHT_JOIN HIGH_PRIORITY "):
            found = only(client, f"SELECT {modifier}{item} FROM people WHERE id = 1")
            assert found.columns == (name,)
            assert "Prediction" in found.rows[0][0]


def test_expressions_around_the_predictions_of_rows_are_mysqls(
    client: Connection, expected: dict[int, str]
) -> None:
    found = rows(
        client,
        f"SELECT id, JSON_UNQUOTE(JSON_EXTRACT({PREDICT}, '$.Prediction')) AS p,"
        f" CAST({PREDICT} AS CHAR) AS c, JSON_PRETTY({PREDICT}) FROM people",
    )
    assert {key: prediction for key, prediction, *_ in found} == expected
    for *_, text, pretty in found:
        assert json.loads(text) == json.loads(pretty)
        assert pretty.startswith('{\n  "age": ')


def test_joins_and_views_give_rows_too(
    client: Connection, expected: dict[int, str]
) -> None:
    run(client, "CREATE OR REPLACE VIEW seen AS SELECT * FROM people WHERE id < 4")
    found = rows(
        client,
        "SELECT s.id, sys.ML_PREDICT_ROW(JSON_OBJECT('age', p.age, 'job', p.job,"
        " 'balance', s.balance), @m, NULL) FROM seen s JOIN people p ON p.id = s.id",
    )
    assert predictions(found) == {key: expected[key] for key in (1, 2, 3)}


def test_many_rows_are_answered_in_order(client: Connection) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS many",
        "CREATE TABLE many AS WITH RECURSIVE n AS (SELECT 1 AS id UNION ALL"
        " SELECT id + 1 FROM n WHERE id < 900) SELECT n.id * 3 + p.id AS id, age, job,"
        " balance FROM n JOIN people p ON p.id <= 3",
    )
    found = rows(
        client,
        f"SELECT id, JSON_EXTRACT({PREDICT}, '$.Prediction'), {PREDICT} FROM many"
        " ORDER BY id",
    )
    assert len(found) == 2700
    assert [row[0] for row in found] == list(range(4, 2704))
    assert all(json.loads(a) == json.loads(b)["Prediction"] for _, a, b in found)


def test_answers_come_in_the_sessions_own_character_set(client: Connection) -> None:
    run(client, "SET character_set_results = latin1")
    given = OF_ROW.replace("'age'", "'größe', 'ü', 'age'")
    with client.cursor() as cursor:
        client.encoding = "latin1"
        sql = f"SELECT sys.ML_PREDICT_ROW({given}, @m, NULL) FROM people LIMIT 1"
        cursor.execute(sql.encode())
        ((found,),) = cursor.fetchall()
    assert json.loads(found)["größe"] == "ü"


def test_odd_modes_and_names_do_not_matter(
    client: Connection, expected: dict[int, str]
) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd AS SELECT id, age, job, balance, id * 100 AS i,"
        " 'r' AS r0 FROM people",
        "SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES,ANSI_QUOTES')",
    )
    found = rows(
        client,
        f'SELECT id, \'\\\' AS "back", i, r0, {PREDICT} AS "p q" FROM "odd" ORDER BY i',
    )
    assert predictions(found) == expected
    assert [row[1:4] for row in found] == [("\\", n * 100, "r") for n in range(1, 9)]


# --- what is not MySQL's own way ------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT a.*, b.*, {PREDICT} FROM people a, people b",
        f"SELECT {PREDICT.replace('age)', 'nope)')} FROM people WHERE nope = 1",
        f"SELECT {PREDICT} FROM nowhere",
        f"SELECT {PREDICT} FROM people GROUP BY job",
        f"SELECT {PREDICT} FROM people WHERE COUNT(*) = 1",
        f"SELECT {PREDICT} p FROM people WHERE p = 1",
    ],
)
def test_what_is_wrong_with_a_statement_mysql_says(
    client: Connection, sql: str
) -> None:
    assert refusal(client, sql)[0] in (1052, 1054, 1055, 1111, 1146)


def test_a_variable_that_a_statement_sets_is_an_argument_as_mysql_has_it(
    client: Connection,
) -> None:
    other = ROW.replace("61", "20")
    run(client, f"SET @row = '{other}', @p = {ONE}")
    assert value(client, "SELECT JSON_EXTRACT(@p, '$.age')") == "61"
    assert value(client, "SELECT JSON_EXTRACT(@row, '$.age')") == "20"


def test_a_prediction_of_a_prediction_is_computed(client: Connection) -> None:
    found = value(client, f"SELECT sys.ML_PREDICT_ROW({ONE}, @m, NULL)")
    assert (
        json.loads(found)["Prediction"]
        == json.loads(value(client, f"SELECT {ONE}"))["Prediction"]
    )


def test_rows_of_lakehouse_tables_are_predicted_too(
    client: Connection, lake: Lake
) -> None:
    given = "JSON_OBJECT('age', id, 'job', name, 'balance', x)"
    call = f"sys.ML_PREDICT_ROW({given}, @m, NULL)"
    for sql in (
        f"SELECT id, {call} FROM {{}}.t WHERE id < 20 ORDER BY id",
        f"SELECT COUNT(*) FROM {{}}.t WHERE {call}->>'$.Prediction' = 'yes'",
        f"SELECT id, {ONE} FROM {{}}.t WHERE id = 3",
    ):
        assert rows(client, sql.format("lake")) == rows(client, sql.format("twin"))
    number, text = refusal(
        client, "CALL sys.ML_MODEL_LOAD((SELECT name FROM lake.t LIMIT 1), NULL)"
    )
    assert (number, "the Lakehouse table t in CALL" in text) == (1235, True)


def test_programs_keep_the_call_that_they_were_written_with(client: Connection) -> None:
    run(
        client,
        "DROP PROCEDURE IF EXISTS of_a_lab",
        "DROP VIEW IF EXISTS of_a_view",
        f"CREATE PROCEDURE of_a_lab() BEGIN SELECT {ONE}; CALL sys.ML_MODEL_LOAD(@m,"
        " NULL); END",
        f"CREATE VIEW of_a_view AS SELECT sys.ML_PREDICT_ROW('{ROW}', 'rowwise', NULL)",
    )
    ((_, _, text, *_),) = rows(client, "SHOW CREATE PROCEDURE of_a_lab")
    assert "sys.ML_PREDICT_ROW(@row, @m, NULL)" in text
    for sql in ("CALL of_a_lab()", "SELECT * FROM of_a_view"):
        assert "Prediction" in value(client, sql)


# --- privileges ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sys.ML_PREDICT_ROW('{}', 'rowwise', NULL)",
        "SET @x = sys.ML_PREDICT_ROW('{}', 'rowwise', NULL)",
        "DO sys.ML_EXPLAIN_ROW('{}', 'rowwise')",
        "SELECT sys.ML_PREDICT_ROW('{}', 'rowwise', NULL) INTO @x",
    ],
)
def test_without_execute_the_function_is_mysqls_to_refuse(
    server: Server, client: Connection, sql: str
) -> None:
    run(client, "DROP USER IF EXISTS nobody", "CREATE USER nobody IDENTIFIED BY 'pw'")
    with closing(server.connect(user="nobody", password="pw")) as nobody:
        number, text = refusal(nobody, sql)
    assert (number, "execute command denied" in text) == (1370, True)
    run(client, "DROP USER nobody")
