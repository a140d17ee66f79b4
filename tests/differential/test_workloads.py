"""The public workloads through heatproxy: MySQL's very answers, out of the engine."""

import pytest

from heatproxy.bench.differential import Outcome
from heatproxy.bench.workloads import Workload

pytestmark = pytest.mark.mysql
RELAYED = {"tpch": 0, "ssb": 0, "clickbench": 4, "clickbench_unicode": 9}
Answered = tuple[Workload, list[Outcome]]


def test_no_answer_differs_from_mysqls(answered: Answered) -> None:
    _, outcomes = answered
    assert [one.line() for one in outcomes if one.is_wrong] == []


def test_hardly_a_query_is_relayed(answered: Answered) -> None:
    workload, outcomes = answered
    relayed = [one.line() for one in outcomes if not one.offloaded]
    assert len(relayed) <= RELAYED[workload.name], "\n".join(relayed)


def test_the_answers_hold_rows(answered: Answered) -> None:
    workload, outcomes = answered
    assert len(outcomes) == len(workload.queries)
    filled = sum(bool(one.mysql.rows) for one in outcomes)
    assert filled >= 0.75 * len(outcomes)
