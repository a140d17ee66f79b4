"""A model as bytes and back.

A zip of ``model.json``, and of the texts of LightGBM boosters, XGBoost's JSON or one
skops file; a specialist's model is a zip of JSON values and arrays. The bytes live in a
table that its owner can write: they are data. Nothing in them is executed; a skops file
may hold the types listed here and no others; and numbers that compiled code would
follow as indexes are checked before it sees them.

Source: skops documentation, "Secure persistence with skops".
"""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.svm import SVC, SVR
from sklearn.tree._tree import Tree

from heatproxy.automl import (
    booster_text,
    columns,
    onnx_model,
    onnx_weights,
    xgboost_json,
    xgboosting,
    zipped,
)
from heatproxy.automl.algorithms import Fitted
from heatproxy.automl.boosting import Boosters
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import FeatureSet
from heatproxy.automl.model import Facts, Model
from heatproxy.automl.model_bytes import ModelBytes
from heatproxy.automl.onnx_model import OnnxModel
from heatproxy.automl.openmp import lightgbm as lgb
from heatproxy.automl.search import Estimator
from heatproxy.automl.special_storage import SPECIAL, files_of, read_files
from heatproxy.automl.target import Labels
from heatproxy.automl.tasks import task_named
from heatproxy.automl.tasks.contract import SpecialModel
from heatproxy.automl.xgboosting import XGBooster
from heatproxy.errors import MySQLError, secondary_engine

VERSION = 1
MOST_BYTES = 4 << 30  # unpacked; the reference advises models below 4 GB
_TREE_MODULES = ("sklearn.ensemble._forest", "sklearn.tree._classes")
_FACTS, _BOOSTER, _SKOPS = "model.json", "booster_{}.txt", "estimator.skops"
_XGBOOST = "xgboost.json"

# what skops calls trusted is wider than what our pipelines need
TRUSTED_TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "numpy.dtype",
        "numpy.float64",
        "numpy.int64",
        "numpy.ndarray",
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer.ColumnTransformer",
        "sklearn.compose._target.TransformedTargetRegressor",
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.ensemble._forest.ExtraTreesRegressor",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._forest.RandomForestRegressor",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._base.LinearRegression",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
        "sklearn.neural_network._multilayer_perceptron.MLPRegressor",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._label.LabelBinarizer",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._encoders.OneHotEncoder",
        "sklearn.svm._classes.LinearSVC",
        "sklearn.svm._classes.LinearSVR",
        "sklearn.svm._classes.SVC",
        "sklearn.svm._classes.SVR",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._classes.DecisionTreeRegressor",
        "sklearn.tree._classes.ExtraTreeClassifier",
        "sklearn.tree._classes.ExtraTreeRegressor",
        "sklearn.tree._tree.Tree",
    }
)
_TRUSTED_LOADERS = frozenset(
    {
        "DTypeNode",
        "DictNode",
        "JsonNode",
        "ListNode",
        "NdArrayNode",
        "ObjectNode",
        "SliceNode",
        "TreeNode",
        "TupleNode",
        "TypeNode",
    }
)


def to_bytes(model: Model | SpecialModel, folder: Path | None = None) -> ModelBytes:
    """The model as one zip; ``from_bytes`` is the inverse.

    ``folder`` is where a large one is written.
    """
    if isinstance(model, OnnxModel):
        at = {onnx_model.FILE: onnx_weights.numbers_at(model.data)}
        return zipped.packed(onnx_model.files_of(model), folder, at)
    return zipped.packed(
        _files(model) if isinstance(model, Model) else files_of(model), folder
    )


def from_bytes(data: ModelBytes) -> Model | SpecialModel:
    """Read a model back; it is checked or tried on its own rows before it is given.

    Raises:
        MySQLError: 3877, the bytes are no model, one of another version, or unsound.
    """
    try:
        files = zipped.unpacked(data, MOST_BYTES)
        if onnx_model.FILE in files:
            return onnx_model.read_files(files)
        held = {name: bytes(content) for name, content in files.items()}
        return read_files(held) if SPECIAL in held else _read(held)
    except MySQLError:
        raise
    except zipped.TooLarge:
        raise unreadable("it is larger than 4 GB") from None
    except Exception as problem:
        # whatever a parser makes of hostile bytes, the client hears one error
        kind = type(problem).__name__
        raise unreadable(f"{kind}: {str(problem)[:200]}") from None


def unreadable(reason: str) -> MySQLError:
    return secondary_engine(f"The stored model cannot be read ({reason})")


def _files(model: Model) -> dict[str, bytes]:
    files = {_FACTS: json.dumps(_state(model), allow_nan=False).encode()}
    if isinstance(model.estimator, Boosters):
        for place, member in enumerate(model.estimator.members):
            files[_BOOSTER.format(place)] = member.model_to_string().encode()
    elif isinstance(model.estimator, XGBooster):
        files[_XGBOOST] = bytes(model.estimator.booster.save_raw("json"))
    else:
        assert isinstance(model.estimator, Fitted)  # no other is stored
        files[_SKOPS] = skops.io.dumps(model.estimator.pipeline)
    return files


def _read(files: dict[str, bytes]) -> Model:
    state = json.loads(files.pop(_FACTS))
    if state["version"] != VERSION:
        raise unreadable(f"version {state['version']}, not {VERSION}")
    used = tuple(columns.from_state(feature) for feature in state["used"])
    features = FeatureSet(tuple(state["columns"]), used)
    labels = Labels.from_state(state["labels"]) if state["labels"] else None
    model = Model(
        task_name=task_named(state["task"]).name,
        target=str(state["target"]),
        features=features,
        labels=labels,
        estimator=_estimator(state["estimator"], files, features, labels),
        balance=tuple(float(factor) for factor in state["balance"]),
        log_scale=bool(state["log_scale"]),
        output_span=float(state["output_span"]),
        background=np.array(state["background"], dtype=np.float64),
        drift=Drift.from_state(state["drift"]),
        facts=Facts(**state["facts"]),
        explanation=dict(state["explanation"]),
        prediction_explainer=str(state["prediction_explainer"]),
    )
    _try_on_background(model)
    return model


def _state(model: Model) -> dict[str, Any]:
    facts = {name: getattr(model.facts, name) for name in Facts.__dataclass_fields__}
    estimator: dict[str, Any] = {}
    if isinstance(model.estimator, Boosters | XGBooster):
        estimator = {
            "objective": model.estimator.objective,
            "outputs": model.estimator.outputs,
        }
    else:
        assert isinstance(model.estimator, Fitted)
        estimator = {
            "prior": model.estimator.prior,
            "doubt": model.estimator.doubt,
            "classes": model.estimator.classes,
        }
    return {
        "version": VERSION,
        "task": model.task_name,
        "target": model.target,
        "columns": model.features.columns,
        "used": [columns.to_state(feature) for feature in model.features.used],
        "labels": model.labels.state() if model.labels is not None else None,
        "estimator": estimator,
        "balance": model.balance,
        "log_scale": model.log_scale,
        "output_span": model.output_span,
        "background": [
            [float(value) if np.isfinite(value) else None for value in row]
            for row in model.background
        ],
        "drift": model.drift.state(),
        "facts": facts,
        "explanation": dict(model.explanation),
        "prediction_explainer": model.prediction_explainer,
    }


def _estimator(
    state: dict[str, Any],
    files: dict[str, bytes],
    features: FeatureSet,
    labels: Labels | None,
) -> Estimator:
    if _SKOPS in files:
        pipeline = _from_skops(files[_SKOPS])
        _check_compiled(pipeline, features.width)
        return Fitted(
            pipeline,
            tuple(float(share) for share in state["prior"]),
            float(state["doubt"]),
            tuple(int(code) for code in state["classes"]),
        )
    outputs = int(state["outputs"])
    if outputs != (len(labels) if labels is not None and len(labels) > 2 else 1):
        raise unreadable("another number of classes")
    if state["objective"] not in booster_text.OBJECTIVES:
        raise unreadable("objective")
    if _XGBOOST in files:
        objective, words = str(state["objective"]), features.categorical
        content = xgboost_json.checked(
            files[_XGBOOST], objective, features.width, outputs, words
        )
        return XGBooster(xgboosting.loaded(content), objective, outputs, words)
    members = []
    for place in range(len(files)):
        text = files[_BOOSTER.format(place)].decode("ascii")
        booster_text.check(text, features.width, outputs)
        trees, end, _ = text.partition("end of trees")
        members.append(lgb.Booster(model_str=f"{trees}{end}\n"))
    if not members:
        raise unreadable("no booster")
    return Boosters(tuple(members), str(state["objective"]), outputs)


def _from_skops(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise unreadable("it is larger than 4 GB")
        schema = json.loads(archive.read("schema.json"))
    for loader, kind in _kinds(schema):
        if kind not in TRUSTED_TYPES or loader not in _TRUSTED_LOADERS:
            raise unreadable(f"type {kind!r} is not one that a model may hold")
    untrusted = skops.io.get_untrusted_types(data=content)
    foreign = set(untrusted) - TRUSTED_TYPES
    if foreign:
        raise unreadable(f"types {sorted(foreign)} are not what a model may hold")
    return skops.io.loads(content, trusted=untrusted)


def _kinds(node: Any) -> Iterator[tuple[str, str]]:
    """Loader and full type name of each node of a skops schema."""
    if isinstance(node, dict):
        if "__loader__" in node or "__class__" in node:
            yield node["__loader__"], f"{node['__module__']}.{node['__class__']}"
        for member in node.values():
            yield from _kinds(member)
    elif isinstance(node, list):
        for member in node:
            yield from _kinds(member)


def _check_compiled(pipeline: Any, width: int) -> None:
    """Refuse what would make scikit-learn's compiled code read foreign memory."""
    parts = list(_parts(pipeline))
    trees = [part for part in parts if isinstance(part, Tree)]
    if trees and type(pipeline).__module__ not in _TREE_MODULES:
        raise unreadable("a tree inside another estimator")
    if not all(_is_sound_tree(tree, width) for tree in trees):
        raise unreadable("an unsound tree")
    machines = [part for part in parts if isinstance(part, SVC | SVR)]
    # the template inside a calibration is not fitted and cannot predict
    machines = [machine for machine in machines if hasattr(machine, "support_vectors_")]
    if not all(_is_sound_machine(machine) for machine in machines):
        raise unreadable("an unsound support vector machine")


def _parts(value: Any) -> Iterator[Any]:
    """The value and all that it holds."""
    yield value
    if isinstance(value, dict):
        members: Iterable[Any] = value.values()
    elif isinstance(value, list | tuple):
        members = value
    elif isinstance(value, np.ndarray):
        members = value.ravel() if value.dtype == object else ()
    elif type(value).__module__.startswith("sklearn.") and not isinstance(value, Tree):
        members = vars(value).values()
    else:
        members = ()
    for member in members:
        yield from _parts(member)


def _is_sound_tree(tree: Any, width: int) -> bool:
    """Every walk down it ends, and reads columns that are there."""
    left, right = tree.children_left, tree.children_right
    inner = left != -1
    nodes = np.arange(tree.node_count)
    return bool(
        tree.n_features == width
        and tree.value.shape[0] == tree.node_count
        and (right[~inner] == -1).all()
        and all(
            (side[inner] > nodes[inner]).all() and (side[inner] < len(nodes)).all()
            for side in (left, right)
        )
        and ((tree.feature[inner] >= 0) & (tree.feature[inner] < width)).all()
    )


def _is_sound_machine(machine: Any) -> bool:
    """Its arrays have the sizes that libsvm takes for granted."""
    vectors, support = machine.support_vectors_, machine.support_
    counts, coefficients = machine._n_support, machine._dual_coef_
    classes = len(counts) if isinstance(machine, SVC) else 2
    return bool(
        machine._sparse is False
        and vectors.ndim == 2
        and vectors.shape == (len(support), machine.n_features_in_)
        and (counts >= 0).all()
        and counts.sum() == len(support) * (1 if isinstance(machine, SVC) else 2)
        and coefficients.shape == (classes - 1, len(support))
        and machine._intercept_.shape == (classes * (classes - 1) // 2,)
        and machine._probA.size in (0, classes * (classes - 1) // 2)
        and machine._probA.size == machine._probB.size
    )


def _try_on_background(model: Model) -> None:
    rows = model.background
    if rows.ndim != 2 or rows.shape[1] != model.features.width or not len(rows):
        raise unreadable("background rows")
    outputs = model.outputs(rows)
    shape = (len(rows), len(model.labels)) if model.labels is not None else (len(rows),)
    if outputs.shape != shape or not np.isfinite(outputs).all():
        raise unreadable("its outputs make no sense")
