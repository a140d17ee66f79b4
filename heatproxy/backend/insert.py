"""Arrow rows into a table of the backend, as multi-row INSERTs of literals.

Every column becomes a column of SQL literals without a Python object per value.
Strings travel as hexadecimal digits, which no sql_mode or character set touches.
"""

import asyncio
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.backend.connection import BackendConnection
from heatproxy.datatypes import quote_name
from heatproxy.errors import not_supported

STATEMENT_BYTES = 1 << 20  # while MySQL parses one, it hears no KILL
ROWS_AT_ONCE = 1 << 14


async def insert_rows(
    connection: BackendConnection, name: str, rows: pa.Table, *, hint: str = ""
) -> int:
    """Insert all rows; ``name`` is the quoted table, columns go by their names.

    ``hint`` is an optimizer hint for every INSERT.

    Returns:
        The number of rows inserted.

    Raises:
        MySQLError: the backend's own. What was inserted before stays: call it
            inside a transaction, or drop the table when it fails.
    """
    allowed = int(await connection.scalar("SELECT @@max_allowed_packet") or 0)
    limit = min(STATEMENT_BYTES, max(allowed - 1024, 1024))
    columns = ", ".join(quote_name(column) for column in rows.column_names)
    head = f"INSERT {hint}INTO {name} ({columns}) VALUES "
    lists = _statements(rows, limit - len(head.encode()))
    # in a thread, so that nobody waits for it, and a KILL is heard meanwhile
    while (values := await asyncio.to_thread(next, lists, None)) is not None:
        await connection.query(head + values)
    return int(rows.num_rows)


def _statements(rows: pa.Table, limit_bytes: int) -> Iterator[str]:
    """The VALUES lists, each at most so long unless one row is longer."""
    for batch in rows.to_batches(ROWS_AT_ONCE):
        tuples = _tuples(batch)
        ends = np.cumsum(pc.binary_length(tuples).to_numpy().astype(np.int64) + 1)
        start = 0
        while start < len(tuples):
            before = ends[start - 1] if start else 0
            end = int(np.searchsorted(ends, before + limit_bytes, side="right"))
            end = max(end, start + 1)
            yield ",".join(tuples[start:end].to_pylist())
            start = end


def _tuples(batch: pa.RecordBatch) -> pa.Array:
    """``(literal,literal,...)`` of each row."""
    literals = [literal_column(column).fill_null("NULL") for column in batch.columns]
    joined = pc.binary_join_element_wise(*literals, ",")
    return pc.binary_join_element_wise("(", joined, ")", "")


def literal_column(column: pa.Array) -> pa.Array:
    """The SQL literals of a column, null where the value is null.

    Raises:
        MySQLError: 1235, an Arrow type that no MySQL column travels in.
    """
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return column.cast(pa.int64() if kind != pa.uint64() else kind).cast(
            pa.string()
        )
    if pa.types.is_decimal(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        text = column.cast(pa.string())
        text = pc.if_else(pc.equal(text, "-0"), "-0e0", text)  # no integer zero
        return pc.if_else(pc.is_finite(column), text, None)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _hexadecimal(column.cast(pa.string()), "_utf8mb4 X'")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _hexadecimal(column.cast(pa.binary()), "X'")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _around("'", column.cast(pa.string()), "'")
    if pa.types.is_duration(kind):
        seconds = column.cast(pa.int64()).cast(pa.decimal128(19, 0))
        seconds = pc.multiply(seconds, pa.scalar("0.000001").cast(pa.decimal128(7, 6)))
        return _around("SEC_TO_TIME(", seconds.cast(pa.string()), ")")
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    raise not_supported(f"rows of Arrow type {kind}")


def _around(before: str, values: pa.Array, after: str) -> pa.Array:
    return pc.binary_join_element_wise(before, values, after, "")


def _hexadecimal(values: pa.Array, opening: str) -> pa.Array:
    """Each value as ``opening`` digits ``'``; the whole buffer is turned at once."""
    if values.offset:
        values = pa.concat_arrays([values])
    if values.offset or len(values) == 0:
        values = values.take(pa.array(range(len(values)), pa.int64()))
    _, offsets_buffer, data = values.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32, len(values) + 1).astype(np.int64)
    digits = (data.to_pybytes() if data is not None else b"").hex().encode()
    doubled = pa.LargeStringArray.from_buffers(
        len(values), pa.py_buffer(offsets * 2), pa.py_buffer(digits)
    )
    quoted = _around(opening, doubled.cast(pa.string()), "'")
    return pc.if_else(values.is_valid(), quoted, None)
