"""Functions of a string's bytes, which are those of its character set."""

from heatproxy.sql.emitter.casts import DECODED, text_of
from heatproxy.sql.emitter.numbers import Function
from heatproxy.sql.emitter.rounding import constant
from heatproxy.sql.emitter.strings import ascii_text
from heatproxy.sql.emitter.values import Context, Forward, Value, plain, unable


def length(ctx: Context, values: list[Value]) -> Value:
    return Value(_bytes(ctx, values[0]), "int", 10)


def bit_length(ctx: Context, values: list[Value]) -> Value:
    return Value(f"({_bytes(ctx, values[0])} * 8)", "int", 11)


def hexadecimal(ctx: Context, values: list[Value]) -> Value:
    value = plain(values[0])
    if value.kind == "int":
        held = "UBIGINT" if value.unsigned else "BIGINT"
        return ascii_text(ctx, f"hex(CAST({value.sql} AS {held}))")
    if value.kind in ("bit", "binary"):
        sql = f"hex({value.sql})"
        if value.kind == "bit":
            sql = f"format('{{:X}}', CAST('0x' || {sql} AS UBIGINT))"
        return ascii_text(ctx, sql)
    if value.is_exact or value.is_approximate or value.kind == "year":
        raise Forward(f"HEX of {value.kind.upper()}")
    return ascii_text(ctx, f"hex({_encoded(ctx, value)})")


def sha2(ctx: Context, values: list[Value]) -> Value:
    if constant(values[1:]) not in (0, 256):
        raise Forward("SHA2 of another length than 256")
    return ascii_text(ctx, f"sha256({_encoded(ctx, values[0])})")


def to_base64(ctx: Context, values: list[Value]) -> Value:
    sql = f"to_base64({_encoded(ctx, values[0])})"
    long = f"{_bytes(ctx, values[0])} > 57"  # MySQL breaks lines
    written = unable(long, "a long text in base 64", sql)
    return ascii_text(ctx, written, clean=False)


def _bytes(ctx: Context, value: Value) -> str:
    """How many bytes MySQL holds."""
    value = plain(value)
    if value.kind == "binary":
        return f"octet_length({value.sql})"
    value = text_of(ctx, value)
    charset = (value.collation or ctx.session.collation_connection).partition("_")[0]
    if charset in DECODED:
        return f"strlen({value.sql})"
    if charset in ("latin1", "ascii"):
        return f"length({value.sql})"
    raise Forward(f"the bytes of a string of character set {charset}")


def _encoded(ctx: Context, value: Value) -> str:
    """The bytes that MySQL holds, as a BLOB."""
    value = plain(value)
    if value.kind == "binary":
        return value.sql
    value = text_of(ctx, value)
    charset = (value.collation or ctx.session.collation_connection).partition("_")[0]
    if charset in DECODED or (value.ascii and charset in ("latin1", "ascii")):
        return f"encode({value.sql})"
    if charset == "latin1":
        chars = f"string_split({value.sql}, '')"
        code = "format('{:02X}', unicode(e))"
        coded = f"array_to_string(list_transform({chars}, lambda e: {code}), '')"
        sql = f"CASE WHEN {value.sql} = '' THEN ''::BLOB ELSE unhex({coded}) END"
        odd = f"NOT regexp_full_match({value.sql}, '(?s)[\\x{{0}}-\\x{{ff}}]*')"
        return unable(odd, "a letter with a place of its own in latin1", sql)
    raise Forward(f"the bytes of a string of character set {charset}")


FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "LENGTH": (length, 1, 1),
    "OCTET_LENGTH": (length, 1, 1),
    "BIT_LENGTH": (bit_length, 1, 1),
    "HEX": (hexadecimal, 1, 1),
    "SHA2": (sha2, 2, 2),
    "TO_BASE64": (to_base64, 1, 1),
}
