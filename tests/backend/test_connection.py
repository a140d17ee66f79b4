"""Statements of heatproxy's own on a session, whatever the session has agreed on."""

import decimal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from heatproxy.backend.connection import BackendConnection
from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.packets import Status
from tests.backend.legs import connection_to
from tests.conftest import Server
from tests.rawclient import (
    DEPRECATE_EOF,
    MULTI_STATEMENTS,
    OPTIONAL_METADATA,
    QUERY_ATTRIBUTES,
    SESSION_TRACK,
)

pytestmark = pytest.mark.mysql

CLIENTS = {
    "old": MULTI_STATEMENTS,
    "mixed": OPTIONAL_METADATA | QUERY_ATTRIBUTES | MULTI_STATEMENTS,
    "new": DEPRECATE_EOF
    | OPTIONAL_METADATA
    | QUERY_ATTRIBUTES
    | SESSION_TRACK
    | MULTI_STATEMENTS,
}


@pytest_asyncio.fixture(params=CLIENTS.values(), ids=CLIENTS)
async def backend(
    server: Server, request: pytest.FixtureRequest
) -> AsyncIterator[BackendConnection]:
    async with connection_to(server, request.param) as connection:
        yield connection


async def test_rows_come_as_text(backend: BackendConnection) -> None:
    result = await backend.query("SELECT 1 AS a, 'é日', NULL, 1.50, ''")
    assert result.texts() == [("1", "é日", None, "1.50", "")]
    assert [column.name for column in result.columns][:2] == ["a", "é日"]


async def test_many_rows_and_long_ones(backend: BackendConnection) -> None:
    await backend.query("SET cte_max_recursion_depth = 100000")
    sql = (
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    )
    result = await backend.query(sql.format(20_000) + " SELECT i FROM n")
    assert [int(row[0] or 0) for row in result.rows] == list(range(1, 20_001))
    long = await backend.query("SELECT REPEAT('x', 17000000), 'end'")
    assert [len(value or b"") for value in long.rows[0]] == [17_000_000, 3]


async def test_a_statement_without_rows_says_what_it_changed(
    backend: BackendConnection,
) -> None:
    await backend.query("CREATE TEMPORARY TABLE sys.heat_c (a INT)")
    result = await backend.query("INSERT INTO sys.heat_c VALUES (1), (2)")
    assert (result.affected_rows, result.rows) == (2, ())
    assert await backend.scalar("SELECT SUM(a) FROM sys.heat_c") == "3"
    assert await backend.scalar("SELECT a FROM sys.heat_c WHERE FALSE") is None


async def test_flags_of_the_session_are_kept(backend: BackendConnection) -> None:
    await backend.query("BEGIN")
    assert backend.status & Status.IN_TRANS
    await backend.query("ROLLBACK")
    assert not backend.status & Status.IN_TRANS
    await backend.query("SET autocommit = 0, sql_mode = 'NO_BACKSLASH_ESCAPES'")
    assert not backend.status & Status.AUTOCOMMIT
    assert backend.status & Status.NO_BACKSLASH_ESCAPES


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("SELEC", 1064),
        ("SELECT * FROM sys.nowhere", 1146),
        ("SELECT nothing", 1054),
        ("SELECT 1; SELECT nothing", 1054),
        ("SELECT (SELECT 1 UNION SELECT 2)", 1242),
    ],
)
async def test_an_error_leaves_the_session_usable(
    backend: BackendConnection, sql: str, number: int
) -> None:
    with pytest.raises(MySQLError) as refusal:
        await backend.query(sql)
    assert refusal.value.number == number
    assert await backend.scalar("SELECT 5") == "5"


async def test_the_results_of_a_procedure_are_read_to_the_end(
    backend: BackendConnection,
) -> None:
    result = await backend.query("SELECT 1; SELECT 2; SET @a = 3")
    assert result.texts() == [("1",)]
    assert await backend.scalar("SELECT @a") == "3"


EXPRESSIONS = {
    b"NULL": None,
    b"1 + 1": "2",
    b"'a''b'": "a'b",
    b"JSON_OBJECT('k', JSON_ARRAY(1, 'x'))": '{"k": [1, "x"]}',
    "'日本 😀'".encode(): "日本 😀",
    b"_latin1 X'e9'": "é",
    b"@nothing": None,
    b"''": "",
    b"1.50": "1.50",
    b"DATE'2024-01-02'": "2024-01-02",
    b"'x' -- why": "x",
    b"TRUE": "1",
}
SESSIONS = {
    "default": "DO 0",
    "ansi": "SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'",
    "latin1": "SET character_set_results = latin1, collation_connection = latin1_bin",
    "utf16": "SET character_set_results = utf16",
    "binary": "SET character_set_results = NULL",
    "pipes": "SET sql_mode = 'PIPES_AS_CONCAT,ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH'",
}


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
async def test_expressions_are_evaluated(
    backend: BackendConnection, session: str
) -> None:
    await backend.query(session)
    values = await backend.evaluate(list(EXPRESSIONS))
    connection_has_no_cjk = "latin1_bin" in session
    for (text, expected), value in zip(EXPRESSIONS.items(), values, strict=True):
        if not (connection_has_no_cjk and text.startswith("'日".encode())):
            assert value == expected, text


async def test_a_value_may_be_nearly_as_long_as_a_packet(
    backend: BackendConnection,
) -> None:
    allowed = int(await backend.scalar("SELECT @@max_allowed_packet") or 0)
    count = allowed // 4 * 3
    await backend.query(f"SET @long = REPEAT('x', {count})")
    (value,) = await backend.evaluate([b"@long"])
    assert value == "x" * count


async def test_nothing_is_evaluated_to_nothing(backend: BackendConnection) -> None:
    assert await backend.evaluate([]) == []


@pytest.mark.parametrize(
    ("expression", "number"), [(b"nothing", 1054), (b"1 +", 1064), (b"(SELECT", 1064)]
)
async def test_a_wrong_expression_is_refused_in_mysqls_words(
    backend: BackendConnection, expression: bytes, number: int
) -> None:
    with pytest.raises(MySQLError) as refusal:
        await backend.evaluate([b"1", expression])
    assert refusal.value.number == number
    assert await backend.evaluate([b"2"]) == ["2"]


@pytest.mark.parametrize("session", ["latin1", "utf16", "utf32", "cp1251", "utf8mb3"])
async def test_text_is_read_in_the_sessions_character_set(
    backend: BackendConnection, session: str
) -> None:
    text = "жук" if session == "cp1251" else "é"
    await backend.query(f"SET character_set_results = {session}")
    result = await backend.query(f"SELECT '{text}', 5, NULL, X'41'")
    assert result.texts() == [(text, "5", None, "A")]


async def test_columns_of_a_prepared_select(backend: BackendConnection) -> None:
    columns = await backend.prepared_columns(
        b"SELECT 1 AS one, user AS u, CAST(NULL AS DECIMAL(9,2)) FROM mysql.user"
        b" WHERE ? = 1"
    )
    assert [column.name for column in columns][:2] == ["one", "u"]
    assert columns[2].decimals == 2
    assert await backend.prepared_columns(b"SET @x = 1") == []
    for wrong, number in ((b"SELECT nothing", 1054), (b"SELEC", 1064)):
        with pytest.raises(MySQLError) as refusal:
            await backend.prepared_columns(wrong)
        assert refusal.value.number == number
    assert await backend.scalar("SHOW STATUS LIKE 'Prepared_stmt_count'") is not None
    assert await backend.scalar("SELECT 1") == "1"


async def test_without_column_names_the_session_stays_usable(
    backend: BackendConnection,
) -> None:
    if not backend.capabilities & OPTIONAL_METADATA:
        pytest.skip("only a client that agreed on it can leave the names out")
    await backend.query("SET resultset_metadata = NONE")
    with pytest.raises(MySQLError, match="resultset_metadata"):
        await backend.query("SELECT 1, 'x' UNION SELECT 2, 'y'")
    with pytest.raises(MySQLError, match="resultset_metadata"):
        await backend.prepared_columns(b"SELECT ?, 1")
    await backend.query("SET resultset_metadata = FULL")
    assert await backend.scalar("SELECT 7") == "7"


async def test_a_table_comes_as_arrow(backend: BackendConnection) -> None:
    await backend.query("SET cte_max_recursion_depth = 100000")
    table = await backend.read_table(
        b"WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i <"
        b" 30000) SELECT i, CONCAT('x', i) AS s, CAST(i / 4 AS DECIMAL(9,2)) AS d,"
        b" IF(i % 2, NULL, i) AS h FROM n"
    )
    assert table.num_rows == 30_000
    assert table.column_names == ["i", "s", "d", "h"]
    assert table["s"][29_999].as_py() == "x30000"
    assert table["d"][2].as_py() == decimal.Decimal("0.75")
    assert table["h"].null_count == 15_000
    assert await backend.scalar("SELECT 1") == "1"


async def test_an_empty_table_has_its_columns(backend: BackendConnection) -> None:
    table = await backend.read_table(b"SELECT 1 AS a, 'x' AS b FROM DUAL WHERE FALSE")
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])


@pytest.mark.parametrize("charset", ["latin1", "utf16", "NULL", "utf8mb3"])
async def test_a_table_is_utf8_and_the_session_is_left_as_it_was(
    backend: BackendConnection, charset: str
) -> None:
    await backend.query(f"SET character_set_results = {charset}")
    table = await backend.read_table("SELECT 'é日' AS a".encode())
    assert table["a"].to_pylist() == ["é日"]
    expected = None if charset == "NULL" else charset
    assert await backend.evaluate([b"@@character_set_results"]) == [expected]


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        (b"SELECT * FROM sys.nowhere", 1146),
        (b"SELECT (SELECT 1 UNION SELECT 2) AS a", 1242),
        (
            b"SELECT i, (SELECT 1 UNION SELECT n.i) FROM"
            b" (SELECT 1 AS i UNION SELECT 2) n",
            1242,
        ),
        (b"SELECT CAST('0000-00-00' AS DATE) AS d, CAST(0 AS DATE)", 1235),
    ],
)
async def test_a_table_that_cannot_be_read_leaves_the_session_usable(
    backend: BackendConnection, sql: bytes, number: int
) -> None:
    await backend.query("SET sql_mode = '', character_set_results = latin1")
    with pytest.raises(MySQLError) as refusal:
        await backend.read_table(sql)
    assert refusal.value.number == number
    assert await backend.evaluate([b"@@character_set_results"]) == ["latin1"]


async def test_a_session_that_is_killed_is_gone(
    server: Server, backend: BackendConnection
) -> None:
    thread = await backend.scalar("SELECT CONNECTION_ID()")
    with server.connect_backend() as admin, admin.cursor() as cursor:
        cursor.execute(f"KILL {thread}")
    with pytest.raises((ProtocolError, MySQLError)):
        await backend.query("SELECT 1")
