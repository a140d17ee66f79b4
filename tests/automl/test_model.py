import datetime
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from tests.automl.conftest import customers, fit


def row(**changed: Any) -> pa.Table:
    values = {"age": 40, "job": "nurse", "balance": 1.5} | changed
    return pa.table({name: [value] for name, value in values.items()})


def chance(model: Any, table: pa.Table) -> float:
    return float(model.predict(table).probabilities[0, 1])


def test_a_missing_feature_is_refused_in_the_reference_words() -> None:
    table = pa.table({"a": [1.0, 2.0] * 10, "b": [2.0, 1.0] * 10, "t": [0, 1] * 10})
    model = fit(table, "t")
    with pytest.raises(MySQLError) as refused:
        model.predict(pa.table({"a": [1.0]}))
    assert refused.value.number == 3877
    assert refused.value.message == (
        "ML003011: Columns of provided data need to match those used for training. "
        "Provided - ['a'] vs Trained - ['a', 'b']"
    )


def test_columns_are_matched_in_any_case_and_order(classifier: Any) -> None:
    shuffled = pa.table(
        {"extra": [None], "BALANCE": [1.5], "Job": ["nurse"], "aGe": [40]}
    )
    assert chance(classifier, shuffled) == chance(classifier, row())


SAME = {
    "a number as text": {"age": "40"},
    "a decimal": {"balance": decimal.Decimal("1.50")},
    "a double for an integer": {"age": 40.0},
    "text for a double": {"balance": " 1.5"},
}


@pytest.mark.parametrize("changed", SAME.values(), ids=SAME)
def test_the_same_value_in_another_type_predicts_the_same(
    classifier: Any, changed: dict[str, Any]
) -> None:
    assert chance(classifier, row(**changed)) == chance(classifier, row())


STRANGE = {
    "an unseen word": {"job": "astronaut"},
    "a number as word": {"job": 7},
    "NULL": {"age": None, "job": None},
    "all NULL": {"age": None, "job": None, "balance": None},
    "not a number": {"balance": float("nan")},
    "infinity": {"balance": float("inf")},
}


@pytest.mark.parametrize("changed", STRANGE.values(), ids=STRANGE)
def test_strange_values_still_get_a_probability(
    classifier: Any, changed: dict[str, Any]
) -> None:
    assert 0 < chance(classifier, row(**changed)) < 1


@pytest.mark.parametrize("value", ["forty", ""])
def test_words_for_numbers_are_refused(classifier: Any, value: str) -> None:
    with pytest.raises(MySQLError, match="ML003015"):
        classifier.predict(row(age=value))


def test_no_rows_give_no_predictions(classifier: Any, regressor: Any) -> None:
    assert len(classifier.predict(customers(10).slice(0, 0)).labels) == 0
    empty = pa.table(
        {"area": pa.array([], pa.float64()), "town": pa.array([], pa.string())}
    )
    assert regressor.predict(empty).labels.type == pa.float64()


def test_the_label_is_the_class_with_the_highest_probability(classifier: Any) -> None:
    answer = classifier.predict(customers(100, seed=4))
    best = np.array(classifier.labels.texts)[answer.probabilities.argmax(axis=1)]
    assert answer.labels.to_pylist() == best.tolist()
    assert answer.probabilities.sum(axis=1) == pytest.approx(1.0)


def test_chunked_dictionary_and_long_string_columns_are_columns(
    classifier: Any,
) -> None:
    table = customers(40, seed=6)
    for kind in (pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        other = table.set_column(1, "job", table["job"].cast(kind))
        parts = pa.concat_tables([other.slice(0, 17), other.slice(17)])
        assert classifier.predict(parts).labels == classifier.predict(table).labels


MOMENTS = {
    "dates": (
        [datetime.date(2024, 1 + i % 12, 1 + i % 28) for i in range(60)],
        pa.date32(),
    ),
    "datetimes": (
        [datetime.datetime(2024, 1 + i % 12, 3, i % 24) for i in range(60)],
        pa.timestamp("us"),
    ),
    "iso text": ([f"2024-{1 + i % 12:02}-03 10:00:00" for i in range(60)], pa.string()),
    "times": ([datetime.timedelta(hours=i % 12) for i in range(60)], pa.duration("us")),
}


@pytest.mark.parametrize(("values", "kind"), MOMENTS.values(), ids=MOMENTS)
def test_moments_are_features(values: list[Any], kind: pa.DataType) -> None:
    labels = ["spring" if i % 12 < 6 else "autumn" for i in range(60)]
    table = pa.table({"at": pa.array(values, kind), "t": labels})
    model = fit(table, "t")
    assert model.predict(table).labels.to_pylist() == labels
    assert len(model.predict(pa.table({"at": pa.nulls(2)})).labels) == 2


def test_a_json_row_may_hold_moments_as_text() -> None:
    values, kind = MOMENTS["dates"]
    labels = ["spring" if i % 12 < 6 else "autumn" for i in range(60)]
    model = fit(pa.table({"at": pa.array(values, kind), "t": labels}), "t")
    as_text = pa.table({"at": [str(value) for value in values]})
    assert model.predict(as_text).labels.to_pylist() == labels
    with pytest.raises(MySQLError, match="ML003015"):
        model.predict(pa.table({"at": ["tomorrow"]}))


def test_sentences_are_read_as_words() -> None:
    random = np.random.default_rng(0)
    good, bad = ["great", "lovely", "superb"], ["awful", "poor", "dull"]
    filler = [f"word{i}" for i in range(30)]
    texts, labels = [], []
    for i in range(120):
        tone = good if i % 2 else bad
        words = [*random.choice(filler, 5), *random.choice(tone, 2)]
        texts.append(" ".join(random.permutation(words)))
        labels.append(i % 2)
    model = fit(pa.table({"review": texts, "t": labels}), "t")
    assert model.features.used[0].kind == "text"
    fresh = pa.table({"review": ["a superb and lovely thing", "dull poor awful", None]})
    assert model.predict(fresh).labels.to_pylist()[:2] == [1, 0]
