"""The Lakehouse table with InnoDB's beside it, in both schemas, and what is asked."""

import json
import re
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import FLAG

from tests.asking import Rows, rows
from tests.statements.conftest import Connection, Lake

# Whether a column of a view's bears the view's name depends on MySQL's plan.
OF_VIEWS = re.compile("seen|named")
# BINARY comes and goes with the temporary tables that MySQL makes for itself.
KEPT = FLAG.NOT_NULL | FLAG.UNSIGNED | FLAG.ENUM | FLAG.SET


@dataclass(frozen=True)
class Answer:
    """What a client sees: columns, rows, and what is left in the session."""

    columns: list[tuple[Any, ...]]
    rows: Rows
    warnings: int
    left: Rows


def answer(connection: Connection, sql: str) -> Answer:
    with closing(connection.cursor()) as cursor:
        cursor.execute(sql)
        columns = [
            (
                *(f.name, f.type_code, f.flags & KEPT, f.scale, f.charsetnr, f.length),
                *(f.table_name, "" if OF_VIEWS.search(sql) else f.org_table),
            )
            for f in cursor._result.fields
        ]
        found, warnings = list(cursor.fetchall()), cursor._result.warning_count
    left = rows(connection, "SELECT FOUND_ROWS(), ROW_COUNT()")
    return Answer(columns, found, warnings, left)


def sea_table(lake: Lake, name: str = "kinds") -> str:
    """The options of a Lakehouse table whose file has commas and no header."""
    text = json.dumps(
        {
            "file": [{"par": lake.store.url(f"{name}.csv")}],
            "dialect": {"field_delimiter": ",", "has_header": False},
        }
    )
    return f"ENGINE=LAKEHOUSE SECONDARY_ENGINE=RAPID ENGINE_ATTRIBUTE='{text}'"


def copies_of(session: Connection) -> list[int]:
    """The numbers of the copies that a session has."""
    name = f"lake.heatproxy_copy_{session.thread_id()}_"
    found = []
    for number in range(1, 5):
        try:
            rows(session, f"SELECT 1 FROM {name}{number} LIMIT 1")
            found.append(number)
        except pymysql.MySQLError as problem:
            if problem.args[0] != 1146:
                raise
    return found
