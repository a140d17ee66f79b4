"""Key columns of engine tables: what compares strings where no expression does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from heatproxy.datatypes import Column
from heatproxy.engine.facts import (
    KeyMaker,
    TableFacts,
    TextFacts,
    Unkeyable,
    key_column,
)
from heatproxy.engine.scan import TextScan

COUNTED_ROWS = 500_000  # up to which the values of a column are compared one by one
BATCH_ROWS = 65_536


def text_facts(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[Column],
    scan: TextScan,
    rows: int,
) -> dict[str, TextFacts]:
    """The facts of a table whose rows ``scan`` has seen on their way in."""
    facts = {}
    held = {column.name for column in columns}
    for column, found in scan.facts().items():
        if column not in held:
            continue
        if found.ascii and not found.clean and found.values is None:
            found = replace(found, clean=_is_clean(cursor, name, column, rows))
        facts[column] = found
    return facts


def add_key(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    column: str,
    collation: str,
    maker: KeyMaker,
) -> bool:
    """Give a column of a table its key column, in the cursor's transaction.

    False: one of its texts can have no key, and all is as it was.

    Raises:
        MySQLError: whatever ``maker`` raises.
    """
    table, text, key = map(_quoted, (name, column, key_column(column)))
    cursor.execute(
        "CREATE TEMP TABLE key_texts AS SELECT row_number() OVER () AS n, t FROM"
        f" (SELECT DISTINCT {text} AS t FROM {table} WHERE {text} IS NOT NULL)"
    )
    cursor.execute("CREATE TEMP TABLE key_values (t VARCHAR, k BLOB)")
    try:
        _fill(cursor, collation, maker)
    except Unkeyable:
        keyed = False
    else:
        keyed = True
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN {key} BLOB")
        cursor.execute(
            f"UPDATE {table} SET {key} = v.k FROM key_values v"
            f" WHERE {table}.{text} = v.t"
        )
    cursor.execute("DROP TABLE key_texts")
    cursor.execute("DROP TABLE key_values")
    return keyed


def _fill(cursor: duckdb.DuckDBPyConnection, collation: str, maker: KeyMaker) -> None:
    begin = 0
    while True:
        texts = cursor.sql(
            f"SELECT t FROM key_texts WHERE n > {begin}"
            f" AND n <= {begin + BATCH_ROWS} ORDER BY n"
        ).to_arrow_table()
        if not texts.num_rows:
            break
        array = texts.column(0).cast(pa.large_string()).combine_chunks()
        made = pa.table({"t": array, "k": maker.keys(collation, array)})
        cursor.register("made_keys", made)
        cursor.execute("INSERT INTO key_values SELECT t, k FROM made_keys")
        cursor.unregister("made_keys")
        begin += BATCH_ROWS


def with_keys(
    facts: Mapping[str, TextFacts],
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    collations: Mapping[str, str | None],
    maker: KeyMaker,
) -> dict[str, TextFacts]:
    """Add the key columns a table needs and has not; its facts afterwards."""
    made = dict(facts)
    for column, collation in lacking(facts, collations, maker).items():
        keyed = add_key(cursor, name, column, collation, maker)
        made[column] = replace(facts[column], keyed=keyed)
    return made


def lacking(
    facts: Mapping[str, TextFacts],
    collations: Mapping[str, str | None],
    maker: KeyMaker,
) -> dict[str, str]:
    """The columns, with their collations, that need a key column and have none."""
    return {
        column: collation
        for column, found in facts.items()
        if (collation := collations.get(column)) is not None
        and not found.keyed
        and maker.needs_key(collation, found)
    }


def write_texts(
    cursor: duckdb.DuckDBPyConnection, name: str, texts: Mapping[str, TextFacts]
) -> None:
    """Keep other facts of a table's text, in the cursor's transaction."""
    kept = cursor.execute(
        "SELECT facts FROM heatproxy.facts WHERE name = ?", [name]
    ).fetchone()
    if kept is not None:
        facts = replace(TableFacts.from_json(kept[0]), texts=texts)
        cursor.execute(
            "UPDATE heatproxy.facts SET facts = ? WHERE name = ?",
            [facts.to_json(), name],
        )


def _is_clean(
    cursor: duckdb.DuckDBPyConnection, name: str, column: str, rows: int
) -> bool:
    if rows > COUNTED_ROWS:
        return False
    x = _quoted(column)
    found = cursor.execute(
        f"SELECT count(DISTINCT {x}) = count(DISTINCT rtrim(lower({x}), ' '))"
        f" FROM {_quoted(name)}"
    ).fetchone()
    return found is not None and bool(found[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
