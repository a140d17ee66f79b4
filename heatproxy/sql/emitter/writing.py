"""A constant expression in MySQL's own SQL again, every part in parentheses.

Only nodes that mean the same to sqlglot and to MySQL have a writer, and only with
the arguments that it reads.
"""

from collections.abc import Callable, Mapping

from sqlglot import exp

from heatproxy.sql import grammar


def rendered(node: exp.Expr) -> str | None:
    """The node's SQL; None where something in it has no writer."""
    try:
        return _write(node)
    except _Unwritten:
        return None


def is_written(node: exp.Expr) -> bool:
    """Whether there is a writer for nodes of this kind."""
    return type(node) in _WRITERS or isinstance(node, _PARTS)


class _Unwritten(Exception):
    """A node, or an argument of one, that no rule writes."""


def _write(node: exp.Expr) -> str:
    name = grammar.function_name(node)
    if name is not None:
        _only(node, "this", "expressions")
        return f"{name}({', '.join(_argument(part) for part in node.expressions)})"
    writer = _WRITERS.get(type(node))
    if writer is None:
        raise _Unwritten
    known, write = writer
    _only(node, *known)
    return write(node)


def _argument(node: exp.Expr) -> str:
    if isinstance(node, exp.Interval):
        return _interval(node)
    if isinstance(node, exp.Column):
        return node.name.upper()
    return _write(node)


def _only(node: exp.Expr, *known: str) -> None:
    if any(value and name not in known for name, value in node.args.items()):
        raise _Unwritten


def _literal(node: exp.Expr) -> str:
    text = str(node.this)
    if not node.args.get("is_string"):
        return text
    text = text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0")
    return f"'{text}'"


def _paren(node: exp.Expr) -> str:
    inner = _write(node.this)
    return inner if inner.startswith("(") else f"({inner})"


def _binary(word: str) -> Callable[[exp.Expr], str]:
    def write(node: exp.Expr) -> str:
        return f"({_side(node.this)} {word} {_side(node.expression)})"

    return write


def _side(node: exp.Expr) -> str:
    return _interval(node) if isinstance(node, exp.Interval) else _write(node)


def _interval(node: exp.Expr) -> str:
    _only(node, "this", "unit")
    unit = node.args.get("unit")
    if unit is None and isinstance(node.this, exp.Tuple):  # the function
        return f"INTERVAL({', '.join(_write(part) for part in node.this.expressions)})"
    if not isinstance(unit, exp.Var):
        raise _Unwritten
    return f"INTERVAL {_write(node.this)} {unit.name.upper()}"


def _case(node: exp.Expr) -> str:
    words = ["CASE"]
    if node.this is not None:
        words.append(_write(node.this))
    for arm in node.args["ifs"]:
        _only(arm, "this", "true")
        words.append(f"WHEN {_write(arm.this)} THEN {_write(arm.args['true'])}")
    if node.args.get("default") is not None:
        words.append(f"ELSE {_write(node.args['default'])}")
    return f"({' '.join(words)} END)"


def _cast(node: exp.Expr) -> str:
    target = node.args["to"]
    _only(target, "this", "expressions", "nested")
    literal = isinstance(node.this, exp.Literal)
    if target.this == exp.DType.TIMESTAMPTZ and literal:
        return f"TIMESTAMP{_literal(node.this)}"
    name = _TARGETS.get(target.this.value)
    if name is None or (name == "TIME" and literal and "." in str(node.this.this)):
        raise _Unwritten  # TIME'10:11:12.5' has a digit more than CAST(.. AS TIME)
    sizes = ", ".join(size.name for size in target.expressions)
    return f"CAST({_write(node.this)} AS {name}{f'({sizes})' if sizes else ''})"


def _like(node: exp.Expr) -> str:
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    return f"({_write(node.this)} {word} {_write(node.expression)})"


def _in(node: exp.Expr) -> str:
    members = ", ".join(_write(member) for member in node.expressions)
    if not members:
        raise _Unwritten
    return f"({_write(node.this)} IN ({members}))"


def _between(node: exp.Expr) -> str:
    low, high = _write(node.args["low"]), _write(node.args["high"])
    return f"({_write(node.this)} BETWEEN {low} AND {high})"


def _is(node: exp.Expr) -> str:
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        raise _Unwritten
    return f"({_write(node.this)} IS {_write(node.expression)})"


def _extract(node: exp.Expr) -> str:
    if not isinstance(node.this, exp.Var):
        raise _Unwritten
    return f"EXTRACT({node.this.name.upper()} FROM {_write(node.expression)})"


def _member(node: exp.Expr) -> str:
    return f"({_write(node.this)} MEMBER OF ({_write(node.expression)}))"


def _substring(node: exp.Expr) -> str:
    parts = [node.this, node.args.get("start"), node.args.get("length")]
    return f"SUBSTRING({', '.join(_write(part) for part in parts if part is not None)})"


def _now(word: str) -> Callable[[exp.Expr], str]:
    def write(node: exp.Expr) -> str:
        return f"{word}({'' if node.this is None else _write(node.this)})"

    return write


_TARGETS = {
    "BIGINT": "SIGNED",
    "UBIGINT": "UNSIGNED",
    **{name: name for name in ("DATE", "DATETIME", "TIME", "YEAR")},
    **{name: name for name in ("DECIMAL", "CHAR", "DOUBLE", "FLOAT")},
}
Writer = tuple[tuple[str, ...], Callable[[exp.Expr], str]]
_BOTH = ("this", "expression")
_OPERATORS: Mapping[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.IntDiv: "DIV",
    exp.Mod: "%",
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "^",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseRightShift: ">>",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
    exp.And: "AND",
    exp.Or: "OR",
    exp.Xor: "XOR",
}
_WRITERS: Mapping[type[exp.Expr], Writer] = {
    **{kind: (_BOTH, _binary(word)) for kind, word in _OPERATORS.items()},
    exp.Div: ((*_BOTH, "typed", "safe"), _binary("/")),
    exp.Literal: (("this", "is_string"), _literal),
    exp.Null: ((), lambda node: "NULL"),
    exp.Boolean: (("this",), lambda node: "TRUE" if node.this else "FALSE"),
    exp.Paren: (("this",), _paren),
    exp.Neg: (("this",), lambda node: f"(- {_write(node.this)})"),
    exp.BitwiseNot: (("this",), lambda node: f"(~ {_write(node.this)})"),
    exp.Not: (("this",), lambda node: f"(NOT {_write(node.this)})"),
    exp.Case: (("this", "ifs", "default"), _case),
    exp.Cast: (("this", "to", "_type"), _cast),
    exp.Like: ((*_BOTH, "negate"), _like),
    exp.In: (("this", "expressions"), _in),
    exp.Between: (("this", "low", "high"), _between),
    exp.Is: (_BOTH, _is),
    exp.Extract: (_BOTH, _extract),
    exp.JSONArrayContains: (_BOTH, _member),
    exp.Substring: (("this", "start", "length"), _substring),
    exp.Interval: (("this", "unit"), _interval),
    exp.RegexpLike: (_BOTH, _binary("REGEXP")),
    exp.Trim: (("this",), lambda node: f"TRIM({_write(node.this)})"),
    exp.CurrentDate: (("this",), _now("CURRENT_DATE")),
    exp.CurrentTime: (("this",), _now("CURRENT_TIME")),
    exp.CurrentTimestamp: (("this",), _now("CURRENT_TIMESTAMP")),
    exp.Localtime: (("this",), _now("LOCALTIME")),
    exp.Localtimestamp: (("this",), _now("LOCALTIMESTAMP")),
}
_PARTS = (exp.Tuple, exp.Var, exp.If, exp.DataType, exp.DataTypeParam)
