"""An answer's packets: numbered without a gap, sent together where they are few."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from pymysql.constants import FIELD_TYPE

from heatproxy.answer import FEW_ROWS, JOIN_BYTES, Answer
from heatproxy.errors import MySQLError, interrupted
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import ERR, Capability, Status

WIDTH = 1000


@dataclass
class Client:
    """What was sent, piece by piece."""

    sent: list[bytes] = field(default_factory=list)

    async def send(self, data: bytes) -> None:
        self.sent.append(data)

    def packets(self) -> list[tuple[int, bytes]]:
        """Number and payload of each packet; fails where they are not whole."""
        data, found, at = b"".join(self.sent), [], 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 3], "little")
            found.append((data[at + 3], data[at + 4 : at + 4 + length]))
            at += 4 + length
        assert at == len(data)
        return found


@dataclass
class Facts:
    capabilities: int = int(Capability.PROTOCOL_41 | Capability.DEPRECATE_EOF)
    status: int = int(Status.AUTOCOMMIT)


COLUMNS = [
    ColumnDefinition(
        "", "", "", "word", "", 255, 4 * WIDTH, FIELD_TYPE.VAR_STRING, 0, 31
    )
]


def batch(rows: int) -> pa.RecordBatch:
    return pa.record_batch({"c0": pa.array(["x" * WIDTH] * rows, pa.string())})


async def in_turn(
    sizes: Sequence[int], problem: MySQLError | None = None
) -> AsyncIterator[pa.RecordBatch]:
    for rows in sizes:
        yield batch(rows)
    if problem is not None:
        raise problem


@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [
        pytest.param([], 1, id="no rows"),
        pytest.param([1], 1, id="one row"),
        pytest.param([3, 4, 5], 1, id="a few rows in batches"),
        pytest.param([FEW_ROWS * 2], 3, id="many rows"),
        pytest.param([1, FEW_ROWS * 2, 1], 3, id="few, many, few"),
    ],
)
async def test_rows_are_numbered_through(sizes: list[int], pieces: int) -> None:
    client = Client()
    answer = Answer(client, Facts())
    assert await answer.rows(COLUMNS, in_turn(sizes)) == sum(sizes)
    packets = client.packets()
    assert len(packets) == 2 + sum(sizes) + 1
    assert [number for number, _ in packets] == [
        n % 256 for n in range(1, len(packets) + 1)
    ]
    assert {len(payload) for _, payload in packets[2:-1]} <= {WIDTH + 3}
    assert len(client.sent) == pieces
    assert answer.ended


@pytest.mark.parametrize(
    ("sizes", "seen"),
    [
        pytest.param([], 0, id="before a row"),
        pytest.param([2], 0, id="behind rows that were not sent"),
        pytest.param([JOIN_BYTES // WIDTH + 1], None, id="behind rows that were"),
    ],
)
async def test_an_error_in_the_rows_follows_what_was_sent(
    sizes: list[int], seen: int | None
) -> None:
    client = Client()
    answer = Answer(client, Facts())
    with pytest.raises(MySQLError):
        await answer.rows(COLUMNS, in_turn(sizes, interrupted()))
    assert not answer.ended
    before = len(client.packets())
    assert before == (2 + sum(sizes) if seen is None else seen)
    await answer.error(interrupted())
    number, payload = client.packets()[-1]
    assert (number, payload[0]) == ((before + 1) % 256, ERR)
