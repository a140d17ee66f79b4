"""SHOW CREATE TABLE of Lakehouse tables, from what MySQL says of their shells."""

import pytest

from heatproxy.sql.external import parse_create
from heatproxy.sql.lexer import tokens
from heatproxy.sql.shown import clauses, create_table
from heatproxy.sql.versioned import opened

MARK = """ /*!80021 SECONDARY_ENGINE_ATTRIBUTE='{"heatproxy": {"id": "t_1"}}' */"""
TAIL = ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 SECONDARY_ENGINE=RAPID" + MARK
ATTRIBUTE = {
    "file": [{"par": "https://h/p?a='b'"}],
    "dialect": {"has_header": True, "record_delimiter": "\n"},
}


def test_a_table_with_an_attribute() -> None:
    shown = create_table(
        "CREATE TABLE `t` (\n  `a` int DEFAULT NULL\n" + TAIL,
        ATTRIBUTE,
        by_clauses=False,
    )
    assert shown == (
        "CREATE TABLE `t` (\n  `a` int DEFAULT NULL\n) ENGINE=Lakehouse DEFAULT"
        " CHARSET=utf8mb4 SECONDARY_ENGINE=RAPID /*!80021 ENGINE_ATTRIBUTE="
        """'{"file": [{"par": "https://h/p?a=''b''"}], "dialect": {"has_header": """
        r"""true, "record_delimiter": "\\n"}}' */"""
    )


def test_a_table_with_clauses() -> None:
    column = (
        """ /*!80021 SECONDARY_ENGINE_ATTRIBUTE '{"date_format": "%d''\\\\n"}' */"""
    )
    shown = create_table(
        f"CREATE TABLE `t` (\n  `a` date DEFAULT NULL{column}\n{TAIL}",
        {"file": [{"uri": "oci://b@n/x"}], "dialect": {"check_constraints": False}},
        by_clauses=True,
    )
    assert shown == (
        "CREATE EXTERNAL TABLE `t` (\n  `a` date DEFAULT NULL EXTERNAL_FORMAT"
        r" '%d''\n'" + "\n) ENGINE=Lakehouse DEFAULT CHARSET=utf8mb4"
        " SECONDARY_ENGINE=RAPID FILES=(URI='oci://b@n/x') VERIFY_KEY_CONSTRAINTS=0"
    )


@pytest.mark.parametrize(
    "name", [") ENGINE=InnoDB", MARK, "a``b" + MARK, "'", '"', "\n) ENGINE=InnoDB"]
)
@pytest.mark.parametrize("quote", ["`", '"'])
def test_names_and_comments_stay_what_they_are(name: str, quote: str) -> None:
    quoted = quote + name.replace("`", "").replace(quote, quote * 2) + quote
    comment = "COMMENT '" + name.replace("'", "''") + "'"
    body = f"CREATE TABLE {quoted} (\n  {quoted} int {comment}\n"
    shown = create_table(body + TAIL, ATTRIBUTE, by_clauses=False)
    assert shown.startswith(body + ") ENGINE=Lakehouse ")
    assert shown.count("heatproxy") == body.count("heatproxy")


DIALECTS = [
    {},
    {"format": "parquet"},
    {"format": "csv", "field_delimiter": "\t", "record_delimiter": "\r\n"},
    {"quotation_marks": "'", "escape_character": "\\", "skip_rows": 3},
    {"has_header": False, "encoding": "latin1", "compression": "gzip"},
    {"date_format": "%d", "time_format": "%H", "timestamp_format": "%Y"},
    {"is_strict_mode": True, "check_constraints": False, "allow_missing_files": True},
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
def test_clauses_read_back_as_what_they_say(dialect: dict[str, object]) -> None:
    files = [
        {"uri": "u", "prefix": "p"},
        {"uri": "it's", "pattern": "\\d+", "is_strict_mode": False},
        {"uri": "v", "name": "n", "allow_missing_files": True},
    ]
    attribute = {"file": files} | ({"dialect": dialect} if dialect else {})
    text = f"CREATE EXTERNAL TABLE t (a int) {clauses(attribute)}".encode()
    found = parse_create(text, tokens(text))
    unescaped = {r"\t": "\t", r"\r": "\r", r"\n": "\n", r"\\": "\\"}

    def plain(literal: bytes) -> str:
        read = literal[1:-1].decode().replace("''", "'")
        for written, meant in unescaped.items():
            read = read.replace(written, meant)
        return read

    assert found.given.engine_attribute(plain) == attribute


def test_what_is_shown_with_a_versioned_comment_reads_back() -> None:
    shown = create_table(
        "CREATE TABLE `t` (\n  `a` int\n" + TAIL, ATTRIBUTE, by_clauses=False
    ).encode()
    text = opened(shown)
    found = parse_create(text, tokens(text))
    assert found.given.attribute is not None
    assert found.options == b"DEFAULT CHARSET=utf8mb4"
