"""What varies in a line is named."""

import pyarrow as pa
import pytest

from heatproxy.automl.logs.lines import masked
from heatproxy.errors import MySQLError

LINES = {
    "numbers": ("took 12 ms, -3.5 %", "took <NUM> ms, <NUM> %"),
    "an address": ("from 10.0.0.1:8080 to 192.168.1.1", "from <IP> to <IP>"),
    "a time": ("2026-11-23T10:01:02.123Z up", "<TIME> up"),
    "a syslog time": ("Nov  3 10:01:02 up", "<TIME> up"),
    "a UUID": ("id 123e4567-e89b-12d3-a456-426614174000!", "id <UUID>!"),
    "an address in memory": ("at 0x7ffe12", "at <HEX>"),
    "words with digits": ("eth0 up", "eth0 up"),
    "blanks around": ("  x ", "x"),
    "NULL": (None, ""),
}


@pytest.mark.parametrize(("line", "expected"), LINES.values(), ids=LINES)
def test_what_varies_is_named(line: str | None, expected: str) -> None:
    assert masked(pa.array([line], pa.string()), ()).to_pylist() == [expected]


def test_expressions_of_the_user_come_first() -> None:
    lines = pa.array(["order A-77 of 5"])
    assert masked(lines, ["[A-Z]-\\d+"]).to_pylist() == ["order <MASK> of <NUM>"]


def test_an_expression_that_is_none_is_named() -> None:
    with pytest.raises(MySQLError, match="additional_masking_regex: '\\['"):
        masked(pa.array(["x"]), ["["])
