"""What the backend has answered, read to its end."""

from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.wire.charsets import text_of
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.plain_rows import Row


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement answered: rows as text, or the counts of an OK."""

    columns: tuple[ColumnDefinition, ...] = ()
    rows: tuple[Row, ...] = ()
    affected_rows: int = 0
    warnings: int = 0

    def texts(self) -> list[tuple[str | None, ...]]:
        """The rows as Python text."""
        charsets = [column.charset for column in self.columns]
        return [
            tuple(
                None if value is None else text_of(value, charset)
                for value, charset in zip(row, charsets, strict=True)
            )
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class PrepareReply:
    """The reply to a COM_STMT_PREPARE: its first packet, and what is described."""

    head: bytes
    parameters: Sequence[ColumnDefinition]
    columns: Sequence[ColumnDefinition]

    @property
    def statement_id(self) -> bytes:
        """As the packets that name the statement have it."""
        return self.head[1:5]
