"""TwoTower: what it learns from ratings and from what describes users and items."""

import io
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.orders import parse_options
from heatproxy.automl.recommend.describing import ROWS
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import Order
from heatproxy.automl.work import trained
from heatproxy.errors import MySQLError
from tests.automl.conftest import quietly
from tests.automl.tasks.test_recommendation import NAMES, TASK, tastes
from tests.automl.tasks.trained import predict_options, score_options
from tests.automl.test_special_storage import npy, packed, parts, refused

Tables = Mapping[str, pa.Table]


def described(column: str, first: int, end: int) -> pa.Table:
    """Users or items from ``first`` up to ``end``, and of which taste they are."""
    numbers = range(first, end)
    letter = "u" if column == "who" else "i"
    return pa.table(
        {
            column: [f"{letter}{n}" for n in numbers],
            "taste": [("even", "odd")[n % 2] for n in numbers],
            "about": [f"{('love and', 'war of')[n % 2]} number {n}" for n in numbers],
            "age": [20 + n % 7 for n in numbers],
        }
    )


# 30 users and 16 items have been rated; the others are new
TAUGHT = {
    "user_metadata": described("who", 0, 30),
    "item_metadata": described("what", 0, 16),
}
LATER = {
    "user_metadata": described("who", 10, 34),
    "item_metadata": described("what", 5, 20),
}


def with_rows(values: Mapping[str, Any], tables: Tables) -> dict[str, Any]:
    named = {name: {"table_name": "a.b", ROWS: rows} for name, rows in tables.items()}
    return {**values, **named}


def ordered(tables: Tables, **options: Any) -> Order:
    names = {name: {"table_name": "a.b"} for name in tables}
    order = parse_options({"task": TASK, **NAMES, **names, **options})
    assert isinstance(order, Order)
    return order


def taught(tables: Tables, **options: Any) -> Any:
    """A model that has been to the catalog and back."""
    order = ordered(tables, **options)
    specialist = specialist_named(TASK)
    assert specialist is not None
    specialist.check("stars", order)
    order = replace(order, values=with_rows(order.values, tables))
    return from_bytes(to_bytes(trained(tastes(), "stars", order, quietly, 1)))


def told(
    model: Any, column: str, names: list[str], tables: Tables, **options: Any
) -> list[dict[str, Any]]:
    """What a model answers about names, beside tables of metadata."""
    checked = with_rows(predict_options(TASK, **options), tables)
    added = model.predict(pa.table({column: names}), checked).added
    return [json.loads(text)["predictions"] for text in added["ml_results"].to_pylist()]


@pytest.fixture(scope="module", params=["explicit", "implicit"])
def towers(request: pytest.FixtureRequest) -> Any:
    pytest.importorskip("torch", reason="TwoTower needs PyTorch")
    feedback = {"feedback": request.param, "feedback_threshold": 3}
    model = taught(TAUGHT, **feedback)
    assert model.facts.algorithm_name == "TwoTower"
    return model


def parity(names: list[str]) -> set[int]:
    return {int(name[1:]) % 2 for name in names}


@pytest.mark.usefixtures("towers")
def test_small_numbers_are_none_too_small_after_a_training() -> None:
    assert (np.array([5e-324]) * 1.0).tolist() == [5e-324]


def test_new_users_are_served_by_what_describes_them(towers: Any) -> None:
    found = told(towers, "who", ["u30", "u31"], LATER, recommend="items", topk=5)
    assert [parity(one["what"]) for one in found] == [{0}, {1}]
    # without the table they are as anybody new
    usual = told(towers, "who", ["u30", "nobody"], {}, recommend="items")
    assert usual[0] == usual[1]


def test_new_items_are_recommended_and_found_similar(towers: Any) -> None:
    (every,) = told(towers, "who", ["u3"], LATER, recommend="items", topk=99)
    assert {"i17", "i19"} < set(every["what"][: len(every["what"]) // 2 + 1])
    assert not {"i17", "i18"} & set(
        told(towers, "who", ["u3"], {}, recommend="items", topk=99)[0]["what"]
    )
    (near,) = told(towers, "what", ["i18"], LATER, recommend="items_to_items", topk=4)
    assert parity(near["what"]) == {0}
    (users,) = told(towers, "what", ["i19"], LATER, recommend="users", topk=4)
    assert parity(users["who"]) == {1}


def test_the_table_of_the_training_tells_nothing_else(towers: Any) -> None:
    for options in ({"recommend": "items"}, {"recommend": "users_to_users"}):
        names = [f"u{n}" for n in range(30)]
        assert told(towers, "who", names, TAUGHT, **options) == told(
            towers, "who", names, {}, **options
        )


def test_a_score_may_have_tables_too(towers: Any) -> None:
    metric = "ndcg_at_k" if towers.is_implicit else "r2"
    new = pa.table(
        {
            "who": ["u30", "u30", "u31", "u31"],
            "what": ["i16", "i17", "i16", "i17"],
            "stars": [4.5, 1.5, 1.5, 4.5],
        }
    )
    options = score_options(TASK, threshold=4)
    without = towers.score(new, "stars", metric, options)
    assert without < 0.1
    assert towers.score(new, "stars", metric, with_rows(options, LATER)) > 0.2


def test_tables_that_the_training_had_not_are_refused() -> None:
    plain = taught({}, model_list=["SVD"])
    with pytest.raises(MySQLError, match="was trained without item_metadata"):
        told(plain, "who", ["u1"], {"item_metadata": LATER["item_metadata"]})


def test_tables_of_others_are_refused() -> None:
    strangers = described("what", 100, 120)
    order = ordered({"item_metadata": strangers}, feedback="implicit")
    order = replace(
        order,
        values={
            **with_rows(order.values, {"item_metadata": strangers}),
            "exclude_model_list": ["TwoTower"],
        },
    )
    with pytest.raises(MySQLError, match="has no 'what' that the ratings have"):
        trained(tastes(), "stars", order, quietly, 1)


@pytest.mark.parametrize("name", ["BPR", "CTR"])
def test_models_of_content_know_new_items(name: str) -> None:
    tables = {"item_metadata": TAUGHT["item_metadata"]}
    later = {"item_metadata": LATER["item_metadata"]}
    feedback = {"feedback": "implicit", "feedback_threshold": 3}
    model = taught(tables, model_list=[name], **feedback)
    assert model.facts.algorithm_name == name
    (items,) = told(model, "who", ["u4"], later, recommend="items", topk=3)
    assert parity(items["what"]) == {0}
    (near,) = told(model, "what", ["i17"], later, recommend="items_to_items")
    assert parity(near["what"]) == {1}
    with pytest.raises(MySQLError, match="was trained without user_metadata"):
        told(model, "who", ["u4"], LATER, recommend="items")


def test_a_kept_model_must_fit_to_how_its_tables_are_read() -> None:
    options = {"model_list": ["CTR"], "feedback": "implicit", "feedback_threshold": 3}
    model = taught({"item_metadata": TAUGHT["item_metadata"]}, **options)
    files = parts(to_bytes(model))
    content = np.load(io.BytesIO(files["learned_content.npy"]))
    for name, wrong in (
        ("learned_content.npy", np.append(content, content, axis=0)),
        ("learned_content.npy", content[:0]),
        ("learned_apart.npy", content),
    ):
        refused(packed({**files, name: npy(wrong)}))
    gone = ("learned_content.npy", "learned_apart.npy")
    refused(packed({n: c for n, c in files.items() if n not in gone}))


LISTS: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "TwoTower with others": (
        {"model_list": ["SVD", "twotower"]},
        (),
        "The model TwoTower cannot be combined with other models in model_list",
    ),
    "CTR without descriptions": (
        {"model_list": ["CTR"], "feedback": "implicit"},
        (),
        "The model CTR needs the option item_metadata",
    ),
    "a model of ratings alone": (
        {"model_list": ["SVD"]},
        ("item_metadata",),
        "heatproxy doesn't yet support 'ML_TRAIN option item_metadata for model SVD'",
    ),
    "users of a model of content": (
        {"model_list": ["BPR"], "feedback": "implicit"},
        ("user_metadata",),
        "heatproxy doesn't yet support 'ML_TRAIN option user_metadata for model BPR'",
    ),
    "TwoTower left out": (
        {"exclude_model_list": ["TwoTower"]},
        ("item_metadata", "user_metadata"),
        "heatproxy doesn't yet support 'ML_TRAIN option user_metadata and"
        " item_metadata without model TwoTower'",
    ),
    "no model at all": (
        {"exclude_model_list": ["TwoTower", "BPR", "CTR"], "feedback": "implicit"},
        ("item_metadata",),
        "ML003047",
    ),
}


@pytest.mark.parametrize(("options", "given", "text"), LISTS.values(), ids=LISTS)
def test_lists_that_do_not_fit_are_refused(
    options: dict[str, Any], given: tuple[str, ...], text: str
) -> None:
    with pytest.raises(MySQLError) as caught:
        taught({name: TAUGHT[name] for name in given}, **options)
    assert caught.value.message.startswith(text)


def test_without_pytorch_the_extra_is_named_and_others_do_what_they_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    items = {"item_metadata": TAUGHT["item_metadata"]}
    for tables, options in (
        ({}, {"model_list": ["TwoTower"]}),
        (TAUGHT, {"feedback": "implicit"}),
        (items, {"feedback": "explicit"}),
    ):
        with pytest.raises(MySQLError, match=r"ML004002.*heatproxy\[deep\]") as caught:
            taught(tables, **options)
        assert caught.value.number == 3877
    model = taught(items, feedback="implicit", feedback_threshold=3)
    assert model.facts.algorithm_name in ("BPR", "CTR")
