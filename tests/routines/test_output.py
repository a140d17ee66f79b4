"""The tables that ML_PREDICT_TABLE and ML_EXPLAIN_TABLE write."""

import json
from contextlib import closing

import pyarrow as pa
import pytest

from heatproxy.routines.output import LABEL_TYPES, label_type
from tests.asking import columns_of, refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection

KEY = "_4aad19ca6e_pk_id"
PREDICTED = ["Prediction", "ml_results"]
EXPLAINED = [
    *("Prediction", "age_attribution", "job_attribution", "balance_attribution"),
    *("Notes", "ml_results"),
]
MAKERS = {
    "ML_PREDICT_TABLE": PREDICTED,
    "ML_EXPLAIN_TABLE": EXPLAINED,
}
every_maker = pytest.mark.parametrize("maker", MAKERS)


def test_labels_of_every_arrow_type_have_a_column_type() -> None:
    assert [label_type(kind) for kind, _ in LABEL_TYPES] == [t for _, t in LABEL_TYPES]
    assert label_type(pa.decimal128(10, 2)) == "decimal(10,2)"
    assert label_type(pa.string()) == "varchar(255)"


@pytest.fixture
def make(client: Connection) -> None:
    """Input tables with every kind of key and column."""
    run(
        client,
        "DROP TABLE IF EXISTS no_key, composite, taken, everything, no_row, made",
        "CREATE TABLE no_key AS SELECT * FROM customers LIMIT 30",
        "CREATE TABLE composite (age int, b int, job varchar(10), a varchar(5),"
        " balance double, PRIMARY KEY (a, b))",
        "INSERT INTO composite SELECT age, ROW_NUMBER() OVER (), job, 'é', balance"
        " FROM no_key",
        f"CREATE TABLE taken (`{KEY}` int, age int, job varchar(10), balance double)",
        "CREATE TABLE no_row LIKE customers",
        "CREATE TABLE everything (id bigint unsigned PRIMARY KEY INVISIBLE, age int,"
        " job enum('clerk','nurse','pilot'), balance decimal(10,2), d date,"
        " ts timestamp(3) NULL, dt datetime(6), tm time(2), yr year, js json,"
        " bt bit(3), bl blob, bu bigint unsigned, f float, se set('a','b'),"
        " latin varchar(9) CHARACTER SET latin1 COLLATE latin1_german1_ci,"
        " made int AS (age + 1), `it's ``odd`` é` varchar(3) NOT NULL)",
        "INSERT INTO everything (id, age, job, balance, d, ts, dt, tm, yr, js, bt, bl,"
        " bu, f, se, latin, `it's ``odd`` é`) SELECT 18446744073709551615 - b, age,"
        " job, balance, '2024-01-02', '2024-01-02 03:04:05.678',"
        " '2024-01-02 03:04:05.123456', '-838:59:58.5', 2024, '{\"a\": 1.0}', 5,"
        " x'00ff', 18446744073709551615, 0.1, 'a,b', 'größe', '\\\\' FROM composite",
    )


def call(maker: str, table: str, model: str = "bayes", options: str = "NULL") -> str:
    return (
        f"CALL sys.{maker}('routines.{table}', '{model}', 'routines.made', {options})"
    )


def names(client: Connection, table: str) -> list[str]:
    return [name for name, _ in columns_of(client, table)]


@pytest.mark.mysql
@every_maker
def test_without_a_key_one_is_generated_and_comes_first(
    client: Connection, make: None, maker: str
) -> None:
    run(client, call(maker, "no_key"))
    assert names(client, "made") == [KEY, "age", "job", "balance", "y", *MAKERS[maker]]
    assert rows(client, f"SELECT {KEY} FROM made") == [(n,) for n in range(1, 31)]
    kept = rows(client, f"SELECT age, job, balance, y FROM made ORDER BY {KEY}")
    assert kept == rows(client, "SELECT * FROM no_key")


@pytest.mark.mysql
@every_maker
def test_the_inputs_key_comes_first(client: Connection, make: None, maker: str) -> None:
    run(client, call(maker, "composite"))
    assert names(client, "made") == ["b", "a", "age", "job", "balance", *MAKERS[maker]]
    keys = rows(client, "SHOW KEYS FROM made")
    assert {(row[2], row[4]) for row in keys} == {("PRIMARY", "a"), ("PRIMARY", "b")}


@pytest.mark.mysql
@every_maker
def test_every_column_is_repeated_with_its_type_and_its_values(
    client: Connection, make: None, maker: str
) -> None:
    run(client, call(maker, "everything"))
    types = (
        "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME"
        " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'routines'"
        " AND TABLE_NAME = '{}' ORDER BY ORDINAL_POSITION"
    )
    given = rows(client, types.format("everything"))
    made = rows(client, types.format("made"))
    assert made[: len(given)] == given
    assert [row[0] for row in made[len(given) :]] == MAKERS[maker]
    listed = ", ".join("`" + row[0].replace("`", "``") + "`" for row in given)
    assert rows(client, f"SELECT {listed} FROM made ORDER BY id") == rows(
        client, f"SELECT {listed} FROM everything ORDER BY id"
    )


@pytest.mark.mysql
@every_maker
def test_an_empty_table_gives_an_empty_table(
    client: Connection, make: None, maker: str
) -> None:
    run(client, call(maker, "no_row"))
    assert value(client, "SELECT COUNT(*) FROM made") == 0
    assert names(client, "made")[-len(MAKERS[maker]) :] == MAKERS[maker]


@pytest.mark.mysql
@every_maker
@pytest.mark.parametrize(
    ("table", "number", "words"),
    [
        ("taken", 1060, f"Duplicate column name '{KEY}'"),
        ("houses", 3877, "ML003011: Columns of provided data need to match"),
        ("nope", 1146, "Table 'routines.nope' doesn't exist"),
        ("seen_too", 1347, "'routines.seen_too' is not BASE TABLE"),
        ("passing", 1235, "a temporary table as input"),
    ],
)
def test_a_table_that_cannot_be_predicted_leaves_no_output(
    client: Connection, make: None, maker: str, table: str, number: int, words: str
) -> None:
    run(
        client,
        "CREATE OR REPLACE VIEW seen_too AS SELECT * FROM customers",
        "DROP TEMPORARY TABLE IF EXISTS passing",
        "CREATE TEMPORARY TABLE passing AS SELECT * FROM customers",
    )
    found, text = refusal(client, call(maker, table))
    assert (found, words in text) == (number, True), text
    assert rows(client, "SHOW TABLES LIKE 'made'") == []


@pytest.mark.mysql
@every_maker
def test_an_output_that_exists_is_left_alone(
    client: Connection, make: None, maker: str
) -> None:
    run(client, "CREATE TABLE made (id int)")
    assert refusal(client, call(maker, "no_key")) == (
        1050,
        "Table 'made' already exists",
    )
    assert names(client, "made") == ["id"]


@pytest.mark.mysql
def test_an_input_with_predictions_of_its_own_is_refused_by_mysql(
    client: Connection, make: None
) -> None:
    run(client, "ALTER TABLE no_key ADD prediction int")
    number, text = refusal(client, call("ML_PREDICT_TABLE", "no_key"))
    assert (number, text) == (1060, "Duplicate column name 'Prediction'")
    assert rows(client, "SHOW TABLES LIKE 'made'") == []


@pytest.mark.mysql
def test_drift_is_added_when_details_are_asked_for(
    client: Connection, make: None
) -> None:
    options = "JSON_OBJECT('additional_details', true)"
    run(client, call("ML_PREDICT_TABLE", "no_key", options=options))
    (found, *_) = rows(client, "SELECT ml_results FROM made")
    drift = json.loads(found[0])["drift"]
    assert list(drift) == ["metric", "attribution_percent"]
    assert len(drift["attribution_percent"]) == 3


@pytest.mark.mysql
def test_predicting_needs_the_right_to_create_the_output(
    client: Connection, server: Server, make: None
) -> None:
    run(
        client,
        "DROP USER IF EXISTS looker",
        "CREATE USER looker IDENTIFIED BY 'pw'",
        "GRANT SELECT ON routines.* TO looker",
        "GRANT SELECT ON ML_SCHEMA_admin.* TO looker",
        "GRANT EXECUTE ON sys.* TO looker",
    )
    with closing(server.connect(user="looker", password="pw")) as looker:
        run(looker, "CALL sys.ML_MODEL_LOAD('bayes', 'admin')")
        number, text = refusal(looker, call("ML_PREDICT_TABLE", "no_key"))
    assert (number, "CREATE command denied" in text) == (1142, True)
    run(client, "DROP USER looker")
