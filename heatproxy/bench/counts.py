"""How much ``bench wire`` measures: how often, how long, how many."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """``turns`` are measured after one that warms up; medians are over turns."""

    turns: int
    seconds: float  # of load in a turn
    rows: int  # of the long result
    row_turns: int
    logins: int  # in a turn
    idle: int  # connections


FULL = Counts(
    turns=31, seconds=0.1, rows=1_000_000, row_turns=11, logins=100, idle=5000
)
QUICK = Counts(turns=9, seconds=0.08, rows=200_000, row_turns=2, logins=30, idle=1000)
