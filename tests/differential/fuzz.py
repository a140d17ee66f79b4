"""Random queries through heatproxy, between random changes: MySQL must agree on each.

``python -m tests.differential.fuzz --queries 50000 --seed 1`` prints each difference.
A seed makes the tables, the queries and the changes of its rounds anew; rounds go side
by side, each in a schema of its own. ``--round 7`` asks one of them again.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heatproxy.bench.answers import Answer, ask, offloaded
from heatproxy.bench.compare import TOO_LONG, Same, compare
from tests.conftest import Running, Server
from tests.differential.fuzz_queries import Queries
from tests.differential.fuzz_tables import ROWS, Tables
from tests.differential.held import Held, of_script

THRESHOLD = "SET SESSION secondary_engine_cost_threshold = 0"
UNWILLING = "SET SESSION use_secondary_engine = OFF"
WILLING = "SET SESSION use_secondary_engine = ON"
A_ROUND = 250  # queries over the same tables
PATIENCE = "SET SESSION max_execution_time = 20000"


@dataclass
class Found:
    """What came of the queries, and the differences in full."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Count another round's."""
        self.counts += other.counts
        self.differences += other.differences

    def line(self) -> str:
        asked = self.counts["queries"] or 1
        share = 100 * self.counts["offloaded"] // asked
        filled = 100 * self.counts["filled"] // (self.counts["offloaded"] or 1)
        return (
            f"{self.counts['queries']} queries, {len(self.differences)} differences,"
            f" {share} % offloaded, {filled} % of those with data,"
            f" {self.counts['changes']} changes, {self.counts['errors']} errors"
        )


def fuzz(server: Server, seed: int, queries: int, changing: float = 0.2) -> Found:
    """Ask random queries; ``changing`` is the chance of changes before each."""
    found = Found()
    for number in range(-(-queries // A_ROUND)):
        count = min(A_ROUND, queries - number * A_ROUND)
        found.add(fuzz_round(server, seed, number, count, changing))
    return found


def fuzz_round(
    server: Server, seed: int, number: int, queries: int, changing: float
) -> Found:
    """The queries over the tables of one round of a seed."""
    found = Found()
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - test data
    tables = Tables(chance)
    schema = f"differential_fuzz_{seed}_{number}"
    with (
        of_script(server, schema, tables.script()) as held,
        _asked(held, tables.session) as asked,
    ):
        for view in tables.views():
            ask(asked[0], view)
        one = _Round(*asked, held, tables, chance, found, f"{seed}/{number}")
        for _ in range(queries):
            if chance.random() < changing:
                one.change()
            one.query()
    return found


@dataclass
class _Round:
    """Queries over the same tables, in one session each way."""

    direct: Any
    through: Any
    held: Held
    tables: Tables
    chance: random.Random
    found: Found
    seed: str

    def __post_init__(self) -> None:
        self.queries = Queries(self.chance, self.tables)
        self.gone = offloaded(self.through)

    def given(self, text: str) -> tuple[Answer, bool]:
        """The answer through heatproxy, and whether the engine gave it."""
        answer, before = ask(self.through, text), self.gone
        self.gone = offloaded(self.through)
        return answer, self.gone > before

    def query(self) -> None:
        """One query, asked both ways."""
        text = self.queries.query()
        expected = ask(self.direct, text)
        given, went = self.given(text)
        self.judge(text, expected, given, went)

    def judge(self, text: str, expected: Answer, given: Answer, went: bool) -> None:
        counts = self.found.counts
        counts["queries"] += 1
        counts["offloaded"] += went
        counts["errors"] += expected.error is not None
        counts["filled"] += went and any(
            value is not None for row in expected.rows for value in row
        )
        if TOO_LONG in (expected.error, given.error):
            return
        with ExitStack() as stack:
            looking: list[Any] = []  # a connection, once it is needed

            def look(other: str) -> Answer:
                if not looking:
                    connection = closing(self.held.ways[0](self.held.schema))
                    looking.append(stack.enter_context(connection))
                    for variable in self.tables.session:
                        ask(looking[0], f"SET SESSION {variable}")
                return ask(looking[0], other)

            verdict = compare(text, expected, given, look)
        if verdict.same is Same.WRONG:
            how = "offloaded" if went else "relayed"
            warned = ask(self.direct, "SHOW WARNINGS").rows[:2]
            self.found.differences.append(
                f"seed {self.seed} query {counts['queries']} {how}: {verdict.what}\n"
                f"  {text}\n  MySQL     {_shown(expected)}\n"
                f"  heatproxy {_shown(given)}\n  MySQL warns {warned}"
            )

    def change(self) -> None:
        """One or several statements that change rows, in either session."""
        self.found.counts["changes"] += 1
        kind = self.chance.random()
        session = self.chance.choice((self.direct, self.through))
        if kind < 0.6:
            ask(session, self.tables.change())
        elif kind < 0.9:
            self.transaction()
        elif kind < 0.95:
            table = self.chance.choice(tuple(ROWS))
            ask(session, f"TRUNCATE TABLE {table}")
            ask(session, f"INSERT INTO {table} VALUES {self.tables.row('1')}")
        else:
            rows = ", ".join(self.tables.row(str(n)) for n in range(200, 220))
            ask(session, f"REPLACE INTO r VALUES {rows}")

    def transaction(self) -> None:
        """Changes through heatproxy, seen by their own session before they end."""
        ask(self.through, "START TRANSACTION")
        for _ in range(self.chance.randint(1, 3)):
            ask(self.through, self.tables.change())
        text = self.queries.query()
        ask(self.through, UNWILLING)
        expected = ask(self.through, text)
        ask(self.through, WILLING)
        given, went = self.given(text)
        if not went and (expected.rows, expected.error) != (given.rows, given.error):
            self.found.differences.append(f"seed {self.seed} in a transaction: {text}")
        if went:
            self.found.differences.append(f"seed {self.seed} own writes missed: {text}")
        ask(self.through, self.chance.choice(("COMMIT", "COMMIT", "ROLLBACK")))


def _shown(answer: Answer) -> str:
    if answer.error is not None:
        return f"error {answer.error}: {answer.message}"
    return f"{len(answer.rows)} rows, {answer.warnings} warnings: {answer.rows[:6]}"


@contextmanager
def _asked(held: Held, variables: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    direct, through = (way(held.schema) for way in held.ways)
    with closing(direct), closing(through):
        for session in (direct, through):
            ask(session, PATIENCE)
            for variable in variables:
                ask(session, f"SET SESSION {variable}")
        ask(through, THRESHOLD)
        yield direct, through


def _side_by_side(server: Server, given: argparse.Namespace) -> Iterable[Found]:
    """What came of each round, as they end; one that broke is a difference."""
    last = given.first + -(-given.queries // A_ROUND)
    numbers = range(given.first, last) if given.round is None else [given.round]
    with ThreadPoolExecutor(given.beside) as pool:
        rounds = {
            pool.submit(
                fuzz_round, server, given.seed, number, A_ROUND, given.changing
            ): number
            for number in numbers
        }
        for done in as_completed(rounds):
            if problem := done.exception():
                told = f"seed {given.seed}/{rounds[done]} broke: {problem!r}"
                yield Found(differences=[told])
            else:
                yield done.result()


def main() -> int:
    """Fuzz a heatproxy of its own; 1 if an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changing", type=float, default=0.2)
    parser.add_argument("--beside", type=int, default=6, help="rounds at a time")
    parser.add_argument("--first", type=int, default=0, help="round to begin with")
    parser.add_argument("--round", type=int, help="this one only")
    given = parser.parse_args()
    found, start = Found(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder), HEATPROXY_LOG_LEVEL="error")
        try:
            assert running.ready_line, "heatproxy did not start"
            for one in _side_by_side(running.server, given):
                found.add(one)
                told = [difference + "\n\n" for difference in one.differences]
                took = f"{time.monotonic() - start:.0f} s"
                sys.stdout.write("".join(told) + f"{found.line()}, {took}\n")
                sys.stdout.flush()
        finally:
            running.stop()
    return bool(found.differences)


if __name__ == "__main__":
    sys.exit(main())
