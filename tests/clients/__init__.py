"""Clients of other people's making, each driven by the same few words."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.clients.connector import Connector
from tests.clients.contract import Client, Unavailable
from tests.clients.mariadb_cli import MariadbCli
from tests.clients.mysql_cli import MysqlCli
from tests.clients.node_mysql2 import Mysql2
from tests.clients.pymysql_driver import PyMySQL

CLIENTS: dict[str, Callable[[], Client]] = {
    "mysql": MysqlCli,
    "mariadb": MariadbCli,
    "PyMySQL": PyMySQL,
    "Connector/Python": Connector,
    "mysql2": Mysql2,
}


def client(name: str) -> Client:
    """The client of this name; the test is skipped where it cannot be had."""
    found = _made(name)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@cache
def _made(name: str) -> Client | str:
    """It, or why there is none: found out once, for it may be fetched for that."""
    try:
        return CLIENTS[name]()
    except Unavailable as why:
        return str(why)
