"""Random calls of the functions that the other expressions seldom need.

With those of fuzz_expressions.py each function, operator and format that the emitter
has a rule for is made: test_fuzz.py compares the two lists.
"""

import random
from collections.abc import Sequence
from typing import Any

from tests.differential.fuzz_tables import NUMBERS, TEXTS, Tables

FLOATS, DATES = ("f", "x"), ("da", "dt", "ts")
MOMENTS = ("dt", "ts")
INTEGERS = ("i", "k", "tu", "bs", "nu", "bu")
EXACT = ("d", "e", "i", "k")
FORMATS = (
    *("%j %M", "%W %w %y %%", "%U %u", "%V %v %X %x", "%Y''%q%z", "%S %d.%m"),
    *("%h %I %k %l", "%p %r %T", "%c/%D/%b", "%a %e", "%H:%i:%s.%f"),
)
COMPOUND = (
    *("'1:30' HOUR_MINUTE", "'1-2' YEAR_MONTH", "'1 02:03:04' DAY_SECOND"),
    *("'-5 10' DAY_HOUR", "'10:20' MINUTE_SECOND", "'1:2:3' HOUR_SECOND"),
    *("'2 3:4' DAY_MINUTE", "1 MICROSECOND", "90 MINUTE"),
)
PARTS = (
    *("YEAR_MONTH", "DAY_HOUR", "DAY_MINUTE", "DAY_SECOND", "HOUR_MINUTE"),
    *("HOUR_SECOND", "MINUTE_SECOND", "SECOND_MICROSECOND", "MICROSECOND", "DAY"),
)
PLACES = ("0", "1", "-1", "2", "-2", "7")
BASE = {"ä": "a", "Ä": "A", "ß": "s", "æ": "a", "ø": "o", "é": "e", "\u0301": ""}


class Functions:
    """Calls over the columns of the tables that ``names`` has, a letter each."""

    chance: random.Random
    tables: Tables

    def rare_number(self, names: str) -> str:
        whole, number = self.column(names, INTEGERS), self.column(names, NUMBERS)
        small = self.column(names, ("k", "tu", "i"))
        text, day = self.column(names, TEXTS), self.column(names, DATES)
        exact, any_ = self.column(names, EXACT), self.column(names, (*NUMBERS, "x"))
        time = self.column(names, (*MOMENTS, "ti"))
        return self.one(
            f"{self.one('SIGN', 'CEIL', 'CEILING', 'SQRT')}({any_})",
            f"{self.one('EXP', 'SIN', 'COS', 'TAN', 'ATAN')}({small} / 1000)",
            f"{self.one('LN', 'LOG2', 'LOG10')}({number})",
            f"{self.one('POW', 'POWER')}({small} % 9, {self.one('2', '0.5', '-1')})",
            f"MOD({number}, {self.one('3', '0.7', self.column(names, ('k', 'tu')))})",
            f"{self.one('ROUND', 'TRUNCATE')}({any_}, {self.one(*PLACES)})",
            f"({whole} {self.one('&', '|', '^')} {self.one('6', '255', small)})",
            f"({small} {self.one('<<', '>>')} {self.one('1', '3', '40', '64')})",
            f"(~{whole})",
            f"BIT_COUNT({whole})",
            f"LEAST({number}, {self.column(names, NUMBERS)}, {self.one('0', '2.5')})",
            f"GREATEST({any_}, {self.column(names, NUMBERS)})",
            f"{self.one('ASCII', 'ORD')}({text})",
            f"{self.one('BIT_LENGTH', 'OCTET_LENGTH', 'CHARACTER_LENGTH')}({text})",
            f"LOCATE({self.letter()}, {text}{self.one('', ', 2', ', 3')})",
            f"POSITION({self.letter()} IN {text})",
            f"FIND_IN_SET({self.one(text, self.letter())}, 'a,B,pen,,x%y')",
            f"INTERVAL({exact}, {self.one('0, 2, 10', '-1.5, 0, 2.25')})",
            f"FIELD({number}, 1, 2, {self.one('0', '7')})",
            f"{self.one('DAY', 'DAYOFMONTH', 'WEEKOFYEAR', 'TO_SECONDS')}({day})",
            f"{self.one('MICROSECOND', 'SECOND', 'MINUTE', 'HOUR')}({time})",
            f"TIME_TO_SEC({time})",
            f"EXTRACT({self.one(*PARTS)} FROM {self.one(day, *(time,) * 2)})",
            f"PERIOD_ADD(202400 + {small} % 12, {self.one('5', '-14', '0')})",
            f"PERIOD_DIFF({self.one('202401', '199912')}, 202305)",
            f"({self.column(names, (*DATES, 'ti'))} + 0)",
            f"CAST({self.column(names, (*DATES, 'ti'))} AS SIGNED)",
            f"CAST({any_} AS {self.one('UNSIGNED', 'FLOAT', 'DECIMAL(30,0)')})",
            f"JSON_VALID({self.one(*names)}.js)",
            f"COERCIBILITY({text})",
            f"TIMESTAMPDIFF({self.one('MINUTE', 'MICROSECOND')}, {day}, {time})",
            f"({self.column(names, ('f', 'x', 'y', 'bi', 'en', 'st'))}"
            f" {self.one(*'+*')} {self.one('2', '0.5', small)})",
            f"UNIX_TIMESTAMP({self.column(names, DATES)})",
            f"({self.truth(names)})",
        )

    def rare_text(self, names: str) -> str:
        text, other = self.column(names, TEXTS), self.column(names, TEXTS)
        whole = self.column(names, INTEGERS)
        small, time = self.one(*names) + ".k", self.column(names, ("ti", *MOMENTS))
        return self.one(
            f"{self.one('LCASE', 'UCASE', 'LTRIM', 'RTRIM', 'QUOTE')}({text})",
            f"{self.one('BIN', 'OCT', 'HEX')}({whole})",
            f"MID({text}, {self.one('1', '-2', '0', small)}, {self.one('1', '3')})",
            f"SUBSTRING({text}, {small}{self.one('', ', 2', ', ' + small)})",
            f"RPAD({text}, {self.one(*'038')}, {self.one(self.letter(), other)})",
            f"LPAD({whole}, {self.one('2', '9')}, '0')",
            f"CONCAT('[', SPACE({self.one('2', '0', '-1', f'ABS({small}) % 5')}), ']')",
            f"SHA2({text}, {self.one('256', '0')})",
            f"TO_BASE64({text})",
            f"HEX({self.one(text, self.column(names, ('l',)))})",
            f"HEX({self.one('LEFT', 'RIGHT')}({self.column(names, ('l',))}, 2))",
            f"HEX(CONCAT({self.column(names, ('l',))}, {self.letter()}))",
            f"TRIM({self.one('LEADING', 'TRAILING', 'BOTH')} {self.one(*self.marks)}"
            f" FROM {text})",
            f"REPLACE({text}, {self.letter()}, {self.one(other, chr(39) * 2)})",
            f"INSERT({text}, {self.one('0', '1', '3')}, {self.one('-1', '2', '99')},"
            f" {other})",
            f"CONCAT_WS({self.one(text, self.letter())}, {other}, {whole})",
            f"NULLIF({text}, {self.one(other, self.letter())})",
            f"IFNULL({text}, {other})",
            f"{self.one('GREATEST', 'LEAST')}({text}, {self.letter()})",
            f"TIME_FORMAT({time}, '{self.one('%H:%i:%s', '%k.%i.%f', '%T')}')",
            f"DATE_FORMAT({self.column(names, DATES)}, '{self.one(*FORMATS)}')",
            f"CAST({self.column(names, (*MOMENTS, 'ti', 'y', 'en', 'st'))} AS CHAR)",
            f"CAST({text} AS CHAR({self.upto(9)}))",
            f"REVERSE({self.one(whole, text)})",
            f"LEFT({self.column(names, (*DATES, 'ti', 'd'))}, {self.upto(7)})",
            f"SUBSTRING_INDEX({text}, {self.letter()}, {self.one(2, -2, 0)})",
            f"CONCAT({text} COLLATE utf8mb4_bin, '+')",
            f"CONCAT({self.one(*names)}.st, ' ', {self.one(*names)}.en)",
            f"ELT({small}, {text}, {other}, 'z')",
            f"UPPER(CONCAT({text}, {other}))",
        )

    def rare_moment(self, names: str) -> str:
        day, time = self.column(names, DATES), self.column(names, MOMENTS)
        small, clock = f"{self.one(*names)}.k", f"{self.one(*names)}.ti"
        return self.one(
            f"ADDDATE({day}, {self.one('31', small, 'INTERVAL 1 MONTH')})",
            f"SUBDATE({day}, {self.one('1', small, 'INTERVAL 2 WEEK')})",
            f"{day} {self.one(*'+-')} INTERVAL {self.one(*COMPOUND)}",
            f"INTERVAL {self.upto(9)} {self.one('DAY', 'HOUR', 'MICROSECOND')} + {day}",
            f"FROM_DAYS({self.one('738000', '366')} + {small} % 99)",
            f"FROM_UNIXTIME({self.one('86400', '1709164800')} + {small})",
            f"MAKEDATE({self.one('2023', '2024', '99')}, {small})",
            f"MAKETIME({self.one('3', small)}, {self.one('10', '59', small)}, 20)",
            f"SEC_TO_TIME({small} * {self.one('1', '60', '3601')})",
            f"SUBTIME({self.one(time, clock)}, '{self.one('10:00:00', '00:00:01')}')",
            f"ADDTIME({self.one(time, clock)}, {clock})",
            f"TIMEDIFF({self.one(time, time, clock)}, {self.one(time, clock)})",
            f"TIME({time})",
            f"TIMESTAMP({day})",
            f"CAST({day} AS {self.one('DATETIME', 'DATETIME(2)', 'TIME', 'YEAR')})",
            f"CONVERT_TZ({time}, '{self.one('-03:00', '+00:00')}', '+10:00')",
            f"IF({self.truth(names)}, {day}, {self.column(names, DATES)})",
            f"{self.one('COALESCE', 'GREATEST', 'LEAST')}({day},"
            f" {self.column(names, DATES)})",
            f"CASE {small} WHEN 1 THEN {day} WHEN 2 THEN {day} END",
            f"NULLIF({day}, '2024-02-29')",
        )

    def truth(self, names: str) -> str:
        """A condition of the seldom kinds."""
        text, number = self.column(names, TEXTS), self.column(names, NUMBERS)
        any_ = self.column(names, (*DATES, "ti", "d", "i", "y", "en", "f"))
        word, no = self.one("", "NOT "), self.one("", "NOT ")
        pair = f"({number}, {self.column(names, NUMBERS)})"
        return self.one(
            f"{text} {no}LIKE {self.alike()}",
            f"{text} {no}LIKE {self.alike()}",
            f"{text} {no}LIKE {self.alike()}",
            f"{self.column(names, ('s', 'g', 'l'))} {no}LIKE {self.alike()}",
            f"{any_} {no}LIKE '{self.one('2%', '%0', '%:%', '-%', '1_%', '%.%')}'",
            f"REGEXP_LIKE({text}, '{self.one('^a', 'en$', 's', 'PEN', '^a b$')}')",
            f"{text} {no}RLIKE '{self.one('^A', 'N$', 'e')}'",
            f"({number} > 1) IS {word}{self.one('TRUE', 'FALSE', 'UNKNOWN')}",
            f"{number} IS {word}TRUE",
            f"{pair} {self.one('=', '<>')} (1, 2)",
            f"{pair} {no}IN ((0, 1), (1, 1), (2, 0))",
            f"({number} NOT BETWEEN 0 AND 2)",
            f"{text} COLLATE utf8mb4_bin {self.one('=', '<', '>=')} {self.letter()}",
            f"{text} {self.one('=', '<', '<>', '<=>')} {self.column(names, TEXTS)}",
            f"UPPER({text}) = {self.letter()}",
            f"{self.piece(names)} {self.one('=', '<>', '<', '>=')} {self.letter()}",
            f"{self.piece(names)} {no}IN ('12', '1', 'PE', 'pe', 'A', '')",
            f"{self.piece(names)} {no}LIKE {self.alike()}",
            f"{self.piece(names)} = {self.piece(names)}",
            f"{self.column(names, ('s', 'b', 'ch'))} IN ('a', 'Pen', '', 'x%y')",
            f"{self.one(*names)}.ti {self.one(*'=<>')} '12:34:56'",
            f"{self.one(*names)}.y {self.one(*'=<>')} {self.one('2024', '1950')}",
            f"{self.one(*names)}.vb {no}LIKE '{self.one('A%', '_', '%A', '__')}'",
        )

    # -- leaves

    marks = ("'a'", "' '", "'-'", "'p'")

    def alike(self) -> str:
        """A LIKE pattern that some text of the tables is likely to match.

        Letters of a text become those of ASCII that a collation may take for them, in
        either case, or wildcards.
        """
        made = ""
        for char in self.text_of_tables():
            plain = BASE.get(char, char)
            made += self.one(plain, plain, plain.swapcase(), "_", plain.upper())
        cut = self.chance.randint(0, 2)
        made = self.one(made, made, f"{made[:cut]}%", f"%{made[cut:]}", f"%{made}%")
        return "'" + made.replace("x%y", "x\\\\%y") + "'"

    def piece(self, names: str) -> str:
        """A part of a text."""
        text = self.column(names, TEXTS)
        return self.one(
            f"{self.one('LEFT', 'RIGHT')}({text}, {self.upto(3)})",
            f"SUBSTRING({text}, {self.one('1', '2', '-2')}, {self.upto(3)})",
            f"{self.one('MID', 'SUBSTR')}({text}, {self.upto(2)}, 2)",
            f"{self.one('TRIM', 'LTRIM', 'RTRIM')}({text})",
            f"TRIM({self.one('LEADING', 'TRAILING')} {self.one(*self.marks)}"
            f" FROM {text})",
            f"SUBSTRING_INDEX({text}, {self.one(*self.marks)}, {self.one(1, -1)})",
        )

    def letter(self) -> str:
        """A literal of few letters."""
        return self.one(
            "'12'", "'PEN'", "'a'", "'e'", "'B'", "'en'", "'Pe'", "'-'", "'ss'", "' '"
        )

    def text_of_tables(self) -> str:
        return str(self.one(*self.tables.texts))

    def column(self, names: str, of: Sequence[str]) -> str:
        return f"{self.one(*names)}.{self.one(*sorted(of))}"

    def upto(self, most: int) -> int:
        return self.chance.randint(1, most)

    def one(self, *choices: Any) -> Any:
        return self.chance.choice(choices)
