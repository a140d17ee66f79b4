"""Binary-protocol rows, in whatever pieces they arrive, to Arrow record batches.

Source: MySQL Source Code Documentation, "Binary Protocol Resultset".
"""

from collections.abc import Sequence

import pyarrow as pa

from heatproxy.errors import ProtocolError
from heatproxy.wire import parse_rows as rows
from heatproxy.wire.buffers import BatchBuffers
from heatproxy.wire.columns import ColumnDefinition, arrow_type
from heatproxy.wire.native import address_of, compile_once

LONGEST_EOF = 5

Source = bytes | bytearray | memoryview


def warm_up() -> None:
    """Compile the kernel, or load it from the cache on disk."""
    compile_once(rows.parse_rows, rows.SIGNATURE)


class RowDecoder:
    """The rows of one result set of a COM_STMT_EXECUTE or COM_STMT_FETCH.

    Attributes:
        schema: of the batches.
        zero_dates: dates that no calendar has (0000-00-00, 2024-02-31) and that
            became NULL. Refuse the result if it must be exact; so with
        invalid_text: values that were not UTF-8 and hold U+FFFD now.
        flawed: the places of the columns that had either.
        terminator: the payload of the OK, EOF or ERR packet behind the rows.
        rest: what came after the terminator.

    Raises:
        MySQLError: 1235, from ``arrow_type``.
    """

    def __init__(
        self, definitions: Sequence[ColumnDefinition], deprecate_eof: bool = True
    ) -> None:
        warm_up()
        types = [arrow_type(definition) for definition in definitions]
        self.schema = pa.schema(
            pa.field(_printable(definition.name), kind)
            for definition, kind in zip(definitions, types, strict=True)
        )
        self.zero_dates = 0
        self.invalid_text = 0
        self.flawed: set[int] = set()
        self.terminator: bytes | None = None
        self.rest = b""
        self._deprecate_eof = deprecate_eof
        self._buffers = BatchBuffers(types)
        self._pending = bytearray()
        self._needed = 0  # bytes that must be pending before another try

    def feed(self, data: Source) -> list[pa.RecordBatch]:
        """Take the server's next bytes; returns the batches that they filled.

        Raises:
            ProtocolError: the bytes are not rows of these columns.
        """
        if self.terminator is not None:
            self.rest += data
            return []
        source: Source = data
        if self._pending:
            self._pending += data
            source = self._pending
        batches: list[pa.RecordBatch] = []
        done = 0
        if len(source) >= self._needed and len(source):
            done = self._parse(source, batches)
        if source is self._pending:
            del self._pending[:done]
        else:
            self._pending += memoryview(source)[done:]
        self._needed -= done
        if self.terminator is not None:
            self.rest = bytes(self._pending)
            self._pending.clear()
        return batches

    def finish(self) -> list[pa.RecordBatch]:
        """The last batch, which nothing filled, if it has rows.

        Raises:
            ProtocolError: the terminator has not come.
        """
        _require(self.terminator is not None, "a result set without an end")
        if self._buffers.is_empty:
            return []
        last = self._flush()
        self._buffers.state[rows.ROWS] = 0
        return [last]

    def _parse(self, source: Source, batches: list[pa.RecordBatch]) -> int:
        """Read the packets that are complete; returns the number of their bytes."""
        position = 0
        while True:
            reason, position = self._run(source, position, False, batches)
            if reason != rows.LONG:
                break
            payload, end = _join_frames(source, position)
            if payload is None:
                self._needed = end
                return position
            self._run(payload, 0, True, batches)
            position = end
        self._needed = int(self._buffers.state[rows.NEEDED])
        if reason != rows.END:
            return position
        self.terminator = bytes(source[position + 4 : self._needed])
        is_end = self.terminator[0] == 0xFF or self._deprecate_eof
        _require(is_end or len(self.terminator) <= LONGEST_EOF, "malformed EOF packet")
        return self._needed

    def _run(
        self,
        source: Source,
        position: int,
        headerless: bool,
        batches: list[pa.RecordBatch],
    ) -> tuple[int, int]:
        """Read on until the kernel has no more it can do; why, and where it is."""
        address = address_of(source)
        while True:
            buffers = self._buffers
            buffers.state[rows.POSITION] = position
            reason = rows.parse_rows(
                buffers.columns, buffers.state, address, len(source), headerless
            )
            position = int(buffers.state[rows.POSITION])
            if reason == rows.FULL:
                if not buffers.grow_rows():
                    batches.append(self._flush())
                    self._buffers = buffers.successor()
            elif reason == rows.GROW:
                index, needed = (
                    int(buffers.state[n]) for n in (rows.COLUMN, rows.NEEDED)
                )
                _require(buffers.grow_text(index, needed), "more than 2 GB of text")
            else:
                _require(reason != rows.BROKEN, "malformed row")
                _require(reason != rows.MISFIT, "a number its column cannot have")
                return reason, position

    def _flush(self) -> pa.RecordBatch:
        arrays = self._buffers.arrays()
        for index, kind in enumerate(self.schema.types):
            if pa.types.is_string(kind):
                before = self.invalid_text
                arrays[index] = self._text(arrays[index])
                if self.invalid_text > before:
                    self.flawed.add(index)
            elif (
                pa.types.is_temporal(kind) and self._buffers.columns[index, rows.ZEROS]
            ):
                self.flawed.add(index)
        self.zero_dates += int(self._buffers.state[rows.ZERO_DATES])
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _text(self, values: pa.Array) -> pa.Array:
        """Bytes as text; the cast proves them UTF-8 and copies nothing."""
        try:
            return values.cast(pa.string())
        except pa.ArrowInvalid:
            texts: list[str | None] = []
            for value in values.to_pylist():
                if value is None:
                    texts.append(None)
                    continue
                text = value.decode("utf-8", "replace")
                self.invalid_text += text.encode() != value
                texts.append(text)
            return pa.array(texts, pa.string())


def _join_frames(source: Source, position: int) -> tuple[bytes | None, int]:
    """The payload of a packet of several frames and the place after it.

    Without a payload, the place that must be reached before another try.
    """
    frames = []
    size = rows.MAX_FRAME
    while size == rows.MAX_FRAME:
        start = position + 4
        if len(source) < start:
            return None, start
        size = int.from_bytes(source[position : position + 3], "little")
        position = start + size
        if len(source) < position:
            return None, position + 4 * (size == rows.MAX_FRAME)
        frames.append(memoryview(source)[start:position])
    return b"".join(frames), position


def _printable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise ProtocolError(complaint)
