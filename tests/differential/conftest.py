"""What comes of the statements of a workload, asked of MySQL and through heatproxy."""

from collections.abc import Iterator

import pytest

from heatproxy.bench.differential import Outcome, of_queries
from heatproxy.bench.workloads import Workload, clickbench, tpch
from tests.conftest import Server
from tests.differential.held import of_workload

SCALES: tuple[tuple[Workload, float], ...] = (
    (tpch.TPCH, 0.01),
    (tpch.SSB, 0.01),
    (clickbench.ASCII, 20_000),
    (clickbench.UNICODE, 20_000),
)


@pytest.fixture(scope="module", params=SCALES, ids=lambda param: param[0].name)
def answered(
    request: pytest.FixtureRequest,
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Workload, list[Outcome]]]:
    """A workload, and what came of each of its queries."""
    workload, scale = request.param
    folder = tmp_path_factory.mktemp(workload.name)
    workload.make(folder, scale)
    with of_workload(server, workload, folder) as held:
        yield workload, held.outcomes(of_queries(workload.queries))
