"""Whether the translation and MySQL mean the same columns.

MySQL's prepared statement says what each column is; the translation says what it
computes. A difference means that a rule is wrong: the query is not answered.
"""

from collections.abc import Sequence

from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.errors import not_supported
from heatproxy.sql.emitter.values import OutputColumn
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import layout

_INTEGERS = (
    *(FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24),
    *(FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG),
)
_TEXTS = (
    *(FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING),
    *(FIELD_TYPE.TINY_BLOB, FIELD_TYPE.BLOB, FIELD_TYPE.MEDIUM_BLOB),
    FIELD_TYPE.LONG_BLOB,
)
_TYPES: dict[str, tuple[int, ...]] = {
    "int": (*_INTEGERS, FIELD_TYPE.YEAR),
    "decimal": (FIELD_TYPE.NEWDECIMAL,),
    "double": (FIELD_TYPE.DOUBLE,),
    "float": (FIELD_TYPE.FLOAT,),
    "string": _TEXTS,
    "date": (FIELD_TYPE.DATE,),
    "datetime": (FIELD_TYPE.DATETIME,),
    "timestamp": (FIELD_TYPE.TIMESTAMP,),
    "time": (FIELD_TYPE.TIME,),
    "year": (FIELD_TYPE.YEAR, *_INTEGERS),  # LONGLONG out of a temporary table
    "enum": _TEXTS,
    "set": _TEXTS,
    "json": (FIELD_TYPE.JSON,),
    "bit": (FIELD_TYPE.BIT,),
    "binary": _TEXTS,
    "null": (FIELD_TYPE.NULL,),
}
_FLOATING = ("double", "float")
_WITH_SCALE = ("decimal", "datetime", "timestamp", "time")


def disagreement(
    output: Sequence[OutputColumn], columns: Sequence[ColumnDefinition]
) -> str | None:
    """What the two differ in, in words, or None when they agree."""
    if len(output) != len(columns):
        return f"{len(columns)} columns where {len(output)} were expected"
    for ours, theirs in zip(output, columns, strict=True):
        if theirs.type not in _TYPES[ours.kind]:
            return f"the type of {theirs.name}"
        if ours.kind == "int" and ours.unsigned != bool(theirs.flags & FLAG.UNSIGNED):
            return f"the sign of {theirs.name}"
        if ours.kind in _FLOATING and _may_lose_its_sign(ours, theirs):
            return f"the sign of {theirs.name}, out of a temporary table"
        if ours.kind in _WITH_SCALE and (ours.scale or 0) != theirs.decimals:
            return f"the fraction digits of {theirs.name}"
    return None


def _may_lose_its_sign(ours: OutputColumn, theirs: ColumnDefinition) -> bool:
    """Whether it is computed and UNSIGNED: so it is not, out of a temporary table."""
    of_a_column = ours.unsigned and bool(theirs.org_name)
    return bool(theirs.flags & FLAG.UNSIGNED) and not of_a_column


def require_layout(
    kinds: Sequence[int], definitions: Sequence[ColumnDefinition]
) -> None:
    """Raise where binary rows would be packed otherwise than their columns say."""
    for kind, definition in zip(kinds, definitions, strict=True):
        if layout(kind) != layout(definition.type):
            raise not_supported(
                f"the type of {definition.name} in a prepared statement"
            )
