"""The rows of a SELECT as Arrow, through the binary protocol, while they come."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from heatproxy.datatypes import quote_name
from heatproxy.errors import not_supported
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.decode import RowDecoder
from heatproxy.wire.packets import ERR, parse_err

if TYPE_CHECKING:
    from heatproxy.backend.connection import BackendConnection

UTF8 = "utf8mb4"


class ArrowRows:
    """Rows on their way; ``warnings`` are counted when they have ended."""

    def __init__(
        self,
        backend: "BackendConnection",
        columns: Sequence[ColumnDefinition],
        early: bytes,
    ) -> None:
        """``early`` are bytes of rows that came with the columns."""
        self.warnings = 0
        self._backend = backend
        self._decoder = RowDecoder(columns, deprecate_eof=backend.is_new_eof)
        self._batches = self._decoder.feed(early)
        self._ended = False

    async def following(self) -> list[pa.RecordBatch]:
        """The next batches; none at the end.

        Raises:
            MySQLError: the backend's own; 1235 for zero dates, which Arrow cannot hold.
            ProtocolError: the connection is gone.
        """
        decoder = self._decoder
        while not self._batches and decoder.terminator is None:
            self._batches += decoder.feed(await self._backend.some_bytes())
        if decoder.terminator is not None and not self._ended:
            self._ended = True
            self._batches += decoder.finish()
            if decoder.terminator[0] == ERR:
                raise parse_err(decoder.terminator)
            self.warnings = self._backend.note_end(decoder.terminator)
        if decoder.zero_dates:
            raise not_supported("zero dates such as 0000-00-00")
        if decoder.invalid_text:
            raise not_supported("text that is not valid in its character set")
        batches, self._batches = self._batches, []
        return batches

    async def table(self) -> pa.Table:
        """All that is to come."""
        batches: list[pa.RecordBatch] = []
        while found := await self.following():
            batches += found
        return pa.Table.from_batches(batches, self._decoder.schema)

    async def discard(self) -> None:
        """Read to the end what nobody wants, so that the connection is free."""
        while self._decoder.terminator is None:
            self._decoder.feed(await self._backend.some_bytes())


@asynccontextmanager
async def arrow_rows(
    backend: "BackendConnection", sql: bytes
) -> AsyncIterator[ArrowRows]:
    """Run a SELECT; its rows, with text in UTF-8 whatever the session wants.

    Raises:
        MySQLError: the backend's own.
    """
    charset = await backend.scalar("SELECT @@character_set_results")
    async with backend.prepared(sql) as (statement_id, _):
        # only now: what MySQL refuses, it refuses in the session's character set
        if charset != UTF8:
            await backend.query(f"SET character_set_results = {UTF8}")
        try:
            rows = ArrowRows(backend, *await backend.start(statement_id))
            try:
                yield rows
            finally:
                await rows.discard()
        finally:
            if charset != UTF8:
                old = quote_name(charset) if charset else "NULL"
                await backend.query(f"SET character_set_results = {old}")
