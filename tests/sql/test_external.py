"""The DDL of external tables: what is MySQL's, what is Lakehouse's, what is neither."""

import pytest

from heatproxy.errors import MySQLError
from heatproxy.sql.external import External, creates_external, parse_create
from heatproxy.sql.external_columns import Format
from heatproxy.sql.lexer import tokens


def created(text: str) -> External:
    words = tokens(text.encode())
    assert creates_external(words)
    return parse_create(text.encode(), words)


def plain(literal: bytes) -> str:
    return literal[1:-1].decode()


@pytest.mark.parametrize(
    ("text", "external"),
    [
        ("CREATE TABLE t (a int) ENGINE=lakehouse", True),
        ("create table `t` (a int) secondary_engine rapid engine 'Lakehouse'", True),
        ("CREATE EXTERNAL TABLE t (a int)", True),
        ("CREATE TABLE t (a int)", False),
        ("CREATE TABLE t (a int) ENGINE=InnoDB COMMENT 'ENGINE=lakehouse'", False),
        ("CREATE TABLE t (engine int, lakehouse int)", False),
        ("CREATE TEMPORARY TABLE t (a int) ENGINE=lakehouse", True),
        ("CREATE TEMPORARY TABLE t (a int)", False),
    ],
)
def test_an_external_table_is_known_by_its_words(text: str, external: bool) -> None:
    assert creates_external(tokens(text.encode())) is external


def test_the_form_with_engine_attribute() -> None:
    found = created(
        "CREATE TABLE `db`.`t`( `a` int unsigned NOT NULL, `b` varchar(9) COMMENT"
        " 'x, y') ENGINE=lakehouse SECONDARY_ENGINE=RAPID COMMENT='a table'"
        """ ENGINE_ATTRIBUTE='{"file": []}';"""[:-1]
    )
    assert (found.schema, found.name, found.if_not_exists) == ("db", "t", False)
    wanted = b"`a` int unsigned NOT NULL, `b` varchar(9) COMMENT 'x, y'"
    assert found.definition.plain == wanted
    assert found.options == b"COMMENT='a table'"
    assert found.given.attribute == b"""'{"file": []}'"""
    assert found.literals() == [found.given.attribute]


def test_the_form_with_clauses() -> None:
    found = created(
        "CREATE EXTERNAL TABLE IF NOT EXISTS t (a int, d date EXTERNAL_FORMAT '%d.%m',"
        " PRIMARY KEY (a)) FILE_FORMAT = (FORMAT csv COMPRESSION 'gzip' CHARACTER SET"
        " latin1 HEADER ON FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY 'q' ESCAPED"
        " BY 'e' DATE FORMAT 'D' TIME FORMAT 'T' DATETIME FORMAT 'DT' LINES TERMINATED"
        " BY 'nl' IGNORE 3 LINES) FILES = (URI = 'u1' STRICT_LOAD=1, URL 'u2'"
        " FILE_PREFIX='p' ALLOW_MISSING_FILES = 0) STRICT_LOAD = DEFAULT,"
        " VERIFY_KEY_CONSTRAINTS=0 ALLOW_MISSING_FILES=1 DEFAULT CHARSET=utf8mb4"
    )
    assert found.if_not_exists
    assert found.definition.plain == b"a int, d date , PRIMARY KEY (a)"
    assert found.options == b"DEFAULT CHARSET=utf8mb4"
    assert found.definition.formats == (
        Format("EXTERNAL_FORMAT", b"'%d.%m'", "d", "DATE"),
    )
    assert found.given.engine_attribute(plain) == {
        "file": [
            {"uri": "u1", "is_strict_mode": True},
            {"uri": "u2", "prefix": "p", "allow_missing_files": False},
        ],
        "dialect": {
            "format": "csv",
            "compression": "gzip",
            "encoding": "latin1",
            "has_header": True,
            "field_delimiter": ";",
            "quotation_marks": "q",
            "escape_character": "e",
            "date_format": "D",
            "time_format": "T",
            "timestamp_format": "DT",
            "record_delimiter": "nl",
            "skip_rows": 3,
            "check_constraints": False,
            "allow_missing_files": True,
        },
    }


def test_a_file_without_commas_or_equals() -> None:
    found = created("CREATE EXTERNAL TABLE t (a int) FILES (URI 'x')")
    assert found.given.engine_attribute(plain) == {"file": [{"uri": "x"}]}
    assert created("CREATE EXTERNAL TABLE t (a int) AUTO_REFRESH=1").given.auto_refresh
    off = created("CREATE EXTERNAL TABLE t (a int) AUTO_REFRESH_SOURCE = NONE")
    assert off.given.auto_refresh is None


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("CREATE EXTERNAL TABLE t", ""),
        ("CREATE EXTERNAL TABLE t (a int", ""),
        ("CREATE EXTERNAL TABLE t (a int) ENGINE=InnoDB", "InnoDB"),
        ("CREATE EXTERNAL TABLE t (a int) SECONDARY_ENGINE=x", "x"),
        ("CREATE EXTERNAL TABLE t (a int) FILES 'x'", "'x'"),
        ("CREATE EXTERNAL TABLE t (a int) FILES = (NAME 'x')", "NAME 'x')"),
        ("CREATE EXTERNAL TABLE t (a int) FILES = ()", ")"),
        ("CREATE EXTERNAL TABLE t (a int) STRICT_LOAD=2", "2"),
        ("CREATE EXTERNAL TABLE t (a int) FILE_FORMAT=(HEADER 1)", "1)"),
        ("CREATE EXTERNAL TABLE t (a int) FILE_FORMAT=(FIELDS)", ""),
        ("CREATE EXTERNAL TABLE t (a int)\nFILE_FORMAT=(LINES ENCLOSED BY 'x')", ""),
        ("CREATE EXTERNAL TABLE t (a int EXTERNAL_FORMAT 7)", "7)"),
    ],
)
def test_what_the_grammar_does_not_allow_is_1064(text: str, near: str) -> None:
    with pytest.raises(MySQLError) as error:
        created(text)
    assert error.value.number == 1064
    assert f"near '{near}" in error.value.message
    assert error.value.message.endswith(f"at line {2 if chr(10) in text else 1}")


def test_no_external_table_is_temporary() -> None:
    with pytest.raises(MySQLError, match="option 'TEMPORARY'"):
        created("CREATE TEMPORARY TABLE t (a int) ENGINE=lakehouse")
