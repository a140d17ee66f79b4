"""CHARSET, COLLATION and COERCIBILITY of columns and literals, which no row changes."""

from sqlglot import exp

from heatproxy.sql.collation import charset_of
from heatproxy.sql.emitter.numbers import Rule
from heatproxy.sql.emitter.texts import of_text
from heatproxy.sql.emitter.values import Context, Forward, Value

_IMPLICIT, _COERCIBLE = 2, 4  # a column's coercibility, and a literal's
_NAMES = "utf8mb3_general_ci"  # the collation of MySQL's own names


def charset(ctx: Context, node: exp.Expr) -> Value:
    return _name(charset_of(_collation(ctx, node)))


def collation(ctx: Context, node: exp.Expr) -> Value:
    return _name(_collation(ctx, node))


def coercibility(ctx: Context, node: exp.Expr) -> Value:
    _collation(ctx, node)
    is_column = isinstance(node.expressions[0], exp.Column)
    level = str(_IMPLICIT if is_column else _COERCIBLE)
    return Value(level, "int", 10, nullable=False)


def _name(text: str) -> Value:
    name = of_text(text)
    return Value(name.sql, "string", nullable=False, collation=_NAMES, ascii=True)


def _collation(ctx: Context, node: exp.Expr) -> str:
    (argument,) = node.expressions
    value = ctx.value(argument)
    known = isinstance(argument, exp.Column) and value.collation is not None
    if value.kind != "string" or not (known or isinstance(argument, exp.Literal)):
        raise Forward("the collation of anything but a column or a literal")
    return value.collation or ctx.session.collation_connection


FORMS: dict[str, tuple[Rule, int, int]] = {
    "CHARSET": (charset, 1, 1),
    "COLLATION": (collation, 1, 1),
    "COERCIBILITY": (coercibility, 1, 1),
}
