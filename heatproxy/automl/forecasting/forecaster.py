"""What a forecaster is: one of HeatWave's models, learning from the past of a series.

A forecaster that has learned is plain JSON values, its state, and needs nothing but
numpy to go on from there: no library's version decides whether a stored model can be
read, and nothing stored is ever executed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from heatproxy.automl.columns import FloatArray

Settings = Mapping[str, Any]
State = Mapping[str, Any]
Progress = Callable[[float, str], None]  # a fraction of 1, and a stage


class CannotFit(Exception):
    """The forecaster has nothing to say on this series, with these settings."""


@dataclass(frozen=True, slots=True)
class History:
    """A series without gaps.

    ``values`` (n, n_variables); ``exogenous`` (n, width); ``seasons`` are the lengths
    of cycles in steps, the shortest first.
    """

    values: FloatArray
    exogenous: FloatArray
    seasons: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_variables(self) -> int:
        return int(self.values.shape[1])

    def until(self, end: int) -> "History":
        return replace(self, values=self.values[:end], exogenous=self.exogenous[:end])

    def last(self, count: int) -> "History":
        values, exogenous = self.values[-count:], self.exogenous[-count:]
        return replace(self, values=values, exogenous=exogenous)


@dataclass(frozen=True, slots=True)
class Fit:
    """A forecaster that has learned.

    ``fitted`` (n, n_variables) are what it would have said of each row of the history
    one step before, NaN where it had nothing to say.
    """

    state: State
    fitted: FloatArray


class Forecaster(Protocol):
    """One name of the option ``model_list``."""

    @property
    def name(self) -> str: ...

    @property
    def takes_one(self) -> bool:
        """Can it forecast a single endogenous variable?"""
        ...

    @property
    def takes_many(self) -> bool:
        """Can it forecast several?"""
        ...

    @property
    def uses_exogenous(self) -> bool: ...

    def variants(self, history: History) -> Sequence[Settings]:
        """Settings worth trying on this history; none when it is too short."""
        ...

    def fit(self, history: History, settings: Settings) -> Fit:
        """Learn from all of the history. Raises: CannotFit."""
        ...

    def forecast(self, state: State, exogenous: FloatArray) -> FloatArray:
        """The steps after the history (n_steps, n_variables).

        ``exogenous`` (n_steps, width) are the steps' own.
        """
        ...


def column(values: FloatArray) -> FloatArray:
    """(n,) as (n, 1)."""
    return np.asarray(values, dtype=np.float64).reshape(-1, 1)
