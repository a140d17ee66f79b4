"""Templates of log lines: what stays the same from line to line, and what varies.

Lines of the same length and first word that share enough words are one template; a
place where they differ becomes ``<*>``. The work is done once for each distinct line.

Source: He, Zhu, Zheng, Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth
Tree".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WILD = "<*>"
LEAST_ALIKE = 0.4  # the share of words that a line and its template have in common
MOST_IN_A_LEAF = 200

Words = tuple[str, ...]
Leaf = tuple[int, str]


@dataclass(slots=True)
class Miner:
    """Templates as they are found; a template's number is its place."""

    templates: list[Words] = field(default_factory=list)
    _leaves: dict[Leaf, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, templates: Iterable[Sequence[str]]) -> "Miner":
        """With templates that were found before."""
        miner = cls()
        for words in templates:
            miner._add(tuple(words))
        return miner

    def learn(self, line: str) -> int:
        """The number of a line's template, which may be new or become wider."""
        words = tuple(line.split())
        found = self.match(line)
        if found is None:
            return self._add(words)
        known = self.templates[found]
        self.templates[found] = tuple(
            ours if ours == theirs else WILD
            for ours, theirs in zip(known, words, strict=True)
        )
        return found

    def match(self, line: str) -> int | None:
        """The number of the template that is most like a line, None if none is."""
        words = tuple(line.split())
        best, most = None, (LEAST_ALIKE, -1)
        for number in self._leaves.get(_leaf(words), ()):
            alike = _alike(self.templates[number], words)
            if alike > most or (best is None and alike[0] >= LEAST_ALIKE):
                best, most = number, alike
        return best

    def _add(self, words: Words) -> int:
        leaf = self._leaves.setdefault(_leaf(words), [])
        if len(leaf) >= MOST_IN_A_LEAF:
            return leaf[-1]  # what comes after so many is not told apart
        self.templates.append(words)
        leaf.append(len(self.templates) - 1)
        return leaf[-1]


def _leaf(words: Words) -> Leaf:
    first = words[0] if words else ""
    return len(words), WILD if any(map(str.isdigit, first)) or "<" in first else first


def _alike(template: Words, words: Words) -> tuple[float, int]:
    """The share of words that are equal, and how many places are free."""
    if not words:
        return 1.0, 0
    equal = sum(a == b for a, b in zip(template, words, strict=True))
    return equal / len(words), sum(word == WILD for word in template)
