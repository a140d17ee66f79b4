"""Rows of the binlog to Arrow columns, as a load of the same table makes them.

The TABLE_MAP says how long each value is; what is held of the table, as it was
described when it was loaded, says what becomes of it. Both must agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.datatypes import INTEGERS, MySQLType
from heatproxy.wire import binlog as log
from heatproxy.wire import binlog_json as json
from heatproxy.wire import binlog_plan as plan
from heatproxy.wire import binlog_rows as rows
from heatproxy.wire import binlog_walk as walk
from heatproxy.wire.binlog import TableMap
from heatproxy.wire.native import address_of, compile_once

Int64s = npt.NDArray[np.int64]
# What values of a character set are in Unicode. Raises Unfit.
ToText = Callable[[str, Sequence[bytes]], Sequence[str]]

LONGEST_BYTES = 2**31 - 1  # Arrow's offsets are 32 bits
AS_THEY_ARE = ("utf8mb4", "utf8mb3", "utf8", "ascii")
BINARY = "binary"

# The most bytes of a character; of sets not named here, one.
_LONGEST = {
    **dict.fromkeys(("utf8mb4", "utf16", "utf16le", "utf32", "gb18030"), 4),
    **dict.fromkeys(("utf8mb3", "utf8", "ujis", "eucjpms"), 3),
    **dict.fromkeys(("ucs2", "gbk", "gb2312", "big5", "sjis", "cp932", "euckr"), 2),
}
_INTEGERS = {
    "tinyint": (log.TINY, rows.NUMBER_1),
    "smallint": (log.SHORT, rows.NUMBER_2),
    "mediumint": (log.INT24, rows.NUMBER_3),
    "int": (log.LONG, rows.NUMBER_4),
    "bigint": (log.LONGLONG, rows.NUMBER_8),
}
_CLOCKS = {
    "datetime": (log.DATETIME2, rows.DATETIME),
    "timestamp": (log.TIMESTAMP2, rows.TIMESTAMP),
    "time": (log.TIME2, rows.TIME),
}
_PREFIXES = {
    **dict.fromkeys(("tinytext", "tinyblob"), 1),
    **dict.fromkeys(("text", "blob"), 2),
    **dict.fromkeys(("mediumtext", "mediumblob"), 3),
    **dict.fromkeys(("longtext", "longblob"), 4),
}
_SIZES = {
    log.TINY: 1,
    log.SHORT: 2,
    log.INT24: 3,
    log.LONG: 4,
    log.LONGLONG: 8,
    log.FLOAT: 4,
    log.DOUBLE: 8,
    log.DATE: 3,
    log.YEAR: 1,
}
_CLOCK_SIZES = {log.DATETIME2: 5, log.TIMESTAMP2: 4, log.TIME2: 3}
_LENGTH_PREFIXED = (log.BLOB, log.JSON, log.GEOMETRY, log.VECTOR)


def is_of_one_byte(charset: str) -> bool:
    """Whether each of its characters has one byte."""
    return charset not in _LONGEST


class Unfit(Exception):
    """Rows that cannot be applied to the table as it was loaded; says why."""


@dataclass(frozen=True, slots=True)
class RowColumn:
    """A column of the table as it was described at its load; not held: no type."""

    name: str
    type: MySQLType | None
    collation: str | None = None

    @property
    def charset(self) -> str:
        return (self.collation or BINARY).partition("_")[0]


@dataclass(frozen=True, slots=True)
class RowShape:
    """How the rows of a table are read.

    ``columns`` is what the kernels are given; ``unique`` whether ``key`` tells rows
    apart, otherwise it names all columns that are held.
    """

    held: tuple[tuple[int, RowColumn], ...]
    key: tuple[tuple[int, RowColumn], ...]
    unique: bool
    columns: Int64s

    def added(self, images: Int64s, to_text: ToText) -> pa.Table:
        """Whole rows, Arrow (n_rows, n_held). Raises Unfit."""
        return self._read(images, self.held, to_text)

    def removed(self, images: Int64s, to_text: ToText) -> pa.Table:
        """The keys of rows, Arrow (n_rows, n_key). Raises Unfit."""
        return self._read(images, self.key, to_text)

    def _read(
        self,
        images: Int64s,
        wanted: Sequence[tuple[int, RowColumn]],
        to_text: ToText,
    ) -> pa.Table:
        count = len(images)
        columns = self.columns.copy()
        kinds = columns[:, plan.KIND].copy()
        columns[:, plan.KIND] = rows.SKIPPED
        sizes = np.zeros(len(columns), np.int64)
        if any(kinds[index] >= rows.BYTES for index, _ in wanted):
            plan.measure(images, count, columns, sizes)
        memory = []
        for index, column in wanted:
            columns[index, plan.KIND] = kind = kinds[index]
            width = 4 if kind >= rows.BYTES else _bits(_stored(kind, column)) // 8
            validity = np.zeros(count // 8 + 1, np.uint8)
            values = np.zeros((count + 1) * width, np.uint8)
            size = int(sizes[index])
            if kind == rows.PADDED or (kind == rows.BYTES and not size):
                length = columns[index, plan.DIGITS]
                size = count * int(max(length, columns[index, plan.WIDTH]))
            if size > LONGEST_BYTES:
                raise Unfit(f"more than 2 GB of column {column.name} at once")
            data = np.empty(size, np.uint8)
            columns[index, plan.OUT_VALIDITY] = address_of(validity)
            columns[index, plan.OUT_VALUES] = address_of(values)
            columns[index, plan.OUT_DATA] = address_of(data)
            memory.append((validity, values, data))
        bad = rows.write_rows(images, count, columns, np.zeros_like(sizes))
        if bad >= 0:
            names = {index: column.name for index, column in wanted}
            raise Unfit(f"a date in column {names[bad]} that no calendar has")
        arrays = []
        for (index, column), (validity, values, data) in zip(
            wanted, memory, strict=True
        ):
            kind = kinds[index]
            buffers = [pa.py_buffer(validity), pa.py_buffer(values)]
            if kind >= rows.BYTES:
                buffers.append(pa.py_buffer(data))
            stored = pa.Array.from_buffers(_stored(kind, column), count, buffers)
            arrays.append(_finished(stored, column, to_text))
        return pa.Table.from_arrays(arrays, [column.name for _, column in wanted])


def shape(
    table_map: TableMap, columns: Sequence[RowColumn], key: Sequence[str]
) -> RowShape:
    """How to read rows with this TABLE_MAP; ``key`` is empty if there is none.

    Raises:
        Unfit: they are not rows of the table that these columns describe.
    """
    if len(columns) != len(table_map.types):
        raise Unfit(f"{len(table_map.types)} columns where it had {len(columns)}")
    descriptors = np.zeros((len(columns), 8), np.int64)
    held = []
    for index, column in enumerate(columns):
        kind, meta = table_map.types[index], table_map.metadata[index]
        prefix, width = _size(kind, meta)
        what, digits = rows.SKIPPED, 0
        if column.type is not None:
            unsigned = table_map.unsigned[index] if table_map.unsigned else None
            what, digits = _expected(column, kind, meta, unsigned)
            held.append((index, column))
        descriptors[index] = [prefix, width, 0, what, digits, 0, 0, 0]
    known = {column.name for _, column in held}
    unique = bool(key) and known.issuperset(key)
    keys = [pair for pair in held if not unique or pair[1].name in key]
    for index, _ in keys:
        descriptors[index, plan.IN_KEY] = 1
    return RowShape(tuple(held), tuple(keys), unique, descriptors)


def _size(kind: int, meta: int) -> tuple[int, int]:
    """Bytes of a value's length, or of the value."""
    if kind in _SIZES:
        return 0, _SIZES[kind]
    if kind in _CLOCK_SIZES:
        return 0, _CLOCK_SIZES[kind] + (meta + 1) // 2
    if kind == log.NEWDECIMAL:
        return 0, _decimal_bytes(meta >> 8, meta & 0xFF)
    if kind == log.VARCHAR:
        return (1 if meta < 256 else 2), 0
    if kind in _LENGTH_PREFIXED and 1 <= meta <= 4:
        return meta, 0
    if kind == log.BIT:
        return 0, (meta >> 8) + bool(meta & 0xFF)
    if kind == log.STRING:
        real, length = _string(meta)
        if real in (log.ENUM, log.SET):
            return 0, length
        return (1 if length < 256 else 2), 0
    raise Unfit(f"a column of a type unknown here, {kind}")


def _string(meta: int) -> tuple[int, int]:
    """What a STRING really is, and its bytes: two bits of those are in the type."""
    high, low = meta >> 8, meta & 0xFF
    if high & 0x30 != 0x30:
        return high | 0x30, low | ((high & 0x30) ^ 0x30) << 4
    return high, low


def _decimal_bytes(precision: int, scale: int) -> int:
    odd = (0, 1, 1, 2, 2, 3, 3, 4, 4)
    whole = precision - scale
    return whole // 9 * 4 + odd[whole % 9] + scale // 9 * 4 + odd[scale % 9]


def _expected(
    column: RowColumn, kind: int, meta: int, unsigned: bool | None
) -> tuple[int, int]:
    """The kernel's kind of a held column, and its DIGITS."""
    assert column.type is not None
    wanted, name = column.type, column.type.name
    expected: tuple[int, int] | None = None
    found: tuple[int, int] | None = None
    if name in INTEGERS:
        expected = (_INTEGERS[name][0], 0)
        found = (_INTEGERS[name][1], 0)
        if name == "mediumint" and wanted.unsigned:
            found = (rows.UNSIGNED_3, 0)
        if unsigned is not None and unsigned != wanted.unsigned:
            expected = None
    elif name == "decimal":
        digits = (wanted.precision or 10) << 8 | (wanted.scale or 0)
        expected, found = (log.NEWDECIMAL, digits), (rows.DECIMAL, digits)
    elif name in _CLOCKS:
        digits = wanted.scale or 0
        expected, found = (_CLOCKS[name][0], digits), (_CLOCKS[name][1], digits)
    elif name in ("float", "double"):
        number = rows.NUMBER_4 if name == "float" else rows.NUMBER_8
        width = 4 if name == "float" else 8
        expected = (log.FLOAT if name == "float" else log.DOUBLE, width)
        found = (number, 0)
    elif name == "date":
        expected, found = (log.DATE, 0), (rows.DATE, 0)
    elif name == "year":
        expected, found = (log.YEAR, 0), (rows.YEAR, 0)
    elif name in ("enum", "set"):
        real = log.ENUM if name == "enum" else log.SET
        is_so = kind == log.STRING and _string(meta)[0] == real
        expected, found = (log.STRING, meta) if is_so else None, (rows.CODE, 0)
    elif name in ("char", "varchar", "binary", "varbinary"):
        length = (1 if wanted.length is None else wanted.length) * _LONGEST.get(
            column.charset, 1
        )
        found = (rows.PADDED, length) if name == "binary" else (rows.BYTES, 0)
        if name in ("char", "binary"):
            is_so = kind == log.STRING and _string(meta) == (log.STRING, length)
            expected = (log.STRING, meta) if is_so else None
        else:
            expected = (log.VARCHAR, length)
    elif name in _PREFIXES:
        expected, found = (log.BLOB, _PREFIXES[name]), (rows.BYTES, 0)
    elif name == "json":
        expected, found = (log.JSON, 4), (rows.BYTES, 0)
    elif name == "bit":
        bits = wanted.length or 1
        expected, found = (log.BIT, bits % 8 | bits // 8 << 8), (rows.BYTES, 0)
    if found is None or expected != (kind, meta):
        raise Unfit(f"column {column.name} is no {wanted.sql()} any more")
    return found


def _stored(kind: int, column: RowColumn) -> pa.DataType:
    """The Arrow type that the kernel writes."""
    assert column.type is not None
    if kind >= rows.BYTES:
        return pa.binary()
    if kind == rows.CODE:
        return pa.uint64()
    if kind == rows.TIME:
        return pa.int64()
    return column.type.arrow()


def _bits(kind: pa.DataType) -> int:
    return int(kind.bit_width)


def _finished(stored: pa.Array, column: RowColumn, to_text: ToText) -> pa.Array:
    """A column as a load makes it."""
    assert column.type is not None
    name = column.type.name
    if name == "json":
        return _checked(_json(stored, column.name), column.name)
    if name in ("enum", "set"):
        return _members(stored, column)
    if not column.type.is_string or column.charset == BINARY:
        return stored
    if column.charset in AS_THEY_ARE:
        return _checked(stored, column.name)
    distinct = stored.dictionary_encode()
    texts = to_text(column.charset, distinct.dictionary.to_pylist())
    return pc.take(pa.array(texts, pa.string()), distinct.indices)


def _checked(stored: pa.Array, name: str) -> pa.Array:
    """Bytes as text; the cast proves them UTF-8 and copies nothing."""
    try:
        return stored.cast(pa.string())
    except pa.ArrowInvalid:
        raise Unfit(f"text of column {name} that is not UTF-8") from None


def _members(codes: pa.Array, column: RowColumn) -> pa.Array:
    """The text of ENUM's and SET's numbers."""
    assert column.type is not None
    members = column.type.values
    distinct = codes.dictionary_encode()
    texts = []
    for code in distinct.dictionary.to_pylist():
        if column.type.name == "enum":
            if code > len(members):
                raise Unfit(f"a member of column {column.name} that it had not")
            texts.append(members[code - 1] if code else "")
            continue
        if code >> len(members):
            raise Unfit(f"a member of column {column.name} that it had not")
        chosen = (text for bit, text in enumerate(members) if code >> bit & 1)
        texts.append(",".join(chosen))
    return pc.take(pa.array(texts, pa.string()), distinct.indices)


def _json(stored: pa.Array, name: str) -> pa.Array:
    """Binary JSON printed."""
    count = len(stored)
    validity, offsets, data = stored.buffers()
    state = np.zeros(2, np.int64)
    stack = np.zeros(json.STACK_SHAPE, np.int64)
    ends = np.zeros(count + 1, np.int32)
    target = np.empty(2 * (data.size if data else 0) + 4096, np.uint8)
    while True:
        reason = json.write_json(
            state,
            stack,
            validity.address,
            offsets.address,
            data.address if data else 0,
            count,
            address_of(target),
            target.size,
            address_of(ends),
        )
        if reason == json.DONE:
            break
        if reason != json.GROW or 2 * target.size > LONGEST_BYTES:
            raise Unfit(f"JSON in column {name} that cannot be printed here")
        target = np.concatenate([target, np.empty(target.size, np.uint8)])
    buffers = [validity, pa.py_buffer(ends), pa.py_buffer(target)]
    return pa.Array.from_buffers(pa.binary(), count, buffers)


def warm_up() -> None:
    """Compile the kernels, or load them from the cache on disk."""
    compile_once(walk.walk, walk.SIGNATURE)
    compile_once(walk.finish, walk.FINISH_SIGNATURE)
    compile_once(plan.plan, plan.SIGNATURE)
    compile_once(plan.rehash, plan.REHASH_SIGNATURE)
    compile_once(plan.measure, plan.MEASURE_SIGNATURE)
    compile_once(rows.write_rows, rows.SIGNATURE)
    compile_once(json.write_json, json.SIGNATURE)
