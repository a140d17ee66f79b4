"""Replies of the crowd, as they are compared with MySQL's."""

import pytest

from heatproxy.bench import BenchFailed
from heatproxy.bench.crowd import rows_of
from heatproxy.errors import MySQLError
from heatproxy.wire.packets import eof, err, frame_all

HEAD = [b"\x01", b"\x03def column", eof(2)]


def reply(*rows: bytes) -> bytes:
    data, _ = frame_all([*HEAD, *rows, eof(2)], 1)
    return bytes(data)


def test_rows_are_the_same_in_any_order() -> None:
    assert rows_of(reply(b"\x01b", b"\x01a")) == [b"\x01a", b"\x01b"]
    assert rows_of(reply()) == []


def test_one_row_more_or_another_value_is_a_difference() -> None:
    right = rows_of(reply(b"\x01a", b"\x01a"))
    assert rows_of(reply(b"\x01a")) != right
    assert rows_of(reply(b"\x01a", b"\x01b")) != right


def test_an_error_is_no_answer() -> None:
    data, _ = frame_all([err(MySQLError(3024, "HY000", "too late"))], 1)
    with pytest.raises(BenchFailed, match="too late"):
        rows_of(bytes(data))
