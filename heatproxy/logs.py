"""How heatproxy's messages are written: lines for people, or JSON for machines.

A line of a session has the session's number in its relay worker, ``1-17``, and once
it is known the connection id that MySQL gave it. Statement text and secrets are for
nobody's log: above level debug an exception is shown by its class and the places it
went through, without its message, which may quote the statement that it is about.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar

# The connection that a task works for, where one task does not serve many.
connection: ContextVar[int | None] = ContextVar("connection", default=None)

# What a message may say of its session, under these names in ``extra``.
FACTS = ("session", "connection")


def begin(process: str, level: str, form: str) -> None:
    """Log what this process has to say to stderr, as the settings want it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_add_facts)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    _Process.name = process
    change(level, form)


def change(level: str, form: str) -> None:
    """Other settings, at run time."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for handler in root.handlers:
        handler.setFormatter(_FORMATS[form]())


class _Process:
    """What this process is called in its messages."""

    name = "heatproxy"


def _add_facts(record: logging.LogRecord) -> bool:
    """Give a message the connection that its task works for."""
    for fact in FACTS:
        if not hasattr(record, fact):
            setattr(record, fact, None)
    if record.connection is None:  # type: ignore[attr-defined]
        record.connection = connection.get()
    return True


class Lines(logging.Formatter):
    """A time, a level, a process, the message, and facts as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        parts = [_when(record), record.levelname, f"{_Process.name}:"]
        parts.append(record.getMessage())
        parts += [f"{fact}={_shown(value)}" for fact, value in _facts(record).items()]
        line = _printable(" ".join(parts))
        trace = _trace(record)
        return line if trace is None else f"{line}\n{trace}"


class Json(logging.Formatter):
    """One object a line; ``facts`` in a message's ``extra`` are its members."""

    def format(self, record: logging.LogRecord) -> str:
        members = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "process": _Process.name,
            "logger": record.name,
            **_facts(record),
            "message": record.getMessage(),
        }
        trace = _trace(record)
        if trace is not None:
            members["traceback"] = trace
        return json.dumps(members, ensure_ascii=False, default=str)


_FORMATS: dict[str, type[logging.Formatter]] = {"text": Lines, "json": Json}


def _facts(record: logging.LogRecord) -> dict[str, object]:
    found = {fact: getattr(record, fact, None) for fact in FACTS}
    own = getattr(record, "facts", None)
    known = {name: value for name, value in found.items() if value is not None}
    return known | own if isinstance(own, dict) else known


def _shown(value: object) -> str:
    """A value, in quotes where its end could not be seen otherwise."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if text and " " not in text else json.dumps(text, ensure_ascii=False)


def _printable(line: str) -> str:
    """What a peer can choose must not write lines of its own, or to the terminal."""
    if line.isprintable():
        return line
    escaped = (c.encode("unicode_escape").decode() for c in line)
    pairs = zip(line, escaped, strict=True)
    return "".join(c if c.isprintable() else safe for c, safe in pairs)


def _when(record: logging.LogRecord) -> str:
    """UTC, to the millisecond, as ISO 8601 writes it."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"


def _trace(record: logging.LogRecord) -> str | None:
    """Where an exception came from; what it said only at level debug."""
    if not record.exc_info or record.exc_info[1] is None:
        return None
    problem = record.exc_info[1]
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        return "".join(traceback.format_exception(problem)).rstrip()
    return "".join(places(problem)).rstrip()


def places(problem: BaseException, seen: set[int] | None = None) -> Iterator[str]:
    """The way of an exception and of all that led to it, without what they say."""
    seen = set() if seen is None else seen
    seen.add(id(problem))
    before = problem.__cause__
    if before is None and not problem.__suppress_context__:
        before = problem.__context__
    if before is not None and id(before) not in seen:
        yield from places(before, seen)
        yield "which led to:\n"
    yield from traceback.format_tb(problem.__traceback__)
    yield f"{type(problem).__qualname__} (what it says is logged at level debug)\n"
    if isinstance(problem, BaseExceptionGroup):
        for member in problem.exceptions:
            yield from places(member, seen)
