"""What a client is told when a relayed statement touched a sealed shell.

The backend has refused it with 1814, which is loud but speaks of tablespaces. Here it
becomes what HeatWave would say.
"""

import re

from heatproxy.backend.shells import Shells
from heatproxy.errors import MySQLError, not_supported
from heatproxy.sql.lexer import tokens
from heatproxy.wire.channel import Statement
from heatproxy.wire.packets import Command, query_text

_TABLE = re.compile(r", '(.*)'\s*$", re.DOTALL)
_CHANGES = (b"INSERT", b"UPDATE", b"DELETE", b"REPLACE", b"TRUNCATE", b"LOAD")


def refusal(shells: Shells, statement: Statement, error: MySQLError) -> MySQLError:
    """The error for a statement that MySQL refused with 1814.

    A discarded tablespace that is none of ours keeps MySQL's own words.
    """
    match = _TABLE.search(error.message)
    named = match[1] if match else ""  # table, or schema/table
    table = named if named in shells.tables else named.partition("/")[2]
    if table not in shells.tables:
        return error
    if statement.command[0] != Command.QUERY:
        return not_supported(f"a prepared statement on the Lakehouse table {table}")
    found = tokens(query_text(statement.command, statement.capabilities))
    word = found[0].text.upper() if found else b""
    if word in _CHANGES and any(t.name == table for t in found[:6]):
        # what MySQL says of an engine that cannot write rows
        text = f"Table storage engine for '{table}' doesn't have this option"
        return MySQLError(1031, "HY000", text)
    where = "a view or a nested query" if word == b"SELECT" else word.decode()
    return not_supported(f"the Lakehouse table {table} in {where}")
