"""The statements that Auto Parallel Load generates, in HeatWave's own spelling.

Source: load scripts printed in public labs (reference, section 1.9).
"""

from collections.abc import Collection, Sequence
from typing import Any

from heatproxy.datatypes import Column, quote_name
from heatproxy.jsontext import json_text


def create_database(schema: str) -> str:
    return f"CREATE DATABASE {quote_name(schema)};"


def create_table(
    schema: str,
    table: str,
    columns: Sequence[Column],
    attribute: dict[str, Any],
    left_out: Collection[int] = (),
) -> str:
    """CREATE TABLE of an external table; running it by hand gives the same table.

    ``left_out`` are the places of columns that are not to be loaded.
    """
    return (
        f"CREATE TABLE {quote_name(schema)}.{quote_name(table)}"
        f"( {shell_columns(columns, left_out)}) ENGINE=lakehouse SECONDARY_ENGINE=RAPID"
        f" {_engine_attribute(attribute)};"
    )


def alter_table(
    schema: str,
    table: str,
    attribute: dict[str, Any] | None,
    actions: Sequence[str],
) -> str:
    """ALTER TABLE of an external table: other files, if any, and other columns."""
    name = f"{quote_name(schema)}.{quote_name(table)}"
    listed = [_engine_attribute(attribute)] if attribute is not None else []
    return f"ALTER TABLE {name} {', '.join([*listed, *actions])};"


def _engine_attribute(attribute: dict[str, Any]) -> str:
    literal = json_text(attribute).replace("\\", "\\\\").replace("'", "\\'")
    return f"ENGINE_ATTRIBUTE='{literal}'"


def secondary_engine(schema: str, table: str) -> str:
    """Mark an InnoDB table for RAPID."""
    name = f"{quote_name(schema)}.{quote_name(table)}"
    return f"ALTER TABLE {name} SECONDARY_ENGINE=RAPID;"


def secondary_load(schema: str, table: str, checked: bool = True) -> str:
    """Load a table; ``checked`` False adds the hint that newer releases write."""
    hint = "" if checked else "/*+ AUTOPILOT_DISABLE_CHECK */ "
    name = f"{quote_name(schema)}.{quote_name(table)}"
    return f"ALTER TABLE {hint}{name} SECONDARY_LOAD;"


def load_parallelism(threads: int) -> str:
    return f"SET SESSION innodb_parallel_read_threads = {threads};"


def shell_columns(columns: Sequence[Column], left_out: Collection[int] = ()) -> str:
    """The column definitions, for the script and for the InnoDB shell alike."""
    return ", ".join(
        f"{quote_name(column.name)} {column.type.sql()}"
        + ("" if column.nullable else " NOT NULL")
        + (" NOT SECONDARY" if place in left_out else "")
        for place, column in enumerate(columns)
    )
