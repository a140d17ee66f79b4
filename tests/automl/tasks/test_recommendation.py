"""Recommendation on tables of every kind, each model kept and read back."""

import json
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.orders import parse_options
from heatproxy.automl.recommend import CTR, EXPLICIT, IMPLICIT, TWO_TOWER
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.tasks.recommendation import RECOMMEND
from heatproxy.automl.work import trained
from heatproxy.errors import MySQLError
from tests.automl.conftest import quietly
from tests.automl.tasks.trained import fit, predict_options, score_options

TASK = "recommendation"
NAMES = {"users": "who", "items": "what"}
WITHOUT_TORCH = pytest.mark.skipif(
    find_spec("torch") is None, reason="TwoTower needs PyTorch"
)
MODELS = [
    pytest.param(
        kind.name, feedback, marks=WITHOUT_TORCH if kind.name == TWO_TOWER else ()
    )
    for feedback, kinds in (("explicit", EXPLICIT), ("implicit", IMPLICIT))
    for kind in kinds
    if kind.name != CTR  # which needs descriptions; see test_towers
]


def tastes(seed: int = 1, n_users: int = 30, n_items: int = 16) -> pa.Table:
    """Two kinds of users and of items; like likes like."""
    random = np.random.default_rng(seed)
    who, what = np.nonzero(random.random((n_users, n_items)) < 0.6)
    likes = who % 2 == what % 2
    rating = np.where(likes, 4.5, 1.5) + random.normal(0, 0.3, len(who))
    return pa.table(
        {
            "who": [f"u{place}" for place in who],
            "what": [f"i{place}" for place in what],
            "stars": rating.round(1),
        }
    )


def results(model: Any, table: pa.Table, **options: Any) -> list[dict[str, Any]]:
    added = model.predict(table, predict_options(TASK, **options)).added
    return [json.loads(text)["predictions"] for text in added["ml_results"].to_pylist()]


def score(model: Any, metric: str, table: pa.Table, **options: Any) -> float:
    return float(model.score(table, "stars", metric, score_options(TASK, **options)))


@pytest.fixture(scope="module")
def explicit() -> Any:
    return fit(tastes(), "stars", TASK, **NAMES)


@pytest.fixture(scope="module")
def implicit() -> Any:
    options = {"feedback": "implicit", "feedback_threshold": 3}
    return fit(tastes(), "stars", TASK, **NAMES, **options)


def test_the_best_of_all_models_knows_the_tastes(explicit: Any) -> None:
    assert explicit.facts.training_score > -0.7
    fresh = tastes(2)
    assert score(explicit, "neg_root_mean_squared_error", fresh) > -0.7
    assert score(explicit, "neg_mean_absolute_error", fresh) > -0.6
    assert score(explicit, "r2", fresh) > 0.7


@pytest.mark.parametrize(("name", "feedback"), MODELS)
def test_every_model_can_be_asked_for_and_kept(name: str, feedback: str) -> None:
    order = parse_options(
        {"task": TASK, **NAMES, "model_list": [name.lower()], "feedback": feedback}
    )
    model: Any = trained(tastes(), "stars", order, quietly, threads=1)
    assert model.facts.algorithm_name == name
    kept = from_bytes(to_bytes(model))
    again: Any = trained(tastes(), "stars", order, quietly, threads=2)
    pairs = tastes(3).slice(0, 30)
    for wanted in RECOMMEND:
        expected = results(model, pairs, recommend=wanted, topk=4)
        assert results(kept, pairs, recommend=wanted, topk=4) == expected
        assert results(again, pairs, recommend=wanted, topk=4) == expected
        # nothing depends on which rows come together
        assert results(kept, pairs.slice(7, 1), recommend=wanted, topk=4) == [
            expected[7]
        ]


@pytest.mark.parametrize("name", ["SVD", "SVDpp", "NMF", "CoClustering"])
def test_models_of_tastes_beat_the_mean_of_all(name: str) -> None:
    model = fit(tastes(), "stars", TASK, **NAMES, model_list=[name])
    assert score(model, "r2", tastes()) > 0.3


def test_lists_are_sorted_new_and_as_long_as_asked(explicit: Any) -> None:
    table = tastes()
    seen = {}
    for who, what in zip(*(table[c].to_pylist() for c in ("who", "what")), strict=True):
        seen.setdefault(who, set()).add(what)
    users = pa.table({"WHO": sorted(seen)})
    for who, result in zip(
        sorted(seen), results(explicit, users, recommend="items", topk=5), strict=True
    ):
        assert list(result) == ["what", "stars"]
        assert not seen[who] & set(result["what"])
        assert len(result["what"]) == min(5, 16 - len(seen[who]))
        assert result["stars"] == sorted(result["stars"], reverse=True)
    every = results(explicit, users, recommend="items", topk=99, remove_seen="false")
    assert {len(result["what"]) for result in every} == {16}


def test_who_has_seen_everything_gets_an_empty_list() -> None:
    table = pa.table(
        {"who": ["a", "a", "b"], "what": ["x", "y", "x"], "stars": [1, 5, 3]}
    )
    model = fit(table, "stars", TASK, **NAMES)
    asked = pa.table({"who": ["a", "b"]})
    first, second = results(model, asked, recommend="items")
    assert first == {"what": [], "stars": []}
    assert second["what"] == ["y"]


def test_somebody_new_gets_what_is_liked_or_used_most(
    explicit: Any, implicit: Any
) -> None:
    frame = tastes().to_pandas()
    asked = pa.table({"who": ["nobody"]})
    (liked,) = results(explicit, asked, recommend="items", topk=2)
    means = frame.groupby("what")["stars"].mean().sort_values(ascending=False)
    assert liked["what"] == list(means.index[:2])
    (used,) = results(implicit, asked, recommend="items", topk=1)
    counts = frame[frame["stars"] >= 3].groupby("what").size()
    assert counts[used["what"][0]] == counts.max()
    asked = pa.table({"what": ["nothing"]})
    (similar,) = results(explicit, asked, recommend="items_to_items")
    assert similar == {"what": [], "similarity": []}


def test_what_is_similar_is_of_the_same_kind(explicit: Any, implicit: Any) -> None:
    for model in (explicit, implicit):
        (items,) = results(
            model, pa.table({"what": ["i4"]}), recommend="items_to_items"
        )
        assert [int(name[1:]) % 2 for name in items["what"]] == [0, 0, 0]
        assert "i4" not in items["what"]
        (users,) = results(model, pa.table({"who": ["u5"]}), recommend="users_to_users")
        assert [int(name[1:]) % 2 for name in users["who"]] == [1, 1, 1]


def test_rankings_are_scored_by_hand() -> None:
    table = pa.table(
        {
            "who": ["a", "a", "b", "b", "c"],
            "what": ["p", "q", "p", "r", "q"],
            "stars": [5.0, 4.0, 5.0, 1.0, 4.0],
        }
    )
    model = fit(table, "stars", TASK, **NAMES, model_list=["Baseline"])
    truth = pa.table(
        {
            "who": ["a", "a", "new"],
            "what": ["p", "unheard of", "p"],
            "stars": [5.0, 5.0, 5.0],
        }
    )
    options = {"topk": 1, "threshold": 5, "remove_seen": False}
    # p is first for everybody: of a's two relevant items one is found
    assert score(model, "precision_at_k", truth, **options) == 1.0
    assert score(model, "recall_at_k", truth, **options) == 0.75
    assert score(model, "hit_ratio_at_k", truth, **options) == 1.0
    assert score(model, "ndcg_at_k", truth, **options) == 1.0
    # without what a has seen nothing relevant is left for a
    options["remove_seen"] = True
    assert score(model, "precision_at_k", truth, **options) == 0.5


def test_a_metric_of_rankings_can_be_optimized() -> None:
    options = {**NAMES, "optimization_metric": "ndcg_at_k"}
    model = fit(tastes(), "stars", TASK, **options, model_list=["SVD", "Baseline"])
    assert model.facts.optimization_metric == "ndcg_at_k"
    assert 0.0 <= model.facts.training_score <= 1.0


ODD_TABLES = {
    "one row": {"who": ["a"], "what": ["x"], "stars": [3]},
    "one user": {"who": ["a"] * 30, "what": [f"i{i}" for i in range(30)],
                 "stars": [i % 5 for i in range(30)]},
    "one rating": {"who": [f"u{i % 7}" for i in range(40)],
                   "what": [f"i{i}" for i in range(40)], "stars": [4] * 40},
    "names in other letters": {"who": ['ä"', "表\\", "ä\""], "what": ["é", "é", "'"],
                               "stars": [1.0, 2.0, 3.0]},
    "the same pair again": {"who": ["a", "a", "b"], "what": ["x", "x", "x"],
                            "stars": [1, 5, 3]},
    "users and items that are NULL": {"who": [None, "a", "b"],
                                      "what": ["x", None, "y"], "stars": [1, 2, 3]},
}  # fmt: skip


@pytest.mark.parametrize("columns", ODD_TABLES.values(), ids=ODD_TABLES)
@pytest.mark.parametrize("feedback", ["explicit", "implicit"])
def test_odd_tables_are_learned_and_answered(
    columns: dict[str, Any], feedback: str
) -> None:
    table = pa.table(columns)
    model = fit(table, "STARS", TASK, **NAMES, feedback=feedback)
    known = table.filter(table["who"].is_valid()).drop_columns(["stars"])
    known = known.filter(known["what"].is_valid())
    for wanted in RECOMMEND:
        answers = results(model, known, recommend=wanted)
        assert len(answers) == known.num_rows
        assert results(model, known.slice(0, 0), recommend=wanted) == []
    json.dumps(
        model.metadata(build_timestamp=1, train_table_name="a.b"), allow_nan=False
    )


UNFIT = {
    "no rows": (tastes().slice(0, 0), {}, "ML001052"),
    "nothing above the threshold": (
        tastes(),
        {"feedback": "implicit", "feedback_threshold": 9},
        "ML001052",
    ),
    "no such column": (tastes(), {"items": "zz"}, "ML003039"),
    "one column twice": (tastes(), {"items": "WHO"}, "The target column, users and"),
    "ratings of text": (
        pa.table({"who": ["a"], "what": ["x"], "stars": ["good"]}),
        {},
        "The target column 'stars' of type string is not numeric",
    ),
    "an excluded column that is needed": (
        tastes(),
        {"exclude_column_list": ["who"]},
        "exclude_column_list must not name 'who'",
    ),
    "no model left": (
        tastes(),
        {"feedback": "implicit", "exclude_model_list": ["BPR", "TwoTower"]},
        "ML003047",
    ),
    "a model of other feedback": (
        tastes(),
        {"model_list": ["BPR"]},
        "'BPR' is not a model of the recommendation task",
    ),
    "another feedback": (tastes(), {"feedback": "loud"}, "ML_TRAIN: option 'feedback'"),
}


@pytest.mark.parametrize(("table", "options", "text"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_learned_is_refused(
    table: pa.Table, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(MySQLError) as caught:
        fit(table, "stars", TASK, **NAMES | options)
    assert caught.value.number == 3877
    assert caught.value.message.startswith(text)


def test_scores_that_mean_nothing_are_refused(explicit: Any, implicit: Any) -> None:
    for model, metric, table, code in (
        (explicit, "f1", tastes(), "ML003020"),
        (implicit, "r2", tastes(), "ML003020"),
        (explicit, "r2", tastes().slice(0, 0), "ML003019"),
        (explicit, "precision_at_k", tastes().slice(0, 0), "ML003019"),
        (explicit, "r2", tastes().drop_columns(["what"]), "ML003011"),
        (explicit, "r2", tastes().drop_columns(["stars"]), "ML003039"),
    ):
        with pytest.raises(MySQLError, match=code):
            score(model, metric, table)


def test_raising_from_progress_ends_the_training() -> None:
    def stop(fraction: float, stage: str) -> None:
        if "trying" in stage:
            raise KeyboardInterrupt

    order = parse_options({"task": TASK, **NAMES})
    with pytest.raises(KeyboardInterrupt):
        trained(tastes(), "stars", order, stop, threads=1)
