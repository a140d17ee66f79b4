"""The tables that ML_PREDICT_TABLE and ML_EXPLAIN_TABLE write.

The primary key first, then the other input columns in their order, then what the
model adds. Column types are the input's own; the table is made and filled on the
caller's connection, and goes again when that fails.

Source: HeatWave User Guide, "ML_PREDICT_TABLE", "ML_EXPLAIN_TABLE".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from heatproxy.automl.loaded import Loaded
from heatproxy.automl.tasks.contract import Answers
from heatproxy.backend.insert import insert_rows
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import not_supported
from heatproxy.routines import inplace
from heatproxy.routines.arguments import require_absent, table_name
from heatproxy.session import Session

LABEL_TYPES: tuple[tuple[pa.DataType, str], ...] = (
    (pa.bool_(), "tinyint(1)"),
    (pa.int8(), "tinyint"),
    (pa.uint8(), "tinyint unsigned"),
    (pa.int16(), "smallint"),
    (pa.uint16(), "smallint unsigned"),
    (pa.int32(), "int"),
    (pa.uint32(), "int unsigned"),
    (pa.int64(), "bigint"),
    (pa.uint64(), "bigint unsigned"),
    (pa.float32(), "float"),
    (pa.float64(), "double"),
    (pa.date32(), "date"),
    (pa.timestamp("us"), "datetime(6)"),
)


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column of the input table, as the output repeats it."""

    name: str
    definition: str
    in_key: bool


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows of the input were looked at, and to how many there is no answer."""

    seen: int
    failed: int

    @classmethod
    def of(cls, rows: pa.Table, found: Answers) -> "Written":
        """Of the input's rows and what a job answered."""
        failed = 0 if found.own_rows else found.added.column("ml_results").null_count
        return cls(rows.num_rows, failed)


async def write_answers(
    session: Session,
    loaded: Loaded,
    table: str | None,
    output_table: str | None,
    job: Callable[..., Answers],
    *arguments: Any,
) -> Written:
    """Run a job over a table's rows and write them, with what it adds, to a new table.

    ``job`` gets the model's bytes, the rows, ``arguments`` and a number of threads.
    """
    source = await table_name(session, table, "table_name")
    target = await table_name(session, output_table, "output_table_name")
    if source == target:
        return await _write_in_place(session, loaded, source, job, *arguments)
    await require_absent(session, *target)
    rows = await session.read_table(*source)
    columns = await input_columns(session, *source)
    found = await session.in_worker(job, loaded.data, rows, *arguments, session.threads)
    added, written = _added_by(loaded, found), Written.of(rows, found)
    if found.own_rows:
        (key, kind), *added = added
        columns = [InputColumn(key, f"{kind} NOT NULL", in_key=True)]
        rows = found.added
    else:
        for field in found.added.schema:
            rows = rows.append_column(field.name, found.added.column(field.name))
    await write_output(session, *target, columns, added, rows)
    return written


async def _write_in_place(
    session: Session,
    loaded: Loaded,
    source: tuple[str, str],
    job: Callable[..., Answers],
    *arguments: Any,
) -> Written:
    """The same, where the table itself gets the answers."""
    key = await inplace.prepare(session, *source, {"Prediction", "ml_results"})
    try:
        rows = await session.read_table(*source)
        found = await session.in_worker(
            job, loaded.data, rows.drop_columns(key), *arguments, session.threads
        )
        if found.own_rows:
            raise not_supported("an output table that is the input table for this task")
        answers = found.added.add_column(0, key, rows.column(key))
        await inplace.add_answers(session, *source, _added_by(loaded, found), answers)
    except BaseException:
        await inplace.take_back(session, *source, key)
        raise
    return Written.of(rows, found)


def _added_by(loaded: Loaded, found: Answers) -> list[tuple[str, str]]:
    """Name and type of each column that the model adds."""
    is_regression = loaded.entry.task == "regression"
    return [(f.name, _type_of_added(f, is_regression)) for f in found.added.schema]


def _type_of_added(field: pa.Field, is_regression: bool) -> str:
    """A prediction is of its label's type or FLOAT; texts are long, shares DOUBLE."""
    if field.name == "Prediction":
        return "float" if is_regression else label_type(field.type)
    if pa.types.is_integer(field.type):
        return label_type(field.type)
    return "longtext" if pa.types.is_string(field.type) else "double"


async def input_columns(session: Session, schema: str, table: str) -> list[InputColumn]:
    """The input's columns, the primary key's first.

    Raises:
        MySQLError: 1235, a temporary table: the dictionary does not know it.
    """
    found = await session.backend.query(
        "SELECT HEX(CONVERT(COLUMN_NAME USING utf8mb4)),"
        " HEX(CONVERT(COLUMN_TYPE USING utf8mb4)), CHARACTER_SET_NAME,"
        " COLLATION_NAME, IS_NULLABLE, COLUMN_KEY FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
        f" AND TABLE_NAME = {quote_text(table)} ORDER BY ORDINAL_POSITION"
    )
    columns = []
    for name, kind, charset, collation, nullable, key in found.texts():
        definition = bytes.fromhex(kind or "").decode()
        if charset is not None:
            definition += f" CHARACTER SET {charset} COLLATE {collation}"
        definition += " DEFAULT NULL" if nullable == "YES" else " NOT NULL"
        text = bytes.fromhex(name or "").decode()
        columns.append(InputColumn(text, definition, key == "PRI"))
    if not columns:
        raise not_supported("a temporary table as input")
    return sorted(columns, key=lambda column: not column.in_key)


def label_type(labels: pa.DataType) -> str:
    """The column type for a model's labels."""
    for kind, name in LABEL_TYPES:
        if labels == kind:
            return name
    if pa.types.is_decimal(labels):
        return f"decimal({labels.precision},{labels.scale})"
    return "varchar(255)"


async def write_output(
    session: Session,
    schema: str,
    table: str,
    columns: Sequence[InputColumn],
    added: Sequence[tuple[str, str]],
    rows: pa.Table,
) -> None:
    """Create the output table and insert ``rows``, whose columns have its names.

    Raises:
        MySQLError: 1050, it exists; 1060, the input has a column of the same name as
            one that is added; 1142 and the like.
    """
    name = f"{quote_name(schema)}.{quote_name(table)}"
    key = [quote_name(column.name) for column in columns if column.in_key]
    parts = [f"{quote_name(column.name)} {column.definition}" for column in columns]
    parts += [f"{quote_name(title)} {kind}" for title, kind in added]
    if not key:
        key = [quote_name(session.generation.generated_key)]
        parts.insert(0, f"{key[0]} bigint NOT NULL AUTO_INCREMENT")
    parts.append(f"PRIMARY KEY ({', '.join(key)})")
    await session.backend.query(f"CREATE TABLE {name} ({', '.join(parts)})")
    try:
        await session.backend.query("START TRANSACTION")
        await insert_rows(session.backend, name, rows)
        await session.backend.query("COMMIT")
    except BaseException:
        await session.undo(f"DROP TABLE IF EXISTS {name}")
        raise
