"""What the client is told: packets of our own answers, counted from one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import pyarrow as pa
from mysql_mimic.charset import CharacterSet
from mysql_mimic.packets import make_column_definition_41
from mysql_mimic.types import ColumnType

from heatproxy.errors import MySQLError
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.columns import parse as parse_definition
from heatproxy.wire.encode import RowEncoder
from heatproxy.wire.packets import (
    SESSION_STATUS,
    Capability,
    Status,
    end_of_rows,
    eof,
    err,
    frame_all,
    lenenc,
    lenenc_bytes,
    ok,
)


class Sender(Protocol):
    """Where packets go: the client's leg."""

    async def send(self, data: bytes) -> None: ...


class SessionFacts(Protocol):
    """What an answer must agree with."""

    capabilities: int
    status: int


class Answer:
    """The reply to one command, of any number of result sets."""

    def __init__(self, sender: Sender, session: SessionFacts) -> None:
        self._sender = sender
        self._session = session
        self._capabilities = session.capabilities
        self._sequence_id = 1

    @property
    def _status(self) -> int:
        """The flags of the session; those of one statement alone are not ours."""
        return self._session.status & SESSION_STATUS

    async def _send(self, *payloads: bytes) -> None:
        data, self._sequence_id = frame_all(list(payloads), self._sequence_id)
        await self._sender.send(data)

    async def ok(self, affected_rows: int = 0, info: str = "") -> None:
        """End the reply with an OK."""
        packet = ok(self._capabilities, self._status, affected_rows, info=info.encode())
        await self._send(packet)

    async def error(self, error: MySQLError) -> None:
        """End the reply with an ERR."""
        await self._send(err(error))

    async def rows(
        self,
        columns: Sequence[ColumnDefinition],
        batches: AsyncIterator[pa.RecordBatch],
        *,
        more: bool = False,
    ) -> None:
        """A result set of Arrow batches under MySQL's own column definitions.

        Columns are taken by place; they are cast to the definitions' Arrow types.
        """
        await self._head(columns)
        # the first one of a process may wait for its kernel to be compiled
        encoder = await asyncio.to_thread(RowEncoder, columns, binary=False)
        async for batch in batches:
            data, self._sequence_id = await asyncio.to_thread(
                encoder.encode, batch, self._sequence_id
            )
            await self._sender.send(data)
        await self._end(more)

    async def text_rows(
        self,
        columns: Sequence[ColumnDefinition],
        rows: Sequence[Sequence[bytes | None]],
        *,
        more: bool = False,
    ) -> None:
        """A result set of a few rows whose values are MySQL's text already."""
        await self._head(columns)
        payloads = [
            b"".join(b"\xfb" if v is None else lenenc_bytes(v) for v in row)
            for row in rows
        ]
        if payloads:
            await self._send(*payloads)
        await self._end(more)

    async def _head(self, columns: Sequence[ColumnDefinition]) -> None:
        full = b"\x01" if self._capabilities & Capability.OPTIONAL_METADATA else b""
        head = [lenenc(len(columns)) + full, *(c.to_bytes() for c in columns)]
        if not self._capabilities & Capability.DEPRECATE_EOF:
            head.append(eof(self._status))
        await self._send(*head)

    async def _end(self, more: bool) -> None:
        status = self._status | (Status.MORE_RESULTS if more else 0)
        await self._send(end_of_rows(self._capabilities, status))


def text_column(name: str, characters: int = 4096) -> ColumnDefinition:
    """A string column of a report: VARCHAR in utf8mb4, of no table."""
    payload = make_column_definition_41(
        server_charset=CharacterSet.utf8mb4,
        name=name,
        org_name=name,
        character_set=CharacterSet.utf8mb4,
        column_length=characters * 4,
        column_type=ColumnType.VAR_STRING,
        decimals=31,
    )
    return parse_definition(payload)
