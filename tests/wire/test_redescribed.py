"""Results whose columns are described otherwise, in bytes that come in any pieces."""

from dataclasses import replace

import pytest

from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import Capability, frame, frame_all
from heatproxy.wire.redescribed import Redescribed


def column(name: str) -> ColumnDefinition:
    return ColumnDefinition("s", "t", "heatproxy_copy", name, "a", 63, 11, 3, 0, 0)


def described(place: int, one: ColumnDefinition) -> ColumnDefinition:
    return replace(one, org_table="t", name=f"{one.name} of column {place}")


COLUMNS = [column("one"), column("two")]
ROWS = [b"\x01" + b"1" + b"\x01" + b"2", b"\xfe\0\0\2\0\0\0"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_only_the_definitions_change(size: int) -> None:
    def reply(columns: list[ColumnDefinition]) -> bytes:
        packets = [b"\x02", *(one.to_bytes() for one in columns), *ROWS]
        return frame_all(packets, 1)[0]

    data = reply(COLUMNS)
    passed = Redescribed(described, 0)
    pieces = [passed.feed(data[at : at + size]) for at in range(0, len(data), size)]
    changed = [described(place, one) for place, one in enumerate(COLUMNS)]
    assert b"".join(pieces) == reply(changed)


@pytest.mark.parametrize(
    "payload",
    [b"\0\0\0\2\0\0\0", b"\xff\x48\x04#HY000no", b"\xfbfile"],
    ids=["OK", "ERR", "a file that is asked for"],
)
def test_what_has_no_columns_stays(payload: bytes) -> None:
    data = frame(payload, 1) + b"whatever follows"
    assert Redescribed(described, 0).feed(data) == data


def test_a_result_without_descriptions_stays() -> None:
    data = frame_all([b"\x02\0", *ROWS], 1)[0]
    passed = Redescribed(described, int(Capability.OPTIONAL_METADATA))
    assert passed.feed(data) == data
