"""Rows that come as JSON objects: to Arrow for the model, and back with its answers.

Source: HeatWave User Guide, "ML_PREDICT_ROW", "ML_EXPLAIN_ROW", layouts of 9.5.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from heatproxy.automl.generations import NEW, Generation
from heatproxy.automl.model_bytes import ModelBytes
from heatproxy.automl.tasks.contract import Answers
from heatproxy.errors import ml_error
from heatproxy.jsontext import NumberText, json_text, parse, read_as_number
from heatproxy.session import Cancel, Session

Row = tuple[str | None, ...]  # input JSON, model handle, options JSON
ResultsOf = Callable[[pa.Table], pa.Array]  # rows to the ``ml_results`` of each


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answers rows; ``has_prediction``: one class or number for each.

    ``apart``, where it is given, answers all rows of a call in a learning process.
    ``numeric`` names keys, in lower case, whose texts are echoed as the numbers they
    were read as.
    """

    results_of: ResultsOf | None = None
    has_prediction: bool = True
    apart: Callable[[pa.Table], Awaitable[pa.Array]] | None = None
    numeric: frozenset[str] = frozenset()


def in_job(
    session: Session, job: Callable[..., Answers], data: ModelBytes, given: Any
) -> Callable[[pa.Table], Awaitable[pa.Array]]:
    """A stored model's answers to rows, from a process of its own.

    ``job`` is called with ``data``, the rows, ``given`` and how many threads it has.
    """

    async def apart(rows: pa.Table) -> pa.Array:
        found = await session.in_worker(job, data, rows, given, session.threads)
        return found.added.column("ml_results")

    return apart


Open = Callable[[Session, str | None, str | None], Awaitable[Answerer]]


@dataclass(frozen=True, slots=True)
class RowsOfOneCall:
    """Rows that one call of the model answers: one handle, options and set of keys."""

    handle: str | None
    options: str | None
    places: list[int]
    objects: list[dict[str, Any]]

    def table(self, cancel: Cancel) -> pa.Table:
        """The rows, Arrow (n_rows, n_keys).

        Raises:
            MySQLError: 1317, it should stop.
        """
        keys = cancel.between(self.objects[0])
        return pa.table({key: _column([o[key] for o in self.objects]) for key in keys})

    def answers(
        self,
        answerer: Answerer,
        at_once: int,
        cancel: Cancel,
        generation: Generation = NEW,
    ) -> Iterator[tuple[int, str]]:
        """Each row's place and the answer to it.

        The model sees ``at_once`` rows at a time. The columns' types are those of all
        rows together: no answer depends on which rows come with it.

        Raises:
            MySQLError: 1317, it should stop; the model's.
        """
        results_of = answerer.results_of
        assert results_of is not None
        table = self.table(cancel)
        for start in cancel.between(range(0, len(self.places), at_once)):
            end = start + at_once
            texts = results_of(table.slice(start, at_once)).to_pylist()
            rows = zip(
                self.places[start:end], self.objects[start:end], texts, strict=True
            )
            for place, given, text in cancel.between(rows):
                results = parse(text)
                answer = _answer(given, results, answerer)
                answer["ml_results"] = generation.row_results(results, text)
                yield place, json_text(answer)


def grouped(rows: Iterable[Row]) -> list[RowsOfOneCall]:
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
    session: Session, rows: Sequence[Row], open_model: Open, at_once: int
) -> list[str | None]:
    """The answer to each row; ``open_model`` gives what computes a group's.

    Rows by the thousand take seconds, which nobody else must wait for.
    """
    groups = await session.off_loop(lambda cancel: grouped(cancel.between(rows)))
    answered: list[str | None] = [None] * len(rows)
    for group in groups:
        answerer = await open_model(session, group.handle, group.options)
        size = at_once
        if answerer.apart is not None:
            texts = await answerer.apart(await session.off_loop(group.table))
            answerer = replace(answerer, results_of=partial(_known, texts))
            size = len(group.places)
        work = partial(
            _answer_group, answered, group, answerer, size, session.generation
        )
        await session.off_loop(work)
    return answered


def _answer_group(
    answered: list[str | None],
    group: RowsOfOneCall,
    answerer: Answerer,
    at_once: int,
    generation: Generation,
    cancel: Cancel,
) -> None:
    for place, text in group.answers(answerer, at_once, cancel, generation):
        answered[place] = text


def _known(texts: pa.Array, rows: pa.Table) -> pa.Array:
    """The answers to all of the rows."""
    return texts


def _answer(
    given: dict[str, Any], results: dict[str, Any], answerer: Answerer
) -> dict[str, Any]:
    """What came in, and beside it what the model says."""
    numeric = answerer.numeric
    answer = {
        key: read_as_number(value) if key.lower() in numeric else value
        for key, value in given.items()
    }
    if answerer.has_prediction:
        (answer["Prediction"],) = results["predictions"].values()
    for name, share in results.get("attributions", {}).items():
        answer[f"{name}_attribution"] = share
    if "notes" in results:
        answer["Notes"] = results["notes"]
    return answer


def _column(values: list[Any]) -> pa.Array:
    """JSON scalars as one Arrow column: numbers, or text as soon as one is text."""
    present = [value for value in values if value is not None]
    if all(isinstance(v, int) and abs(v) < 1 << 63 for v in present) and present:
        return pa.array([None if v is None else int(v) for v in values], pa.int64())
    if all(isinstance(value, int | NumberText) for value in present) and present:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    texts = [v if v is None or isinstance(v, str) else json_text(v) for v in values]
    return pa.array([None if v is None else str(v) for v in texts], pa.string())
