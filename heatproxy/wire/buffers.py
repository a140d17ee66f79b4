"""The buffers of a record batch while rows are being read into it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.wire import parse_rows as rows
from heatproxy.wire.native import address_of

BATCH_ROWS = 65_536
BATCH_BYTES = 8 << 20
FIRST_ROWS = 1024  # also the fewest, however wide they are
FIRST_TEXT_BYTES = 16_384
LONGEST_TEXT_BYTES = 2**31 - 1  # Arrow's offsets are 32 bits

Bytes = npt.NDArray[np.uint8]

_NO_BYTES: Bytes = np.zeros(0, np.uint8)

_TEMPORAL = {
    pa.date32(): rows.DATE,
    pa.timestamp("us"): rows.DATETIME,
    pa.duration("us"): rows.TIME,
}


class BatchBuffers:
    """Room for one batch: ``columns`` and ``state`` are what the kernel is given.

    A batch is full at 65536 rows or, if that comes first, at 8 MB of packets. Its
    buffers start small and grow, so that a result of one row stays cheap.
    """

    def __init__(
        self,
        types: Sequence[pa.DataType],
        capacity: int = FIRST_ROWS,
        text_bytes: Sequence[int] = (),
    ) -> None:
        self.columns: rows.Int64s = np.zeros((len(types), 8), np.int64)
        self.state: rows.Int64s = np.zeros(8, np.int64)
        self.state[rows.MAX_SIZE] = BATCH_BYTES
        self._types = types
        self._widths = [_width(kind) for kind in types]
        most_rows = BATCH_BYTES // max(sum(self._widths), 1)
        self._most_rows = min(max(most_rows, FIRST_ROWS), BATCH_ROWS)
        self._validity = [_NO_BYTES] * len(types)
        self._values = [_NO_BYTES] * len(types)
        self._text: list[Bytes | None] = [None] * len(types)
        for index, kind in enumerate(types):
            self.columns[index] = _descriptor(kind)
            if self.columns[index, rows.KIND] == rows.BYTES:
                size = text_bytes[index] if text_bytes else FIRST_TEXT_BYTES
                self._place_text(index, np.empty(size, np.uint8))
        self._place_rows(capacity)

    @property
    def is_empty(self) -> bool:
        return not self.state[rows.ROWS]

    def grow_rows(self) -> bool:
        """Make room for more rows; False if the batch should end here."""
        capacity = int(self.state[rows.MAX_ROWS])
        if capacity == self._most_rows or self.state[rows.SIZE] >= BATCH_BYTES:
            return False
        self._place_rows(min(8 * capacity, self._most_rows))
        return True

    def grow_text(self, index: int, needed: int) -> bool:
        """Make room for ``needed`` bytes of text; False if Arrow cannot have them."""
        old = self._text[index]
        if old is None or needed > LONGEST_TEXT_BYTES:
            return False
        new = np.empty(max(needed, 2 * old.size), np.uint8)
        new[: old.size] = old
        self._place_text(index, new)
        return True

    def arrays(self) -> list[pa.Array]:
        """The columns read so far; text is still binary, its bytes unproved."""
        n_rows = int(self.state[rows.ROWS])
        arrays = []
        for index, kind in enumerate(self._types):
            text = self._text[index]
            if pa.types.is_null(kind):
                arrays.append(pa.nulls(n_rows))
                continue
            buffers = [self._validity[index], self._values[index]]
            if text is not None:
                kind = pa.binary()
                buffers.append(text)
            wrapped = [pa.py_buffer(buffer) for buffer in buffers]
            arrays.append(pa.Array.from_buffers(kind, n_rows, wrapped))
        return arrays

    def successor(self) -> "BatchBuffers":
        """Room for the next batch, with text buffers as large as these became."""
        sizes = [0 if text is None else text.size for text in self._text]
        bounded = [min(size, 2 * BATCH_BYTES) for size in sizes]
        return BatchBuffers(self._types, int(self.state[rows.MAX_ROWS]), bounded)

    def _place_rows(self, capacity: int) -> None:
        self.state[rows.MAX_ROWS] = capacity
        for index, width in enumerate(self._widths):
            validity = _grown(self._validity[index], capacity // 8 + 1)
            values = _grown(self._values[index], capacity * width + 4)
            self._validity[index], self._values[index] = validity, values
            self.columns[index, rows.VALIDITY] = address_of(validity)
            self.columns[index, rows.VALUES] = address_of(values)

    def _place_text(self, index: int, text: Bytes) -> None:
        self._text[index] = text
        self.columns[index, rows.DATA] = address_of(text)
        self.columns[index, rows.CAPACITY] = text.size


def _grown(old: Bytes, size: int) -> Bytes:
    """The same bytes with zeros behind them: NULL, and 0 where NULL is."""
    new = np.zeros(size, np.uint8)
    new[: old.size] = old
    return new


def _width(kind: pa.DataType) -> int:
    """Bytes of one value; of one offset if the values differ in length."""
    if pa.types.is_null(kind):
        return 0
    if _is_bytes(kind):
        return 4
    return int(kind.bit_width) // 8


def _descriptor(kind: pa.DataType) -> list[int]:
    """The row of ``columns`` for a type, its addresses still to be filled in."""
    precision = scale = words = 0
    if pa.types.is_null(kind):
        what = rows.NOTHING
    elif _is_bytes(kind):
        what = rows.BYTES
    elif pa.types.is_decimal(kind):
        what = rows.DECIMAL
        precision, scale, words = kind.precision, kind.scale, kind.bit_width // 32
    else:
        what = _TEMPORAL.get(kind, _width(kind))
    return [what, 0, 0, 0, 0, words, precision, scale]


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))
