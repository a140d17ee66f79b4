"""Anomaly detection through a server: the statements of HeatWave's notebooks."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
N_ROWS, N_STRANGE = 400, 8


def readings(seed: int) -> list[tuple[Any, ...]]:
    """id, two numbers, a word and a label; the last few rows lie far off."""
    random = np.random.default_rng(seed)
    found: list[tuple[Any, ...]] = []
    for place in range(N_ROWS):
        strange = place >= N_ROWS - N_STRANGE
        x, y = random.normal(9.0 if strange else 0.0, 1.0, 2).round(3).tolist()
        found.append((place + 1, x, y, "ab"[place % 2], int(strange)))
    return found


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """readings, labelled (every eighth label is known), and the model ``strange``."""
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS anomalies",
            "CREATE DATABASE anomalies",
            "USE anomalies",
            "CREATE TABLE readings (id INT PRIMARY KEY, x DOUBLE, y DOUBLE,"
            " word VARCHAR(5), is_anomaly INT)",
        )
        with client.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO readings VALUES (%s, %s, %s, %s, %s)", readings(1)
            )
        run(
            client,
            "CREATE TABLE labelled AS SELECT id, x, y, word,"
            " IF(id % 8 = 0 OR id > 394, is_anomaly, NULL) AS label FROM readings",
            "CREATE TABLE nothing LIKE readings",
            "SET @m = 'strange', @half = 'half'",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle IN ('strange', 'half')",
            "CALL sys.ML_TRAIN('anomalies.readings', NULL, JSON_OBJECT('task',"
            " 'anomaly_detection', 'exclude_column_list',"
            " JSON_ARRAY('is_anomaly', 'id'), 'contamination', 0.02), @m)",
            "CALL sys.ML_MODEL_LOAD(@m, NULL)",
        )
        yield client
        run(
            client,
            "DROP DATABASE anomalies",
            f"DELETE FROM {CATALOG} WHERE model_handle IN ('strange', 'half')",
        )


def score(client: Connection, metric: str, options: str = "NULL") -> float:
    run(
        client,
        "SET @score = NULL",
        "CALL sys.ML_SCORE('anomalies.readings', 'is_anomaly', 'strange',"
        f" '{metric}', @score, {options})",
    )
    return float(value(client, "SELECT @score"))


def test_what_lies_far_off_is_found_without_labels(client: Connection) -> None:
    assert score(client, "roc_auc") > 0.99
    assert score(client, "precision_k", f"JSON_OBJECT('topk', {N_STRANGE})") == 1.0
    assert score(client, "f1") > 0.9


def test_the_table_of_answers_has_the_input_and_results_but_no_prediction(
    client: Connection,
) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS anomalies.found",
        "CALL sys.ML_PREDICT_TABLE('anomalies.readings', 'strange',"
        " 'anomalies.found', JSON_OBJECT('threshold', 0.6))",
    )
    named = rows(client, "SHOW COLUMNS FROM anomalies.found")
    assert [row[0] for row in named] == [
        *("id", "x", "y", "word", "is_anomaly"),
        "ml_results",
    ]
    (text,) = rows(client, "SELECT ml_results FROM anomalies.found WHERE id = 400")[0]
    result = json.loads(text)
    assert list(result) == ["predictions", "probabilities"]
    assert result["predictions"] == {"is_anomaly": 1}
    assert result["probabilities"]["anomaly"] > 0.6
    assert sum(result["probabilities"].values()) == pytest.approx(1.0)
    found = value(
        client,
        "SELECT COUNT(*) FROM anomalies.found WHERE"
        " JSON_EXTRACT(ml_results, '$.predictions.is_anomaly') = 1",
    )
    assert 1 <= found <= N_STRANGE


def test_topk_marks_so_many_rows(client: Connection) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS anomalies.found",
        "CALL sys.ML_PREDICT_TABLE('anomalies.readings', 'strange',"
        " 'anomalies.found', JSON_OBJECT('topk', 3))",
    )
    found = rows(
        client,
        "SELECT id FROM anomalies.found WHERE"
        " JSON_EXTRACT(ml_results, '$.predictions.is_anomaly') = 1",
    )
    assert len(found) == 3
    assert all(row[0] > N_ROWS - N_STRANGE for row in found)


def test_a_row_is_answered_with_drift_when_it_is_asked_for(client: Connection) -> None:
    answer = json.loads(
        value(
            client,
            "SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('x', 12, 'y', 11.5, 'word', 'z',"
            " 'more', 1), 'strange', JSON_OBJECT('additional_details', true))",
        )
    )
    assert "Prediction" not in answer
    assert answer["more"] == 1
    assert answer["ml_results"]["predictions"] == {"is_anomaly": 1}
    assert answer["ml_results"]["drift"]["metric"] > 1.0


def test_texts_that_were_read_as_numbers_are_echoed_as_numbers(
    client: Connection,
) -> None:
    answer = json.loads(
        value(
            client,
            'SELECT sys.ML_PREDICT_ROW(\'{"x": "12", "y": 11, "word": "7"}\','
            " 'strange', NULL)",
        )
    )
    assert (answer["x"], answer["y"], answer["word"]) == (12.0, 11, "7")


def test_the_catalog_says_what_was_trained(client: Connection) -> None:
    ((kind, target, text),) = rows(
        client,
        "SELECT model_type, target_column_name, model_metadata"
        f" FROM {CATALOG} WHERE model_handle = 'strange'",
    )
    metadata = json.loads(text)
    assert (kind, target) == ("GKNN", None)
    assert metadata["algorithm_name"] == "GKNN"
    assert metadata["contamination"] == 0.019999999552965164
    assert metadata["training_score"] is None
    assert metadata["model_quality"] is None
    assert metadata["hyperparameters"] == {"max_anomaly_cluster_size": 100}
    assert metadata["column_names"] == ["x", "y", "word"]
    assert metadata["training_params"]["anomaly_detection_threshold"] == 0.5
    assert metadata["training_params"]["semisupervised"] is False


def test_a_few_labels_are_learned_from(client: Connection) -> None:
    run(
        client,
        f"DELETE FROM {CATALOG} WHERE model_handle = 'half'",
        "SET @half = 'half'",
        "CALL sys.ML_TRAIN('anomalies.labelled', 'label', CAST('{\"task\":"
        ' "anomaly_detection", "experimental": {"semisupervised": {'
        '"supervised_submodel_options": {"min_labels": 10}}},'
        ' "exclude_column_list": ["id"]}\' AS JSON), @half)',
        "CALL sys.ML_SCORE('anomalies.readings', 'is_anomaly', @half, 'roc_auc',"
        " @score, JSON_OBJECT('supervised_submodel_weight', 0.5))",
    )
    assert value(client, "SELECT @score") > 0.99
    text = value(
        client,
        "SELECT JSON_EXTRACT(model_metadata,"
        " '$.options.experimental.semisupervised')"
        f" FROM {CATALOG} WHERE model_handle = 'half'",
    )
    shown = json.loads(text)
    assert shown["supervised_submodel_class"] == "DistanceWeightedKNNClassifier"
    assert shown["ensemble_score"] == "f1"
    assert 0 < shown["supervised_submodel_weight"] < 1


REFUSED = {
    "a target without labels to learn from": (
        "CALL sys.ML_TRAIN('anomalies.readings', 'is_anomaly',"
        " JSON_OBJECT('task', 'anomaly_detection'), @none)",
        "ML006006: target_column_name should be NULL or empty string.",
    ),
    "contamination of a half": (
        "CALL sys.ML_TRAIN('anomalies.readings', NULL,"
        " JSON_OBJECT('task', 'anomaly_detection', 'contamination', 0.5), @none)",
        "ML003071: contamination must be numeric value greater than 0",
    ),
    "no rows": (
        "CALL sys.ML_TRAIN('anomalies.nothing', NULL,"
        " JSON_OBJECT('task', 'anomaly_detection'), @none)",
        "ML001052: All columns are dropped.",
    ),
    "another threshold": (
        "CALL sys.ML_PREDICT_TABLE('anomalies.readings', 'strange', 'anomalies.no',"
        " JSON_OBJECT('threshold', 2))",
        "ML003074: threshold must be a numeric value between 0 and 1, inclusively",
    ),
    "more than there are": (
        "CALL sys.ML_PREDICT_TABLE('anomalies.readings', 'strange', 'anomalies.no',"
        " JSON_OBJECT('topk', 401))",
        "ML003073: topk must be an integer value between 1 and length of the table,"
        " inclusively (1 <= topk <= 400).",
    ),
    "both limits": (
        "CALL sys.ML_PREDICT_TABLE('anomalies.readings', 'strange', 'anomalies.no',"
        " JSON_OBJECT('topk', 4, 'threshold', 0.5))",
        "topk and threshold cannot be given together.",
    ),
    "topk of a row": (
        "SELECT sys.ML_PREDICT_ROW('{}', 'strange', JSON_OBJECT('topk', 1))",
        "ML_PREDICT_ROW takes no option topk for this task.",
    ),
    "a column that is not there": (
        "SELECT sys.ML_PREDICT_ROW('{\"x\": 1}', 'strange', NULL)",
        "ML003011: Columns of provided data need to match those used for training. ",
    ),
    "an explanation": (
        "CALL sys.ML_EXPLAIN('anomalies.readings', NULL, 'strange', NULL)",
        "ML003076: ML_EXPLAIN, ML_EXPLAIN_ROW and ML_EXPLAIN_TABLE are not supported"
        " for anomaly_detection task.",
    ),
    "an explanation of a table": (
        "CALL sys.ML_EXPLAIN_TABLE('anomalies.readings', 'strange', 'anomalies.no',"
        " NULL)",
        "ML003076: ",
    ),
    "an explanation of a row": (
        "SELECT sys.ML_EXPLAIN_ROW('{}', 'strange', NULL)",
        "ML003076: ",
    ),
    "an option of another task": (
        "CALL sys.ML_PREDICT_TABLE('anomalies.readings', 'strange', 'anomalies.no',"
        " JSON_OBJECT('recommend', 'items'))",
        "heatproxy doesn't yet support 'ML_PREDICT_TABLE option recommend for this"
        " task'",
    ),
    "a metric of another task": (
        "CALL sys.ML_SCORE('anomalies.readings', 'is_anomaly', 'strange', 'r2', @s,"
        " NULL)",
        "ML003020: Unsupported scoring metric (r2) for task (anomaly_detection).",
    ),
    "precision_k without k": (
        "CALL sys.ML_SCORE('anomalies.readings', 'is_anomaly', 'strange',"
        " 'precision_k', @s, NULL)",
        "ML003022: The metric precision_k needs topk and takes no threshold.",
    ),
    "roc_auc with a threshold": (
        "CALL sys.ML_SCORE('anomalies.readings', 'is_anomaly', 'strange',"
        " 'roc_auc', @s, JSON_OBJECT('threshold', 0.5))",
        "ML003022: The metric roc_auc takes no threshold or topk.",
    ),
    "labels that are none": (
        "CALL sys.ML_SCORE('anomalies.readings', 'x', 'strange', 'f1', @s, NULL)",
        "The label column 'x' must hold 0 (normal) and 1 (anomaly)",
    ),
}


@pytest.mark.parametrize(("statement", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(
    client: Connection, statement: str, text: str
) -> None:
    number, message = refusal(client, statement)[:2]
    assert message.startswith(text)
    assert number == (1235 if text.startswith("heatproxy") else 3877)
