"""TPC-DS through heatproxy, where its generator can be had."""

from collections.abc import Iterator

import pytest

from heatproxy.bench import BenchFailed
from heatproxy.bench.differential import Outcome, of_queries
from heatproxy.bench.workloads import tpcds
from tests.conftest import Server
from tests.differential.held import of_workload

pytestmark = pytest.mark.mysql
SCALE = 0.01
SHARE = 0.75  # of the queries whose answer has rows


@pytest.fixture(scope="module")
def outcomes(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Outcome]]:
    folder = tmp_path_factory.mktemp("tpcds")
    try:
        tpcds.make(folder, SCALE)
    except BenchFailed as problem:
        pytest.skip(f"{problem}")
    workload = tpcds.read(folder)
    with of_workload(server, workload, folder) as held:
        yield held.outcomes(of_queries(workload.queries))


def test_no_answer_differs_from_mysqls(outcomes: list[Outcome]) -> None:
    assert [one.line() for one in outcomes if one.is_wrong] == []


def test_most_queries_are_offloaded(outcomes: list[Outcome]) -> None:
    counted = [one for one in outcomes if one.mysql.rows]
    relayed = [one.line() for one in counted if not one.offloaded]
    assert len(relayed) <= (1 - SHARE) * len(counted), "\n".join(relayed)
