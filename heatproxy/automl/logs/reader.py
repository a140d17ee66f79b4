"""From log lines to numbers of segments: how rare the templates and the words are.

A segment is what its templates are (TF-IDF weights on a few directions), how rare the
rarest of them is and the usual one, the same of its words, and how many of its lines
are of no known template.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.logs.drain import Miner
from heatproxy.automl.logs.lines import masked
from heatproxy.automl.logs.segments import Segments

MOST_WORDS, DIRECTIONS = 50_000, 8
FACTS = 6  # numbers of a segment besides the directions


@dataclass(frozen=True, slots=True)
class LogReader:
    """``rarities`` (n_templates + 1,) and ``word_rarities`` (n_words + 1,): -log of the
    share of lines, the last that of the unknown; ``directions`` (n_templates + 1, k).
    """

    more_masks: tuple[str, ...]
    templates: tuple[tuple[str, ...], ...]
    rarities: FloatArray
    words: pa.Array
    word_rarities: FloatArray
    directions: FloatArray

    @classmethod
    def fit(
        cls, lines: pa.Array, more_masks: tuple[str, ...], segments: Segments
    ) -> "LogReader":
        """From the lines of a training (n_rows,), at least one."""
        cleaned = masked(lines, more_masks).dictionary_encode()
        distinct = cleaned.dictionary.to_pylist()
        places = cleaned.indices.to_numpy(zero_copy_only=False)
        miner = Miner()
        of_distinct = np.array([miner.learn(line) for line in distinct], np.int64)
        numbers = of_distinct[places]
        counts = np.bincount(numbers, minlength=len(miner.templates) + 1)
        counts[-1] = 0
        rarities = _rarities(counts, len(lines))
        words, word_rarities = _word_rarities(cleaned, len(lines))
        reader = cls(
            more_masks,
            tuple(miner.templates),
            rarities,
            words,
            word_rarities,
            np.zeros((len(counts), 0)),
        )
        weights = reader._weights(numbers, segments)
        width = min(DIRECTIONS, min(weights.shape) - 1)
        if width < 1:
            return reader
        with np.errstate(invalid="ignore"):  # segments that are all the same
            found = TruncatedSVD(width, random_state=0).fit(weights).components_.T
        return cls(more_masks, reader.templates, rarities, words, word_rarities, found)

    @property
    def width(self) -> int:
        return FACTS + int(self.directions.shape[1])

    def read(self, lines: pa.Array, segments: Segments) -> tuple[FloatArray, pa.Array]:
        """Numbers of the segments (n_segments, width), and the lines as templates."""
        cleaned = masked(lines, self.more_masks).dictionary_encode()
        places = cleaned.indices.to_numpy(zero_copy_only=False)
        miner = Miner.of(self.templates)
        unknown = len(self.templates)
        distinct = cleaned.dictionary.to_pylist()
        found = [miner.match(line) for line in distinct]
        of_distinct = np.array([unknown if n is None else n for n in found], np.int64)
        numbers = of_distinct[places]
        words_most, words_mean = self._of_words(cleaned.dictionary)
        rare = self.rarities[numbers]
        facts = [
            segments.most(rare),
            segments.mean(rare),
            segments.most(words_most[places]),
            segments.mean(words_most[places]),
            segments.mean(words_mean[places]),
            segments.mean((numbers == unknown).astype(np.float64)),
        ]
        weights = self._weights(numbers, segments)
        matrix = np.hstack([np.column_stack(facts), weights @ self.directions])
        known = [" ".join(words) for words in self.templates]
        shown = [
            line if number is None else known[number]
            for line, number in zip(distinct, found, strict=True)
        ]
        return matrix, pa.array(shown, pa.string()).take(cleaned.indices)

    def _weights(
        self, numbers: npt.NDArray[np.int64], segments: Segments
    ) -> sparse.csr_matrix:
        """TF-IDF weights of templates in segments, rows of length 1."""
        of_segment = np.repeat(np.arange(len(segments)), np.diff(segments.starts))
        shape = len(segments), len(self.rarities)
        ones = np.ones(len(segments.rows))
        counts = sparse.csr_matrix((ones, (of_segment, numbers[segments.rows])), shape)
        counts.data = 1.0 + np.log(counts.data)
        weights = counts.multiply(1.0 + self.rarities[None, :]).tocsr()
        lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
        return sparse.diags(1.0 / np.maximum(lengths, 1e-12)) @ weights

    def _of_words(self, distinct: pa.Array) -> tuple[FloatArray, FloatArray]:
        """The rarest and the mean rarity of each distinct line's words."""
        lists = pc.split_pattern(distinct, " ")
        places = pc.fill_null(
            pc.index_in(lists.flatten(), value_set=self.words), len(self.words)
        ).to_numpy(zero_copy_only=False)
        rare = self.word_rarities[places]
        starts = lists.offsets.to_numpy()
        if not len(distinct):
            return np.zeros(0), np.zeros(0)
        sums = np.add.reduceat(rare, starts[:-1])
        return np.maximum.reduceat(rare, starts[:-1]), sums / np.diff(starts)

    def state(self) -> dict[str, Any]:
        """As JSON values; ``from_state`` is the inverse."""
        return {
            "more_masks": self.more_masks,
            "templates": self.templates,
            "rarities": self.rarities.tolist(),
            "words": self.words.to_pylist(),
            "word_rarities": self.word_rarities.tolist(),
            "directions": self.directions.tolist(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "LogReader":
        """Raises: KeyError, TypeError or ValueError when it is none."""
        templates = tuple(tuple(map(str, words)) for words in state["templates"])
        rarities = np.array(state["rarities"], np.float64)
        words = pa.array(state["words"], pa.string())
        word_rarities = np.array(state["word_rarities"], np.float64)
        directions = np.array(state["directions"], np.float64)
        if rarities.shape != (len(templates) + 1,) or directions.ndim != 2:
            raise ValueError("unsound templates")
        if len(directions) != len(rarities) or len(word_rarities) != len(words) + 1:
            raise ValueError("unsound words")
        masks = tuple(map(str, state["more_masks"]))
        return cls(masks, templates, rarities, words, word_rarities, directions)


def _rarities(counts: npt.NDArray[np.int64], n_lines: int) -> FloatArray:
    return np.asarray(-np.log((counts + 0.5) / (n_lines + 1.0)))


def _word_rarities(
    cleaned: pa.DictionaryArray, n_lines: int
) -> tuple[pa.Array, FloatArray]:
    """The words of the lines and how rare each is, the unknown word's last."""
    times = np.bincount(
        cleaned.indices.to_numpy(zero_copy_only=False),
        minlength=len(cleaned.dictionary),
    )
    lists = pc.split_pattern(cleaned.dictionary, " ")
    encoded = lists.flatten().dictionary_encode()
    weights = np.repeat(times, np.diff(lists.offsets.to_numpy()))
    places = encoded.indices.to_numpy(zero_copy_only=False)
    counts = np.bincount(places, weights, minlength=len(encoded.dictionary))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_WORDS])
    words = encoded.dictionary.take(pa.array(kept))
    return words, _rarities(np.append(counts[kept], 0).astype(np.int64), n_lines)
