"""What several routines read the same way: table names and option objects."""

import json
from typing import Any

from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, ml_error
from heatproxy.session import Session
from heatproxy.sql.lexer import qualified_name, tokens


async def table_name(
    session: Session, text: str | None, parameter: str
) -> tuple[str, str]:
    """Schema and table of an argument such as ``'db.t'`` or ``'db.`odd-name`'``.

    Raises:
        MySQLError: 3877, it is no table's name; 1046, it has no schema and the
            session has no default one.
    """
    found = tokens((text or "").encode())
    # cnae-9 and 2024_data are names here, though SQL would want them quoted
    named = qualified_name(found, 0)
    if named is not None and named[2] == len(found):
        schema, table = named[0], named[1]
    elif text and text.count(".") == 1 and "`" not in text:
        schema, _, table = text.partition(".")
    elif text and "." not in text and "`" not in text:
        schema, table = None, text
    else:
        raise ml_error("ML006004", f"{parameter} must be of the form schema.table.")
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
