"""Random queries between random changes, of fixed seeds: see fuzz.py."""

import os

import pytest

from tests.conftest import Server
from tests.differential.fuzz import fuzz

ASKED = "HEATPROXY_TEST_FUZZ"
# it still finds differences: MIN/MAX of an ENUM, the YEAR 0000 in groups, and
# warnings of MIN/MAX of dates; these tests belong into every run once they are gone
pytestmark = [
    pytest.mark.mysql,
    pytest.mark.skipif(
        ASKED not in os.environ,
        reason=f"differences are known: set {ASKED}=1 to see them",
    ),
]


@pytest.mark.parametrize("seed", range(1, 9))
def test_no_answer_to_a_random_query_differs_from_mysqls(
    server: Server, seed: int
) -> None:
    found = fuzz(server, seed, 250)
    assert not found.differences, "\n\n".join(found.differences)
    assert found.counts["offloaded"] > 125, found.line()
    assert found.counts["filled"] > 90, found.line()
