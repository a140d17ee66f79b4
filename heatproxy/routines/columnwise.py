"""ML_PREDICT_ROW for rows that come as columns: no JSON is read, none is built by row.

The answers are those that the function gives row by row, to the byte.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl import results
from heatproxy.automl.columns import as_text, is_number
from heatproxy.automl.json_columns import joined, json_strings
from heatproxy.automl.model import Model, Prediction
from heatproxy.jsontext import (
    NumberText,
    double_text,
    json_text,
    parse,
    read_as_number,
)
from heatproxy.routines.models import open_model
from heatproxy.routines.predict import predict_options
from heatproxy.session import Session

_PLAIN_FROM = 1e-4  # doubles from here on Arrow writes as MySQL does, or with an e


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers to rows: the JSON of each (n_rows,), and its Prediction.

    ``labels`` (n_rows,) are the Predictions as values, ``predictions`` their texts.
    ``is_text``: in the JSON that is a string.
    """

    rows: Callable[[], pa.Array]
    labels: pa.Array
    predictions: pa.Array
    is_text: bool


@dataclass(frozen=True, slots=True)
class ColumnPredictor:
    """A model's answers to columns, Arrow (n_rows, n_keys), named by the keys.

    ``echo`` has the JSON text of each value, by key.
    """

    model: Model
    threads: int

    def answers(self, rows: pa.Table, echo: Mapping[str, pa.Array]) -> Answered:
        """The answers to some rows.

        Raises:
            MySQLError: 3877, as Model.predict.
        """
        prediction = self.model.predict(rows, self.threads)
        echo = dict(echo) | _numbers_of_texts(self.model, rows)
        labels = prediction.labels
        is_text = not is_number(labels.type)
        texts = as_text(labels)
        if self.model.labels is None:
            finite = pc.is_finite(labels)
            texts = pc.if_else(finite, _doubles(labels), "null")
        build = partial(self._rows, prediction, echo, texts, is_text)
        return Answered(build, labels, texts, is_text)

    @property
    def classes(self) -> pa.Array | None:
        """What a Prediction may be; None: any number."""
        return None if self.model.labels is None else self.model.labels.values

    def _rows(
        self,
        prediction: Prediction,
        echo: Mapping[str, pa.Array],
        texts: pa.Array,
        is_text: bool,
    ) -> pa.Array:
        members: dict[str, Any] = dict(echo)
        members["Prediction"] = json_strings(texts) if is_text else texts
        members["ml_results"] = self._results(prediction, texts)
        parts: list[Any] = []
        for key in sorted(members, key=_in_json):
            opening = ", " if parts else "{"
            parts.append(f"{opening}{json.dumps(key, ensure_ascii=False)}: ")
            parts.append(members[key])
        return joined([*parts, "}"])

    def _results(self, prediction: Prediction, texts: pa.Array) -> pa.Array:
        """``ml_results``, its keys in the order of a JSON object."""
        labels = self.model.labels
        if labels is None:
            key = json.dumps(self.model.target, ensure_ascii=False)
            return joined([f'{{"predictions": {{{key}: ', texts, "}}"])
        classes = labels.texts
        shares = prediction.probabilities
        if shares is not None:
            order = sorted(
                range(len(classes)), key=lambda place: _in_json(classes[place])
            )
            classes = [classes[place] for place in order]
            shares = np.ascontiguousarray(shares[:, order])
            prediction = Prediction(prediction.labels, shares)
        return results.prediction_text(self.model.target, classes, prediction)


async def column_predictor(
    session: Session, handle: str | None, options: str | None
) -> ColumnPredictor | None:
    """What predicts columns with a model; None where its rows go one by one.

    Raises:
        MySQLError: as ML_PREDICT_ROW for its handle and options.
    """
    loaded = await open_model(session, handle)
    checked = predict_options(loaded.model, options, "ML_PREDICT_ROW")
    if not isinstance(loaded.model, Model) or session.generation.is_old:
        return None
    labels = loaded.model.labels
    if checked["additional_details"] or (
        labels is not None and pa.types.is_decimal(labels.values.type)
    ):
        return None
    return ColumnPredictor(loaded.model, session.threads)


def _numbers_of_texts(model: Model, rows: pa.Table) -> dict[str, pa.Array]:
    """What is echoed of texts that the model has read as numbers, by key."""
    numeric = model.numeric_names
    texts = (key for key in rows.column_names if key.lower() in numeric)
    return {
        key: pa.array(
            [json_text(read_as_number(text)) for text in rows.column(key).to_pylist()]
        )
        for key in texts
        if pa.types.is_string(rows.column(key).type)
    }


def echoed(column: pa.Array) -> pa.Array:
    """The JSON text of each value of a column, as MySQL has it in JSON that it stores.

    There 1.50 has become a double.
    """
    column = as_given(column)
    kind = column.type
    if pa.types.is_string(kind):
        return pc.fill_null(json_strings(column), "null")
    if pa.types.is_floating(kind):
        return pc.fill_null(_doubles(column.cast(pa.float64())), "null")
    return pc.fill_null(column.cast(pa.string()), "null")


def _doubles(values: pa.Array) -> pa.Array:
    """Doubles as MySQL writes them in JSON."""
    texts = values.cast(pa.string())
    whole = pc.invert(pc.match_substring(texts, "."))
    texts = pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)
    size = pc.abs(values)
    tiny = pc.and_(pc.less(size, _PLAIN_FROM), pc.greater(size, 0.0))
    other = pc.fill_null(pc.or_(tiny, pc.match_substring(texts, "e")), False)
    if not pc.any(other).as_py():
        return texts
    written = [double_text(value) for value in values.filter(other).to_pylist()]
    return pc.replace_with_mask(texts, other, pa.array(written, pa.string()))


def as_given(column: pa.Array) -> pa.Array:
    """The column as the model would see it out of JSON."""
    kind = column.type
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_decimal(kind):
        if kind.scale == 0:
            return column.cast(pa.string()).cast(pa.int64())
        return column.cast(pa.string()).cast(pa.float64())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    return column


def as_stored(text: str) -> str:
    """JSON text as MySQL has it once it has stored it: 1.50 has become 1.5."""
    return json_text(_as_stored(parse(text)))


def _as_stored(value: Any) -> Any:
    if isinstance(value, NumberText):
        return NumberText(double_text(float(value)))
    if isinstance(value, dict):
        return {key: _as_stored(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_as_stored(member) for member in value]
    return value


def _in_json(key: str) -> tuple[int, bytes]:
    return len(key.encode()), key.encode()
