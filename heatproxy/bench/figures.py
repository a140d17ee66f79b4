"""The tables that ``bench rapid`` prints: figures with their targets, and queries."""

from collections.abc import Sequence
from dataclasses import dataclass

_WHAT, _VALUE, _TARGET = 54, 20, 20
_NAME, _COLUMN = 8, 13


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured thing; ``met`` is None where the issue sets no target."""

    what: str
    value: str
    target: str = ""
    met: bool | None = None

    def text(self) -> str:
        met = {True: "yes", False: "NO", None: ""}[self.met]
        line = f"{self.what:{_WHAT}}{self.value:>{_VALUE}}{self.target:>{_TARGET}}"
        return f"{line}  {met}".rstrip()


def heading() -> str:
    return f"{'':{_WHAT}}{'heatproxy':>{_VALUE}}{'target':>{_TARGET}}  met"


def at_most(
    what: str, value: float, limit: float, unit: str, digits: int = 2
) -> Figure:
    """A figure that must not be larger."""
    said = f"{value:,.{digits}f}{unit}"
    return Figure(what, said, f"<= {limit:,g}{unit}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str) -> Figure:
    """A figure that must not be smaller."""
    return Figure(what, f"{value:,.0f}{unit}", f">= {limit:,.0f}{unit}", value >= limit)


def columns(name: str, values: Sequence[str]) -> str:
    """A line of a table."""
    return f"{name:{_NAME}}" + "".join(f"{value:>{_COLUMN}}" for value in values)
