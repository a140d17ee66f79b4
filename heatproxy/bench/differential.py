"""Statements asked of MySQL itself and through heatproxy, their answers compared.

Through heatproxy every statement may be offloaded, whatever it costs; the session's
own count of offloaded statements tells which were.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heatproxy.bench.answers import Answer, ask, offloaded
from heatproxy.bench.compare import TOO_LONG, Same, Verdict, compare
from heatproxy.datatypes import quote_name

NOTHING = "it reads no loaded table"
Connect = Callable[[str], Any]  # a connection of answers.connect's to a schema

_THRESHOLD = "SET SESSION secondary_engine_cost_threshold = 0"
_PATIENCE = "SET SESSION max_execution_time = 60000"
_UNWILLING = "SET SESSION use_secondary_engine = OFF"
_LATEST = (
    "SELECT QEXEC_TEXT FROM performance_schema.rpd_query_stats"
    " WHERE CONNECTION_ID = CONNECTION_ID() ORDER BY QUERY_ID DESC LIMIT 1"
)
_SETUP, _CASES = "\n-- SETUP\n", "\n-- CASES\n"
_NAME, _SESSION = "-- name: ", "-- session: "


@dataclass(frozen=True, slots=True)
class Case:
    """A statement, and what its session is set to before."""

    name: str
    text: str
    session: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case; ``reason`` says why MySQL answered it both times."""

    case: Case
    mysql: Answer
    verdict: Verdict
    offloaded: bool
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether the engine might have answered: MySQL does, and tables are read."""
        return self.mysql.error is None and self.reason != NOTHING

    @property
    def is_wrong(self) -> bool:
        return self.verdict.same is Same.WRONG

    def line(self) -> str:
        """One line of a table."""
        if self.is_wrong:
            return f"{self.case.name:32} WRONG: {self.verdict.what}"
        how = self.verdict.same.value
        if self.offloaded:
            return f"{self.case.name:32} {how}"
        refused = f" error {self.mysql.error}" if self.mysql.error else ""
        return f"{self.case.name:32} relayed{refused} ({self.reason})"


def read(path: Path) -> tuple[str, Sequence[Case]]:
    """The set-up script and the cases of a case file."""
    head, _, body = path.read_text("utf-8").partition(_CASES)
    cases: list[Case] = []
    name = ""
    session: tuple[str, ...] = ()
    for line in body.splitlines():
        if line.startswith(_NAME):
            name, session = line.removeprefix(_NAME).strip(), ()
        elif line.startswith(_SESSION):
            parts = line.removeprefix(_SESSION).split(";")
            session = tuple(part.strip() for part in parts if part.strip())
        elif line and not line.startswith("--"):
            cases.append(Case(name, line.strip().rstrip(";"), session))
    return head.partition(_SETUP)[2], cases


def of_queries(queries: Mapping[str, str]) -> Sequence[Case]:
    """The queries of a workload as cases."""
    return [Case(name, text) for name, text in queries.items()]


def load(connection: Any, schema: str) -> None:
    """Have every table of a schema loaded, through heatproxy.

    Raises:
        pymysql.MySQLError: a table can't be.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW TABLES FROM {quote_name(schema)}")
        for (table,) in cursor.fetchall():
            held = f"{quote_name(schema)}.{quote_name(table.decode())}"
            cursor.execute(f"ALTER TABLE {held} SECONDARY_ENGINE = RAPID")
            cursor.execute(f"ALTER TABLE {held} SECONDARY_LOAD")


def run(
    cases: Sequence[Case],
    schema: str,
    direct: Connect,
    through: Connect,
) -> Iterator[Outcome]:
    """The cases one after the other, each in sessions of its own.

    Args:
        direct: connects to the backend itself.
        through: connects to heatproxy.
    """
    for case in cases:
        with (
            contextlib.closing(direct(schema)) as ours,
            contextlib.closing(through(schema)) as theirs,
        ):
            yield _outcome(case, ours, theirs, direct, schema)


def _outcome(
    case: Case,
    mysql: Any,
    heatproxy: Any,
    direct: Connect,
    schema: str,
) -> Outcome:
    ask(mysql, _PATIENCE)
    expected = _answer(mysql, case)
    if expected.error == TOO_LONG:
        return Outcome(case, expected, Verdict(Same.UNKNOWN), False)
    ask(heatproxy, _THRESHOLD)
    for statement in case.session:
        ask(heatproxy, statement)
    before = offloaded(heatproxy)
    given = ask(heatproxy, case.text)
    went = offloaded(heatproxy) > before
    with contextlib.ExitStack() as stack:

        def look(text: str) -> Answer:
            """MySQL's answer to another statement in a session like the case's."""
            looking = stack.enter_context(contextlib.closing(direct(schema)))
            ask(looking, _UNWILLING)
            return _answer(looking, replace(case, text=text))

        verdict = compare(case.text, expected, given, look)
    reason = "" if went else _reason(heatproxy)
    outcome = Outcome(case, expected, verdict, went, reason)
    if outcome.is_wrong and not went:
        with contextlib.closing(direct(schema)) as again:
            if _answer(again, case) != expected:  # it is never the same twice
                return replace(outcome, verdict=Verdict(Same.EXACT))
    return outcome


def _answer(connection: Any, case: Case) -> Answer:
    for statement in case.session:
        ask(connection, statement)
    return ask(connection, case.text)


def _reason(connection: Any) -> str:
    """Why the session's last statement that might have been offloaded was not."""
    rows = ask(connection, _LATEST).rows
    said = json.loads(rows[0][0] or b"{}") if rows else {}
    return str(said.get("error") or NOTHING)
