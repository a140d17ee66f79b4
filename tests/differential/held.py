"""Schemas that MySQL and the engine both hold, and the ways to both."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from heatproxy.bench import answers, differential, stock
from heatproxy.bench.differential import Case, Connect, Outcome
from heatproxy.bench.workloads import Workload
from heatproxy.datatypes import quote_name
from tests.conftest import Server


@dataclass(frozen=True)
class Held:
    """A loaded schema of a server's."""

    server: Server
    schema: str

    @property
    def ways(self) -> tuple[Connect, Connect]:
        """To the backend itself, and through heatproxy."""
        server = self.server
        proxied = {"host": server.host, "port": server.port, **server.login}
        return (
            lambda schema: answers.connect(**server.backend_login, database=schema),
            lambda schema: answers.connect(**proxied, database=schema),
        )

    def outcomes(self, cases: Sequence[Case]) -> list[Outcome]:
        """What comes of the cases, in their order."""
        return list(differential.run(cases, self.schema, *self.ways))


@contextmanager
def loaded(server: Server, schema: str) -> Iterator[Held]:
    """A schema that stands on the backend, loaded until it is dropped at the end."""
    held = Held(server, schema)
    try:
        _, through = held.ways
        with closing(through(schema)) as connection:
            differential.load(connection, schema)
        yield held
    finally:
        with closing(through(schema)) as connection:
            answers.ask(connection, f"DROP DATABASE {quote_name(schema)}")


@contextmanager
def of_workload(server: Server, workload: Workload, folder: Path) -> Iterator[Held]:
    """A workload that was made into a folder."""
    schema = f"differential_{workload.name}"
    with closing(
        answers.connect(**server.backend_login, local_infile=True)
    ) as connection:
        stock.fill(connection, schema, workload, folder)
    with loaded(server, schema) as held:
        yield held


@contextmanager
def of_script(server: Server, schema: str, script: str) -> Iterator[Held]:
    """The tables that a script makes."""
    login: dict[str, Any] = server.backend_login
    with pymysql.connect(
        **login, autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SET NAMES utf8mb4; SET time_zone = '+00:00'; SET sql_log_bin = 0;"
            f"DROP DATABASE IF EXISTS {schema}; CREATE DATABASE {schema}"
            " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;"
            f"USE {schema};{script}"
        )
        while cursor.nextset():
            pass
    with loaded(server, schema) as held:
        yield held
