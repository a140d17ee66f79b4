"""Whether MySQL takes a bound parameter for what its value is as a literal.

It types parameters when it prepares, by what stands beside them: ``d * ?`` of a DECIMAL
has 30 fraction digits, whatever number or text comes. Most of that shows in the columns
of the result. What may not is known here by where the parameter stands.

Source: MySQL Reference Manual, "PREPARE Statement".
"""

from collections.abc import Collection, Sequence

from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.sql.lexer import Token, closing
from heatproxy.statements import Text
from heatproxy.wire.columns import ColumnDefinition

_INTEGERS = (
    *(FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24),
    *(FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG),
)
_TEXTS = (
    *(FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING),
    *(FIELD_TYPE.TINY_BLOB, FIELD_TYPE.BLOB, FIELD_TYPE.MEDIUM_BLOB),
    FIELD_TYPE.LONG_BLOB,
)
_SCALED = (
    *(FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DATETIME),
    *(FIELD_TYPE.TIMESTAMP, FIELD_TYPE.TIME),
)
_SIGNED = (*_INTEGERS, FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DOUBLE, FIELD_TYPE.FLOAT)
_ARITHMETIC = (b"+", b"-", b"*", b"/", b"%")
_COMPARISONS = (b"=", b"<=>", b"<", b"<=", b">", b">=", b"<>", b"!=")
_CHOICES = (b"COALESCE", b"IFNULL", b"NULLIF", b"IF", b"GREATEST", b"LEAST")
_MOMENTS = (b"TIME", b"TIMESTAMP")
_OF_MOMENTS = (
    *(b"DATE", b"TIME", b"TIMESTAMP", b"EXTRACT", b"DATE_FORMAT", b"TIME_FORMAT"),
    *(b"YEAR", b"QUARTER", b"MONTH", b"MONTHNAME", b"WEEK", b"WEEKOFYEAR", b"YEARWEEK"),
    *(b"DAY", b"DAYNAME", b"DAYOFMONTH", b"DAYOFWEEK", b"DAYOFYEAR", b"WEEKDAY"),
    *(b"HOUR", b"MINUTE", b"SECOND", b"MICROSECOND", b"LAST_DAY", b"TO_DAYS"),
    *(b"TO_SECONDS", b"TIME_TO_SEC", b"UNIX_TIMESTAMP", b"DATEDIFF", b"TIMEDIFF"),
    *(b"TIMESTAMPDIFF", b"TIMESTAMPADD", b"ADDDATE", b"SUBDATE", b"ADDTIME"),
    *(b"SUBTIME", b"DATE_ADD", b"DATE_SUB", b"CONVERT_TZ"),
)


def is_retyped(statement: Text, columns: Sequence[ColumnDefinition]) -> bool:
    """Whether MySQL takes a bound parameter for another type than its value's literal.

    ``columns``: of the statement with its values.
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
    found = [place for place, token in enumerate(tokens) if token.start in places]
    return any(_is_shaky(tokens, place, divides=divides) for place in found)


def _is_shaky(tokens: Sequence[Token], place: int, *, divides: bool) -> bool:
    end = _end_of_value(tokens, place)
    around = (tokens[place - 1], *tokens[end : end + 1])
    is_number = _is_number(tokens, place)
    if any(one.is_word(b"DIV", b"MOD") for one in around):
        return True
    if any(one.text in _ARITHMETIC for one in around):
        return divides or not is_number
    is_null = tokens[place].is_word(b"NULL")
    if around[0].is_word(b"NOT") or around[-1].is_word(b"IS"):
        return not (is_number or is_null)
    before = _before_list(tokens, place)
    if before is not None and before.text in _COMPARISONS:
        return True  # of rows, where MySQL folds what it can of literals
    if before is not None and before.is_word(*_OF_MOMENTS):
        # 0 is the year 2000 as a literal, and no year as a parameter
        return is_number and not around[0].is_word(b"INTERVAL")
    if is_null:  # of the type that the place asks for
        is_branch = around[0].is_word(b"THEN", b"ELSE")
        return is_branch or (before is not None and before.is_word(*_CHOICES))
    if tokens[place].is_word(*_MOMENTS):  # as text they have six fraction digits
        is_listed = before is not None and before.is_word(b"IN")
        is_bound = around[0].is_word(b"BETWEEN", b"AND")
        return not (
            is_listed or is_bound or any(o.text in _COMPARISONS for o in around)
        )
    return False


def _end_of_value(tokens: Sequence[Token], place: int) -> int:
    """The index behind a value: DATE'...', CAST(...), a number that may be in ()."""
    for opening in (place, place + 1):
        if opening < len(tokens) and tokens[opening].is_symbol(b"("):
            return (closing(tokens, opening) or opening) + 1
    return place + 1 + tokens[place].is_word(b"DATE", *_MOMENTS)


def _is_number(tokens: Sequence[Token], place: int) -> bool:
    first = tokens[place + tokens[place].is_symbol(b"(")]
    return first.text[:1] in b"-.0123456789"


def _before_list(tokens: Sequence[Token], place: int) -> Token | None:
    """What stands before the parenthesis that a value is in."""
    depth = 0
    for index in range(place - 1, 0, -1):
        depth += tokens[index].is_symbol(b")") - tokens[index].is_symbol(b"(")
        if depth < 0:
            return tokens[index - 1]
    return None
