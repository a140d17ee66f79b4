"""Whole answers as the bytes of their packets: MySQL's own, and the engine's encoded.

Fast enough for tables of many thousand rows: nothing here looks at a single value.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pymysql.constants import COMMAND

from heatproxy.wire.columns import ColumnDefinition, parse
from heatproxy.wire.encode import RowEncoder
from tests.sql.mysql_oracle import Oracle

EOF, LONGEST_EOF = 0xFE, 8


@dataclass(frozen=True)
class Rows:
    """MySQL's rows as they came, headers included, and what says how to write them."""

    definitions: tuple[ColumnDefinition, ...]
    sequence_id: int  # of the first row's packet
    packets: bytes
    warnings: int


def of_mysql(oracle: Oracle, text: str) -> Rows:
    connection = oracle.mysql
    connection._execute_command(COMMAND.COM_QUERY, text)
    count = connection._read_packet().read_length_encoded_integer()
    definitions = tuple(
        parse(connection._read_packet().get_all_data()) for _ in range(count)
    )
    connection._read_packet()  # the end of the definitions
    first, read = connection._next_seq_id, connection._rfile.read
    packets: list[bytes] = []
    while True:
        header = read(4)
        size = int.from_bytes(header[:3], "little")
        payload = read(size)
        if size <= LONGEST_EOF and payload[0] == EOF:
            warnings = int.from_bytes(payload[1:3], "little")
            return Rows(definitions, first, b"".join(packets), warnings)
        assert payload[0] != 0xFF, payload
        packets += (header, payload)


def of_engine(
    oracle: Oracle, text: str, rows: Rows, altered: Callable[[str], str] = str
) -> bytes:
    """The packets of the engine's answer, under MySQL's definitions."""
    query = oracle.engine.run(altered(oracle.translate(text).sql))
    encoder = RowEncoder(rows.definitions, binary=False)
    parts, sequence_id = [], rows.sequence_id
    for batch in query.reader:
        packets, sequence_id = encoder.encode(batch, sequence_id)
        parts.append(packets)
    return b"".join(parts)
