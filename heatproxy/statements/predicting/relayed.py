"""A statement that MySQL answers in the place of the client's own.

Its columns bear the names of the client's text, and what it leaves in the session is
what the client is told when it asks.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from pymysql.constants import FIELD_TYPE

from heatproxy.aftermath import Aftermath, conditions_of
from heatproxy.session import Session
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.parameters import encode

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
    backend = session.backend
    left: list[Aftermath] = []

    async def before_end() -> None:
        # in this order: SHOW WARNINGS leaves FOUND_ROWS() as it is
        conditions = await conditions_of(backend)
        found_rows = int(await backend.scalar("SELECT FOUND_ROWS()") or 0)
        affected = session.answer.affected_rows
        row_count = -1 if affected is None else affected
        left.append(Aftermath(found_rows, row_count, conditions))
        if clean_up is not None:
            await clean_up()

    def describe(place: int, column: ColumnDefinition) -> ColumnDefinition:
        own = columns[place]
        is_of_ours = column.org_table.startswith("heatproxy_")  # a copy, a look-up
        if _kind(own) == _kind(column) and not is_of_ours:
            return replace(column, name=own.name)
        return own

    if columns and session.answer.binary:
        reply = await backend.prepare(text)
        try:
            command = encode(reply.statement_id, backend.capabilities, [])
            await session.relay_command(command, before_end, describe)
        finally:
            backend.close_statement(reply.statement_id)
    else:
        await session.relay(text, before_end, describe if columns else None)
    session.aftermath = left[0] if left else None


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
    if _kind(one) == _kind(other):
        return True
    # A value that MySQL keeps in a table of its own for a moment is described otherwise
    # than one that it computes.
    texts = all(column.type in _TEXTS for column in (one, other))
    return texts and (one.charset == other.charset or results in _AS_THEY_ARE)


def _kind(column: ColumnDefinition) -> tuple[int, int, int, bool]:
    return column.type, column.charset, column.decimals, column.is_unsigned
