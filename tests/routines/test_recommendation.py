"""Recommendation through a server: the statements of HeatWave's manual."""

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
TRAIN = (
    "CALL sys.ML_TRAIN('tastes.ratings', 'rating', JSON_OBJECT('task',"
    " 'recommendation', 'users', 'user_id', 'items', 'item_id'{}), {})"
)


def ratings(seed: int) -> list[tuple[str, str, float]]:
    """Forty users of two tastes rate about half of twenty items of two kinds."""
    random = np.random.default_rng(seed)
    found = []
    for user in range(40):
        for item in range(20):
            if random.random() < 0.5:
                likes = user % 2 == item % 2
                rating = (4.6 if likes else 1.6) + random.normal(0, 0.3)
                found.append((f"u{user}", f"é{item}", float(round(rating, 1))))
    return found


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """ratings, and the models ``taste`` of all of them and ``use`` of the good ones."""
    names = "('taste', 'use', 'base')"
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS tastes",
            "CREATE DATABASE tastes",
            "USE tastes",
            "CREATE TABLE ratings (user_id VARCHAR(9), item_id VARCHAR(9),"
            " rating DOUBLE, at DATETIME DEFAULT NULL)",
            "CREATE TABLE numbered (user_id INT, item_id VARCHAR(9), rating INT)",
            "INSERT INTO numbered VALUES (1, 'a', 2)",
            "CREATE TABLE gaps (user_id VARCHAR(9), item_id VARCHAR(9), rating INT)",
            "INSERT INTO gaps VALUES ('u1', 'é1', NULL), (NULL, 'é1', 3)",
        )
        with client.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ratings (user_id, item_id, rating) VALUES (%s, %s, %s)",
                ratings(1),
            )
        run(
            client,
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle IN {names}",
            "SET @taste = 'taste', @use = 'use'",
            TRAIN.format("", "@taste"),
            TRAIN.format(
                ", 'feedback', 'implicit', 'feedback_threshold', 4,"
                " 'model_list', JSON_ARRAY('BPR')",
                "@use",
            ),
        )
        yield client
        run(
            client,
            "DROP DATABASE tastes",
            f"DELETE FROM {CATALOG} WHERE model_handle IN {names}",
        )


def answer(client: Connection, row: str, options: str, model: str = "taste") -> Any:
    text = value(client, f"SELECT sys.ML_PREDICT_ROW('{row}', '{model}', {options})")
    return json.loads(text)


def score(client: Connection, metric: str, model: str, options: str = "NULL") -> float:
    run(
        client,
        f"CALL sys.ML_SCORE('tastes.ratings', 'rating', '{model}', '{metric}',"
        f" @score, {options})",
    )
    return float(value(client, "SELECT @score"))


def test_ratings_are_near_those_that_were_given(client: Connection) -> None:
    assert score(client, "neg_root_mean_squared_error", "taste") > -0.6
    assert score(client, "r2", "taste") > 0.8
    assert score(client, "neg_mean_squared_error", "taste") == pytest.approx(
        -(score(client, "neg_root_mean_squared_error", "taste") ** 2), rel=1e-5
    )


def test_a_rating_of_a_row(client: Connection) -> None:
    liked = answer(client, '{"user_id": "u3", "item_id": "é5", "seen": 1}', "NULL")
    other = answer(client, '{"user_id": "u3", "item_id": "é6"}', "NULL")
    assert list(liked) == ["seen", "item_id", "user_id", "ml_results"]
    (rating,) = liked["ml_results"]["predictions"].values()
    assert rating == round(rating, 2)
    assert rating > other["ml_results"]["predictions"]["rating"] + 1


def test_items_for_a_user_are_new_to_them_unless_it_is_asked_otherwise(
    client: Connection,
) -> None:
    seen = {
        r[0]
        for r in rows(client, "SELECT item_id FROM tastes.ratings WHERE user_id = 'u3'")
    }
    options = "JSON_OBJECT('recommend', 'items', 'topk', {}{})"
    few = answer(client, '{"user_id": "u3"}', options.format(3, ""))
    found = few["ml_results"]["predictions"]
    assert set(found) == {"item_id", "rating"}
    assert not seen & set(found["item_id"])
    assert found["rating"] == sorted(found["rating"], reverse=True)
    every = answer(
        client,
        '{"user_id": "u3"}',
        options.format(50, ", 'remove_seen', 'false'"),
    )
    assert len(every["ml_results"]["predictions"]["item_id"]) == 20
    left = answer(client, '{"user_id": "u3"}', options.format(50, ""))
    assert set(left["ml_results"]["predictions"]["item_id"]).isdisjoint(seen)


def test_somebody_new_gets_what_all_like_best(client: Connection) -> None:
    found = answer(
        client, '{"user_id": "nobody"}', "JSON_OBJECT('recommend', 'users_to_items')"
    )["ml_results"]["predictions"]
    best = rows(
        client,
        "SELECT item_id FROM tastes.ratings GROUP BY item_id"
        " ORDER BY AVG(rating) DESC, item_id LIMIT 3",
    )
    assert found["item_id"] == [row[0] for row in best]


def test_users_for_an_item_and_what_is_like_it(client: Connection) -> None:
    users = answer(
        client, '{"item_id": "é4"}', "JSON_OBJECT('recommend', 'users', 'topk', 2)"
    )["ml_results"]["predictions"]
    assert [int(name[1:]) % 2 for name in users["user_id"]] == [0, 0]
    items = answer(
        client,
        '{"item_id": "é4"}',
        "JSON_OBJECT('recommend', 'items_to_items', 'topk', 4)",
    )["ml_results"]["predictions"]
    assert set(items) == {"item_id", "similarity"}
    assert [int(name[1:]) % 2 for name in items["item_id"]] == [0] * 4
    assert "é4" not in items["item_id"]


def test_a_table_of_answers(client: Connection) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS tastes.found",
        "CALL sys.ML_PREDICT_TABLE('tastes.ratings', 'taste', 'tastes.found',"
        " JSON_OBJECT('recommend', 'ratings'))",
    )
    names = [row[0] for row in rows(client, "SHOW COLUMNS FROM tastes.found")]
    assert names == [
        *("_4aad19ca6e_pk_id", "user_id", "item_id", "rating", "at", "ml_results"),
    ]
    apart = value(
        client,
        "SELECT AVG(ABS(rating - JSON_EXTRACT(ml_results, '$.predictions.rating')))"
        " FROM tastes.found",
    )
    assert apart < 0.6


def test_what_is_used_is_ranked(client: Connection) -> None:
    options = "JSON_OBJECT('threshold', 4, 'remove_seen', false, 'topk', 5)"
    assert score(client, "precision_at_k", "use", options) > 0.6
    assert score(client, "ndcg_at_k", "use", options) > 0.6
    assert score(client, "hit_ratio_at_k", "use", options) > 0.9
    recall = score(client, "recall_at_k", "use", options)
    assert 0.3 < recall <= 1.0


def test_the_catalog_says_what_was_trained(client: Connection) -> None:
    found = rows(
        client,
        "SELECT model_type, target_column_name, model_metadata"
        f" FROM {CATALOG} WHERE model_handle IN ('taste', 'use') ORDER BY model_id",
    )
    explicit, implicit = (json.loads(row[2]) for row in found)
    assert [row[1] for row in found] == ["rating", "rating"]
    assert explicit["algorithm_name"] == found[0][0]
    assert explicit["optimization_metric"] == "neg_root_mean_squared_error"
    assert explicit["training_score"] < 0
    assert explicit["model_quality"] == "high"
    assert explicit["column_names"] == ["user_id", "item_id"]
    assert implicit["algorithm_name"] == "BPR"
    assert implicit["optimization_metric"] == "precision_at_k"
    assert implicit["training_params"]["feedback_threshold"] == 4
    assert implicit["n_selected_rows"] < implicit["n_rows"]


REFUSED = {
    "no users": (
        "CALL sys.ML_TRAIN('tastes.ratings', 'rating', JSON_OBJECT('task',"
        " 'recommendation', 'items', 'item_id'), @none)",
        "ML_TRAIN: the recommendation task needs the option users.",
    ),
    "no target": (
        "CALL sys.ML_TRAIN('tastes.ratings', NULL, JSON_OBJECT('task',"
        " 'recommendation', 'users', 'user_id', 'items', 'item_id'), @none)",
        "ML006016: ",
    ),
    "an unknown model": (
        TRAIN.format(", 'model_list', JSON_ARRAY('Magic')", "@none"),
        "'Magic' is not a model of the recommendation task: known are Baseline,",
    ),
    "TwoTower with others": (
        TRAIN.format(", 'model_list', JSON_ARRAY('SVD', 'TwoTower')", "@none"),
        "The model TwoTower cannot be combined with other models in model_list.",
    ),
    "a table of items for a model of ratings alone": (
        TRAIN.format(
            ", 'model_list', JSON_ARRAY('SVD'),"
            " 'item_metadata', JSON_OBJECT('table_name', 'tastes.items')",
            "@none",
        ),
        "heatproxy doesn't yet support 'ML_TRAIN option item_metadata for model SVD'",
    ),
    "a metric of ratings for implicit feedback": (
        TRAIN.format(", 'feedback', 'implicit', 'optimization_metric', 'r2'", "@none"),
        "ML003020: Unsupported scoring metric (r2) for task (recommendation).",
    ),
    "users that are numbers": (
        "CALL sys.ML_TRAIN('tastes.numbered', 'rating', JSON_OBJECT('task',"
        " 'recommendation', 'users', 'user_id', 'items', 'item_id'), @none)",
        "Column 'user_id' of type int32 must be CHAR or VARCHAR",
    ),
    "a rating that is NULL": (
        "CALL sys.ML_TRAIN('tastes.gaps', 'rating', JSON_OBJECT('task',"
        " 'recommendation', 'users', 'user_id', 'items', 'item_id'), @none)",
        "ML001053: Unlabeled samples",
    ),
    "a user that is NULL": (
        "CALL sys.ML_PREDICT_TABLE('tastes.gaps', 'taste', 'tastes.no', NULL)",
        "Column 'user_id' must not hold NULL.",
    ),
    "no column of items": (
        "SELECT sys.ML_PREDICT_ROW('{\"user_id\": \"u1\"}', 'taste', NULL)",
        "ML003011: Columns of provided data need to match those used for training. "
        "Provided - ['user_id'] vs Trained - ['user_id', 'item_id']",
    ),
    "an unknown recommendation": (
        "SELECT sys.ML_PREDICT_ROW('{}', 'taste', JSON_OBJECT('recommend', 'all'))",
        "ML006005: ML_PREDICT_ROW: option 'recommend' must be one of ratings, items,",
    ),
    "an explanation": (
        "CALL sys.ML_EXPLAIN('tastes.ratings', 'rating', 'taste', NULL)",
        "ML003076: ML_EXPLAIN, ML_EXPLAIN_ROW and ML_EXPLAIN_TABLE are not supported"
        " for recommendation task.",
    ),
}


@pytest.mark.parametrize(("statement", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(
    client: Connection, statement: str, text: str
) -> None:
    number, message = refusal(client, statement)
    assert message.startswith(text)
    assert number == (1235 if text.startswith("heatproxy") else 3877)
