"""A MySQL session that keeps the server's bytes as they came."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from heatproxy.wire.columns import ColumnDefinition, parse

DEPRECATE_EOF = 1 << 24
MAX_FRAME = 0xFFFFFF
QUERY, PREPARE, EXECUTE, CLOSE = b"\x03", b"\x16", b"\x17", b"\x19"


@dataclass(frozen=True, slots=True)
class Answer:
    """A result set: ``rows`` are whole packets, headers included."""

    payloads: list[bytes]  # of the column definitions
    definitions: list[ColumnDefinition]
    first_sequence_id: int  # of the first row
    rows: bytes
    end: bytes  # the packet behind the rows, header included


class RawSession:
    """pymysql logs in; the rest is read from its socket."""

    def __init__(self, login: Mapping[str, Any], deprecate_eof: bool = True) -> None:
        self.deprecate_eof = deprecate_eof
        flag = DEPRECATE_EOF if deprecate_eof else 0
        self.connection = pymysql.connect(
            **login,
            charset="utf8mb4",
            client_flag=flag | CLIENT.MULTI_STATEMENTS,
            max_allowed_packet=1 << 30,
        )

    def close(self) -> None:
        self.connection.close()

    def run(self, sql: str | bytes) -> None:
        """A statement without a result."""
        self._send(QUERY + (sql if isinstance(sql, bytes) else sql.encode()))
        payload = self._packet()[1]
        assert payload[0] == 0, payload

    def query(self, sql: str) -> Answer:
        """Text-protocol rows."""
        self._send(QUERY + sql.encode())
        return self._answer()

    def execute(self, sql: str) -> Answer:
        """Binary-protocol rows."""
        self._send(PREPARE + sql.encode())
        head = self._packet()[1]
        assert head[0] == 0, head
        columns = int.from_bytes(head[5:7], "little")
        for _ in range(columns + (not self.deprecate_eof)):
            self._packet()
        statement = head[1:5]
        self._send(EXECUTE + statement + b"\0\1\0\0\0")
        answer = self._answer()
        self._send(CLOSE + statement)
        return answer

    def _answer(self) -> Answer:
        frame, payload = self._packet()
        assert payload[0] not in (0x00, 0xFF), payload
        payloads = [self._packet()[1] for _ in range(payload[0])]
        sequence_id = frame[3] + 1 + len(payloads)
        if not self.deprecate_eof:
            self._packet()
            sequence_id += 1
        rows = []
        while True:
            frame, payload = self._packet()
            if payload[:1] in (b"\xfe", b"\xff") and len(payload) < MAX_FRAME:
                break
            rows.append(frame)
            while len(payload) == MAX_FRAME:
                frame, payload = self._packet()
                rows.append(frame)
        definitions = [parse(payload) for payload in payloads]
        return Answer(payloads, definitions, sequence_id % 256, b"".join(rows), frame)

    def _send(self, command: bytes) -> None:
        self.connection._sock.sendall(
            len(command).to_bytes(3, "little") + b"\0" + command
        )

    def _packet(self) -> tuple[bytes, bytes]:
        header = self.connection._rfile.read(4)
        payload = self.connection._rfile.read(int.from_bytes(header[:3], "little"))
        return header + payload, payload
