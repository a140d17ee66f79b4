"""Random queries between random changes, of fixed seeds: see fuzz.py."""

import pytest

from tests.conftest import Server
from tests.differential.fuzz import fuzz

pytestmark = pytest.mark.mysql


@pytest.mark.parametrize("seed", range(1, 9))
def test_no_answer_to_a_random_query_differs_from_mysqls(
    server: Server, seed: int
) -> None:
    found = fuzz(server, seed, 250)
    assert not found.differences, "\n\n".join(found.differences)
    assert found.counts["offloaded"] > 75, found.line()  # tables load again
    assert found.counts["filled"] > 40, found.line()
