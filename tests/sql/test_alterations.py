"""ALTER TABLE of external tables: whose an action is, and what there is not."""

import pytest

from heatproxy.errors import MySQLError
from heatproxy.sql.alterations import (
    Alteration,
    altered_table,
    parse_alter,
    require_columns,
)
from heatproxy.sql.lexer import tokens


def altered(actions: str) -> Alteration:
    text = f"ALTER TABLE `d`.t {actions}".encode()
    words = tokens(text)
    named = altered_table(words)
    assert named is not None
    assert named[:2] == ("d", "t")
    return parse_alter(text, words, named[2])


def plain(literal: bytes) -> str:
    return literal[1:-1].decode()


@pytest.mark.parametrize(
    ("actions", "kept", "redefines"),
    [
        ("MODIFY a bigint NOT NULL", ["MODIFY a bigint NOT NULL"], True),
        ("CHANGE COLUMN a b int FIRST", ["CHANGE COLUMN a b int FIRST"], True),
        ("RENAME COLUMN a TO b", ["RENAME COLUMN a TO b"], True),
        ("ALTER a SET DEFAULT 1", ["ALTER a SET DEFAULT 1"], False),
        ("COMMENT='x, y' COLLATE=utf8mb4_bin", None, False),
        ("DROP PRIMARY KEY, DROP KEY k", ["DROP PRIMARY KEY", "DROP KEY k"], False),
        ("ADD CHECK (a > 0) NOT ENFORCED", ["ADD CHECK (a > 0) NOT ENFORCED"], False),
        ("ALGORITHM=INPLACE, COMMENT 'x'", ["ALGORITHM=INPLACE", "COMMENT 'x'"], False),
    ],
)
def test_what_is_mysqls_stays_as_it_is(
    actions: str, kept: list[str] | None, redefines: bool
) -> None:
    found = altered(actions)
    sql = [one.columns.plain.decode() for one in found.actions]
    assert sql == (kept or [actions])
    assert any(one.redefines for one in found.actions) is redefines
    assert not any(one.renames for one in found.actions)
    assert not found.given.by_clauses


@pytest.mark.parametrize("form", ["RENAME TO u", "RENAME AS d.u", "RENAME u"])
def test_a_table_may_be_renamed(form: str) -> None:
    (action,) = altered(form).actions
    assert action.renames
    assert not action.redefines


def test_what_is_lakehouses_is_taken_out() -> None:
    found = altered("ENGINE_ATTRIBUTE='{}'")
    assert found.given.attribute == b"'{}'"
    assert found.actions == ()
    found = altered("FILES=(URI='x'), STRICT_LOAD=0 COMMENT='c', MODIFY a int")
    assert found.given.engine_attribute(plain) == {
        "file": [{"uri": "x"}],
        "dialect": {"is_strict_mode": False},
    }
    kept = [one.columns.plain for one in found.actions]
    assert kept == [b"COMMENT='c'", b"MODIFY a int"]
    reset = altered("STRICT_LOAD=DEFAULT").given
    assert (reset.by_clauses, reset.resets) == (True, {"is_strict_mode"})
    assert reset.engine_attribute(plain) == {}
    assert altered("AUTO_REFRESH_SOURCE='o'").given.auto_refresh
    assert altered("AUTO_REFRESH_SOURCE=NONE").given.auto_refresh is None
    formats = altered("MODIFY d date EXTERNAL_FORMAT '%d'")
    assert formats.literals() == [b"'%d'"]


@pytest.mark.parametrize(
    ("actions", "number", "words"),
    [
        ("ADD COLUMN a int", 1178, "support ADD COLUMN"),
        ("ADD (a int)", 1178, "support ADD COLUMN"),
        ("DROP a", 1178, "support DROP COLUMN"),
        ("ADD INDEX (a)", 1178, "support ADD INDEX"),
        ("ADD UNIQUE KEY k (a)", 1178, "support ADD INDEX"),
        ("ADD CONSTRAINT c PRIMARY KEY (a)", 1178, "support ADD INDEX"),
        ("ADD FULLTEXT (a)", 1214, "FULLTEXT indexes"),
        ("ADD SPATIAL INDEX (a)", 1464, "SPATIAL indexes"),
        ("ADD CHECK (a > 0)", 1178, "enforced check constraints"),
        ("ADD PARTITION (PARTITION p0)", 1178, "ADD PARTITION"),
        ("FORCE", 1178, "FORCE"),
        ("DISCARD TABLESPACE", 1178, "DISCARD TABLESPACE"),
        ("IMPORT TABLESPACE", 1178, "IMPORT TABLESPACE"),
        ("CONVERT TO CHARACTER SET latin1", 1178, "CONVERT TO"),
        ("ORDER BY a", 1178, "ORDER BY"),
        ("ALTER INDEX k INVISIBLE", 1178, "ALTER INDEX"),
        ("ENGINE=InnoDB", 3889, "Cannot change the primary engine"),
        ("SECONDARY_ENGINE=RAPID", 3889, "already has a secondary engine"),
        ("SECONDARY_ENGINE NULL", 1178, "SECONDARY_ENGINE=NULL"),
        ("ROW_FORMAT=COMPRESSED", 1478, "'ROW_FORMAT'"),
        ("COMMENT='x' ENCRYPTION='Y'", 1478, "'ENCRYPTION'"),
        ("PARTITION BY KEY (a)", 1478, "'PARTITION'"),
        ("MODIFY a int AUTO_INCREMENT", 1164, "AUTO_INCREMENT columns"),
        ("MODIFY a int INVISIBLE", 1178, "invisible columns"),
        ("MODIFY a int REFERENCES u (a)", 1178, "foreign keys"),
        ("SECONDARY_LOAD, COMMENT='x'", 1064, "near 'SECONDARY_LOAD,"),
        ("COMMENT='x', SECONDARY_UNLOAD", 1064, "near 'SECONDARY_UNLOAD'"),
        ("NONSENSE", 1064, "near 'NONSENSE'"),
        ("MODIFY a", 1064, "near ''"),
        ("STRICT_LOAD=3", 1064, "near '3'"),
    ],
)
def test_what_no_external_table_has_is_refused_by_name(
    actions: str, number: int, words: str
) -> None:
    with pytest.raises(MySQLError) as error:
        altered(actions)
    assert error.value.number == number
    assert words in error.value.message


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("a int DEFAULT (1 + 1)", "default expressions"),
        ("a timestamp DEFAULT CURRENT_TIMESTAMP", "default expressions"),
        ("a datetime ON UPDATE NOW()", "default expressions"),
        ("a int STORAGE DISK", "STORAGE of a column"),
    ],
)
def test_columns_are_what_files_can_hold(columns: str, words: str) -> None:
    with pytest.raises(MySQLError, match=words):
        require_columns(tokens(columns.encode()))


def test_a_default_may_be_a_literal() -> None:
    require_columns(tokens(b"a int DEFAULT 1, b varchar(9) DEFAULT 'NOW()', KEY (a)"))
