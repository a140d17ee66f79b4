"""A model that was imported in ONNX format.

Until it is used it is its bytes and what was said of it; each use opens it in the
process of the job. Which columns of a table fill it is known by ``column_names``, by
the names of several inputs, or by the places of a table's columns.

Source: HeatWave User Guide, "ONNX Models Overview", "ONNX Model Metadata".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl import onnx_bytes, results
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.metrics import evaluate, invalid_data, metric_named
from heatproxy.automl.model import Prediction
from heatproxy.automl.onnx_outputs import REGRESSION, Outputs, Told
from heatproxy.automl.onnx_runtime import Runtime, numpy_type, opened
from heatproxy.automl.scoring import truth_column
from heatproxy.automl.target import Labels, target_numbers
from heatproxy.automl.tasks import task_named
from heatproxy.automl.tasks.contract import Answers
from heatproxy.automl.tasks.metadata import float32
from heatproxy.errors import MySQLError, ml_error, no_target

FORMAT = "ONNXv2.0"
FILE, SAID = "model.onnx", "onnx.json"  # in a zip
_OF_SHARES = ("neg_log_loss", "roc_auc")
ANSWER = "prediction"  # the key in ``predictions`` where no target is named


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """The bytes and what was said of them.

    ``said`` are keys of ``model_metadata`` that the import was given. ``background``
    are rows of a table, by column, that explanations compare with.
    """

    task_name: str
    data: bytes | memoryview
    inputs_info: Mapping[str, Any] = field(default_factory=dict)
    outputs_info: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    target: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    explanation: Mapping[str, Any] = field(default_factory=dict)
    prediction_explainer: str | None = None
    background: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def types(self) -> Mapping[str, str]:
        """The user's ``data_types_map``."""
        return dict(self.inputs_info.get("data_types_map") or {})

    @property
    def answer(self) -> str:
        return self.target or ANSWER

    def checked(self) -> "OnnxModel":
        """The same model, after it was opened and all that was said of it is true.

        Raises:
            MySQLError: 3877 with ML004001 to ML004006.
        """
        for key in self.inputs_info:
            if key != "data_types_map":
                raise ml_error("ML004005", f"onnx_inputs_info: unknown key '{key}'.")
        runtime = opened(self.data)
        for one in runtime.inputs:
            numpy_type(one.type, self.types)
        for tensor in self.types:
            numpy_type(tensor, self.types)
        self.outputs(runtime)
        wanted = sum(one.columns for one in runtime.inputs)
        if self.columns and len(self.columns) != wanted:
            raise ml_error(
                "ML004003",
                f"column_names has {len(self.columns)} columns, and the ONNX model"
                f" takes {wanted}.",
            )
        names = tuple(one.name for one in runtime.inputs)
        return self if self.columns or len(names) < 2 else replace(self, columns=names)

    def outputs(self, runtime: Runtime) -> Outputs:
        return Outputs.of(self.outputs_info, self.task_name, runtime.outputs)

    # --- what routines ask ----------------------------------------------------------

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """The columns ``Prediction`` and ``ml_results``."""
        told = self.told(table, threads)
        prediction = Prediction(told.labels, told.shares)
        texts = [str(one) for one in told.classes]
        text = results.prediction_text(self.answer, texts, prediction)
        return Answers(pa.table({"Prediction": told.labels, "ml_results": text}))

    def told(self, table: pa.Table, threads: int = 1) -> Told:
        """What the model says of a table.

        Raises:
            MySQLError: 3877 ML003011, columns are missing; ML003015, ML004006.
        """
        runtime = opened(self.data, threads)
        names = self.columns_in(table.column_names, runtime)
        columns = [plain(table.column(name)) for name in names]
        found = runtime.run(columns, self.types)
        return self.outputs(runtime).read(found, self.task_name)

    def columns_in(self, names: Sequence[str], runtime: Runtime) -> list[str]:
        """Which columns of a table fill the inputs, in their order."""
        wanted = self.columns
        if wanted:
            places = [find_column(names, name) for name in wanted]
            if all(place is not None for place in places):
                return [names[place] for place in places if place is not None]
        count = sum(one.columns for one in runtime.inputs)
        if not wanted:
            left = [
                name for name in names if name.lower() != (self.target or "").lower()
            ]
            if len(left) == count:
                return left
        raise ml_error(
            "ML003011",
            "Columns of provided data need to match those used for training. Provided -"
            f" {list(names)} vs Trained - "
            + (str(list(wanted)) if wanted else f"{count} columns"),
        )

    def require_names(self) -> None:
        """Refuse rows of JSON, whose keys have no order, where columns have no names.

        Raises:
            MySQLError: 3877 ML004003.
        """
        if not self.columns:
            raise ml_error(
                "ML004003",
                "The columns of this ONNX model are known by their places only, which"
                " JSON does not keep: import it with column_names in its metadata, or"
                " use ML_PREDICT_TABLE.",
            )

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """One score, as a FLOAT widened to double. Raises: see scoring.score."""
        task = task_named(self.task_name)
        name = metric_named(task.metrics, metric, self.task_name)
        if not target:
            raise no_target()
        column = truth_column(table, target, name)
        if not self.columns:
            place = find_column(table.column_names, target)
            table = table.remove_column(place if place is not None else 0)
        told = self.told(table, threads)
        if self.task_name == REGRESSION:
            output = np.array(told.labels.to_numpy(zero_copy_only=False))
            truth: npt.NDArray[Any] = target_numbers(column, target)
            return float(np.float32(evaluate(task.metrics, name, truth, output)))
        labels = labels_of(told, column)
        codes = labels.codes(column)
        if name in _OF_SHARES:
            if told.shares is None or len(labels) != len(told.classes):
                raise invalid_data(name)
            output = told.shares
        else:
            output = np.eye(len(labels))[labels.codes(told.labels)]
        return float(np.float32(evaluate(task.metrics, name, codes, output)))

    def metadata(
        self,
        *,
        build_timestamp: int,
        train_table_name: str,
        chunks: int = 1,
        status: str = "Ready",
    ) -> dict[str, Any]:
        """The ``model_metadata`` of the catalog: what was said, and what is known."""
        said = self.said
        return {
            "task": self.task_name,
            "notes": said.get("notes"),
            "chunks": chunks,
            "format": FORMAT,
            "n_rows": said.get("n_rows"),
            "status": status,
            "options": said.get("options"),
            "n_columns": said.get("n_columns") or len(self.columns) or None,
            "column_names": list(self.columns) or None,
            "contamination": None,
            "model_quality": said.get("model_quality"),
            "training_time": float32(said.get("training_time")),
            "algorithm_name": said.get("algorithm_name"),
            "training_score": float32(said.get("training_score")),
            "build_timestamp": build_timestamp,
            "hyperparameters": said.get("hyperparameters"),
            "n_selected_rows": said.get("n_selected_rows"),
            "training_params": said.get("training_params"),
            "train_table_name": train_table_name or None,
            "model_explanation": dict(self.explanation),
            "n_selected_columns": said.get("n_selected_columns"),
            "target_column_name": self.target,
            "optimization_metric": said.get("optimization_metric"),
            "selected_column_names": said.get("selected_column_names"),
            "training_drift_metric": said.get("training_drift_metric"),
            "onnx_inputs_info": dict(self.inputs_info),
            "onnx_outputs_info": dict(self.outputs_info),
        }

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """What was said, as JSON values; the bytes, as an array of them."""
        names = (name for name in self.__dataclass_fields__ if name != "data")
        values = {name: getattr(self, name) for name in names}
        return values, {"data": np.frombuffer(self.data, np.uint8)}


def files_of(model: OnnxModel) -> dict[str, bytes | memoryview]:
    """Name and content of each file of its zip; ``read_files`` is the inverse."""
    said = json.dumps(model.state()[0], allow_nan=False).encode()
    return {SAID: said, FILE: model.data}


def read_files(files: Mapping[str, bytes | memoryview]) -> OnnxModel:
    """The model of such files. Any exception means that it cannot be read."""
    state = json.loads(bytes(files[SAID]))
    data = files[FILE]
    onnx_bytes.check(data)
    state["task_name"] = task_named(str(state["task_name"])).name
    state["columns"] = tuple(str(name) for name in state["columns"])
    for name in ("inputs_info", "outputs_info", "said", "explanation", "background"):
        if not isinstance(state[name], dict):
            raise ValueError(name)
    return OnnxModel(data=data, **state)


def from_metadata(data: bytes | memoryview, said: Mapping[str, Any]) -> OnnxModel:
    """A model that is imported, not opened yet.

    Raises:
        MySQLError: 3877, a key of the metadata is of a wrong type or value.
    """
    task = said.get("task")
    name = "classification" if task is None else task_named(str(task)).name
    infos = {}
    for key in ("onnx_inputs_info", "onnx_outputs_info"):
        infos[key] = said.get(key) or {}
        if not isinstance(infos[key], dict):
            raise ml_error("ML004004", f"{key} must be a JSON object.")
    types = infos["onnx_inputs_info"].get("data_types_map") or {}
    if not isinstance(types, dict) or not all(
        isinstance(v, str) for v in types.values()
    ):
        raise ml_error("ML004005", "data_types_map must map tensors to NumPy types.")
    for key in ("training_score", "training_time"):
        value = said.get(key)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise _wrong_said(key, "a number")
    target = said.get("target_column_name")
    if target is not None and not isinstance(target, str):
        raise _wrong_said("target_column_name", "a string")
    return OnnxModel(
        name,
        data,
        infos["onnx_inputs_info"],
        infos["onnx_outputs_info"],
        _column_names(said.get("column_names")),
        target,
        {key: value for key, value in said.items() if not key.startswith("onnx_")},
    )


def labels_of(told: Told, *truths: pa.Array) -> Labels:
    """The classes, in the order of the shares; without shares, those that are seen."""
    if told.classes:
        if all(isinstance(one, int) for one in told.classes):
            return Labels(pa.array(told.classes, pa.int64()))
        return Labels(pa.array([str(one) for one in told.classes], pa.string()))
    seen = {str(one): one for one in told.labels.to_pylist()}
    if pa.types.is_integer(told.labels.type):
        return Labels(pa.array(sorted(seen.values()), pa.int64()))
    for column in truths:
        seen |= {str(one): str(one) for one in column.to_pylist()}
    return Labels(pa.array(sorted(seen), pa.string()))


def _column_names(given: Any) -> tuple[str, ...]:
    """Of an array, or of an object that maps places to names, as 8.0 has it."""
    if isinstance(given, dict):
        keys = sorted(given, key=lambda key: (len(key), key))
        given = [given[key] for key in keys]
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise _wrong_said("column_names", "a JSON array of strings")
    return tuple(given)


def _wrong_said(key: str, what: str) -> MySQLError:
    return ml_error("ML006005", f"ML_MODEL_IMPORT: option '{key}' must be {what}.")
