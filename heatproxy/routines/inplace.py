"""ML_PREDICT_TABLE and ML_EXPLAIN_TABLE into the table that is their input.

Since 9.4.1 a table may be its own output. It keeps its rows, indexes and grants, and
gets a key, as its first column, and the columns of the answers behind its own.

Source: HeatWave User Guide, "ML_PREDICT_TABLE" (9.4.1).
"""

from collections.abc import Sequence

import pyarrow as pa

from heatproxy.backend.insert import insert_rows
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError, not_supported, secondary_engine
from heatproxy.session import Session

Added = Sequence[tuple[str, str]]  # name and type of each column


async def prepare(session: Session, schema: str, table: str, names: set[str]) -> str:
    """Give the table its key, whose name is returned.

    Raises:
        MySQLError: 3877, it has a key or one of the columns ``names``; 1235, a
            Lakehouse table.
    """
    if await session.find_shell(schema, table):
        raise not_supported("a Lakehouse table as output")
    key = session.generation.generated_key
    found = await session.backend.query(
        "SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4)), COLUMN_KEY"
        " FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
        f" AND TABLE_NAME = {quote_text(table)}"
    )
    columns = {bytes.fromhex(n or "").decode().lower(): k for n, k in found.texts()}
    if "PRI" in columns.values():
        raise _refused(schema, table, "it has a primary key")
    taken = sorted(name for name in {key, *names} if name.lower() in columns)
    if taken:
        raise _refused(schema, table, f"it has a column {taken[0]}")
    await session.backend.query(
        f"ALTER TABLE {_name(schema, table)} ADD COLUMN {quote_name(key)}"
        " bigint NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST"
    )
    return key


async def take_back(session: Session, schema: str, table: str, key: str) -> None:
    """The table as it was, after something has failed."""
    column = quote_name(key)
    await session.undo(f"ALTER TABLE {_name(schema, table)} DROP COLUMN {column}")


async def add_answers(
    session: Session, schema: str, table: str, added: Added, rows: pa.Table
) -> None:
    """Add these columns; ``rows`` are the key and their values, Arrow.

    They travel in a table of their own for a moment, so that a row is found by its key.
    """
    key = quote_name(rows.column_names[0])
    name = _name(schema, table)
    passing = _name(schema, f"{session.generation.generated_key}_{session.thread_id}")
    columns = [(quote_name(title), kind) for title, kind in added]
    definitions = ", ".join(f"{title} {kind}" for title, kind in columns)
    await session.backend.query(f"DROP TABLE IF EXISTS {passing}")
    await session.backend.query(
        f"CREATE TABLE {passing} ({key} bigint PRIMARY KEY, {definitions})"
    )
    try:
        await insert_rows(session.backend, passing, rows)
        additions = ", ".join(f"ADD COLUMN {title} {kind}" for title, kind in columns)
        await session.backend.query(f"ALTER TABLE {name} {additions}")
        try:
            changes = [f"t.{title} = a.{title}" for title, _ in columns]
            changes += await _unchanged(session, schema, table)
            await session.backend.query(
                f"UPDATE {name} AS t JOIN {passing} AS a ON a.{key} = t.{key}"
                f" SET {', '.join(changes)}"
            )
        except BaseException:
            drops = ", ".join(f"DROP COLUMN {title}" for title, _ in columns)
            await session.undo(f"ALTER TABLE {name} {drops}")
            raise
    finally:
        await session.undo(f"DROP TABLE IF EXISTS {passing}")


async def _unchanged(session: Session, schema: str, table: str) -> list[str]:
    """What keeps columns that an UPDATE sets to the current time as they are."""
    found = await session.backend.query(
        "SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4)) FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
        f" AND TABLE_NAME = {quote_text(table)} AND EXTRA LIKE '%on update%'"
    )
    names = [quote_name(bytes.fromhex(n or "").decode()) for (n,) in found.texts()]
    return [f"t.{name} = t.{name}" for name in names]


def _refused(schema: str, table: str, why: str) -> MySQLError:
    return secondary_engine(
        f"{schema}.{table} cannot be both the input and the output table: {why}."
    )


def _name(schema: str, table: str) -> str:
    return f"{quote_name(schema)}.{quote_name(table)}"
