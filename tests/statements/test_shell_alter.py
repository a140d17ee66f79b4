"""ALTER TABLE of Lakehouse tables: what it changes, and that it changes all or none."""

from contextlib import closing

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import columns_of, refusal, rows, run, value
from tests.conftest import Server
from tests.statements.byhand import FORMAT, attribute, files_of, with_clauses
from tests.statements.conftest import Connection

pytestmark = pytest.mark.mysql

LOAD = "ALTER TABLE t SECONDARY_LOAD"
BOTH = [(1, "x"), (2, "yy")]


@pytest.fixture(params=[False, True], ids=["unloaded", "loaded"])
def table(
    client: Connection, files: ObjectStore, request: pytest.FixtureRequest
) -> str:
    """``hand.t``, of two rows, loaded or not; what loads it then."""
    run(client, with_clauses(files))
    if request.param:
        run(client, LOAD)
    return "DO 0" if request.param else LOAD


CHANGES = {
    "MODIFY a bigint": ("a", "bigint", "SELECT a, b FROM t ORDER BY a"),
    "MODIFY COLUMN b varchar(300)": ("b", "varchar(300)", "SELECT * FROM t ORDER BY a"),
    "ALTER b SET DEFAULT 'z', COMMENT='c'": (
        "b", "varchar(300)", "SELECT * FROM t ORDER BY a"
    ),
    "MODIFY a bigint COMMENT 'RAPID_COLUMN=ENCODING=SORTED'": (
        "a", "bigint", "SELECT * FROM t ORDER BY a"
    ),
    "CHANGE a c decimal(9,2), RENAME COLUMN b TO `it's`": (
        "it's", "varchar(300)", "SELECT CAST(c AS SIGNED), `it's` FROM t ORDER BY c"
    ),
}  # fmt: skip


def test_columns_are_changed(
    client: Connection, files: ObjectStore, table: str
) -> None:
    for change, (name, kind, query) in CHANGES.items():
        run(client, f"ALTER TABLE t {change}", table)
        assert (name, kind) in columns_of(client, "t")
        assert rows(client, query) == BOTH
    assert rows(client, "SHOW TABLES") == [("t",)]


def test_other_files_are_read(
    client: Connection, files: ObjectStore, table: str
) -> None:
    files.objects["more.csv"] = b"3,z\n"
    run(client, f"ALTER TABLE t {files_of(files, 'hand.csv', 'more.csv')}", table)
    assert rows(client, "SELECT * FROM t ORDER BY a") == [*BOTH, (3, "z")]
    run(client, f"ALTER TABLE t ENGINE_ATTRIBUTE='{attribute(files, 'more.csv')}'")
    run(client, table)
    assert rows(client, "SELECT * FROM t") == [(3, "z")]
    assert "ENGINE_ATTRIBUTE" in rows(client, "SHOW CREATE TABLE t")[0][1]


def test_other_rules_are_read_by(
    client: Connection, files: ObjectStore, table: str
) -> None:
    files.objects["hand.csv"] = b"a;b\n3;z\n"
    form = "FILE_FORMAT=(HEADER ON FIELDS TERMINATED BY ';')"
    run(client, f"ALTER TABLE t {form}, COMMENT='other'", table)
    assert rows(client, "SELECT * FROM t") == [(3, "z")]
    shown = rows(client, "SHOW CREATE TABLE t")[0][1]
    assert "COMMENT='other'" in shown
    assert "HEADER ON FIELDS TERMINATED BY ';' LINES TERMINATED BY '\\n'" in shown


FAILING = {
    "MODIFY b varchar(1)": 6066,
    "ADD COLUMN z int": 1178,
    "DROP COLUMN a": 1178,
    "ADD PRIMARY KEY (a)": 1178,
    "ENGINE=InnoDB": 3889,
    "SECONDARY_ENGINE=NULL": 1178,
    "RENAME COLUMN nothing TO x": 1054,
    "MODIFY a int, MODIFY a bigint": 1054,
    "ENGINE_ATTRIBUTE='{'": 3140,
    "ENGINE_ATTRIBUTE='{}', STRICT_LOAD=1": 3877,
    "RENAME TO u, MODIFY a bigint": 1235,
}


def test_what_fails_changes_nothing(client: Connection, files: ObjectStore) -> None:
    run(client, with_clauses(files), LOAD)
    before = rows(client, "SHOW CREATE TABLE t")
    missing = files_of(files, "missing.csv")
    for change, number in {**FAILING, missing: 6068}.items():
        assert refusal(client, f"ALTER TABLE t {change}")[0] == number, change
        assert rows(client, "SHOW CREATE TABLE t") == before
    assert rows(client, "SELECT * FROM t ORDER BY a") == BOTH
    assert rows(client, "SHOW TABLES") == [("t",)]


def test_a_key_is_checked_by_what_it_is_now(
    client: Connection, files: ObjectStore
) -> None:
    files.objects["hand.csv"] = b"1,x\n2,X\n"
    columns = "a int, b varchar(2) COLLATE utf8mb4_bin UNIQUE"
    run(client, with_clauses(files, columns), LOAD)
    change = "ALTER TABLE t MODIFY b varchar(2) COLLATE utf8mb4_0900_ai_ci"
    number, text = refusal(client, change)
    assert number == 1062
    assert text.endswith("for key 't.b'")
    run(client, "ALTER TABLE t DROP KEY b", change)
    assert value(client, "SELECT COUNT(*) FROM t WHERE b = 'x'") == 2


def test_a_renamed_table_keeps_its_rows(client: Connection, files: ObjectStore) -> None:
    run(client, with_clauses(files), LOAD, "CREATE VIEW v AS SELECT a FROM t")
    run(client, "ALTER TABLE t RENAME TO u", "RENAME TABLE u TO `odd ``name`")
    assert rows(client, "SELECT * FROM `odd ``name` ORDER BY a") == BOTH
    assert refusal(client, "SELECT * FROM v")[0] == 1356
    run(client, "RENAME TABLE `odd ``name` TO t")
    assert rows(client, "SELECT a FROM v ORDER BY a") == [(1,), (2,)]


def test_a_flag_goes_back_to_its_default(
    client: Connection, files: ObjectStore
) -> None:
    files.objects["hand.csv"] = b"1,long\n"
    run(client, with_clauses(files, options="STRICT_LOAD=0"), f"{LOAD} GUIDED OFF")
    assert rows(client, "SELECT * FROM t") == [(1, "lo")]
    assert refusal(client, "ALTER TABLE t STRICT_LOAD=DEFAULT")[0] == 6066
    assert "STRICT_LOAD=0" in rows(client, "SHOW CREATE TABLE t")[0][1]
    run(client, "ALTER TABLE t SECONDARY_UNLOAD", "ALTER TABLE t STRICT_LOAD=DEFAULT")
    assert "STRICT_LOAD" not in rows(client, "SHOW CREATE TABLE t")[0][1]
    assert refusal(client, f"{LOAD} GUIDED OFF")[0] == 6066


def test_who_may_not_alter_may_not(
    server: Server, client: Connection, files: ObjectStore
) -> None:
    run(
        client,
        with_clauses(files),
        LOAD,
        "DROP USER IF EXISTS reader",
        "CREATE USER reader IDENTIFIED BY 'secret-1'",
        "GRANT SELECT ON hand.* TO reader",
    )
    with closing(
        server.connect(user="reader", password="secret-1", database="hand")
    ) as reader:
        assert rows(reader, "SELECT * FROM t ORDER BY a") == BOTH
        for change in (
            "MODIFY a bigint",
            "STRICT_LOAD=1",
            "SECONDARY_LOAD",
            "COMMENT='x'",
        ):
            assert refusal(reader, f"ALTER TABLE t {change}")[0] == 1142
        assert refusal(reader, "ALTER TABLE t SECONDARY_UNLOAD")[0] == 1142
        run(client, "GRANT ALTER ON hand.t TO reader")
        run(reader, LOAD, "ALTER TABLE t COMMENT='x'")
        # MySQL wants CREATE and INSERT besides, as for any ALTER TABLE that copies
        number, text = refusal(reader, "ALTER TABLE t MODIFY a bigint")
        assert (number, "denied to user" in text) == (1142, True)
        assert text.endswith("for table 't'")
        assert rows(reader, "SELECT * FROM t ORDER BY a") == BOTH
    run(client, "DROP USER reader")
    assert rows(client, "SHOW TABLES") == [("t",)]


def test_a_statement_that_alters_nothing_is_fine(
    client: Connection, files: ObjectStore
) -> None:
    run(client, with_clauses(files), LOAD, "ALTER TABLE t AUTO_REFRESH_SOURCE=NONE")
    assert rows(client, "SHOW WARNINGS") == []
    run(client, f"ALTER TABLE t {FORMAT}")
    assert rows(client, "SELECT * FROM t ORDER BY a") == BOTH
