"""Random tables of every type, their rows, and random changes to them."""

import random
from collections.abc import Sequence

COLUMNS = {
    "id": "INT PRIMARY KEY",
    "i": "INT",
    "k": "SMALLINT NOT NULL",
    "tu": "TINYINT UNSIGNED",
    "bu": "BIGINT UNSIGNED",
    "bs": "BIGINT",
    "nu": "INT",
    "d": "DECIMAL(8,2)",
    "e": "DECIMAL(20,6)",
    "f": "FLOAT",
    "x": "DOUBLE",
    "da": "DATE",
    "dt": "DATETIME(3)",
    "ts": "TIMESTAMP NULL",
    "ti": "TIME",
    "y": "YEAR",
    "s": "VARCHAR(20) COLLATE utf8mb4_0900_ai_ci",
    "g": "VARCHAR(20) COLLATE utf8mb4_general_ci",
    "b": "VARCHAR(20) COLLATE utf8mb4_bin",
    "c": "VARCHAR(20) COLLATE utf8mb4_0900_as_cs",
    "l": "VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
    "ch": "CHAR(6)",
    "tx": "TEXT",
    "en": "ENUM('small','Big','odd')",
    "st": "SET('a','b','c')",
    "bi": "BIT(5)",
    "js": "JSON",
    "vb": "VARBINARY(8)",
}
ROWS = {"r": 24, "q": 12, "z": 0}
TEXTS = ("s", "g", "b", "c", "l", "ch", "tx")
NUMBERS = ("i", "k", "tu", "d", "e", "bs", "nu")
VIEWS = ("vr", "vq", "vg")
PLAIN = ("", "a", "A", "b", "a b", "a-b", "a_b", "pen", "Pen", "PEN ", "12", "x%y", "Z")
LONG = ("pencil", "Pencil", "PENCIL", "pencil case", "a PENcil-12", "pen cils")
DIGITS = ("0", "12", "120", "1234", "02-12", "2", "20 1")
UPPER = ("A", "AB", "PEN", "PEN-12", "B A", "BE", "SS")
LOWER = ("a", "ab", "pen", "pen-12", "b a", "be", "ss")
STORES = (PLAIN, PLAIN, (*PLAIN, *LONG), DIGITS, UPPER, LOWER)
ODD = (
    *("\u00e4", "\u00c4", "\u00df", "ss", "\u00e6", "\u00f8", "e\u0301", "\u00e9"),
    *("\u00c4rger", "p\u00ean", "P\u00c9N", "Stra\u00dfe", "\u00f8\u00e4"),
)
LATIN = (*(text for text in ODD if text != "e\u0301"), "\u20ac5")  # a byte each
ENDS = ("9223372036854775807", "-9223372036854775808")
SESSIONS = (
    *("time_zone = '+02:00'", "time_zone = '-03:30'", "group_concat_max_len = 24"),
    *("div_precision_increment = 2", "collation_connection = utf8mb4_general_ci"),
    "optimizer_switch = 'derived_merge=off'",
)
VALUES: dict[str, Sequence[str]] = {
    "i": ("0", "1", "2", "-1", "7", "2147483647", "-2147483648"),
    "k": ("0", "1", "2", "3", "-3", "32767"),
    "tu": ("0", "1", "2", "255"),
    "bu": ("0", "1", "9223372036854775807", "18446744073709551615"),
    "bs": ("0", "1", "-7", "42", "1000000000000"),
    "nu": ("NULL",),
    "d": ("0", "1.50", "-0.01", "2.25", "999999.99", "-3"),
    "e": ("0", "0.000001", "1.5", "-12345678901234.123456", "33.333333"),
    "f": ("0", "1.5", "-0.1", "3.4e38", "123456.7"),
    "x": ("0", "1.5", "-0.1", "1e20", "0.3333333333333333", "1e-20"),
    "da": ("'2024-02-29'", "'1000-01-01'", "'9999-12-31'", "'2023-12-31'"),
    "dt": ("'2024-02-29 23:59:59.999'", "'2000-01-01'", "'2024-02-29 00:00:00.5'"),
    "ts": ("'1970-01-01 00:00:01'", "'2024-02-29 12:00:00'", "'2037-12-31 23:59:59'"),
    "ti": ("'00:00:00'", "'-838:59:59'", "'838:59:59'", "'12:34:56'", "'-01:00:00'"),
    "y": ("0", "1901", "2024", "2155"),
    "en": ("'small'", "'Big'", "'odd'"),
    "st": ("''", "'a'", "'a,c'", "'b,c'"),
    "bi": ("0", "1", "31"),
    "js": (
        *("'1'", "'\"a\"'", "'[1, 2]'", "'null'", "'true'", "'{}'", "'[]'", "'1.5'"),
        *("'-7'", '\'{"a": 1, "b": null}\'', "'[\"a\", null, 1.25]'"),
        '\'{"a": "a", "l": [0, {"x": 2.5}]}\'',
        '\'{"t": "2024-01-31", "a": [1, 2], "b": {"c": "\u00e4"}}\'',
    ),
    "vb": ("''", "x'00'", "'A'", "x'ff00'"),
}


class Tables:
    """The statements that make and change the tables.

    ``odd`` has beyond-ASCII text, ``far`` integers at the ends of their type. Sessions
    have the variables of ``session`` besides their own. Each column of texts is filled
    from one of the stores; changes may bring what the others have.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.odd = chance.random() < 0.4
        self.far = chance.random() < 0.5
        self.stores = {name: chance.choice(STORES) for name in TEXTS}
        self.is_filled = False
        self.session = [one for one in SESSIONS if chance.random() < 0.15]

    @property
    def texts(self) -> Sequence[str]:
        """Texts that stand in the tables."""
        texts = tuple(text for store in self.stores.values() for text in store)
        return (*texts, *LATIN * 2) if self.odd else texts

    def script(self) -> str:
        """Makes and fills all tables."""
        defined = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        parts = []
        for table, count in ROWS.items():
            parts.append(f"CREATE TABLE {table} ({defined})")
            if count:
                rows = ", ".join(self.row(str(n)) for n in range(1, count + 1))
                parts.append(f"INSERT INTO {table} VALUES {rows}")
        self.is_filled = True
        return "; ".join(parts)

    def views(self) -> Sequence[str]:
        """Makes views of all columns, and of groups."""
        listed = ", ".join(name for name in COLUMNS if name not in ("s", "d"))
        grouped = ", ".join(
            name if name in ("id", "k") else f"MAX({name}) AS {name}"
            for name in COLUMNS
            if name not in ("js", "st", "bi", "vb")
        )
        return (
            "CREATE VIEW vr AS SELECT * FROM r WHERE k >= 0",
            f"CREATE VIEW vq AS SELECT {listed}, UPPER(s) AS s, d * 2 AS d FROM q",
            f"CREATE VIEW vg AS SELECT {grouped} FROM q GROUP BY id, k",
        )

    def row(self, key: str) -> str:
        made = (self.value(name) for name in COLUMNS if name != "id")
        return f"({', '.join([key, *made])})"

    def value(self, name: str) -> str:
        """A literal for a column, NULL one time in six."""
        if name != "k" and self.chance.random() < 0.17:
            return "NULL"
        if name in TEXTS:
            # compare() can't tell texts of PAD SPACE collations that tie by blanks
            plain = self.stores[name]
            if self.is_filled and self.chance.random() < 0.1:
                plain = self.chance.choice(STORES)
            plain = [text.rstrip() if name in "glb" else text for text in plain]
            if name == "ch":
                plain = [text for text in plain if len(text) <= 6]
            is_odd = self.odd and self.chance.random() < 0.3
            return (
                f"'{self.chance.choice(LATIN if name == 'l' else ODD)}'"
                if (is_odd)
                else f"'{self.chance.choice(plain)}'"
            )
        if name == "bs" and self.far and self.chance.random() < 0.1:
            return self.chance.choice(ENDS)
        return self.chance.choice(VALUES[name])

    def change(self) -> str:
        """One statement that changes rows; it may fail, or meet none."""
        pick = self.chance
        table, key = pick.choice(tuple(ROWS)), pick.randint(1, 40)
        name = pick.choice(tuple(COLUMNS)[1:])
        return pick.choice(
            (
                f"INSERT INTO {table} VALUES {self.row(str(key))}",
                f"INSERT IGNORE INTO {table} VALUES {self.row(str(key))}",
                f"REPLACE INTO {table} VALUES {self.row(str(key))},"
                f" {self.row(str(key + 40))}",
                f"UPDATE {table} SET {name} = {self.value(name)} WHERE id = {key}",
                f"UPDATE {table} SET {name} = {self.value(name)} WHERE k > 1",
                f"UPDATE {table} SET id = id + 100 WHERE id = {key}",
                f"DELETE FROM {table} WHERE id = {key}",
                f"INSERT INTO {table} VALUES {self.row(str(key))} ON DUPLICATE KEY"
                f" UPDATE {name} = {self.value(name)}",
            )
        )
