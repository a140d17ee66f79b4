"""The buffers of a record batch while rows are being read into it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.wire import parse_rows as rows
from heatproxy.wire.native import address_of

BATCH_ROWS = 65_536
BATCH_BYTES = 8 << 20
SHORTEST_BATCH_ROWS = 1024  # however wide the rows are
FIRST_TEXT_BYTES = 16_384
LONGEST_TEXT_BYTES = 2**31 - 1  # Arrow's offsets are 32 bits

Bytes = npt.NDArray[np.uint8]

_TEMPORAL = {
    pa.date32(): rows.DATE,
    pa.timestamp("us"): rows.DATETIME,
    pa.duration("us"): rows.TIME,
}


class BatchBuffers:
    """Room for one batch: ``columns`` and ``state`` are what the kernel is given.

    A batch is full at 65536 rows or, if that comes first, at 8 MB of packets.
    """

    def __init__(
        self, types: Sequence[pa.DataType], text_bytes: Sequence[int] = ()
    ) -> None:
        widths = [_width(kind) for kind in types]
        most_rows = BATCH_BYTES // max(sum(widths), 1)
        capacity = min(max(most_rows, SHORTEST_BATCH_ROWS), BATCH_ROWS)
        self.columns: rows.Int64s = np.zeros((len(types), 8), np.int64)
        self.state: rows.Int64s = np.zeros(8, np.int64)
        self.state[rows.MAX_ROWS] = capacity
        self.state[rows.MAX_SIZE] = BATCH_BYTES
        self._types = types
        self._validity = [np.zeros(capacity // 8 + 1, np.uint8) for _ in types]
        self._values = [np.zeros(capacity * n + 4, np.uint8) for n in widths]
        self._text: list[Bytes | None] = [None] * len(types)
        for index, kind in enumerate(types):
            self.columns[index] = _descriptor(kind)
            self.columns[index, rows.VALIDITY] = address_of(self._validity[index])
            self.columns[index, rows.VALUES] = address_of(self._values[index])
            if self.columns[index, rows.KIND] == rows.BYTES:
                size = text_bytes[index] if text_bytes else FIRST_TEXT_BYTES
                self._place_text(index, np.empty(size, np.uint8))

    @property
    def is_empty(self) -> bool:
        return not self.state[rows.ROWS]

    def grow(self, index: int, needed: int) -> bool:
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
        return BatchBuffers(self._types, bounded)

    def _place_text(self, index: int, text: Bytes) -> None:
        self._text[index] = text
        self.columns[index, rows.DATA] = address_of(text)
        self.columns[index, rows.CAPACITY] = text.size


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
