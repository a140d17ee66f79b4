"""What the engine's file says of the tables in it, so that a restart can go on.

It is written in one transaction with the rows, and read when heatproxy starts.
"""

import json
from datetime import UTC, datetime

from heatproxy import datatypes
from heatproxy.datatypes import MySQLType
from heatproxy.errors import MySQLError
from heatproxy.rapid.describe import Description
from heatproxy.rapid.tables import LoadedColumn, LoadedTable, LoadStatus


def to_json(table: LoadedTable) -> str:
    """The table as from_json reads it: its name, its columns, when it was loaded."""
    started = table.load_started
    return json.dumps(
        {
            "schema": table.schema,
            "name": table.name,
            "primary_key": table.primary_key,
            "load_started": None if started is None else started.isoformat(),
            "load_ended": datetime.now(UTC).isoformat(),
            "columns": [
                {
                    "name": column.name,
                    "type": column.type.sql(),
                    "nullable": column.nullable,
                    "collation": column.collation,
                    "refusal": column.refusal,
                    "visible": column.visible,
                }
                for column in table.columns
            ],
        }
    )


def from_json(text: str, engine_name: str, number: int) -> LoadedTable:
    """The table that to_json wrote of, still RECOVERING; ``number`` is its id now.

    Raises:
        ValueError, KeyError: the text is another version's.
    """
    kept = json.loads(text)
    started, ended = kept["load_started"], kept["load_ended"]
    return LoadedTable(
        number,
        kept["schema"],
        kept["name"],
        engine_name,
        tuple(
            LoadedColumn(
                column["name"],
                _type(column["type"]),
                column["nullable"],
                column["collation"],
                column["refusal"],
                column["visible"],
            )
            for column in kept["columns"]
        ),
        tuple(kept["primary_key"]),
        LoadStatus.RECOVERING,
        load_started=None if started is None else datetime.fromisoformat(started),
        load_ended=datetime.fromisoformat(ended),
    )


def is_of(table: LoadedTable, now: Description) -> bool:
    """Whether the dictionary still says of the table what it did when it was loaded.

    Of columns that were left out for their values the dictionary knows nothing.
    """
    if len(table.columns) != len(now.columns):
        return False
    as_then = {
        then.name: then.refusal
        for then, column in zip(table.columns, now.columns, strict=True)
        if then.refusal is not None and column.refusal is None
    }
    described = now.without(as_then)
    return (described.columns, described.usable_key) == (
        table.columns,
        table.primary_key,
    )


def _type(text: str) -> MySQLType:
    try:
        return datatypes.parse(text)
    except MySQLError as problem:
        raise ValueError(problem.message) from None
