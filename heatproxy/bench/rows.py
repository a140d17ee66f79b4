"""How many rows of our own results one core encodes a second.

The table is the one that the project's first measurements were made with: int,
bigint, double, decimal(15,2), date, datetime(6), varchar NULL and int NULL.
"""

import statistics
import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pymysql.constants import FIELD_TYPE

from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.encode import RowEncoder

ROWS = 1_000_000
BATCH_ROWS = 65_536  # as the engine gives them
TURNS = 5
BINARY_CHARSET, UTF8MB4_0900_AI_CI = 63, 255
US_PER_DAY = 86_400 * 10**6
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz    ", np.uint8)


@dataclass(frozen=True, slots=True)
class Rate:
    """Rows and bytes that one core encodes in a second of its own time."""

    protocol: str
    rows_per_s: float
    bytes_per_s: float


def measure(n_rows: int = ROWS, turns: int = TURNS) -> list[Rate]:
    """The rates of text rows and of binary rows, each the median of some turns."""
    table = eight_columns(n_rows)
    starts = range(0, n_rows, BATCH_ROWS)
    batches = [table.slice(start, BATCH_ROWS) for start in starts]
    return [_rate(batches, binary, turns) for binary in (False, True)]


def _rate(batches: list[pa.RecordBatch], binary: bool, turns: int) -> Rate:
    encoder = RowEncoder(COLUMNS, binary)
    encoder.encode(batches[0], 0)
    seconds = []
    for _ in range(turns):
        size = sequence_id = 0
        begin = time.thread_time()
        for batch in batches:
            packets, sequence_id = encoder.encode(batch, sequence_id)
            size += len(packets)
        seconds.append(time.thread_time() - begin)
    n_rows = sum(batch.num_rows for batch in batches)
    median = statistics.median(seconds)
    protocol = "binary" if binary else "text"
    return Rate(protocol, n_rows / median, size / median)


def eight_columns(n_rows: int = ROWS, seed: int = 1) -> pa.RecordBatch:
    """The table, Arrow (n_rows, 8), about 130 bytes a row of text."""
    random = np.random.default_rng(seed)
    known = random.random(n_rows) > 0.1
    sizes = np.where(known, random.integers(0, 41, n_rows), 0)
    ends = np.zeros(n_rows + 1, np.int32)
    ends[1:] = np.cumsum(sizes)
    text = LETTERS[random.integers(0, LETTERS.size, int(ends[-1]))]
    words = np.zeros((n_rows, 2), np.int64)
    words[:, 0] = random.integers(-(10**14), 10**14, n_rows)
    words[:, 1] = words[:, 0] >> 63
    moments = random.integers(0, 24_000 * US_PER_DAY, n_rows)
    columns = [
        pa.array(np.arange(n_rows, dtype=np.int32)),
        pa.array(random.integers(-(2**62), 2**62, n_rows)),
        pa.array(random.normal(size=n_rows) * 1e4),
        _of_buffers(pa.decimal128(15, 2), n_rows, None, words),
        pa.array(random.integers(0, 25_000, n_rows).astype(np.int32)).cast(pa.date32()),
        pa.array(moments).cast(pa.timestamp("us")),
        _of_buffers(
            pa.string(), n_rows, np.packbits(known, bitorder="little"), ends, text
        ),
        pa.array(
            random.integers(-(10**6), 10**6, n_rows).astype(np.int32),
            mask=random.random(n_rows) < 0.2,
        ),
    ]
    return pa.RecordBatch.from_arrays(columns, [column.name for column in COLUMNS])


def _of_buffers(
    kind: pa.DataType, n_rows: int, *buffers: np.ndarray | None
) -> pa.Array:
    wrapped = [None if b is None else pa.py_buffer(b) for b in buffers]
    return pa.Array.from_buffers(kind, n_rows, wrapped)


def _column(
    name: str, kind: int, length: int, decimals: int = 0, charset: int = BINARY_CHARSET
) -> ColumnDefinition:
    return ColumnDefinition(
        "bench", "t", "t", name, name, charset, length, kind, 0, decimals
    )


COLUMNS = (
    _column("a", FIELD_TYPE.LONG, 11),
    _column("b", FIELD_TYPE.LONGLONG, 20),
    _column("c", FIELD_TYPE.DOUBLE, 22, 31),
    _column("d", FIELD_TYPE.NEWDECIMAL, 17, 2),
    _column("e", FIELD_TYPE.DATE, 10),
    _column("f", FIELD_TYPE.DATETIME, 26, 6),
    _column("g", FIELD_TYPE.VAR_STRING, 160, 0, UTF8MB4_0900_AI_CI),
    _column("h", FIELD_TYPE.LONG, 11),
)
