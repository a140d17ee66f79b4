"""Arrow rows into a table of the backend, as multi-row INSERTs of literals.

Every column becomes a column of SQL literals without a Python object per value. Text
of plain ASCII stands as it is; other strings travel as hexadecimal digits, which no
sql_mode or character set touches.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.backend.connection import MARK, BackendConnection
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, not_supported
from heatproxy.wire.packets import frame, query

# MySQL parses a short statement in half the time that it takes for as many rows of a
# long one, and while it parses it hears no KILL.
STATEMENT_BYTES = 1 << 15
STATEMENTS_AT_ONCE = 32
ROWS_AT_ONCE = 1 << 14
BATCH_BYTES = 64 << 20
# what may stand in a literal, whatever the sql_mode and the client's character set
_PLAIN = np.zeros(256, dtype=bool)
_PLAIN[0x20:0x7F] = True
_PLAIN[[ord("'"), ord("\\")]] = False


async def insert_rows(
    connection: BackendConnection, name: str, rows: pa.Table, *, hint: str = ""
) -> int:
    """Insert all rows; ``name`` is the quoted table, columns go by their names.

    ``hint`` is an optimizer hint for every INSERT.

    Returns:
        The number of rows inserted.

    Raises:
        MySQLError: the backend's own. What was inserted before stays, and a few rows
            behind what failed: call it inside a transaction, or drop the table when
            it fails.
    """
    allowed = int(await connection.scalar("SELECT @@max_allowed_packet") or 0)
    limit = min(STATEMENT_BYTES, max(allowed - 1024, 1024))
    columns = ", ".join(quote_name(column) for column in rows.column_names)
    head = MARK + f"INSERT {hint}INTO {name} ({columns}) VALUES ".encode()
    capabilities = connection.capabilities
    statements = (
        frame(query(head + values, capabilities), 0)
        for values in _statements(rows, limit - len(head))
    )

    def ahead() -> "asyncio.Task[list[bytes]]":
        # in a thread, so that nobody waits for it, and while MySQL inserts
        some = asyncio.to_thread(lambda: list(islice(statements, STATEMENTS_AT_ONCE)))
        return asyncio.ensure_future(some)

    following = ahead()
    try:
        while packets := await following:
            following = ahead()
            await _insert(connection, packets)
    finally:
        await asyncio.wait([following])
    return int(rows.num_rows)


async def insert_batches(
    connection: BackendConnection,
    name: str,
    columns: Sequence[str],
    batches: AsyncIterator[pa.RecordBatch],
) -> int:
    """As ``insert_rows``, of rows that need not be in memory all at once.

    ``columns`` are the names that the columns of the batches have in the table.
    """
    count = 0
    async for batch in batches:
        rows = pa.Table.from_batches([batch]).rename_columns(list(columns))
        count += await insert_rows(connection, name, rows)
    return count


async def _insert(connection: BackendConnection, packets: list[bytes]) -> None:
    """Run some statements, all of them sent before one is answered."""
    problem: MySQLError | None = None
    async with connection.claimed():
        connection.write(b"".join(packets))
        for _ in packets:
            try:
                await connection.result()
            except MySQLError as refused:
                problem = problem or refused
        if problem is not None:
            raise problem


def _statements(rows: pa.Table, limit_bytes: int) -> Iterator[bytes]:
    """The VALUES lists, each at most so long unless one row is longer."""
    for whole in rows.to_batches(ROWS_AT_ONCE):
        for batch in _bounded(whole):
            ends, data = _tuples(batch)
            start = 0
            while start < batch.num_rows:
                before = ends[start]
                end = int(np.searchsorted(ends, before + limit_bytes, side="right"))
                end = max(end - 1, start + 1)
                yield bytes(data[before : ends[end] - 1])  # no comma behind the last
                start = end


def _bounded(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in pieces whose literals fit one Arrow array."""
    if batch.nbytes <= BATCH_BYTES or batch.num_rows < 2:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _bounded(batch.slice(0, half))
    yield from _bounded(batch.slice(half))


def _tuples(batch: pa.RecordBatch) -> tuple[npt.NDArray[np.int64], memoryview]:
    """``(literal,literal,...),`` of each row: bytes, and where each row begins.

    The last member of the first, (n_rows + 1,), is where the last row ends.
    """
    literals = [literal_column(column).fill_null("NULL") for column in batch.columns]
    joined = pc.binary_join_element_wise(*literals, ",")
    tuples = pc.binary_join_element_wise("(", joined, "),", "")
    _, offsets, data = tuples.buffers()
    ends = np.frombuffer(offsets, np.int32)[tuples.offset :][: len(tuples) + 1]
    return ends.astype(np.int64), memoryview(data if data is not None else b"")


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
        return _text(column.cast(pa.string()))
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


def _text(values: pa.Array) -> pa.Array:
    """Text as it stands where all of it is plain, else as hexadecimal digits."""
    data = values.buffers()[2]
    if data is not None:
        offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset :]
        used = np.frombuffer(data, np.uint8)[offsets[0] : offsets[len(values)]]
        if not _PLAIN[used].all():
            return _hexadecimal(values, "_utf8mb4 X'")
    return _around("_utf8mb4'", values, "'")


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
