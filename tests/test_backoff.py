"""Processes that keep dying are started again ever more slowly."""

from heatproxy.backoff import LIVED_LONG_S, LONGEST_WAIT_S, Backoff


def test_the_first_is_replaced_at_once_and_others_later_and_later() -> None:
    backoff = Backoff()
    waits = [backoff.after(0.1) for _ in range(12)]
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert waits[1] > 0
    assert waits[-1] == LONGEST_WAIT_S


def test_one_that_lived_long_is_replaced_at_once_again() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0.1)
    assert backoff.after(LIVED_LONG_S + 1) == 0
