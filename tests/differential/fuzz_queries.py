"""Random queries over the random tables, each sorted by all that it shows."""

import random
from typing import Any

from tests.differential.fuzz_tables import COLUMNS, NUMBERS, TEXTS, Tables

FLOATS, DATES = ("f", "x"), ("da", "dt", "ts")
COMPARED = tuple(set(COLUMNS) - {"js", "f", "bi", "st"})
SHOWN = tuple(name for name in COLUMNS if name not in ("js", "st", "bi"))


class Queries:
    """A grammar; tables are named a and b in every block."""

    def __init__(self, chance: random.Random, tables: Tables) -> None:
        self.chance, self.tables = chance, tables
        self.columns = sorted(COMPARED)

    def query(self) -> str:
        kinds = (self.rows, self.rows, self.groups, self.groups, self.windows)
        kind = self.one(*kinds, self.combined, self.derived)
        return kind()

    # -- whole queries

    def rows(self) -> str:
        joined = self.chance.random() < 0.5
        items = [self.item("ab" if joined else "a") for _ in range(self.upto(4))]
        word = self.one("", "", "DISTINCT ")
        text = f"SELECT {word}{', '.join(items)} FROM {self.source(joined)}"
        return self.sorted(text + self.where("ab" if joined else "a"), len(items))

    def groups(self) -> str:
        joined = self.chance.random() < 0.3
        names = "ab" if joined else "a"
        keys = list(dict.fromkeys(self.key(names) for _ in range(self.upto(3) - 1)))
        calls = [self.aggregate(names) for _ in range(self.upto(3))]
        text = f"SELECT {', '.join([*keys, *calls])} FROM {self.source(joined)}"
        text += self.where(names)
        if keys:
            text += f" GROUP BY {', '.join(keys)}{self.one('', '', ' WITH ROLLUP')}"
        if self.chance.random() < 0.3:
            text += f" HAVING {self.aggregate(names)} {self.sign()} {self.upto(5)}"
        return self.sorted(text, len(keys) + len(calls))

    def windows(self) -> str:
        number = self.column("a", NUMBERS)
        call = self.one(
            *("RANK()", "DENSE_RANK()", "ROW_NUMBER()", "NTILE(3)", "CUME_DIST()"),
            f"SUM({number})",
            f"AVG({number})",
            f"MIN({self.column('a', DATES)})",
            f"LAG({number}, 1)",
            f"FIRST_VALUE({self.column('a', SHOWN)})",
            "COUNT(*)",
        )
        part = self.one("", f"PARTITION BY {self.column('a', SHOWN)} ")
        over = f"({part}ORDER BY {self.column('a', SHOWN)}, a.id)"
        text = f"SELECT a.id, {self.item('a')}, {call} OVER {over} FROM"
        return self.sorted(f"{text} {self.source(False)}{self.where('a')}", 3)

    def combined(self) -> str:
        kinds = (NUMBERS, TEXTS[:1], DATES[:1], ("en",))
        kind = self.one(*kinds)
        word = self.one("UNION", "UNION ALL", "EXCEPT", "INTERSECT")
        parts = (
            f"SELECT {self.column('a', kind)} v FROM {self.source(False)}"
            f"{self.where('a')}"
            for _ in range(2)
        )
        return self.sorted(f" {word} ".join(parts), 1)

    def derived(self) -> str:
        key, call = self.key("a"), self.aggregate("a")
        inner = f"SELECT {key} v, {call} w FROM {self.source(False)}{self.where('a')}"
        inner += f" GROUP BY {key}"
        if self.chance.random() < 0.5:
            text = f"WITH n AS ({inner}) SELECT n.v, n.w FROM n"
        else:
            text = f"SELECT n.v, n.w FROM ({inner}) n"
        return self.sorted(text + self.one("", " WHERE n.w IS NOT NULL"), 2)

    def sorted(self, text: str, count: int) -> str:
        places = (f"{n}{self.one('', ' DESC')}" for n in range(1, count + 1))
        limit = self.one("", "", " LIMIT 5", " LIMIT 3 OFFSET 2")
        return f"{text} ORDER BY {', '.join(places)}{limit}"

    # -- clauses

    def source(self, joined: bool) -> str:
        table = self.one("r", "r", "r", "q", "q", "z" if self.upto(4) == 1 else "r")
        if not joined:
            return f"{table} a"
        word = self.one("JOIN", "LEFT JOIN", "RIGHT JOIN")
        name = self.one("k", "id", "i", "d", "tu", "s", "g", "b", "c", "ch", "da", "en")
        on = f"a.{name} = b.{name}"
        extra = self.one("", "", f" AND {self.condition('ab', 0)}")
        return f"{table} a {word} {self.one('q', 'r', 'q', 'z')} b ON {on}{extra}"

    def where(self, names: str) -> str:
        return f" WHERE {self.condition(names, 2)}" if self.upto(2) == 1 else ""

    def condition(self, names: str, depth: int) -> str:
        if depth > 0 and self.chance.random() < 0.35:
            parts = [self.condition(names, depth - 1) for _ in range(2)]
            return f"({self.one(' AND ', ' OR ', ' XOR ').join(parts)})"
        if depth > 0 and self.chance.random() < 0.25:
            return self.nested(names)
        name = self.one(*self.columns)
        column, value = f"{self.one(*names)}.{name}", self.constant(name)
        text, other = self.column(names, TEXTS), self.constant(name)
        return self.one(
            f"{column} {self.sign()} {value}",
            f"{column} {self.sign()} {value}",
            f"{column} <=> {value}",
            f"{column} IS {self.one('', 'NOT ')}NULL",
            f"{column} BETWEEN {value} AND {other}",
            f"{column} {self.one('', 'NOT ')}IN ({value}, {other})",
            f"{column} {self.one('', 'NOT ')}IN ({value}, NULL)",
            f"{text} {self.one('', 'NOT ')}LIKE '{self.one('a%', '%e%', '_', 'P_n')}'",
            f"{self.column(names, NUMBERS)} {self.sign()}"
            f" {self.number(names, min(depth, 1))}",
            f"{self.column(names, COMPARED)} {self.sign()}"
            f" {self.column(names, COMPARED)}",
            f"NOT {column} = {value}",
        )

    def nested(self, names: str) -> str:
        table, outer = self.one("r", "q", "z"), self.one(*names)
        name = self.one("k", "i", "d", "s", "da", "b")
        inner = f"FROM {table} c WHERE c.{self.one('k', 'id', 'tu')} > {self.upto(3)}"
        return self.one(
            f"{outer}.{name} {self.one('', 'NOT ')}IN (SELECT c.{name} {inner})",
            f"{self.one('', 'NOT ')}EXISTS"
            f" (SELECT 1 {inner} AND c.{name} = {outer}.{name})",
            f"{outer}.{name} {self.sign()} (SELECT MAX(c.{name}) {inner})",
            f"{outer}.{name} = ANY (SELECT c.{name} {inner})",
        )

    # -- expressions

    def item(self, names: str) -> str:
        number = self.number(names, 2)
        return self.one(
            self.column(names, SHOWN),
            self.column(names, SHOWN),
            number,
            self.text(names),
            self.moment(names),
            f"({self.condition(names, 1)})",
            f"(SELECT MAX(c.k) FROM q c WHERE c.id = {self.one(*names)}.id)",
        )

    def key(self, names: str) -> str:
        return self.one(
            self.column(names, SHOWN),
            f"{self.column(names, NUMBERS)} % 3",
            f"YEAR({self.column(names, DATES)})",
            f"UPPER({self.column(names, TEXTS)})",
            f"{self.column(names, TEXTS)} IS NULL",
        )

    def aggregate(self, names: str) -> str:
        number, any_ = self.number(names, 1), self.column(names, SHOWN)
        return self.one(
            *("COUNT(*)", f"SUM({number})", f"AVG({number})", f"MIN({any_})"),
            f"MAX({any_})",
            f"COUNT(DISTINCT {any_})",
            f"COUNT({any_})",
            f"SUM(DISTINCT {self.column(names, NUMBERS)})",
            f"GROUP_CONCAT({names[-1]}.id ORDER BY {names[-1]}.id)",
        )

    def number(self, names: str, depth: int) -> str:
        if depth == 0 or self.chance.random() < 0.3:
            plain = self.column(names, (*NUMBERS, *FLOATS, "y", "bu"))
            return self.one(plain, plain, "2", "0.3", "7", "0")
        one, other = self.number(names, depth - 1), self.number(names, depth - 1)
        return self.one(
            *(f"({one} {sign} {other})" for sign in ("+", "-", "*", "/", "%")),
            f"({one} DIV 3)",
            f"({one} / 3)",
            f"ROUND({one}, {self.one('0', '1', '-1')})",
            f"ABS({one})",
            f"FLOOR({one})",
            f"TRUNCATE({one}, 1)",
            f"IF({self.condition(names, 0)}, {one}, {other})",
            f"CASE WHEN {self.condition(names, 0)} THEN {one} ELSE {other} END",
            f"COALESCE({one}, {other})",
            f"IFNULL({one}, 0)",
            f"NULLIF({one}, {other})",
            f"GREATEST({one}, {other})",
            f"CAST({one} AS {self.one('SIGNED', 'DECIMAL(12,3)', 'DOUBLE')})",
            f"CHAR_LENGTH({self.column(names, TEXTS)})",
            f"DATEDIFF({self.column(names, DATES)}, '2024-01-01')",
            f"{self.one('YEAR', 'MONTH', 'DAYOFWEEK', 'QUARTER', 'WEEK')}"
            f"({self.column(names, DATES)})",
        )

    def text(self, names: str) -> str:
        text = self.column(names, TEXTS)
        return self.one(
            f"UPPER({text})",
            f"LOWER({text})",
            f"LEFT({text}, 2)",
            f"SUBSTRING({text}, {self.one('2', '-2')}, 3)",
            f"CONCAT({text}, '-', {self.column(names, ('id', 'k', 'd', 's'))})",
            f"TRIM({text})",
            f"REPLACE({text}, 'a', 'xy')",
            f"LPAD({text}, 4, '*')",
            f"REVERSE({text})",
            f"COALESCE({text}, '?')",
            f"CASE {text} WHEN 'a' THEN 'one' WHEN 'pen' THEN {text} END",
            f"CAST({self.column(names, NUMBERS)} AS CHAR)",
            f"CONCAT_WS(',', {text}, {self.column(names, TEXTS)})",
        )

    def moment(self, names: str) -> str:
        date = self.column(names, DATES)
        return self.one(
            f"DATE({date})",
            f"{date} + INTERVAL 1 {self.one('DAY', 'MONTH', 'YEAR')}",
            f"LAST_DAY({date})",
            f"DATE_FORMAT({date}, '%Y-%m')",
            f"CAST({date} AS DATE)",
            f"EXTRACT(YEAR_MONTH FROM {date})",
        )

    # -- leaves

    def constant(self, name: str) -> str:
        if name == "id":
            return str(self.upto(20))
        value = str(self.tables.value(name))
        if name in TEXTS and value.endswith("'") and self.chance.random() < 0.2:
            return f"{value[:-1]} '"  # what PAD SPACE collations ignore
        return value

    def column(self, names: str, of: tuple[str, ...]) -> str:
        return f"{self.one(*names)}.{self.one(*sorted(of))}"

    def sign(self) -> str:
        return self.one("=", "<>", "<", "<=", ">", ">=")

    def upto(self, most: int) -> int:
        return self.chance.randint(1, most)

    def one(self, *choices: Any) -> Any:
        return self.chance.choice(choices)
