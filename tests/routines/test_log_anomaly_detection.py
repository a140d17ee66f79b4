"""Log anomaly detection through a server."""

import json
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
USUAL = (
    "connection from 10.0.{}.{} closed after {} ms",
    "GET /page/{}.html 200 {} bytes in {} ms",
    "session {} opened for user u{} on port {}",
)
STRANGE = "kernel panic: fatal exception {} at {} in interrupt {}"


def lines(seed: int, n_rows: int, strange: set[int]) -> list[tuple[int, str, str, int]]:
    """id, log, source and label."""
    random = np.random.default_rng(seed)
    found = []
    for place in range(n_rows):
        form = STRANGE if place in strange else USUAL[random.integers(3)]
        text = form.format(*random.integers(1, 250, 3))
        found.append((place + 1, text, "ab"[place % 2], int(place in strange)))
    return found


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """logs of two sources, fresh ones with two panics, and the model ``panic``."""
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS logs",
            "CREATE DATABASE logs",
            "USE logs",
            "CREATE TABLE past (id INT PRIMARY KEY, line TEXT, host VARCHAR(5),"
            " label INT)",
            "CREATE TABLE fresh LIKE past",
        )
        with client.cursor() as cursor:
            for table, rows_of in (
                ("past", lines(1, 600, set())),
                ("fresh", lines(2, 60, {30, 47})),
            ):
                cursor.executemany(
                    f"INSERT INTO {table} VALUES (%s, %s, %s, %s)", rows_of
                )
        run(
            client,
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle = 'panic'",
            "SET @m = 'panic'",
            "CALL sys.ML_TRAIN('logs.past', NULL, JSON_OBJECT('task',"
            " 'log_anomaly_detection', 'exclude_column_list', JSON_ARRAY('label'),"
            " 'logad_options', JSON_OBJECT('window_size', 5, 'log_source_column',"
            " 'host', 'additional_masking_regex', JSON_ARRAY('u\\\\d+'),"
            " 'keyword_model', NULL)), @m)",
        )
        yield client
        run(
            client,
            "DROP DATABASE logs",
            f"DELETE FROM {CATALOG} WHERE model_handle = 'panic'",
        )


def test_the_output_has_a_row_for_each_segment_of_a_source(client: Connection) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS logs.found",
        "CALL sys.ML_PREDICT_TABLE('logs.fresh', 'panic', 'logs.found', NULL)",
    )
    names = [row[0] for row in rows(client, "SHOW COLUMNS FROM logs.found")]
    assert names == ["id", "parsed_log_segment", "ml_results"]
    found = rows(client, "SELECT id, ml_results FROM logs.found ORDER BY id")
    results = [json.loads(text) for _, text in found]
    assert [number for number, _ in found] == list(range(1, 13))
    assert results[0]["index_map"] == [1, 3, 5, 7, 9]
    assert list(results[0]) == ["index_map", "predictions", "probabilities"]
    strange = [r for r in results if r["predictions"]["is_anomaly"]]
    assert any(31 in r["index_map"] for r in strange)
    assert any(48 in r["index_map"] for r in strange)
    text = value(client, "SELECT parsed_log_segment FROM logs.found WHERE id = 1")
    assert len(text.split("\n")) == 5
    assert "<NUM>" in text
    assert "10.0." not in text


def test_segments_are_scored_by_the_labels_of_their_lines(client: Connection) -> None:
    run(
        client,
        "CALL sys.ML_SCORE('logs.fresh', 'label', 'panic', 'roc_auc', @score, NULL)",
    )
    assert value(client, "SELECT @score") == 1.0


def test_the_catalog_says_what_was_trained(client: Connection) -> None:
    ((kind, text),) = rows(
        client,
        "SELECT model_type, model_metadata"
        f" FROM {CATALOG} WHERE model_handle = 'panic'",
    )
    metadata = json.loads(text)
    assert kind == "GKNN"
    assert metadata["task"] == "log_anomaly_detection"
    assert metadata["column_names"] == ["line", "host"]
    assert metadata["training_params"]["window_size"] == 5


TRAIN = (
    "CALL sys.ML_TRAIN('logs.past', NULL, JSON_OBJECT('task',"
    " 'log_anomaly_detection', 'exclude_column_list', JSON_ARRAY('label'{}),"
    " 'logad_options', JSON_OBJECT({})), @none)"
)
REFUSED = {
    "two columns of text": (
        TRAIN.format("", "'window_size', 5"),
        "The log_anomaly_detection task needs one column of log lines, and the table"
        " has ['line', 'host']",
    ),
    "lines left out": (
        TRAIN.format(", 'host'", "'window_size', 5, 'window_stride', 6"),
        "window_stride (6) must not be larger than window_size (5).",
    ),
    "a bad expression": (
        TRAIN.format(", 'host'", "'additional_masking_regex', JSON_ARRAY('(')"),
        "additional_masking_regex: '(' is no regular expression.",
    ),
    "an embedding": (
        TRAIN.format(", 'host'", "'embedding_model', 'all_minilm_l12_v2'"),
        "heatproxy doesn't yet support 'logad_options embedding_model, which needs an"
        " LLM'",
    ),
    "a summary": (
        "CALL sys.ML_PREDICT_TABLE('logs.fresh', 'panic', 'logs.no', JSON_OBJECT("
        "'logad_options', JSON_OBJECT('summarize_logs', TRUE)))",
        "heatproxy doesn't yet support 'logad_options summarize_logs, which needs an"
        " LLM'",
    ),
    "a row": (
        "SELECT sys.ML_PREDICT_ROW('{}', 'panic', NULL)",
        "ML_PREDICT_ROW is not supported for log_anomaly_detection task.",
    ),
    "an explanation": (
        "CALL sys.ML_EXPLAIN('logs.past', NULL, 'panic', NULL)",
        "ML003076: ",
    ),
}


@pytest.mark.parametrize(("statement", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(
    client: Connection, statement: str, text: str
) -> None:
    number, message = refusal(client, statement)
    assert message.startswith(text)
    assert number == (1235 if text.startswith("heatproxy") else 3877)
