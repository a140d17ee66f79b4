"""Rows that come as JSON objects: to Arrow for the model, and back with its answers.

Source: HeatWave User Guide, "ML_PREDICT_ROW", "ML_EXPLAIN_ROW", layouts of 9.5.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from heatproxy.errors import ml_error
from heatproxy.jsontext import NumberText, json_text, parse
from heatproxy.session import Session

Row = tuple[str | None, ...]  # input JSON, model handle, options JSON


@dataclass(frozen=True, slots=True)
class RowsOfOneCall:
    """Rows that one call of the model answers: one handle, options and set of keys."""

    handle: str | None
    options: str | None
    places: list[int]
    objects: list[dict[str, Any]]

    @property
    def table(self) -> pa.Table:
        """The rows, Arrow (n_rows, n_keys)."""
        keys = list(self.objects[0])
        return pa.table({key: _column([o[key] for o in self.objects]) for key in keys})


def grouped(rows: Sequence[Row]) -> list[RowsOfOneCall]:
    """The rows, those that belong together in one group.

    Raises:
        MySQLError: 3877, ML003016 for a NULL and ML003017 for JSON that is no object.
    """
    groups: dict[tuple[Any, ...], RowsOfOneCall] = {}
    for place, (text, handle, options) in enumerate(rows):
        if text is None:
            raise ml_error("ML003016", "Missing argument: row_json.")
        value = parse(text)
        if not isinstance(value, dict):
            raise ml_error("ML003017", "The row_json argument must be a JSON object.")
        key = (handle, options, tuple(value))
        group = groups.setdefault(key, RowsOfOneCall(handle, options, [], []))
        group.places.append(place)
        group.objects.append(value)
    return list(groups.values())


async def answers(
    session: Session,
    rows: Sequence[Row],
    results_of: Callable[[Session, RowsOfOneCall], Awaitable[pa.Array]],
) -> list[str | None]:
    """The answer to each row; ``results_of`` gives ``ml_results`` of one group."""
    answered: list[str | None] = [None] * len(rows)
    for group in grouped(rows):
        found = (await results_of(session, group)).to_pylist()
        for place, given, text in zip(group.places, group.objects, found, strict=True):
            answered[place] = json_text(_answer(given, parse(text)))
    return answered


def _answer(given: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    """What came in, and beside it what the model says."""
    (prediction,) = results["predictions"].values()
    answer = {**given, "Prediction": prediction, "ml_results": results}
    for name, share in results.get("attributions", {}).items():
        answer[f"{name}_attribution"] = share
    if "notes" in results:
        answer["Notes"] = results["notes"]
    return answer


def _column(values: list[Any]) -> pa.Array:
    """JSON scalars as one Arrow column: numbers, or text as soon as one is text."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool | int) for value in present) and present:
        return pa.array([None if v is None else int(v) for v in values], pa.int64())
    if all(isinstance(value, int | NumberText) for value in present) and present:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    texts = [v if v is None or isinstance(v, str) else json_text(v) for v in values]
    return pa.array([None if v is None else str(v) for v in texts], pa.string())
