import io
import json
import os
import zipfile
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from heatproxy.automl import booster_text
from heatproxy.automl.algorithms import CLASSIFIERS, REGRESSORS
from heatproxy.automl.storage import TRUSTED_TYPES, from_bytes, to_bytes
from heatproxy.errors import MySQLError
from tests.automl.conftest import customers, fit, houses


@pytest.mark.parametrize("name", [item.name for item in CLASSIFIERS])
def test_a_classifier_reads_back_as_itself(name: str) -> None:
    model = fit(customers(100), "y", model_list=[name])
    again = from_bytes(to_bytes(model))
    before, after = model.predict(customers(50)), again.predict(customers(50))
    assert after.labels == before.labels
    assert after.probabilities == pytest.approx(before.probabilities, abs=1e-12)
    told = {"build_timestamp": 1, "train_table_name": "d.t"}
    assert json.loads(json.dumps(model.metadata(**told))) == again.metadata(**told)


@pytest.mark.parametrize("name", [item.name for item in REGRESSORS])
def test_a_regressor_reads_back_as_itself(name: str) -> None:
    model = fit(houses(100), "price", task="regression", model_list=[name])
    again = from_bytes(to_bytes(model))
    assert again.predict(houses(50)).labels.to_numpy() == pytest.approx(
        model.predict(houses(50)).labels.to_numpy()
    )


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04" + b"\0" * 50])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(MySQLError, match="cannot be read"):
        from_bytes(data)


def predictions_of_damaged(data: bytes) -> Any:
    """The labels, or None where the bytes are refused."""
    try:
        return from_bytes(data).predict(customers(20)).labels
    except MySQLError:
        return None


def test_a_damaged_byte_is_refused_or_harmless(classifier: Any) -> None:
    data = to_bytes(classifier)
    chance = np.random.default_rng(3)
    expected = classifier.predict(customers(20)).labels
    for place in chance.integers(0, len(data), 40):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(chance.integers(8))
        assert predictions_of_damaged(bytes(damaged)) in (None, expected)


def repacked(data: bytes, **changed: bytes | None) -> bytes:
    """The zip with files replaced; ``_`` in a name stands for the dot."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for name, content in changed.items():
        files[name.replace("_dot_", ".")] = content or b""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


class Runs:
    """What a malicious pickle would carry."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("owned",)


FOREIGN = {
    "a function of the os": FunctionTransformer(os.mkdir),
    "an object of ours": Runs(),
    "an estimator that skops trusts but no model holds": KNeighborsClassifier(),
}


@pytest.mark.parametrize("payload", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_type_is_refused_and_never_run(
    payload: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = fit(customers(60), "y", model_list=["LogisticRegression"])
    hostile = repacked(to_bytes(model), estimator_dot_skops=skops.io.dumps(payload))
    with pytest.raises(MySQLError, match="not one that a model may hold"):
        from_bytes(hostile)
    assert not list(tmp_path.iterdir())


def test_another_version_is_refused(classifier: Any) -> None:
    data = to_bytes(classifier)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        state = json.loads(archive.read("model.json"))
    state["version"] = 2
    with pytest.raises(MySQLError, match="version 2, not 1"):
        from_bytes(repacked(data, model_dot_json=json.dumps(state).encode()))


def test_an_unsound_forest_is_refused() -> None:
    table = pa.table({"x": [float(i) for i in range(40)], "t": ["a", "b"] * 20})
    model = fit(table, "t", model_list=["RandomForestClassifier"])
    wide = RandomForestClassifier(3).fit([[0.0, 1.0], [1.0, 0.0]] * 10, [0, 1] * 10)
    hostile = repacked(to_bytes(model), estimator_dot_skops=skops.io.dumps(wide))
    with pytest.raises(MySQLError, match="unsound tree"):
        from_bytes(hostile)


def test_an_unsound_support_vector_machine_is_refused() -> None:
    model = fit(customers(60), "y", model_list=["SVC"])
    pipeline = skops.io.loads(
        skops.io.dumps(model.estimator.pipeline), trusted=sorted(TRUSTED_TYPES)
    )
    machine = pipeline.steps[-1][1].calibrated_classifiers_[0].estimator
    machine._n_support = machine._n_support + np.int32(1000)
    hostile = repacked(to_bytes(model), estimator_dot_skops=skops.io.dumps(pipeline))
    with pytest.raises(MySQLError, match="unsound support vector machine"):
        from_bytes(hostile)


def test_a_tree_hidden_in_another_estimator_is_refused() -> None:
    model = fit(customers(60), "y", model_list=["LogisticRegression"])
    forest = RandomForestClassifier(2).fit([[0.0], [1.0]] * 10, [0, 1] * 10)
    hidden = skops.io.dumps(make_pipeline(StandardScaler(), forest))
    hostile = repacked(to_bytes(model), estimator_dot_skops=hidden)
    with pytest.raises(MySQLError, match="a tree inside another estimator"):
        from_bytes(hostile)


def booster(classifier_or_not: Any) -> str:
    text: str = classifier_or_not.estimator.members[0].model_to_string()
    return text


SPOILED = {
    "a loop": ("left_child=", "left_child=0 "),
    "a column that is not there": ("split_feature=", "split_feature=77 "),
    "another number of leaves": ("num_leaves=", "num_leaves=9"),
    "linear leaves": ("is_linear=0", "is_linear=1"),
    "other sizes": ("tree_sizes=", "tree_sizes=1"),
    "more columns": ("max_feature_idx=", "max_feature_idx=1"),
    "an unknown line": ("shrinkage=", "payload=1\nshrinkage="),
    "a value that is no number": ("leaf_value=", "leaf_value=nan "),
}


@pytest.mark.parametrize(("line", "other"), SPOILED.values(), ids=SPOILED)
def test_an_unsound_booster_never_reaches_lightgbm(line: str, other: str) -> None:
    model = fit(customers(100), "y", model_list=["LGBMClassifier"])
    text = booster(model)
    booster_text.check(text, 3, 1)
    spoiled = text.replace(line, other, 1)
    with pytest.raises(ValueError, match="unsound"):
        booster_text.check(spoiled, 3, 1)
    hostile = repacked(to_bytes(model), booster_0_dot_txt=spoiled.encode())
    with pytest.raises(MySQLError, match="cannot be read"):
        from_bytes(hostile)


def test_a_child_that_is_its_own_parent_is_unsound() -> None:
    text = booster(fit(customers(100), "y", model_list=["LGBMClassifier"]))
    start = text.index("right_child=") + len("right_child=")
    end = text.index("\n", start)
    children = text[start:end].split()
    looped = " ".join(["0" if child[0] != "-" else child for child in children])
    same_size = looped.ljust(end - start)
    if same_size.strip() == text[start:end]:
        same_size = "0" + text[start + 1 : end]
    with pytest.raises(ValueError, match="unsound"):
        booster_text.check(text[:start] + same_size + text[end:], 3, 1)
