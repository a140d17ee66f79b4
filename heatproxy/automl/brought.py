"""Models that LightGBM or XGBoost have trained elsewhere, from their own files.

Their columns are numbers, in the order of the file; the classes are 0, 1 and so on. A
file is data from elsewhere: nothing of it is followed before it was checked.

Source: LightGBM, "Booster.save_model"; XGBoost, "Introduction to Model IO".
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from heatproxy.automl import booster_text, xgboost_json, xgboosting
from heatproxy.automl.boosting import Boosters
from heatproxy.automl.columns import Numeric
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import FeatureSet
from heatproxy.automl.model import Facts, Model
from heatproxy.automl.onnx_runtime import Runtime, opened
from heatproxy.automl.openmp import lightgbm as lgb
from heatproxy.automl.storage import to_bytes, unreadable
from heatproxy.automl.target import Labels
from heatproxy.automl.work import Trained, import_job
from heatproxy.automl.xgboosting import OBJECTIVES, XGBooster
from heatproxy.errors import secondary_engine

LIGHTGBM, XGBOOST, ONNX = "LightGBM", "XGBoost", "ONNX"
_TITLE = b"tree\n"  # how the text of a LightGBM model begins
_MOST_COLUMNS = 100_000
_CLASSIFIES = ("binary", "multiclass")
_LABELS = ("tensor(int64)", "tensor(int32)", "tensor(string)")


def kind_of(data: bytes) -> str:
    """Whose file it is, by how it begins."""
    if data.startswith(_TITLE):
        return LIGHTGBM
    return XGBOOST if data.lstrip()[:1] == b"{" else ONNX


def brought_job(data: bytes, target: str, width: int, task: str, built: int) -> Trained:
    """The model of a file that takes ``width`` columns; its bytes and metadata.

    ``task`` is what the model is for, where the file does not say it.

    Raises:
        MySQLError: 3877, it cannot be read, or takes another number of columns.
    """
    kind = kind_of(data)
    if kind == ONNX:
        said: dict[str, Any] = {
            "task": task,
            "format": "ONNX",
            "target_column_name": target,
            "column_names": [f"f{place}" for place in range(width)],
            "algorithm_name": ONNX,
        }
        if task == "classification":
            said["onnx_outputs_info"] = _outputs_info(opened(data))
        return import_job(data, said, built)
    try:
        model = _lightgbm(data, target) if kind == LIGHTGBM else _xgboost(data, target)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as problem:
        reason = f"{kind}: {type(problem).__name__}: {str(problem)[:200]}"
        raise unreadable(reason) from None
    return to_bytes(model), model.metadata(build_timestamp=built, train_table_name=kind)


def _outputs_info(runtime: Runtime) -> dict[str, str]:
    """Which output has the class, and which the probabilities, by their types.

    One number a row alone may be anything: it is not taken for a probability.

    Raises:
        MySQLError: 3877, no output has classes.
    """
    info: dict[str, str] = {}
    for name, kind, last in runtime.output_forms:
        if kind in _LABELS:
            info.setdefault("predictions_name", name)
        elif kind.startswith("seq(") or (isinstance(last, int) and last > 1):
            info.setdefault("prediction_probabilities_name", name)
    if not info:
        raise secondary_engine(
            "No output of the ONNX model has classes: for numbers the function RETURNS"
            " FLOAT8, or PROBLEM_TYPE is REGRESSION."
        )
    return info


def _lightgbm(data: bytes, target: str) -> Model:
    text = data.decode("ascii").replace("\r\n", "\n")
    head = text.partition("\n\n")[0]
    header = dict(line.split("=", 1) for line in head.split("\n") if "=" in line)
    width, outputs = int(header["max_feature_idx"]) + 1, int(header["num_class"])
    objective, *parameters = header["objective"].split(" ")
    if not 0 < width <= _MOST_COLUMNS or outputs < 1:
        raise ValueError("number of columns")
    if objective == "binary" and parameters not in ([], ["sigmoid:1"]):
        raise ValueError("a sigmoid of another steepness")
    booster_text.check(text, width, outputs)
    trees, end, _ = text.partition("end of trees")
    booster = lgb.Booster(model_str=f"{trees}{end}\n")
    names = header["feature_names"].split(" ")
    estimator = Boosters((booster,), objective, outputs)
    return _model(LIGHTGBM, estimator, names, objective, outputs, target)


def _xgboost(data: bytes, target: str) -> Model:
    learner: Mapping[str, Any] = json.loads(data)["learner"]
    shape = learner["learner_model_param"]
    width = int(shape["num_feature"])
    outputs = max(1, int(shape["num_class"]))
    named = learner["objective"]["name"]
    words = {theirs: ours for ours, theirs in OBJECTIVES.items()}
    if named not in words or not 0 < width <= _MOST_COLUMNS:
        raise ValueError(f"objective {named}")
    objective = words[named]
    content = xgboost_json.checked(data, objective, width, outputs, ())
    estimator = XGBooster(xgboosting.loaded(content), objective, outputs, ())
    names = [str(name) for name in learner.get("feature_names") or ()]
    return _model(XGBOOST, estimator, names, objective, outputs, target, width)


def _model(
    kind: str,
    estimator: Boosters | XGBooster,
    names: list[str],
    objective: str,
    outputs: int,
    target: str,
    width: int | None = None,
) -> Model:
    width = len(names) if width is None else width
    if len(names) != width or len({name.lower() for name in names}) != width:
        names = [f"f{place}" for place in range(width)]
    classifies = objective in _CLASSIFIES
    classes = max(2, outputs) if classifies else 0
    features = FeatureSet(tuple(names), tuple(Numeric(name) for name in names))
    background = np.zeros((1, width))
    task = "classification" if classifies else "regression"
    facts = Facts.of_a_file(kind, "", {"task": task})
    return Model(
        task_name=task,
        target=target,
        features=features,
        labels=Labels(pa.array(range(classes), pa.int64())) if classifies else None,
        estimator=estimator,
        balance=(1.0,) * classes,
        log_scale=False,
        output_span=1.0,
        background=background,
        drift=Drift.fit(background, ()),
        facts=facts,
        explanation={},
        prediction_explainer="shap",
    )
