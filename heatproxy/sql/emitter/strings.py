"""String functions: characters are code points, whatever the character set.

Upper and lower case and reversal are done for ASCII only; a text of more is a trap.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql.emitter.casts import DECODED, text_of
from heatproxy.sql.emitter.choice import common_collation
from heatproxy.sql.emitter.numbers import Function, Rule
from heatproxy.sql.emitter.numeric import number, unscaled
from heatproxy.sql.emitter.rounding import constant
from heatproxy.sql.emitter.texts import of_text
from heatproxy.sql.emitter.values import (
    Context,
    Forward,
    Value,
    Written,
    plain,
    trap,
    unable,
)

LONGEST = 1_000_000  # bytes; MySQL stops at max_allowed_packet


def made(ctx: Context, sql: str, *sources: Value, clean: bool = False) -> Value:
    """A string made of the characters of others."""
    collation = common_collation(sources) or ctx.session.collation_connection
    known = all(source.ascii for source in sources)
    if not known and not collation.startswith(DECODED):
        odd = (s for s in sources if s.collation != collation and not s.ascii)
        if any(odd):
            raise Forward("a string that the other's character set may not hold")
    return Value(sql, "string", collation=collation, ascii=known, clean=clean)


def part(ctx: Context, sql: str, whole: Value) -> Value:
    """A part of a string, which has no characters but that one's."""
    found = made(ctx, sql, whole)
    alphabet = None if whole.alphabet is None else frozenset(whole.alphabet)
    return replace(found, written=Written(sql, alphabet=alphabet, made=True))


def ascii_text(ctx: Context, sql: str, clean: bool = True) -> Value:
    """A string of printable ASCII in the connection's collation."""
    collation = ctx.session.collation_connection
    return Value(sql, "string", collation=collation, ascii=True, clean=clean)


def upper(ctx: Context, values: list[Value]) -> Value:
    return _cased(ctx, "upper", values[0])


def lower(ctx: Context, values: list[Value]) -> Value:
    return _cased(ctx, "lower", values[0])


def reverse(ctx: Context, values: list[Value]) -> Value:
    value = text_of(ctx, values[0])
    return made(ctx, _of_ascii(value, f"reverse({value.sql})"), value)


def char_length(ctx: Context, values: list[Value]) -> Value:
    return Value(f"length({text_of(ctx, values[0]).sql})", "int", 10)


def concat(ctx: Context, values: list[Value]) -> Value:
    parts, sources = _parts(ctx, values)
    return made(ctx, f"({' || '.join(part.sql for part in parts)})", *sources)


def concat_ws(ctx: Context, values: list[Value]) -> Value:
    parts, sources = _parts(ctx, values)
    listed = ", ".join(part.sql for part in parts)
    separator = parts[0].sql
    sql = f"CASE WHEN {separator} IS NOT NULL THEN concat_ws({listed}) END"
    return made(ctx, sql, *sources)


def adjacent(ctx: Context, node: exp.Expr) -> Value:
    """'a' 'b', which is one literal."""
    if not all(_is_text(part) for part in node.expressions):
        raise Forward("Concat of anything but literals")
    return of_text("".join(str(part.this) for part in node.expressions))


def left(ctx: Context, values: list[Value]) -> Value:
    if values[0].kind == "binary":
        return _bytes_of("left", values)
    value = text_of(ctx, values[0])
    return part(ctx, f"left({value.sql}, {_count(values[1])})", value)


def right(ctx: Context, values: list[Value]) -> Value:
    if values[0].kind == "binary":
        return _bytes_of("right", values)
    value = text_of(ctx, values[0])
    return part(ctx, f"right({value.sql}, {_count(values[1])})", value)


def substring(ctx: Context, node: exp.Expr) -> Value:
    parts = (node.this, node.args.get("start"), node.args.get("length"))
    return mid(ctx, [ctx.value(part) for part in parts if part is not None])


def mid(ctx: Context, values: list[Value]) -> Value:
    value, start = text_of(ctx, values[0]), _whole(values[1])
    count = _count(values[2]) if len(values) > 2 else "2147483647"
    size = f"length({value.sql})"
    behind = f"substr({value.sql}, {start}, {count})"
    if (values[1].literal or "-").isdigit() and int(values[1].literal or 0) > 0:
        return part(ctx, behind, value)
    from_end = f"substr({value.sql}, {size} + {start} + 1, {count})"
    unknown = " OR ".join(f"{sql} IS NULL" for sql in (value.sql, start, count))
    sql = (
        f"CASE WHEN {unknown} THEN NULL WHEN {start} > 0 THEN {behind}"
        f" WHEN {start} < 0 AND -{start} <= {size} THEN {from_end} ELSE '' END"
    )
    return part(ctx, sql, value)


def substring_index(ctx: Context, values: list[Value]) -> Value:
    value, delimiter, count = text_of(ctx, values[0]), values[1], constant(values[2:])
    mark = delimiter.literal
    if delimiter.kind != "string" or not mark:
        raise Forward("SUBSTRING_INDEX with anything but a literal delimiter")
    if count == 0:
        return made(ctx, f"left({value.sql}, 0)", value)
    if len(set(mark)) < len(mark):
        raise Forward("SUBSTRING_INDEX with a delimiter that may overlap itself")
    parts = f"string_split({value.sql}, {delimiter.sql})"
    taken = f"[1:{count}]" if count > 0 else f"[{count}:]"
    sql = f"array_to_string({parts}{taken}, {delimiter.sql})"
    return part(ctx, sql, value)


def replace_function(ctx: Context, values: list[Value]) -> Value:
    parts, sources = _parts(ctx, values)
    whole, old, new = (part.sql for part in parts)
    replaced = f"replace({whole}, {old}, {new})"
    if not values[1].literal:
        empty = f"{old} = '' AND {new} IS NOT NULL"
        replaced = f"CASE WHEN {empty} THEN {whole} ELSE {replaced} END"
    return made(ctx, replaced, *sources)


def lpad(ctx: Context, values: list[Value]) -> Value:
    return _padded(ctx, "lpad", values)


def rpad(ctx: Context, values: list[Value]) -> Value:
    return _padded(ctx, "rpad", values)


def repeat(ctx: Context, values: list[Value]) -> Value:
    value, count = text_of(ctx, values[0]), _count(values[1])
    long = f"strlen({value.sql}) * {count} > {LONGEST}"
    sql = trap(long, "a string that is too long", f"repeat({value.sql}, {count})")
    return made(ctx, sql, value)


def space(ctx: Context, values: list[Value]) -> Value:
    return repeat(ctx, [of_text(" "), values[0]])


def insert(ctx: Context, values: list[Value]) -> Value:
    parts, sources = _parts(ctx, [values[0], values[3]])
    value, new = (part.sql for part in parts)
    start, count = constant(values[1:]), constant(values[2:])
    size = f"length({value})"
    tail = f"substr({value}, {start + count})" if count >= 0 else "''"
    sql = f"left({value}, {start - 1}) || {new} || {tail}"
    outside = f"{size} < {start}" if start > 0 else "TRUE"
    known = f"{new} IS NULL OR {value} IS NULL"
    sql = f"CASE WHEN {known} THEN NULL WHEN {outside} THEN {value} ELSE {sql} END"
    return made(ctx, sql, *sources)


def trim(ctx: Context, node: exp.Expr) -> Value:
    value = text_of(ctx, ctx.value(node.this))
    removed = of_text(" ")
    if node.args.get("expression") is not None:
        removed = plain(ctx.value(node.args["expression"]))
    position = str(node.args.get("position") or "BOTH").upper()
    mark = removed.literal
    if removed.kind != "string" or mark is None or len(mark) != 1:
        raise Forward("TRIM of anything but one character")
    words = {"LEADING": "ltrim", "TRAILING": "rtrim", "BOTH": "trim"}
    return part(ctx, f"{words[position]}({value.sql}, {removed.sql})", value)


def ltrim(ctx: Context, values: list[Value]) -> Value:
    value = text_of(ctx, values[0])
    return part(ctx, f"ltrim({value.sql}, ' ')", value)


def rtrim(ctx: Context, values: list[Value]) -> Value:
    value = text_of(ctx, values[0])
    return part(ctx, f"rtrim({value.sql}, ' ')", value)


def ascii_code(ctx: Context, values: list[Value]) -> Value:
    value = text_of(ctx, values[0])
    sql = f"CAST(ascii({value.sql}) AS BIGINT)"
    return Value(_of_ascii(value, sql), "int", 3)


def quote(ctx: Context, values: list[Value]) -> Value:
    value = text_of(ctx, values[0])
    inner = f"replace(replace({value.sql}, '\\', '\\\\'), '''', '\\''')"
    odd = f"contains({value.sql}, chr(26))"
    written = unable(odd, "an odd character in QUOTE", f"'''' || {inner} || ''''")
    return made(ctx, f"coalesce({written}, 'NULL')", value)


def format_number(ctx: Context, values: list[Value]) -> Value:
    value, places = number(values[0]), constant(values[1:])
    if value.kind == "double" or value.mixed or value.hidden is not None:
        raise Forward("FORMAT of a DOUBLE or of AVG")
    if not 0 <= places <= 30 or value.precision + places > 36:
        raise Forward("FORMAT to so many places")
    whole = f"abs({unscaled(value)})"
    if value.scale > places:
        unit = 10 ** (value.scale - places)
        whole = f"(({whole} + {unit // 2}) // {unit}::HUGEINT)"
    elif places > value.scale:
        whole = f"({whole} * {10 ** (places - value.scale)}::HUGEINT)"
    sign = f"CASE WHEN {value.sql} < 0 AND {whole} <> 0 THEN '-' ELSE '' END"
    unit = 10**places
    sql = f"{sign} || format('{{:,}}', CAST({whole} // {unit}::HUGEINT AS BIGINT))"
    if places:
        rest = f"CAST({whole} % {unit}::HUGEINT AS VARCHAR)"
        sql += f" || '.' || lpad({rest}, {places}, '0')"
    return ascii_text(ctx, f"({sql})")


def _parts(ctx: Context, values: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """The arguments as strings, and those that were strings before: they decide."""
    parts = [text_of(ctx, value) for value in values]
    pairs = zip(parts, values, strict=True)
    strings = [part for part, value in pairs if value.kind in ("string", "enum", "set")]
    others = [part for part in parts if not part.ascii]
    return parts, [*strings, *others] or parts[:1]


def _bytes_of(function: str, values: list[Value]) -> Value:
    """LEFT or RIGHT of bytes, two hexadecimal digits each."""
    size = constant(values[1:])
    if size > LONGEST:
        raise Forward(f"{function.upper()} of so many bytes")
    sql = f"unhex({function}(hex({values[0].sql}), {2 * max(size, 0)}))"
    return Value(sql, "binary", nullable=values[0].nullable)


def _cased(ctx: Context, function: str, value: Value) -> Value:
    if value.kind == "binary":
        return value  # bytes have no case
    value = text_of(ctx, value)
    collation = value.collation or ""
    # two texts that differ in letter case only have become one
    clean = "_0900_" in collation or (value.clean and "_ci" in collation)
    sql = _of_ascii(value, f"{function}({value.sql})")
    return made(ctx, sql, value, clean=clean and value.ascii)


def _of_ascii(value: Value, sql: str) -> str:
    if value.ascii:
        return sql
    odd = f"strlen({value.sql}) <> length({value.sql})"
    return unable(odd, "a text not ASCII", sql)


def _whole(value: Value) -> str:
    """A position or length, which must be an integer."""
    value = plain(value)
    if value.kind != "int" or value.wide:
        raise Forward("a function whose position or length is no integer")
    if value.literal is not None and len(value.literal) > 9:
        raise Forward("a function whose position or length is out of bounds")
    if value.literal is not None:
        return f"({value.literal})" if value.literal.startswith("-") else value.literal
    odd = f"abs(CAST({value.sql} AS BIGINT)) > 1000000000"
    return trap(odd, "a length out of bounds", value.sql)


def _count(value: Value) -> str:
    """A length; less than 0 is 0."""
    sql = _whole(value)
    if value.literal is not None:
        return str(max(int(value.literal), 0))
    return f"CASE WHEN {sql} < 0 THEN 0 ELSE {sql} END"


def _padded(ctx: Context, function: str, values: list[Value]) -> Value:
    parts, sources = _parts(ctx, [values[0], values[2]])
    size, pad = constant(values[1:]), values[2].literal
    if not 0 <= size <= LONGEST or not pad:
        raise Forward(f"{function.upper()} with anything but literals")
    sql = f"{function}({parts[0].sql}, {size}, {parts[1].sql})"
    return made(ctx, sql, *sources)


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and bool(node.args.get("is_string"))


NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Substring: (substring, ("this", "start", "length")),
    exp.Trim: (trim, ("this", "expression", "position")),
    exp.Concat: (adjacent, ("expressions", "safe")),
}
FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "UPPER": (upper, 1, 1),
    "UCASE": (upper, 1, 1),
    "LOWER": (lower, 1, 1),
    "LCASE": (lower, 1, 1),
    "REVERSE": (reverse, 1, 1),
    "CHAR_LENGTH": (char_length, 1, 1),
    "CHARACTER_LENGTH": (char_length, 1, 1),
    "CONCAT": (concat, 1, 99),
    "CONCAT_WS": (concat_ws, 2, 99),
    "LEFT": (left, 2, 2),
    "RIGHT": (right, 2, 2),
    "MID": (mid, 2, 3),
    "SUBSTRING_INDEX": (substring_index, 3, 3),
    "REPLACE": (replace_function, 3, 3),
    "LPAD": (lpad, 3, 3),
    "RPAD": (rpad, 3, 3),
    "REPEAT": (repeat, 2, 2),
    "SPACE": (space, 1, 1),
    "INSERT": (insert, 4, 4),
    "LTRIM": (ltrim, 1, 1),
    "RTRIM": (rtrim, 1, 1),
    "ASCII": (ascii_code, 1, 1),
    "ORD": (ascii_code, 1, 1),
    "QUOTE": (quote, 1, 1),
    "FORMAT": (format_number, 2, 2),
}
