"""Random statements whose clauses nest: what test_query_fuzz.py asks both servers."""

import random
from collections.abc import Callable, Sequence

ROWS = {"f": 14, "g": 11, "h": 6}
COLUMNS = {
    "f": ("a", "b", "c", "s", "d"),
    "g": ("a", "b", "s", "e"),
    "h": ("b", "c", "k"),
}
WORDS = ("pen", "ink", "pad", "zed")
NUMBERS = ("a", "b", "c", "e", "k")


def script(chance: random.Random) -> str:
    """The SQL that makes the tables: small numbers and texts, many of them NULL."""
    tables = {
        "f": "id INT PRIMARY KEY, a INT, b INT NOT NULL, c DECIMAL(6,2),"
        " s VARCHAR(9), d DATE",
        "g": "id INT PRIMARY KEY, a INT, b INT, s VARCHAR(9), e DECIMAL(5,1)",
        "h": "id INT PRIMARY KEY, b INT, c DECIMAL(6,2), k INT NOT NULL",
    }
    made: dict[str, Callable[[], str]] = {
        "a": lambda: _or_null(chance, str(chance.randint(-1, 4))),
        "b": lambda: str(chance.randint(0, 3)),
        "c": lambda: _or_null(chance, chance.choice(("0", "1.5", "2.25", "-3", "4"))),
        "e": lambda: _or_null(chance, chance.choice(("0.5", "1.5", "2", "10.1"))),
        "k": lambda: str(chance.randint(0, 9)),
        "s": lambda: _or_null(chance, repr(chance.choice(WORDS))),
        "d": lambda: _or_null(chance, f"'2024-0{chance.randint(1, 4)}-11'"),
    }
    lines = []
    for table, defined in tables.items():
        lines.append(f"CREATE TABLE {table} ({defined});")
        rows = ", ".join(
            f"({', '.join([str(n), *(made[c]() for c in COLUMNS[table])])})"
            for n in range(1, ROWS[table] + 1)
        )
        lines.append(f"INSERT INTO {table} VALUES {rows};")
    return "\n".join(lines)


def _or_null(chance: random.Random, text: str) -> str:
    return "NULL" if chance.random() < 0.2 else text


class Statements:
    """A grammar of statements over the tables; every name is qualified but in USING.

    A query gives rows that are sorted by all that it shows, so ties don't matter.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.names = 0

    def statement(self) -> str:
        depth = self.chance.randint(0, 2)
        kind = self.chance.random()
        if kind < 0.2:
            return self.combined(depth)
        if kind < 0.35:
            return self.with_items(depth)
        return self.sorted(*self.select(depth, []))

    # -- whole queries: each gives its text and how many columns it shows

    def sorted(self, text: str, columns: int) -> str:
        places = ", ".join(
            f"{place}{self.one_of('', ' DESC')}" for place in range(1, columns + 1)
        )
        limit = self.one_of("", "", f" LIMIT {self.chance.randint(0, 5)}")
        if limit:
            limit += self.one_of("", " OFFSET 1")
        return f"{text} ORDER BY {places}{limit}"

    def combined(self, depth: int) -> str:
        columns = self.chance.randint(1, 2)
        # MySQL 9.7 dies of some groups in EXCEPT and INTERSECT
        plain = self.chance.random() < 0.5
        words = ("EXCEPT", "INTERSECT") if plain else ("UNION", "UNION ALL")
        parts = [self.operand(depth, columns, plain)]
        for _ in range(self.chance.randint(1, 2)):
            word = self.one_of(*words)
            if word != "UNION" and self.chance.random() < 0.2:
                word = word.removesuffix(" ALL") + " ALL"
            parts += [word, self.operand(depth, columns, plain)]
        return self.sorted(" ".join(parts), columns)

    def operand(self, depth: int, columns: int, plain: bool) -> str:
        if plain:
            tables, found = self.sources(depth, [])
            items = ", ".join(self.number(1, found, []) for _ in range(columns))
            return f"SELECT {items} FROM {tables}{self.where(depth, found, [])}"
        if self.chance.random() < 0.2:
            text, _ = self.select(depth - 1, [], columns)
            places = ", ".join(map(str, range(1, columns + 1)))
            return f"({text} ORDER BY {places} LIMIT {self.chance.randint(1, 4)})"
        return self.select(depth - 1, [], columns)[0]

    def with_items(self, depth: int) -> str:
        inner, columns = self.select(depth - 1, [])
        names = [f"n{place}" for place in range(1, columns + 1)]
        alias, other = self.name(), self.name()
        listed = ", ".join(f"{alias}.{name}" for name in names)
        text = (
            f"WITH w ({', '.join(names)}) AS ({inner}) SELECT {listed} FROM w {alias}"
        )
        if self.chance.random() < 0.5:  # MySQL 9.7 sorts such a join wrong under LIMIT
            text += f" JOIN w {other} ON {alias}.n1 = {other}.n1"
            return f"{text} ORDER BY {', '.join(map(str, range(1, columns + 1)))}"
        return self.sorted(text, columns)

    def select(
        self, depth: int, outer: Sequence[str], columns: int | None = None
    ) -> tuple[str, int]:
        """A SELECT without ORDER BY; ``outer`` are columns it may refer to."""
        tables, found = self.sources(depth, outer)
        shape = self.chance.random()
        where = self.where(depth, found, outer)
        count = columns or self.chance.randint(1, 3)
        if shape < 0.35:
            # MySQL 9.7 dies of some one-row groups in set operations
            return self.grouped(tables, found, where, count, columns is None)
        if shape < 0.5 and columns is None:
            return self.windowed(tables, found, where)
        items = [self.item(depth, found, outer) for _ in range(count)]
        if columns is not None:
            items = [self.number(1, found, []) for _ in range(count)]
        word = self.one_of("", "", "DISTINCT ")
        return f"SELECT {word}{', '.join(items)} FROM {tables}{where}", count

    def grouped(
        self, tables: str, found: list[str], where: str, count: int, having: bool
    ) -> tuple[str, int]:
        keys = list(
            dict.fromkeys(
                self.one_of(self.column(found), f"{self.numeric(found)} % 2")
                for _ in range(self.chance.randint(0 if having else 1, 2))
            )
        )
        items = [
            self.one_of(*keys)
            if keys and self.chance.random() < 0.5
            else self.aggregate(found)
            for _ in range(count)
        ]
        text = f"SELECT {self.one_of('', '', 'DISTINCT ')}{', '.join(items)}"
        text += f" FROM {tables}{where}"
        if keys:
            rollup = self.one_of("", "", " WITH ROLLUP")
            text += f" GROUP BY {', '.join(keys)}{rollup}"
        if having and self.chance.random() < 0.3:
            text += f" HAVING {self.aggregate(found)} {self.operator()} "
            text += self.one_of(
                "1", "2", f"(SELECT COUNT(*) FROM {self.one_of(*ROWS)})"
            )
        return text, count

    def windowed(self, tables: str, found: list[str], where: str) -> tuple[str, int]:
        order = ", ".join(
            f"{self.column(found)}{self.one_of('', ' DESC')}"
            for _ in range(self.chance.randint(1, 2))
        )
        part = self.one_of("", f"PARTITION BY {self.column(found)} ")
        call = self.one_of(
            *("RANK()", "DENSE_RANK()", "CUME_DIST()", "PERCENT_RANK()", "COUNT(*)"),
            f"SUM({self.numeric(found)})",
            f"MAX({self.numeric(found)})",
            f"AVG({self.numeric(found)})",
        )
        text = f"SELECT {self.column(found)}, {call} OVER ({part}ORDER BY {order})"
        return f"{text} FROM {tables}{where}", 2

    # -- FROM

    def sources(self, depth: int, outer: Sequence[str]) -> tuple[str, list[str]]:
        text, found = self.source(depth)
        commas = False
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            other, more = self.source(depth)
            word = self.one_of("JOIN", "LEFT JOIN", "RIGHT JOIN", "CROSS JOIN", ",")
            if word == "," and "JOIN" not in text:
                text, found, commas = f"{text}, {other}", found + more, True
                continue
            if word in ("CROSS JOIN", ","):
                text, found = f"{text} CROSS JOIN {other}", found + more
                continue
            on = f"{self.numeric(found)} = {self.numeric(more)}"
            if commas:
                text, commas = f"({text})", False
            if self.chance.random() < 0.3:
                on += f" AND {self.condition(0, found + more, [])}"
            text, found = f"{text} {word} {other} ON {on}", found + more
        return text, found

    def source(self, depth: int) -> tuple[str, list[str]]:
        alias = self.name()
        if depth > 1 and self.chance.random() < 0.3:
            inner, columns = self.select(depth - 1, [])
            names = [f"k{place}" for place in range(1, columns + 1)]
            columns_of = [f"{alias}.{name}" for name in names]
            return f"({inner}) AS {alias} ({', '.join(names)})", columns_of
        table = self.one_of(*COLUMNS)
        return f"{table} {alias}", [f"{alias}.{name}" for name in COLUMNS[table]]

    # -- expressions

    def where(self, depth: int, found: list[str], outer: Sequence[str]) -> str:
        if self.chance.random() < 0.3:
            return ""
        return f" WHERE {self.condition(depth, found, outer)}"

    def condition(self, depth: int, found: list[str], outer: Sequence[str]) -> str:
        kind = self.chance.random()
        if kind < 0.2:
            word = self.one_of("AND", "OR")
            one, other = (self.condition(depth, found, outer) for _ in range(2))
            return f"({one} {word} {other})"
        if kind < 0.3:
            return f"NOT ({self.condition(depth, found, outer)})"
        if depth > 0 and kind < 0.7:
            return self.tested(depth, found, outer)
        if kind < 0.8:
            return f"{self.column(found)} IS {self.one_of('', 'NOT ')}NULL"
        left = self.number(1, found, outer)
        return f"{left} {self.operator()} {self.number(1, found, outer)}"

    def tested(self, depth: int, found: list[str], outer: Sequence[str]) -> str:
        """A condition with a subquery."""
        seen = [*found, *outer]
        value = self.numeric(found)
        kind = self.chance.random()
        if kind < 0.25:
            inner, _ = self.select(depth - 1, seen)
            return f"{self.one_of('', 'NOT ')}EXISTS ({inner})"
        inner = self.one_column(depth - 1, seen)
        if kind < 0.6:
            return f"{value} {self.one_of('', 'NOT ')}IN ({inner})"
        word = self.one_of("ANY", "ALL")
        return f"{value} {self.operator()} {word} ({inner})"

    def one_column(self, depth: int, outer: Sequence[str]) -> str:
        tables, found = self.sources(depth, outer)
        where = self.where(depth, found, outer)
        word = self.one_of("", "", "DISTINCT ")
        item = self.one_of(self.numeric(found), f"{self.numeric(found)} + 1")
        return f"SELECT {word}{item} FROM {tables}{where}"

    def item(self, depth: int, found: list[str], outer: Sequence[str]) -> str:
        if depth > 0 and self.chance.random() < 0.25:
            return self.scalar(depth, [*found, *outer])
        if depth > 0 and self.chance.random() < 0.2:
            return f"({self.condition(depth, found, outer)})"
        return self.one_of(self.column(found), self.number(1, found, outer))

    def scalar(self, depth: int, outer: Sequence[str]) -> str:
        tables, found = self.sources(depth - 1, outer)
        where = self.where(depth - 1, found, outer)
        return f"(SELECT {self.aggregate(found)} FROM {tables}{where})"

    def aggregate(self, found: list[str]) -> str:
        name = self.one_of("SUM", "MAX", "MIN", "AVG", "COUNT", "COUNT(DISTINCT")
        if name == "COUNT" and self.chance.random() < 0.5:
            return "COUNT(*)"
        if name == "COUNT(DISTINCT":
            return f"COUNT(DISTINCT {self.column(found)})"
        return f"{name}({self.numeric(found)})"

    def number(self, depth: int, found: list[str], outer: Sequence[str]) -> str:
        if depth > 0 and self.chance.random() < 0.3:
            sign = self.one_of("+", "-", "*")
            one, other = (self.number(depth - 1, found, outer) for _ in range(2))
            return f"({one} {sign} {other})"
        if outer and self.chance.random() < 0.4:
            return self.numeric(list(outer))
        return self.one_of(self.numeric(found), str(self.chance.randint(0, 4)))

    def numeric(self, found: list[str]) -> str:
        numbers = [c for c in found if c.partition(".")[2] in NUMBERS]
        return self.one_of(*numbers) if numbers else str(self.chance.randint(0, 4))

    def column(self, found: list[str]) -> str:
        return self.one_of(*found)

    def operator(self) -> str:
        return self.one_of("=", "<>", "<", "<=", ">", ">=")

    def name(self) -> str:
        self.names += 1
        return f"q{self.names}"

    def one_of(self, *choices: str) -> str:
        return self.chance.choice(choices)
