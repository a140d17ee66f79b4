"""A line of the bench compares medians of turns with a target and says if it is met."""

import pytest

from heatproxy.bench.report import Line, amount, difference, heading, rate, ratio, text
from heatproxy.bench.stage import DIRECT, HAPROXY, HEATPROXY

TURNS = {HAPROXY: [10.0, 20.0, 40.0], HEATPROXY: [15.0, 28.0, 64.0]}


@pytest.mark.parametrize(
    ("limits", "target", "met"),
    [
        ({"at_most": 1.5}, "<= 1.50", True),
        ({"at_most": 1.4}, "<= 1.40", False),
        ({"at_least": 1.5}, ">= 1.50", True),
        ({"at_least": 1.6}, ">= 1.60", False),
        ({}, "", None),
    ],
)
def test_a_ratio_is_the_median_of_each_turns_ratio(
    limits: dict[str, float], target: str, met: bool | None
) -> None:
    line = ratio("it", "µs", TURNS, to=HAPROXY, **limits)
    assert (line.compared, line.target, line.met) == ("1.50", target, met)
    assert line.figures == {HAPROXY: 20.0, HEATPROXY: 28.0}


@pytest.mark.parametrize(("most", "met"), [(8.0, True), (7.9, False)])
def test_a_difference_is_the_median_of_each_turns_difference(
    most: float, met: bool
) -> None:
    line = difference("it", "µs", TURNS, to=HAPROXY, at_most=most)
    assert (line.compared, line.met) == ("+8 µs", met)


@pytest.mark.parametrize(
    "line",
    [
        ratio("it", "µs", {HEATPROXY: [1.0]}, to=HAPROXY, at_most=1.5),
        difference("it", "µs", {HEATPROXY: [1.0]}, to=HAPROXY, at_most=1.5),
    ],
    ids=["ratio", "difference"],
)
def test_without_the_other_proxy_nothing_is_met_nor_missed(line: Line) -> None:
    assert (line.compared, line.target, line.met) == ("", "", None)
    assert line.figures == {HEATPROXY: 1.0}


def test_an_amount_is_measured_against_its_target() -> None:
    assert amount("it", "MB", 300.0, at_most=300).met is True
    assert amount("it", "MB", 300.1, at_most=300).met is False


def test_a_rate_is_measured_against_its_target() -> None:
    assert rate("it", "/s", 3e6, at_least=3e6).met is True
    assert rate("it", "/s", 2.9e6, at_least=3e6).met is False


def test_figures_stand_under_their_headings() -> None:
    line = ratio("speed", "/s", {DIRECT: [2000.0], HEATPROXY: [1900.0]}, to=DIRECT)
    head, row = heading(), text(line)
    for name, figure in ((DIRECT, "2,000"), (HEATPROXY, "1,900"), ("compared", "0.95")):
        end = head.index(name) + len(name)
        assert row[:end].endswith(f" {figure}")


def test_what_was_not_measured_says_why() -> None:
    assert text(Line("TLS", note="not offered")).endswith("  not offered")
