"""CAST and CONVERT, and what every value looks like as a string."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from heatproxy.sql.emitter.moments import temporal_literal
from heatproxy.sql.emitter.numbers import BIGINT, OVERFLOW, Rule
from heatproxy.sql.emitter.numeric import as_double, number
from heatproxy.sql.emitter.values import (
    TEMPORAL,
    Context,
    Forward,
    Value,
    decimal,
    failing,
    plain,
    trap,
    unable,
)

DECODED = ("utf8mb4", "utf8mb3", "utf8")  # whose bytes are those the engine holds


def cast(ctx: Context, node: exp.Expr) -> Value:
    target: exp.DataType = node.args["to"]
    if any(
        target.args.get(name)
        for name in target.args
        if name not in ("this", "expressions", "nested")
    ):
        raise Forward("an unknown form of CAST")
    sizes = [int(size.name) for size in target.expressions]
    value, name = plain(ctx.value(node.this)), str(target.this.value)
    rule = _TARGETS.get(name)
    if rule is None:
        raise Forward(f"CAST to {name}")
    return rule(ctx, value, sizes)


def text_of(ctx: Context, value: Value) -> Value:
    """The value as MySQL writes it; a string as it is."""
    value = plain(value)
    if value.kind == "string":
        return value if value.collation else replace(value, literal=None)
    writer = _TEXTS.get(value.kind)
    if writer is None or value.hidden is not None or value.mixed:
        raise Forward(f"{value.kind} as a string")
    known = value.kind not in ("enum", "set")
    return Value(
        writer(value),
        "string",
        collation=ctx.session.collation_connection if known else value.collation,
        ascii=known or all(member.isascii() for member in value.members),
        clean=known,
    )


def _to_date(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    if value.literal is not None and value.kind == "string":
        sql, is_date = temporal_literal(value.literal)
        return Value(sql if is_date else f"CAST({sql} AS DATE)", "date")
    if value.kind in TEMPORAL:
        return Value(f"CAST({value.sql} AS DATE)", "date", nullable=value.nullable)
    raise Forward(f"CAST of {value.kind} AS DATE")


def _to_datetime(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    scale = sizes[0] if sizes else 0
    if value.kind not in TEMPORAL or scale > 6:
        raise Forward(f"CAST of {value.kind} AS DATETIME")
    sql = f"CAST({value.sql} AS TIMESTAMP)"
    if value.scale > scale:
        unit = 10 ** (6 - scale)
        micros = (
            f"((epoch_us({sql}) + {unit // 2 + EPOCH}) // {unit} * {unit} - {EPOCH})"
        )
        late = f"year({sql}) > 9998"  # it might round up to the year 10000
        sql = trap(late, "a date at the end of time", f"make_timestamp({micros})")
    return Value(sql, "datetime", scale=scale, nullable=value.nullable)


def _timestamp_literal(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    if value.literal is not None and value.kind == "string":
        sql, is_date = temporal_literal(value.literal)  # TIMESTAMP'...'
        if not is_date and "." not in value.literal:
            return Value(sql, "datetime")
    raise Forward("a TIMESTAMP literal in an unknown form")


def _to_time(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    scale = sizes[0] if sizes else 0
    if value.kind in ("datetime", "timestamp"):
        micros = f"(epoch_us({value.sql}) - epoch_us(CAST(CAST({value.sql} AS DATE)"
        return _time(f"{micros} AS TIMESTAMP)))", value.scale, scale)
    if value.kind == "time":
        return _time(value.sql, value.scale, scale)
    raise Forward(f"CAST of {value.kind} AS TIME")


def _time(micros: str, scale: int, wanted: int) -> Value:
    """A TIME of fewer fraction digits, rounded half away from zero."""
    if scale > wanted:
        unit = 10 ** (6 - wanted)
        half = f"CASE WHEN {micros} < 0 THEN {-unit // 2} ELSE {unit // 2} END"
        micros = f"(({micros} + {half}) // {unit} * {unit})"
    return Value(micros, "time", scale=wanted)


def _to_year(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    if value.kind not in TEMPORAL or sizes:
        raise Forward(f"CAST of {value.kind} AS YEAR")
    year = f"year({value.sql})"
    odd = f"{year} NOT BETWEEN 1901 AND 2155"
    sql = f"CAST({trap(odd, 'a year that YEAR cannot hold', year)} AS USMALLINT)"
    return Value(sql, "year", 4, unsigned=True)


def _to_char(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    text = text_of(ctx, value)
    collation = ctx.session.collation_connection
    if not text.ascii and not collation.startswith("utf8mb4_"):
        raise Forward("CAST AS CHAR to another character set than utf8mb4")
    clean = text.clean and text.collation in (None, collation)
    sql = text.sql
    if sizes:
        long = f"length({sql}) > {sizes[0]}"
        sql = trap(long, "a string that CAST cuts", sql)
    longest = sizes[0] if sizes else 0
    return Value(
        sql, "string", longest, collation=collation, ascii=text.ascii, clean=clean
    )


def _to_binary(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    if value.kind == "binary" and not sizes:
        return value
    if value.kind != "string" or sizes:
        raise Forward(f"CAST of {value.kind} AS BINARY")
    charset = (value.collation or ctx.session.collation_connection).partition("_")[0]
    if charset not in DECODED and not (value.ascii and charset == "latin1"):
        raise Forward(f"the bytes of a string of character set {charset}")
    return Value(f"encode({value.sql})", "binary", nullable=value.nullable)


def _to_signed(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    value = _exact(value, "SIGNED")
    if value.kind == "double":
        sql = f"CAST(round_even({value.sql}, 0) AS BIGINT)"
        return Value(failing(sql, f"BIGINT {OVERFLOW}"), "int", 19)
    sql, most = (
        f"CAST({value.sql} AS BIGINT)",
        value.bound if value.kind == "int" else 0,
    )
    if value.kind == "decimal" and value.whole_digits > 18:
        sql = failing(sql, f"BIGINT {OVERFLOW}")
    return Value(sql, "int", 19, nullable=value.nullable, most=min(most, BIGINT))


def _to_unsigned(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    value = _exact(value, "UNSIGNED")
    if value.kind == "int" and not value.unsigned:
        whole = f"CAST({value.sql} AS HUGEINT)"
        sql = f"CASE WHEN {whole} < 0 THEN {whole} + {2**64}::HUGEINT ELSE {whole} END"
    elif value.kind == "double":
        low = f"{value.sql} < 0"
        rounded = f"round_even({value.sql}, 0)"
        sql = trap(low, "a negative number AS UNSIGNED", rounded)
    else:
        low = f"{value.sql} < 0"
        sql = trap(low, "a negative number AS UNSIGNED", value.sql)
    return Value(f"CAST({sql} AS UBIGINT)", "int", 20, unsigned=True, wide=True)


def _to_decimal(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    if value.hidden is None:
        value = _exact(value, "DECIMAL")  # of AVG it takes the hidden digits too
    width, scale = (*sizes, 10, 0)[:2] if len(sizes) != 1 else (sizes[0], 0)
    if width > 38:
        raise Forward("a DECIMAL of more than 38 digits")
    if value.kind == "double":
        # MySQL too goes by the shortest digits that mean this DOUBLE
        shortest = decimal(f"CAST({value.sql} AS VARCHAR)", width, scale)
        return replace(shortest, sql=failing(shortest.sql, f"DECIMAL {OVERFLOW}"))
    made, room = decimal(value.sql, width, scale), width - scale
    if value.kind == "int":
        fits = value.bound < 10**room
    else:
        fits = value.whole_digits + (value.digits > scale) <= room
    return made if fits else replace(made, sql=failing(made.sql, f"DECIMAL {OVERFLOW}"))


def _to_double(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    if sizes or value.hidden is not None or value.mixed:
        raise Forward("CAST AS DOUBLE of AVG or of a mixed CASE")
    return Value(as_double(_exact(value, "DOUBLE")), "double")


def _to_float(ctx: Context, value: Value, sizes: Sequence[int]) -> Value:
    return replace(
        _to_double(ctx, value, sizes),
        sql=f"CAST({as_double(value)} AS FLOAT)",
        kind="float",
    )


def _exact(value: Value, target: str) -> Value:
    if value.kind in ("json", "binary", "set", "enum"):
        raise Forward(f"CAST of {value.kind} AS {target}")
    if value.kind == "string" and target in ("SIGNED", "UNSIGNED"):
        odd = f"NOT regexp_full_match({value.sql}, '{_CLEAN_INTEGER}')"
        sql = trap(odd, "a string that is no integer", f"CAST({value.sql} AS BIGINT)")
        if target == "UNSIGNED":  # where MySQL warns of a negative one
            sql = trap(f"{sql} < 0", "a negative string AS UNSIGNED", sql)
        return Value(sql, "int", 19)
    if value.kind in (*TEMPORAL, "time") and value.scale:
        raise Forward(f"CAST of {value.kind} AS {target}")
    if value.hidden is not None:
        raise Forward(f"CAST of AVG AS {target}")
    return number(value)


_CLEAN_INTEGER = "-?[0-9]{1,18}"
EPOCH = 62_167_219_200_000_000  # microseconds from the year 0 to 1970
Target = Callable[[Context, Value, Sequence[int]], Value]
_TARGETS: Mapping[str, Target] = {
    "DATE": _to_date,
    "DATETIME": _to_datetime,
    "TIMESTAMPTZ": _timestamp_literal,
    "TIME": _to_time,
    "YEAR": _to_year,
    **dict.fromkeys(("CHAR", "VARCHAR", "TEXT"), _to_char),
    "BINARY": _to_binary,
    "BIGINT": _to_signed,
    "UBIGINT": _to_unsigned,
    "DECIMAL": _to_decimal,
    "DOUBLE": _to_double,
    "FLOAT": _to_float,
}


def _number_text(value: Value) -> str:
    return f"CAST({value.sql} AS VARCHAR)"


def _double_text(value: Value) -> str:
    """The shortest digits, where DuckDB and MySQL both write them without exponent."""
    sql = value.sql
    written = f"regexp_replace(CAST({sql} AS VARCHAR), '\\.0$', '')"
    odd = f"{sql} <> 0 AND abs({sql}) NOT BETWEEN 0.0001 AND 999999999999999.0"
    return unable(
        f"{odd} OR CAST({sql} AS VARCHAR) = '-0.0'", "a DOUBLE in text", written
    )


def _moment_text(value: Value) -> str:
    sql = value.sql
    clock = f"strftime({sql}, '%H:%M:%S')"
    fraction = f" || '.' || left(strftime({sql}, '%f'), {value.scale})"
    day = f"CAST(CAST({sql} AS DATE) AS VARCHAR)"
    return f"({day} || ' ' || {clock}{fraction if value.scale else ''})"


def time_text(value: Value) -> str:
    """hh:mm:ss[.f] of microseconds, more than two digits of hours where needed."""
    micros = f"abs({value.sql})"
    seconds = f"({micros} // 1000000)"
    sign = f"CASE WHEN {value.sql} < 0 THEN '-' ELSE '' END"
    digits = f"format('{{:06d}}', {micros} % 1000000)"
    fraction = f" || '.' || left({digits}, {value.scale})" if value.scale else ""
    clock = (
        f"format('{{:02d}}:{{:02d}}:{{:02d}}', {seconds} // 3600,"
        f" {seconds} // 60 % 60, {seconds} % 60)"
    )
    return f"({sign} || {clock}{fraction})"


_TEXTS: Mapping[str, Callable[[Value], str]] = {
    "int": _number_text,
    "decimal": _number_text,
    "double": _double_text,
    "date": _number_text,
    "datetime": _moment_text,
    "timestamp": _moment_text,
    "time": time_text,
    "year": lambda value: f"format('{{:04d}}', {value.sql})",
    "enum": lambda value: value.sql,
    "set": lambda value: value.sql,
}
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Cast: (cast, ("this", "to")),
}
