"""Answers where a statement's look-ups find them: temporary tables of the session.

A temporary table is opened once in a statement (1137), so that each look-up has one of
its own; answers to the same call are copied inside MySQL. CREATE and DROP of temporary
tables commit nothing and, but under binlog_format=STATEMENT, are in no binary log.
"""

from contextlib import suppress

import pyarrow as pa

from heatproxy.backend.insert import insert_rows
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.session import Session
from heatproxy.sql.predictions_gather import ANSWER, KEY

_STRICT = "/*+ SET_VAR(sql_mode='STRICT_ALL_TABLES') */ "
_DENIED = (1044, 1046)  # in this schema; none is selected


class Unmade(Exception):
    """No temporary table can be made; the message says why."""


class Lookups:
    """Those of one statement, from when they are made until ``drop``."""

    def __init__(self, session: Session, schemas: list[str]) -> None:
        """``schemas``: where one may be made, the first that MySQL lets."""
        self._session, self._schemas = session, schemas
        self._names: list[str] = []

    async def make(self, keys: pa.Array, answers: pa.Array) -> str:
        """A table of answers (n_rows,), each by its key; its quoted name.

        Raises:
            Unmade: MySQL does not let the caller.
            MySQLError: 1317, killed.
        """
        name = await self._create()
        columns = [KEY.decode(), ANSWER.decode()]
        rows = pa.table([keys, answers], names=columns)
        await insert_rows(self._session.backend, name, rows, hint=_STRICT)
        return name

    async def copy(self, first: str) -> str:
        """Another table with the rows of the first."""
        name = await self._create()
        await self._session.backend.query(
            f"INSERT {_STRICT}INTO {name} SELECT * FROM {first}"
        )
        return name

    async def drop(self) -> None:
        """Have none; what the session's transaction is stays."""
        while self._names:
            name = self._names.pop()
            with suppress(MySQLError, ProtocolError):
                await self._session.backend.query(f"DROP TEMPORARY TABLE {name}")

    async def _create(self) -> str:
        number = len(self._names) + 1
        own = f"heatproxy_rows_{self._session.thread_id}_{number}"
        problem: MySQLError | None = None
        for schema in self._schemas:
            name = f"{quote_name(schema)}.{quote_name(own)}"
            try:
                await self._session.backend.query(
                    f"CREATE TEMPORARY TABLE {name} ({KEY.decode()} binary(32)"
                    f" PRIMARY KEY, {ANSWER.decode()} json) ENGINE=InnoDB"
                )
            except MySQLError as refused:
                if refused.is_kill:
                    raise
                problem = problem or refused
                if refused.number not in _DENIED:
                    break
            else:
                self._names.append(name)
                return name
        raise Unmade(problem.message if problem else "no database is selected")
