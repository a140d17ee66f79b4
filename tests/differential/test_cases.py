"""The shared case file through heatproxy."""

import pytest

from heatproxy.bench.differential import Outcome
from tests.conftest import Server
from tests.differential import cases

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.skipif(
        not cases.FILE.exists(), reason="the shared case file is not on this machine"
    ),
]
SHARE = 0.65  # of the cases that MySQL answers, also those that read no table


@pytest.fixture(scope="module")
def outcomes(server: Server) -> list[Outcome]:
    return cases.outcomes(server)


def test_no_answer_differs_from_mysqls(outcomes: list[Outcome]) -> None:
    assert [one.line() for one in outcomes if one.is_wrong] == []


def test_most_cases_are_offloaded(outcomes: list[Outcome]) -> None:
    answered = [one for one in outcomes if one.mysql.error is None]
    relayed = [one.line() for one in answered if not one.offloaded]
    assert len(relayed) <= (1 - SHARE) * len(answered), "\n".join(relayed)
