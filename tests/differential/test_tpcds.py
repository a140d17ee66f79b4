"""TPC-DS through heatproxy: minutes, most of them MySQL's own, so only when asked."""

import os
from collections.abc import Iterator

import pytest

from heatproxy.bench.differential import Outcome, of_queries
from heatproxy.bench.workloads import tpcds
from tests.conftest import Server
from tests.differential.held import of_workload

ASKED = "HEATPROXY_TEST_TPCDS"
pytestmark = [
    pytest.mark.mysql,
    pytest.mark.skipif(
        ASKED not in os.environ,
        reason=f"takes minutes: set {ASKED}=1, or run heatproxy bench rapid",
    ),
]
SCALE = 0.01
SHARE = 0.75  # of the queries whose answer has rows


@pytest.fixture(scope="module")
def outcomes(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Outcome]]:
    folder = tmp_path_factory.mktemp("tpcds")
    tpcds.make(folder, SCALE)
    workload = tpcds.read(folder)
    with of_workload(server, workload, folder) as held:
        yield held.outcomes(of_queries(workload.queries))


def test_no_answer_differs_from_mysqls(outcomes: list[Outcome]) -> None:
    assert [one.line() for one in outcomes if one.is_wrong] == []


def test_most_queries_are_offloaded(outcomes: list[Outcome]) -> None:
    counted = [one for one in outcomes if one.mysql.rows]
    relayed = [one.line() for one in counted if not one.offloaded]
    assert len(relayed) <= (1 - SHARE) * len(counted), "\n".join(relayed)
