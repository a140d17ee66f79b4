"""What is MySQL's goes through heatproxy unchanged: compared packet by packet."""

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from tests.conftest import Server
from tests.journeys import commands, conversations
from tests.rawclient import (
    DEPRECATE_EOF,
    LOCAL_FILES,
    MULTI_STATEMENTS,
    OPTIONAL_METADATA,
    PS_MULTI_RESULTS,
    QUERY_ATTRIBUTES,
    SESSION_TRACK,
    Packet,
    RawClient,
    Step,
)

pytestmark = pytest.mark.mysql

FOUND_ROWS, IGNORE_SPACE = 1 << 1, 1 << 8
# What kinds of clients agree on with a server.
_MODERN = SESSION_TRACK | QUERY_ATTRIBUTES | OPTIONAL_METADATA | PS_MULTI_RESULTS
CLIENTS = {
    "simple": 0,
    "old": MULTI_STATEMENTS | LOCAL_FILES | FOUND_ROWS,
    "mixed": _MODERN | LOCAL_FILES | IGNORE_SPACE,
    "new": _MODERN | LOCAL_FILES | MULTI_STATEMENTS | DEPRECATE_EOF,
}
TABLES = {
    "select": conversations.SELECTS,
    "change": conversations.CHANGES,
    "error": conversations.ERRORS,
    "session": conversations.SESSION,
    "several": conversations.SEVERAL,
    "procedure": conversations.PROCEDURES,
    "prepared": commands.PREPARED,
    "file": commands.FILES,
    "command": commands.COMMANDS,
}
CONVERSATIONS = {
    f"{group}: {name}": steps
    for group, table in TABLES.items()
    for name, steps in table.items()
}
Talk = list[list[Packet]]


class Pair:
    """The same backend, through heatproxy and past it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._admin = server.connect_backend()

    def fresh_schema(self) -> None:
        with self._admin.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")  # nothing to wait for
            cursor.execute("DROP DATABASE IF EXISTS journey")
            cursor.execute("CREATE DATABASE journey")

    def admin(self, sql: str) -> tuple[tuple[Any, ...], ...]:
        with self._admin.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def direct(self, capabilities: int = 0, **options: Any) -> RawClient:
        return RawClient(
            capabilities,
            **{**self._options, "unix_socket": self.server.backend_socket, **options},
        )

    def proxied(self, capabilities: int = 0, **options: Any) -> RawClient:
        where = {"host": self.server.host, "port": self.server.port}
        return RawClient(capabilities, **{**self._options, **where, **options})

    @property
    def _options(self) -> dict[str, Any]:
        return {**self.server.login, "database": "journey", "read_timeout": 3}

    def talks(self, capabilities: int, steps: list[Step]) -> tuple[Talk, Talk]:
        """The same conversation held with MySQL and through heatproxy."""
        held = []
        for connect in (self.direct, self.proxied):
            self.fresh_schema()
            with connect(capabilities) as client:
                held.append([client.run(step) for step in steps])
        return held[0], held[1]

    def close(self) -> None:
        self._admin.close()


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[Pair]:
    made = Pair(server)
    yield made
    made.admin("DROP DATABASE IF EXISTS journey")
    made.close()


@pytest.mark.parametrize("capabilities", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("steps", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation_is_the_same_as_with_mysql_itself(
    pair: Pair, steps: list[Step], capabilities: int
) -> None:
    direct, proxied = pair.talks(capabilities, steps)
    for step, expected, got in zip(steps, direct, proxied, strict=True):
        if step.same:
            assert got == expected, step
        else:
            assert len(got) == len(expected), step
