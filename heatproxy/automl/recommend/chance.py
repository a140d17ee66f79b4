"""NormalPredictor: a rating drawn from the normal distribution of all ratings.

It knows nothing of users and items and is there to be compared with. What a pair draws
follows from the pair, so that it gets the same rating whenever it is asked for.

Source: Surprise documentation, "random_pred.NormalPredictor", for what it estimates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend.factors import SEED, Settings
from heatproxy.automl.recommend.interactions import CodeArray, Interactions


@dataclass(frozen=True, slots=True)
class NormalPredictor:
    """``mean`` and ``deviation`` of the ratings."""

    n_users: int
    n_items: int
    mean: float
    deviation: float

    @classmethod
    def fit(cls, seen: Interactions, settings: Settings) -> "NormalPredictor":
        del settings
        mean, deviation = float(seen.ratings.mean()), float(seen.ratings.std())
        return cls(seen.n_users, seen.n_items, mean, deviation)

    def ratings(self, users: CodeArray, items: CodeArray) -> FloatArray:
        """Of pairs (n_pairs,)."""
        pairs = (users + 1).astype(np.uint64) * np.uint64(self.n_items + 1)
        pairs += (items + 1).astype(np.uint64)
        # two uniform numbers of each pair make a normal one (Box and Muller)
        first = _uniform(pairs * np.uint64(2) + np.uint64(SEED))
        second = _uniform(pairs * np.uint64(2) + np.uint64(SEED + 1))
        normal = np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)
        return np.asarray(self.mean + self.deviation * normal)

    def grid(self, users: CodeArray) -> FloatArray:
        """Of known users with every item (n_users, n_items)."""
        every = np.tile(np.arange(self.n_items), len(users))
        found = self.ratings(np.repeat(users, self.n_items), every)
        return found.reshape(len(users), self.n_items)

    def grid_of_items(self, items: CodeArray) -> FloatArray:
        """Of known items with every user (n_items, n_users)."""
        every = np.tile(np.arange(self.n_users), len(items))
        found = self.ratings(every, np.repeat(items, self.n_users))
        return found.reshape(len(items), self.n_users)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], seen: Interactions
    ) -> "NormalPredictor":
        del arrays
        return cls.fit(seen, {})


def _uniform(seeds: npt.NDArray[np.uint64]) -> FloatArray:
    """A number above 0 and at most 1 of each seed: SplitMix64."""
    with np.errstate(over="ignore"):
        z = seeds * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return np.asarray(((z >> np.uint64(11)).astype(np.float64) + 1.0) / 2.0**53)
