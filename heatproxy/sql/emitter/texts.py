"""Strings compared, grouped, ordered and matched as their collation has it.

Three ways lead to exactness: texts of a bytewise collation compare as they are,
printable ASCII by an expression made of MySQL's weights, and any text by its key, the
BLOB that ``collation.key_of`` makes. What has none of them is MySQL's.
"""

from collections.abc import Sequence
from dataclasses import replace

from heatproxy.sql.collation import (
    PRINTABLE,
    CollationKey,
    charset_of,
    key_expression,
    key_of,
)
from heatproxy.sql.emitter.values import (
    Context,
    Forward,
    Unanswered,
    Value,
    Written,
    unable,
)

EQUALITIES = ("=", "<>", "IS NOT DISTINCT FROM")
_UNICODE = ("utf8mb4", "utf8mb3", "utf8", "ucs2", "utf16", "utf16le", "utf32")
NOT_ASCII = "strings that are not all printable ASCII"


def text_literal(text: str) -> str:
    """A DuckDB string literal."""
    if "\0" in text:
        raise Forward("a NUL character in a string literal")
    return "'" + text.replace("'", "''") + "'"


def blob_literal(data: bytes) -> str:
    """A DuckDB BLOB literal."""
    return "'" + "".join(f"\\x{byte:02X}" for byte in data) + "'::BLOB"


def of_text(text: str) -> Value:
    """The Value of a string literal."""
    return Value(
        text_literal(text),
        "string",
        ascii=all(char in PRINTABLE for char in text),
        clean=True,
        nullable=False,
        texts=frozenset((text,)),
        literal=text,
    )


def common_key(ctx: Context, *values: Value) -> CollationKey:
    """The rule by which strings compare, for those who fold them.

    Raises:
        Forward: folding them is not known to be exact.
    """
    rule = rule_of(ctx, collation_of(ctx, values))
    if rule.fold is None:
        raise Forward(f"comparing strings of collation {collation_of(ctx, values)}")
    if rule.needs_ascii and not all(value.ascii for value in values):
        raise Forward(f"comparing {NOT_ASCII}")
    return rule


def text_sides(
    ctx: Context, operator: str, left: Value, right: Value
) -> tuple[str, str]:
    """Two expressions that compare as MySQL's strings do."""
    collation = collation_of(ctx, (left, right))
    rule = rule_of(ctx, collation)
    left, right = in_letters_of(rule, left, right), in_letters_of(rule, right, left)
    if operator in EQUALITIES:
        one, other = _equal(ctx, collation, rule, (left, right))
    else:
        one, other = _ordered(ctx, collation, rule, (left, right))
    return one, other


def text_keys(ctx: Context, values: Sequence[Value]) -> list[str]:
    """Expressions that are equal exactly where the strings are."""
    strings = [value for value in values if value.kind != "null"]
    collation = collation_of(ctx, strings)
    rule = rule_of(ctx, collation)
    determined = len(values) == 1 and is_determined(rule, values[0])
    keys = (
        [v.sql for v in values] if determined else _equal(ctx, collation, rule, strings)
    )
    found = iter(_short(ctx, rule, v, k) for v, k in zip(strings, keys, strict=True))
    return [value.sql if value.kind == "null" else next(found) for value in values]


def text_order(ctx: Context, value: Value, null_is_empty: bool = False) -> str:
    """An expression that sorts as the strings do."""
    collation = collation_of(ctx, (value,))
    rule = rule_of(ctx, collation)
    values = (value, of_text("")) if null_is_empty else (value,)
    sides = _ordered(ctx, collation, rule, values, "sorting")
    sorted_by = f"coalesce({', '.join(sides)})" if null_is_empty else sides[0]
    return _short(ctx, rule, value, sorted_by)


def _short(ctx: Context, rule: CollationKey, value: Value, sql: str) -> str:
    """``sql``, if MySQL sorts the value by its whole text.

    Of texts that are padded it takes max_sort_length bytes of the weight.
    """
    if rule.blank is None or value.literal is not None:
        return sql
    most = ctx.session.max_sort_length // len(rule.blank)
    longest = value.text.longest if value.text is not None else None
    if longest is None:
        reason = "sorting strings longer than max_sort_length"
        return unable(f"length({value.sql}) > {most}", reason, sql)
    if longest > most:
        raise Forward("sorting strings longer than max_sort_length")
    return sql


def is_determined(rule: CollationKey, value: Value) -> bool:
    """Whether no two of the values are equal without being the same."""
    if not value.ascii and not rule.bytewise:
        return False
    alphabet = PRINTABLE if value.alphabet is None else value.alphabet
    if not rule.decides(alphabet):
        return False
    if value.clean and rule.fold in ("", "lower", "upper"):
        return True
    blanks = rule.pad_space and value.blank_ended
    return not rule.folds(alphabet) and not blanks


def text_extreme(ctx: Context, function: str, value: Value) -> Value:
    """MIN or MAX of a string, as which one of those that are equal may stand.

    Raises:
        Forward: at exactness strict, also if that is open.
    """
    collation = collation_of(ctx, (value,))
    rule = rule_of(ctx, collation)
    if ctx.session.policy.exactness == "strict" and not is_determined(rule, value):
        raise Forward(f"{function.upper()} of strings that differ in case or blanks")
    order = _ordered(ctx, collation, rule, (value,), f"{function.upper()} of")[0]
    plain = order == value.sql
    sql = (
        f"{function}({value.sql})" if plain else f"arg_{function}({value.sql}, {order})"
    )
    known = value.text or Written(value.sql)
    alphabet = None if value.alphabet is None else frozenset(value.alphabet)
    key = None if value.key is None else f"{function}({value.key})"
    written = Written(sql, key, alphabet, value.blank_ended, known.longest)
    return replace(
        value, sql=sql, written=written, literal=None, texts=None, nullable=True
    )


def of_members(value: Value) -> Value:
    """An ENUM or SET as the string it is compared as."""
    letters = {char for member in value.members for char in member} | {","}
    if not letters <= set(PRINTABLE):
        raise Forward(f"comparing {value.kind.upper()} members that are not ASCII")
    written = Written(value.sql, None, frozenset(letters), True)
    return Value(
        value.sql,
        "string",
        collation=value.collation,
        ascii=True,
        clean=value.kind == "enum",
        nullable=value.nullable,
        written=written,
    )


def collation_of(ctx: Context, values: Sequence[Value]) -> str:
    """The collation they are compared in. Literals take the columns'."""
    explicit = {value.collation for value in values if value.explicit}
    found = explicit or {value.collation for value in values}
    collations = {name for name in found if name is not None}
    if len(collations) == 2 and not explicit:
        given = [value for value in values if value.collation is not None]
        stronger = _stronger(*sorted(collations))
        # of what is not a column MySQL may think less than of one
        texts = [value.text for value in given]
        if stronger is not None and all(text and not text.made for text in texts):
            return stronger
    if len(collations) > 1:
        raise Forward("a mix of collations")
    return collations.pop() if collations else ctx.session.collation_connection


def _stronger(one: str, other: str) -> str | None:
    """Which collation MySQL takes for two columns: a superset's, or the binary one."""
    sets = [charset_of(one), charset_of(other)]
    if sets[0] == sets[1]:
        binary = [name for name in (one, other) if name.endswith("_bin")]
        return binary[0] if len(binary) == 1 else None
    wide = [name for name in (one, other) if charset_of(name) == "utf8mb4"]
    narrow = set(sets) - {"utf8mb4"}
    return (
        wide[0] if wide and narrow <= {"utf8mb3", "utf8", "latin1", "ascii"} else None
    )


def rule_of(ctx: Context, collation: str) -> CollationKey:
    rule = ctx.weights.keys.get(collation)
    if rule is None:
        raise Forward(f"comparing strings of collation {collation}")
    return rule


def in_letters_of(rule: CollationKey, value: Value, other: Value) -> Value:
    """A literal spelt in the letters of the other side, where that has no two equal.

    What such a literal is compared with need not be folded row by row.
    """
    alphabet = other.alphabet
    if value.literal is None or other.literal is not None or alphabet is None:
        return value
    if not (value.ascii and other.ascii) or rule.fold is None or rule.folds(alphabet):
        return value
    letters = {rule.folded(char): char for char in alphabet}
    text = "".join(letters.get(rule.folded(char), char) for char in value.literal)
    return replace(of_text(text), collation=value.collation, explicit=value.explicit)


def _equal(
    ctx: Context, collation: str, rule: CollationKey, values: Sequence[Value]
) -> list[str]:
    alphabet = _alphabet(values)
    if _is_direct(rule, values) and rule.decides(alphabet):
        apart = _told_apart(rule, values, alphabet)
        return [
            rule.equality(v.sql, () if apart else alphabet, v.blank_ended)
            for v in values
        ]
    return _by_key(ctx, collation, rule, values, "comparing")


def _told_apart(
    rule: CollationKey, values: Sequence[Value], alphabet: frozenset[str]
) -> bool:
    """Whether the texts of the columns differ where they are not the same.

    A literal has been given their letters, and equals none with a letter of its own.
    """
    columns = _alphabet([value for value in values if value.literal is None])
    literals = [value for value in values if value.literal is not None]
    if not rule.folds(alphabet):
        return True
    if len(values) != 2 or len(literals) != 1 or rule.folds(columns):
        return False
    letters = {rule.folded(char) for char in columns}
    return all(
        char in columns or rule.folded(char) not in letters
        for char in literals[0].literal or ""
    )


def _ordered(
    ctx: Context,
    collation: str,
    rule: CollationKey,
    values: Sequence[Value],
    doing: str = "comparing",
) -> list[str]:
    columns = [value for value in values if value.literal is None]
    alphabet = _alphabet(values)
    known = all(value.alphabet is not None for value in values)
    if _is_direct(rule, values) and known:
        found = [rule.order(v.sql, alphabet, v.blank_ended) for v in values]
        written = [sql for sql in found if sql is not None]
        simple = not any(sql.startswith("translate(") for sql in written)
        keyless = any(column.key is None for column in columns)
        if len(written) == len(values) and (simple or keyless):
            return written
    if rule.bytewise and all(column.key is None for column in columns):
        return [_in_bytes(rule, value) for value in values]
    return _by_key(ctx, collation, rule, values, doing)


def _in_bytes(rule: CollationKey, value: Value) -> str:
    """What sorts as the bytes do, padded with blanks where the collation pads."""
    if not rule.pad_space:
        return value.sql
    low = f"regexp_matches({value.sql}, '[\\x{{0}}-\\x{{1f}}]')"
    reason = "a text with characters before the blank"
    return unable(low, reason, f"rtrim({value.sql}, ' ')")


def _is_direct(rule: CollationKey, values: Sequence[Value]) -> bool:
    return rule.bytewise or all(value.ascii for value in values)


def _alphabet(values: Sequence[Value]) -> frozenset[str]:
    return frozenset().union(*(value.alphabet or PRINTABLE for value in values))


def _by_key(
    ctx: Context,
    collation: str,
    rule: CollationKey,
    values: Sequence[Value],
    doing: str,
) -> list[str]:
    found = []
    for value in values:
        if value.literal is not None:
            found.append(_literal_key(ctx, collation, rule, value.literal))
        elif value.key is not None and value.collation == collation:
            found.append(value.key)
        elif value.ascii and not all(value.ascii for value in values):
            made = rule.made_key(value.sql)
            if made is None:
                raise Forward(f"{doing} strings of collation {collation}")
            found.append(made)
        elif all(value.ascii for value in values):
            raise Forward(f"{doing} strings of collation {collation}")
        else:
            raise Forward(f"{doing} {NOT_ASCII}")
    return found


def _literal_key(ctx: Context, collation: str, rule: CollationKey, text: str) -> str:
    key = rule.key(text)
    if key is None:
        _require_convertible(text, collation)
        asked = key_expression(text, collation)
        answer = ctx.session.constants.get(asked)
        if answer is None:
            raise Unanswered((asked,))
        if answer.problem is not None or answer.text is None:
            raise Forward(f"a literal without a weight in {collation}")
        try:
            key = key_of(text, bytes.fromhex(answer.text.decode()), rule.blank)
        except ValueError as problem:
            raise Forward(str(problem)) from None
    return blob_literal(key)


def _require_convertible(text: str, collation: str) -> None:
    """A literal is compared in a column's character set, if that has its characters."""
    charset = charset_of(collation)
    if charset in ("utf8mb4", "utf16", "utf16le", "utf32"):
        return
    if charset in _UNICODE and max(text) < "\U00010000":
        return
    if charset == "latin1":
        try:
            text.encode("cp1252")
        except UnicodeEncodeError:
            pass
        else:
            return
    raise Forward(f"a literal that may not be written in {charset}")
