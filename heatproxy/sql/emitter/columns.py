"""A loaded column as the emitter's Value."""

from heatproxy.datatypes import BYTES, INTEGERS
from heatproxy.sql.emitter.values import (
    MAX_WIDTH,
    EngineColumn,
    Forward,
    Kind,
    SessionFacts,
    Value,
    Written,
    offset_us,
)

_DIGITS = {"tinyint": 3, "smallint": 5, "mediumint": 8, "int": 10, "bigint": 19}
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


def of_column(sql: str, column: EngineColumn, session: SessionFacts) -> Value:
    """The Value of a loaded column that ``sql`` names."""
    if column.refusal is not None:
        raise Forward(column.refusal)
    kind_of, unsigned = column.type, column.type.unsigned
    name, nullable = kind_of.name, column.nullable
    if name in INTEGERS:
        wide = unsigned and name == "bigint"
        precision = 20 if wide else _DIGITS[name]
        return Value(
            sql,
            "int",
            precision,
            unsigned=unsigned,
            wide=wide,
            nullable=nullable,
            most=2 ** (_BITS[name] - (not unsigned)),
        )
    if name == "decimal":
        precision, scale = kind_of.precision or 10, kind_of.scale or 0
        if precision > MAX_WIDTH:
            raise Forward("a DECIMAL of more than 38 digits")
        return Value(
            sql,
            "decimal",
            precision,
            scale,
            unsigned=unsigned,
            nullable=nullable,
            written=Written(sql, stored=True),
        )
    if kind_of.is_string:
        return Value(
            sql,
            "string",
            kind_of.length or 0,
            collation=column.collation,
            ascii=column.ascii,
            clean=column.clean,
            nullable=nullable,
            written=_written(sql, column),
        )
    if name in ("enum", "set"):
        return Value(
            sql,
            "enum" if name == "enum" else "set",
            collation=column.collation,
            members=kind_of.values,
            nullable=nullable,
        )
    if name == "timestamp" and (offset := offset_us(session.time_zone)):
        sql = f"({sql} + to_microseconds({offset}))"
    kinds: dict[str, Kind] = {
        "float": "float",
        "double": "double",
        "date": "date",
        "datetime": "datetime",
        "timestamp": "timestamp",
        "time": "time",
        "year": "year",
        "json": "json",
        "bit": "bit",
        **dict.fromkeys(set(BYTES) - {"bit"}, "binary"),
    }
    if name not in kinds:
        raise Forward(f"a column of type {name.upper()}")
    return Value(
        sql,
        kinds[name],
        scale=kind_of.scale or 0,
        unsigned=unsigned or name == "year",
        nullable=nullable,
    )


def _written(sql: str, column: EngineColumn) -> Written:
    key = None
    if column.key is not None:
        table = sql.partition(".")[0]  # the emitter's own name for it
        key = table + '."' + column.key.replace('"', '""') + '"'
    alphabet = None if column.alphabet is None else frozenset(column.alphabet)
    ends = column.blank_ended and column.type.name != "char"
    padded = column.type.name == "char"
    return Written(sql, key, alphabet, ends, column.longest, padded=padded)
