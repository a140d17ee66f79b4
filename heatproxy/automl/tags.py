"""Tags of a document: its words and pairs of words that tell most of it.

A word counts for what is left of it without its inflection, so that ``joins forces``
and ``joined force`` are one tag. A tag must occur in two documents of the training,
and in not too many: what every document says tells nothing. The tags of a document
come by their TF-IDF weight, the heaviest first.

Source: Salton and Buckley, "Term-weighting approaches in automatic text retrieval";
the form of the tags is that of HeatWave 9.5, seen in the output of a real server.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from heatproxy.automl.columns import FloatArray

FEWEST_DOCUMENTS = 2  # that a tag is in
MOST_DOCUMENTS = 0.7  # a share
MOST_TAGS = 20_000  # of the vocabulary
SHORTEST = 3  # letters
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_POSSESSIVE = re.compile(r"'s?$|'.*$")
# what is inflected against the rules, and frequent
_IRREGULAR = {
    "children": "child",
    "feet": "foot",
    "included": "include",
    "including": "include",
    "knives": "knife",
    "led": "lead",
    "lives": "life",
    "men": "man",
    "mice": "mouse",
    "people": "people",
    "teeth": "tooth",
    "thieves": "thief",
    "wives": "wife",
    "women": "woman",
}


@dataclass(frozen=True, slots=True)
class Tagger:
    """A vocabulary, sorted, with the weight of each tag (n_tags,)."""

    tags: tuple[str, ...]
    weights: FloatArray

    @classmethod
    def fit(cls, documents: Sequence[str]) -> "Tagger":
        """From at least one document; ones without words count too."""
        words = [_words(text) for text in documents]
        everything = {word for one in words for word in one}
        stems = _stems(everything, everything)
        counts: Counter[str] = Counter()
        for one in words:
            counts.update(set(_terms(one, stems)))
        most = max(FEWEST_DOCUMENTS, int(MOST_DOCUMENTS * len(documents)))
        known = [
            (-count, tag)
            for tag, count in counts.items()
            if FEWEST_DOCUMENTS <= count <= most
        ]
        tags = sorted(tag for _, tag in sorted(known)[:MOST_TAGS])
        seen = np.array([counts[tag] for tag in tags], dtype=np.float64)
        weights = np.log((1.0 + len(documents)) / (1.0 + seen)) + 1.0
        return cls(tuple(tags), weights)

    def tagged(self, documents: Iterable[str], most: int) -> list[list[str]]:
        """The at most ``most`` heaviest tags of each document, equal ones by name."""
        places = {tag: place for place, tag in enumerate(self.tags)}
        known = {part for tag in self.tags for part in tag.split(" ")}
        found = []
        for text in documents:
            words = _words(text)
            stems = _stems(set(words), known)
            counts = Counter(
                place
                for term in _terms(words, stems)
                if (place := places.get(term)) is not None
            )
            heavy = sorted(
                counts, key=lambda p: (-counts[p] * float(self.weights[p]), p)
            )
            found.append([self.tags[place] for place in heavy[:most]])
        return found

    @classmethod
    def from_state(cls, words: Iterable[Any], weights: FloatArray) -> "Tagger":
        """From its tags and weights again. Raises: ValueError when they are none."""
        tags = tuple(str(tag) for tag in words)
        if weights.shape != (len(tags),) or not np.isfinite(weights).all():
            raise ValueError("weights of tags")
        return cls(tags, weights)


def _words(text: str) -> list[str]:
    """Words in lower case, without possessives, in their order."""
    return [
        _POSSESSIVE.sub("", word)
        for word in _WORD.findall(text.lower().replace("\u2019", "'"))
    ]


def _terms(words: Sequence[str], stems: Mapping[str, str]) -> list[str]:
    """Words that tell something, and each two of them that follow upon each other."""
    telling = [
        stems.get(word, word)
        for word in words
        if len(word) >= SHORTEST and word not in ENGLISH_STOP_WORDS
    ]
    telling = [word for word in telling if word not in ENGLISH_STOP_WORDS]
    pairs = pairwise(telling)
    return telling + [f"{first} {second}" for first, second in pairs if first != second]


def _stems(words: set[str], known: set[str]) -> dict[str, str]:
    """Words that are inflections: of a known word, or plurals by their ending."""
    found = {}
    for word in words:
        stem = _IRREGULAR.get(word) or _stem(word, known)
        if stem != word:
            found[word] = stem
    return {word: found.get(stem, stem) for word, stem in found.items()}


def _stem(word: str, known: set[str]) -> str:
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        if word.endswith("ies") and len(word) > 4:
            return f"{word[:-3]}y"
        if word.endswith(("sses", "shes", "ches", "xes", "zes")):
            return word[:-2]
        return word[:-1]
    for ending in ("ing", "ed"):
        bare = word.removesuffix(ending)
        if bare == word or len(bare) < SHORTEST:
            continue
        doubled = bare[:-1] if bare[-1] == bare[-2] else bare
        for stem in (bare, f"{bare}e", doubled, f"{bare[:-1]}y"):
            if stem in known or f"{stem}s" in known or stem in ENGLISH_STOP_WORDS:
                return stem
    return word
