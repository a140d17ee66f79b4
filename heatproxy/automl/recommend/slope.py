"""SlopeOne: the mean difference between two items, over those who rated both.

Source: Lemire and Maclachlan, "Slope One Predictors for Online Rating-Based
Collaborative Filtering".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend.factors import Settings
from heatproxy.automl.recommend.interactions import CodeArray, Interactions
from heatproxy.errors import secondary_engine

MOST_ITEMS = 5_000  # a difference for each two of them
USERS_AT_ONCE = 2_048


@dataclass(frozen=True, slots=True)
class SlopeOne:
    """``differences`` (n_items, n_items): how much more the first gets than the second;
    ``common`` is 1.0 where somebody has rated both. ``user_means`` (n_users,)."""

    seen: Interactions
    mean: float
    user_means: FloatArray
    item_means: FloatArray
    differences: FloatArray
    common: FloatArray

    @classmethod
    def fit(cls, seen: Interactions, settings: Settings) -> "SlopeOne":
        """Raises: MySQLError 3877, too many items."""
        del settings
        if seen.n_items > MOST_ITEMS:
            raise secondary_engine(
                f"SlopeOne is for at most {MOST_ITEMS} items, and there are "
                f"{seen.n_items}."
            )
        rated, rates = seen.matrix(np.ones(len(seen))), seen.matrix()
        counts = (rated.T @ rated).toarray()
        sums = (rates.T @ rated).toarray()
        differences = (sums - sums.T) / np.maximum(counts, 1.0)
        common = (counts > 0).astype(np.float64)
        np.fill_diagonal(common, 0.0)
        mean = float(seen.ratings.mean())
        return cls(
            seen,
            mean,
            seen.mean_of_users(mean),
            seen.mean_of_items(mean),
            differences * common,
            common,
        )

    def ratings(self, users: CodeArray, items: CodeArray) -> FloatArray:
        """Of pairs (n_pairs,); a code of -1 is new."""
        found = np.where(users >= 0, self.user_means[users], self.mean)
        new_user = (users < 0) & (items >= 0)
        found[new_user] = self.item_means[items[new_user]]
        both = np.flatnonzero((users >= 0) & (items >= 0))
        known, where = np.unique(users[both], return_inverse=True)
        for start in range(0, len(known), USERS_AT_ONCE):
            grid = self.grid(known[start : start + USERS_AT_ONCE])
            here = (where >= start) & (where < start + USERS_AT_ONCE)
            found[both[here]] = grid[where[here] - start, items[both[here]]]
        return np.asarray(found)

    def grid(self, users: CodeArray) -> FloatArray:
        """Of known users with every item (n_users, n_items)."""
        rated = self.seen.matrix(np.ones(len(self.seen)))[users]
        sums = rated @ self.differences.T
        counts = rated @ self.common.T
        shift = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        return np.asarray(self.user_means[users][:, None] + shift)

    def grid_of_items(self, items: CodeArray) -> FloatArray:
        """Of known items with every user (n_items, n_users)."""
        rated = self.seen.matrix(np.ones(len(self.seen)))
        sums = (rated @ self.differences[items].T).T
        counts = (rated @ self.common[items].T).T
        shift = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        return np.asarray(self.user_means[None, :] + shift)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], seen: Interactions
    ) -> "SlopeOne":
        """All of it follows from what has been seen."""
        del arrays
        return cls.fit(seen, {})
