"""A result set of MySQL's whose columns are described otherwise, its rows as they are.

MySQL has answered a statement in another's place: tables bear other names there, and
expressions that hold them. Packets are replaced one by one, so that their numbers stay.

Source: MySQL Source Code Documentation, "Text Resultset".
"""

from collections.abc import Callable

from heatproxy.wire.columns import ColumnDefinition, parse
from heatproxy.wire.packets import (
    ERR,
    HEADER_BYTES,
    LOCAL_INFILE,
    OK,
    Capability,
    frame,
    read_lenenc,
)

# A column, by its place in the result, as it is to be described.
Describe = Callable[[int, ColumnDefinition], ColumnDefinition]


class Redescribed:
    """The reply to one COM_QUERY or COM_STMT_EXECUTE, in front of who passes it on."""

    def __init__(self, describe: Describe, capabilities: int) -> None:
        self._describe = describe
        self._optional = bool(capabilities & Capability.OPTIONAL_METADATA)
        self._rest = b""
        self._count: int | None = None  # of columns; None: the reply has not begun
        self._place = 0  # of the next one

    def feed(self, data: bytes) -> bytes:
        """The bytes with the definitions that are whole in them replaced."""
        if self._place == self._count:
            return data
        data = self._rest + data
        pieces, position = [], 0
        while self._place != self._count and len(data) >= position + HEADER_BYTES:
            length = int.from_bytes(data[position : position + 3], "little")
            end = position + HEADER_BYTES + length
            if len(data) < end:
                break
            payload = data[position + HEADER_BYTES : end]
            if self._count is None:
                self._count = self._begun(payload)
                pieces.append(data[position:end])
            else:
                column = self._describe(self._place, parse(payload))
                pieces.append(frame(column.to_bytes(), data[position + 3]))
                self._place += 1
            position = end
        if self._place == self._count:
            self._rest = b""
            return b"".join([*pieces, data[position:]])
        self._rest = data[position:]
        return b"".join(pieces)

    def _begun(self, head: bytes) -> int:
        """How many columns are described."""
        if head[0] in (OK, ERR, LOCAL_INFILE):
            return 0
        count, flag = read_lenenc(head, 0)
        return 0 if self._optional and not head[flag] else count
