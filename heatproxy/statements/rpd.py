"""Statements that read what only RAPID has: rpd_ tables, status and system variables.

MySQL answers them: what it does not have is put into the statement as queries over the
rows of the moment (``sql.substitute``), and MySQL's answer goes to the client under the
names of columns that the client's own text gives.
"""

import asyncio
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from heatproxy.aftermath import of_rows
from heatproxy.errors import MySQLError, not_supported
from heatproxy.house import House
from heatproxy.lakehouse import dictionary
from heatproxy.ledger import ENGINE
from heatproxy.rapid import rpd_rows, status
from heatproxy.rapid.performance_schema import (
    RPD_TABLES,
    SCHEMA,
    Row,
    columns_query,
    tables_query,
)
from heatproxy.rapid.variables import VARIABLES, shown
from heatproxy.routines.held import column_stats, held_tables
from heatproxy.session import Session
from heatproxy.sql.lexer import find_word
from heatproxy.sql.prefilter import MENTIONS
from heatproxy.sql.substitute import (
    Mention,
    Substituted,
    blanked_hints,
    find_tables,
    find_variables,
    substituted,
)
from heatproxy.statements import Text, Work
from heatproxy.statements.agreement import require_layout
from heatproxy.statements.shell_show import told
from heatproxy.statements.variables import value_of

STATUS = ("global_status", "session_status")
SETTINGS = ("global_variables", "session_variables")
_DICTIONARY = ("tables", "columns")
_TABLES: Mapping[str, Collection[str]] = {
    SCHEMA: (*RPD_TABLES, *STATUS, *SETTINGS),
    "information_schema": {*_DICTIONARY, *dictionary.TABLES},
}
_PROBE = f"SELECT 1 FROM {SCHEMA}.threads".encode()
_RPD = re.compile(rb"(?i)rpd[_%\\]")
_SYNTAX, _NOT_LOCKED = 1064, 1100
# How the routes of statements are called that AutoML answers, but for its procedures.
_LEARNS = {"rowfunction": "ML_PREDICT_ROW, ML_EXPLAIN_ROW"}
_DENIED = (1044, 1045, 1142, 1143)


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement that reads one of these tables or variables."""
    if not MENTIONS.search(statement.own) and not _may_show_shells(session, statement):
        return None
    found = await _substituted(session, statement, of_nothing=True)
    if found is None:
        return None
    return Work(partial(_answer, session, statement), found.text, found.shown)


_NAMES = {name for names in _TABLES.values() for name in names}


def _may_show_shells(session: Session, statement: Text) -> bool:
    """Whether it may read what the dictionary says of Lakehouse tables."""
    if not session.house.shells.tables:
        return False
    return any(name.lower() in dictionary.TABLES for name in statement.names)


def without_hints(statement: Text) -> Text:
    """The statement without hints that set a variable of RAPID's: they change nothing.

    Every token stays in its place.
    """
    if not MENTIONS.search(statement.own):
        return statement
    text = blanked_hints(statement.text, statement.tokens)
    return statement if text == statement.text else replace(statement, text=text)


def as_it_stands(session: Session, statement: Text) -> Work:
    """What answers a statement of MySQL's whose hints are blank now."""
    found = Substituted(statement.own)
    return Work(partial(answer, session, statement, found), found.text)


async def _substituted(
    session: Session, statement: Text, *, of_nothing: bool = False
) -> Substituted | None:
    """The statement as MySQL can run it; None: it is MySQL's as it stands.

    ``of_nothing``: the tables are empty, for what is only to be prepared.
    """
    words = statement.tokens
    variables = find_variables(words, VARIABLES)
    mentions: list[Mention] = []
    if any(name.lower() in _NAMES for name in statement.names):
        mentions = find_tables(words, _TABLES, await session.schema())
    with_rpd = _RPD.search(statement.own) is not None
    shown = set(dictionary.TABLES) if session.house.shells.tables else set()
    shown |= set(_DICTIONARY) if with_rpd else set()
    mentions = [
        one
        for one in mentions
        if one.schema != "information_schema" or one.table in shown
    ]
    if not mentions and not variables:
        return None
    reads_rpd = any(one.table in RPD_TABLES for one in mentions)
    if reads_rpd and not await may_read(session):
        return None  # MySQL says so
    named = {one.table for one in mentions}
    bodies = await queries(session, named, with_rpd=with_rpd, of_nothing=of_nothing)
    values = [(one, value_of(session, one)) for one in variables]
    return substituted(statement.text, words, mentions, bodies, values)


async def may_read(session: Session) -> bool:
    """Whether the caller may read performance_schema, where statements of others are.

    Raises:
        MySQLError: 1100, it has locked other tables; it may do nothing at all.
    """
    try:
        await session.backend.prepared_columns(_PROBE)
    except MySQLError as refused:
        if refused.number in _DENIED:
            return False
        if refused.number == _NOT_LOCKED:
            text = refused.message.replace("'threads'", "'rpd_tables'")
            raise MySQLError(refused.number, refused.sqlstate, text) from None
        raise
    return True


async def _answer(session: Session, statement: Text) -> None:
    found = await _substituted(session, statement)
    if found is None:  # the caller's privileges have just gone
        await session.relay(statement.own)
        return
    await _require_names(session, statement)
    try:
        await answer(session, statement, found)
    except MySQLError as refused:
        if refused.number != _SYNTAX or session.answer.binary:
            raise
        await session.relay(statement.own)  # in words about the client's own text


async def answer(session: Session, statement: Text, found: Substituted) -> None:
    """Give the client MySQL's answer to a statement in another's place.

    Raises:
        MySQLError: MySQL's own.
    """
    backend, binary = session.backend, session.answer.binary
    columns = named = []
    if binary or found.pieces or statement.binding is not None:
        columns = await backend.prepared_columns(found.text)
        shown = [replace(column, name=found.shown(column.name)) for column in columns]
        named = statement.described(shown)
    if not columns or (named == columns and not binary):
        await session.relay(found.text)
        return
    asked = await backend.packed(found.text, binary=binary)
    if binary:
        require_layout([column.type for column in asked.columns], named)
    count = (await backend.query("SHOW COUNT(*) WARNINGS")).texts()[0][0]
    session.answer.warnings = int(count or 0)
    await session.answer.packed_rows(named, asked.rows)
    session.aftermath = of_rows(len(asked.rows))


async def _require_names(session: Session, statement: Text) -> None:
    """Refuse to make a table whose columns would bear our names for expressions.

    Raises:
        MySQLError: 1235, and MySQL's own.
    """
    words = statement.tokens
    begin = find_word(words, b"SELECT", b"WITH")
    if not words[0].is_word(b"CREATE") or begin is None:
        return
    query = statement.part(begin)
    found = await _substituted(session, query, of_nothing=True)
    if found is None or not found.pieces:
        return
    for column in await session.backend.prepared_columns(found.text):
        name = found.shown(column.name)
        if name != column.name:
            raise not_supported(f"a column without a name of its own, {name}")


# --- the queries that stand for the tables --------------------------------------------


async def queries(
    session: Session,
    tables: set[str],
    *,
    with_rpd: bool = True,
    of_nothing: bool = False,
) -> dict[str, bytes]:
    """The query that stands for each table; ``of_nothing``: with no rows of ours.

    ``with_rpd``: the dictionary has RAPID's tables, too.
    """
    house = session.house
    bodies = {}
    held: list[rpd_rows.HeldTable] = []
    if not of_nothing and tables & set(RPD_TABLES):
        held = await asyncio.to_thread(held_tables, house)
    for name in tables & set(RPD_TABLES):
        if of_nothing and name != "rpd_mirror":
            bodies[name] = RPD_TABLES[name].query([])
        elif name == "rpd_mirror":
            bodies[name] = rpd_rows.mirror_query(held, _refused(house))
        else:
            bodies[name] = RPD_TABLES[name].query(await _rows(session, name, held))
    for name in tables & {*STATUS, *SETTINGS}:
        bodies[name] = _with_rows(name, await values_of(session, name))
    if tables & set(dictionary.TABLES) and house.shells.tables:
        listed = await asyncio.to_thread(told, house)
        bodies |= {name: dictionary.QUERIES[name](listed) for name in dictionary.TABLES}
    if "tables" in tables and with_rpd:
        plain = bodies.get("tables")
        bodies["tables"] = tables_query(plain) if plain else tables_query()
    if "columns" in tables:
        bodies["columns"] = columns_query()
    return bodies


async def _rows(
    session: Session, table: str, held: list[rpd_rows.HeldTable]
) -> list[Row]:
    house = session.house
    match table:
        case "rpd_tables":
            return rpd_rows.tables_rows(held)
        case "rpd_table_id":
            return rpd_rows.table_id_rows(held)
        case "rpd_column_id":
            return rpd_rows.column_id_rows(held)
        case "rpd_columns":
            return rpd_rows.columns_rows(held, await column_stats(session, held))
        case "rpd_preload_stats":
            return rpd_rows.preload_rows(held, await column_stats(session, held))
        case "rpd_nodes":
            return rpd_rows.nodes_rows(await asyncio.to_thread(_node, house, held))
        case "rpd_query_stats":
            own = rpd_rows.query_stats_rows(house.rapid.history.latest())
            return sorted([*own, *_operations(house)], key=lambda row: row[1])
        case "rpd_exec_stats":
            own = rpd_rows.exec_stats_rows(house.rapid.history.latest())
            told = [[row[1], rpd_rows.NODE, row[4]] for row in _operations(house)]
            return sorted([*own, *told], key=lambda row: row[0])
        case "rpd_ml_stats":
            return rpd_rows.ml_stats_rows(_learned(house))
        case _:  # rpd_vector_indexes
            return []


def _operations(house: House) -> list[Row]:
    """rpd_query_stats: what AutoML has done and is doing."""
    return [
        [
            *(one.connection_id, one.query_id, None, one.routine),
            json.dumps(one.told()),
            *(None, None, None, None),
        ]
        for one in house.operations.latest()
    ]


def _node(house: House, held: list[rpd_rows.HeldTable]) -> rpd_rows.NodeFacts:
    routes = house.ledger.routes
    learning = any(
        route.running
        for (way, kind), route in routes.items()
        if way == ENGINE and kind.upper() == "ML_TRAIN"
    )
    return rpd_rows.NodeFacts(
        cores=cores(house),
        held_bytes=house.engine.memory().held_bytes,
        limit_bytes=house.config.engine.memory_limit,
        tables_bytes=sum(table.bytes for table in held),
        is_learning=learning,
        learning_bytes=0,
    )


def cores(house: House) -> int:
    """How many threads the engine uses."""
    return house.config.engine.threads or os.cpu_count() or 1


def _learned(house: House) -> dict[str, dict[str, Any]]:
    """What AutoML's routines have done, by their names."""
    return {
        _LEARNS.get(kind, kind): {
            "operations": sum(route.buckets),
            "failed": route.failed,
            "seconds": round(route.seconds, 6),
            **house.operations.totals(_LEARNS.get(kind, kind)),
        }
        for (way, kind), route in list(house.ledger.routes.items())
        if way == ENGINE and (kind in _LEARNS or kind.startswith("ML_"))
    }


def _refused(house: House) -> dict[tuple[str, str], tuple[int, datetime]]:
    """How often MySQL answered for a loaded table lately, and when last."""
    found: dict[tuple[str, str], tuple[int, datetime]] = {}
    for one in house.rapid.history.latest():
        if one.refusal is None:
            continue
        for qualified in set(one.tables):
            schema, _, name = qualified.partition(".")
            count, _ = found.get((schema, name), (0, one.started))
            found[schema, name] = count + 1, one.started
    return found


async def values_of(session: Session, table: str) -> Mapping[str, str]:
    """RAPID's rows in one of STATUS or SETTINGS: names and values."""
    rapid = session.house.rapid
    if table in SETTINGS:
        only_global = table == "global_variables"
        return shown(session.rapid, rapid.variables, only_global=only_global)
    facts = await asyncio.to_thread(_status_facts, session.house)
    is_session = table == "session_status"
    return status.status(facts, session.rapid if is_session else None)


def _status_facts(house: House) -> status.StatusFacts:
    history = house.rapid.history
    return status.StatusFacts(
        held=held_tables(house),
        cores=cores(house),
        held_bytes=house.engine.memory().held_bytes,
        offloaded=history.offloaded,
        not_offloaded=history.not_offloaded,
        scanned_bytes=history.scanned_bytes,
        learned=sum(one["operations"] for one in _learned(house).values()),
        propagates=house.rapid.propagates,
    )


def _with_rows(table: str, values: Mapping[str, str]) -> bytes:
    names = ", ".join(f"'{name}'" for name in values)
    rows = ", ".join(f"ROW('{name}', '{value}')" for name, value in values.items())
    return (
        f"SELECT * FROM {SCHEMA}.{table} WHERE VARIABLE_NAME NOT IN ({names})"
        f" UNION ALL VALUES {rows}"
    ).encode()
