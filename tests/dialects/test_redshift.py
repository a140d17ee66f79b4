"""Amazon Redshift ML's statements through a server."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection, fill

pytestmark = pytest.mark.mysql

CALL = "predict_customer_churn(age, zip, monthly_spend, monthly_cases)"
HANDLE = "redshift.customer_churn"
LINEAR = "AUTO OFF MODEL_TYPE LINEAR_LEARNER"


def customers() -> Any:
    """Who spends much and asks little stays: Arrow (60, 6)."""
    import pyarrow as pa

    numbers = range(60)
    spend = [float(10 + 7 * (n * 37 % 23)) for n in numbers]
    cases = [n * 13 % 10 for n in numbers]
    return pa.table(
        {
            "customer_id": list(numbers),
            "age": [20 + n * 29 % 50 for n in numbers],
            "zip": [("10115", "80331", "20095")[n % 3] for n in numbers],
            "monthly_spend": spend,
            "monthly_cases": cases,
            "active": [
                "yes" if s > 17 * c else "no" for s, c in zip(spend, cases, strict=True)
            ],
        }
    )


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    """customer_info_table, and a model of it as the tutorial makes it."""
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS redshift",
            "CREATE DATABASE redshift",
            "USE redshift",
            "CREATE TABLE customer_info_table (customer_id INT PRIMARY KEY, age INT,"
            " zip VARCHAR(10), monthly_spend DOUBLE, monthly_cases INT,"
            " active VARCHAR(3))",
            "DROP MODEL IF EXISTS customer_churn",
        )
        fill(client, "customer_info_table", customers())
        run(
            client,
            "CREATE MODEL customer_churn\n"
            "FROM (SELECT c.age as feat_1, c.zip AS feat_2,\n"
            "c.monthly_spend AS feat_3, c.monthly_cases AS\n"
            "feat_4, c.active AS label\n"
            "FROM customer_info_table c)\n"
            "TARGET label\n"
            "FUNCTION predict_customer_churn\n"
            f"{LINEAR}",
        )
        yield "redshift"
        run(client, "DROP MODEL IF EXISTS customer_churn", "DROP DATABASE redshift")


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    with closing(server.connect(database=schema)) as connection:
        yield connection


@pytest.fixture(scope="module")
def predicted(server: Server, schema: str) -> list[tuple[Any, ...]]:
    """Number and prediction of each customer, the way of two steps."""
    with closing(server.connect(database=schema)) as client:
        run(
            client,
            "CREATE TABLE renamed AS SELECT customer_id, age AS feat_1, zip AS feat_2,"
            " monthly_spend AS feat_3, monthly_cases AS feat_4"
            " FROM customer_info_table",
            f"CALL sys.ML_PREDICT_TABLE('{schema}.renamed', '{HANDLE}',"
            f" '{schema}.answered', NULL)",
        )
        return rows(
            client, "SELECT customer_id, Prediction FROM answered ORDER BY customer_id"
        )


def test_the_function_predicts_what_a_table_of_predictions_has(
    client: Connection, predicted: list[tuple[Any, ...]]
) -> None:
    assert {label for _, label in predicted} == {"yes", "no"}
    sql = f"SELECT customer_id, {CALL} FROM customer_info_table ORDER BY customer_id"
    assert rows(client, sql) == predicted


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT COUNT(*) FROM customer_info_table WHERE {CALL} = 'yes'",
        f"SELECT SUM(p = 'YES') FROM (SELECT {CALL} AS p FROM customer_info_table) t",
        f"SELECT SUM(CASE redshift.{CALL} WHEN 'yes' THEN 1 ELSE 0 END)"
        " FROM customer_info_table",
    ],
    ids=["where", "subquery, another letter case", "expression, schema"],
)
def test_the_function_may_stand_anywhere(
    client: Connection, predicted: list[tuple[Any, ...]], sql: str
) -> None:
    assert value(client, sql) == sum(label == "yes" for _, label in predicted)


def test_rows_are_ranked_by_the_function(
    client: Connection, predicted: list[tuple[Any, ...]]
) -> None:
    ranked = f"SELECT RANK() OVER (ORDER BY {CALL}) FROM customer_info_table"
    labels = [label for _, label in predicted]
    expected = sorted(1 + sum(one < label for one in labels) for label in labels)
    assert sorted(rank for (rank,) in rows(client, ranked)) == expected


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT COUNT({CALL}) FROM customer_info_table",
        "SHOW MODEL customer_churn",
        "SELECT COUNT(*) FROM stv_ml_model_info",
        f"CALL sys.ML_MODEL_LOAD('{HANDLE}', NULL)",
        "DROP MODEL IF EXISTS nobodys",
    ],
)
def test_models_are_reached_where_rapid_alone_may_answer(
    client: Connection, sql: str
) -> None:
    run(client, "SET use_secondary_engine = FORCED", sql)
    assert value(client, "SELECT @@use_secondary_engine") == "FORCED"


def test_columns_bear_the_name_and_type_of_the_function(client: Connection) -> None:
    with client.cursor() as cursor:
        cursor.execute(f"SELECT {CALL} FROM customer_info_table LIMIT 1")
        name, kind = cursor.description[0][:2]
        cursor.execute("SELECT active FROM customer_info_table LIMIT 1")
        assert (name, kind) == (CALL, cursor.description[0][1])


def test_a_table_is_made_of_predictions(
    client: Connection, predicted: list[tuple[Any, ...]]
) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS kept",
        f"CREATE TABLE kept AS SELECT customer_id, {CALL} FROM customer_info_table",
    )
    assert rows(client, f"SELECT customer_id, `{CALL}` FROM kept ORDER BY 1") == (
        predicted
    )


def test_mysql_itself_counts_the_arguments(client: Connection) -> None:
    number, text = refusal(client, "SELECT predict_customer_churn(1)")
    assert number == 1318
    assert "expected 4, got 1" in text


def test_a_model_is_shown(client: Connection) -> None:
    shown = dict(rows(client, "SHOW MODEL customer_churn"))
    assert shown["Model Name"] == "customer_churn"
    assert shown["Schema Name"] == "redshift"
    assert shown["Owner"] == "admin"
    assert shown["Model State"] == "READY"
    assert shown["Target Column"] == "LABEL"
    assert shown["Problem Type"] == "BinaryClassification"
    assert shown["Function Name"] == "predict_customer_churn"
    assert shown["Function Parameters"] == "feat_1 feat_2 feat_3 feat_4"
    assert "FROM customer_info_table c" in shown["Query"]


def test_all_models_are_shown_and_are_rows_of_a_table(client: Connection) -> None:
    assert ("redshift", "customer_churn") in rows(client, "SHOW MODEL ALL")
    assert rows(
        client,
        "SELECT schema_name, user_name, model_state FROM stv_ml_model_info"
        " WHERE model_name = 'customer_churn'",
    ) == [("redshift", "admin", "READY")]


def test_a_table_of_that_name_is_mysqls(client: Connection) -> None:
    run(client, "CREATE TABLE stv_ml_model_info (a INT)")
    try:
        assert rows(client, "SELECT * FROM stv_ml_model_info") == []
        assert refusal(client, "SELECT user_name FROM stv_ml_model_info")[0] == 1054
    finally:
        run(client, "DROP TABLE stv_ml_model_info")


@pytest.mark.parametrize(
    ("clauses", "number"),
    [
        ("customer_churn FROM customer_info_table TARGET active FUNCTION f", 3877),
        ("m FROM customer_info_table TARGET active FUNCTION predict_customer_churn", 0),
        ("m FROM customer_info_table TARGET active FUNCTION abs", 3877),
        ("m FROM customer_info_table TARGET nobody FUNCTION f", 1054),
        ("m FROM nowhere TARGET active FUNCTION f", 1146),
        ("m FROM (SELECT 1 a, 2 A, 3 b) TARGET b FUNCTION f", 1060),
        ("m FROM customer_info_table TARGET active FUNCTION f (int)", 3877),
        ("m FROM customer_info_table TARGET active FUNCTION f WITH GRACE", 1064),
        ("m FUNCTION f(int) RETURNS int SAGEMAKER 'nowhere'", 3877),
        ("m FROM 'file:///etc/passwd' FUNCTION f(int) RETURNS int", 6128),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_made_leaves_no_function(
    client: Connection, clauses: str, number: int
) -> None:
    assert refusal(client, f"CREATE MODEL {clauses}")[0] == (number or 1304)
    assert refusal(client, "SELECT f(1)")[0] == 1305


def test_data_that_nothing_is_learned_from_leave_no_function(
    client: Connection,
) -> None:
    query = "SELECT customer_id, NULL AS y FROM customer_info_table"
    refused = refusal(client, f"CREATE MODEL m FROM ({query}) TARGET y FUNCTION f")
    assert refused[0] == 3877
    assert refusal(client, "SELECT f(1)")[0] == 1305


def test_what_changes_nothing_and_a_sample_are_noted_and_a_model_goes(
    client: Connection,
) -> None:
    run(
        client,
        "CREATE MODEL brief FROM customer_info_table TARGET monthly_spend"
        f" FUNCTION brief_spend IAM_ROLE default {LINEAR} PROBLEM_TYPE REGRESSION"
        " SETTINGS (S3_BUCKET 'b', MAX_CELLS 240, MAX_RUNTIME 600)",
    )
    notes = [text for _, _, text in rows(client, "SHOW WARNINGS")]
    assert [note.partition(" ")[0] for note in notes] == [
        *("IAM_ROLE", "S3_BUCKET", "MAX_CELLS")
    ]
    shown = dict(rows(client, "SHOW MODEL brief"))
    assert (shown["S3 Bucket"], shown["Max Runtime"]) == ("b", "600")
    learned = "SELECT model_metadata->>'$.n_rows' FROM ML_SCHEMA_admin.MODEL_CATALOG"
    assert value(client, f"{learned} WHERE model_handle = 'redshift.brief'") == "40"
    spent = "SELECT brief_spend(1, 30, '10115', 3, 'yes')"
    assert isinstance(value(client, spent), float)
    run(client, "DROP MODEL brief")
    assert refusal(client, spent)[0] == 1305
    assert refusal(client, "SHOW MODEL brief")[0] == 3877
    assert refusal(client, "DROP MODEL brief")[0] == 3877
    run(client, "DROP MODEL IF EXISTS brief")


def test_kmeans_finds_groups_without_a_target(client: Connection) -> None:
    run(
        client,
        "CREATE TABLE points (x DOUBLE, y DOUBLE)",
        "INSERT INTO points SELECT 20 * (customer_id % 3) + age / 50, customer_id % 3"
        " FROM customer_info_table",
        "CREATE MODEL segments FROM (SELECT x, y FROM points) FUNCTION get_segment"
        " IAM_ROLE default AUTO OFF MODEL_TYPE KMEANS PREPROCESSORS 'none'"
        " HYPERPARAMETERS DEFAULT EXCEPT (K '3') SETTINGS (S3_BUCKET 'b')",
    )
    groups = rows(client, "SELECT y, get_segment(x, y) FROM points GROUP BY 1, 2")
    assert len(groups) == 3
    assert {group for _, group in groups} == {0, 1, 2}
    run(client, "DROP MODEL segments", "DROP TABLE points")


def test_a_model_of_the_catalog_gets_a_function(client: Connection) -> None:
    run(client, "SET @bare = 'bare'", f"DELETE FROM {CATALOG} WHERE {OF_BARE}")
    run(
        client,
        "CALL sys.ML_TRAIN('redshift.customer_info_table', 'age',"
        " JSON_OBJECT('task', 'regression', 'model_list',"
        " JSON_ARRAY('LinearRegression')), @bare)",
        "CREATE MODEL remote_customer_ltv FUNCTION customer_ltv(integer, varchar,"
        " float8, int, varchar) RETURNS float4 SAGEMAKER 'bare' IAM_ROLE '...'",
    )
    number = value(client, "SELECT customer_ltv(1, '10115', 20.0, 3, 'yes')")
    asked = (
        "SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('customer_id', 1, 'zip', '10115',"
        " 'monthly_spend', 20.0, 'monthly_cases', 3, 'active', 'yes'), 'bare', NULL)"
        "->>'$.Prediction'"
    )
    assert number == pytest.approx(float(value(client, asked)), rel=1e-6)
    run(client, "DROP MODEL remote_customer_ltv")
    assert value(client, f"SELECT COUNT(*) FROM {CATALOG} WHERE {OF_BARE}") == 1


CATALOG, OF_BARE = "ML_SCHEMA_admin.MODEL_CATALOG", "model_handle = 'bare'"


def test_others_need_the_rights_on_function_and_catalog(
    server: Server, client: Connection
) -> None:
    call = "SELECT redshift.predict_customer_churn(30, '10115', 90.0, 1)"
    run(
        client, "DROP USER IF EXISTS caller", "CREATE USER caller IDENTIFIED BY 'guest'"
    )
    try:
        with closing(server.connect(user="caller", password="guest")) as guest:
            assert refusal(guest, call)[0] == 1370
            assert rows(guest, "SHOW MODEL ALL") == []
            run(
                client,
                "GRANT EXECUTE ON FUNCTION redshift.predict_customer_churn TO caller",
                "GRANT EXECUTE ON FUNCTION sys.ML_PREDICT_ROW TO caller",
            )
            assert refusal(guest, call)[0] == 1142
            run(
                client,
                f"GRANT SELECT ON {CATALOG} TO caller",
                "GRANT SELECT ON ML_SCHEMA_admin.model_object_catalog TO caller",
            )
            assert value(guest, call) == value(client, call)
            made = "CREATE MODEL m FROM (SELECT 1 a, 2 b) TARGET b FUNCTION f"
            assert refusal(guest, made)[0] == 1370
    finally:
        run(client, "DROP USER caller")


def test_a_function_made_anew_is_mysqls(client: Connection) -> None:
    run(
        client,
        "CREATE TABLE twos AS SELECT customer_id a, age b FROM customer_info_table",
        f"CREATE MODEL twice FROM twos TARGET b FUNCTION two_of {LINEAR}"
        " PROBLEM_TYPE REGRESSION",
        "DROP FUNCTION two_of",
        "CREATE FUNCTION two_of(a INT) RETURNS INT NO SQL RETURN 2 * a",
    )
    try:
        assert value(client, "SELECT two_of(21)") == 42
        run(client, "DROP MODEL twice")
        assert value(client, "SELECT two_of(21)") == 42  # it was never the model's
    finally:
        run(client, "DROP FUNCTION two_of", "DROP TABLE twos")


def test_a_prepared_statement_predicts(server: Server, schema: str) -> None:
    from mysql.connector import connect

    options = {"host": server.host, "port": server.port, "database": schema}
    with closing(connect(**options, **server.login, use_pure=True)) as connection:
        cursor = connection.cursor(prepared=True)
        cursor.execute(
            "SELECT customer_id FROM customer_info_table WHERE customer_id < %s AND"
            f" {CALL} IS NOT NULL ORDER BY 1",
            (3,),
        )
        assert cursor.fetchall() == [(0,), (1,), (2,)]
