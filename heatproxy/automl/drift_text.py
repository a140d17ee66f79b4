"""What ``additional_details`` shows of a row's drift."""

from typing import Any

import numpy as np
import pyarrow as pa

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import FeatureSet
from heatproxy.automl.json_columns import joined, json_key, numbers

TOP_DRIFT = 3


def drift_text(features: FeatureSet, drift: Drift, matrix: FloatArray) -> pa.Array:
    """``{"metric": 1.23, "attribution_percent": {...}}`` (n_rows,), three columns.

    ``matrix`` is what ``features.encode`` makes of a table.
    """
    of_values = drift.strangeness(matrix)
    strange = np.stack(
        [of_values[:, where].sum(axis=1) for where in features.slices()], axis=1
    )
    total = strange.sum(axis=1, keepdims=True)
    shares = 100.0 * np.divide(
        strange, total, out=np.zeros_like(strange), where=total > 0
    )
    order = np.argsort(-shares, axis=1, kind="stable")[:, :TOP_DRIFT]
    keys = np.array([json_key(feature.name) for feature in features.used], object)
    rows = np.arange(len(matrix))
    parts: list[Any] = ['{"metric": ', numbers(np.round(drift.metric(matrix), 2))]
    parts.append(', "attribution_percent": {')
    for rank in range(order.shape[1]):
        place = order[:, rank]
        names = pa.array(keys[place].tolist(), pa.string())
        percent = numbers(np.round(shares[rows, place], 2))
        parts += [", " if rank else "", names, ": ", percent]
    return joined([*parts, "}}"])
