"""Collations: which texts are equal, which comes first, and the keys that say so.

MySQL itself is asked for the weights of printable ASCII and of every pair of its
characters. Where a text weighs what its characters weigh, DuckDB expressions follow
that are equal, or in order, exactly when MySQL's ASCII strings are, and keys can be
made of ASCII texts without asking; all else is decided by MySQL's WEIGHT_STRING.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
SAFE = "\t\n\v\f\r" + PRINTABLE  # the characters whose pairs MySQL is asked for
# Their order is that of UTF-8, for all characters; texts are as wide as they look.
BYTEWISE = {"utf8mb4_0900_bin", "utf8mb4_bin", "utf8mb3_bin", "utf8_bin", "ascii_bin"}
_SIBLINGS = ("general_ci", "unicode_ci", "unicode_520_ci")  # of utf8mb3 in utf8mb4
_PAIR = 1000  # weights_query numbers the pair of code points a, b as a * 1000 + b
# Weights of several lengths, so that padding can't be told from text; and Thai,
# which swaps letters before it weighs them.
_UNEVEN = {
    *("big5", "gbk", "gb2312", "gb18030", "sjis", "cp932", "ujis", "eucjpms"),
    *("euckr", "tis620", "binary"),
}


def charset_of(collation: str) -> str:
    """The character set a collation belongs to."""
    return collation.partition("_")[0]


def pads_space(collation: str) -> bool:
    """Whether trailing blanks are ignored: for all but the UCA 9.0.0 collations."""
    return "_0900_" not in collation and collation != "binary"


def is_weighable(collation: str) -> bool:
    """Whether WEIGHT_STRING can be made a key of it (``key_of``)."""
    return charset_of(collation) not in _UNEVEN and not collation.endswith("czech_cs")


def weights_query(collation: str) -> str:
    """The statement that asks for the weights of SAFE, 10,100 rows.

    Each row is a number, the code point or that of a pair, and a weight in hex.

    Raises:
        ValueError: the collation is not weighable.
    """
    if not is_weighable(collation):
        raise ValueError(collation)
    text = "CONCAT(CHAR(a.c USING utf8mb4), IFNULL(CHAR(b.c USING utf8mb4), ''))"
    return (
        "WITH RECURSIVE n AS (SELECT 9 AS c UNION ALL SELECT IF(c = 13, 32, c + 1)"
        f" FROM n WHERE c < 126) SELECT IF(b.c IS NULL, a.c, a.c * {_PAIR} + b.c),"
        f" HEX(WEIGHT_STRING(CONVERT({text} USING {charset_of(collation)})"
        f" COLLATE {collation})) FROM n a LEFT JOIN"
        " (SELECT c FROM n UNION ALL SELECT NULL) b ON TRUE"
    )


def key_query(collation: str, texts: Sequence[str]) -> str:
    """The statement that asks for the weights of texts.

    Each row is a place, from 1, and WEIGHT_STRING's bytes.
    """
    array = json.dumps(texts, ensure_ascii=False).encode().hex()
    return (
        f"SELECT n, WEIGHT_STRING(CONVERT(v USING {charset_of(collation)})"
        f" COLLATE {collation}) FROM JSON_TABLE(_utf8mb4 0x{array}, '$[*]' COLUMNS"
        " (n FOR ORDINALITY, v LONGTEXT CHARACTER SET utf8mb4 PATH '$')) AS texts"
    )


def key_expression(text: str, collation: str) -> str:
    """MySQL's expression for the weight of one text, in hex.

    MySQL warns of utf8mb3, whose collations weigh its characters as those of the
    same name do that utf8mb4 has.
    """
    charset, _, rest = collation.partition("_")
    if charset in ("utf8mb3", "utf8") and rest in _SIBLINGS:
        collation = f"utf8mb4_{rest}"
    return (
        f"HEX(WEIGHT_STRING(CONVERT(_utf8mb4 X'{text.encode().hex()}' USING"
        f" {charset_of(collation)}) COLLATE {collation}))"
    )


def key_of(text: str, weight: bytes, blank: bytes | None) -> bytes:
    """The key of a text, given its WEIGHT_STRING: memcmp compares as MySQL does.

    ``blank`` is the blank's weight where texts are padded with it, or None. There
    trailing blanks go, one blank ends each key, and what is less than a blank, as
    well as the blanks before it, is written so that it precedes that end.

    Raises:
        ValueError: the weight is not a whole number of units as wide as the blank;
            or the text ends in something else that weighs as much as a blank, which
            MySQL cuts off when it compares or sorts, but not when it hashes.
    """
    if blank is None:
        return weight
    unit = len(blank)
    if len(weight) % unit:
        raise ValueError("a weight of uneven width")
    blanks = len(text) - len(text.rstrip(" "))
    while weight.endswith(blank):
        weight, blanks = weight[:-unit], blanks - 1
    if blanks:
        raise ValueError("a text that ends in what weighs as a blank")
    units = [weight[at : at + unit] for at in range(0, len(weight), unit)]
    if not units or min(units) >= blank:
        return weight + blank
    escape, low = bytes(unit), False
    written = []
    for one in reversed(units):
        if one == blank:
            written.append(escape + b"\xff" * unit if low else one)
        else:
            low = one < blank
            written.append(escape + one if low else one)
    return b"".join(reversed(written)) + blank


@dataclass(frozen=True, slots=True)
class CollationKey:
    """How ASCII texts of one collation become something DuckDB compares right.

    ``fold`` is the DuckDB function that makes equal texts the same, empty where they
    are, None where there is no such function. ``weights`` has each character's
    weight on each level; a text's weight is its characters', level by level, unless
    ``adds_up`` is false, and these can be read out of it again if ``told_apart``.
    ``bytewise``: right for all texts, not just ASCII ones.
    """

    fold: str | None
    pad_space: bool
    weights: Mapping[str, tuple[bytes, ...]] = field(repr=False)
    adds_up: bool = True
    told_apart: bool = True
    bytewise: bool = False

    @property
    def needs_ascii(self) -> bool:
        return not self.bytewise

    @property
    def levels(self) -> int:
        return len(self.weights["a"])

    @property
    def blank(self) -> bytes | None:
        """What key_of pads with."""
        return self.weights[" "][0] if self.pad_space else None

    def folded(self, text: str) -> str:
        """What DuckDB's fold makes of an ASCII text."""
        return FOLDS[self.fold or ""](text)

    def folds(self, alphabet: Iterable[str]) -> bool:
        """Whether two texts of these characters may be equal without being the same.

        Trailing blanks aside.
        """
        if self.bytewise:
            return False
        alphabet = set(alphabet)
        return len({self.weights.get(char) for char in alphabet}) < len(alphabet)

    def decides(self, alphabet: Iterable[str]) -> bool:
        """Whether ``equality`` has an expression for texts of these characters."""
        if self.bytewise:
            return True
        alphabet = set(alphabet)
        if not self.told_apart or not alphabet <= set(SAFE):
            return False
        return self.fold is not None or not self.folds(alphabet)

    def equality(
        self, sql: str, alphabet: Iterable[str] = PRINTABLE, blanks: bool = True
    ) -> str:
        """Equal exactly where MySQL's strings are.

        ``alphabet``: all characters that any of the values compared may have.
        ``blanks``: whether one may end in a blank.
        """
        key = f"{self.fold}({sql})" if self.fold and self.folds(alphabet) else sql
        return f"rtrim({key}, ' ')" if self.pad_space and blanks else key

    def order(
        self, sql: str, alphabet: Iterable[str] = PRINTABLE, blanks: bool = True
    ) -> str | None:
        """In MySQL's order; None where no expression is known to be."""
        alphabet = set(alphabet)
        if self.bytewise:
            lower = self.pad_space and any(char < " " for char in alphabet)
            return None if lower else self.equality(sql, alphabet, blanks)
        weight = {char: self.weights[char][0] for char in alphabet if char in SAFE}
        if len(weight) < len(alphabet) or not self.decides(alphabet):
            return None
        if self.levels > 1 and len(set(weight.values())) < len(alphabet):
            return None  # the first level does not tell all of them apart
        if self.pad_space and any(w < self.weights[" "][0] for w in weight.values()):
            return None  # cutting blanks off would not be padding with them
        key = self.equality(sql, alphabet, blanks)
        if self.folds(alphabet):
            alphabet = {self.folded(char) for char in alphabet}
        moved = _moved(sorted(alphabet, key=lambda char: self.weights[char]))
        if not moved:
            return key
        before, after = _literal("".join(moved)), _literal("".join(moved.values()))
        return f"translate({key}, {before}, {after})"

    def key(self, text: str) -> bytes | None:
        """The key of a text of SAFE characters; None where MySQL must be asked."""
        if not self.adds_up or not set(text) <= set(SAFE):
            return None
        levels = [
            b"".join(self.weights[char][level] for char in text)
            for level in range(self.levels)
        ]
        return key_of(text, b"\0\0".join(levels), self.blank)

    def made_key(self, sql: str) -> str | None:
        """The expression of the keys of printable ASCII texts; None if unknown."""
        if not self.adds_up or self.pad_space:
            return None
        levels = []
        for level in range(self.levels):
            listed = ", ".join(f"'{self.weights[c][level].hex()}'" for c in PRINTABLE)
            place = f"unicode(e) - {ord(PRINTABLE[0]) - 1}"
            chars = f"list_filter(string_split({sql}, ''), lambda e: e <> '')"
            digits = f"list_transform({chars}, lambda e: [{listed}][{place}])"
            levels.append(f"array_to_string({digits}, '')")
        digits = " || '0000' || ".join(levels)
        return f"unhex({digits})"


@dataclass(frozen=True, slots=True)
class CollationWeights:
    """The keys of the collations whose weights are known."""

    keys: Mapping[str, CollationKey]

    @classmethod
    def build(cls, weights: Mapping[str, Mapping[str, bytes]]) -> "CollationWeights":
        """From ``{collation: {one or two characters: weight}}``.

        A collation is left out unless it is weighable and all characters and pairs
        of SAFE are there.
        """
        keys = {name: _key(name, weight) for name, weight in weights.items()}
        return cls({name: key for name, key in keys.items() if key is not None})

    @classmethod
    def from_rows(
        cls, answers: Mapping[str, Iterable[tuple[int, str]]]
    ) -> "CollationWeights":
        """From ``{collation: rows of weights_query(collation)}``."""
        return cls.build(
            {
                collation: {
                    _characters(int(number)): bytes.fromhex(text)
                    for number, text in rows
                }
                for collation, rows in answers.items()
            }
        )


Fold = Callable[[str], str]
FOLDS: Mapping[str, Fold] = {"": str, "lower": str.lower, "upper": str.upper}


def _characters(number: int) -> str:
    first, second = divmod(number, _PAIR)
    return chr(first) + chr(second) if first else chr(second)


def _key(collation: str, weight: Mapping[str, bytes]) -> CollationKey | None:
    if not is_weighable(collation) or not set(weight) >= set(SAFE):
        return None
    pad_space = pads_space(collation)
    split = {text: _levels(w, pad_space) for text, w in weight.items()}
    singles = {char: split[char] for char in SAFE}
    adds_up = len({len(levels) for levels in split.values()}) == 1 and all(
        split.get(one + other)
        == tuple(map(bytes.__add__, singles[one], singles[other]))
        for one in SAFE
        for other in SAFE
    )
    if pad_space:
        blank = weight[" "]
        even = {len(weight[char]) for char in SAFE} == {len(blank)}
        if not even or [weight[char] for char in SAFE].count(blank) != 1:
            return None
    fitting = [name for name, fold in FOLDS.items() if _same(singles, fold)]
    fitting.sort(key=lambda name: len(_moved(_ordered(singles, FOLDS[name]))))
    told_apart = adds_up and _is_decodable(singles)
    fold = fitting[0] if told_apart and fitting else None
    bytewise = collation in BYTEWISE
    if bytewise and fold != "":
        return None
    return CollationKey(fold, pad_space, singles, adds_up, told_apart, bytewise)


def _levels(weight: bytes, pad_space: bool) -> tuple[bytes, ...]:
    """A UCA 9.0.0 weight has levels, with a zero between them."""
    if pad_space:
        return (weight,)
    units = [weight[at : at + 2] for at in range(0, len(weight), 2)]
    levels = [b""]
    for unit in units:
        if unit == b"\0\0":
            levels.append(b"")
        else:
            levels[-1] += unit
    return tuple(levels)


def _is_decodable(weights: Mapping[str, tuple[bytes, ...]]) -> bool:
    """Whether a text's weight says which weights it was made of, and in which order."""
    lengths: dict[bytes, set[tuple[int, ...]]] = {}
    for levels in weights.values():
        lengths.setdefault(levels[0], set()).add(tuple(map(len, levels)))
    firsts = sorted(lengths)
    following = itertools.pairwise(firsts)
    return all(len(found) == 1 for found in lengths.values()) and not any(
        other.startswith(one) for one, other in following
    )


def _same(weights: Mapping[str, tuple[bytes, ...]], fold: Fold) -> bool:
    """Whether folding makes equal exactly what the weights make equal."""
    pairs = {(fold(char), weight) for char, weight in weights.items()}
    return len(pairs) == len({w for _, w in pairs}) == len({c for c, _ in pairs})


def _ordered(weights: Mapping[str, tuple[bytes, ...]], fold: Fold) -> list[str]:
    return sorted({fold(char) for char in PRINTABLE}, key=lambda char: weights[char])


def _moved(ordered: list[str]) -> dict[str, str]:
    """What must stand for which character, so that code points are in this order.

    As few as can be move, between those that stay: translate() costs by their
    number. Those after the last that stays get the code points above ASCII.
    """
    codes = [0, *map(ord, ordered)]
    longest, previous = [0] * len(codes), [0] * len(codes)
    for at in range(1, len(codes)):
        longest[at] = -1
        for before in range(at):
            room = codes[at] - codes[before] - 1 >= at - before - 1
            if room and longest[before] >= 0 and longest[before] + 1 > longest[at]:
                longest[at], previous[at] = longest[before] + 1, before
    last = max(range(len(codes)), key=lambda at: longest[at])
    moved = {ordered[at - 1]: chr(0x7F + at) for at in range(last + 1, len(codes))}
    while last:
        first = previous[last]
        for at in range(first + 1, last):
            moved[ordered[at - 1]] = chr(codes[first] + at - first)
        last = first
    return moved


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
