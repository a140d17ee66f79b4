"""SELECTs of Lakehouse tables in sessions that want other character sets."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from tests.conftest import Server
from tests.statements.conftest import Lake
from tests.wire.raw_session import RawSession

pytestmark = pytest.mark.mysql

SQL = "SELECT id, word, name, note, price, moment, word AS größe FROM t ORDER BY id"


@contextmanager
def session(**login: str | int) -> Iterator[RawSession]:
    with closing(RawSession(login, deprecate_eof=False)) as raw:
        yield raw


@pytest.fixture
def through(server: Server, lake: Lake) -> Iterator[RawSession]:
    where = {"host": server.host, "port": server.port, "database": lake.schema}
    with session(**where, **server.login) as raw:
        yield raw


@pytest.fixture
def past(server: Server, lake: Lake) -> Iterator[RawSession]:
    with session(database=lake.twin, **server.backend_login) as raw:
        yield raw


@pytest.mark.parametrize(
    "results", ["latin1", "cp1251", "gbk", "utf16", "utf32", "swe7", "utf8mb3", "NULL"]
)
def test_rows_and_columns_are_those_of_mysql(
    through: RawSession, past: RawSession, results: str
) -> None:
    for raw in (through, past):
        raw.run(f"SET character_set_results = {results}")
    ours, theirs = through.query(SQL), past.query(SQL)
    assert ours.rows == theirs.rows
    warnings = slice(4, 7)
    assert ours.end[warnings] == theirs.end[warnings]
    for mine, other in zip(ours.definitions, theirs.definitions, strict=True):
        assert replace(mine, schema="", flags=0) == replace(other, schema="", flags=0)


@pytest.mark.parametrize("sql", ["SELECT id, name, note FROM t ORDER BY id", SQL])
def test_text_can_be_had_as_bytes(
    through: RawSession, past: RawSession, sql: str
) -> None:
    for raw in (through, past):
        raw.run("SET character_set_results = binary")
    assert through.query(sql).rows == past.query(sql).rows
