"""What the outputs of an ONNX model mean: predictions, probabilities, classes.

Source: HeatWave User Guide, "ONNX Model Metadata".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl.columns import FloatArray
from heatproxy.errors import MySQLError, ml_error

CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True, slots=True)
class Outputs:
    """The names of the outputs, and the classes in the order of the probabilities.

    ``labels`` are whole numbers or texts, or none where the model itself names them.
    """

    predictions: str | None
    probabilities: str | None
    labels: tuple[int | str, ...] = ()

    @classmethod
    def of(cls, info: Mapping[str, Any], task: str, names: Sequence[str]) -> "Outputs":
        """From ``onnx_outputs_info``; ``names`` are those of the model's outputs.

        Raises:
            MySQLError: 3877 ML004004, a name that is missing, is none or is too much.
        """
        known = ("predictions_name", "prediction_probabilities_name", "labels_map")
        for key in info:
            if key not in known:
                raise wrong(f"unknown key '{key}': known are {', '.join(known)}")
        predictions, probabilities = (info.get(key) for key in known[:2])
        for name in (predictions, probabilities):
            if name is not None and name not in names:
                raise wrong(f"{name!r} is none of the outputs {', '.join(names)}")
        labels = _labels(info.get("labels_map"))
        if task == REGRESSION:
            if probabilities is not None:
                raise wrong("prediction_probabilities_name is for classification only")
            if labels:
                raise wrong("labels_map is for classification only")
            if predictions is None and len(names) > 1:
                raise wrong(
                    "predictions_name is needed, as the model has the outputs "
                    + ", ".join(names)
                )
            return cls(predictions or names[0], None)
        if predictions is None and probabilities is None:
            raise wrong(
                "classification needs predictions_name or prediction_probabilities_name"
            )
        if labels and probabilities is None:
            raise wrong("labels_map needs prediction_probabilities_name")
        return cls(predictions, probabilities, labels)

    def read(self, found: Mapping[str, Any], task: str) -> "Told":
        """The model's answer to n_rows rows.

        Raises:
            MySQLError: 3877 ML004006, an output is not what its name says.
        """
        told = None
        if self.predictions is not None:
            told = _column(found[self.predictions], self.predictions)
        if task == REGRESSION:
            assert told is not None
            try:
                return Told(pa.array(told.astype(np.float64)), None, ())
            except ValueError:
                raise unfit(self.predictions, "is not numeric") from None
        if self.probabilities is None:
            assert told is not None
            return Told(pa.array(_labels_in(told)), None, ())
        shares, own = _shares(found[self.probabilities], self.probabilities)
        classes = self._classes(shares.shape[1], own)
        if told is not None:
            return Told(pa.array(_labels_in(told)), shares, classes)
        chosen = shares.argmax(axis=1) if len(shares) else np.zeros(0, int)
        return Told(_array(classes).take(pa.array(chosen)), shares, classes)

    def _classes(self, count: int, own: tuple[int | str, ...]) -> tuple[int | str, ...]:
        """Of the map, else of the model, else the places of the probabilities."""
        if self.labels and len(self.labels) != count:
            raise unfit(
                self.probabilities,
                f"has {count} probabilities, and labels_map {len(self.labels)} labels",
            )
        return self.labels or own or tuple(range(count))


@dataclass(frozen=True, slots=True)
class Told:
    """Answers to n_rows rows: ``labels`` Arrow (n_rows,), classes or doubles.

    ``shares`` (n_rows, n_classes) are the probabilities of ``classes``, if it has any.
    """

    labels: pa.Array
    shares: FloatArray | None
    classes: tuple[int | str, ...]


def wrong(why: str) -> MySQLError:
    return ml_error("ML004004", f"onnx_outputs_info: {why}.")


def unfit(name: str | None, why: str) -> MySQLError:
    return ml_error("ML004006", f"The ONNX model's output '{name}' {why}.")


def _array(classes: Sequence[int | str]) -> pa.Array:
    if all(isinstance(one, int) for one in classes):
        return pa.array(classes, pa.int64())
    return pa.array([str(one) for one in classes], pa.string())


def _labels(given: Any) -> tuple[int | str, ...]:
    """The labels of a map from places to labels, or the other way round."""
    if given is None or given == {}:
        return ()
    if not isinstance(given, dict):
        raise wrong("labels_map must be a JSON object")
    pairs = list(given.items())
    if not _are_places([key for key, _ in pairs]):
        pairs = [(place, label) for label, place in pairs]
    if not _are_places([place for place, _ in pairs]):
        raise wrong(
            "labels_map must map the places of the probabilities, from 0 on, to labels"
        )
    labels = [label for _, label in sorted(pairs, key=lambda pair: int(pair[0]))]
    if not all(isinstance(label, int | str) for label in labels):
        raise wrong("labels_map must have strings or whole numbers as labels")
    if len(set(map(str, labels))) != len(labels):
        raise wrong("labels_map has a label twice")
    return tuple(labels)


def _are_places(values: Sequence[Any]) -> bool:
    texts = {str(value) for value in values if not isinstance(value, bool)}
    return texts == {str(place) for place in range(len(values))}


def _column(value: Any, name: str) -> npt.NDArray[Any]:
    """One value a row (n_rows,)."""
    array = np.asarray(value)
    if array.ndim > 1 and array.size == len(array):
        array = array.reshape(len(array))
    if array.ndim != 1 or (
        array.dtype == object and len(array) and not _is_plain(array)
    ):
        raise unfit(name, "has not one value a row")
    return array


def _is_plain(array: npt.NDArray[Any]) -> bool:
    return all(isinstance(value, str | int | float) for value in array)


def _labels_in(array: npt.NDArray[Any]) -> list[int | str]:
    if array.dtype.kind in "iub":
        return [int(value) for value in array]
    if array.dtype.kind == "f" and (array == np.trunc(array)).all():
        return [int(value) for value in array]
    return [str(value) for value in array]


def _shares(value: Any, name: str) -> tuple[FloatArray, tuple[int | str, ...]]:
    """Probabilities (n_rows, n_classes), and the classes if the model names them."""
    own: tuple[int | str, ...] = ()
    if isinstance(value, list) and value and isinstance(value[0], dict):
        keys = list(value[0])
        if any(set(row) != set(keys) for row in value):
            raise unfit(name, "names other classes from row to row")
        own = tuple(key if isinstance(key, int) else str(key) for key in keys)
        value = [[row[key] for key in keys] for row in value]
    try:
        shares = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise unfit(name, "has no probabilities") from None
    if shares.ndim == 1 or (shares.ndim == 2 and shares.shape[1] == 1):
        second = shares.reshape(len(shares))  # of two classes, only the second's
        shares = np.stack([1.0 - second, second], axis=1)
    if shares.ndim != 2 or (len(shares) and not np.isfinite(shares).all()):
        raise unfit(name, "has no probabilities")
    return shares, own
