"""Several statements in one round trip."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from heatproxy.backend.connection import BackendConnection
from heatproxy.backend.replies import Result
from heatproxy.backend.together import together
from heatproxy.errors import MySQLError
from tests.asking import rows, run
from tests.backend.legs import connection_to
from tests.conftest import Server
from tests.rawclient import DEPRECATE_EOF, OPTIONAL_METADATA, QUERY_ATTRIBUTES

pytestmark = pytest.mark.mysql

CLIENTS = {
    "old": 0,
    "new": DEPRECATE_EOF | OPTIONAL_METADATA | QUERY_ATTRIBUTES,
}
SLEEPS = "SELECT SLEEP(600) AS together_sleeps"


@pytest_asyncio.fixture(params=CLIENTS.values(), ids=CLIENTS)
async def backend(
    server: Server, request: pytest.FixtureRequest
) -> AsyncIterator[BackendConnection]:
    async with connection_to(server, request.param) as connection:
        yield connection


async def test_each_gets_its_own_answer(backend: BackendConnection) -> None:
    texts = [b"SELECT 1, NULL", b"SET @x = 5", b"SELECT @x FROM (SELECT 1) AS d"]
    answers, columns = await together(backend, texts, b"SELECT @x + 0.5 AS a, 'b' AS b")
    assert all(isinstance(one, Result) for one in answers)
    assert [one.texts() for one in answers if isinstance(one, Result)] == [
        [("1", None)],
        [],
        [("5",)],
    ]
    assert isinstance(columns, list)
    assert [column.name for column in columns] == ["a", "b"]
    assert backend.warnings == 0
    assert await backend.scalar("SELECT 7") == "7"


async def test_an_error_is_the_answer_of_one_alone(backend: BackendConnection) -> None:
    texts = [b"SELECT nope", b"SELECT 2", b"SELEC"]
    answers, columns = await together(backend, texts, b"SELECT 1 FROM nowhere.at_all")
    found = [
        one.number if isinstance(one, MySQLError) else one.texts() for one in answers
    ]
    assert found == [1054, [("2",)], 1064]
    assert isinstance(columns, MySQLError)
    assert columns.number in (1049, 1146)
    assert await backend.scalar("SELECT 7") == "7"


async def test_warnings_are_those_of_what_is_prepared(
    backend: BackendConnection,
) -> None:
    warned = b"SELECT 1 AS a UNION SELECT 2 ORDER BY 1 LIMIT 1"
    answers, _ = await together(backend, [b"SELECT CAST('x' AS SIGNED)"], warned)
    assert isinstance(answers[0], Result)
    assert answers[0].warnings == 1
    assert backend.warnings == 0
    await together(backend, [b"SELECT 1"], b"SELECT BINARY 'x'")  # deprecated
    assert backend.warnings == 1


async def test_nothing_is_left_prepared(backend: BackendConnection) -> None:
    for _ in range(20):
        await together(backend, [b"SELECT 1"], b"SELECT 2")
    status = await backend.query("SHOW SESSION STATUS LIKE 'Com_stmt_%'")
    counts = {name: value for name, value in status.texts()}
    assert counts["Com_stmt_prepare"] == counts["Com_stmt_close"]


async def test_a_kill_ends_all_of_them(
    backend: BackendConnection, server: Server
) -> None:
    admin = server.connect_backend()
    thread = await backend.scalar("SELECT CONNECTION_ID()")

    def kill_when_it_sleeps() -> None:
        shown = f"SELECT INFO FROM performance_schema.processlist WHERE ID = {thread}"
        while "together_sleeps" not in str(rows(admin, shown)):
            pass
        run(admin, f"KILL QUERY {thread}")

    killing = asyncio.ensure_future(asyncio.to_thread(kill_when_it_sleeps))
    slow = b"SELECT 1 FROM (SELECT " + SLEEPS[7:].encode() + b") AS d, mysql.user"
    with pytest.raises(MySQLError) as killed:
        await together(backend, [slow, b"SELECT 2"], b"SELECT 3")
    assert killed.value.number == 1317
    await killing
    assert await backend.scalar("SELECT 7") == "7"
    admin.close()
