"""A result column as MySQL describes it, and the Arrow type its values travel in.

Source: MySQL Source Code Documentation, "Column Definition"; for the length of a
DECIMAL, ``my_decimal_precision_to_length``.
"""

from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.errors import ProtocolError, not_supported
from heatproxy.wire.packets import VECTOR

BINARY_CHARSET = 63

# Collations whose text is UTF-8: utf8mb3 (33 to 223) and utf8mb4.
UTF8_CHARSETS = frozenset(
    {33, 45, 46, 76, 83, 223, *range(192, 216), *range(224, 248), *range(255, 324)}
)

_FIXED_PART = 0x0C  # the length of what follows the names

_INTEGERS = {
    FIELD_TYPE.TINY: (pa.int8(), pa.uint8()),
    FIELD_TYPE.SHORT: (pa.int16(), pa.uint16()),
    FIELD_TYPE.INT24: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONG: (pa.int32(), pa.uint32()),
    FIELD_TYPE.LONGLONG: (pa.int64(), pa.uint64()),
}
_SIMPLE = {
    FIELD_TYPE.NULL: pa.null(),
    FIELD_TYPE.FLOAT: pa.float32(),
    FIELD_TYPE.DOUBLE: pa.float64(),
    FIELD_TYPE.DATE: pa.date32(),
    FIELD_TYPE.DATETIME: pa.timestamp("us"),
    FIELD_TYPE.TIMESTAMP: pa.timestamp("us"),
    FIELD_TYPE.TIME: pa.duration("us"),
    FIELD_TYPE.YEAR: pa.uint16(),
    FIELD_TYPE.BIT: pa.binary(),
    FIELD_TYPE.GEOMETRY: pa.binary(),
    VECTOR: pa.binary(),
    FIELD_TYPE.JSON: pa.string(),
}
_STRINGS = frozenset(
    {
        FIELD_TYPE.VARCHAR,
        FIELD_TYPE.VAR_STRING,
        FIELD_TYPE.STRING,
        FIELD_TYPE.ENUM,
        FIELD_TYPE.SET,
        FIELD_TYPE.TINY_BLOB,
        FIELD_TYPE.BLOB,
        FIELD_TYPE.MEDIUM_BLOB,
        FIELD_TYPE.LONG_BLOB,
    }
)


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """One column of a result set.

    Names keep every byte the server sent: what is not UTF-8 in them is a
    surrogate escape. ``length`` is the display width in bytes, ``decimals`` the
    digits after the point (31: as many as the value needs). ``catalog`` is always
    the same name, but in the character set of the results.
    """

    schema: str
    table: str
    org_table: str
    name: str
    org_name: str
    charset: int
    length: int
    type: int
    flags: int
    decimals: int
    catalog: str = "def"

    def to_bytes(self) -> bytes:
        """The payload of the packet; the inverse of ``parse``."""
        tables = (self.catalog, self.schema, self.table, self.org_table)
        names = (*tables, self.name, self.org_name)
        return b"".join(
            (
                *(_lenenc(name.encode("utf-8", "surrogateescape")) for name in names),
                bytes([_FIXED_PART]),
                self.charset.to_bytes(2, "little"),
                self.length.to_bytes(4, "little"),
                bytes([self.type]),
                self.flags.to_bytes(2, "little"),
                bytes([self.decimals, 0, 0]),
            )
        )

    @property
    def kind(self) -> tuple[int, int, int, bool]:
        """What the bytes of its values mean, whatever it is called and however wide."""
        return self.type, self.charset, self.decimals, self.is_unsigned

    @property
    def is_unsigned(self) -> bool:
        return bool(self.flags & FLAG.UNSIGNED)

    @property
    def is_zerofill(self) -> bool:
        return bool(self.flags & FLAG.ZEROFILL)


@lru_cache(2048)  # what is asked of every session is described in the same bytes
def parse(payload: bytes) -> ColumnDefinition:
    """Read the payload of a column definition packet.

    Raises:
        ProtocolError: it is not one.
    """
    names = []
    rest = payload
    for _ in range(6):
        size, rest = _read_length(rest)
        names.append(rest[:size].decode("utf-8", "surrogateescape"))
        rest = rest[size:]
    catalog, schema, table, org_table, name, org_name = names
    # with character_set_results UTF-16 or UTF-32 there are NULs in it
    is_catalog = catalog.replace("\0", "") == "def"
    if not is_catalog or len(rest) != 13 or rest[0] != _FIXED_PART:
        raise ProtocolError("malformed column definition")
    return ColumnDefinition(
        schema,
        table,
        org_table,
        name,
        org_name,
        charset=int.from_bytes(rest[1:3], "little"),
        length=int.from_bytes(rest[3:7], "little"),
        type=rest[7],
        flags=int.from_bytes(rest[8:10], "little"),
        decimals=rest[10],
        catalog=catalog,
    )


def arrow_type(definition: ColumnDefinition) -> pa.DataType:
    """The Arrow type of the values that a server sends, the one of ``MySQLType.arrow``.

    Raises:
        MySQLError: 1235, text in a character set other than UTF-8, or a type that
            MySQL no longer sends.
    """
    kind = result_type(definition)
    charset = definition.charset
    if is_text(definition) and charset not in (BINARY_CHARSET, *UTF8_CHARSETS):
        raise not_supported(f"text in character set {charset} from MySQL")
    return kind


def result_type(definition: ColumnDefinition) -> pa.DataType:
    """The Arrow type of the values of a result of ours, whose text is always UTF-8.

    Raises:
        MySQLError: 1235, a type that MySQL no longer sends.
    """
    kind = definition.type
    if kind in _INTEGERS:
        return _INTEGERS[kind][definition.is_unsigned]
    if kind == FIELD_TYPE.NEWDECIMAL:
        return _decimal(definition)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind not in _STRINGS:
        raise not_supported(f"result columns of type {kind}")
    if definition.flags & (FLAG.ENUM | FLAG.SET):
        return pa.string()
    return pa.binary() if definition.charset == BINARY_CHARSET else pa.string()


def is_text(definition: ColumnDefinition) -> bool:
    """Whether its character set says what the bytes of the values are.

    That of JSON does not: it is always ``binary``, but the values are text in what
    ``character_set_results`` says.
    """
    return definition.type in _STRINGS


def _decimal(definition: ColumnDefinition) -> pa.DataType:
    scale = definition.decimals
    precision = definition.length - (scale > 0) - (not definition.is_unsigned)
    precision = min(max(precision, scale, 1), 65)
    make = pa.decimal256 if precision > 38 else pa.decimal128
    return make(precision, scale)


def _lenenc(text: bytes) -> bytes:
    if len(text) < 0xFB:
        return bytes([len(text)]) + text
    if len(text) > 0xFFFF:
        raise ValueError("a name of more than 65535 bytes")
    return b"\xfc" + len(text).to_bytes(2, "little") + text


def _read_length(data: bytes) -> tuple[int, bytes]:
    """A length that ``_lenenc`` wrote, and what follows it."""
    if data[:1] == b"\xfc":
        return int.from_bytes(data[1:3], "little"), data[3:]
    if not data or data[0] >= 0xFB:
        raise ProtocolError("malformed column definition")
    return data[0], data[1:]
