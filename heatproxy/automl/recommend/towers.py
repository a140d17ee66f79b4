"""TwoTower: one network makes a vector of a user, another one of an item.

The product of both vectors is the rating. What has been trained is two tables of
vectors, which answer as the factors of any other recommender do: neither PyTorch nor
the networks are needed for that. A network is kept where a table of metadata has taught
it, so that later tables of that kind can describe users and items, new ones among them.

Source: Yi and others, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
Recommendations"; Volkovs, Yu, Poutanen, "DropoutNet: Addressing Cold Start in
Recommender Systems", for how it learns to do without a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend.describing import WeightArray
from heatproxy.automl.recommend.factors import Factors
from heatproxy.automl.recommend.interactions import CodeArray, Interactions
from heatproxy.automl.recommend.sides import Newcomers, extended


@dataclass(frozen=True, slots=True)
class Tower:
    """A network, of vectors so wide that their last number is the bias.

    ``names`` (n_known, width) is what each name stands for by itself, ``unknown``
    (width,) what a new one does; ``first`` (width + n_described, n_hidden) and
    ``first_bias`` (n_hidden,), ``second`` (n_hidden, width) are its layers.
    """

    names: WeightArray
    unknown: WeightArray
    first: WeightArray
    first_bias: WeightArray
    second: WeightArray

    @property
    def n_described(self) -> int:
        return int(self.first.shape[0] - self.names.shape[1])

    def vectors(self, codes: CodeArray, described: WeightArray) -> WeightArray:
        """Of users or items (n, width); a code that is not known is a new one's.

        ``described`` (n, n_described) is what metadata say of each.
        """
        known = (codes < len(self.names))[:, None]
        own = self.names[np.minimum(codes, len(self.names) - 1)]
        own = np.where(known, own, self.unknown)
        hidden = np.concatenate([own, described], axis=1) @ self.first
        hidden = np.maximum(hidden + self.first_bias, np.float32(0.0))
        return np.asarray(own + hidden @ self.second)

    def arrays(self, side: str) -> dict[str, npt.NDArray[Any]]:
        return {
            f"{side}_names": self.names,
            f"{side}_unknown": self.unknown,
            f"{side}_first": self.first,
            f"{side}_first_bias": self.first_bias,
            f"{side}_second": self.second,
        }

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], side: str, count: int, width: int
    ) -> "Tower | None":
        """None where there is none. Raises: ValueError or KeyError, it is unsound."""
        if not any(name.startswith(f"{side}_first") for name in arrays):
            return None
        n_inputs, n_hidden = arrays[f"{side}_first"].shape
        shapes = {
            "names": (count, width),
            "unknown": (width,),
            "first": (max(n_inputs, width + 1), n_hidden),
            "first_bias": (n_hidden,),
            "second": (n_hidden, width),
        }
        found = []
        for name, shape in shapes.items():
            array = arrays[f"{side}_{name}"].astype(np.float32)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"unsound {side}_{name}")
            found.append(array)
        return cls(*found)


@dataclass(frozen=True, slots=True)
class TwoTower:
    """A recommender; ``factors`` are the vectors of all users and items."""

    factors: Factors
    user_tower: Tower | None = None
    item_tower: Tower | None = None

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
        """How many numbers describe a user and an item; 0 is that nothing does."""
        return tuple(  # type: ignore[return-value]
            0 if tower is None else tower.n_described
            for tower in (self.user_tower, self.item_tower)
        )

    def with_newcomers(
        self, users: Newcomers | None, items: Newcomers | None
    ) -> Factors:
        """The factors with those of users and items that tables describe anew."""
        found: list[tuple[Newcomers, FloatArray] | None] = []
        for tower, described in ((self.user_tower, users), (self.item_tower, items)):
            if described is None:
                found.append(None)
                continue
            assert tower is not None  # the model has refused it otherwise
            vectors = tower.vectors(described.codes, described.vectors)
            found.append((described, vectors.astype(np.float64)))
        return extended(self.factors, *found)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        found = self.factors.arrays()
        for side, tower in (("user", self.user_tower), ("item", self.item_tower)):
            if tower is not None:
                found |= tower.arrays(side)
        return found

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], seen: Interactions
    ) -> "TwoTower":
        """Raises: KeyError or ValueError, they are none of so many users and items."""
        factors = Factors.restore(arrays, seen)
        width = factors.user_factors.shape[1] + 1
        return cls(
            factors,
            Tower.restore(arrays, "user", seen.n_users, width),
            Tower.restore(arrays, "item", seen.n_items, width),
        )
