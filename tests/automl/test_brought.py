"""Models of LightGBM's and XGBoost's own files."""

import json
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import xgboost as xgb

from heatproxy.automl.brought import ONNX, brought_job, kind_of
from heatproxy.automl.storage import from_bytes
from heatproxy.errors import MySQLError

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(200, 3))
YES = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)
THIRDS = np.digitize(ROWS[:, 2], [-0.5, 0.5])
TARGETS: dict[str, npt.NDArray[Any]] = {
    "binary": YES,
    "multiclass": THIRDS,
    "regression": 2.0 * ROWS[:, 0] + 1.0,
}
XGB = {
    "binary": "binary:logistic",
    "multiclass": "multi:softprob",
    "regression": "reg:squarederror",
}
NAMES = ["a", "b", "c"]


def lightgbm_file(objective: str) -> tuple[bytes, npt.NDArray[Any]]:
    params = {"objective": objective, "verbose": -1, "num_threads": 1, "seed": 1}
    if objective == "multiclass":
        params["num_class"] = 3
    data = lgb.Dataset(ROWS, TARGETS[objective], feature_name=NAMES)
    booster = lgb.train(params, data, 5)
    return booster.model_to_string().encode(), np.asarray(booster.predict(ROWS))


def xgboost_file(objective: str) -> tuple[bytes, npt.NDArray[Any]]:
    params = {"objective": XGB[objective], "nthread": 1, "seed": 1}
    if objective == "multiclass":
        params["num_class"] = 3
    rows = xgb.DMatrix(ROWS, TARGETS[objective], feature_names=NAMES)
    booster = xgb.train(params, rows, 5)
    return bytes(booster.save_raw("json")), booster.predict(rows)


@pytest.mark.parametrize("objective", list(TARGETS))
@pytest.mark.parametrize("made", [lightgbm_file, xgboost_file])
def test_a_model_predicts_what_its_own_library_does(made: Any, objective: str) -> None:
    data, expected = made(objective)
    stored, metadata = brought_job(data, "y", 3, "classification", 7)
    assert metadata["column_names"] == NAMES
    assert metadata["build_timestamp"] == 7
    model = from_bytes(stored)
    table = pa.table({name: ROWS[:, place] for place, name in enumerate(NAMES)})
    found = model.predict(table, 1)
    if objective == "regression":
        np.testing.assert_allclose(found.labels.to_numpy(), expected, rtol=1e-5)
        return
    chances = expected
    if objective == "binary":
        chances = np.column_stack([1 - expected, expected])
    np.testing.assert_allclose(found.probabilities, chances, atol=1e-6)
    assert found.labels.to_pylist() == chances.argmax(axis=1).tolist()


@pytest.mark.parametrize(
    "data",
    [
        b"tree\nnonsense",
        lightgbm_file("binary")[0].replace(b"left_child=1", b"left_child=0", 1),
        lightgbm_file("regression")[0].replace(
            b"max_feature_idx=2", b"max_feature_idx=x"
        ),
        b"{}",
        b'{"learner": []}',
        json.dumps({"learner": {"learner_model_param": {"num_feature": "3"}}}).encode(),
    ],
    ids=["no tree", "a loop", "no number", "nothing", "a list", "no objective"],
)
def test_a_file_that_is_not_sound_is_refused(data: bytes) -> None:
    with pytest.raises(MySQLError, match="cannot be read") as caught:
        brought_job(data, "y", 3, "classification", 0)
    assert caught.value.number == 3877


def test_what_is_neither_is_taken_for_onnx() -> None:
    assert kind_of(b"\x08\x0a") == ONNX
    with pytest.raises(MySQLError) as caught:
        brought_job(b"\x08\x0a", "y", 3, "classification", 0)
    assert caught.value.number == 3877
