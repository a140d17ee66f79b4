"""The text of ``ml_results``, a column at a time.

Rows are built by joining whole columns, never row by row. The key order is that of
the reference's tables: it is text, not JSON that MySQL has sorted. One call makes one
Arrow string array, so batches should stay below about a million rows.

Source: HeatWave User Guide, "ML_PREDICT_TABLE", "ML_EXPLAIN_TABLE", version 9.5.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import FloatArray, as_text, is_number
from heatproxy.automl.drift_text import drift_text
from heatproxy.automl.explain import Explanation
from heatproxy.automl.json_columns import fixed, joined, json_strings, numbers
from heatproxy.automl.model import Model, Prediction


def prediction_results(
    model: Model, prediction: Prediction, drift: pa.Array | None = None
) -> pa.Array:
    """``{"predictions": {"y": "no"}, "probabilities": {"no": 0.98, ...}}`` (n_rows,).

    Probabilities have two decimals, a regression's numbers all of theirs. ``drift``
    is what ``drift_results`` made.
    """
    texts = model.labels.texts if model.labels is not None else []
    return prediction_text(model.target, texts, prediction, drift)


def prediction_text(
    target: str,
    classes: Sequence[str],
    prediction: Prediction,
    drift: pa.Array | None = None,
) -> pa.Array:
    """``prediction_results`` where the target and the classes are known, not a model.

    A model may name no probabilities of its classes: then none are shown.
    """
    parts: list[Any] = [_predictions(target, prediction)]
    if prediction.probabilities is not None:
        parts.append(', "probabilities": {')
        keys = [json.dumps(text, ensure_ascii=False) for text in classes]
        for place, text in enumerate(keys):
            comma = ", " if place else ""
            parts += [
                f"{comma}{text}: ",
                _two_decimals(prediction.probabilities[:, place]),
            ]
        parts.append("}")
    if drift is not None:
        parts += [', "drift": ', drift]
    return joined(["{", *parts, "}"])


def explanation_results(model: Model, explanation: Explanation) -> pa.Array:
    """``{"attributions": {...}, "predictions": {...}, "notes": "..."}`` (n_rows,)."""
    parts: list[Any] = ['{"attributions": {']
    for place, name in enumerate(model.features.columns):
        comma = ", " if place else ""
        key = json.dumps(name, ensure_ascii=False)
        column = explanation.attributions[:, place]
        parts += [f"{comma}{key}: ", _two_decimals(column)]
    parts += ["}, ", _predictions(model.target, explanation.prediction)]
    parts += [', "notes": ', json_strings(notes(model, explanation)), "}"]
    return joined(parts)


def notes(model: Model, explanation: Explanation) -> pa.Array:
    """One sentence a row: the features that spoke loudest for and against (n_rows,).

    As in: "duration (79) had the largest impact towards predicting no, whereas
    poutcome (success) contributed the most against predicting no".
    """
    shares = explanation.attributions
    if not len(shares):
        return pa.array([], pa.string())
    names = np.array(model.features.columns, dtype=object)
    values = np.array(
        [pc.fill_null(as_text(v), "NULL").to_pylist() for v in explanation.values],
        dtype=object,
    ).reshape(len(names), len(shares))
    rows = np.arange(len(shares))
    most, least = shares.argmax(axis=1), shares.argmin(axis=1)
    for_it = names[most] + " (" + values[most, rows] + ")"
    against = names[least] + " (" + values[least, rows] + ")"
    if model.labels is not None:
        answer = np.array(
            as_text(explanation.prediction.labels).to_pylist(), dtype=object
        )
        pro, contra = "predicting " + answer, "against predicting " + answer
    else:
        pro = np.full(len(rows), f"increasing {model.target}", dtype=object)
        contra = np.full(len(rows), f"towards decreasing {model.target}", dtype=object)
    helped = shares.max(axis=1) > 0
    hindered = shares.min(axis=1) < 0
    first = for_it + " had the largest impact towards " + pro
    second = against + " contributed the most " + contra
    neither = "no column had an impact on " + pro
    text = np.where(
        helped & hindered,
        first + ", whereas " + second,
        np.where(helped, first, np.where(hindered, second, neither)),
    )
    return pa.array(text.tolist(), pa.string())


def drift_results(model: Model, table: pa.Table) -> pa.Array:
    """``{"metric": 1.23, "attribution_percent": {...}}`` (n_rows,), three columns."""
    return drift_text(model.features, model.drift, model.features.encode(table))


def _predictions(target: str, prediction: Prediction) -> pa.Array:
    key = json.dumps(target, ensure_ascii=False)
    labels = prediction.labels
    if prediction.probabilities is None and pa.types.is_floating(labels.type):
        values = numbers(labels.to_numpy(zero_copy_only=False))
    elif is_number(labels.type):
        values = as_text(labels)
    else:
        values = json_strings(as_text(labels))
    return joined([f'"predictions": {{{key}: ', values, "}"])


def _two_decimals(values: FloatArray) -> pa.Array:
    """Numbers in -1..1 as text, such as 0.98, 0.5 and 1.0."""
    return fixed(values, 2)
