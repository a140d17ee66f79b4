"""RAPID's system variables: what they may be, and how long they are remembered."""

from pathlib import Path

import pytest

from heatproxy.errors import MySQLError
from heatproxy.rapid.variables import (
    VARIABLES,
    GlobalVariables,
    SessionState,
    Variable,
    shown,
)

COMPRESSION, ENTRIES = "rapid_compression", "rapid_stats_cache_max_entries"


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=VARIABLES)
def test_a_default_is_a_value_that_may_be_set(variable: Variable) -> None:
    kept = variable.convert(variable.default, is_number=variable.is_integer)
    assert kept == variable.default


GOOD = [
    (COMPRESSION, "auto", False, "AUTO"),
    (COMPRESSION, "0", True, "OFF"),
    (COMPRESSION, "2", True, "AUTO"),
    (ENTRIES, "17", True, "17"),
    (ENTRIES, "-1", True, "0"),
    (ENTRIES, "99999999", True, "1048576"),
]


@pytest.mark.parametrize(("name", "value", "is_number", "kept"), GOOD)
def test_a_value_is_kept_as_it_will_be_shown(
    name: str, value: str, is_number: bool, kept: str
) -> None:
    assert VARIABLES[name].convert(value, is_number=is_number) == kept


BAD = [
    (COMPRESSION, "3", True, 1231),
    (COMPRESSION, "-1", True, 1231),
    (COMPRESSION, "0", False, 1231),
    (COMPRESSION, "sometimes", False, 1231),
    (COMPRESSION, None, False, 1231),
    (ENTRIES, "many", False, 1232),
    (ENTRIES, None, False, 1231),
]


@pytest.mark.parametrize(("name", "value", "is_number", "number"), BAD)
def test_a_wrong_value_gets_mysqls_error(
    name: str, value: str | None, is_number: bool, number: int
) -> None:
    with pytest.raises(MySQLError) as refused:
        VARIABLES[name].convert(value, is_number=is_number)
    assert refused.value.number == number
    assert name in refused.value.message


def test_a_session_sees_the_global_value_until_it_sets_its_own() -> None:
    session, globals_ = SessionState(), GlobalVariables()
    globals_.set(COMPRESSION, "ON")
    assert shown(session, globals_, only_global=False)[COMPRESSION] == "ON"
    session.variables[COMPRESSION] = "OFF"
    assert shown(session, globals_, only_global=False)[COMPRESSION] == "OFF"
    assert shown(session, globals_, only_global=True)[COMPRESSION] == "ON"
    session.forget()
    assert shown(session, globals_, only_global=False)[COMPRESSION] == "ON"


def test_persisted_values_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    first = GlobalVariables(path)
    first.persist(COMPRESSION, "OFF")
    assert first.get(COMPRESSION) == "AUTO"  # PERSIST_ONLY leaves it as it is
    first.set(ENTRIES, "5")
    second = GlobalVariables(path)
    assert (second.get(COMPRESSION), second.get(ENTRIES)) == ("OFF", "65536")
    second.persist(COMPRESSION, None)
    assert GlobalVariables(path).get(COMPRESSION) == "AUTO"


def test_a_file_that_cannot_be_read_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text("{")
    assert GlobalVariables(path).get(COMPRESSION) == "AUTO"
