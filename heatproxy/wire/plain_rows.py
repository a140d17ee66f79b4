"""Rows of a few values out of their packets, each value as its bytes.

Source: MySQL Source Code Documentation, "Text Resultset Row", "Binary Protocol
Resultset Row".
"""

from collections.abc import Sequence

from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import behind_value, lenenc_bytes, read_lenenc

Row = tuple[bytes | None, ...]


def text_row(payload: bytes, columns: int) -> Row:
    """A row of the text protocol."""
    values: list[bytes | None] = []
    position = 0
    for _ in range(columns):
        if payload[position] == 0xFB:
            values.append(None)
            position += 1
            continue
        length, position = read_lenenc(payload, position)
        values.append(payload[position : position + length])
        position += length
    return tuple(values)


def binary_row(payload: bytes, columns: Sequence[ColumnDefinition]) -> Row:
    """A row of the binary protocol; a string keeps its length in front."""
    values: list[bytes | None] = []
    position = 1 + (len(columns) + 9) // 8
    for place, column in enumerate(columns, start=2):
        if payload[1 + place // 8] >> (place % 8) & 1:
            values.append(None)
            continue
        end = behind_value(payload, position, column.type)
        values.append(payload[position:end])
        position = end
    return tuple(values)


def packed(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows of the text protocol, each value with its length in front again."""
    return tuple(
        tuple(None if value is None else lenenc_bytes(value) for value in row)
        for row in rows
    )
