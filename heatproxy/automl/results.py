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
from heatproxy.automl.explain import Explanation
from heatproxy.automl.model import Model, Prediction

TOP_DRIFT = 3
_HUNDREDTHS = pa.array([str(i / 100) for i in range(-100, 101)])


def prediction_results(
    model: Model, prediction: Prediction, drift: pa.Array | None = None
) -> pa.Array:
    """``{"predictions": {"y": "no"}, "probabilities": {"no": 0.98, ...}}`` (n_rows,).

    Probabilities have two decimals, a regression's numbers all of theirs. ``drift``
    is what ``drift_results`` made.
    """
    parts: list[Any] = [_predictions(model, prediction)]
    if prediction.probabilities is not None and model.labels is not None:
        parts.append(', "probabilities": {')
        texts = [json.dumps(text, ensure_ascii=False) for text in model.labels.texts]
        for place, text in enumerate(texts):
            comma = ", " if place else ""
            parts += [
                f"{comma}{text}: ",
                _two_decimals(prediction.probabilities[:, place]),
            ]
        parts.append("}")
    if drift is not None:
        parts += [', "drift": ', drift]
    return _joined(["{", *parts, "}"])


def explanation_results(model: Model, explanation: Explanation) -> pa.Array:
    """``{"attributions": {...}, "predictions": {...}, "notes": "..."}`` (n_rows,)."""
    parts: list[Any] = ['{"attributions": {']
    for place, name in enumerate(model.features.columns):
        comma = ", " if place else ""
        key = json.dumps(name, ensure_ascii=False)
        column = explanation.attributions[:, place]
        parts += [f"{comma}{key}: ", _two_decimals(column)]
    parts += ["}, ", _predictions(model, explanation.prediction)]
    parts += [', "notes": ', _json_strings(notes(model, explanation)), "}"]
    return _joined(parts)


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
    matrix = model.features.encode(table)
    metric = model.drift.metric(matrix)
    of_values = model.drift.strangeness(matrix)
    strange = np.stack(
        [of_values[:, where].sum(axis=1) for where in model.features.slices()], axis=1
    )
    total = strange.sum(axis=1, keepdims=True)
    shares = 100.0 * np.divide(
        strange, total, out=np.zeros_like(strange), where=total > 0
    )
    order = np.argsort(-shares, axis=1, kind="stable")[:, :TOP_DRIFT]
    keys = np.array(
        [
            json.dumps(feature.name, ensure_ascii=False)
            for feature in model.features.used
        ],
        dtype=object,
    )
    rows = np.arange(len(matrix))
    parts: list[Any] = ['{"metric": ', _numbers(np.round(metric, 2))]
    parts.append(', "attribution_percent": {')
    for rank in range(order.shape[1]):
        place = order[:, rank]
        names = pa.array(keys[place].tolist(), pa.string())
        percent = _numbers(np.round(shares[rows, place], 2))
        parts += [", " if rank else "", names, ": ", percent]
    return _joined([*parts, "}}"])


def _predictions(model: Model, prediction: Prediction) -> pa.Array:
    key = json.dumps(model.target, ensure_ascii=False)
    labels = prediction.labels
    if prediction.probabilities is None:
        values = _numbers(labels.to_numpy(zero_copy_only=False))
    elif is_number(labels.type):
        values = as_text(labels)
    else:
        values = _json_strings(as_text(labels))
    return _joined([f'"predictions": {{{key}: ', values, "}"])


def _two_decimals(values: FloatArray) -> pa.Array:
    """Numbers in -1..1 as text, such as 0.98, 0.5 and 1.0."""
    places = np.rint(np.clip(values, -1.0, 1.0) * 100).astype(np.int64) + 100
    return _HUNDREDTHS.take(pa.array(places))


def _numbers(values: FloatArray) -> pa.Array:
    """Doubles as the shortest JSON numbers that read back the same."""
    texts = pa.array(values, pa.float64()).cast(pa.string())
    whole = pc.invert(pc.match_substring_regex(texts, "[.eE]"))
    return pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)


def _json_strings(texts: pa.Array) -> pa.Array:
    """Quoted and escaped; each distinct text is escaped once."""
    encoded = texts.dictionary_encode()
    quoted = [json.dumps(t, ensure_ascii=False) for t in encoded.dictionary.to_pylist()]
    return pa.array(quoted, pa.string()).take(encoded.indices)


def _joined(parts: Sequence[Any]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")
