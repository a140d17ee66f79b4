"""``heatproxy bench automl``: what trainings come to, beside FLAML and plain LightGBM.

FLAML is given the processor time that heatproxy took, on one thread as it; where it
scores no better, it needs at least that time to reach the same score. Plain LightGBM
has its default settings. A data set that is not in the folder is passed over.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from heatproxy.bench import BenchFailed, figures, rivals
from heatproxy.bench.figures import Figure
from heatproxy.bench.rivals import Outcome
from heatproxy.bench.splits import SPLITS, Split

Say = Callable[[str], None]

QUICK = ("diamonds", "electricity")
TREES, PLAIN_FITS = 200, 5.0  # flights: at most so many fits of so many trees
TIMES_ARROW, BESIDES_BYTES = 4, 1e9
_NAME, _METRIC, _COLUMN = 12, 32, 13


@dataclass(frozen=True, slots=True)
class Row:
    """One data set: what each rival came to; None where there is no such rival."""

    split: Split
    ours: Outcome
    flaml: Outcome | None = None
    plain: Outcome | None = None

    def texts(self) -> Iterator[str]:
        """A line for each metric."""
        for metric in self.split.metrics:
            others = (self.flaml, self.plain)
            scores = [
                self.ours.scores[metric],
                *(None if one is None else one.scores[metric] for one in others),
                self.split.printed.get(metric),
            ]
            yield _line(self.split.name, metric, [_digits(score) for score in scores])

    def figures(self) -> Iterator[Figure]:
        """Whether it is as good as the others, and what it took."""
        first = self.split.metrics[0]
        for rival, name in ((self.flaml, "FLAML"), (self.plain, "plain LightGBM")):
            if rival is not None:
                mine, its = self.ours.scores[first], rival.scores[first]
                what = f"{self.split.name}: {first} beside {name}"
                yield Figure(what, _digits(mine), f">= {_digits(its)}", mine >= its)
        limit = TIMES_ARROW * self.ours.table_bytes + BESIDES_BYTES
        what = f"{self.split.name}: memory at the peak"
        yield figures.at_most(what, self.ours.peak_bytes / 1e6, limit / 1e6, " MB", 0)
        yield Figure(f"{self.split.name}: processor time", f"{self.ours.cpu_s:.1f} s")


def run(data: Path, say: Say, *, quick: bool = False) -> int:
    """Measure everything that the folder has, and say what each came to; 0.

    Raises:
        BenchFailed: none of the data sets is there.
    """
    there = [split for split in SPLITS if (data / split.file).exists()]
    if not there:
        raise BenchFailed(f"{data} has none of the data sets: name their folder --data")
    if not rivals.has_flaml():
        say("FLAML is not installed: its columns stay empty")
    say(_line("", "", ["heatproxy", "FLAML", "LightGBM", "Oracle"]))
    rows = []
    for split in there:
        if quick and split.name not in QUICK:
            continue
        rows.append(measure(split, data))
        for text in rows[-1].texts():
            say(text)
    say(figures.heading())
    for row in rows:
        for figure in row.figures():
            say(figure.text())
        if row.split.name == "flights":
            say(_beside_plain_fits(row, data).text())
    return 0


def measure(split: Split, data: Path) -> Row:
    """One data set, by everybody who can learn it."""
    ours = rivals.ours(split, data)
    if split.task not in ("classification", "regression"):
        return Row(split, ours)
    plain = rivals.plain(split, data)
    flaml = rivals.flaml(split, data, ours.cpu_s) if rivals.has_flaml() else None
    return Row(split, ours, flaml, plain)


def _beside_plain_fits(row: Row, data: Path) -> Figure:
    fit = rivals.plain(row.split, data, TREES)
    what = f"flights: processor time over a fit of {TREES} trees"
    return figures.at_most(what, row.ours.cpu_s / fit.cpu_s, PLAIN_FITS, "")


def _line(name: str, metric: str, values: list[str]) -> str:
    columns = "".join(f"{value:>{_COLUMN}}" for value in values)
    return f"{name:{_NAME}}{metric:{_METRIC}}{columns}"


def _digits(score: float | None) -> str:
    if score is None:
        return "-"
    return f"{score:,.1f}" if abs(score) >= 1000 else f"{score:.5f}"
