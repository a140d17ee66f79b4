"""Which forecaster, with which settings: each forecasts the end of its own past.

The last quarter of a series is held out, and the past before it is learned from; the
best of a first round forecast two more such ends. The best forecaster is joined by up
to two others that did nearly as well, where their weighted mean errs no more than it
does alone. Choices depend on the data and the options alone.

Source: Bates and Granger, "The combination of forecasts".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.forecasting.forecaster import (
    CannotFit,
    Fit,
    Forecaster,
    History,
    Progress,
    Settings,
)
from heatproxy.automl.forecasting.layers import FEWEST_CYCLES, Layers
from heatproxy.automl.forecasting.quiet import MISFITS
from heatproxy.automl.forecasting.scores import evaluate_forecast
from heatproxy.errors import MySQLError

FEWEST_TO_HOLD_OUT = 8
SHARE_HELD_OUT = 4
MOST_HELD_OUT = 500
ENDS = 3
FINALISTS = 8
MEMBERS = 3
NEARLY = 1.5  # times the error of the best
NO_WORSE = 1.02  # so too for their mean: it is the steadier of the two
LAYERS_KEPT = 2  # pairs of logarithm and wave that the slow forecasters try
SLOW = ("STLwARIMAForecaster", "SARIMAXForecaster")
WILD = 20.0  # times the span of the past: such a forecast has run away


@dataclass(frozen=True, slots=True)
class Winner:
    """One of those chosen, fit to the whole history."""

    forecaster: Forecaster
    settings: Settings
    fit: Fit
    weight: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The winners, the best one first; their weights sum to 1.

    ``score`` on the rows held out, and ``errors`` of each end (n_steps, n_variables);
    without either when nothing could be held out. ``better`` than the last value, in
    mean absolute error.
    """

    winners: tuple[Winner, ...]
    score: float | None
    errors: tuple[FloatArray, ...]
    better: bool

    @property
    def fitted(self) -> FloatArray:
        """The weighted mean of what each one fitted (n, n_variables)."""
        parts = [one.weight * one.fit.fitted for one in self.winners]
        return np.asarray(np.sum(parts, axis=0))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A candidate and what it did so far; ``scores`` of the ends it forecast."""

    forecaster: Forecaster
    settings: Settings
    scores: tuple[float, ...] = ()
    errors: tuple[FloatArray, ...] = ()

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores)) if self.scores else -np.inf


def choose(
    history: History,
    forecasters: Sequence[Forecaster],
    metric: str,
    progress: Progress,
) -> Chosen:
    """The forecaster that is best at the ends of the history.

    Raises:
        CannotFit: none of them can learn from so little.
        MySQLError: 3877 ML003019, the metric means nothing on this series.
    """
    field = list(_field(history, forecasters))
    ends = _ends(history)
    if not ends:
        return _first_that_fits(history, field)
    entries = _first_round(history, field, ends[0], metric, progress)
    entries = sorted(entries, key=lambda entry: -entry.mean)[:FINALISTS]
    for round_, end in enumerate(ends[1:], 1):
        for place, entry in enumerate(entries):
            progress(0.6 + 0.15 * (round_ - 1 + place / len(entries)), "validating")
            entries[place] = _judged(entry, history, end, metric)
    entries = [entry for entry in entries if len(entry.scores) == len(ends)] or entries
    progress(0.9, "fitting the best")
    entries.sort(key=lambda entry: -entry.mean)
    fits: list[tuple[_Entry, Fit]] = []
    for entry in entries:
        limit = NEARLY * -fits[0][0].mean if fits else np.inf
        names = {other.forecaster.name for other, _ in fits}
        if -entry.mean > limit or entry.forecaster.name in names:
            continue
        fit = _fit(entry.forecaster, history, entry.settings)
        if fit is not None:
            fits.append((entry, fit))
        if len(fits) == MEMBERS:
            break
    if not fits:
        return _first_that_fits(history, field)
    alone = _joined(history, ends, fits[:1], metric)
    if len(fits) == 1:
        return alone
    together = _joined(history, ends, fits, metric)
    assert alone.score is not None
    assert together.score is not None
    return together if together.score >= NO_WORSE * alone.score else alone


def _joined(
    history: History,
    ends: Sequence[tuple[int, int]],
    fits: Sequence[tuple[_Entry, Fit]],
    metric: str,
) -> Chosen:
    """The weighted mean of some; a weight is one over the square of an error."""
    losses = np.array([max(-entry.mean, 1e-12) for entry, _ in fits])
    weights = (losses.min() / losses) ** 2
    weights /= weights.sum()
    # an end that one of them could not forecast tells nothing of their mean
    count = min(len(entry.errors) for entry, _ in fits)
    errors = tuple(
        np.asarray(
            sum(w * e.errors[i] for w, (e, _) in zip(weights, fits, strict=True))
        )
        for i in range(count)
    )
    scores = []
    for error, (start, stop) in zip(errors, ends, strict=False):
        truth = history.values[start:stop]
        changes = changes_of(history.values[:start])
        scores.append(evaluate_forecast(metric, truth, truth - error, changes))
    winners = tuple(
        Winner(entry.forecaster, entry.settings, fit, float(weight))
        for weight, (entry, fit) in zip(weights, fits, strict=True)
    )
    better = _is_better(history, ends, errors)
    return Chosen(winners, float(np.mean(scores)), errors, better)


def _field(
    history: History, forecasters: Sequence[Forecaster]
) -> Iterator[tuple[Forecaster, Settings]]:
    for forecaster in forecasters:
        for settings in forecaster.variants(history):
            yield forecaster, settings


def _ends(history: History) -> list[tuple[int, int]]:
    """First and last row held out, of each end; the latest one first.

    What is left must show the longest season, if possible.
    """
    n = len(history)
    if n < FEWEST_TO_HOLD_OUT:
        return []
    spare = n - int(np.ceil(FEWEST_CYCLES * max(history.seasons, default=0.0)))
    steps = min(n // SHARE_HELD_OUT, MOST_HELD_OUT)
    steps = max(1, n // (2 * SHARE_HELD_OUT), min(steps, spare - ENDS))
    back = max(1, min(steps // ENDS, (spare - steps) // (ENDS - 1)))
    return [(n - steps - i * back, n - i * back) for i in range(ENDS)]


def _first_round(
    history: History,
    field: Sequence[tuple[Forecaster, Settings]],
    end: tuple[int, int],
    metric: str,
    progress: Progress,
) -> list[_Entry]:
    entries: list[_Entry] = []
    refused: MySQLError | None = None
    for place, (forecaster, settings) in enumerate(field):
        if forecaster.name in SLOW and not _is_promising(settings, entries):
            continue
        progress(0.05 + 0.55 * place / len(field), f"trying {forecaster.name}")
        try:
            entry = _judged(_Entry(forecaster, settings), history, end, metric)
        except MySQLError as problem:
            refused = problem
            continue
        if entry.scores:
            entries.append(entry)
    if not entries:
        if refused is not None:
            raise refused
        raise CannotFit
    return entries


def _is_promising(settings: Settings, entries: Sequence[_Entry]) -> bool:
    """Are its layers those with which quick forecasters did best?"""
    seen = [e for e in entries if e.forecaster.name in ("ThetaForecaster",)]
    best: dict[tuple[bool, float], float] = {}
    for entry in seen:
        key = _kept(entry.settings)
        best[key] = max(best.get(key, -np.inf), entry.mean)
    ranked = sorted(best, key=lambda key: -best[key])
    return not ranked or _kept(settings) in ranked[:LAYERS_KEPT]


def _kept(settings: Settings) -> tuple[bool, float]:
    layers = Layers.of(settings)
    return layers.log, layers.wave


def _judged(
    entry: _Entry, history: History, end: tuple[int, int], metric: str
) -> _Entry:
    """With one end more, unless it could not be forecast."""
    start, stop = end
    past = history.until(start)
    fit = _fit(entry.forecaster, past, entry.settings)
    if fit is None:
        return entry
    known = history.exogenous[start:stop]
    forecast = _forecast(entry.forecaster, fit, known)
    truth = history.values[start:stop]
    if forecast is None or _is_wild(forecast, past.values):
        return entry
    score = evaluate_forecast(metric, truth, forecast, changes_of(past.values))
    return replace(
        entry,
        scores=(*entry.scores, score),
        errors=(*entry.errors, truth - forecast),
    )


def changes_of(values: FloatArray) -> FloatArray:
    """Mean absolute changes from row to row (n_variables,); 0 of one row."""
    if len(values) < 2:
        return np.zeros(values.shape[1])
    return np.asarray(np.abs(np.diff(values, axis=0)).mean(axis=0))


def _fit(forecaster: Forecaster, history: History, settings: Settings) -> Fit | None:
    try:
        return forecaster.fit(history, settings)
    except (CannotFit, *MISFITS):
        return None


def _forecast(
    forecaster: Forecaster, fit: Fit, exogenous: FloatArray
) -> FloatArray | None:
    with np.errstate(all="ignore"):
        forecast = forecaster.forecast(fit.state, exogenous)
    return forecast if np.isfinite(forecast).all() else None


def _is_wild(forecast: FloatArray, past: FloatArray) -> bool:
    low, high = past.min(axis=0), past.max(axis=0)
    room = WILD * np.maximum(high - low, 1e-9 * np.maximum(np.abs(high), 1.0))
    return bool(((forecast < low - room) | (forecast > high + room)).any())


def _is_better(
    history: History, ends: Sequence[tuple[int, int]], errors: Sequence[FloatArray]
) -> bool:
    naive = [
        float(np.abs(history.values[start:stop] - history.values[start - 1]).mean())
        for start, stop in ends
    ]
    own = [float(np.abs(error).mean()) for error in errors]
    return float(np.mean(own)) < 0.9 * float(np.mean(naive))


def _first_that_fits(
    history: History, field: Sequence[tuple[Forecaster, Settings]]
) -> Chosen:
    for forecaster, settings in field:
        fit = _fit(forecaster, history, settings)
        if fit is not None:
            return Chosen((Winner(forecaster, settings, fit, 1.0),), None, (), False)
    raise CannotFit
