"""Arrow record batches to the packets of result rows, text or binary.

Source: MySQL Source Code Documentation, "Text Resultset", "Binary Protocol
Resultset".
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE

from heatproxy.errors import not_supported, out_of_range
from heatproxy.wire import transcode
from heatproxy.wire import write_rows as rows
from heatproxy.wire.charsets import BINARY, UTF8, CharacterSet, charset_of, named
from heatproxy.wire.columns import ColumnDefinition, is_text, result_type
from heatproxy.wire.native import address_of, compile_once, is_compiled

CHUNK_ROWS = 65_536
CHUNK_TEXT_BYTES = 32 << 20
SLOTS_BYTES = 32_768  # as much as stays in the nearest cache
MOST_AT_ONCE = 256
HEADER_BYTES = 4
LENGTH_BYTES = 9  # the most that the length of a string takes
SCRATCH_BYTES = 128
LONGEST_PAD = 250  # so that one byte is enough for that length
MOST_DECIMALS = 15  # that arithmetic on doubles is trusted with
EXACT_BELOW = 2.0**50
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


# The most bytes of the text of a value.
_LONGEST = {
    **dict.fromkeys((rows.I8, rows.U8, rows.I16, rows.U16, rows.YEAR), 6),
    **dict.fromkeys((rows.I32, rows.U32), 11),
    **dict.fromkeys((rows.I64, rows.U64), 20),
    rows.FLOAT: 23,  # -0.0000000000000012345_6
    rows.DOUBLE: 34,  # the same with 17 digits
    rows.DATE: 10,
    rows.DATETIME: 26,
    rows.TIME: 17,
}
_COPIED = {
    **dict.fromkeys((rows.I8, rows.U8), rows.COPY_1),
    **dict.fromkeys((rows.I16, rows.U16, rows.YEAR), rows.COPY_2),
    **dict.fromkeys((rows.I32, rows.U32, rows.FLOAT), rows.COPY_4),
    **dict.fromkeys((rows.I64, rows.U64, rows.DOUBLE), rows.COPY_8),
}


def warm_up() -> None:
    """Compile the kernel, or load it from the cache on disk."""
    compile_once(rows.write_rows, rows.SIGNATURE)
    transcode.warm_up()


def is_ready() -> bool:
    """Whether nobody waits for the kernel any more."""
    return is_compiled(rows.write_rows) and transcode.is_ready()


class RowEncoder:
    """Writes the rows of one result set as the server itself would.

    Text goes out in the character sets that the definitions name; ``results`` is the
    session's ``character_set_results``, which holds for JSON and is not said there.

    Raises:
        MySQLError: 1235, a type that MySQL no longer sends, a character set that is
            not known, or ZEROFILL wider than 250 digits.
    """

    def __init__(
        self,
        definitions: Sequence[ColumnDefinition],
        binary: bool,
        results: str | None = UTF8,
    ) -> None:
        warm_up()
        self._definitions = definitions
        self._types = [result_type(definition) for definition in definitions]
        self._charsets = [_charset(definition, results) for definition in definitions]
        self._binary = binary
        self._pads = [_pad(definition, binary) for definition in definitions]
        self._strides = [
            _stride(kind, pad)
            for kind, pad in zip(self._types, self._pads, strict=True)
        ]
        row_bytes = sum(self._strides)
        at_once = min(max(SLOTS_BYTES // max(row_bytes, 1), 8), MOST_AT_ONCE)
        self._at_once = at_once
        self._null_bytes = (len(definitions) + 9) // 8
        self._slots = np.zeros(at_once * row_bytes + rows.SLACK, np.uint8)
        self._nulls = np.zeros(at_once * self._null_bytes + rows.SLACK, np.uint8)
        self._scratch = np.zeros(SCRATCH_BYTES, np.uint8)
        self._target = np.empty(0, np.uint8)

    def encode(self, batch: pa.RecordBatch, sequence_id: int) -> tuple[bytes, int]:
        """The packets of the batch's rows, and the id of the packet after them.

        Columns are taken by place and cast to the types that ``result_type`` says.

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
        for chunk in _chunks(columns, batch.num_rows):
            converted = [
                column if charset is None else transcode.transcoded(column, charset)
                for column, charset in zip(chunk, self._charsets, strict=True)
            ]
            sequence_id = self._write(converted, sequence_id, parts)
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
        has_decimals = definition.decimals < NO_DECIMALS
        if definition.type in FLOATS and has_decimals and not self._binary:
            return _fixed_point(definition, column)
        return column

    def _write(
        self, columns: list[pa.Array], sequence_id: int, parts: list[bytes]
    ) -> int:
        """Append the packets of some rows; returns the next sequence id."""
        n_rows = len(columns[0])
        n_fixed = HEADER_BYTES + 1 + self._null_bytes + sum(self._strides)
        n_fixed += LENGTH_BYTES * len(columns)
        room = n_rows * n_fixed + sum(_text_bytes(column) for column in columns)
        if self._target.size < room + rows.SLACK:
            self._target = np.empty(room + rows.SLACK, np.uint8)
        state = np.zeros(rows.N_COUNTERS, np.int64)
        state[rows.END_ROW] = n_rows
        state[rows.SEQUENCE] = sequence_id
        state[rows.SCRATCH] = address_of(self._scratch)
        state[rows.AT_ONCE] = self._at_once
        state[rows.NULLS] = address_of(self._nulls)
        descriptors = np.zeros((len(columns), rows.N_FIELDS), np.int64)
        slots = address_of(self._slots)
        for number, column in enumerate(columns):
            definition = self._definitions[number]
            descriptors[number] = _descriptor(definition, column, self._binary)
            descriptors[number, rows.PAD] = self._pads[number]
            descriptors[number, rows.SLOTS] = slots
            descriptors[number, rows.STRIDE] = self._strides[number]
            slots += self._strides[number] * self._at_once
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


def _chunks(columns: list[pa.Array], n_rows: int) -> Iterator[list[pa.Array]]:
    """The columns in pieces of so few rows that their packets need little memory."""
    many = n_rows > CHUNK_ROWS
    if many or (n_rows > 1 and sum(map(_text_bytes, columns)) > CHUNK_TEXT_BYTES):
        step = CHUNK_ROWS if many else n_rows // 2
        for start in range(0, n_rows, step):
            part = [column.slice(start, step) for column in columns]
            yield from _chunks(part, min(step, n_rows - start))
    elif n_rows:
        yield columns


def _charset(definition: ColumnDefinition, results: str | None) -> CharacterSet | None:
    """What the text of a column must be converted to, if anything."""
    if definition.type == FIELD_TYPE.JSON:
        name = results or UTF8
    elif is_text(definition):
        name = charset_of(definition.charset)
    else:
        return None
    return None if name in (UTF8, BINARY) else named(name)


def _split(payload: npt.NDArray[np.uint8], sequence_id: int, parts: list[bytes]) -> int:
    """Append a packet of several frames; the last one is not a full frame."""
    for start in range(0, payload.size + 1, rows.MAX_FRAME):
        frame = payload[start : start + rows.MAX_FRAME]
        parts.append(frame.size.to_bytes(3, "little") + bytes([sequence_id]))
        parts.append(frame.tobytes())
        sequence_id = (sequence_id + 1) % 256
    return sequence_id


def _descriptor(
    definition: ColumnDefinition, column: pa.Array, binary: bool
) -> list[int]:
    """What the kernel is told about a column, but for its slots."""
    kind = column.type
    scale = words = text_bytes = 0
    if pa.types.is_decimal(kind):
        what, scale, words = rows.DECIMAL, kind.scale, kind.bit_width // 32
    elif definition.type == FIELD_TYPE.YEAR:
        what = rows.YEAR
    else:
        what = _KINDS[kind]
        if pa.types.is_temporal(kind):
            scale = min(definition.decimals, 6)
    how = _COPIED.get(what, rows.SLOT) if binary else rows.SLOT
    if what in (rows.BYTES, rows.NOTHING):
        how = rows.STRING
    buffers = column.buffers()
    if what == rows.BYTES and buffers[2]:
        text_bytes = buffers[2].size
    validity, values, text = (*(b.address if b else 0 for b in buffers), 0, 0)[:3]
    place = [what, how, validity, values, text, column.offset]
    return [*place, scale, words, 0, 0, 0, text + text_bytes]


def _stride(kind: pa.DataType, pad: int) -> int:
    """The size of a slot of a column; only strings go without."""
    if pa.types.is_decimal(kind):
        longest = max(int(kind.precision), int(kind.scale) + 1) + 2
    else:
        longest = _LONGEST.get(_KINDS[kind], 0)
    words = -(-(rows.SLOT_HEAD + max(longest, pad)) // 8)
    return 8 * words


def _text_bytes(column: pa.Array) -> int:
    """The room that strings need beyond that of a number."""
    if _KINDS.get(column.type) != rows.BYTES or not len(column):
        return 0
    offsets = np.frombuffer(column.buffers()[1], np.int32)
    begin, end = offsets[[column.offset, column.offset + len(column)]]
    return int(end) - int(begin)


def _fixed_point(definition: ColumnDefinition, column: pa.Array) -> pa.Array:
    """FLOAT(M,D) and DOUBLE(M,D) as text: always D digits after the point."""
    if not pc.all(pc.is_finite(column), min_count=0).as_py():
        raise _unfit(definition)
    decimals = _as_decimals(column, definition.decimals)
    if decimals is not None:
        return decimals
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


def _as_decimals(column: pa.Array, scale: int) -> pa.Array | None:
    """The numbers rounded to so many digits, if arithmetic surely does it exactly."""
    if scale > MOST_DECIMALS:
        return None
    values = column.fill_null(0).to_numpy().astype(np.float64)
    scaled = values * 10.0**scale
    whole = np.rint(scaled)
    doubtful = np.abs(scaled) >= EXACT_BELOW
    # the product is off by less than this; a tie, or a number next to one, is not sure
    doubtful |= 0.5 - np.abs(scaled - whole) <= np.abs(scaled) * 2.0**-50
    doubtful |= (whole == 0) & np.signbit(values)  # -0.00
    if doubtful.any():
        return None
    words = np.zeros((len(values), 2), np.int64)
    words[:, 0] = whole
    words[:, 1] = words[:, 0] >> 63
    buffers = [pa.py_buffer(transcode.null_bitmap(column)), pa.py_buffer(words)]
    return pa.Array.from_buffers(pa.decimal128(18, scale), len(values), buffers)


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
