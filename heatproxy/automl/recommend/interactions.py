"""Who has rated what: a table of three columns as codes and numbers."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from heatproxy.automl.columns import FloatArray

CodeArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interactions:
    """One row for each pair of a user and an item, sorted by both.

    ``users``, ``items`` (n_rows,) are codes below ``n_users`` and ``n_items``;
    ``ratings`` (n_rows,).
    """

    users: CodeArray
    items: CodeArray
    ratings: FloatArray
    n_users: int
    n_items: int

    @classmethod
    def of(
        cls,
        users: CodeArray,
        items: CodeArray,
        ratings: FloatArray,
        n_users: int,
        n_items: int,
    ) -> "Interactions":
        """What is rated several times counts once, with the mean."""
        pairs, where = np.unique(users * n_items + items, return_inverse=True)
        counts = np.bincount(where, minlength=len(pairs))
        sums = np.bincount(where, weights=ratings, minlength=len(pairs))
        return cls(pairs // n_items, pairs % n_items, sums / counts, n_users, n_items)

    def __len__(self) -> int:
        return len(self.ratings)

    def take(self, rows: npt.NDArray[np.bool_]) -> "Interactions":
        """Some of the rows (a mask (n_rows,)), of the same users and items."""
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            ratings=self.ratings[rows],
        )

    def matrix(self, values: FloatArray | None = None) -> sparse.csr_matrix:
        """Ratings, or other values of the rows, (n_users, n_items)."""
        data = self.ratings if values is None else values
        shape = self.n_users, self.n_items
        return sparse.csr_matrix((data, (self.users, self.items)), shape=shape)

    @property
    def starts(self) -> CodeArray:
        """Where the rows of each user begin, and where the last end (n_users + 1,)."""
        counts = np.bincount(self.users, minlength=self.n_users)
        return np.concatenate([[0], np.cumsum(counts)])

    def mean_of_users(self, default: float) -> FloatArray:
        return _means(self.users, self.ratings, self.n_users, default)

    def mean_of_items(self, default: float) -> FloatArray:
        return _means(self.items, self.ratings, self.n_items, default)


def codes_in(column: pa.Array, known: pa.Array) -> CodeArray:
    """The place of each name among the known ones (n_rows,); -1 if it is none."""
    places = pc.index_in(column.cast(pa.string()), value_set=known)
    return np.array(pc.fill_null(places, -1).to_numpy(zero_copy_only=False), np.int64)


def _means(
    codes: CodeArray, values: FloatArray, count: int, default: float
) -> FloatArray:
    counts = np.bincount(codes, minlength=count)
    sums = np.bincount(codes, weights=values, minlength=count)
    return np.where(counts > 0, sums / np.maximum(counts, 1), default)
