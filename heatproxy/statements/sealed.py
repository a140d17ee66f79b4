"""What a client is told when a relayed statement touched a sealed shell.

The backend has refused it with 1814, which is loud but speaks of tablespaces. Here it
becomes what HeatWave would say.
"""

import re

from heatproxy.backend.shells import Shells
from heatproxy.errors import MySQLError, not_supported
from heatproxy.sql.lexer import tokens
from heatproxy.sql.translate import Forward, referenced_tables

SEALED = 1814  # ER_TABLESPACE_DISCARDED
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
    return f"the Lakehouse table {table} in a stored program or a view of views"
