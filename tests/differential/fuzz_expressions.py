"""Random expressions, conditions and clauses over the random tables."""

import random

from tests.differential.fuzz_functions import DATES, FLOATS, Functions
from tests.differential.fuzz_tables import COLUMNS, NUMBERS, TEXTS, VIEWS, Tables

COMPARED = tuple(set(COLUMNS) - {"js", "f", "bi", "st"})
SHOWN = tuple(name for name in COLUMNS if name not in ("js", "st", "bi"))
DEVIATIONS = (
    *("STD", "STDDEV", "STDDEV_POP", "STDDEV_SAMP"),
    *("VARIANCE", "VAR_POP", "VAR_SAMP"),
)


class Expressions(Functions):
    """A grammar; tables are named a and b in every block."""

    def __init__(self, chance: random.Random, tables: Tables) -> None:
        self.chance, self.tables = chance, tables
        self.columns = sorted(COMPARED)

    # -- clauses

    def source(self, joined: bool) -> str:
        table = self.one("r", "r", "r", "q", "q", "z" if self.upto(4) == 1 else "r")
        if self.chance.random() < 0.06:
            table = self.one(*VIEWS)
        if not joined:
            return f"{table} a"
        if self.chance.random() < 0.15:
            return f"{table} a {self.seldom_joined()}"
        word = self.one("JOIN", "LEFT JOIN", "RIGHT JOIN")
        name = self.one("k", "id", "i", "d", "tu", "s", "g", "b", "c", "ch", "da", "en")
        on = f"a.{name} = b.{name}"
        extra = self.one("", "", f" AND {self.condition('ab', 0)}")
        return f"{table} a {word} {self.one('q', 'r', 'q', 'z')} b ON {on}{extra}"

    def seldom_joined(self) -> str:
        """What stands behind a table a in FROM, and calls another b."""
        table, word = self.one("r", "q", "z"), self.one("JOIN", "LEFT JOIN")
        return self.one(
            f"{word} {table} b USING ({self.one('id', 'k', 'id, k')})",
            f"{word} LATERAL (SELECT c.* FROM {table} c WHERE c.k = a.k) b ON TRUE",
            f"STRAIGHT_JOIN {table} b ON a.k = b.id",
            f"{word} ({table} b JOIN q c ON c.id = b.id) ON a.id = b.id",
            f"JOIN q c ON c.id = a.id {word} {table} b ON b.k = c.k",
            f"{word} (SELECT * FROM {table} WHERE k > 0) b ON a.id = b.id",
        )

    def where(self, names: str) -> str:
        return f" WHERE {self.condition(names, 2)}" if self.upto(2) == 1 else ""

    def condition(self, names: str, depth: int) -> str:
        if depth > 0 and self.chance.random() < 0.35:
            parts = [self.condition(names, depth - 1) for _ in range(2)]
            return f"({self.one(' AND ', ' OR ', ' XOR ').join(parts)})"
        if depth > 0 and self.chance.random() < 0.25:
            return self.nested(names)
        if self.chance.random() < 0.2:
            return self.truth(names)
        name = self.one(*self.columns)
        column, value = f"{self.one(*names)}.{name}", self.constant(name)
        text, other = self.column(names, self.one(TEXTS, "sg")), self.constant(name)
        return self.one(
            f"{column} {self.sign()} {value}",
            f"{column} {self.sign()} {value}",
            f"{column} <=> {value}",
            f"{column} IS {self.one('', 'NOT ')}NULL",
            f"{column} BETWEEN {value} AND {other}",
            f"{column} {self.one('', 'NOT ')}IN ({value}, {other})",
            f"{column} {self.one('', 'NOT ')}IN ({value}, NULL)",
            f"{text} {self.one('', 'NOT ')}LIKE {self.pattern()}",
            f"{text} {self.one('', 'NOT ')}LIKE {self.pattern()}",
            f"{self.column(names, NUMBERS)} {self.sign()}"
            f" {self.number(names, min(depth, 1))}",
            f"{self.column(names, COMPARED)} {self.sign()}"
            f" {self.column(names, COMPARED)}",
            f"NOT {column} = {value}",
            f"{text} {self.one('', 'NOT ')}REGEXP '{self.word()}'",
            f"{column} LIKE '{self.one('1%', '2%', '%0%', 'a%')}'",
            f"{self.column(names, NUMBERS)} {self.sign()} '{self.figure()}'",
            f"{self.column(names, NUMBERS)} IN ('1', {self.upto(3)}, '7')",
            f"{self.one(*names)}.bs {self.one('+ 1', '- 3', '* 2', '+ 7')} > 0",
            f"{self.column(names, NUMBERS)} / {self.column(names, NUMBERS)} > 1",
            f"{self.column(names, DATES)} {self.sign()} {self.moment(names)}",
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
            f"{outer}.k {self.sign()} (SELECT COUNT(*) {inner} AND c.s = {outer}.s)",
            f"({outer}.k, {outer}.{name}) IN (SELECT c.k, c.{name} {inner})",
            f"{outer}.{name} {self.one('<', '<>', '>=')} ALL (SELECT c.{name} {inner})",
            f"{outer}.d > (SELECT AVG(c.d) {inner} AND c.k = {outer}.k)",
        )

    def rows_frame(self) -> str:
        start = self.one("UNBOUNDED PRECEDING", "2 PRECEDING", "CURRENT ROW")
        end = self.one("CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING")
        return self.one(
            *(f" ROWS BETWEEN {start} AND {end}",) * 3,
            " ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING",
            " ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
            " ROWS 1 PRECEDING",
        )

    def range_frame(self) -> tuple[str, str]:
        """An order by one number or date, and a frame by its values."""
        number = self.chance.random() < 0.5
        name = self.column("a", ("k", "i", "d")) if number else "a.da"
        size = self.upto(3) if number else f"INTERVAL {self.upto(40)} DAY"
        ends = self.one("CURRENT ROW", f"{size} FOLLOWING")
        return f"ORDER BY {name}", f" RANGE BETWEEN {size} PRECEDING AND {ends}"

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
            self.composed(names),
            f"(SELECT MAX(c.k) FROM q c WHERE c.id = {self.one(*names)}.id)",
            f"(SELECT COUNT(*) FROM q c WHERE c.s = {self.column(names, TEXTS)})",
            f"(SELECT SUM(c.d) FROM r c WHERE c.k < {self.one(*names)}.k)",
        )

    def composed(self, names: str) -> str:
        """A text or document of other values."""
        text, number = self.column(names, TEXTS), self.column(names, NUMBERS)
        return self.one(
            f"JSON_OBJECT('k', {number}, 't', {text})",
            f"JSON_ARRAY({number}, {text}, {self.column(names, ('da', 'dt'))})",
            f"HEX({self.column(names, ('l', 'l', 's'))})",
            f"IF({self.condition(names, 0)}, {number}, {self.upto(3)})",
        )

    def key(self, names: str) -> str:
        return self.one(
            self.column(names, SHOWN),
            f"{self.column(names, NUMBERS)} % 3",
            f"YEAR({self.column(names, DATES)})",
            f"UPPER({self.column(names, TEXTS)})",
            f"{self.column(names, TEXTS)} IS NULL",
            self.piece(names),
            self.piece(names),
        )

    def aggregate(self, names: str) -> str:
        number, any_ = self.number(names, 1), self.column(names, SHOWN)
        fixed = ", ".join(f"{name}.k DESC, {name}.id" for name in names)
        return self.one(
            *("COUNT(*)", f"SUM({number})", f"AVG({number})", f"MIN({any_})"),
            f"MAX({any_})",
            f"COUNT(DISTINCT {any_})",
            f"COUNT({any_})",
            f"SUM(DISTINCT {self.column(names, NUMBERS)})",
            f"GROUP_CONCAT({names[-1]}.id ORDER BY {names[-1]}.id)",
            f"GROUP_CONCAT({names[-1]}.id ORDER BY {any_}, {names[-1]}.id)",
            f"GROUP_CONCAT(DISTINCT {any_} ORDER BY {any_} SEPARATOR '/')",
            f"GROUP_CONCAT({any_} ORDER BY {fixed})",
            f"COUNT({number})",
            f"COUNT({self.one(*names)}.bs + {self.one(*names)}.bs)",
            f"MAX({self.column(names, NUMBERS)} / {self.column(names, NUMBERS)})",
            f"SUM({self.condition(names, 0)})",
            f"MAX({self.text(names)})",
            f"SUM({number}) / {self.one('COUNT(*)', f'COUNT({any_})')}",
            f"BIT_{self.one('OR', 'AND', 'XOR')}"
            f"({self.column(names, ('k', 'i', 'tu'))})",
            f"JSON_OBJECTAGG(CONCAT('k', {names[0]}.id), {number})",
            f"ANY_VALUE({self.one(any_, '7')})",
            f"{self.one(*DEVIATIONS)}({number})",
        )

    def number(self, names: str, depth: int) -> str:
        if depth == 0 or self.chance.random() < 0.3:
            plain = self.column(names, (*NUMBERS, *FLOATS, "y", "bu"))
            return self.one(plain, plain, "2", "0.3", "7", "0")
        if self.chance.random() < 0.25:
            return self.rare_number(names)
        one, other = self.number(names, depth - 1), self.number(names, depth - 1)
        return self.one(
            *(f"({one} {sign} {other})" for sign in ("+", "-", "*", "/", "%")),
            f"({one} DIV 3)",
            f"({one} / 3)",
            f"ROUND({one}, {self.one('0', '1', '-1')})",
            f"ABS({one})",
            f"FLOOR({one})",
            f"TRUNCATE({one}, 1)",
            f"CASE WHEN {other} {self.one('>', '<>', '>=')} 0 THEN {one} / {other} END",
            f"IF({other} {self.one('=', '<=', '<')} 0, NULL, {one} % {other})",
            f"({one} / NULLIF({other}, {self.one('0', '0.0', '1')}))",
            f"CASE {self.column(names, NUMBERS)} WHEN 1 THEN {one} WHEN 2 THEN 0.50"
            f" ELSE {self.one('1', 'NULL', other)} END",
            f"(-{one})",
            f"UNIX_TIMESTAMP({self.column(names, ('dt', 'ts'))})",
            f"{self.one('HOUR', 'MINUTE', 'SECOND', 'TO_DAYS', 'DAYOFYEAR', 'WEEKDAY')}"
            f"({self.column(names, ('dt', 'ts'))})",
            f"WEEK({self.column(names, DATES)}, {self.upto(8) - 1})",
            f"YEARWEEK({self.column(names, DATES)}, {self.upto(8) - 1})",
            f"FIELD({self.column(names, ('en',))}, 'Big', 'odd')",
            f"IF({self.condition(names, 0)}, {one}, {other})",
            f"CASE WHEN {self.condition(names, 0)} THEN {one} ELSE {other} END",
            f"COALESCE({one}, {other})",
            f"IFNULL({one}, 0)",
            f"NULLIF({one}, {other})",
            f"GREATEST({one}, {other})",
            f"CAST({one} AS {self.one('SIGNED', 'DECIMAL(12,3)', 'DOUBLE')})",
            f"CHAR_LENGTH({self.column(names, TEXTS)})",
            f"DATEDIFF({self.column(names, DATES)}, '2024-01-01')",
            f"TIMESTAMPDIFF({self.unit()}, {self.column(names, DATES)}, '2024-02-29')",
            f"INSTR({self.column(names, TEXTS)}, 'e')",
            f"STRCMP({self.column(names, TEXTS)}, 'a')",
            f"FIELD({self.column(names, TEXTS)}, 'a', 'pen')",
            f"LENGTH({self.column(names, TEXTS)})",
            f"{self.one('YEAR', 'MONTH', 'DAYOFWEEK', 'QUARTER', 'WEEK')}"
            f"({self.column(names, DATES)})",
        )

    def text(self, names: str) -> str:
        if self.chance.random() < 0.4:
            return self.rare_text(names)
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
            f"SUBSTRING_INDEX({text}, '{self.one('-', ' ', 'e')}', {self.one(1, -1)})",
            f"RIGHT({text}, {self.upto(3)})",
            f"INSERT({text}, 2, 1, '_')",
            f"ELT({self.one(*names)}.k, 'x', {text})",
            f"REPEAT({text}, {self.upto(3)})",
            f"IF({self.condition(names, 0)}, {text}, 'no')",
            f"HEX({text})",
            f"CAST({self.column(names, DATES)} AS CHAR)",
            f"CONCAT({self.column(names, (*NUMBERS, 'en', 'da', 'ti'))}, '/', {text})",
            f"FORMAT({self.column(names, NUMBERS)}, {self.upto(3) - 1})",
            f"DATE_FORMAT({self.column(names, DATES)},"
            f" '{self.one('%a %e', '%X/%V', '%x-%v', '%H:%i:%s.%f', '%b %D %p %h')}')",
            f"{self.one('MONTHNAME', 'DAYNAME')}({self.column(names, DATES)})",
        )

    def moment(self, names: str) -> str:
        if self.chance.random() < 0.5:
            return self.rare_moment(names)
        date = self.column(names, DATES)
        return self.one(
            f"DATE({date})",
            f"{date} {self.one('+', '-')} INTERVAL {self.amount(names)} {self.unit()}",
            f"{self.one('DATE_ADD', 'DATE_SUB')}({date}, INTERVAL '1:2' HOUR_MINUTE)",
            f"TIMESTAMPADD({self.unit()}, {self.upto(9)}, {date})",
            f"LAST_DAY({date})",
            f"DATE_FORMAT({date}, '%Y-%m')",
            f"CAST({date} AS DATE)",
            f"EXTRACT({self.one('YEAR_MONTH', 'DAY_HOUR', 'QUARTER')} FROM {date})",
            f"CONVERT_TZ({date}, '+00:00', '{self.one('+05:30', '-11:00')}')",
            f"ADDTIME({self.column(names, ('dt', 'ti'))}, '01:30:00')",
            f"CAST({self.column(names, ('dt', 'ts'))} AS TIME)",
        )

    def amount(self, names: str) -> str:
        return self.one("1", "-1", "40", f"{self.one(*names)}.k")

    def unit(self) -> str:
        return self.one("DAY", "MONTH", "YEAR", "WEEK", "QUARTER", "HOUR", "SECOND")

    def strange(self) -> str:
        path = self.one("$.a", "$.b", "$[0]", "$", "$.t", "$[last]", "$[*]", "$.l[1]")
        return self.one(
            *("a.js", "a.st", "a.bi", "a.vb", "HEX(a.vb)", "LENGTH(a.vb)", "a.bi + 0"),
            *("a.st + 0", "a.en + 0", "HEX(a.l)", "UPPER(a.vb)", "HEX(LEFT(a.vb, 1))"),
            *("COLLATION(a.g)", "CHARSET(a.l)", "HEX(a.bi)", "LENGTH(a.js)"),
            f"a.js->'{path}'",
            f"a.js->>'{path}'",
            f"JSON_LENGTH(a.js, '{path}')",
            f"JSON_UNQUOTE(JSON_EXTRACT(a.js, '{path}'))",
            "JSON_TYPE(a.js)",
            "JSON_EXTRACT(a.js, '$.a', '$[0]')",
            f"JSON_CONTAINS(a.js, '{self.one('1', '2', 'null')}')",
            f"JSON_CONTAINS(a.js, '{self.one('1', '2', 'null')}', '{path}')",
            f"JSON_CONTAINS_PATH(a.js, 'one', '{path}', '$.b')",
            f"FIND_IN_SET('{self.one('a', 'b', 'x')}', a.st)",
            f"a.js->'{path}' + 1",
            f"({self.suspect()})",
            self.composed("a"),
            self.composed("a"),
            self.composed("a"),
        )

    def suspect(self) -> str:
        """A condition on such a column."""
        path = self.one("$.a", "$.b", "$[0]", "$")
        return self.one(
            f"a.st {self.sign()} 'a'",
            f"a.st {self.sign()} {self.upto(6)}",
            f"a.en {self.sign()} {self.upto(3)}",
            f"a.bi {self.sign()} {self.upto(31)}",
            f"a.vb {self.sign()} 'A'",
            f"a.vb LIKE '{self.one('A%', '_', '%A')}'",
            f"a.st LIKE '%{self.one('a', 'c', 'b,')}%'",
            f"a.js->'{path}' {self.sign()} {self.one('1', '2')}",
            f"a.js->'{path}' = {self.text_literal()}",
            f"a.js->>'{path}' = {self.text_literal()}",
            f"a.js->>'{path}' LIKE 'a%'",
            "a.js IS NULL",
        )

    # -- leaves

    def pattern(self) -> str:
        return self.one(
            *("'a%'", "'%e%'", "'_'", "'P_n'", "'%EN%'", "'s%'", "'__'", "'%x\\\\%y'"),
            *("'a\\\\_b'", "'a|_%' ESCAPE '|'", "'%|%%' ESCAPE '|'", "'E_'", "'%b'"),
        )

    def word(self) -> str:
        return self.one("^a", "e", "n$", "^pen$", "s")

    def figure(self) -> str:
        return self.one("1", "2.5", "-3", "0")

    def text_literal(self) -> str:
        return self.one("'a'", "'1'", "'x'")

    def constant(self, name: str) -> str:
        if name == "id":
            return str(self.upto(20))
        value = str(self.tables.value(name))
        if name in TEXTS and value.endswith("'") and self.chance.random() < 0.2:
            return f"{value[:-1]} '"  # what PAD SPACE collations ignore
        return value

    def sign(self) -> str:
        return self.one("=", "<>", "<", "<=", ">", ">=")
