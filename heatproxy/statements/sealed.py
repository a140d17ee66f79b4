"""What a client is told of a relayed statement that MySQL cannot answer.

It touched a sealed shell: the backend has refused it with 1814, which is loud but
speaks of tablespaces. Or it was FORCED into RAPID, of which MySQL knows nothing. Here
that becomes what HeatWave would say.
"""

import asyncio
import re
from functools import partial

import pymysql

from heatproxy.backend import onlooker
from heatproxy.backend.shells import Shells
from heatproxy.errors import MySQLError, ProtocolError, not_supported, secondary_engine
from heatproxy.rapid.describe import RAPID, is_flagged, secondary_engine_of
from heatproxy.rapid.load import Loader
from heatproxy.session import Session
from heatproxy.sql.lexer import tokens
from heatproxy.sql.placeholders import filled, placeholders
from heatproxy.sql.translate import Forward, referenced_tables

SEALED = 1814  # ER_TABLESPACE_DISCARDED
REJECTED = 3889  # ER_SECONDARY_ENGINE
_TABLE = re.compile(r", '(.*)'\s*$", re.DOTALL)
_READS = (b"SELECT", b"WITH", b"(")
_CHANGES = (b"INSERT", b"UPDATE", b"DELETE", b"REPLACE", b"TRUNCATE", b"LOAD")


def refusal(shells: Shells, text: bytes, error: MySQLError) -> MySQLError:
    """The error for a statement, empty if unknown, that MySQL refused with 1814.

    A discarded tablespace that is none of ours keeps MySQL's own words.
    """
    match = _TABLE.search(error.message)
    named = match[1] if match else ""  # table, or schema/table
    table = named if named in shells.tables else named.partition("/")[2]
    if table not in shells.tables:
        return error
    if not text:
        return not_supported(f"a prepared statement on the Lakehouse table {table}")
    try:
        found = tokens(text)
    except MySQLError as unread:  # a versioned comment
        return unread
    word = found[0].text.upper() if found else b""
    begin = found[:6]
    alone = not any(t.is_word(b"JOIN") or t.is_symbol(b",") for t in begin)
    if word in _CHANGES and alone and any(t.name == table for t in begin):
        # what MySQL says of an engine that cannot write rows
        message = f"Table storage engine for '{table}' doesn't have this option"
        return MySQLError(1031, "HY000", message)
    if word in _READS:
        return not_supported(_unread(text, table))
    return not_supported(f"the Lakehouse table {table} in {word.decode()}")


def _unread(text: bytes, table: str) -> str:
    """Why a SELECT was not the engine's to answer."""
    try:
        referenced_tables(text.decode())
    except Forward as reason:
        return f"{reason}, in a query of Lakehouse tables"
    except UnicodeDecodeError:
        return "a statement that is not UTF-8, in a query of Lakehouse tables"
    if f'"{table}"'.encode() in text:  # ANSI_QUOTES
        return f"the Lakehouse table {table} between double quotes, not back-ticks,"
    return f"the Lakehouse table {table} in a stored program or a view of views"


async def rejection(
    session: Session, text: bytes, error: MySQLError, number: int = 0
) -> MySQLError:
    """The error for a SELECT, executed or not, that MySQL refused with 3889.

    It is 3877 where a table is RAPID's but has not been loaded: MySQL only says that
    all plans were rejected. ``number``: of the statement that COM_STMT_EXECUTE names.
    """
    loader = session.house.rapid.loader
    try:
        tables = referenced_tables(await _executed(session, text, number))
        if loader is None or not tables:
            return error
        schema = await session.schema()
        named = [(own or schema, name) for own, name in tables]
        if await asyncio.to_thread(_is_any_unloaded, loader, named):
            return secondary_engine("Table has not been loaded")
    except (Forward, UnicodeDecodeError, LookupError):
        pass  # then it stays in MySQL's words
    except (MySQLError, ProtocolError, pymysql.MySQLError):
        pass
    return error


async def _executed(session: Session, text: bytes, number: int) -> str:
    """A statement's own text, or that of the prepared statement it executes."""
    found = tokens(text)
    name = ""
    if len(found) > 1 and found[0].is_word(b"EXECUTE"):
        name = found[1].name or ""
    if not (number or name):
        return text.decode()
    account, thread_id = session.house.account, session.thread_id
    look = partial(onlooker.prepared_text, account, thread_id, number, name)
    prepared = (await asyncio.to_thread(look) or "").encode()
    marks = placeholders(tokens(prepared))
    return filled(prepared, marks, [b"1"] * len(marks))[0].decode()


def _is_any_unloaded(loader: Loader, named: list[tuple[str | None, str]]) -> bool:
    """Whether all of them are RAPID's, and one is not loaded."""
    found = [loader.create_options(schema or "", name) or "" for schema, name in named]
    are_rapids = all(secondary_engine_of(options) == RAPID for options in found)
    return are_rapids and not all(map(is_flagged, found))
