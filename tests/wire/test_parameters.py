"""Parameters of COM_STMT_EXECUTE: from packets, and into SQL."""

import contextlib
import struct

import numpy as np
import pytest

from heatproxy.errors import MySQLError
from heatproxy.wire.packets import Capability
from heatproxy.wire.parameters import (
    Parameter,
    decode,
    encode,
    limit_literal,
    literal,
)
from tests.rawclient import QUERY_ATTRIBUTES, execute, lenenc

TINY, SHORT, LONG, FLOAT, DOUBLE, NULL, TIMESTAMP, LONGLONG = 1, 2, 3, 4, 5, 6, 7, 8
DATE, TIME, DATETIME, VARCHAR, JSON, DECIMAL, BLOB, STRING = (
    *(10, 11, 12, 15, 245, 246, 252),
    254,
)
UNSIGNED = 0x8000
DAY = struct.pack("<HBB", 2024, 2, 29)
SECOND = DAY + bytes([23, 59, 58])
MICRO = SECOND + struct.pack("<I", 70)
ID = (1).to_bytes(4, "little")


def sized(value: bytes) -> bytes:
    return bytes([len(value)]) + value


# type, value as the packet has it, value as it is kept, the literal
VALUES = {
    "tiny": (TINY, b"\xff", b"\xff", b"(-1)"),
    "tiny, unsigned": (TINY | UNSIGNED, b"\xff", b"\xff", b"255"),
    "short": (SHORT, b"\x00\x80", b"\x00\x80", b"(-32768)"),
    "long": (LONG, b"\x07\0\0\0", b"\x07\0\0\0", b"7"),
    "longlong": (
        LONGLONG,
        b"\0" * 7 + b"\x80",
        b"\0" * 7 + b"\x80",
        b"(%d)" % -(1 << 63),
    ),
    "longlong, unsigned": (
        LONGLONG | UNSIGNED,
        b"\xff" * 8,
        b"\xff" * 8,
        b"18446744073709551615",
    ),
    "float": (
        FLOAT,
        struct.pack("<f", 0.1),
        struct.pack("<f", 0.1),
        b"0.10000000149011612e0",
    ),
    "double": (
        DOUBLE,
        struct.pack("<d", -0.1),
        struct.pack("<d", -0.1),
        b"CAST(-0.1 AS DOUBLE)",
    ),
    "no number at all, with a sign": (
        DOUBLE,
        struct.pack("<d", -0.0),
        struct.pack("<d", -0.0),
        b"(-0.0e0)",
    ),
    "a large double": (
        DOUBLE,
        struct.pack("<d", 1e300),
        struct.pack("<d", 1e300),
        b"1e+300",
    ),
    "decimal": (DECIMAL, lenenc(b"-1.250"), b"-1.250", b"(-1.250)"),
    "decimal without a point": (
        DECIMAL,
        lenenc(b"-125"),
        b"-125",
        b"CAST(-125 AS DECIMAL(3,0))",
    ),
    "date": (DATE, sized(DAY), DAY, b"DATE'2024-02-29'"),
    "datetime of a day": (DATETIME, sized(DAY), DAY, b"TIMESTAMP'2024-02-29 00:00:00'"),
    "datetime": (DATETIME, sized(SECOND), SECOND, b"TIMESTAMP'2024-02-29 23:59:58'"),
    "timestamp": (
        TIMESTAMP,
        sized(MICRO),
        MICRO,
        b"TIMESTAMP'2024-02-29 23:59:58.000070'",
    ),
    "datetime with a zone": (
        DATETIME,
        sized(MICRO + struct.pack("<h", -90)),
        MICRO + struct.pack("<h", -90),
        b"TIMESTAMP'2024-02-29 23:59:58.000070-01:30'",
    ),
    "time": (
        TIME,
        sized(struct.pack("<BIBBB", 1, 34, 22, 59, 58)),
        struct.pack("<BIBBB", 1, 34, 22, 59, 58),
        b"TIME'-838:59:58'",
    ),
    "no time": (TIME, b"\0", b"", b"TIME'00:00:00'"),
    "time with a fraction": (
        TIME,
        sized(struct.pack("<BIBBBI", 0, 0, 1, 2, 3, 4)),
        struct.pack("<BIBBBI", 0, 0, 1, 2, 3, 4),
        b"TIME'01:02:03.000004'",
    ),
    "text": (VARCHAR, lenenc(b"it's \\ ?"), b"it's \\ ?", b"'it''s \\\\ ?'"),
    "text with NUL": (STRING, lenenc(b"\0"), b"\0", b"'\\0'"),
    "long text": (
        STRING,
        lenenc(b"x" * 70_000),
        b"x" * 70_000,
        b"'%s'" % (b"x" * 70_000),
    ),
    "json": (JSON, lenenc(b'{"a":1}'), b'{"a":1}', b"'{\"a\":1}'"),
    "blob": (BLOB, lenenc(b"'\xff\\"), b"'\xff\\", b"X'27ff5c'"),
    "no text": (STRING, b"\0", b"", b"''"),
    "no blob": (BLOB, b"\0", b"", b"X''"),
    "null": (LONG, None, None, b"NULL"),
    "null of the null type": (NULL, None, None, b"NULL"),
}


@pytest.mark.parametrize("capabilities", [0, QUERY_ATTRIBUTES], ids=["plain", "named"])
@pytest.mark.parametrize(("kind", "sent", "kept", "_"), VALUES.values(), ids=VALUES)
def test_a_value_of_every_type_is_read(
    kind: int, sent: bytes | None, kept: bytes | None, _: bytes, capabilities: int
) -> None:
    packet = execute(1, (kind, sent)).encode(capabilities)
    assert decode(packet, capabilities, 1, None, {}) == [Parameter(kind, kept)]


@pytest.mark.parametrize(("kind", "_", "kept", "written"), VALUES.values(), ids=VALUES)
def test_a_value_of_every_type_is_written_as_a_literal(
    kind: int, _: bytes | None, kept: bytes | None, written: bytes
) -> None:
    assert literal(Parameter(kind, kept), backslash_escapes=True) == written


def test_without_backslash_escapes_a_backslash_is_a_character() -> None:
    text = Parameter(STRING, b"a\\b\0'")
    assert literal(text, backslash_escapes=False) == b"'a\\b\0'''"


@pytest.mark.parametrize("capabilities", [0, QUERY_ATTRIBUTES], ids=["plain", "named"])
def test_what_is_written_is_read_again(capabilities: int) -> None:
    parameters = [Parameter(kind, kept) for kind, _, kept, _ in VALUES.values()]
    packet = encode(ID, capabilities, parameters)
    assert decode(packet, capabilities, len(parameters), None, {}) == parameters
    assert encode(ID, capabilities, []) == b"\x17" + ID + b"\0\x01\0\0\0"


def test_types_are_those_bound_before() -> None:
    packet = execute(1, (LONG, b"\x01\0\0\0"), (STRING, b"\x01a"), bound=False)
    for capabilities in (0, QUERY_ATTRIBUTES):
        found = decode(packet.encode(capabilities), capabilities, 2, [LONG, STRING], {})
        assert found == [Parameter(LONG, b"\x01\0\0\0"), Parameter(STRING, b"a")]
        with pytest.raises(MySQLError, match="Incorrect arguments to mysqld_stmt"):
            decode(packet.encode(capabilities), capabilities, 2, None, {})


def test_long_data_stands_for_a_value_that_is_not_in_the_packet() -> None:
    packet = execute(1, (BLOB, b""), (LONG, b"\x01\0\0\0")).encode(0)
    found = decode(packet, 0, 2, None, {0: bytearray(b"long")})
    assert found == [Parameter(BLOB, b"long"), Parameter(LONG, b"\x01\0\0\0")]


def test_query_attributes_follow_the_parameters() -> None:
    step = execute(1, (LONG, b"\x01\0\0\0"), (STRING, b"\x01a"))
    packet = step.encode(QUERY_ATTRIBUTES)
    found = decode(packet, QUERY_ATTRIBUTES, 1, None, {})
    assert found == [Parameter(LONG, b"\x01\0\0\0")]
    assert decode(packet, QUERY_ATTRIBUTES, 0, None, {}) == []


REFUSED_TYPES = {
    9: 1210,
    13: 1210,
    16: 1210,
    243: 1210,
    244: 1835,
    247: 1210,
    255: 1210,
}


@pytest.mark.parametrize(("kind", "number"), REFUSED_TYPES.items())
def test_types_that_the_server_refuses_are_refused(kind: int, number: int) -> None:
    with pytest.raises(MySQLError) as caught:
        decode(execute(1, (kind, b"\x01" * 9)).encode(0), 0, 1, None, {})
    assert caught.value.number == number


@pytest.mark.parametrize("capabilities", [0, QUERY_ATTRIBUTES], ids=["plain", "named"])
def test_a_packet_that_ends_anywhere_is_malformed_and_nothing_else(
    capabilities: int,
) -> None:
    values = [(kind, sent) for kind, sent, *_ in VALUES.values()]
    whole = execute(1, *values).encode(capabilities)
    sizes = [*range(2000), len(whole) - 1]
    for size in (size for size in sizes if size < len(whole)):
        with pytest.raises(MySQLError) as caught:
            decode(whole[:size], capabilities, len(values), None, {})
        assert caught.value.number in (1835, 1210)


def test_random_bytes_are_no_more_than_malformed() -> None:
    generator = np.random.default_rng(7)
    for _ in range(5000):
        packet = b"\x17" + ID + generator.bytes(int(generator.integers(60)))
        with contextlib.suppress(MySQLError):
            for parameter in decode(packet, Capability.QUERY_ATTRIBUTES, 3, None, {}):
                literal(parameter, backslash_escapes=True)


OUT_OF_RANGE = {
    "a month": (DATE, struct.pack("<HBB", 2024, 13, 1)),
    "an hour": (DATETIME, DAY + bytes([24, 0, 0])),
    "microseconds": (DATETIME, SECOND + struct.pack("<I", 1_000_000)),
    "a year": (DATE, struct.pack("<HBB", 10_000, 1, 1)),
    "a time": (TIME, struct.pack("<BIBBB", 0, 34, 23, 0, 0)),
}


@pytest.mark.parametrize(("kind", "value"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_there_is_no_such_date(kind: int, value: bytes) -> None:
    with pytest.raises(MySQLError, match="out of range") as caught:
        literal(Parameter(kind, value), backslash_escapes=True)
    assert caught.value.number == 1690


NO_LITERAL = {
    "not a number": (DOUBLE, struct.pack("<d", float("nan"))),
    "infinity": (FLOAT, struct.pack("<f", float("-inf"))),
    "a decimal that is none": (DECIMAL, b"1.2.3"),
    "a decimal of no digits": (DECIMAL, "\u0661".encode()),
    "a zero date": (DATE, b""),
    "another": (DATETIME, bytes(7)),
}


@pytest.mark.parametrize(("kind", "value"), NO_LITERAL.values(), ids=NO_LITERAL)
def test_what_no_literal_stands_for_is_refused_by_name(kind: int, value: bytes) -> None:
    with pytest.raises(MySQLError, match="doesn't yet support") as caught:
        literal(Parameter(kind, value), backslash_escapes=True)
    assert caught.value.number == 1235


LIMITS = {
    "an integer": (LONG, b"\x05\0\0\0", b"5"),
    "a large one": (LONGLONG | UNSIGNED, b"\xff" * 8, b"18446744073709551615"),
    "text": (STRING, b"1.7", b"1"),
    "text that is no number": (STRING, b"x", b"0"),
    "null": (LONG, None, b"0"),
}


@pytest.mark.parametrize(("kind", "value", "written"), LIMITS.values(), ids=LIMITS)
def test_limit_takes_what_mysql_makes_of_it(
    kind: int, value: bytes | None, written: bytes
) -> None:
    assert limit_literal(Parameter(kind, value)) == written


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [(TINY, b"\xff", 1690), (DOUBLE, bytes(8), 1210), (DECIMAL, b"1", 1210)],
)
def test_limit_takes_no_other_number(kind: int, value: bytes, number: int) -> None:
    with pytest.raises(MySQLError) as caught:
        limit_literal(Parameter(kind, value))
    assert caught.value.number == number
