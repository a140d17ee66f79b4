"""MySQL's column types, and what each is in Arrow and in DuckDB.

A ``MySQLType`` is what ``information_schema.COLUMNS.COLUMN_TYPE`` prints; ``parse``
and ``sql()`` are each other's inverse. Between rooms a table is Arrow: ``arrow()``
is the one type in which a column of this MySQL type travels.
"""

import re
from dataclasses import dataclass, field

import pyarrow as pa

from heatproxy.errors import not_supported

INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
STRINGS = {
    "char": 255,
    "varchar": 65_535,
    "tinytext": 255,
    "text": 65_535,
    "mediumtext": 16_777_215,
    "longtext": 4_294_967_295,
}
BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit")
TEMPORAL = ("date", "datetime", "timestamp", "time", "year")
_TYPE = re.compile(
    r"(?P<name>[a-z]+(?: precision)?)(?:\((?P<args>[^)]*)\))?(?P<tail>.*)"
)


@dataclass(frozen=True, slots=True)
class MySQLType:
    """One column type; ``length`` is in characters, ``precision`` in digits."""

    name: str
    length: int | None = None  # char, varchar, binary, varbinary, bit
    precision: int | None = None  # decimal
    scale: int | None = None  # decimal; fraction digits of a temporal type
    unsigned: bool = False
    values: tuple[str, ...] = ()  # enum, set

    def sql(self) -> str:
        """The type as MySQL 8 and later print it, such as ``decimal(10,2)``."""
        text = self.name
        if self.values:
            quoted = ("'" + value.replace("'", "''") + "'" for value in self.values)
            text += f"({','.join(quoted)})"
        elif self.precision is not None:
            text += f"({self.precision},{self.scale})"
        elif self.length is not None:
            text += f"({self.length})"
        elif self.scale:
            text += f"({self.scale})"
        return text + (" unsigned" if self.unsigned else "")

    def arrow(self) -> pa.DataType:
        """The Arrow type such a column travels in.

        TIME is a duration (it may exceed 24 hours or be negative); BIT, BLOB and
        the like are binary; JSON, ENUM and SET are their text.

        Raises:
            MySQLError: 1235 for the spatial types and VECTOR.
        """
        if self.name in INTEGERS:
            bits = 32 if self.name == "mediumint" else INTEGERS[self.name]
            return getattr(pa, f"{'u' if self.unsigned else ''}int{bits}")()
        if self.name == "decimal":
            wide = (self.precision or 10) > 38
            make = pa.decimal256 if wide else pa.decimal128
            return make(self.precision or 10, self.scale or 0)
        if self.name in STRINGS or self.name in ("json", "enum", "set"):
            return pa.string()
        if self.name in BYTES:
            return pa.binary()
        simple = {
            "float": pa.float32(),
            "double": pa.float64(),
            "date": pa.date32(),
            "datetime": pa.timestamp("us"),
            "timestamp": pa.timestamp("us"),
            "time": pa.duration("us"),
            "year": pa.uint16(),
        }
        if self.name in simple:
            return simple[self.name]
        raise not_supported(f"columns of type {self.name.upper()}")

    def duckdb(self) -> str:
        """The DuckDB type that holds every value of this type exactly.

        Raises:
            MySQLError: 1235 where DuckDB has none (DECIMAL over 38 digits, TIME
                beyond a day is held as a BIGINT of microseconds).
        """
        if self.name in INTEGERS:
            signed = {
                "tinyint": "TINYINT",
                "smallint": "SMALLINT",
                "mediumint": "INTEGER",
                "int": "INTEGER",
                "bigint": "BIGINT",
            }[self.name]
            return f"U{signed}" if self.unsigned else signed
        if self.name == "decimal":
            if (self.precision or 10) > 38:
                raise not_supported("DECIMAL columns of more than 38 digits")
            return f"DECIMAL({self.precision or 10},{self.scale or 0})"
        if self.name in STRINGS or self.name in ("json", "enum", "set"):
            return "VARCHAR"
        if self.name in BYTES:
            return "BLOB"
        simple = {
            "float": "FLOAT",
            "double": "DOUBLE",
            "date": "DATE",
            "datetime": "TIMESTAMP",
            "timestamp": "TIMESTAMP",
            "time": "BIGINT",
            "year": "USMALLINT",
        }
        if self.name in simple:
            return simple[self.name]
        raise not_supported(f"columns of type {self.name.upper()}")

    @property
    def is_string(self) -> bool:
        return self.name in STRINGS


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, type and whether it may be NULL.

    ``default`` is what its DEFAULT clause declares, as information_schema prints it;
    ``computed``: that is no value, but an expression.
    """

    name: str
    type: MySQLType
    nullable: bool = True
    default: str | None = field(default=None, compare=False)
    computed: bool = field(default=False, compare=False)


def parse(text: str) -> MySQLType:
    """Read a COLUMN_TYPE such as ``int unsigned`` or ``enum('a','b')``.

    Raises:
        MySQLError: 1235, the text is not one of MySQL's type names.
    """
    match = _TYPE.fullmatch(text.strip().lower())
    if match is None:
        raise not_supported(f"column type {text}")
    name, args, unsigned = match["name"], match["args"], "unsigned" in match["tail"]
    name = {"integer": "int", "double precision": "double", "numeric": "decimal"}.get(
        name, name
    )
    if name in ("enum", "set"):
        return MySQLType(name, values=_members(text))
    if name == "decimal":
        precision, _, scale = (args or "10,0").partition(",")
        return MySQLType(
            name, precision=int(precision), scale=int(scale or 0), unsigned=unsigned
        )
    if name in TEMPORAL:
        # the display width of YEAR(4) says nothing
        return MySQLType(name, scale=int(args) if args and name != "year" else None)
    if name in INTEGERS or name in ("float", "double"):
        return MySQLType(name, unsigned=unsigned)
    if name in STRINGS or name in BYTES:
        return MySQLType(name, length=int(args) if args else None)
    return MySQLType(name)


def _members(text: str) -> tuple[str, ...]:
    """The members of an ENUM or SET, in their own letter case."""
    inner = text[text.index("(") + 1 : text.rindex(")")]
    return tuple(
        member.replace("''", "'") for member in re.findall(r"'((?:[^']|'')*)'", inner)
    )


def quote_name(name: str) -> str:
    """An identifier between back-ticks."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(value: str) -> str:
    """A string literal that means the same in every sql_mode and character set."""
    if not value:
        return "''"
    return "_utf8mb4 0x" + value.encode().hex()
