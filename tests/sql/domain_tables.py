"""Tables of many rows for the domain tests: numbers, dates, strings, documents.

Their values reach the edges of what a rule takes without a trap; every column has
NULLs. All come from one seed.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta

ROWS = 20_000
BATCH = 2_000
PUNCTUATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
UNICODE = "äöüßÉñŁøæÆéèαΩжЖ日本語にﬁ😀Ⅳ½ı"
NULLS = 0.03


def script() -> Iterator[str]:
    """The statements that make and fill the tables, a batch of rows each."""
    for number, (name, (columns, row)) in enumerate(TABLES.items()):
        chance = random.Random(number)  # noqa: S311 - test data
        yield f"CREATE TABLE {name} (id INT PRIMARY KEY, {columns})"
        for begin in range(0, ROWS, BATCH):
            rows = [_row(chance, row, n) for n in range(begin, begin + BATCH)]
            yield f"INSERT INTO {name} VALUES {', '.join(rows)}"


def _row(
    chance: random.Random, row: Callable[[random.Random], Sequence[str]], number: int
) -> str:
    values = [v if chance.random() > NULLS else "NULL" for v in row(chance)]
    return f"({number}, {', '.join(values)})"


def _numbers(chance: random.Random) -> list[str]:
    def whole(bits: int, low: int = 0) -> int:
        """Small and large numbers alike."""
        size = chance.randrange(bits)
        value = chance.randrange(2**size + 1)
        return value if low == 0 or chance.random() < 0.5 else -value

    def fraction(digits: int, scale: int) -> str:
        size = chance.randrange(digits - scale)
        value = chance.randrange(10 ** (size + scale))
        if chance.random() < 0.2:  # halves, where rounding decides
            value = chance.randrange(10**size) * 10**scale + 5 * 10 ** (scale - 1)
        sign = chance.choice(("", "-"))
        return f"{sign}{value // 10**scale}.{value % 10**scale:0{scale}d}"

    double = chance.choice(
        (
            chance.uniform(-1, 1),
            chance.uniform(-1e6, 1e6),
            round(chance.uniform(-1e4, 1e4), 2),
            chance.randrange(-1000, 1000) + 0.5,
            float(chance.randrange(-(10**9), 10**9)),
        )
    )
    return [
        str(whole(31, -1)),
        str(whole(60, -1)),
        str(whole(32)),
        str(whole(63)),
        str(chance.randint(-99, 99)),
        fraction(10, 2),
        fraction(20, 6),
        fraction(26, 10),
        fraction(8, 2).removeprefix("-"),
        repr(double),
        repr(round(chance.uniform(-1000, 1000), 3)),
        str(chance.choice((-9, -3, -1, 1, 2, 7, 10, 250, 9999))),
        str(chance.choice((0, 1901, 1970, 2024, 2155))),
        f"b'{chance.randrange(256):b}'",
        chance.choice(("'small'", "'medium'", "'large'")),
        chance.choice(("''", "'a'", "'b'", "'a,c'", "'b,d'", "'a,b,c,d'", "'d'")),
    ]


def _days(chance: random.Random) -> list[str]:
    near = date(1995, 1, 1) + timedelta(chance.randrange(13_000))
    far = date(1000, 1, 1) + timedelta(chance.randrange(3_280_000))
    edge = date(chance.randrange(1900, 2100), 1, 1) + timedelta(chance.randint(-6, 6))
    month = date(chance.randrange(1990, 2040), chance.randint(1, 12), 1)
    days = (near, near, far, edge, month - timedelta(chance.randint(0, 2)))

    def moment(digits: int) -> str:
        clock = chance.choice((0, 86_399, chance.randrange(86_400)))
        micros = chance.choice((0, 999_999, chance.randrange(1_000_000)))
        whole = datetime.combine(chance.choice(days), datetime.min.time())
        whole += timedelta(seconds=clock, microseconds=micros)
        return (
            f"'{whole:%Y-%m-%d %H:%M:%S}.{whole.microsecond:06d}"[: 21 + digits] + "'"
        )

    def time(digits: int) -> str:
        hours = chance.choice((0, 23, chance.randrange(24), chance.randrange(400)))
        rest = f"{chance.randrange(60):02d}:{chance.randrange(60):02d}"
        micros = f".{chance.randrange(1_000_000):06d}"[: digits + 1] if digits else ""
        return f"'{chance.choice(('', '', '-'))}{hours:02d}:{rest}{micros}'"

    def stamp() -> str:
        whole = datetime(1970, 1, 2) + timedelta(
            seconds=chance.randrange(2**31 - 10**6)
        )
        return f"'{whole:%Y-%m-%d %H:%M:%S}'"

    return [
        f"'{chance.choice(days)}'",
        f"'{chance.choice(days)}'",
        moment(-1),
        moment(3),
        moment(6),
        stamp(),
        time(0),
        time(3),
        str(chance.choice((-31, -1, 0, 1, 2, 12, 29, 365, chance.randint(-900, 900)))),
        str(chance.randrange(1, 366)),
        str(chance.randrange(1000, 9000)),
        str(chance.randrange(1, 13) + 100 * chance.randrange(1000, 9000)),
        str(chance.randrange(0, 2**32)),
    ]


def _strings(chance: random.Random) -> list[str]:
    def of(alphabet: str, longest: int) -> str:
        size = chance.choice((0, 1, 2, chance.randrange(longest), longest))
        return "".join(chance.choice(alphabet) for _ in range(size))

    def text(alphabet: str = "abcABC" + PUNCTUATION, longest: int = 12) -> str:
        word = chance.choice(("", "", "ab", "a,b,", "www.", "  ")) + of(
            alphabet, longest
        )
        return _quoted(word + chance.choice(("", "", " ", "ab", ".com")))

    number = str(chance.randint(-(10**6), 10**6)) + chance.choice(("", ".5", ".125"))
    return [
        text(),
        text(LETTERS + PUNCTUATION),
        text(),
        text("abAB éÄß"),
        text("ab B" + UNICODE),
        text(longest=6),
        _quoted(chance.choice(("a", "b", "C", "x", "a,b", ""))),
        str(chance.randint(-6, 14)),
        str(chance.randint(0, 5)),
        f"'{number}'",
        f"x'{of('ab', 3).encode().hex()}{chance.choice(('', '00', 'ff41'))}'",
    ]


def _documents(chance: random.Random) -> list[str]:
    def scalar() -> object:
        return chance.choice(
            (
                chance.randint(-(10**12), 10**12),
                round(chance.uniform(-1000, 1000), 3),
                chance.randrange(2**63, 2**64),
                chance.choice(
                    ("", "ann", 'Bob "B"', "ÄÖ 😀", "a/b\\c", "tab\t", "null")
                ),
                None,
                True,
                False,
            )
        )

    document: dict[str, object] = {
        chance.choice(("a", "b", "name", "Name")): scalar(),
        "s": chance.choice(("x", "Y z", "ünï", "1.50")),
        "n": chance.randint(-1000, 1000),
        "list": [scalar() for _ in range(chance.randrange(4))],
        "deep": {"k": [{"z": chance.randrange(9)}], "e": {}},
    }
    whole: object = chance.choice(
        (document, document, document, [1, "two", document], scalar())
    )
    return [_quoted(json.dumps(whole, ensure_ascii=False)), "'{}'"]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


Row = Callable[[random.Random], Sequence[str]]
TABLES: dict[str, tuple[str, Row]] = {
    "nums": (
        "i INT, b BIGINT, u INT UNSIGNED, bu BIGINT UNSIGNED, t TINYINT,"
        " d DECIMAL(10,2), e DECIMAL(20,6), w DECIMAL(26,10),"
        " du DECIMAL(8,2) UNSIGNED, x DOUBLE, f FLOAT, k SMALLINT, y YEAR, bt BIT(8),"
        " en ENUM('small','medium','large'), st SET('a','b','c','d')",
        _numbers,
    ),
    "days": (
        "d DATE, d2 DATE, dt DATETIME, m3 DATETIME(3), m6 DATETIME(6),"
        " ts TIMESTAMP NULL, t TIME, t3 TIME(3), n INT, nd INT, yr INT, per INT,"
        " ep BIGINT",
        _days,
    ),
    "words": (
        "s VARCHAR(40), g VARCHAR(40) COLLATE utf8mb4_general_ci,"
        " bi VARCHAR(40) COLLATE utf8mb4_bin,"
        " la VARCHAR(40) CHARACTER SET latin1, un VARCHAR(40), c CHAR(30),"
        " p VARCHAR(4), n INT, m INT, z VARCHAR(20),"
        " vb VARBINARY(9)",
        _strings,
    ),
    "docs": ("j JSON, o JSON", _documents),
}
