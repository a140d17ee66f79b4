"""Predictions that are put into the rows of a SELECT on their way to the client.

MySQL is asked for the arguments in place of the calls. They come as columns, the model
answers a batch of rows at a time, and the answers go out in the columns of the calls.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.aftermath import Condition, conditions_of, of_rows
from heatproxy.automl.columns import is_number
from heatproxy.automl.json_columns import json_strings
from heatproxy.backend.arrow_rows import arrow_rows
from heatproxy.routines.columnwise import (
    ColumnPredictor,
    as_given,
    as_stored,
    column_predictor,
    echoed,
)
from heatproxy.session import Cancel, Session
from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import tokens
from heatproxy.statements.predicting.calls import as_text, function_of
from heatproxy.statements.predicting.plain import (
    TEXT,
    VALUE,
    WHOLE,
    Item,
    Plain,
    fields_of,
)
from heatproxy.statements.predicting.scalars import NUMBERS, TEXTS, are_scalars
from heatproxy.wire.columns import ColumnDefinition, result_type

# What goes through Arrow and comes out as MySQL has it.
_PASSED = (*NUMBERS, *TEXTS, FIELD_TYPE.JSON, FIELD_TYPE.YEAR, FIELD_TYPE.NULL)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where an item's values come from: ``count`` columns of the rows from ``place``.

    ``fields`` are the keys of columns; without them one column is the argument's JSON.
    """

    item: Item
    place: int
    count: int
    fields: tuple[str, ...] = ()
    predictor: ColumnPredictor | None = None
    constants: tuple[str | None, ...] = ()


async def stream(
    session: Session, select: Plain, columns: Sequence[ColumnDefinition]
) -> bool:
    """Give the client the rows; False where they must be had otherwise.

    ``columns`` are as the client is to see them.

    Raises:
        MySQLError: from MySQL, from the function.
    """
    for item in select.items:
        if item.call is not None and item.form != WHOLE and not _has_prediction(item):
            return False
    planned = await _planned(session, select, columns)
    if planned is None:
        return False
    sources, sql = planned
    conditions: list[Condition] = []
    results = await session.backend.scalar("SELECT @@character_set_results")
    batches = _batches(session, sql, sources, columns, conditions)
    count = await session.answer.rows(columns, batches, results=results)
    session.aftermath = of_rows(count, conditions)
    return True


def _has_prediction(item: Item) -> bool:
    assert item.call is not None
    return item.call.name == "ML_PREDICT_ROW"


async def _planned(
    session: Session, select: Plain, columns: Sequence[ColumnDefinition]
) -> tuple[list[_Source], bytes] | None:
    """Where the values come from, and the SELECT that gives them."""
    sources: list[_Source] = []
    listed: list[bytes] = []
    place = 0
    stars = sum(item.call is None and item.text.endswith(b"*") for item in select.items)
    if stars > 1:
        return None
    for item in select.items:
        if item.call is None:
            star = item.text.endswith(b"*")
            count = len(columns) - len(select.items) + 1 if star else 1
            sources.append(_Source(item, place, count))
            listed.append(item.text)
        else:
            source, texts = await _of_call(session, item, place, select.rest)
            if source is None:
                return None
            count = source.count
            sources.append(source)
            listed += texts
        place += count
    if not _are_passed(sources, columns):
        return None
    return sources, select.head + b", ".join(listed) + b" " + select.rest


async def _of_call(
    session: Session, item: Item, place: int, rest: bytes
) -> tuple[_Source | None, list[bytes]]:
    call = item.call
    assert call is not None
    handle, options = await session.backend.evaluate(as_text(call)[1:])
    words = tokens(call.arguments[0], backslash_escapes=session.backslash_escapes)
    fields = fields_of(call.arguments[0], words)
    if fields is not None and call.name == "ML_PREDICT_ROW":
        predictor = await column_predictor(session, handle, options)
        texts = [expression for _, expression in fields]
        if (
            predictor is not None
            and _gives(predictor, item)
            and await _are_scalars(session, texts, rest)
        ):
            keys = tuple(key for key, _ in fields)
            return _Source(item, place, len(keys), keys, predictor), texts
    if item.form != WHOLE:
        return None, []
    value = b"CAST(" + as_text(call)[0] + b" AS CHAR CHARACTER SET utf8mb4)"
    source = _Source(item, place, 1, constants=(handle, options))
    return source, [value]


def _gives(predictor: ColumnPredictor, item: Item) -> bool:
    """Whether every Prediction is a value of the type that the item says."""
    if item.form != VALUE:
        return True
    classes = predictor.classes
    if item.type == b"DOUBLE":
        return classes is None or is_number(classes.type)
    if classes is None or item.type == b"SIGNED":
        return classes is not None and pa.types.is_integer(classes.type)
    longest = int(item.type[len(b"CHAR(") : -1])
    if not pa.types.is_string(classes.type):
        return False
    return all(len(text) <= longest for text in classes.to_pylist())


async def _are_scalars(session: Session, texts: Sequence[bytes], rest: bytes) -> bool:
    """Whether the types of these expressions say what they are in JSON."""
    found = await session.backend.prepared_columns(
        b"SELECT " + b", ".join(texts) + b" " + rest
    )
    return are_scalars(found, texts)


def _are_passed(
    sources: Sequence[_Source], columns: Sequence[ColumnDefinition]
) -> bool:
    place = 0
    for source in sources:
        if source.item.call is not None:
            place += 1
            continue
        for column in columns[place : place + source.count]:
            if column.type not in _PASSED or column.flags & FLAG.ZEROFILL:
                return False
        place += source.count
    return place == len(columns)


async def _batches(
    session: Session,
    sql: bytes,
    sources: Sequence[_Source],
    columns: Sequence[ColumnDefinition],
    conditions: list[Condition],
) -> AsyncIterator[pa.RecordBatch]:
    """The rows of the answer, batch by batch."""
    types = [result_type(column) for column in columns]
    # rows that go one by one need the connection for their model, when it is free again
    waits = any(s.item.call is not None and s.predictor is None for s in sources)
    held: list[pa.RecordBatch] = []
    async with arrow_rows(session.backend, sql) as rows:
        while batches := await rows.following():
            if waits:
                held += batches
                continue
            for batch in batches:
                arrays = await _answered(session, batch, sources)
                yield _batch(arrays, types)
        warnings = rows.warnings
    if warnings:
        conditions += await conditions_of(session.backend)
        session.answer.warnings = len(conditions)
    if held:
        (batch,) = pa.Table.from_batches(held).combine_chunks().to_batches()
        yield _batch(await _answered(session, batch, sources), types)


def _batch(arrays: Sequence[pa.Array], types: Sequence[pa.DataType]) -> pa.RecordBatch:
    cast = [array.cast(kind) for array, kind in zip(arrays, types, strict=True)]
    return pa.RecordBatch.from_arrays(cast, [f"c{i}" for i in range(len(cast))])


async def _answered(
    session: Session, batch: pa.RecordBatch, sources: Sequence[_Source]
) -> list[pa.Array]:
    arrays: list[pa.Array] = []
    for source in sources:
        mine = batch.columns[source.place : source.place + source.count]
        call = source.item.call
        if call is None:
            arrays += mine
        elif source.predictor is not None:
            arrays.append(await session.off_loop(partial(_by_columns, source, mine)))
        else:
            arrays.append(await _by_rows(session, call, source, mine[0]))
    return arrays


def _by_columns(
    source: _Source, columns: Sequence[pa.Array], cancel: Cancel
) -> pa.Array:
    assert source.predictor is not None
    given = [as_given(column) for column in columns]
    rows = pa.Table.from_arrays(given, names=list(source.fields))
    if source.item.form == WHOLE:
        texts = dict(zip(source.fields, map(echoed, columns), strict=True))
    else:
        texts = {}
    answered = source.predictor.answers(rows, texts)
    if source.item.form == WHOLE:
        return answered.rows()
    if source.item.form == VALUE:
        return answered.labels
    if source.item.form == TEXT or not answered.is_text:
        return answered.predictions
    return json_strings(answered.predictions)


async def _by_rows(
    session: Session, call: RoutineCall, source: _Source, column: pa.Array
) -> pa.Array:
    texts = await session.off_loop(lambda cancel: column.to_pylist())
    rows = [(text, *source.constants) for text in texts]
    answers = await function_of(call).run(session, rows)

    def stored(cancel: Cancel) -> list[str | None]:
        return [None if a is None else as_stored(a) for a in cancel.between(answers)]

    return pa.array(await session.off_loop(stored), pa.string())
