"""SECONDARY_LOAD and SECONDARY_UNLOAD of Lakehouse tables."""

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run, value
from tests.statements.byhand import with_attribute, with_clauses
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

LOAD = "ALTER TABLE t SECONDARY_LOAD"


def test_a_table_is_loaded_unloaded_and_loaded_again(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_attribute(files))
    assert refusal(client, "SELECT * FROM t") == (3877, "Table has not been loaded")
    run(client, LOAD)
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]
    run(client, "ALTER TABLE t SECONDARY_UNLOAD")
    assert refusal(client, "SELECT * FROM t") == (3877, "Table has not been loaded")
    files.objects["hand.csv"] = b"3,z\n"
    run(client, "ALTER TABLE /*+ AUTOPILOT_DISABLE_CHECK */ t SECONDARY_LOAD")
    assert rows(client, "SELECT * FROM t") == [(3, "z")]


def test_a_load_that_fails_leaves_what_was_loaded(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_attribute(files), LOAD)
    files.objects["hand.csv"] = b"1,x\n2,y,z,w\n"
    assert refusal(client, LOAD)[0] == 6062
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]
    loaded = value(
        client,
        "SELECT CREATE_OPTIONS FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = 'hand'",
    )
    assert 'SECONDARY_LOAD="1"' in loaded


def test_a_load_may_be_guided_or_not(client: Connection, files: ObjectStore) -> None:
    run(client, with_clauses(files), f"{LOAD} GUIDED ON", f"{LOAD} GUIDED OFF")
    assert value(client, "SELECT COUNT(*) FROM t") == 2


def test_partitions_by_key_are_loaded_together(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files, options="PARTITION BY KEY (a) PARTITIONS 3"))
    (created,) = (text for _, text in rows(client, "SHOW CREATE TABLE t"))
    run(client, "DROP TABLE t", created)
    assert rows(client, "SHOW CREATE TABLE t")[0][1] == created
    assert refusal(client, f"{LOAD} PARTITION (p0, p7)")[0] == 1735
    run(client, f"{LOAD} PARTITION (P1)")
    told = ("Note", 3877, "All partitions of the table are loaded together")
    assert rows(client, "SHOW WARNINGS") == [told]
    run(client, "ALTER TABLE t SECONDARY_UNLOAD PARTITION (p0)")
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]
    number, text = refusal(client, "SELECT * FROM t PARTITION (p0)")
    assert (number, "PARTITION in a statement that reads" in text) == (1235, True)
    run(client, "ALTER TABLE t MODIFY b varchar(9)")
    assert value(client, "SELECT COUNT(*) FROM t") == 2
    run(client, "ALTER TABLE t SECONDARY_UNLOAD")
    assert refusal(client, "SELECT * FROM t")[0] == 3877


def test_a_table_without_partitions_loads_none(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files))
    for word in ("SECONDARY_LOAD", "SECONDARY_UNLOAD"):
        assert refusal(client, f"ALTER TABLE t {word} PARTITION (p0)")[0] == 1505


def test_validation_loads_nothing(client: Connection, files: ObjectStore) -> None:
    run(client, with_clauses(files), f"{LOAD} VALIDATE ONLY")
    assert refusal(client, "SELECT * FROM t")[0] == 3877
    files.objects["hand.csv"] = b"1,x\n2,yyy\n"
    for form in ("VALIDATE ONLY", "VALIDATE ALL ROWS ONLY GUIDED OFF"):
        assert refusal(client, f"{LOAD} {form}")[0] == 6066
    assert refusal(client, f"{LOAD} VALIDATE many ROWS ONLY")[0] == 1064
    run(client, "ALTER TABLE t STRICT_LOAD=0", f"{LOAD} VALIDATE ALL ROWS ONLY")
    assert 6057 in [number for _, number, _ in rows(client, "SHOW WARNINGS")]


def test_validation_may_stop_after_some_rows(
    client: Connection, files: ObjectStore
) -> None:
    files.objects["hand.csv"] = b"1,x\n" * 600_000 + b"none,x\n"
    run(client, with_clauses(files), f"{LOAD} VALIDATE 5 ROWS ONLY")
    assert refusal(client, f"{LOAD} VALIDATE 600001 ROWS ONLY")[0] == 6045


KEYS = {
    "primary": ("a int PRIMARY KEY, b varchar(2)", b"7,x\n1,y\n7,z\n", "7", "PRIMARY"),
    "unique": ("a int, b varchar(2), UNIQUE k (b)", b"1,x\n2,x\n", "x", "k"),
    "letters": ("a int, b varchar(9) UNIQUE", b"1,Abc\n2,aBC\n", "", "b"),
    "accents": ("a int, b varchar(9) UNIQUE", "1,été\n2,ETE\n".encode(), "", "b"),
    "both": ("a int, b varchar(2), UNIQUE k (a, b)", b"1,x\n1,x\n", "1-x", "k"),
    "bin": (
        "a int, b varchar(9) COLLATE utf8mb4_bin UNIQUE", b"1,x\n2,x\n", "x", "b"
    ),
    "padded": (
        "a int, b varchar(9) COLLATE utf8mb4_general_ci UNIQUE",
        "1,é\n2,É  \n".encode(),
        "",
        "b",
    ),
}  # fmt: skip


def test_a_key_with_a_value_twice_is_told_of(
    client: Connection, files: ObjectStore
) -> None:
    for columns, content, entry, key in KEYS.values():
        files.objects["hand.csv"] = content
        run(client, with_clauses(files, columns))
        number, text = refusal(client, LOAD)
        assert number == 1062
        assert text.startswith(f"Duplicate entry '{entry}")
        assert text.endswith(f"for key 't.{key}'")
        assert refusal(client, "SELECT * FROM t")[0] == 3877
        run(client, "ALTER TABLE t VERIFY_KEY_CONSTRAINTS=0", LOAD)
        assert value(client, "SELECT COUNT(*) FROM t") == content.count(b"\n")
        run(client, "DROP TABLE t")


HOLDING = {
    "a int UNIQUE, b varchar(2)": b"1,x\n,y\n,z\n",
    "a int PRIMARY KEY, b varchar(2)": b"1,x\n2,x\n",
    "a int, b varchar(2), UNIQUE (a, b)": b"1,x\n1,y\n2,x\n",
    "a int, b varchar(9) COLLATE utf8mb4_bin UNIQUE": b"1,abc\n2,ABC\n",
    "a int, b varchar(9) UNIQUE": "1,été\n2,étée\n".encode(),
}


def test_a_key_that_holds_is_no_hindrance(
    client: Connection, files: ObjectStore
) -> None:
    for columns, content in HOLDING.items():
        files.objects["hand.csv"] = content
        run(client, with_clauses(files, columns), LOAD)
        assert value(client, "SELECT COUNT(*) FROM t") == content.count(b"\n")
        run(client, "DROP TABLE t")


def test_what_must_not_be_null_is_not(client: Connection, files: ObjectStore) -> None:
    files.objects["hand.csv"] = b"1,x\n\\N,y\n"
    run(client, with_clauses(files, "a int NOT NULL, b varchar(2)"))
    assert refusal(client, LOAD)[0] == 6041


# --- guided loads --------------------------------------------------------------------

# columns, the file, the types that they then have, and what the rows are
NARROW = {
    "one of each": (
        "a tinyint NOT NULL COMMENT 'it''s', b varchar(2) DEFAULT 'q', c decimal(3,1),"
        " d date",
        "1,x,1.5,2024-01-31 00:00:00\n-300,longer,10.25,2024-01-31 10:20:30\n",
        ["smallint", "varchar(6)", "decimal(4,2)", "datetime"],
        [("-300", "longer", "10.25", "2024-01-31 10:20:30")],
    ),
    "only what must be": (
        "a bigint, b char(1), c double", "1,xyz,2\n5,,3\n",
        ["bigint", "char(3)", "double"], [("1", "xyz", "2.0")],
    ),
    "a key": (
        "`a b` tinyint PRIMARY KEY, `it``s` tinyint UNIQUE", "1,9\n2000,-4\n",
        ["mediumint", "tinyint"], [("2000", "-4")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NARROW)
def test_a_guided_load_makes_columns_wider(
    client: Connection, files: ObjectStore, kind: str
) -> None:
    columns, content, types, wanted = NARROW[kind]
    files.objects["hand.csv"] = content.encode()
    run(client, with_clauses(files, columns))
    before = rows(client, "SHOW COLUMNS FROM t")
    assert refusal(client, f"{LOAD} GUIDED OFF")[0] in (6045, 6050, 6051, 6057, 6066)
    assert rows(client, "SHOW COLUMNS FROM t") == before
    run(client, LOAD)
    told = rows(client, "SHOW WARNINGS")
    assert all(row[:2] == ("Note", 3877) for row in told)
    after = rows(client, "SHOW COLUMNS FROM t")
    assert [row[1] for row in after] == types
    assert [(row[0], *row[2:]) for row in after] == [
        (row[0], *row[2:]) for row in before
    ]
    assert len(told) == sum(a != b for a, b in zip(before, after, strict=True))
    found = [tuple(map(str, row)) for row in rows(client, "SELECT * FROM t")]
    assert set(wanted) <= set(found)
    assert len(found) == 2
    run(client, f"{LOAD} GUIDED OFF")
    assert rows(client, "SHOW WARNINGS") == []


def test_a_guided_load_bends_no_value(client: Connection, files: ObjectStore) -> None:
    files.objects["hand.csv"] = b"1,x\n300,long\n"
    run(client, with_clauses(files, options="STRICT_LOAD=0"))
    run(client, "ALTER TABLE t MODIFY a tinyint", f"{LOAD} GUIDED OFF")
    assert rows(client, "SELECT * FROM t") == [(1, "x"), (127, "lo")]
    run(client, "SET SESSION sql_mode = 'ANSI_QUOTES'", LOAD)
    assert rows(client, "SELECT * FROM t") == [(1, "x"), (300, "long")]


def test_a_guided_load_mixes_no_kinds(client: Connection, files: ObjectStore) -> None:
    files.objects["hand.csv"] = b"1,x\nnone,y\n"
    run(client, with_clauses(files))
    assert refusal(client, LOAD)[0] == 6045
    assert refusal(client, "SELECT * FROM t") == (3877, "Table has not been loaded")
    assert rows(client, "SHOW COLUMNS FROM t")[0][1] == "int"
    left = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='hand'"
    assert rows(client, left) == [("t",)]


def test_a_guided_load_that_fails_leaves_what_was_loaded(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files, "a int UNIQUE, b varchar(2)"), LOAD)
    files.objects["hand.csv"] = b"1,long\n1,y\n"
    assert refusal(client, LOAD)[0] == 1062
    assert rows(client, "SELECT * FROM t ORDER BY a") == [(1, "x"), (2, "yy")]
    assert rows(client, "SHOW COLUMNS FROM t")[1][1] == "varchar(2)"
