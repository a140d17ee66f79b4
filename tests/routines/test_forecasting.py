"""Forecasting through a server: the statements of labs, intervals, scores, refusals."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server

pytestmark = pytest.mark.mysql

Connection = Any
CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
QUICK = "'model_list', JSON_ARRAY('NaiveForecaster', 'ThetaForecaster')"
SERIES = (
    "'task', 'forecasting', 'datetime_index', 'day',"
    " 'endogenous_variables', JSON_ARRAY('mw')"
)
# a week whose Sundays are low, and a little growth
MW = "600 + 0.1 * n - 100 * (n % 7 = 6) + (n * 37 % 11)"


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    """power and power_next, days with their weekday as text; the model ``watts``."""
    name = "forecasts"
    numbers = (
        "WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 139)"
        f" SELECT DATE '2024-01-01' + INTERVAL n DAY AS day, {MW} AS mw,"
        " 50 - mod(n, 7) + 0.5 * n AS `größe`,"
        " CAST(WEEKDAY(DATE '2024-01-01' + INTERVAL n DAY) AS CHAR) AS weekday FROM s"
    )
    with closing(server.connect()) as admin:
        run(
            admin,
            f"DROP DATABASE IF EXISTS {name}",
            f"CREATE DATABASE {name}",
            f"USE {name}",
            f"CREATE TABLE days (PRIMARY KEY (day)) AS {numbers}",
            "CREATE TABLE power AS SELECT * FROM days ORDER BY day LIMIT 105",
            "CREATE TABLE power_next LIKE days",
            "INSERT INTO power_next SELECT * FROM days"
            " WHERE day > (SELECT MAX(day) FROM power)",
            "CREATE TABLE empty_power LIKE power",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle LIKE 'watts%'",
            "SET @watts = 'watts'",
            f"CALL sys.ML_TRAIN('{name}.power', NULL,"
            f" JSON_OBJECT({SERIES}, {QUICK}, 'notes', 'days'), @watts)",
        )
        yield name
        run(admin, f"DROP DATABASE {name}")


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    with closing(server.connect(database=schema)) as connection:
        yield connection


def predicted(client: Connection, handle: str, options: str) -> list[dict[str, Any]]:
    """What is forecast of power_next, in the order of the days."""
    run(client, "DROP TABLE IF EXISTS said")
    run(
        client,
        f"CALL sys.ML_PREDICT_TABLE('forecasts.power_next', '{handle}',"
        f" 'forecasts.said', {options})",
    )
    texts = rows(client, "SELECT ml_results FROM said ORDER BY day")
    return [json.loads(text)["predictions"] for (text,) in texts]


def test_the_output_repeats_the_input_and_adds_results_alone(
    client: Connection,
) -> None:
    predicted(client, "watts", "NULL")
    columns = [name for name, *_ in rows(client, "SHOW COLUMNS FROM said")]
    assert columns == ["day", "mw", "größe", "weekday", "ml_results"]
    first, text = rows(client, "SELECT mw, ml_results FROM said ORDER BY day")[0]
    assert text.startswith('{"predictions": {"mw": ')
    said = json.loads(text)["predictions"]
    assert list(said) == ["mw", "prediction_interval_mw"]
    assert abs(said["mw"] - float(first)) < 20


def test_a_season_is_found_and_scored(client: Connection) -> None:
    run(
        client,
        "CALL sys.ML_MODEL_LOAD('watts', NULL)",
        "CALL sys.ML_SCORE('forecasts.power_next', 'MW', 'watts',"
        " 'neg_sym_mean_abs_percent_error', @score, NULL)",
        "CALL sys.ML_SCORE('forecasts.power_next', NULL, 'watts',"
        " 'neg_mean_absolute_error', @off)",
    )
    score, off = rows(client, "SELECT @score, @off")[0]
    assert -0.02 < score < 0
    assert -10 < off < 0


@pytest.mark.parametrize("share", ["0.5", "'0.8'", "0.99"])
def test_intervals_hold_their_share_of_the_days(client: Connection, share: str) -> None:
    said = predicted(client, "watts", f"JSON_OBJECT('prediction_interval', {share})")
    usual = predicted(client, "watts", "NULL")
    widths = [b["prediction_interval_mw"][1] - b["prediction_interval_mw"][0]
              for b in (said[0], usual[0])]  # fmt: skip
    assert all(
        low <= row["mw"] <= high
        for row in said
        for low, high in [row["prediction_interval_mw"]]
    )
    assert (widths[0] < widths[1]) == (float(share.strip("'")) < 0.95)


def test_the_catalog_tells_what_was_learned(client: Connection) -> None:
    ((kind, task, target, table, names, notes, text),) = rows(
        client,
        "SELECT model_type, task, target_column_name, train_table_name, column_names,"
        f" notes, model_metadata FROM {CATALOG} WHERE model_handle = 'watts'",
    )
    told = json.loads(text)
    assert kind in ("NaiveForecaster", "ThetaForecaster")
    assert (task, target, table, notes) == (
        *("forecasting", None, "forecasts.power"),
        "days",
    )
    assert json.loads(names) == told["column_names"] == ["day", "mw"]
    assert told["algorithm_name"] == kind
    assert (told["n_rows"], told["model_quality"]) == (105, "high")
    assert told["optimization_metric"] == "neg_sym_mean_abs_percent_error"
    assert -0.1 < told["training_score"] < 0
    assert told["options"]["datetime_index"] == "day"
    assert told["options"]["endogenous_variables"] == ["mw"]
    assert told["model_explanation"] == {}


def test_several_series_and_columns_known_beforehand(client: Connection) -> None:
    options = (
        "'task', 'forecasting', 'datetime_index', 'Day',"
        " 'endogenous_variables', JSON_ARRAY('MW', 'größe'),"
        " 'exogenous_variables', JSON_ARRAY('Weekday'),"
        " 'optimization_metric', 'neg_mean_squared_error',"
        " 'model_list', JSON_ARRAY('VARMAXForecaster')"
    )
    run(client, "SET @many = 'watts many'")
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = @many")
    run(
        client,
        f"CALL sys.ML_TRAIN('forecasts.power', 'MW', JSON_OBJECT({options}), @many)",
    )
    said = predicted(client, "watts many", "NULL")
    assert list(said[0]) == [
        *("mw", "größe", "prediction_interval_mw", "prediction_interval_größe")
    ]
    truth = rows(client, "SELECT mw, `größe` FROM power_next ORDER BY day")
    off = [abs(float(t[1]) - row["größe"]) for t, row in zip(truth, said, strict=True)]
    assert max(off) < 5
    assert value(
        client,
        "SELECT JSON_EXTRACT(model_metadata, '$.target_column_name') = 'mw'"
        f" FROM {CATALOG} WHERE model_handle = @many",
    )
    run(client, "DROP TABLE IF EXISTS later")
    run(client, "CREATE TABLE later AS SELECT * FROM power_next LIMIT 5 OFFSET 3")
    assert refusal(
        client,
        "CALL sys.ML_PREDICT_TABLE('forecasts.later', @many, 'forecasts.never', NULL)",
    ) == (
        3877,
        "The model uses exogenous variables: the first value of 'day' must be the one"
        " that follows upon the last of the training table.",
    )


REFUSED = {
    "no index": (
        "'endogenous_variables', JSON_ARRAY('mw')",
        "ML003053: datetime_index must be given for forecasting.",
    ),
    "nothing to forecast": (
        "'datetime_index', 'day'",
        "ML003054: endogenous_variables must be given for forecasting.",
    ),
    "no such column": (
        "'datetime_index', 'hour', 'endogenous_variables', JSON_ARRAY('mw')",
        "ML003039: Not all user specified columns are present in the input table -"
        " missing columns are {'hour'}.",
    ),
    "an option of another task": (
        "'datetime_index', 'day', 'endogenous_variables', JSON_ARRAY('mw'),"
        " 'users', 'u'",
        "unknown option 'users'",
    ),
    "an unknown metric": (
        "'datetime_index', 'day', 'endogenous_variables', JSON_ARRAY('mw'),"
        " 'optimization_metric', 'r2'",
        "ML003020: Unsupported scoring metric (r2) for task (forecasting).",
    ),
}


@pytest.mark.parametrize(("options", "text"), REFUSED.values(), ids=REFUSED)
def test_a_training_that_makes_no_sense_is_refused(
    client: Connection, options: str, text: str
) -> None:
    run(client, "SET @none = NULL")
    before = value(client, f"SELECT COUNT(*) FROM {CATALOG}")
    number, said = refusal(
        client,
        "CALL sys.ML_TRAIN('forecasts.power', NULL,"
        f" JSON_OBJECT('task', 'forecasting', {options}), @none)",
    )
    assert number == 3877
    assert text in said
    assert value(client, f"SELECT COUNT(*) FROM {CATALOG}") == before


def test_an_empty_table_is_refused(client: Connection) -> None:
    run(client, "SET @none = NULL")
    number, said = refusal(
        client,
        "CALL sys.ML_TRAIN('forecasts.empty_power', NULL,"
        f" JSON_OBJECT({SERIES}), @none)",
    )
    assert (number, said[:8]) == (3877, "ML001052")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('day', '2025-01-01'), 'watts', NULL)",
        "SELECT sys.ML_EXPLAIN_ROW(JSON_OBJECT('day', '2025-01-01'), 'watts', NULL)",
        "CALL sys.ML_EXPLAIN('forecasts.power', 'mw', 'watts', NULL)",
        "CALL sys.ML_EXPLAIN_TABLE('forecasts.power', 'watts', 'forecasts.no', NULL)",
    ],
)
def test_what_forecasting_has_not_is_refused_by_the_name_of_the_task(
    client: Connection, statement: str
) -> None:
    number, text = refusal(client, statement)
    assert number == 3877
    assert "not supported for forecasting task" in text


@pytest.mark.parametrize(
    ("options", "number", "text"),
    [
        ("'prediction_interval', 1", 3877, "above 0 and below 1"),
        ("'prediction_interval', 'wide'", 3877, "above 0 and below 1"),
        ("'topk', 3", 1235, "topk"),
        ("'treshold', 3", 3877, "unknown option 'treshold'"),
    ],
)
def test_a_wrong_option_of_a_prediction_is_refused(
    client: Connection, options: str, number: int, text: str
) -> None:
    got, said = refusal(
        client,
        "CALL sys.ML_PREDICT_TABLE('forecasts.power_next', 'watts', 'forecasts.no',"
        f" JSON_OBJECT({options}))",
    )
    assert got == number
    assert text in said
