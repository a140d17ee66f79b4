"""What is known of users and items besides their ratings, while a model is asked.

A table of metadata describes users or items: those of the training, and others that
nobody has rated or that have rated nothing, which come behind them.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend.describing import Described, WeightArray
from heatproxy.automl.recommend.factors import Factors
from heatproxy.automl.recommend.interactions import CodeArray, codes_in


@dataclass(frozen=True, slots=True)
class Sides:
    """What describes the users and items of a training: (n_users, any), (n_items,
    any); None where nothing does."""

    users: WeightArray | None = None
    items: WeightArray | None = None


@dataclass(frozen=True, slots=True)
class Newcomers:
    """What a table describes: ``codes`` (n_rows,) of known and of new ones.

    ``vectors`` (n_rows, width); ``names``, Arrow (n,), are all that there are now, by
    code: those of the training, then the new ones in the table's order.
    """

    names: pa.Array
    codes: CodeArray
    vectors: WeightArray

    @classmethod
    def of(cls, known: pa.Array, described: Described) -> "Newcomers":
        new = described.names.filter(
            pc.invert(pc.is_in(described.names, value_set=known))
        )
        names = pa.concat_arrays([known, new])
        return cls(names, codes_in(described.names, names), described.vectors)


@runtime_checkable
class Describable(Protocol):
    """A recommender that tables of metadata can tell of users or items."""

    @property
    def n_described(self) -> tuple[int, int]:
        """How many numbers describe a user and an item; 0 is that nothing does."""
        ...

    def with_newcomers(
        self, users: Newcomers | None, items: Newcomers | None
    ) -> Factors:
        """The factors of all users and items there are now."""
        ...


def extended(
    factors: Factors,
    users: tuple[Newcomers, FloatArray] | None,
    items: tuple[Newcomers, FloatArray] | None,
) -> Factors:
    """The factors with others in the place of some, and more.

    Beside the newcomers of a side are their vectors (n_rows, width + 1), the bias last.
    """
    user_bias, user_factors = _put(factors.user_bias, factors.user_factors, users)
    item_bias, item_factors = _put(factors.item_bias, factors.item_factors, items)
    return Factors(factors.mean, user_bias, item_bias, user_factors, item_factors)


def _put(
    bias: FloatArray,
    rows: FloatArray,
    found: tuple[Newcomers, FloatArray] | None,
) -> tuple[FloatArray, FloatArray]:
    if found is None:
        return bias, rows
    newcomers, vectors = found
    more = len(newcomers.names) - len(bias)
    bias = np.concatenate([bias, np.zeros(more)])
    rows = np.concatenate([rows, np.zeros((more, rows.shape[1]))])
    bias[newcomers.codes] = vectors[:, -1]
    rows[newcomers.codes] = vectors[:, :-1]
    return bias, rows
