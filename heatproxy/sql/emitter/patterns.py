"""LIKE and REGEXP: what matches a pattern, with the letters that its collation has.

Texts of printable ASCII match by LIKE and ILIKE; others letter by letter, by a
regular expression that lists for each letter those that MySQL takes for it. REGEXP,
which is ICU's, folds letter case only; of what it folds to ASCII there is little.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from sqlglot import exp

from heatproxy.sql.collation import PRINTABLE
from heatproxy.sql.emitter.casts import text_of
from heatproxy.sql.emitter.logic import predicate
from heatproxy.sql.emitter.numbers import Function
from heatproxy.sql.emitter.texts import (
    NOT_ASCII,
    collation_of,
    in_letters_of,
    of_members,
    rule_of,
    text_literal,
)
from heatproxy.sql.emitter.values import Context, Forward, Value, plain, unable
from heatproxy.sql.letters import FOLDED, LETTERS

_WORDS = r"[A-Za-z0-9 _,;:@#%&=<>~'\"-]+"
_SIMPLE_PATTERN = re.compile(rf"(\^)?(?:{_WORDS})(\$)?")
_WRITTEN = ("int", "decimal", "year", "date", "datetime", "timestamp", "time")
# characters whose full case folding has ASCII letters: sharp s, ligatures, Kelvin, ...
_FOLDING = {
    char: {letter for letter in char.casefold() if letter.isascii()}
    for char in map(chr, range(0x80, 0x10000))
    if any(letter.isascii() for letter in char.casefold())
}
_LINE_END = "[\\n\\v\\f\\r\\x{85}\\x{2028}\\x{2029}]$"  # $ stands before them too


def like(ctx: Context, node: exp.Expr) -> Value:
    return _like(ctx, node, "\\")


def like_escape(ctx: Context, node: exp.Expr) -> Value:
    escape = node.expression
    if not isinstance(node.this, exp.Like) or not isinstance(escape, exp.Literal):
        raise Forward("ESCAPE with anything but a literal")
    character = str(escape.this)
    if len(character) != 1 or character not in PRINTABLE or character.isalnum():
        raise Forward("ESCAPE with a letter, digit or no single character")
    unknown = set(node.this.args) - {"this", "expression", "negate"}
    if any(node.this.args[name] for name in unknown):
        raise Forward("an unknown form of LIKE")
    return _like(ctx, node.this, character)


def regexp(ctx: Context, node: exp.Expr) -> Value:
    """REGEXP with a pattern that is words, at most with ^ and $ around them."""
    return _matches(ctx, ctx.value(node.this), ctx.value(node.expression))


def regexp_like(ctx: Context, values: list[Value]) -> Value:
    return _matches(ctx, values[0], values[1])


def _like(ctx: Context, node: exp.Expr, escape: str) -> Value:
    value, pattern = plain(ctx.value(node.this)), ctx.value(node.expression)
    negated = bool(node.args.get("negate"))
    return predicate(_is_like(ctx, value, pattern, escape, negated))


def _is_like(
    ctx: Context, value: Value, pattern: Value, escape: str, negated: bool
) -> str:
    """The BOOLEAN of LIKE, or of NOT LIKE, whose pattern is a literal.

    NOT LIKE is written as that: the engine expects more rows of it than of NOT.
    """
    text = pattern.literal
    if value.kind in ("enum", "set"):
        value = of_members(value)
    elif value.kind in _WRITTEN:
        value = text_of(ctx, value)
    if pattern.kind != "string" or text is None:
        raise Forward("LIKE on anything but a string and a literal pattern")
    if value.kind not in ("string", "binary"):
        raise Forward(f"LIKE on {value.kind.upper()}")
    if len(re.findall(re.escape(escape), text)) % 2 and text.endswith(escape):
        raise Forward("a LIKE pattern that ends with its escape character")
    if escape in "%_":
        raise Forward("a LIKE pattern escaped by a wildcard")
    if value.kind == "binary":
        found = _bytes_like(value, text, escape)
        return f"NOT ({found})" if negated else found
    collation = collation_of(ctx, (value, pattern))
    rule = rule_of(ctx, collation)
    word, wanted = "NOT LIKE" if negated else "LIKE", pattern
    subject, folds = value.sql, False
    if not rule.bytewise:
        if not (value.ascii and pattern.ascii):
            found = _by_letters(collation, value, text, escape)
            return f"NOT ({found})" if negated else found
        wanted = in_letters_of(rule, pattern, value)
        alphabet = (value.alphabet or set()) | (wanted.alphabet or set())
        if not rule.decides(alphabet):
            raise Forward(f"LIKE on strings of collation {collation}")
        folds = bool(rule.fold) and rule.folds(alphabet)
    if escape not in (wanted.literal or ""):
        if folds:
            known = value.alphabet or set(PRINTABLE)
            return _folded_like(subject, word, wanted, known)
        return f"{subject} {word} {wanted.sql}"  # faster without ESCAPE
    word = word.replace("LIKE", "ILIKE") if folds else word
    return f"{subject} {word} {wanted.sql} ESCAPE {text_literal(escape)}"


def _folded_like(
    subject: str, word: str, pattern: Value, alphabet: Collection[str]
) -> str:
    """LIKE of ASCII texts of these characters, whatever the letter case.

    ILIKE folds each text first. It need not where the texts have the pattern's letters
    in one case only, and else only for those that match all of it but its other
    letters, which are few; '' stands for all that do not.
    """
    spelt, is_exact = "", True
    for char in pattern.literal or "":
        other = char.swapcase()
        if other == char or other not in alphabet:
            spelt += char
        elif char not in alphabet:
            spelt += other
        else:
            spelt += "%"
            is_exact = False
    if is_exact:
        return f"{subject} {word} {text_literal(spelt)}"
    parts = [part if len(part) > 2 else "" for part in re.split("[%_]", spelt)]
    if not any(parts):
        return f"{subject} {word.replace('LIKE', 'ILIKE')} {pattern.sql}"
    needed = text_literal(re.sub("%+", "%", "%".join(parts)))
    few = f"CASE WHEN {subject} NOT LIKE {needed} THEN '' ELSE lower({subject}) END"
    return f"{few} {word} {text_literal((pattern.literal or '').lower())}"


def _by_letters(collation: str, value: Value, pattern: str, escape: str) -> str:
    letters = LETTERS.get(collation)
    if letters is None or not set(pattern) <= set(PRINTABLE):
        raise Forward(f"LIKE on {NOT_ASCII}")
    parts = []
    for char, is_wild in _characters(pattern, escape):
        if is_wild:
            parts.append(".*" if char == "%" else ".")
            continue
        alike = {char, *letters.get(char, "")}
        if collation in FOLDED:
            alike |= {char.upper(), char.lower(), *letters.get(char.lower(), "")}
        parts.append(_one_of(alike))
    written = text_literal("(?s)" + "".join(parts))
    return f"regexp_full_match({value.sql}, {written})"


def _bytes_like(value: Value, pattern: str, escape: str) -> str:
    """LIKE of bytes, whose hexadecimal digits are matched in pairs."""
    if not set(pattern) <= set(PRINTABLE):
        raise Forward(f"LIKE on {NOT_ASCII}")
    parts = []
    for char, is_wild in _characters(pattern, escape):
        if is_wild:
            parts.append("(..)*" if char == "%" else "..")
        else:
            parts.append(char.encode().hex().upper())
    return f"regexp_full_match(hex({value.sql}), '{''.join(parts)}')"


def _characters(pattern: str, escape: str) -> Iterator[tuple[str, bool]]:
    """Each character of a LIKE pattern, and whether it is a wildcard."""
    rest = iter(pattern)
    for char in rest:
        if char == escape:
            yield next(rest, escape), False
        else:
            yield char, char in "%_"


def _one_of(chars: set[str]) -> str:
    listed = "".join(f"\\x{{{ord(char):x}}}" for char in sorted(chars))
    return listed if len(chars) == 1 else f"[{listed}]"


def _matches(ctx: Context, value: Value, pattern: Value) -> Value:
    match = _SIMPLE_PATTERN.fullmatch(pattern.literal or "")
    if match is None or pattern.kind != "string" or value.kind != "string":
        raise Forward("REGEXP with anything but words between ^ and $")
    collation = collation_of(ctx, (value, pattern))
    folds = collation.endswith("_ci")
    if not folds and not collation.endswith(("_bin", "_cs")):
        raise Forward(f"REGEXP on strings of collation {collation}")
    begin, end = bool(match[1]), bool(match[2])
    word = str(pattern.literal)[begin : None if not end else -1]
    text, wanted = value.sql, text_literal(word.lower() if folds else word)
    if not value.ascii:
        foreign = "".join(c for c, found in _FOLDING.items() if found & set(wanted))
        odd = [f"regexp_matches({text}, '[{foreign}]')"] if folds and foreign else []
        odd += [f"regexp_matches({text}, '{_LINE_END}')"] if end else []
        if odd:
            text = unable(" OR ".join(odd), "a letter that ICU folds to others", text)
    if folds:
        text = f"lower({text})"
    if begin and end:
        return predicate(f"{text} = {wanted}")
    if begin or end:
        return predicate(f"{'starts' if begin else 'ends'}_with({text}, {wanted})")
    return predicate(f"contains({text}, {wanted})")


Rule = Callable[[Context, exp.Expr], Value]
NODES: dict[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Like: (like, ("this", "expression", "negate")),
    exp.Escape: (like_escape, ("this", "expression")),
    exp.RegexpLike: (regexp, ("this", "expression")),
}
FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "REGEXP_LIKE": (regexp_like, 2, 2),
}
