"""What the client is told: packets of our own answers, counted from one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import pyarrow as pa

from heatproxy.errors import MySQLError
from heatproxy.wire import encode
from heatproxy.wire.charsets import BINARY, UTF8, charset_of, named
from heatproxy.wire.columns import ColumnDefinition, is_text
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
    read_lenenc,
)
from heatproxy.wire.transcode import transcoded

ROWS_AT_ONCE = 1000  # packed in one go, while every other session waits
FEW_ROWS, FEW_BYTES = 256, 1 << 15  # of a batch that is encoded while others wait
JOIN_BYTES = 1 << 16  # parts of an answer are sent together up to there


class Sender(Protocol):
    """Where packets go: the client's leg."""

    async def send(self, data: bytes) -> None: ...


class SessionFacts(Protocol):
    """What an answer must agree with."""

    capabilities: int
    status: int


class Answer:
    """The reply to one command, of any number of result sets.

    What is written here and what MySQL is asked to write (``loan.Passage``) are parts
    of one reply, counted on and on. ``more`` is set while other statements of the same
    packet are still to come. ``warnings`` is how many the statement has left.
    """

    def __init__(
        self, sender: Sender, session: SessionFacts, *, binary: bool = False
    ) -> None:
        """``binary`` answers a COM_STMT_EXECUTE."""
        self.capabilities = session.capabilities
        self.binary = binary
        self.sequence_id = 1
        self._sent_id = 1  # of the first packet that is not on its way
        self.more = False
        self.nameless = False  # the session has resultset_metadata = NONE
        self.warnings = 0
        self.ended = False  # its last packet has been written
        self.affected_rows: int | None = None  # of MySQL's last OK that was passed on
        self._sender = sender
        self._session = session

    def _status(self, more: bool = False) -> int:
        """The flags of the session; those of one statement alone are not ours."""
        more_results = Status.MORE_RESULTS if more or self.more else 0
        return self._session.status & SESSION_STATUS | more_results

    async def _send(self, *payloads: bytes) -> None:
        await self._sender.send(self._framed(*payloads))

    def _framed(self, *payloads: bytes) -> bytes:
        data, self.sequence_id = frame_all(list(payloads), self.sequence_id)
        return data

    async def ok(self, affected_rows: int = 0, info: str = "") -> None:
        """End the reply with an OK."""
        self.ended = not self.more
        packet = ok(
            self.capabilities,
            self._status(),
            affected_rows,
            self.warnings,
            info=info.encode(),
        )
        await self._send(packet)

    async def error(self, error: MySQLError) -> None:
        """End the reply with an ERR."""
        self.ended = True
        await self._send(error.packet or err(error))

    async def prepared(
        self,
        head: bytes,
        parameters: Sequence[ColumnDefinition],
        columns: Sequence[ColumnDefinition],
    ) -> None:
        """MySQL's answer to a COM_STMT_PREPARE; ``head`` is its first packet."""
        named = True
        if self.capabilities & Capability.OPTIONAL_METADATA:
            named = not self.nameless
            head = head[:12] + bytes([named])
        packets = [head]
        for definitions in (parameters, columns):
            packets += [c.to_bytes() for c in definitions if named]
            if definitions and not self.capabilities & Capability.DEPRECATE_EOF:
                packets.append(eof(self._status()))
        self.ended = True
        await self._send(*packets)

    async def rows(
        self,
        columns: Sequence[ColumnDefinition],
        batches: AsyncIterator[pa.RecordBatch],
        *,
        more: bool = False,
        results: str | None = UTF8,
    ) -> int:
        """A result set of Arrow batches under MySQL's own column definitions.

        Columns are taken by place; they are cast to the definitions' Arrow types.
        ``results`` is the session's character_set_results, if there is JSON.
        """
        if encode.is_ready():
            encoder = RowEncoder(columns, self.binary, results)
        else:  # the first one of a process waits for its kernel to be compiled
            encoder = await asyncio.to_thread(RowEncoder, columns, self.binary, results)
        self._sent_id, count = self.sequence_id, 0
        try:
            data = self._framed(*self._head(columns, more))
            async for batch in batches:
                count += batch.num_rows
                before = self.sequence_id
                packed = await self._encoded(encoder, batch)
                if len(data) + len(packed) > JOIN_BYTES:
                    await self._flush(data, before)
                    await self._flush(packed, self.sequence_id)
                    data = packed = b""
                data += packed
            data += self._framed(self._end(more))
            await self._flush(data, self.sequence_id)
        except BaseException:
            self.sequence_id = self._sent_id  # what was not sent does not count
            raise
        return count

    async def _flush(self, data: bytes, next_id: int) -> None:
        """Send packets; ``next_id`` is that of the packet behind them."""
        if data:
            self._sent_id = next_id
            await self._sender.send(data)

    async def _encoded(self, encoder: RowEncoder, batch: pa.RecordBatch) -> bytes:
        """The packets of a batch; to a thread with them, if they are not few."""
        encoding = partial(encoder.encode, batch, self.sequence_id)
        if batch.num_rows <= FEW_ROWS and batch.nbytes <= FEW_BYTES:
            data, self.sequence_id = encoding()
        else:
            data, self.sequence_id = await asyncio.to_thread(encoding)
        return data

    async def text_rows(
        self,
        columns: Sequence[ColumnDefinition],
        rows: Sequence[Sequence[str | None]],
        *,
        more: bool = False,
    ) -> None:
        """A result set of a few rows, each value as text.

        Strings go out in the character set that their columns say.
        """
        packed = []
        for column, values in zip(columns, zip(*rows, strict=True), strict=False):
            charset = charset_of(column.charset) if is_text(column) else UTF8
            packed.append(await asyncio.to_thread(in_charset, values, charset))
        await self.packed_rows(columns, list(zip(*packed, strict=True)), more=more)

    async def packed_rows(
        self,
        columns: Sequence[ColumnDefinition],
        rows: Sequence[Sequence[bytes | None]],
        *,
        more: bool = False,
    ) -> None:
        """A result set, each value as its packet has it, with its length.

        Source: "Text Resultset Row", "Binary Protocol Resultset Row".
        """
        await self._send(*self._head(columns, more))
        pack = _binary_row if self.binary else _text_row
        for start in range(0, len(rows), ROWS_AT_ONCE):
            await self._send(*map(pack, rows[start : start + ROWS_AT_ONCE]))
        await self._send(self._end(more))

    def _head(self, columns: Sequence[ColumnDefinition], more: bool) -> list[bytes]:
        optional = self.capabilities & Capability.OPTIONAL_METADATA
        named = not (optional and self.nameless)
        count = lenenc(len(columns)) + (bytes([named]) if optional else b"")
        head = [count, *(c.to_bytes() for c in columns if named)]
        if not self.capabilities & Capability.DEPRECATE_EOF:
            head.append(eof(self._status(more)))
        return head

    def _end(self, more: bool) -> bytes:
        packet = end_of_rows(self.capabilities, self._status(more), self.warnings)
        self.ended = not (more or self.more)
        return packet


def in_packets(rows: Sequence[Sequence[bytes | None]], *, binary: bool) -> list[bytes]:
    """The payloads of rows, each value as ``packed_rows`` takes it."""
    return list(map(_binary_row if binary else _text_row, rows))


def _text_row(row: Sequence[bytes | None]) -> bytes:
    return b"".join(b"\xfb" if value is None else value for value in row)


def _binary_row(row: Sequence[bytes | None]) -> bytes:
    nulls = bytearray((len(row) + 9) // 8)
    for place, value in enumerate(row, start=2):
        if value is None:
            nulls[place // 8] |= 1 << place % 8
    return b"\0" + bytes(nulls) + b"".join(value for value in row if value is not None)


def in_charset(values: Sequence[str | None], charset: str | None) -> list[bytes | None]:
    """Strings as a row of either protocol has them, in a session's character set.

    ``binary`` and None are for UTF-8 as it stands. The first call of a process may wait
    for a kernel to be compiled.
    """
    encoded: list[bytes | None]
    if charset is None or charset in (UTF8, BINARY):
        encoded = [None if value is None else value.encode() for value in values]
    else:
        encoded = transcoded(pa.array(values, pa.string()), named(charset)).to_pylist()
    return [None if value is None else lenenc_bytes(value) for value in encoded]


def titled(column: ColumnDefinition, title: str) -> ColumnDefinition:
    """A column of strings by another name, in the same character set."""
    (packed,) = in_charset([title], charset_of(column.charset))
    assert packed is not None
    _, start = read_lenenc(packed, 0)
    return replace(column, name=packed[start:].decode("utf-8", "surrogateescape"))
