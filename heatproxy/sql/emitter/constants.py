"""Constant expressions: what MySQL says they are, as typed literals.

A subtree without columns, subqueries, aggregates and parameters is written in
MySQL's own SQL again, evaluated by MySQL on the client's session, and stands in
the engine's query as the value that MySQL gave.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from pymysql.constants import FIELD_TYPE
from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.moments import temporal_literal
from heatproxy.sql.emitter.texts import blob_literal, of_text
from heatproxy.sql.emitter.values import (
    Constant,
    Context,
    Forward,
    Kind,
    SessionFacts,
    Unanswered,
    Value,
    decimal,
)
from heatproxy.sql.emitter.writing import is_written, rendered

# Native functions that give the same value wherever a statement calls them with the
# same arguments, and strings in the connection's collation. A stored function is
# none of them: it may do anything.
_NAMES = """
    ABS ACOS ADDDATE ADDTIME ASCII ASIN ATAN ATAN2 BIN BIT_COUNT BIT_LENGTH CEIL
    CEILING CHARACTER_LENGTH CHAR_LENGTH COALESCE CONCAT CONCAT_WS CONNECTION_ID CONV
    CONVERT_TZ COS COT CRC32 CURDATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
    CURTIME DATE DATEDIFF DATE_ADD DATE_FORMAT DATE_SUB DAY DAYNAME DAYOFMONTH
    DAYOFWEEK DAYOFYEAR DEGREES ELT EXP EXPORT_SET FIELD FIND_IN_SET FLOOR FORMAT
    FROM_BASE64 FROM_DAYS FROM_UNIXTIME GREATEST HEX HOUR IF IFNULL INET_ATON
    INET_NTOA INSERT INSTR ISNULL JSON_ARRAY JSON_CONTAINS JSON_CONTAINS_PATH
    JSON_DEPTH JSON_OVERLAPS JSON_EXTRACT JSON_LENGTH JSON_OBJECT JSON_QUOTE
    JSON_REMOVE JSON_SET JSON_INSERT JSON_REPLACE JSON_MERGE_PATCH JSON_ARRAY_APPEND
    JSON_UNQUOTE JSON_TYPE
    JSON_VALID LAST_DAY LCASE LEAST LEFT LENGTH LN LOCALTIME LOCALTIMESTAMP LOCATE LOG
    LOG10 LOG2 LOWER LPAD LTRIM MAKEDATE MAKETIME MAKE_SET MICROSECOND MID MINUTE MOD
    MONTH MONTHNAME NOW NULLIF OCT OCTET_LENGTH ORD PERIOD_ADD PERIOD_DIFF PI POW
    POWER QUARTER QUOTE RADIANS REGEXP_LIKE REPEAT REPLACE REVERSE RIGHT ROUND RPAD
    RTRIM SECOND SEC_TO_TIME SHA2 SIGN SIN SOUNDEX SPACE SQRT STRCMP STR_TO_DATE
    SUBDATE SUBSTRING_INDEX SUBTIME TAN TIME TIMEDIFF TIMESTAMP TIME_FORMAT
    TIME_TO_SEC TO_DAYS TO_SECONDS TRUNCATE UCASE UNHEX UNIX_TIMESTAMP UPPER UTC_DATE
    UTC_TIME UTC_TIMESTAMP WEEK WEEKDAY WEEKOFYEAR YEAR YEARWEEK
"""
PURE = frozenset(_NAMES.split())
MARK = "heatproxy constant"  # in a node's meta: its SQL
WITH_UNIT = ("TIMESTAMPDIFF", "TIMESTAMPADD")  # the first argument is a word
UTF8 = frozenset((45, 46, 76, 83, 33, *range(224, 248), *range(255, 324)))
BINARY = 63
_TYPED = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_TIME = re.compile(r"(-?)(\d{2,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_INTEGERS = (FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG)
_STRINGS = (FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.VARCHAR)


def require(tree: exp.Expr, session: SessionFacts) -> None:
    """Mark the statement's constants, and see that all of them are known.

    Raises:
        Unanswered: with the texts of all that are not.
    """
    missing: dict[str, None] = {}
    pending: list[exp.Expr] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Limit | exp.Offset | exp.DataType):
            continue
        text = _text(node)
        if text is None:
            pending += node.iter_expressions()
            continue
        node.meta[MARK] = text
        if text not in session.constants:
            missing[text] = None
    if missing:
        raise Unanswered(tuple(reversed(missing)))


def folds(node: exp.Expr) -> bool:
    """Whether require() found the node constant, and no plain literal."""
    return MARK in node.meta


def folded(ctx: Context, node: exp.Expr) -> Value:
    """The Value of a node that folds.

    Raises:
        Forward: MySQL warned or failed, or gave a value that has no literal.
        Unanswered: MySQL has not been asked.
    """
    text = str(node.meta[MARK])
    constant = ctx.session.constants.get(text)
    if constant is None:
        raise Unanswered((text,))
    if constant.problem is not None:
        raise Forward(f"a constant for which MySQL says: {constant.problem}")
    return _value(constant, ctx.session)


def _text(node: exp.Expr) -> str | None:
    """The SQL of a node that is constant and no plain literal, else None."""
    if isinstance(node, exp.Interval) and not isinstance(node.this, exp.Tuple):
        return None
    if isinstance(node, exp.Var | exp.Tuple) or _is_literal(node):
        return None
    if not all(_is_pure(part) for part in node.walk()):
        return None
    return rendered(node)


def _value(constant: Constant, session: SessionFacts) -> Value:
    kind = constant.type
    if constant.text is None:
        return _null(constant, session)
    if kind in _STRINGS and constant.charset == BINARY:
        sql = blob_literal(constant.text)
        return Value(sql, "binary", nullable=False)
    text = _decoded(constant)
    if kind in (*_INTEGERS, FIELD_TYPE.LONGLONG):
        wide = constant.unsigned and int(text) >= 2**63
        return Value(
            f"CAST({text} AS UBIGINT)" if wide else text,
            "int",
            _precision(constant),
            unsigned=constant.unsigned,
            wide=wide,
            nullable=False,
            literal=text,
        )
    if kind in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        precision = max(_precision(constant), len(text.lstrip("-").replace(".", "")))
        if precision > 38:
            raise Forward("a constant DECIMAL of more than 38 digits")
        return Value(
            f"CAST({text} AS DECIMAL({precision},{constant.decimals}))",
            "decimal",
            precision,
            constant.decimals,
            unsigned=constant.unsigned,
            nullable=False,
            literal=text,
        )
    if kind == FIELD_TYPE.DOUBLE and constant.decimals >= 31:
        sql = f"CAST('{text}' AS DOUBLE)"
        return Value(sql, "double", nullable=False, literal=text)
    if kind == FIELD_TYPE.YEAR:
        sql = f"CAST({int(text)} AS USMALLINT)"
        return Value(sql, "year", 4, unsigned=True, nullable=False, literal=text)
    if kind in (FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE, FIELD_TYPE.DATETIME):
        sql, is_date = temporal_literal(text)
        if is_date != (kind != FIELD_TYPE.DATETIME):
            raise Forward("a constant date in an unknown form")
        temporal: Kind = "date" if is_date else "datetime"
        scale = constant.decimals
        return Value(sql, temporal, scale=scale, nullable=False, literal=text)
    if kind == FIELD_TYPE.TIME:
        sql = f"CAST({_microseconds(text)} AS BIGINT)"
        scale = constant.decimals
        return Value(sql, "time", scale=scale, nullable=False, literal=text)
    if kind == FIELD_TYPE.JSON:
        return Value(of_text(text).sql, "json", nullable=False, literal=text)
    if kind in _STRINGS:
        value = replace(of_text(text), nullable=False)
        return replace(value, collation=session.collation_connection)
    raise Forward(f"a constant of MySQL's type {kind}")


def _null(constant: Constant, session: SessionFacts) -> Value:
    """A NULL that has a type."""
    kinds: Mapping[int, tuple[Kind, str]] = {
        FIELD_TYPE.LONGLONG: ("int", "BIGINT"),
        FIELD_TYPE.DOUBLE: ("double", "DOUBLE"),
        FIELD_TYPE.DATE: ("date", "DATE"),
        FIELD_TYPE.DATETIME: ("datetime", "TIMESTAMP"),
        FIELD_TYPE.TIME: ("time", "BIGINT"),
        **dict.fromkeys(_STRINGS, ("string", "VARCHAR")),
    }
    if constant.type == FIELD_TYPE.NULL:
        return Value("NULL", "null", literal="NULL")
    if constant.type == FIELD_TYPE.NEWDECIMAL and not constant.unsigned:
        return decimal("NULL", _precision(constant), constant.decimals)
    binary = constant.type in _STRINGS and constant.charset == BINARY
    if constant.type not in kinds or constant.unsigned or binary:
        raise Forward("a constant NULL of an unusual type")
    kind, held = kinds[constant.type]
    scale = constant.decimals if kind in ("datetime", "time") else 0
    collation = session.collation_connection if kind == "string" else None
    sql = f"CAST(NULL AS {held})"
    return Value(sql, kind, _precision(constant), scale, collation=collation)


def _precision(constant: Constant) -> int:
    """The digits that a result's declared length has room for."""
    signs = (0 if constant.unsigned else 1) + (1 if constant.decimals else 0)
    return max(1, constant.length - signs)


def _decoded(constant: Constant) -> str:
    text = constant.text or b""
    if text.isascii():
        return text.decode("ascii")
    if constant.charset not in UTF8:
        raise Forward("a constant string in an unknown character set")
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Forward("a constant string in an unknown character set") from None


def _microseconds(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise Forward("a constant time in an unknown form")
    sign, hours, minutes, seconds, fraction = match.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    micros = whole * 1_000_000 + int((fraction or "").ljust(6, "0"))
    return -micros if sign else micros


def _is_literal(node: exp.Expr) -> bool:
    """Whether rules read the node as it stands, without MySQL."""
    match node:
        case exp.Literal() | exp.Null() | exp.Boolean():
            return True
        case exp.Paren():
            return _is_literal(node.this)
        case exp.Neg():
            inner = node.this
            return isinstance(inner, exp.Literal) and not inner.args.get("is_string")
        case exp.Cast():
            text = node.this
            return (
                isinstance(text, exp.Literal)
                and bool(text.args.get("is_string"))
                and node.args["to"].this in (exp.DType.DATE, exp.DType.TIMESTAMPTZ)
                and _TYPED.fullmatch(str(text.this)) is not None
            )
        case exp.Concat():  # 'a' 'b' is one literal
            return True
    return False


def _is_pure(node: exp.Expr) -> bool:
    name = grammar.function_name(node)
    if name is not None:
        return name in PURE or name in WITH_UNIT
    if isinstance(node, exp.Column):
        return _is_unit(node)
    if isinstance(node, exp.Identifier) and node.parent is not None:
        return _is_unit(node.parent)
    return is_written(node)


def _is_unit(node: exp.Expr) -> bool:
    """Whether a name is the MONTH of TIMESTAMPDIFF(MONTH, ...)."""
    call = node.parent
    return (
        isinstance(call, exp.Anonymous)
        and (grammar.function_name(call) or "") in WITH_UNIT
        and call.expressions[0] is node
    )
