"""Collations on printable ASCII: which texts are equal, and which comes first.

MySQL itself is asked for the weight of each of the 95 characters; from them come
DuckDB expressions that are equal, or in order, exactly when MySQL's strings are.
Only collations that weigh a text character by character are taken.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
PAD_SPACE = {  # whether trailing blanks are ignored
    "utf8mb4_0900_ai_ci": False,
    "utf8mb4_0900_bin": False,
    "utf8mb4_bin": True,
    "utf8mb4_general_ci": True,
    "latin1_swedish_ci": True,
}


def weights_query(collation: str) -> str:
    """The statement that asks MySQL for (code point, weight in hex), 95 rows.

    Raises:
        ValueError: the collation is not in PAD_SPACE.
    """
    if collation not in PAD_SPACE:
        raise ValueError(collation)
    charset = collation.partition("_")[0]
    return (
        "WITH RECURSIVE n AS (SELECT 32 AS c UNION ALL SELECT c + 1 FROM n"
        " WHERE c < 126) SELECT c, HEX(WEIGHT_STRING("
        f"CONVERT(CHAR(c) USING {charset}) COLLATE {collation})) FROM n"
    )


@dataclass(frozen=True, slots=True)
class CollationKey:
    """How a text of one collation becomes something DuckDB compares right.

    ``fold`` is a DuckDB function name or empty; ``ranks`` the two arguments of
    translate() that put characters in order, or None where folding does.
    """

    fold: str
    pad_space: bool
    ranks: tuple[str, str] | None

    @property
    def needs_ascii(self) -> bool:
        return bool(self.fold) or self.ranks is not None

    def equality(self, sql: str) -> str:
        """Equal exactly where MySQL's strings are."""
        key = f"{self.fold}({sql})" if self.fold else sql
        return f"rtrim({key}, ' ')" if self.pad_space else key

    def order(self, sql: str) -> str:
        """In MySQL's order."""
        key = self.equality(sql)
        if self.ranks is None:
            return key
        before, after = (_literal(text) for text in self.ranks)
        return f"translate({key}, {before}, {after})"


@dataclass(frozen=True, slots=True)
class CollationWeights:
    """The keys of the collations whose weights are known."""

    keys: Mapping[str, CollationKey]

    @classmethod
    def build(cls, weights: Mapping[str, Mapping[str, bytes]]) -> "CollationWeights":
        """From ``{collation: {character: weight}}``.

        A collation is left out unless all 95 characters are there, their weights
        are of one length, and PAD_SPACE knows it.
        """
        keys = {}
        for collation, weight in weights.items():
            whole = set(weight) >= set(PRINTABLE)
            lengths = set(map(len, weight.values()))
            if collation in PAD_SPACE and whole and len(lengths) == 1:
                key = _key(weight, PAD_SPACE[collation])
                if key is not None:
                    keys[collation] = key
        return cls(keys)

    @classmethod
    def from_rows(
        cls, answers: Mapping[str, Iterable[tuple[int, str]]]
    ) -> "CollationWeights":
        """From ``{collation: rows of weights_query(collation)}``."""
        return cls.build(
            {
                collation: {chr(int(c)): bytes.fromhex(text) for c, text in rows}
                for collation, rows in answers.items()
            }
        )


Fold = Callable[[str], str]
FOLDS: Mapping[str, Fold] = {"": str, "lower": str.lower, "upper": str.upper}


def _key(weight: Mapping[str, bytes], pad_space: bool) -> CollationKey | None:
    if pad_space and min(weight.values()) != weight[" "]:
        return None  # cutting blanks off would not be padding with them
    fitting = {name: fold for name, fold in FOLDS.items() if _same(weight, fold)}
    for name, fold in fitting.items():
        kept = sorted({fold(c) for c in PRINTABLE})
        if sorted(kept, key=lambda c: weight[c]) == kept:
            return CollationKey(name, pad_space, None)
    for name, fold in fitting.items():
        ranks = _ranks(sorted({fold(c) for c in PRINTABLE}, key=lambda c: weight[c]))
        return CollationKey(name, pad_space, ranks)
    return None


def _same(weight: Mapping[str, bytes], fold: Fold) -> bool:
    """Whether folding makes equal exactly what the weights make equal."""
    pairs = {(fold(c), weight[c]) for c in PRINTABLE}
    return len(pairs) == len({w for _, w in pairs}) == len({c for c, _ in pairs})


def _ranks(ordered: list[str]) -> tuple[str, str]:
    """translate() arguments: letters and digits stay if the others fit before them."""
    others = [c for c in ordered if not c.isalnum()]
    kept = [c for c in ordered if c.isalnum()]
    if others + kept == ordered and kept == sorted(kept) and len(others) < ord(kept[0]):
        moved = others
    else:
        moved = ordered
    return "".join(moved), "".join(chr(1 + n) for n in range(len(moved)))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
