"""GROUP_CONCAT: the texts of a group's rows in one, in the order that MySQL gives them.

MySQL keeps what it sorts by in records whose marks of NULL it does not look at: to
the order NULL is 0, the empty text, or the date that is before all others.
"""

from collections.abc import Callable, Sequence

from sqlglot import exp

from heatproxy.sql.emitter.casts import text_of
from heatproxy.sql.emitter.compare import equal_keys, order_key
from heatproxy.sql.emitter.relations import only
from heatproxy.sql.emitter.texts import text_literal, text_order
from heatproxy.sql.emitter.values import Context, Forward, Value, plain, trap

CUT = "group_concat_max_len"
_BYTEWISE = ("utf8mb4", "utf8mb3", "latin1", "ascii")  # no longer than in UTF-8
_BEFORE_ALL = ("date", "datetime", "timestamp")  # no row has the date that is all 0


def concatenated(
    ctx: Context,
    node: exp.Expr,
    arguments: Callable[[Sequence[exp.Expr]], list[Value]],
    place: str,
) -> Value:
    """GROUP_CONCAT; ``arguments`` evaluates expressions of rows.

    ``place`` is what MySQL reads the rows in the order of, empty if that is unknown.
    """
    only(node, "this", "separator")
    inner, order = node.this, []
    if isinstance(inner, exp.Order):
        only(inner, "this", "expressions")
        inner, order = inner.this, inner.expressions
    distinct = isinstance(inner, exp.Distinct)
    if distinct:
        only(inner, "expressions")
        if len(inner.expressions) != 1:
            raise Forward("GROUP_CONCAT(DISTINCT) of several arguments")
        inner = inner.expressions[0]
    parts = inner.expressions if isinstance(inner, exp.Concat) else [inner]
    separator = "," if node.args.get("separator") is None else _literal(node)
    values = [plain(value) for value in arguments(parts)]
    if any(value.kind == "null" for value in values):
        return Value("max(CAST(NULL AS BLOB))", "binary")
    if not order and (not place or distinct):
        raise Forward("GROUP_CONCAT() without ORDER BY")
    texts = [text_of(ctx, value) for value in values]
    sql = " || ".join(f"({text.sql})" for text in texts)
    ways = [(item.this, bool(item.args.get("desc"))) for item in order]
    for item in order:
        only(item, "this", "desc", "nulls_first")
    sorting = _sorting(ctx, values, ways, arguments, distinct) or [(place, False)]
    if distinct:
        joined = _joined_once(ctx, sql, separator, values, sorting, place)
    else:
        joined = _joined(sql, separator, sorting)
    collations = {text.collation for text in texts} - {None}
    if len(collations) != 1:
        raise Forward("GROUP_CONCAT() of a mix of collations")
    (collation,) = collations
    if str(collation).partition("_")[0] not in _BYTEWISE:
        raise Forward(f"GROUP_CONCAT() in collation {collation}")
    longest = ctx.session.group_concat_max_len
    return Value(
        trap(f"strlen({joined}) > {longest}", CUT, joined),
        "string",
        collation=collation,
        ascii=all(text.ascii for text in texts) and separator.isascii(),
    )


def _literal(node: exp.Expr) -> str:
    separator = node.args["separator"]
    if not isinstance(separator, exp.Literal) or not separator.args.get("is_string"):
        raise Forward("a SEPARATOR that is no string literal")
    return str(separator.this)


def _sorting(
    ctx: Context,
    values: list[Value],
    ways: list[tuple[exp.Expr, bool]],
    arguments: Callable[[Sequence[exp.Expr]], list[Value]],
    distinct: bool,
) -> list[tuple[str, bool]]:
    """The (key, whether descending) of GROUP_CONCAT's ORDER BY."""
    keys = []
    for item, descending in ways:
        if isinstance(item, exp.Literal):
            raise Forward("GROUP_CONCAT() ordered by a number or text")
        value = plain(arguments([item])[0])
        if distinct and [value.sql] != [v.sql for v in values]:
            raise Forward("GROUP_CONCAT(DISTINCT) in the order of something else")
        keys.append((_key(ctx, value), descending))
    if ctx.session.policy.exactness == "strict" and not distinct:
        raise Forward("GROUP_CONCAT(), whose order may have ties")
    return keys


def _key(ctx: Context, value: Value) -> str:
    """What sorts as MySQL sorts the records, where NULL is what is written in it."""
    if value.kind == "json":
        raise Forward("GROUP_CONCAT() in the order of JSON")
    if not value.nullable or value.kind in _BEFORE_ALL:
        return order_key(ctx, value)
    if value.kind == "string":
        return text_order(ctx, value, null_is_empty=True)
    return f"coalesce({order_key(ctx, value)}, 0)"


def _joined(sql: str, separator: str, sorting: list[tuple[str, bool]]) -> str:
    order = ", ".join(
        f"{key} {'DESC NULLS LAST' if descending else 'ASC NULLS FIRST'}"
        for key, descending in sorting
    )
    return f"string_agg({sql}, {text_literal(separator)} ORDER BY {order})"


def _joined_once(
    ctx: Context,
    sql: str,
    separator: str,
    values: list[Value],
    sorting: list[tuple[str, bool]],
    place: str,
) -> str:
    """Each value once; of texts that are equal the one that MySQL reads first."""
    (value,), (key, descending) = values, sorting[0]
    (equal,) = equal_keys(ctx, [value])
    if equal == value.sql:
        items = f"list(DISTINCT struct_pack(k := {key}, v := {sql}))"
        item = "e.v"
    elif place and ctx.session.policy.exactness != "strict":
        row = f"struct_pack(r := {place}, v := {sql})"
        items = f"list(struct_pack(k := {key}, f := {row}, q := {equal}))"
        item = "e.f.v"
    else:
        raise Forward("GROUP_CONCAT(DISTINCT) of strings that differ in letter case")
    kept = f"{items} FILTER (WHERE {value.sql} IS NOT NULL)"
    ordered = f"list_sort({kept})"
    if item != "e.v":
        first = f"n = 1 OR e.q <> ({ordered})[n - 1].q"
        ordered = f"list_filter({ordered}, lambda e, n: {first})"
    if descending:
        ordered = f"list_reverse({ordered})"
    shown = f"list_transform({ordered}, lambda e: {item})"
    return f"array_to_string({shown}, {text_literal(separator)})"
