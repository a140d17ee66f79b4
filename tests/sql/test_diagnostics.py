"""Statements that ask what the one before them has left."""

import pytest

from heatproxy.sql.diagnostics import Get, Show, get, replaced, show
from heatproxy.sql.lexer import tokens

VALUES = {"FOUND_ROWS": 7, "ROW_COUNT": -1, "@@WARNING_COUNT": 2, "@@ERROR_COUNT": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"SHOW WARNINGS", Show(only_errors=False, counts=False)),
        (b"show errors", Show(only_errors=True, counts=False)),
        (b"SHOW COUNT(*) ERRORS", Show(only_errors=True, counts=True)),
        (b"SHOW WARNINGS LIMIT 3", Show(False, False, 0, 3)),
        (b"SHOW WARNINGS LIMIT 2, 3", Show(False, False, 2, 3)),
        (b"SHOW TABLES", None),
        (b"SHOW", None),
        (b"SHOW WARNINGS LIKE 'x'", None),
        (b"SHOW COUNT(*)", None),
    ],
)
def test_show_warnings_is_understood(text: bytes, expected: Show | None) -> None:
    assert show(tokens(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b"GET DIAGNOSTICS @n = number, @`r` = ROW_COUNT",
            Get(None, [(b"@n", "NUMBER"), (b"@`r`", "ROW_COUNT")]),
        ),
        (
            b"get current diagnostics condition @i @e = MYSQL_ERRNO",
            Get(b"@i", [(b"@e", "MYSQL_ERRNO")]),
        ),
        (b"GET DIAGNOSTICS n = NUMBER", None),
        (b"GET DIAGNOSTICS @n = NUMBER,", None),
        (b"GET DIAGNOSTICS CONDITION 1", None),
        (b"GET STACKED DIAGNOSTICS @n = NUMBER", None),
        (b"GET", None),
    ],
)
def test_get_diagnostics_is_understood(text: bytes, expected: Get | None) -> None:
    assert get(text, tokens(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b"SELECT FOUND_ROWS()",
            b"SELECT IF(1, 7, FOUND_ROWS()) AS `FOUND_ROWS()`",
        ),
        (
            b"SELECT row_count ( ) n, 1 FROM dual",
            b"SELECT IF(1, -1, row_count ( )) n, 1 FROM dual",
        ),
        (
            b"SELECT 1 + @@warning_count, @@session.error_count AS e",
            b"SELECT 1 + IF(1, CAST(2 AS UNSIGNED), @@warning_count)"
            b" AS `1 + @@warning_count`,"
            b" IF(1, CAST(1 AS UNSIGNED), @@session.error_count) AS e",
        ),
        (b"SET @n = FOUND_ROWS()", b"SET @n = IF(1, 7, FOUND_ROWS())"),
        (b"SELECT 'FOUND_ROWS()'", None),
        (b"SELECT found_rows FROM t", None),
        (b"SELECT `found_rows`()", None),
    ],
)
def test_what_is_asked_for_is_put_in(text: bytes, expected: bytes | None) -> None:
    assert replaced(text, tokens(text), VALUES) == expected
