"""PREPARE, EXECUTE and DEALLOCATE PREPARE of statements that are ours."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.statements.named import unquoted
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import BY_BAYES, schema  # noqa: F401

pytestmark = pytest.mark.mysql

Connection = Any

SELECTS = {
    "no parameters": ("SELECT id, name, price FROM t ORDER BY id", ""),
    "an integer": ("SELECT id, day FROM t WHERE id > ? ORDER BY id", "@i"),
    "text": ("SELECT id, note FROM t WHERE name = ? ORDER BY id", "@s"),
    "a decimal and a double": (
        "SELECT id, x FROM t WHERE price > ? AND x < ? ORDER BY id",
        "@d, @e",
    ),
    "limit": ("SELECT id FROM t ORDER BY id LIMIT ? OFFSET ?", "@three, @i"),
    "null": ("SELECT COUNT(*) FROM t WHERE n = ?", "@never"),
    "in the select list": ("SELECT ?, id + ? FROM t WHERE id = ?", "@i, @three, @i"),
}
VARIABLES = "SET @i = 7, @s = 'Bob', @d = 500.25, @e = 0.5, @three = 3"


@pytest.mark.parametrize(("sql", "using"), SELECTS.values(), ids=SELECTS)
def test_a_select_gives_the_rows_that_mysql_gives(
    client: Connection, backend: Connection, sql: str, using: str
) -> None:
    found = []
    for connection in (client, backend):
        run(connection, VARIABLES, f"PREPARE s FROM '{sql}'")
        again = f"EXECUTE S{' USING ' + using if using else ''}"
        found.append([rows(connection, again), rows(connection, again)])
        run(connection, "DEALLOCATE PREPARE s")
        found[-1].append([refusal(connection, again)])
    assert found[0] == found[1]
    assert found[0][0] or using == "@never"


def test_text_may_come_from_a_variable(client: Connection) -> None:
    run(client, "SET @q = 'SELECT COUNT(*) FROM t WHERE name <> ''it''''s'''")
    run(client, "PREPARE `a b` FROM @q")
    assert rows(client, "EXECUTE `A B`") == [(200,)]
    run(client, "SET @q = 'SELECT 1'", "PREPARE `a b` FROM @q")
    assert rows(client, "EXECUTE `a b`") == [(1,)]
    run(client, "SET @q = 'SELECT COUNT(*) FROM t'", "PREPARE `a b` FROM @q")
    assert refusal(client, "PREPARE `a b` FROM 'SELEC'")[0] == 1064
    assert refusal(client, "EXECUTE `a b`")[0] == 1243  # it went with the failure


def test_errors_are_mysqls(client: Connection, backend: Connection) -> None:
    held = []
    for connection in (client, backend):
        run(connection, VARIABLES, "PREPARE s FROM 'SELECT id FROM t LIMIT ?'")
        said = [
            refusal(connection, sql)
            for sql in (
                "EXECUTE s",
                "EXECUTE s USING @i, @i",
                "EXECUTE s USING @s",
                "EXECUTE s USING 5",
                "EXECUTE nobody",
                "PREPARE t FROM 'SELECT nothing FROM t'",
                "PREPARE t FROM 'SELECT 1 FROM t; SELECT 2'",
                "EXECUTE t",
                "DEALLOCATE PREPARE t",
            )
        ]
        held.append(said)
    assert held[0] == held[1]


def test_a_reset_forgets_names(server: Server, client: Connection) -> None:
    run(client, "PREPARE s FROM 'SELECT COUNT(*) FROM t'")
    assert rows(client, "EXECUTE s") == [(200,)]
    client._execute_command(0x1F, b"")
    client._read_ok_packet()
    assert refusal(client, "EXECUTE s")[0] == 1243


@pytest.fixture
def learning(server: Server, schema: str) -> Iterator[Connection]:  # noqa: F811
    with closing(server.connect(database=schema)) as connection:
        yield connection


def test_call_reaches_its_variables(learning: Connection) -> None:
    run(
        learning,
        "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'named'",
        "PREPARE train FROM 'CALL sys.ML_TRAIN(?, ?, ?, ?)'",
        "SET @t = 'routines.customers', @c = 'y', @m = 'named'",
        f"SET @o = {BY_BAYES}",
        "EXECUTE train USING @t, @c, @o, @m",
        "PREPARE score FROM 'CALL sys.ML_SCORE(?, ?, ?, ''accuracy'', ?, NULL)'",
        "SET @score = NULL",
        "EXECUTE score USING @t, @c, @m, @score",
    )
    assert value(learning, "SELECT @m") == "named"
    assert 0 < value(learning, "SELECT @score") <= 1
    number, _ = refusal(learning, "EXECUTE train USING @t, @c, @o, @m")
    assert number == 3877  # the model exists
    run(
        learning,
        "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'named'",
    )


def test_row_functions_take_variables(learning: Connection) -> None:
    row = '{"age": 61, "job": "nurse", "balance": 0.5}'
    run(learning, f"SET @row = '{row}', @m = 'bayes'")
    expected = value(learning, "SELECT sys.ML_PREDICT_ROW(@row, @m, NULL)")
    run(learning, "PREPARE p FROM 'SELECT sys.ML_PREDICT_ROW(?, ?)'")
    assert rows(learning, "EXECUTE p USING @row, @m") == [(expected,)]


TEXTS = {
    b"'a'": b"a",
    b"'it''s'": b"it's",
    b'"a ""b"" \'c\'"': b"a \"b\" 'c'",
    rb"'a\'b\\c\n\0\%\_\q'": b"a'b\\c\n\0\\%\\_q",
    b"''": b"",
}


@pytest.mark.parametrize(("text", "said"), TEXTS.items())
def test_a_literal_says_what_mysql_reads(text: bytes, said: bytes) -> None:
    assert unquoted(text, backslash_escapes=True) == said


def test_without_escapes_a_backslash_stands_for_itself() -> None:
    assert unquoted(rb"'a\n''b'", backslash_escapes=False) == rb"a\n'b"
