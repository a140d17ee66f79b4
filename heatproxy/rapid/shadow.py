"""Whether two answers to one statement are the same, as far as SQL determines them.

Rows are compared as their packets, so a digit or a blank more is a difference. Their
order is no part of it: of rows that ORDER BY leaves equal, and of all where there is
none, SQL leaves it open.
"""

import random
from collections import Counter
from collections.abc import Iterable
from enum import Enum

_CHANCE = random.SystemRandom()


class Verdict(Enum):
    """What a comparison comes to."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDETERMINED = "undetermined"  # SQL allows for both


def is_chosen(share: float) -> bool:
    """Whether this statement is one of those that are compared."""
    return share > 0 and (share >= 1 or _CHANCE.random() < share)


def compare(
    ours: Iterable[bytes],
    theirs: Iterable[bytes],
    *,
    is_limited: bool = False,
    is_grouped: bool = False,
) -> Verdict:
    """What the rows of the engine are, next to MySQL's.

    ``is_limited``: there is a LIMIT, and which of equal rows are within it is open.
    ``is_grouped``: which member of a case-insensitive group is shown is open.
    """
    one, other = Counter(ours), Counter(theirs)
    if one == other:
        return Verdict.EQUAL
    if one.total() != other.total():
        return Verdict.DIFFERENT
    if is_limited:
        return Verdict.UNDETERMINED
    if is_grouped and _folded(one) == _folded(other):
        return Verdict.UNDETERMINED
    return Verdict.DIFFERENT


def _folded(rows: Counter[bytes]) -> Counter[bytes]:
    folded: Counter[bytes] = Counter()
    for row, count in rows.items():
        folded[row.decode("utf-8", "replace").casefold().encode()] += count
    return folded
