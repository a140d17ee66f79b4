"""Several statements in one round trip: all of them are sent before one is answered."""

from collections.abc import Sequence

from heatproxy.backend.connection import MARK, BackendConnection, to_prepare
from heatproxy.backend.replies import Result
from heatproxy.errors import MySQLError
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import frame, query

KILLED = 1317  # ER_QUERY_INTERRUPTED

Columns = list[ColumnDefinition]


async def together(
    backend: BackendConnection, texts: Sequence[bytes], prepared: bytes
) -> tuple[list[Result | MySQLError], Columns | MySQLError]:
    """The answers to some statements, of one result each, and an error for what fails.

    Behind them comes what ``prepared_columns`` says of ``prepared``: what MySQL warns
    of then is that statement's.

    Raises:
        MySQLError: 1317, one of them was killed.
        ProtocolError: the connection is gone.
    """
    frames = [frame(query(MARK + text, backend.capabilities), 0) for text in texts]
    answers: list[Result | MySQLError] = []
    async with backend.claimed():
        backend.write(b"".join([*frames, to_prepare(prepared)]))
        for _ in texts:
            try:
                answers.append(await backend.result())
            except MySQLError as problem:
                answers.append(problem)
        columns = await _columns(backend)
    for found in (*answers, columns):
        if isinstance(found, MySQLError) and found.number == KILLED:
            raise found
    return answers, columns


async def _columns(backend: BackendConnection) -> Columns | MySQLError:
    try:
        async with backend.opened() as (_, columns):
            return columns
    except MySQLError as problem:
        return problem
