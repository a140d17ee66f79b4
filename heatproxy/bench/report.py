"""The table that ``bench wire`` prints: a line for each measured thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from heatproxy.bench.stage import DIRECT, HAPROXY, HEATPROXY, ROUTER

COLUMNS = (DIRECT, HAPROXY, ROUTER, HEATPROXY)
_WHAT, _FIGURE = 44, 11


@dataclass(frozen=True, slots=True)
class Line:
    """A measured thing: a figure for each way to the backend, and what they come to.

    ``compared`` says ratio or difference with its sign or unit; ``met`` is None where
    the issue sets no target. ``note`` stands in place of what could not be measured.
    """

    what: str
    unit: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    compared: str = ""
    target: str = ""
    met: bool | None = None
    note: str = ""


def ratio(
    what: str,
    unit: str,
    turns: Mapping[str, Sequence[float]],
    *,
    to: str,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Line:
    """heatproxy's figure over another's: the median of each turn's ratio."""
    figures = {name: median(values) for name, values in turns.items()}
    if to not in turns:
        return Line(what, unit, figures)
    value = median(a / b for a, b in zip(turns[HEATPROXY], turns[to], strict=True))
    if at_most is not None:
        target, met = f"<= {at_most:.2f}", value <= at_most
    elif at_least is not None:
        target, met = f">= {at_least:.2f}", value >= at_least
    else:
        return Line(what, unit, figures, f"{value:.2f}")
    return Line(what, unit, figures, f"{value:.2f}", target, met)


def difference(
    what: str,
    unit: str,
    turns: Mapping[str, Sequence[float]],
    *,
    to: str,
    at_most: float,
) -> Line:
    """heatproxy's figure less another's: the median of each turn's difference."""
    figures = {name: median(values) for name, values in turns.items()}
    if to not in turns:
        return Line(what, unit, figures)
    value = median(a - b for a, b in zip(turns[HEATPROXY], turns[to], strict=True))
    met = value <= at_most
    return Line(
        what, unit, figures, f"{value:+.3g} {unit}", f"<= +{at_most:g} {unit}", met
    )


def amount(what: str, unit: str, value: float, *, at_most: float) -> Line:
    """A figure of heatproxy's alone."""
    met = value <= at_most
    return Line(what, unit, {HEATPROXY: value}, "", f"<= {at_most:g} {unit}", met)


def rate(what: str, unit: str, value: float, *, at_least: float) -> Line:
    """A speed of heatproxy's alone."""
    met = value >= at_least
    return Line(what, unit, {HEATPROXY: value}, "", f">= {at_least:,.0f}", met)


def heading() -> str:
    return _row("", COLUMNS, "compared", "target", "met")


def text(line: Line) -> str:
    """The line as it is printed."""
    what = f"{line.what}, {line.unit}" if line.unit else line.what
    if line.note:
        return f"{what:{_WHAT}}  {line.note}"
    figures = [_figure(line.figures.get(name)) for name in COLUMNS]
    met = {True: "yes", False: "NO", None: ""}[line.met]
    return _row(what, figures, line.compared, line.target, met)


def _row(
    what: str, figures: Sequence[str], compared: str, target: str, met: str
) -> str:
    columns = "".join(f"{figure:>{_FIGURE}}" for figure in figures)
    return f"{what:{_WHAT}}{columns}{compared:>12}{target:>14}  {met}".rstrip()


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
