"""Recommenders for implicit feedback that know what the items are.

    CTR  factors of an item near to what its description says, by least squares
    BPR  factors as without descriptions, and what of them descriptions can tell

Both keep how a description becomes factors, so that an item that nobody has chosen can
be recommended.

Source: Wang and Blei, "Collaborative Topic Modeling for Recommending Scientific
Articles", where topics stand for what the descriptions are read as here; Hu, Koren,
Volinsky, "Collaborative Filtering for Implicit Feedback Datasets".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend import factors as factors_of
from heatproxy.automl.recommend import kernels
from heatproxy.automl.recommend.factors import SEED, Factors, Settings
from heatproxy.automl.recommend.interactions import CodeArray, Interactions
from heatproxy.automl.recommend.sides import Newcomers, Sides, extended
from heatproxy.errors import secondary_engine

CHOSEN, OTHERS = 1.0, 0.01  # how much a pair counts that was chosen, and one that not
SHRINK = 1.0  # of how descriptions become factors


@dataclass(frozen=True, slots=True)
class ContentFactors:
    """``content`` (n_described, width + 1) makes factors of descriptions, the bias
    last; ``apart`` (n_items, width + 1) is what known items have besides."""

    factors: Factors
    content: FloatArray
    apart: FloatArray

    def ratings(self, users: CodeArray, items: CodeArray) -> FloatArray:
        """Of pairs (n_pairs,); a code of -1 is new."""
        return self.factors.ratings(users, items)

    def grid(self, users: CodeArray) -> FloatArray:
        """Of known users with every item (n_users, n_items)."""
        return self.factors.grid(users)

    def grid_of_items(self, items: CodeArray) -> FloatArray:
        """Of known items with every user (n_items, n_users)."""
        return self.factors.grid_of_items(items)

    @property
    def n_described(self) -> tuple[int, int]:
        """How many numbers describe a user, which are none, and an item."""
        return 0, len(self.content)

    def with_newcomers(
        self, users: Newcomers | None, items: Newcomers | None
    ) -> Factors:
        """The factors with those of items that a table describes anew."""
        assert users is None  # the model has refused it otherwise
        if items is None:
            return self.factors
        known = items.codes < len(self.apart)
        own = self.apart[np.where(known, items.codes, 0)]
        vectors = np.where(known[:, None], own, 0.0) + items.vectors @ self.content
        return extended(self.factors, None, (items, vectors))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        own = {"content": self.content, "apart": self.apart}
        return self.factors.arrays() | own


def restore(
    arrays: Mapping[str, npt.NDArray[Any]], seen: Interactions
) -> ContentFactors | Factors:
    """Raises: KeyError or ValueError, they are none of so many users and items."""
    found = Factors.restore(arrays, seen)
    if "content" not in arrays and "apart" not in arrays:
        return found
    content, apart = (arrays[name].astype(np.float64) for name in ("content", "apart"))
    width = found.item_factors.shape[1] + 1
    if content.ndim != 2 or content.shape[1] != width or not len(content):
        raise ValueError("unsound content")
    if apart.shape != (seen.n_items, width):
        raise ValueError("unsound apart")
    if not (np.isfinite(content).all() and np.isfinite(apart).all()):
        raise ValueError("unsound numbers")
    return ContentFactors(found, content, apart)


def without_content(seen: Interactions, settings: Settings) -> Factors:
    """Raises: MySQLError 3877, there is nothing to learn from."""
    raise secondary_engine("The model CTR needs the option item_metadata.")


def bpr(seen: Interactions, settings: Settings, sides: Sides) -> ContentFactors:
    """The factors of BPR, and how near to them descriptions come."""
    assert sides.items is not None  # the task has refused it otherwise
    found = factors_of.bpr(seen, settings)
    items = np.column_stack([found.item_factors, found.item_bias])
    described = sides.items.astype(np.float64)
    content = _near(described, items, SHRINK)
    return ContentFactors(found, content, items - described @ content)


def ctr(seen: Interactions, settings: Settings, sides: Sides) -> ContentFactors:
    """Users, items, and how descriptions become items, in turns."""
    assert sides.items is not None  # the task has refused it otherwise
    described = sides.items.astype(np.float64)
    width = int(settings["n_factors"])
    random = np.random.default_rng(SEED)
    of_users = np.zeros((seen.n_users, width))
    of_items = random.normal(0.0, 0.1, (seen.n_items, width))
    content = np.zeros((described.shape[1], width))
    of_nothing = np.zeros_like(of_users)
    by_item = np.argsort(seen.items, kind="stable")
    item_counts = np.bincount(seen.items, minlength=seen.n_items)
    item_starts = np.concatenate([[0], np.cumsum(item_counts)])
    users = seen.users[by_item]
    for _ in range(int(settings["n_epochs"])):
        kernels.least_squares(
            seen.starts,
            seen.items,
            of_items,
            of_items.T @ of_items,
            of_nothing,
            CHOSEN,
            OTHERS,
            settings["reg_u"],
            of_users,
        )
        kernels.least_squares(
            item_starts,
            users,
            of_users,
            of_users.T @ of_users,
            described @ content,
            CHOSEN,
            OTHERS,
            settings["reg_i"],
            of_items,
        )
        content = _near(described, of_items, SHRINK)
    nothing = np.zeros(seen.n_users), np.zeros(seen.n_items)
    found = Factors(0.0, *nothing, of_users, of_items)
    content = np.column_stack([content, np.zeros(len(content))])
    items = np.column_stack([of_items, np.zeros(seen.n_items)])
    return ContentFactors(found, content, items - described @ content)


def _near(described: FloatArray, wanted: FloatArray, shrink: float) -> FloatArray:
    """What makes ``wanted`` (n, width) of ``described`` (n, n_described), or nearly."""
    square = described.T @ described + shrink * np.eye(described.shape[1])
    return np.asarray(np.linalg.solve(square, described.T @ wanted))
