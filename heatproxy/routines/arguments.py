"""What several routines read the same way: table names and option objects."""

import json
import re
from typing import Any

from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, ml_error
from heatproxy.session import Session

# Between back-ticks anything; without, what SQL would want quoted is a name here too:
# cnae-9, 2024_data, my table.
_PART = r"\s*(?:`((?:[^`]|``)+)`|([^`.\s](?:[^`.]*[^`.\s])?))\s*"
_NAME = re.compile(rf"(?:{_PART}\.)?{_PART}", re.DOTALL)


async def table_name(
    session: Session, text: str | None, parameter: str
) -> tuple[str, str]:
    """Schema and table of an argument such as ``'db.t'`` or ``'db.`odd-name`'``.

    Raises:
        MySQLError: 3877, it is no table's name; 1046, it has no schema and the
            session has no default one.
    """
    match = _NAME.fullmatch(text or "")
    if match is None:
        raise ml_error("ML006004", f"{parameter} must be of the form schema.table.")
    quoted_schema, schema, quoted_table, table = match.groups()
    if quoted_schema:
        schema = quoted_schema.replace("``", "`")
    if quoted_table:
        table = quoted_table.replace("``", "`")
    if schema is None:
        schema = await session.schema()
    if schema is None:
        raise MySQLError(1046, "3D000", "No database selected")
    return schema, table


def option_object(text: str | None, routine: str) -> dict[str, Any]:
    """The options of a call, as JSON text that MySQL has checked.

    Raises:
        MySQLError: 3877, it is not an object.
    """
    options = json.loads(text) if text is not None else None
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise ml_error("ML006005", f"{routine}: options must be a JSON object.")
    return options


async def require_absent(session: Session, schema: str, table: str) -> None:
    """Refuse an output table that exists: 1050, before any work is done."""
    present = await session.backend.scalar(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
        f"{quote_text(schema)} AND TABLE_NAME = {quote_text(table)}"
    )
    if present != "0":
        raise MySQLError(1050, "42S01", f"Table '{table}' already exists")
