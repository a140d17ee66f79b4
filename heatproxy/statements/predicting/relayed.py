"""A statement that MySQL answers in the place of the client's own.

Its columns bear the names of the client's text, and what it leaves in the session is
what the client is told when it asks.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from pymysql.constants import FIELD_TYPE

from heatproxy.session import Session
from heatproxy.statements.instead import relay_instead
from heatproxy.wire.columns import ColumnDefinition

_TEXTS = (
    *(FIELD_TYPE.JSON, FIELD_TYPE.BLOB, FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB),
    *(FIELD_TYPE.LONG_BLOB, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VARCHAR),
    FIELD_TYPE.STRING,
)
_AS_THEY_ARE = (None, "utf8mb4", "binary")  # character_set_results of JSON's own text


async def relay(
    session: Session,
    text: bytes,
    columns: Sequence[ColumnDefinition],
    clean_up: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Have MySQL answer with columns of these names; ``clean_up`` runs before the end.

    Raises:
        MySQLError: MySQL's.
    """

    def describe(place: int, column: ColumnDefinition) -> ColumnDefinition:
        own = columns[place]
        is_of_ours = column.org_table.startswith("heatproxy_")  # a copy, a look-up
        if own.kind == column.kind and not is_of_ours:
            return replace(column, name=own.name)
        return own

    await relay_instead(session, text, describe if columns else None, clean_up)


def alike(
    one: Sequence[ColumnDefinition],
    other: Sequence[ColumnDefinition],
    results: str | None,
) -> bool:
    """Whether rows of both have the same bytes.

    ``results`` is the session's character_set_results.
    """
    return len(one) == len(other) and all(
        _same_bytes(a, b, results) for a, b in zip(one, other, strict=True)
    )


def _same_bytes(
    one: ColumnDefinition, other: ColumnDefinition, results: str | None
) -> bool:
    if one.kind == other.kind:
        return True
    # A value that MySQL keeps in a table of its own for a moment is described otherwise
    # than one that it computes.
    texts = all(column.type in _TEXTS for column in (one, other))
    return texts and (one.charset == other.charset or results in _AS_THEY_ARE)
