"""What a load of files has to say of their values: rows of SHOW WARNINGS.

Source: HeatWave User Guide, release notes 9.2.2 (6434, the summary).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from heatproxy.aftermath import Condition
from heatproxy.lakehouse import report
from heatproxy.lakehouse.reader import Reading

OLD_PROFILE = "8.0"
MOST_CONDITIONS = 1024  # of a call, in SHOW WARNINGS
_SUMMARY, _OLD_SUMMARY = 6434, 3877


@dataclass(slots=True)
class Told:
    """What is to be said of values, of all tables of a call."""

    conditions: list[Condition] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, reading: Reading) -> None:
        room = MOST_CONDITIONS - len(self.conditions)
        self.conditions += [
            Condition("Warning", one.number, one.message)
            for one in reading.warnings[:room]
        ]
        for number, count in reading.counts.items():
            self.counts[number] = self.counts.get(number, 0) + count

    def all(self, profile: str) -> list[Condition]:
        """The rows of SHOW WARNINGS."""
        return [
            *self.conditions,
            *summaries(self.counts, len(self.conditions), profile),
        ]


def summaries(
    counts: Mapping[int, int], told: int, profile: str
) -> Iterator[Condition]:
    """What SHOW WARNINGS ends with, when ``told`` of the warnings were shown."""
    total = sum(counts.values())
    if not total:
        return
    if profile == OLD_PROFILE:
        yield Condition("Warning", _OLD_SUMMARY, f"Total Warnings: {total}")
        return
    yield Condition(
        "Warning",
        _SUMMARY,
        f"[WARNINGS SUMMARY] Lakehouse Load had {total} warning(s) out of which"
        f" {total - told} were not recorded (due to max_error_count limit or filtering"
        " rules)",
    )
    for number, count in sorted(counts.items()):
        name = report.condition_name(number)
        yield Condition(
            "Warning",
            _SUMMARY,
            f"[WARNINGS SUMMARY] {count} warnings with code: {number}({name})",
        )
