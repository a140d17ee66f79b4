"""Rows of a SELECT as Arrow, straight from a connection of the account."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from heatproxy.backend.bulk import BulkReader
from heatproxy.errors import MySQLError, ProtocolError
from tests.conftest import Server
from tests.rapid.loading import address_of

pytestmark = pytest.mark.mysql


@pytest.fixture
def reader(server: Server) -> Iterator[BulkReader]:
    with closing(BulkReader(address_of(server))) as made:
        yield made


def numbers(count: int) -> str:
    return (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {count}) SELECT /*+ SET_VAR(cte_max_recursion_depth = 1000000) */"
        " i, REPEAT('é', i % 50) AS t FROM n"
    )


def test_all_rows_come_in_batches(reader: BulkReader) -> None:
    batches = list(reader.select(numbers(200_000)))
    assert sum(batch.num_rows for batch in batches) == 200_000
    assert max(batch.num_rows for batch in batches) <= 65_536
    assert batches[0].column("i")[:3].to_pylist() == [1, 2, 3]
    assert batches[0].column("t")[2].as_py() == "ééé"


def test_one_statement_follows_another(reader: BulkReader) -> None:
    for count in (1, 5000, 2):
        assert sum(b.num_rows for b in reader.select(numbers(count))) == count
        assert reader.query("SELECT 7") == [(7,)]


def test_a_refused_statement_leaves_the_connection_of_use(reader: BulkReader) -> None:
    with pytest.raises(MySQLError) as caught:
        list(reader.select("SELECT * FROM mysql.nothing"))
    assert caught.value.number == 1146
    with pytest.raises(MySQLError) as caught:
        reader.query("SELEC 1")
    assert caught.value.number == 1064
    assert reader.query("SELECT 7") == [(7,)]


def test_an_error_behind_rows_is_raised(reader: BulkReader) -> None:
    text = "SELECT JSON_EXTRACT(IF(i < 4000, '[]', ']'), '$') FROM (" + numbers(4500)
    with pytest.raises(MySQLError) as caught:
        list(reader.select(text + ") AS q"))
    assert caught.value.number == 3141


def test_flawed_columns_are_told(reader: BulkReader) -> None:
    list(reader.select("SELECT CAST('2024-01-01' AS DATE), 'x'"))
    assert reader.flawed == set()
    reader.query("SET sql_mode = 'ALLOW_INVALID_DATES'")
    list(reader.select("SELECT 1, CAST('2024-01-01' AS DATE), DATE '2024-02-31'"))
    assert reader.flawed == {2}


def test_an_abort_ends_what_is_read(reader: BulkReader) -> None:
    batches = reader.select(numbers(900_000))
    next(batches)
    reader.abort()
    with pytest.raises(MySQLError) as caught:
        list(batches)
    assert caught.value.number == 1317
    with pytest.raises(MySQLError) as caught:
        reader.query("SELECT 1")
    assert caught.value.number == 1317


def test_a_lost_connection_is_no_end_of_rows(
    server: Server, reader: BulkReader
) -> None:
    batches = reader.select(numbers(900_000))
    next(batches)
    with closing(server.connect_backend()) as other, other.cursor() as cursor:
        cursor.execute(f"KILL {reader.thread_id}")
    with pytest.raises((ProtocolError, MySQLError)):
        list(batches)
