"""Lines for people and for machines: whose they are, and what never stands in them."""

import json
import logging
from collections.abc import Iterator

import pytest

from heatproxy import logs

log = logging.getLogger("tests.logs")


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    """The root logger is given back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


Captured = pytest.CaptureFixture[str]


def the_json(captured: Captured) -> dict[str, object]:
    (line,) = captured.readouterr().err.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_json_has_the_session_and_the_facts(capsys: Captured) -> None:
    logs.begin("worker-1", "info", "json")
    extra = {"session": "1-7", "connection": 42, "facts": {"user": 'a"b\n'}}
    log.info("login failed", extra=extra)
    line = the_json(capsys)
    assert line.pop("time").endswith("Z")  # type: ignore[attr-defined]
    assert line == {
        "level": "info",
        "process": "worker-1",
        "logger": "tests.logs",
        "session": "1-7",
        "connection": 42,
        "message": "login failed",
        "user": 'a"b\n',
    }


def test_text_is_one_line_whatever_a_peer_chose(capsys: Captured) -> None:
    logs.begin("worker-1", "info", "text")
    facts = {"user": "a\nINFO b\x1b[31m", "peer": "[::1]:5", "error": None}
    log.warning("login failed", extra={"connection": 42, "facts": facts})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        'WARNING worker-1: login failed connection=42 user="a\\nINFO b\\u001b[31m"'
        " peer=[::1]:5 error=None"
    )


def test_a_task_that_works_for_a_connection_says_so(capsys: Captured) -> None:
    logs.begin("engine", "info", "json")
    token = logs.connection.set(9)
    log.info("x")
    logs.connection.reset(token)
    assert the_json(capsys)["connection"] == 9


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_an_exception_quotes_is_for_debug_only(
    capsys: Captured, form: str
) -> None:
    secret = "SELECT 'ses" + "ame'"  # its source stands in the trace, too

    def fail() -> None:
        try:
            raise ValueError(secret)
        except ValueError as cause:
            raise ExceptionGroup(secret, [KeyError(secret)]) from cause

    for level in ("info", "debug"):
        logs.begin("engine", level, form)
        try:
            fail()
        except ExceptionGroup:
            log.exception("a statement failed")
        said = capsys.readouterr().err
        assert ("sesame" in said) == (level == "debug")
        for name in ("ValueError", "ExceptionGroup", "KeyError", "in fail"):
            assert name in said


def test_the_level_and_the_format_change_at_run_time(capsys: Captured) -> None:
    logs.begin("engine", "warning", "text")
    log.info("unheard")
    logs.change("info", "json")
    log.info("heard")
    assert the_json(capsys)["message"] == "heard"
