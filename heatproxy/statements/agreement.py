"""Whether the translation and MySQL mean the same columns.

MySQL's prepared statement says what each column is; the translation says what it
computes. A difference means that a rule is wrong: the query is not answered.
"""

from collections.abc import Collection, Sequence

from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.errors import not_supported
from heatproxy.sql.emitter.values import OutputColumn
from heatproxy.statements import Text
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
_SCALED = tuple(kind for name in _WITH_SCALE for kind in _TYPES[name])
_SIGNED = (*_INTEGERS, FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DOUBLE, FIELD_TYPE.FLOAT)
_ARITHMETIC = (b"+", b"-", b"*", b"/", b"%")


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


def is_retyped(statement: Text, columns: Sequence[ColumnDefinition]) -> bool:
    """Whether MySQL takes a bound parameter for another type than its value's literal.

    It types parameters when it prepares, by what stands beside them: ``d * ?`` of a
    DECIMAL has 30 fraction digits, whatever number or text comes. ``columns``: of the
    statement with its values.
    """
    binding = statement.binding
    if binding is None:
        return False
    pairs = zip(binding.columns, columns, strict=False)
    return any(_traits(one) != _traits(other) for one, other in pairs) or (
        _has_shaky_operand(statement, binding.places)
    )


def _traits(column: ColumnDefinition) -> tuple[object, ...]:
    for kinds in (_INTEGERS, _TEXTS):
        if column.type in kinds:
            is_signed = column.type in _TEXTS or not column.flags & FLAG.UNSIGNED
            return kinds, is_signed
    scale = column.decimals if column.type in _SCALED else None
    return column.type, scale, column.type in _SIGNED and column.flags & FLAG.UNSIGNED


def _has_shaky_operand(statement: Text, places: Collection[int]) -> bool:
    """Whether an operand's type may show in no column, and yet decide a value."""
    tokens = statement.tokens
    divides = any(token.is_symbol(b"/") for token in tokens)
    for index, token in enumerate(tokens):
        if token.start not in places:
            continue
        around = (*tokens[max(index - 1, 0) : index], *tokens[index + 1 : index + 2])
        is_number = statement.text[token.start : token.start + 1] in b"-.0123456789"
        computes = any(one.text in _ARITHMETIC for one in around)
        if computes and (divides or not is_number):
            return True
    return False


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
