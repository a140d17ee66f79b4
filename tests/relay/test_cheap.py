"""Statements that are MySQL's for a while, without another look at them."""

import pytest

from heatproxy.relay.cheap import MOST, Cheap

DECISION = object()


def remembered(*seconds: float) -> bool:
    """Whether a statement still is that has taken so long, time by time."""
    cheap = Cheap()
    cheap.add(b"1234", DECISION)
    for each in seconds:
        cheap.took(b"1234", each)
    return cheap.knows(b"1234", DECISION)


@pytest.mark.parametrize(
    ("seconds", "is_remembered"),
    [
        ((), True),
        ((0.01, 0.09), True),
        ((0.01, 0.11), False),
        ((0.15, 0.16, 0.29), True),
        ((0.15, 0.31), False),
    ],
)
def test_what_takes_long_and_longer_than_at_first_is_looked_at_again(
    seconds: tuple[float, ...], is_remembered: bool
) -> None:
    assert remembered(*seconds) == is_remembered


def test_another_decision_counts_from_its_own_first_time() -> None:
    cheap = Cheap()
    for first in (0.01, 0.2):
        cheap.add(7, DECISION)
        cheap.took(7, first)
    cheap.took(7, 0.3)
    assert cheap.knows(7, DECISION)


def test_what_the_decision_rested_upon_may_change() -> None:
    cheap = Cheap()
    cheap.add(7, DECISION)
    assert not cheap.knows(7, object())
    assert not cheap.knows(7, DECISION)


def test_no_session_is_remembered_without_end() -> None:
    cheap = Cheap()
    for key in range(MOST + 1):
        cheap.add(key, DECISION)
    assert [cheap.knows(key, DECISION) for key in (0, MOST)] == [False, True]
