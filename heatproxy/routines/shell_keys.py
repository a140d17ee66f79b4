"""The keys of Lakehouse tables: that none of their values is there twice.

MySQL compares texts by their collations. Where the engine has a rule for that, it
looks; else MySQL weighs the texts.

Source: HeatWave User Guide, "External Table JSON Syntax", check_constraints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.backend.shells import Shell
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError, not_supported
from heatproxy.house import House
from heatproxy.session import Cancel, Session
from heatproxy.sql.collation import is_weighable
from heatproxy.sql.emitter.values import EngineTable, SessionFacts, Unanswered
from heatproxy.sql.translate import Forward, translate

_DUPLICATE, _PREFIX = 1062, 1089
_SHOWN_CHARACTERS = 64  # of a value, in MySQL's error


@dataclass(frozen=True, slots=True)
class Key:
    """A primary or unique key: its name, and its columns in their order."""

    name: str
    columns: tuple[str, ...]


async def keys_of(session: Session, shell: Shell) -> tuple[Key, ...]:
    """The unique keys of a shell.

    Raises:
        MySQLError: 1089, one of parts of columns; 1235, one of expressions.
    """
    found = await session.backend.query(
        "SELECT HEX(CONVERT(INDEX_NAME USING utf8mb4)),"
        " HEX(CONVERT(COLUMN_NAME USING utf8mb4)), SUB_PART"
        " FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0"
        f" AND TABLE_SCHEMA = {quote_text(shell.schema)}"
        f" AND TABLE_NAME = {quote_text(shell.table)}"
        " ORDER BY INDEX_NAME, SEQ_IN_INDEX"
    )
    columns: dict[str, list[str]] = {}
    for name, column, part in found.texts():
        if column is None:
            raise not_supported("a key of expressions of a Lakehouse table")
        if part is not None:
            raise prefix_key()
        key = columns.setdefault(bytes.fromhex(name or "").decode(), [])
        key.append(bytes.fromhex(column).decode())
    return tuple(Key(name, tuple(listed)) for name, listed in columns.items())


def prefix_key() -> MySQLError:
    """ER_WRONG_SUB_KEY."""
    return MySQLError(
        _PREFIX,
        "HY000",
        "Incorrect prefix key; the used key part isn't a string, the used length is"
        " longer than the key part, or the storage engine doesn't support unique prefix"
        " keys",
    )


def require_unique(
    house: House,
    shell: Shell,
    key: Key,
    collations: Mapping[str, str],
    cancel: Cancel,
) -> None:
    """See that the engine's rows of a shell have no value of a key twice.

    ``collations`` are those of its columns, which the shell may not have yet.

    Raises:
        MySQLError: 1062, with the value; 1235, it cannot be seen.
    """
    held, _ = house.translator.shell_table(shell)
    if not set(key.columns) <= set(held.columns):
        raise not_supported(f"a key on columns that are NOT SECONDARY, {key.name}")
    columns = {
        name: replace(column, collation=collations.get(name))
        for name, column in held.columns.items()
    }
    table = replace(held, columns=columns)
    try:
        value = _by_rule(house, table, key, cancel)
    except (Forward, Unanswered):
        value = _by_weight(house, table, key, cancel)
    if value is not None:
        shown = "-".join(map(_shown, value))[:_SHOWN_CHARACTERS]
        text = f"Duplicate entry '{shown}' for key '{shell.table}.{key.name}'"
        raise MySQLError(_DUPLICATE, "23000", text)


def _shown(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _by_rule(
    house: House, table: EngineTable, key: Key, cancel: Cancel
) -> tuple[object, ...] | None:
    """A value that is there twice, found by the engine.

    Raises:
        Forward: it has no rule for this.
    """
    listed = ", ".join(map(quote_name, key.columns))
    present = " AND ".join(f"{quote_name(name)} IS NOT NULL" for name in key.columns)
    text = (
        f"SELECT {listed} FROM {quote_name(table.schema)}.{quote_name(table.name)}"
        f" WHERE {present} GROUP BY {listed} HAVING COUNT(*) > 1 LIMIT 1"
    )
    collations = _collations(table, key)
    made = translate(
        text,
        table.schema,
        lambda schema, name: table,
        house.weights.of(collations),
        SessionFacts(),
    )
    running = house.engine.run(made.sql, listen=cancel.interrupts)
    try:
        rows = running.reader.read_all().to_pylist()
    finally:
        running.close()
    return tuple(rows[0].values()) if rows else None


def _collations(table: EngineTable, key: Key) -> set[str]:
    found = (table.columns[name].collation for name in key.columns)
    return {collation for collation in found if collation}


def _by_weight(
    house: House, table: EngineTable, key: Key, cancel: Cancel
) -> tuple[object, ...] | None:
    """A value that is there twice, as MySQL weighs its texts."""
    for collation in _collations(table, key):
        if not is_weighable(collation):
            raise not_supported(f"the check of a key in collation {collation}")
    running = house.engine.read(
        table.engine_name, list(key.columns), listen=cancel.interrupts
    )
    try:
        rows = running.reader.read_all().drop_null()
    finally:
        running.close()
    weighed = [
        _weighed(house, column, table.columns[name].collation, cancel)
        for name, column in zip(key.columns, rows.columns, strict=True)
    ]
    names = [f"c{place}" for place in range(len(weighed))]
    weights = pa.table(weighed, names=names)
    counted = weights.append_column("n", pa.array(range(len(weights)), pa.int64()))
    groups = counted.group_by(names).aggregate([("n", "count"), ("n", "max")])
    twice = groups.filter(pc.greater(groups["n_count"], 1))
    if not len(twice):
        return None
    place = twice["n_max"][0].as_py()
    return tuple(column[place].as_py() for column in rows.columns)


def _weighed(
    house: House, column: pa.ChunkedArray, collation: str | None, cancel: Cancel
) -> pa.ChunkedArray:
    if collation is None:
        return column
    texts = pc.unique(column).to_pylist()
    pads = "_0900_" not in collation and collation != "binary"
    trimmed = [text.rstrip(" ") for text in texts] if pads else texts
    weights = house.weights.weigh(collation, trimmed)
    places = pc.index_in(column, value_set=pa.array(texts, column.type))
    return pc.take(pa.array(weights, pa.binary()), places)
