"""A batch of predictions in which a row that cannot be predicted fails alone.

Source: Amazon Machine Learning Developer Guide, "Batch predictions": records seen, and
records that failed to process.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from heatproxy.automl.model_bytes import ModelBytes
from heatproxy.automl.storage import from_bytes
from heatproxy.automl.tasks.contract import Answers
from heatproxy.automl.work import predicted
from heatproxy.errors import MySQLError

# What an error says that is about values, so that other rows may do without it.
_OF_VALUES = "ML003015:"
MOST_FAILED = 10_000  # with more of them it is the table that is wrong


def tolerant_job(
    data: ModelBytes, table: pa.Table, options: Mapping[str, Any], threads: int
) -> Answers:
    """What predict_job answers; rows with values of another kind have NULL answers.

    Raises:
        MySQLError: what no row is answered without; there are too many such rows.
    """
    model = from_bytes(data)
    pieces: list[tuple[int, pa.Table | None]] = []
    waiting = [(0, table.num_rows)]
    failed = 0
    problem: MySQLError | None = None
    while waiting:  # the rows that are left in order, halved where one of them fails
        start, count = waiting.pop()
        try:
            answers = predicted(model, table.slice(start, count), options, threads)
        except MySQLError as refused:
            if not refused.message.startswith(_OF_VALUES):
                raise
            problem = refused
            failed += count <= 1
            if failed > MOST_FAILED:
                raise
            if count <= 1:
                pieces.append((count, None))
                continue
            half = count // 2
            waiting += [(start + half, count - half), (start, half)]
            continue
        if answers.own_rows:
            return answers
        pieces.append((count, answers.added))
    return Answers(_joined(pieces, problem))


def _joined(
    pieces: list[tuple[int, pa.Table | None]], problem: MySQLError | None
) -> pa.Table:
    """The answers one behind the other, NULLs where there are none."""
    schema = next((added.schema for _, added in pieces if added is not None), None)
    if schema is None:
        assert problem is not None  # nothing was answered
        raise problem
    return pa.concat_tables(
        [_nulls(schema, count) if added is None else added for count, added in pieces]
    )


def _nulls(schema: pa.Schema, count: int) -> pa.Table:
    columns = [pa.nulls(count, field.type) for field in schema]
    return pa.table(columns, schema=schema)
