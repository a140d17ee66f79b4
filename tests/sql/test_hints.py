"""What the hints of a statement say of the answer."""

import pytest

from heatproxy.sql import hints


@pytest.mark.parametrize(
    ("hint", "variables"),
    [
        (b"SET_VAR(use_secondary_engine=off)", {"use_secondary_engine": "OFF"}),
        (b"SET_VAR(secondary_engine_cost_threshold = 0)", {hints.THRESHOLD: "0"}),
        (b"NO_MERGE(d)", {"optimizer_switch": "derived_merge=off"}),
        (b"NO_INDEX(t) NO_MERGE", {"optimizer_switch": "derived_merge=off"}),
        (
            b"SET_VAR(optimizer_switch = 'mrr=on,derived_merge=off')",
            {"optimizer_switch": "derived_merge=off"},
        ),
        (b"SET_VAR(optimizer_switch = 'mrr=on')", {}),
        (b"NO_INDEX_MERGE(t i) MERGE(d)", {}),
    ],
)
def test_hints_say_what_the_statement_runs_with(
    hint: bytes, variables: dict[str, str]
) -> None:
    found = hints.read(b"SELECT /*+ " + hint + b" */ id FROM (SELECT 1 AS id) d")
    assert found == hints.Hints(variables)


def test_a_variable_that_changes_answers_is_a_problem() -> None:
    found = hints.read(b"SELECT /*+ SET_VAR(sql_mode = '') */ 1")
    assert found.problem == "SET_VAR(sql_mode)"


def test_a_time_limit_is_read() -> None:
    found = hints.read(b"SELECT /*+ MAX_EXECUTION_TIME(70) */ 1")
    assert found.max_execution_ms == 70
