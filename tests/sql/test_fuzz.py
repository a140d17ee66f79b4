"""Random statements over random rows: MySQL and the engine must agree on each.

Every statement comes from a seed that its test id shows. A refusal is an outcome,
but not the usual one.
"""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from heatproxy.engine import Trap
from heatproxy.sql.translate import Forward
from tests.sql.mysql_oracle import Oracle, tables

pytestmark = pytest.mark.mysql
ROWS, STATEMENTS = 700, 120
WORDS = ("pen", "Ink", "PAD", "a-b", "a b", "A_b", "x.y", "zed", "Zed", "q 1", "~", "")
PUNCTUATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"


@pytest.fixture(scope="module")
def random_tables(
    server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Oracle]:
    directory = tmp_path_factory.mktemp("fuzz")
    script = directory / "tables.sql"
    script.write_text(_script(random.Random(20)))  # noqa: S311 - test data
    with tables(server.backend_login, "heat_engine_fuzz", directory, script) as held:
        yield held


@pytest.mark.parametrize("seed", range(10))
def test_random_statements_agree(random_tables: Oracle, seed: int) -> None:
    statement = _Statement(random.Random(seed))  # noqa: S311 - test data
    outcomes: Counter[str] = Counter()
    for _ in range(STATEMENTS):
        text = statement.select()
        try:
            assert random_tables.difference(text) is None, text
        except (Forward, Trap, pymysql.Error) as refusal:
            outcomes[type(refusal).__name__] += 1
        else:
            outcomes["exact"] += 1
    assert outcomes["exact"] > STATEMENTS / 2, outcomes


class _Statement:
    """A grammar of statements; table r has the columns named below."""

    INTS = ("r.k", "r.i", "r.u", "r.t")
    DECIMALS = ("r.d", "r.e")
    STRINGS = ("r.s", "r.g", "r.b")
    CLEAN = ("r.c",)
    DATES = ("r.dd",)

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def select(self) -> str:
        return self.chance.choice(
            (self.rows, self.groups, self.joined, self.distinct)
        )()

    def rows(self) -> str:
        items = ", ".join(self.item() for _ in range(self.chance.randint(1, 4)))
        order = ", ".join([self.sortable(), "r.id"])
        limit = self.chance.choice(("", " LIMIT 20", " LIMIT 7 OFFSET 3"))
        return f"SELECT r.id, {items} FROM r{self.where()} ORDER BY {order}{limit}"

    def groups(self) -> str:
        keys = self.chance.sample(
            ("r.c", "r.t", "r.t % 3", "r.dd IS NULL", "YEAR(r.dd)", "UPPER(r.s)"),
            self.chance.randint(0, 2),
        )
        items = [*keys, *(self.aggregate() for _ in range(self.chance.randint(1, 3)))]
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        having = self.chance.choice(("", "", " HAVING COUNT(*) > 3"))
        return f"SELECT {', '.join(items)} FROM r{self.where()}{group}{having}"

    def joined(self) -> str:
        kind = self.chance.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN"))
        on = self.chance.choice(("r.t = q.t", "r.s = q.s", "r.c = q.c", "r.d = q.d"))
        extra = self.chance.choice(("", " AND q.i > 0", f" AND {self.condition(1)}"))
        return (
            f"SELECT COUNT(*), SUM(q.i), AVG(r.d), COUNT(q.s) FROM r {kind} q"
            f" ON {on}{extra}{self.where()}"
        )

    def distinct(self) -> str:
        items = self.chance.choice(("r.c", "r.t", "r.t, r.c", "r.dd", "r.d", "r.i % 5"))
        return f"SELECT DISTINCT {items} FROM r{self.where()}"

    def where(self) -> str:
        return self.chance.choice(("", f" WHERE {self.condition(2)}"))

    def item(self) -> str:
        return self.chance.choice((self.number(2), self.text(), self.condition(1)))

    def sortable(self) -> str:
        direction = self.chance.choice(("", " DESC"))
        return (
            self.chance.choice((*self.STRINGS, *self.DATES, self.number(1))) + direction
        )

    def number(self, depth: int) -> str:
        pick = self.chance
        if depth == 0 or pick.random() < 0.3:
            literal = pick.choice(("0", "1", "7", "2.5", "0.01", "100", "3.333"))
            return pick.choice(
                (*self.INTS, *self.DECIMALS, "r.x", "YEAR(r.dd)", literal)
            )
        one, other = self.number(depth - 1), self.number(depth - 1)
        return pick.choice(
            (
                f"({one} {pick.choice('+-*')} {other})",
                f"({one} {pick.choice('+-*')} {other})",
                f"({one} / {pick.choice(('3', '0.7', 'r.k', '-7'))})",
                f"({one} DIV {pick.choice(('3', 'r.k', '1.5'))})",
                f"({one} % {pick.choice(('3', 'r.k', '0.3'))})",
                f"-{one}" if not one.startswith("-") else one,
                f"ROUND({one}, {pick.choice('012')})",
                f"ABS({one})",
                f"FLOOR({one})",
                f"CEIL({one})",
                f"IF({self.condition(0)}, {one}, {one})",
                f"COALESCE({one}, 0)",
                f"NULLIF({one}, {other})",
                f"CAST({one} AS SIGNED)",
                f"CAST({one} AS DECIMAL(20,3))",
                f"LENGTH({self.text()})",
                "DATEDIFF(r.dd, '2020-02-29')",
                f"MONTH({pick.choice(self.DATES)})",
            )
        )

    def text(self) -> str:
        pick = self.chance
        column = pick.choice((*self.STRINGS, *self.CLEAN))
        n = pick.randint(-4, 6)
        return pick.choice(
            (
                column,
                f"UPPER({column})",
                f"LOWER({column})",
                f"LEFT({column}, {n})",
                f"RIGHT({column}, {n})",
                f"SUBSTRING({column}, {n})",
                f"SUBSTRING({column}, {n}, {pick.randint(-1, 4)})",
                f"TRIM({column})",
                f"CONCAT({column}, r.k)",
                f"IFNULL({column}, 'none')",
            )
        )

    def literal(self) -> str:
        pick = self.chance
        text = pick.choice(WORDS)
        text = pick.choice((text, text.upper(), text + " ", _punctuated(pick)))
        return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    def condition(self, depth: int) -> str:
        pick = self.chance
        if depth and pick.random() < 0.4:
            word = pick.choice((" AND ", " OR ", " XOR "))
            return f"({self.condition(depth - 1)}{word}{self.condition(depth - 1)})"
        operator = pick.choice(("=", "<>", "<", "<=", ">", ">=", "<=>"))
        column, text = pick.choice(self.STRINGS), self.text()
        one, other = self.number(min(depth, 1)), self.number(0)
        return pick.choice(
            (
                f"({one} {operator} {other})",
                f"({one} NOT BETWEEN {other} AND {self.number(0)})",
                f"({one} IN ({other}, 3, NULL))",
                f"({text} {operator} {self.literal()})",
                f"({column} {operator} {column})",
                f"({column} IN ({self.literal()}, {self.literal()}))",
                f"({column} BETWEEN {self.literal()} AND {self.literal()})",
                f"({column} {pick.choice(('LIKE', 'NOT LIKE'))} {self.pattern()})",
                f"({text} IS {pick.choice(('', 'NOT '))}NULL)",
                f"(NOT {one})",
                f"({one} IS TRUE)",
                f"(r.dd {operator} '{pick.randint(2018, 2022)}-06-15')",
            )
        )

    def pattern(self) -> str:
        word = self.literal()[1:-1]
        if word.endswith("\\"):
            word += "z"
        return (
            "'" + self.chance.choice((f"{word}%", f"%{word}%", f"_{word[:-1]}_")) + "'"
        )

    def aggregate(self) -> str:
        pick = self.chance
        number = self.number(1)
        return pick.choice(
            (
                "COUNT(*)",
                f"COUNT({self.text()})",
                f"COUNT(DISTINCT {self.text()})",
                f"SUM({number})",
                f"AVG({number})",
                f"ROUND(AVG({number}), 2)",
                f"MIN({number})",
                f"MAX({number})",
                f"SUM(DISTINCT {pick.choice(self.INTS)})",
                f"SUM({self.condition(1)})",
                "MIN(r.c)",
                "MAX(r.c)",
                f"SUM({number}) / COUNT(*)",
                f"AVG({pick.choice(self.DECIMALS)}) {pick.choice('+-*/')} 3",
            )
        )


def _punctuated(chance: random.Random) -> str:
    return "".join(chance.choice("ab" + PUNCTUATION) for _ in range(3))


def _script(chance: random.Random) -> str:
    columns = (
        "id INT PRIMARY KEY, k SMALLINT NOT NULL, i INT, u INT UNSIGNED, t TINYINT,"
        " d DECIMAL(9,2), e DECIMAL(14,5), x DOUBLE, s VARCHAR(20), b VARCHAR(20)"
        " COLLATE utf8mb4_bin, g VARCHAR(20) COLLATE utf8mb4_general_ci, c CHAR(8),"
        " dd DATE"
    )
    script = []
    for table, count in (("r", ROWS), ("q", ROWS // 10)):
        script.append(f"CREATE TABLE {table} ({columns});")
        for row in range(count):
            script.append(f"INSERT INTO {table} VALUES ({row}, {_row(chance)});")
    return "\n".join(script)


def _row(chance: random.Random) -> str:
    def text() -> str:
        word = chance.choice(WORDS) + chance.choice(("", "", " ", "  x", "7"))
        word = chance.choice((word, word.upper(), _punctuated(chance)))
        return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"

    values = [
        str(chance.choice((-9, -2, 1, 3, 7, 11, 250))),
        str(chance.randint(-60_000, 60_000)),
        str(chance.randint(0, 4_000_000_000)),
        str(chance.randint(-6, 6)),
        f"{chance.randint(-999_999, 999_999) / 100:.2f}",
        f"{chance.randint(-999_999_999, 999_999_999) / 100_000:.5f}",
        f"{chance.uniform(-1000, 1000)!r}",
        text(),
        text(),
        text(),
        f"'{chance.choice(('alpha', 'Beta', 'GAMMA', 'delta', 'Omega'))}'",
        f"'{chance.randint(2018, 2022)}-{chance.randint(1, 12):02}-15'",
    ]
    never_null = values[0]
    values = [v if chance.random() > 0.08 else "NULL" for v in values]
    return ", ".join([never_null, *values[1:]])
