"""Arrow record batches to the packets of result rows, text or binary.

Source: MySQL Source Code Documentation, "Text Resultset", "Binary Protocol
Resultset".
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE

from heatproxy.errors import not_supported, out_of_range
from heatproxy.wire import write_rows as rows
from heatproxy.wire.columns import ColumnDefinition, arrow_type
from heatproxy.wire.native import address_of, compile_once

CHUNK_ROWS = 65_536
HEADER_BYTES = 4
SCRATCH_BYTES = 128
LONGEST_NUMBER = 80  # DECIMAL(65,30) with sign and point; all others are shorter
LONGEST_PAD = 250  # so that one byte is enough for that length
NO_DECIMALS = 31  # a floating-point column of no fixed number of decimals

FLOATS = (FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE)

_KINDS = {
    pa.int8(): rows.I8,
    pa.uint8(): rows.U8,
    pa.int16(): rows.I16,
    pa.uint16(): rows.U16,
    pa.int32(): rows.I32,
    pa.uint32(): rows.U32,
    pa.int64(): rows.I64,
    pa.uint64(): rows.U64,
    pa.float32(): rows.FLOAT,
    pa.float64(): rows.DOUBLE,
    pa.null(): rows.NOTHING,
    pa.string(): rows.BYTES,
    pa.binary(): rows.BYTES,
    pa.date32(): rows.DATE,
    pa.timestamp("us"): rows.DATETIME,
    pa.duration("us"): rows.TIME,
}


def warm_up() -> None:
    """Compile the kernel, or load it from the cache on disk."""
    compile_once(rows.write_rows, rows.SIGNATURE)


class RowEncoder:
    """Writes the rows of one result set as the server itself would.

    Raises:
        MySQLError: 1235, from ``arrow_type``, or ZEROFILL wider than 250 digits.
    """

    def __init__(self, definitions: Sequence[ColumnDefinition], binary: bool) -> None:
        warm_up()
        self._definitions = definitions
        self._types = [arrow_type(definition) for definition in definitions]
        self._binary = binary
        self._pads = [_pad(definition, binary) for definition in definitions]
        self._scratch = np.zeros(SCRATCH_BYTES, np.uint8)
        self._target = np.empty(0, np.uint8)

    def encode(self, batch: pa.RecordBatch, sequence_id: int) -> tuple[bytes, int]:
        """The packets of the batch's rows, and the id of the packet after them.

        Columns are taken by place and cast to the types that ``arrow_type`` says.

        Raises:
            MySQLError: 1690, a value that the column's MySQL type does not have.
        """
        columns = [
            self._fit(definition, kind, column)
            for definition, kind, column in zip(
                self._definitions, self._types, batch.columns, strict=True
            )
        ]
        parts: list[bytes] = []
        for start in range(0, batch.num_rows, CHUNK_ROWS):
            chunk = columns
            if batch.num_rows > CHUNK_ROWS:
                chunk = [column.slice(start, CHUNK_ROWS) for column in columns]
            sequence_id = self._write(chunk, sequence_id, parts)
        return b"".join(parts) if len(parts) != 1 else parts[0], sequence_id

    def _fit(
        self, definition: ColumnDefinition, kind: pa.DataType, column: pa.Array
    ) -> pa.Array:
        """The column in its own type, or already as text where that is rare."""
        if column.type != kind:
            try:
                column = column.cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise _unfit(definition) from None
        if definition.type in FLOATS:
            if not pc.all(pc.is_finite(column), min_count=0).as_py():
                raise _unfit(definition)
            if not self._binary and definition.decimals < NO_DECIMALS:
                return _fixed_point(definition, column)
        if definition.type == FIELD_TYPE.YEAR:
            known = pc.or_(pc.equal(column, 0), pc.is_in(column, _YEARS))
            if not pc.all(known, min_count=0).as_py():
                raise _unfit(definition)
        return column

    def _write(
        self, columns: list[pa.Array], sequence_id: int, parts: list[bytes]
    ) -> int:
        """Append the packets of some rows; returns the next sequence id."""
        n_rows = len(columns[0])
        n_fixed = HEADER_BYTES + 1 + (len(columns) + 9) // 8
        n_fixed += sum(max(LONGEST_NUMBER, pad) for pad in self._pads)
        room = n_rows * n_fixed + sum(_text_bytes(column) for column in columns)
        if self._target.size < room:
            self._target = np.empty(room, np.uint8)
        state = np.zeros(8, np.int64)
        state[rows.END_ROW] = n_rows
        state[rows.SEQUENCE] = sequence_id
        state[rows.SCRATCH] = address_of(self._scratch)
        descriptors = np.array(
            [
                _descriptor(definition, column, pad)
                for definition, column, pad in zip(
                    self._definitions, columns, self._pads, strict=True
                )
            ],
            np.int64,
        )
        target = address_of(self._target)
        while True:
            state[rows.SIZE] = 0
            reason = rows.write_rows(descriptors, state, target, self._binary)
            if reason == rows.UNFIT:
                raise _unfit(self._definitions[int(state[rows.COLUMN])])
            size = int(state[rows.SIZE])
            parts.append(self._target[:size].tobytes())
            if reason == rows.DONE:
                return int(state[rows.SEQUENCE])
            start = size + HEADER_BYTES
            payload = self._target[start : start + int(state[rows.LENGTH])]
            state[rows.SEQUENCE] = _split(payload, int(state[rows.SEQUENCE]), parts)
            state[rows.ROW] += 1


def _split(payload: npt.NDArray[np.uint8], sequence_id: int, parts: list[bytes]) -> int:
    """Append a packet of several frames; the last one is not a full frame."""
    for start in range(0, payload.size + 1, rows.MAX_FRAME):
        frame = payload[start : start + rows.MAX_FRAME]
        parts.append(frame.size.to_bytes(3, "little") + bytes([sequence_id]))
        parts.append(frame.tobytes())
        sequence_id = (sequence_id + 1) % 256
    return sequence_id


_YEARS = pa.array(range(1901, 2156), pa.uint16())


def _descriptor(definition: ColumnDefinition, column: pa.Array, pad: int) -> list[int]:
    """What the kernel is told about a column."""
    kind = column.type
    scale = words = 0
    if pa.types.is_decimal(kind):
        what, scale, words = rows.DECIMAL, kind.scale, kind.bit_width // 32
    elif definition.type == FIELD_TYPE.YEAR:
        what = rows.YEAR
    else:
        what = _KINDS[kind]
        if pa.types.is_temporal(kind):
            scale = min(definition.decimals, 6)
    buffers = [buffer.address if buffer else 0 for buffer in column.buffers()]
    validity, values, text = (*buffers, 0, 0)[:3]
    return [what, validity, values, text, column.offset, scale, words, pad]


def _text_bytes(column: pa.Array) -> int:
    """The room that strings need beyond that of a number."""
    if _KINDS.get(column.type) != rows.BYTES or not len(column):
        return 0
    offsets = np.frombuffer(column.buffers()[1], np.int32)
    begin, end = offsets[[column.offset, column.offset + len(column)]]
    return int(end) - int(begin)


def _fixed_point(definition: ColumnDefinition, column: pa.Array) -> pa.Array:
    """FLOAT(M,D) and DOUBLE(M,D) as text: always D digits after the point."""
    width = definition.length if definition.is_zerofill else 0
    form = f".{definition.decimals}f"
    exact_below = 10.0 ** (15 - definition.decimals)
    texts: list[str | None] = []
    for value in column.to_pylist():
        if value is None:
            texts.append(None)
            continue
        digits = value
        if abs(value) >= exact_below:
            # digits that the number does not need to be told apart are zeros
            shortest = Decimal(repr(value)).normalize()
            if -int(shortest.as_tuple().exponent) <= definition.decimals:
                digits = shortest
        texts.append(format(digits, form).rjust(width, "0"))
    return pa.array(texts, pa.string())


def _pad(definition: ColumnDefinition, binary: bool) -> int:
    """The width to fill with zeros; binary rows fill decimals only."""
    applies = (
        definition.type == FIELD_TYPE.NEWDECIMAL
        if binary
        else (definition.type != FIELD_TYPE.YEAR)
    )
    if not (definition.is_zerofill and applies):
        return 0
    if definition.length > LONGEST_PAD:
        raise not_supported("ZEROFILL columns of more than 250 digits")
    return definition.length


def _unfit(definition: ColumnDefinition) -> Exception:
    return out_of_range("value", definition.name)
