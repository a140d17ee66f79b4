"""Which layers are worth trying on a series: its cycles, and logarithms or not.

Cycles that the calendar suggests are tried as they are. A series without a calendar,
or whose calendar says nothing, is asked for its own by its autocorrelation.
"""

from collections.abc import Sequence
from itertools import product
from typing import Literal

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.forecasting.forecaster import History
from heatproxy.automl.forecasting.layers import FEWEST_CYCLES, LONG, Layers

WIDE = 1.5  # times the smallest value: less, and a logarithm is a straight line
LONGEST_FOUND = 60
STRONG = 0.3


def layerings(history: History, by_stl: Literal["no", "maybe", "must"]) -> list[Layers]:
    """Combinations of layers for a univariate series, the plainest first.

    ``by_stl`` says whether STL takes off a short cycle, where there is one.
    """
    periods = [0] if by_stl == "no" else patterns(history, at_least=2)[-1:] or [0]
    if by_stl == "maybe" and periods != [0]:
        periods = [0, *periods]
    logs = (False, True) if may_be_log(history.values[:, 0]) else (False,)
    cycles = (0.0, *waves(history))
    return [Layers(*three) for three in product(logs, cycles, periods)]


def patterns(history: History, at_least: int) -> list[int]:
    """Short cycles, in whole steps, of which there are so many in the history."""
    return [
        round(season)
        for season in history.seasons
        if season <= LONG and at_least * round(season) <= len(history)
    ]


def waves(history: History) -> list[float]:
    """The longest cycle that harmonics are fit to, if any: a year of days or weeks."""
    return [
        season
        for season in history.seasons
        if season > LONG / 2 and FEWEST_CYCLES * season <= len(history)
    ][-1:]


def may_be_log(values: FloatArray) -> bool:
    low = float(values.min())
    return low > 0 and float(values.max()) > WIDE * low


def seasons_of(values: FloatArray, natural: Sequence[float]) -> tuple[float, ...]:
    """The calendar's cycles that the series is long enough for, or the series' own.

    ``values`` (n,).
    """
    long_enough = tuple(s for s in natural if FEWEST_CYCLES * s <= len(values))
    if long_enough:
        return long_enough
    own = _own_cycle(values)
    return (float(own),) if own else ()


def _own_cycle(values: FloatArray) -> int:
    """The lag of the highest peak of the autocorrelation; 0 when none is strong."""
    n = len(values)
    longest = min(LONGEST_FOUND, n // 3)
    if longest < 3:
        return 0
    line = np.polyfit(np.arange(n), values, 1)
    rest = values - np.polyval(line, np.arange(n))
    power = float(rest @ rest)
    if power <= 1e-12 * max(1.0, float(values @ values)):
        return 0
    lags = np.arange(longest + 2)
    shares = np.array([float(rest[: n - k] @ rest[k:]) / power for k in lags])
    peaks = [
        int(k)
        for k in lags[2:-1]
        if shares[k] > shares[k - 1] and shares[k] >= shares[k + 1]
    ]
    best = max(peaks, key=lambda k: shares[k], default=0)
    limit = max(STRONG, 2.0 / np.sqrt(n))
    return best if best and shares[best] > limit else 0
