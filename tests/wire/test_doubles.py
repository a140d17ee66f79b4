import struct

import numpy as np
import pyarrow as pa
import pytest
from pymysql.constants import FIELD_TYPE

from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.encode import RowEncoder
from tests.wire.raw_session import RawSession

DOUBLE = ColumnDefinition("", "", "", "d", "", 63, 23, FIELD_TYPE.DOUBLE, 0, 31)
FLOAT = ColumnDefinition("", "", "", "f", "", 63, 12, FIELD_TYPE.FLOAT, 0, 31)


def text(values, definition):
    """What each number is as the text of a one-column row."""
    kind = pa.float64() if definition is DOUBLE else pa.float32()
    batch = pa.record_batch([pa.array(values, kind)], ["x"])
    packets, _ = RowEncoder([definition], binary=False).encode(batch, 0)
    texts = []
    while packets:
        end = 4 + packets[0]
        texts.append(packets[5:end].decode())
        packets = packets[end:]
    return texts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (100.0, "100"),
        (1e15, "1e15"),
        (123456789012345.0, "123456789012345"),
        (1234567890123456.0, "1.234567890123456e15"),
        (2641531233894760.5, "2641531233894760.5"),
        (1e16, "1e16"),
        (1e-14, "0.00000000000001"),
        (1e-15, "0.000000000000001"),
        (1e-16, "1e-16"),
        (4.0540353712197724e-08, "0.000000040540353712197724"),
        (5e-324, "5e-324"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (1.7976931348623157e308, "1.7976931348623157e308"),
        (9007199254740993.0, "9.007199254740992e15"),
        (2.0**70, "1.1805916207174113e21"),
    ],
)
def test_a_double_has_the_fewest_digits_in_mysqls_layout(value, expected):
    assert text([value], DOUBLE) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, "0.1"),
        (16777216.0, "16777200"),
        (1234565.0, "1234560"),  # a tie goes to the even digit
        (1234575.0, "1234580"),
        (999999.5, "1000000"),
        (3.4028234663852886e38, "3.40282e38"),
        (1.401298464324817e-45, "1.4013e-45"),
        (-1e15, "-1e15"),
    ],
)
def test_a_float_has_at_most_six_digits(value, expected):
    assert text([value], FLOAT) == [expected]


def test_random_doubles_read_back_as_themselves_and_are_as_short_as_pythons():
    bits = np.random.default_rng(11).integers(-(2**63), 2**63 - 1, 50_000)
    values = bits.view(np.float64)
    values = values[np.isfinite(values)].tolist()
    for value, written in zip(values, text(values, DOUBLE), strict=True):
        assert float(written) == value
        assert significant(written) == significant(repr(value))


def test_random_floats_are_rounded_as_printf_rounds_them():
    bits = np.random.default_rng(12).integers(0, 2**32, 50_000, np.uint32)
    values = [v for (v,) in struct.iter_unpack("<f", bits.tobytes())]
    values = [v for v in values if abs(v) < float("inf")]
    for value, written in zip(values, text(values, FLOAT), strict=True):
        assert float(written) == float(f"{value:.5e}")
        assert significant(written) == significant(f"{value:.5e}")


def significant(written):
    digits = written.lower().partition("e")[0].replace(".", "").strip("-")
    return digits.strip("0")


@pytest.mark.mysql
@pytest.mark.parametrize("kind", ["double", "float"])
def test_a_hundred_thousand_numbers_are_written_as_mysql_writes_them(kind, server):
    width = np.float64 if kind == "double" else np.float32
    random = np.random.default_rng(13)
    numbers = [
        np.frombuffer(random.bytes(40_000 * width().itemsize), width),
        random.normal(size=20_000) * 10.0 ** random.integers(-20, 20, 20_000),
        np.round(random.normal(size=20_000) * 1e4, 2),
        random.integers(0, 2**24, 21_000) / 16,
        10.0 ** np.arange(-37, 38),
    ]
    values = np.concatenate([part.astype(width) for part in numbers])
    values = values[np.isfinite(values)].astype(np.float64).tolist()
    session = RawSession(server.backend_login)
    try:
        session.run("DROP DATABASE IF EXISTS test_wire_doubles")
        session.run("CREATE DATABASE test_wire_doubles")
        session.run(f"CREATE TABLE test_wire_doubles.t (id INT PRIMARY KEY, v {kind})")
        rows = ",".join(f"({n},{v!r})" for n, v in enumerate(values))
        session.run(f"INSERT INTO test_wire_doubles.t VALUES {rows}")
        answer = session.query("SELECT v FROM test_wire_doubles.t ORDER BY id")
        session.run("DROP DATABASE test_wire_doubles")
    finally:
        session.close()
    batch = pa.record_batch([pa.array(np.array(values, width))], ["v"])
    encoder = RowEncoder(answer.definitions, binary=False)
    packets, _ = encoder.encode(batch, answer.first_sequence_id)
    assert len(values) > 99_000
    wrong = [
        pair for pair in zip(packets, answer.rows, strict=True) if len({*pair}) > 1
    ]
    assert wrong[:5] == []
