"""Window functions: OVER, named windows, frames, and what MySQL types the results.

MySQL writes the rows that windows run over to a temporary table: an AVG has no
hidden digits there, and a CASE prints one scale.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.aggregates import AGGREGATES, Use, count_rows
from heatproxy.sql.emitter.compare import equal_keys, order_key
from heatproxy.sql.emitter.functions import unify
from heatproxy.sql.emitter.relations import allowed, elsewhere, only
from heatproxy.sql.emitter.values import Forward, Value, decimal, plain, trap

if TYPE_CHECKING:
    from heatproxy.sql.emitter.block import Block

_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "HOUR", "MINUTE", "SECOND")
_SHOWN = ("int", "decimal", "double", "string", "date", "datetime", "timestamp")
_FRAMELESS = (
    *("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE"),
    *("LAG", "LEAD"),
)
# what they say depends on the order of rows that ORDER BY leaves open
_BY_PLACE = (
    *("ROW_NUMBER", "NTILE", "LAG", "LEAD"),
    *("FIRST_VALUE", "LAST_VALUE", "NTH_VALUE"),
)
_AGGREGATES = (
    *("COUNT", "SUM", "AVG", "MIN", "MAX"),
    *("STD", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP"),
)


@dataclass(frozen=True, slots=True)
class Over:
    """A window: PARTITION BY, ORDER BY and frame, in DuckDB's words."""

    partition: tuple[str, ...]
    order: tuple[str, ...]
    frame: str

    def sql(self, framed: bool) -> str:
        parts = []
        if self.partition:
            parts.append(f"PARTITION BY {', '.join(self.partition)}")
        if self.order:
            parts.append(f"ORDER BY {', '.join(self.order)}")
        if framed and self.frame:
            parts.append(self.frame)
        return f" OVER ({' '.join(parts)})"


def window(block: "Block", node: exp.Expr) -> Value:
    """The Value of ``function(...) OVER (...)``."""
    only(node, "this", "partition_by", "order", "spec", "alias", "over")
    allowed(block.session.policy, "OVER")
    name = grammar.function_name(node.this)
    if name is None or not block.windowed:
        raise Forward("a window function in this place")
    allowed(block.session.policy, name)
    only(node.this, "this", "expressions")
    over = _over(block, _whole(block, node))
    if block.session.policy.exactness == "strict" and (
        name in _BY_PLACE or over.frame.startswith("ROWS")
    ):
        raise Forward(f"{name}() OVER, whose order may have ties")
    sql = over.sql(name not in _FRAMELESS)
    arguments: list[exp.Expr] = node.this.expressions
    if name in _AGGREGATES:
        return _aggregate(block, name, arguments, sql)
    rule = _FUNCTIONS.get(name)
    if rule is None:
        raise Forward(f"{name}() OVER has no rule")
    return rule(block, name.lower(), arguments, sql)


def _aggregate(
    block: "Block", name: str, arguments: Sequence[exp.Expr], over: str
) -> Value:
    use = Use(over=over)
    if name == "COUNT" and len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        only(arguments[0])
        return count_rows(use)
    values = [stored(block.value(argument)) for argument in arguments]
    value = AGGREGATES[name](block, values, use)
    return replace(value, mixed=False) if value.mixed else value


def _whole(block: "Block", node: exp.Expr) -> exp.Expr:
    """The window with what it takes from a named one."""
    name = node.args.get("alias")
    if name is None:
        return node
    base = block.windows.get(name.name.lower())
    if base is None:
        raise Forward(f"the unknown window {name.name}")
    base = _whole(block, base)
    merged = exp.Window()
    for part in ("partition_by", "order", "spec"):
        own, given = node.args.get(part), base.args.get(part)
        if own and given:
            raise Forward("a window that says again what it takes from another")
        if own or given:
            merged.args[part] = own or given  # nodes stay where they are
    return merged


def _over(block: "Block", node: exp.Expr) -> Over:
    partition: list[str] = []
    for item in node.args.get("partition_by") or ():
        partition += equal_keys(block, [stored(block.value(item))])
    order, values = [], []
    clause = node.args.get("order")
    if clause is not None:
        only(clause, "expressions")
        for item in clause.expressions:
            # nulls_first is sqlglot's note of what MySQL does anyway
            only(item, "this", "desc", "nulls_first")
            value = stored(block.value(item.this))
            if value.literal is not None:
                raise Forward("a window ordered by a constant")
            way = "DESC NULLS LAST" if item.args.get("desc") else "ASC NULLS FIRST"
            order.append((order_key(block, value), way))
            values.append(value)
    frame = ""
    if (spec := node.args.get("spec")) is not None:
        frame, moves = _frame(spec, values)
        if moves:  # sums at the ends of the type must not overflow
            key, way = order[0]
            order = [(moves.format(key), way)]
    if any("(SELECT " in text for text in [*partition, *(key for key, _ in order)]):
        raise Forward("a window over a subquery")
    return Over(tuple(partition), tuple(f"{k} {w}" for k, w in order), frame)


def _frame(spec: exp.Expr, order: Sequence[Value]) -> tuple[str, str]:
    """The frame clause, and what a RANGE by values makes of the order key."""
    only(spec, "kind", "start", "start_side", "end", "end_side")
    kind = str(spec.args.get("kind")).upper()
    if kind not in ("ROWS", "RANGE"):
        raise Forward(f"a window frame of {kind}")
    ends, moves = [], ""
    for side in ("start", "end"):
        bound = spec.args.get(side)
        if bound is None:
            continue
        way = str(spec.args.get(f"{side}_side") or "").upper()
        if isinstance(bound, str):
            ends.append(f"{bound.upper()} {way}".strip())
            continue
        if kind == "ROWS":
            ends.append(f"{_whole_number(bound)} {way}")
            continue
        if len(order) != 1:
            raise Forward("a RANGE frame by anything but one expression")
        distance, moves = _distance(bound, order[0])
        ends.append(f"{distance} {way}")
    if len(ends) == 2:
        return f"{kind} BETWEEN {ends[0]} AND {ends[1]}", moves
    return f"{kind} {ends[0]}", moves


def _distance(bound: exp.Expr, key: Value) -> tuple[str, str]:
    if isinstance(bound, exp.Interval):
        only(bound, "this", "unit")
        unit = str(bound.args["unit"].name).upper()
        if key.kind not in ("date", "datetime") or unit not in _UNITS:
            raise Forward("a RANGE frame of this unit")
        amount = bound.this.this if isinstance(bound.this, exp.Paren) else bound.this
        step = f"INTERVAL {_whole_number(amount)} {unit}"
        late, early = f"year({key.sql} + {step})", f"year({key.sql} - {step})"
        odd = f"{late} > 9999 OR {early} < 1"  # where MySQL warns
        return step, trap(odd, "a frame out of range", "CAST({} AS TIMESTAMP)")
    if key.unsigned or not key.is_exact:
        raise Forward("a RANGE frame over anything but signed exact numbers")
    distance = _whole_number(bound)
    if key.kind == "int":
        return f"CAST({distance} AS HUGEINT)", "CAST({} AS HUGEINT)"
    wide = f"DECIMAL(38,{key.scale})"
    return f"CAST({distance} AS {wide})", f"CAST({{}} AS {wide})"


def _whole_number(node: exp.Expr) -> int:
    if not isinstance(node, exp.Literal) or node.args.get("is_string"):
        raise Forward("a window frame of anything but whole numbers")
    text = str(node.this)
    if not text.isdigit() or len(text) > 9:
        raise Forward("a window frame of anything but whole numbers")
    return int(text)


def stored(value: Value) -> Value:
    """The value as MySQL stores it for its windows."""
    value = plain(value)
    if value.hidden is not None:
        return decimal(value.sql, value.precision, value.scale)
    return replace(value, mixed=False) if value.mixed else value


def _rank(block: "Block", name: str, arguments: Sequence[exp.Expr], over: str) -> Value:
    _none(name, arguments)
    sql = f"CAST({name}(){over} AS BIGINT)"
    return Value(sql, "int", 19, unsigned=True, nullable=False)


def _share(
    block: "Block", name: str, arguments: Sequence[exp.Expr], over: str
) -> Value:
    _none(name, arguments)
    return Value(f"{name}(){over}", "double", nullable=False)


def _tile(block: "Block", name: str, arguments: Sequence[exp.Expr], over: str) -> Value:
    if len(arguments) != 1 or (tiles := _whole_number(arguments[0])) == 0:
        raise Forward("NTILE() of anything but a positive number")
    sql = f"CAST(ntile({tiles}){over} AS BIGINT)"
    return Value(sql, "int", 19, unsigned=True, nullable=False)


def _neighbour(
    block: "Block", name: str, arguments: Sequence[exp.Expr], over: str
) -> Value:
    if not 1 <= len(arguments) <= 3:
        raise Forward(f"{name.upper()}() with {len(arguments)} arguments")
    value = _shown(block, name, arguments[0])
    distance = _whole_number(arguments[1]) if len(arguments) > 1 else 1
    if len(arguments) < 3:
        return _taken(value, f"{name}({{}}, {distance}){over}")
    common, (one, other) = unify([value, stored(block.value(arguments[2]))])
    if common.hidden is not None:
        raise Forward(f"{name.upper()}() of an AVG")
    sql = f"{name}({one}, {distance}, {other}){over}"
    return replace(common, sql=sql, mixed=False, nullable=True, literal=None)


def _edge(block: "Block", name: str, arguments: Sequence[exp.Expr], over: str) -> Value:
    if len(arguments) != 1:
        raise Forward(f"{name.upper()}() with {len(arguments)} arguments")
    return _taken(_shown(block, name, arguments[0]), f"{name}({{}}){over}")


def _nth(block: "Block", name: str, arguments: Sequence[exp.Expr], over: str) -> Value:
    if len(arguments) != 2 or (place := _whole_number(arguments[1])) == 0:
        raise Forward("NTH_VALUE() of anything but a positive place")
    return _taken(_shown(block, name, arguments[0]), f"{name}({{}}, {place}){over}")


def _shown(block: "Block", name: str, node: exp.Expr) -> Value:
    value = stored(block.value(node))
    if value.kind not in _SHOWN:
        raise Forward(f"{name.upper()}() of {value.kind.upper()}")
    return value


def _taken(value: Value, form: str) -> Value:
    """A value of another row."""
    # the window's SQL may have braces of its own
    key = None if value.key is None else form.replace("{}", value.key, 1)
    taken = form.replace("{}", value.sql, 1)
    return replace(elsewhere(value, taken, key), nullable=True)


def _none(name: str, arguments: Sequence[exp.Expr]) -> None:
    if arguments:
        raise Forward(f"{name.upper()}() with arguments")


Function = Callable[["Block", str, Sequence[exp.Expr], str], Value]
_FUNCTIONS: dict[str, Function] = {
    "ROW_NUMBER": _rank,
    "RANK": _rank,
    "DENSE_RANK": _rank,
    "PERCENT_RANK": _share,
    "CUME_DIST": _share,
    "NTILE": _tile,
    "LAG": _neighbour,
    "LEAD": _neighbour,
    "FIRST_VALUE": _edge,
    "LAST_VALUE": _edge,
    "NTH_VALUE": _nth,
}
