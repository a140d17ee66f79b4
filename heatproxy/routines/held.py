"""The tables that the engine holds, as the rpd_ tables and the advisor tell of them."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column
from heatproxy.engine import Trap
from heatproxy.house import House
from heatproxy.rapid.rapid import FileLoad
from heatproxy.rapid.rpd_rows import ColumnStats, HeldTable
from heatproxy.rapid.tables import LoadStatus
from heatproxy.session import Cancel, Session

log = logging.getLogger(__name__)

Stats = Mapping[str, ColumnStats]


def held_tables(house: House) -> list[HeldTable]:
    """Those of InnoDB and those of files, by id. Asks the engine."""
    scn = _scn(house)
    found = [
        HeldTable(
            id=table.id,
            schema=table.schema,
            name=table.name,
            engine_name=table.engine_name,
            columns=tuple(column.name for column in table.held_columns),
            transactional=True,
            status=table.status,
            version=table.version,
            scn=scn if table.is_available else None,
            rows=table.rows,
            bytes=table.bytes,
            progress=table.progress,
            load_started=table.load_started,
            load_ended=table.load_ended,
            queries=table.queries,
            last_queried=table.last_queried,
        )
        for table in house.rapid.tables.all()
    ]
    shells = house.shells.all()
    found += [_of_files(house, shell) for shell in shells]
    known = {(shell.schema, shell.table) for shell in shells}
    found += [
        _coming(house, name, load)
        for name, load in tuple(house.rapid.file_loads.items())
        if name not in known
    ]
    return sorted(found, key=lambda table: table.id)


def _scn(house: House) -> int | None:
    """How far the changes are that every available table has, as one number."""
    follower = house.rapid.follower
    applied = None if follower is None else follower.applied
    return None if applied is None else applied.number << 40 | applied.offset


def _id_of(house: House, engine_name: str) -> int:
    rapid = house.rapid
    if engine_name not in rapid.file_ids:
        rapid.file_ids[engine_name] = rapid.tables.new_id()
    return rapid.file_ids[engine_name]


def _coming(house: House, name: tuple[str, str], load: FileLoad) -> HeldTable:
    """A table of files that is loaded for the first time."""
    schema, table = name
    return HeldTable(
        id=_id_of(house, load.engine_name),
        schema=schema,
        name=table,
        engine_name=load.engine_name,
        columns=load.columns,
        transactional=False,
        status=LoadStatus.LOADING,
        version=0,
        scn=None,
        rows=0,
        bytes=0,
        progress=load.progress,
        load_started=load.started,
        load_ended=None,
        queries=0,
        last_queried=None,
    )


def _of_files(house: House, shell: Shell) -> HeldTable:
    rapid = house.rapid
    queries, last = rapid.uses.get(f"{shell.schema}.{shell.table}", (0, None))
    try:
        facts = house.engine.facts(shell.engine_name)
    except KeyError:  # it has not been loaded
        facts = None
    load = rapid.file_loads.get((shell.schema, shell.table))
    status = LoadStatus.AVAILABLE if facts else LoadStatus.NOLOAD
    return HeldTable(
        id=_id_of(house, shell.engine_name),
        schema=shell.schema,
        name=shell.table,
        engine_name=shell.engine_name,
        columns=tuple(column.name for column in facts.columns) if facts else (),
        transactional=False,
        status=LoadStatus.LOADING if load else status,
        version=0,
        scn=None,
        rows=facts.rows if facts else 0,
        bytes=facts.bytes if facts else 0,
        progress=load.progress if load else 100.0 if facts else 0.0,
        load_started=load.started if load else None,
        load_ended=facts.loaded_at if facts else None,
        queries=queries,
        last_queried=last,
    )


async def column_stats(session: Session, held: Sequence[HeldTable]) -> dict[str, Stats]:
    """The statistics of each table's columns, by engine name.

    They are counted when they are asked for, and again when the table has come to have
    other rows by number; changes of values alone leave them as they are.
    """
    kept = session.house.rapid.column_stats
    for gone in set(kept) - {table.engine_name for table in held}:
        del kept[gone]
    for table in held:
        now = (table.version, table.rows)
        known = kept.get(table.engine_name)
        if table.status is not LoadStatus.AVAILABLE or (known and known[0] == now):
            continue
        try:
            counted = await session.off_loop(partial(_counted, session.house, table))
        except Trap as problem:
            log.warning("no statistics of %s: %s", table.name, problem)
            continue
        kept[table.engine_name] = now, counted
    names = {table.engine_name for table in held} & set(kept)
    return {name: kept[name][1] for name in names}


def _counted(house: House, table: HeldTable, cancel: Cancel) -> Stats:
    try:
        columns = house.engine.facts(table.engine_name).columns
    except KeyError:  # it has gone
        return {}
    columns = tuple(column for column in columns if column.name in table.columns)
    if not columns:
        return {}
    items = ", ".join(item for column in columns for item in _measures(column))
    sql = f"SELECT {items} FROM {_quoted(table.engine_name)}"
    query = house.engine.run(sql, listen=cancel.interrupts)
    try:
        (row,) = (
            query.reader.read_all()
            .rename_columns([str(place) for place in range(2 * len(columns))])
            .to_pylist()
        )
    finally:
        query.close()
    values = list(row.values())
    return {
        column.name: ColumnStats(values[2 * place], values[2 * place + 1])
        for place, column in enumerate(columns)
    }


def _measures(column: Column) -> tuple[str, str]:
    """Two expressions: how many values a column has, and the mean width of text."""
    name = _quoted(column.name)
    width = f"avg(coalesce(strlen({name}), 0))" if column.type.is_string else "NULL"
    return f"approx_count_distinct({name})", width


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
