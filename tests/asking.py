"""Questions to a server and what it answers: result sets, rows, values, refusals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest
from pymysql.connections import Connection

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class ResultSet:
    """One result set: the names of its columns, and its rows."""

    columns: tuple[str, ...]
    rows: Rows

    @property
    def lines(self) -> list[str]:
        """The values of its first column, as a report's block is read."""
        return [row[0] for row in self.rows]


def result_sets(connection: "Connection[Any]", sql: str) -> list[ResultSet]:
    """Every result set of a statement; none for a plain OK."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(sql)
        while True:
            if cursor.description:
                names = tuple(column[0] for column in cursor.description)
                found.append(ResultSet(names, list(cursor.fetchall())))
            if not cursor.nextset():
                return found


def rows(connection: "Connection[Any]", sql: str) -> Rows:
    """The rows of a statement's only result set."""
    (only,) = result_sets(connection, sql)
    return only.rows


def value(connection: "Connection[Any]", sql: str) -> Any:
    """The only value of the only row."""
    ((only,),) = rows(connection, sql)
    return only


def run(connection: "Connection[Any]", *statements: str) -> None:
    """Statements whose answers do not matter, as long as they are no errors."""
    for sql in statements:
        result_sets(connection, sql)


def refusal(connection: "Connection[Any]", sql: str) -> tuple[int, str]:
    """The number and text of the error that a statement gets."""
    with pytest.raises(pymysql.MySQLError) as caught:
        result_sets(connection, sql)
    number, text = caught.value.args
    return number, text


def columns_of(connection: "Connection[Any]", table: str) -> Sequence[tuple[str, str]]:
    """Name and type of each column, as DESCRIBE has them."""
    return [(row[0], row[1]) for row in rows(connection, f"DESCRIBE {table}")]
