from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pymysql.constants import FIELD_TYPE as TYPE
from pymysql.constants import FLAG

from heatproxy.errors import MySQLError
from heatproxy.wire.columns import ColumnDefinition, arrow_type
from heatproxy.wire.encode import RowEncoder

ZEROFILL = FLAG.ZEROFILL | FLAG.UNSIGNED


def column(kind, length=20, flags=0, decimals=0, charset=63, name="c"):
    return ColumnDefinition(
        "", "", "", name, "", charset, length, kind, flags, decimals
    )


def encode(definition, values, kind=None, binary=False):
    array = pa.array(values, kind or arrow_type(definition))
    batch = pa.record_batch([array], ["x"])
    return RowEncoder([definition], binary).encode(batch, 0)[0]


def text_of(definition, value, kind=None):
    """The one field of a text row, without its length."""
    packet = encode(definition, [value], kind)
    assert packet[:4] == bytes([len(packet) - 4, 0, 0, 0])
    assert packet[4] == len(packet) - 5
    return packet[5:]


def binary_of(definition, value, kind=None):
    """The one value of a binary row."""
    packet = encode(definition, [value], kind, binary=True)
    assert packet[:6] == bytes([len(packet) - 4, 0, 0, 0, 0, 0])
    return packet[6:]


INT, TEXT = column(TYPE.LONG), column(TYPE.VAR_STRING, charset=255)
TIME, TIME_6 = column(TYPE.TIME), column(TYPE.TIME, decimals=6)
UNSIGNED = column(TYPE.LONGLONG, flags=FLAG.UNSIGNED)
LONGEST = timedelta(hours=838, minutes=59, seconds=59)


@pytest.mark.parametrize(
    ("definition", "value", "text", "binary"),
    [
        (column(TYPE.TINY), -128, b"-128", b"\x80"),
        (column(TYPE.SHORT), -32768, b"-32768", b"\x00\x80"),
        (column(TYPE.INT24), -(2**23), b"-8388608", b"\x00\x00\x80\xff"),
        (INT, 0, b"0", b"\0\0\0\0"),
        (INT, 2**31 - 1, b"2147483647", b"\xff\xff\xff\x7f"),
        (column(TYPE.LONGLONG), -(2**63), b"-9223372036854775808", b"\0" * 7 + b"\x80"),
        (UNSIGNED, 2**64 - 1, b"18446744073709551615", b"\xff" * 8),
        (UNSIGNED, 10**18, b"1" + b"0" * 18, (10**18).to_bytes(8, "little")),
        (column(TYPE.LONG, 6, ZEROFILL), 42, b"000042", b"\x2a\0\0\0"),
        (column(TYPE.LONG, 1, ZEROFILL), 42, b"42", b"\x2a\0\0\0"),
        (column(TYPE.YEAR, 4, ZEROFILL), 0, b"0000", b"\0\0"),
        (column(TYPE.YEAR, 4, ZEROFILL), 2155, b"2155", b"\x6b\x08"),
        (column(TYPE.YEAR, 4), 999, b"999", b"\xe7\x03"),  # YEAR('0999-01-01')
        (column(TYPE.FLOAT, decimals=31), 1.5, b"1.5", b"\x00\x00\xc0\x3f"),
        (column(TYPE.FLOAT, decimals=3), 1.5, b"1.500", b"\x00\x00\xc0\x3f"),
        (column(TYPE.DOUBLE, decimals=2), -0.001, b"-0.00", None),
        (column(TYPE.DOUBLE, decimals=2), 1e22, b"1" + b"0" * 22 + b".00", None),
        (column(TYPE.DOUBLE, 10, ZEROFILL, 2), 2.5, b"0000002.50", None),
        (column(TYPE.DOUBLE, 6, ZEROFILL, 31), 2.5, b"0002.5", None),
        (column(TYPE.NEWDECIMAL, 12, decimals=2), Decimal("-0.05"), b"-0.05", ...),
        (
            column(TYPE.NEWDECIMAL, 38, decimals=30),
            Decimal("1e-30"),
            b"0." + b"0" * 29 + b"1",
            ...,
        ),
        (column(TYPE.NEWDECIMAL, 39), Decimal("-" + "9" * 38), b"-" + b"9" * 38, ...),
        (column(TYPE.NEWDECIMAL, 66), Decimal("-" + "9" * 65), b"-" + b"9" * 65, ...),
        (column(TYPE.NEWDECIMAL, 66), Decimal(0), b"0", ...),
        (column(TYPE.NEWDECIMAL, 9, ZEROFILL, 2), Decimal("1.5"), b"000001.50", ...),
        (column(TYPE.DATE), date(1, 1, 1), b"0001-01-01", b"\4\1\0\1\1"),
        (column(TYPE.DATE), date(2024, 2, 29), b"2024-02-29", b"\4\xe8\7\2\x1d"),
        (
            column(TYPE.DATETIME),
            datetime(1969, 12, 31),
            b"1969-12-31 00:00:00",
            b"\4\xb1\7\x0c\x1f",
        ),
        (
            column(TYPE.DATETIME, decimals=1),
            datetime(2024, 3, 1, 1, 2, 3),
            b"2024-03-01 01:02:03.0",
            b"\7\xe8\7\3\1\1\2\3",
        ),
        (
            column(TYPE.TIMESTAMP, decimals=3),
            datetime(9999, 12, 31, 23, 59, 59, 999_000),
            b"9999-12-31 23:59:59.999",
            b"\x0b\x0f\x27\x0c\x1f\x17\x3b\x3b\x58\x3e\x0f\0",
        ),
        (TIME, timedelta(0), b"00:00:00", b"\0"),
        (TIME_6, timedelta(0), b"00:00:00.000000", b"\0"),
        (TIME, -LONGEST, b"-838:59:59", b"\x08\1\x22\0\0\0\x16\x3b\x3b"),
        (
            TIME_6,
            timedelta(microseconds=-1),
            b"-00:00:00.000001",
            b"\x0c\1" + b"\0" * 7 + b"\1\0\0\0",
        ),
        (column(TYPE.BIT), b"\0\5", b"\0\5", ...),
        (TEXT, "", b"", ...),
        (TEXT, "😀", "😀".encode(), ...),
    ],
)
def test_a_value_is_written_as_mysql_writes_it(definition, value, text, binary):
    assert text_of(definition, value) == text
    if binary is ...:
        binary = bytes([len(text)]) + text
    if binary is not None:
        assert binary_of(definition, value) == binary


@pytest.mark.parametrize(
    ("size", "prefix"),
    [
        (250, b"\xfa"),
        (251, b"\xfc\xfb\x00"),
        (65_535, b"\xfc\xff\xff"),
        (65_536, b"\xfd\x00\x00\x01"),
    ],
)
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_the_length_of_a_string_grows_with_it(size, prefix, binary):
    packet = encode(TEXT, ["x" * size], binary=binary)
    assert packet[4 + 2 * binary :] == prefix + b"x" * size


@pytest.mark.parametrize(
    ("n_columns", "binary", "expected"),
    [
        (2, False, b"\2\0\0\0\xfb\xfb"),
        (2, True, b"\2\0\0\0\0\x0c"),
        (7, True, b"\3\0\0\0\0\xfc\1"),
    ],
)
def test_null_is_a_byte_in_text_and_a_bit_in_binary(n_columns, binary, expected):
    batch = pa.record_batch(
        [pa.nulls(1)] * n_columns, [f"c{n}" for n in range(n_columns)]
    )
    encoder = RowEncoder([INT] * n_columns, binary)
    assert encoder.encode(batch, 0) == (expected, 1)


def test_sequence_ids_wrap_after_255():
    batch = pa.record_batch([pa.array(range(600), pa.int32())], ["x"])
    packets, sequence_id = RowEncoder([INT], binary=True).encode(batch, 7)
    assert [packets[n] for n in range(3, len(packets), 10)] == [
        n % 256 for n in range(7, 607)
    ]
    assert sequence_id == 607 % 256


def test_a_slice_is_encoded_from_its_own_rows():
    whole = pa.record_batch(
        [
            pa.array([None, 1, 2, None, 4], pa.int32()),
            pa.array(["a", None, "ccc", "dd", None]),
            pa.array([Decimal(n) for n in range(5)], pa.decimal128(30, 0)),
        ],
        ["i", "t", "d"],
    )
    definitions = [INT, TEXT, column(TYPE.NEWDECIMAL, 31)]
    part = whole.slice(2, 2)
    copy = pa.RecordBatch.from_pylist(part.to_pylist(), schema=whole.schema)
    for binary in (False, True):
        encoder = RowEncoder(definitions, binary)
        assert encoder.encode(part, 0) == encoder.encode(copy, 0)


def test_a_batch_of_no_rows_is_no_bytes():
    batch = pa.record_batch([pa.array([], pa.string())], ["x"])
    assert RowEncoder([TEXT], binary=False).encode(batch, 9) == (b"", 9)


def test_more_rows_than_a_chunk_are_all_written():
    batch = pa.record_batch([pa.array(range(65_537), pa.int64())], ["x"])
    packets, sequence_id = RowEncoder([INT], binary=True).encode(batch, 0)
    assert len(packets) == 65_537 * 10
    assert packets[-4:] == (65_536).to_bytes(4, "little")
    assert sequence_id == 1


@pytest.mark.parametrize(
    ("definition", "value", "kind", "expected"),
    [
        (column(TYPE.TINY), True, pa.bool_(), b"1"),
        (INT, 5, pa.int64(), b"5"),
        (column(TYPE.NEWDECIMAL, 23), Decimal(5), pa.decimal128(38, 0), b"5"),
        (column(TYPE.NEWDECIMAL, 23, decimals=2), 5, pa.int32(), b"5.00"),
        (TIME, 90_000_000_000, pa.int64(), b"25:00:00"),
        (TEXT, "abc", pa.large_string(), b"abc"),
        (TEXT, "abc", pa.dictionary(pa.int8(), pa.string()), b"abc"),
        (column(TYPE.DATETIME), 1, pa.timestamp("s"), b"1970-01-01 00:00:01"),
    ],
)
def test_a_column_of_another_type_is_cast(definition, value, kind, expected):
    assert text_of(definition, value, kind) == expected


@pytest.mark.parametrize(
    ("definition", "value", "kind"),
    [
        (INT, 2**31, pa.int64()),
        (UNSIGNED, -1, pa.int64()),
        (
            column(TYPE.NEWDECIMAL, 4, decimals=2),
            Decimal("1000.00"),
            pa.decimal128(9, 2),
        ),
        (column(TYPE.DOUBLE, decimals=31), float("nan"), None),
        (column(TYPE.FLOAT, decimals=31), float("-inf"), None),
        (column(TYPE.DOUBLE, decimals=2), float("inf"), None),
        (column(TYPE.YEAR), 10_000, None),
        (column(TYPE.YEAR), 65_535, None),
        (column(TYPE.DATE), -719_529, pa.int32()),
        (column(TYPE.DATE), 2_932_897, pa.int32()),
        (column(TYPE.DATETIME), 2_932_897 * 86_400_000_000, pa.int64()),
        (column(TYPE.DATETIME), datetime(2024, 1, 1, 0, 0, 0, 1), None),
        (
            column(TYPE.DATETIME, decimals=3),
            datetime(2024, 1, 1, 0, 0, 0, 999_900),
            None,
        ),
        (TIME_6, LONGEST + timedelta(microseconds=1), None),
        (TIME_6, -LONGEST - timedelta(microseconds=1), None),
        (TEXT, b"\xff", pa.binary()),
        (INT, "a", pa.string()),
    ],
)
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_a_value_that_the_mysql_type_does_not_have_is_refused(
    definition, value, kind, binary
):
    with pytest.raises(MySQLError) as error:
        encode(definition, [None, value], kind, binary)
    assert error.value.number == 1690
    assert "'c'" in error.value.message


@pytest.mark.parametrize("charset", [0, 9999], ids=str)
def test_a_character_set_that_is_not_known_is_refused(charset):
    with pytest.raises(MySQLError) as error:
        RowEncoder([column(TYPE.VAR_STRING, charset=charset)], binary=False)
    assert error.value.number == 1235


@pytest.mark.parametrize(
    ("charset", "flags", "expected"),
    [
        (255, 0, "é日😀".encode()),
        (63, 0, "é日😀".encode()),
        (33, 0, "é日?".encode()),
        (8, 0, b"\xe9??"),
        (94, FLAG.ENUM, b"\xe9??"),
        (54, FLAG.SET, "é日😀".encode("utf_16_be")),
    ],
)
def test_text_is_written_in_the_character_set_of_its_column(charset, flags, expected):
    definition = column(TYPE.STRING, charset=charset, flags=flags)
    assert text_of(definition, "é日😀", pa.string()) == expected
    framed = bytes([len(expected)]) + expected
    assert binary_of(definition, "é日😀", pa.string()) == framed


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("latin1", b'"\xe9?"'),
        ("utf16", '"é日"'.encode("utf_16_be")),
        ("utf8mb4", '"é日"'.encode()),
        ("binary", '"é日"'.encode()),
        (None, '"é日"'.encode()),
    ],
)
def test_json_is_written_in_the_character_set_of_the_results(results, expected):
    batch = pa.record_batch([pa.array(['"é日"'])], ["j"])
    packet, _ = RowEncoder([column(TYPE.JSON)], False, results).encode(batch, 0)
    assert packet[5:] == expected


@pytest.mark.parametrize(
    "kind", [pa.int32(), pa.float64(), pa.date32(), pa.duration("us")]
)
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_what_stands_where_a_null_is_does_not_matter(kind, binary):
    garbage = pa.py_buffer(b"\xff" * 24)
    array = pa.Array.from_buffers(kind, 3, [pa.py_buffer(b"\0"), garbage])
    types = {
        pa.int32(): column(TYPE.LONG, 9, ZEROFILL),
        pa.float64(): column(TYPE.DOUBLE, decimals=31),
        pa.date32(): column(TYPE.DATE),
        pa.duration("us"): TIME,
    }
    batch = pa.record_batch([array], ["x"])
    packets, _ = RowEncoder([types[kind]], binary).encode(batch, 0)
    row = b"\x02\0\0%c\0\x04" if binary else b"\x01\0\0%c\xfb"
    assert packets == b"".join(row % n for n in range(3))


def test_texts_at_the_very_end_of_their_memory_are_whole():
    for size in range(70):
        texts = ["x" * size, "", "y" * size]
        packets = encode(TEXT, texts)
        row = b"".join(
            (len(text) + 1).to_bytes(3, "little")
            + bytes([number, len(text)])
            + text.encode()
            for number, text in enumerate(texts)
        )
        assert packets == row


def test_every_day_of_the_calendar_is_written():
    days = np.arange(-719_528, 2_932_897, dtype=np.int32)
    batch = pa.record_batch([pa.array(days).cast(pa.date32())], ["d"])
    definition = column(TYPE.DATE)
    texts = packed(RowEncoder([definition], False).encode(batch, 0)[0], 15)
    expected = days.astype("datetime64[D]").astype(str).astype("S10")
    assert (texts[:, 5:].copy().view("S10")[:, 0] == expected).all()
    values = packed(RowEncoder([definition], True).encode(batch, 0)[0], 11)
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    assert (values[:, 7:9].copy().view(np.uint16)[:, 0] == years).all()
    months = texts[:, 10:12].astype(int) - ord("0")
    assert (values[:, 9] == months[:, 0] * 10 + months[:, 1]).all()
    in_month = texts[:, 13:15].astype(int) - ord("0")
    assert (values[:, 10] == in_month[:, 0] * 10 + in_month[:, 1]).all()


def packed(packets, size):
    """Packets that are all of one size, as an array (n_rows, size)."""
    return np.frombuffer(packets, np.uint8).reshape(-1, size)


@pytest.mark.parametrize(
    ("length", "scale"), [(16, 2), (19, 18), (20, 0), (40, 10), (67, 30)]
)
def test_random_decimals_keep_all_their_digits(length, scale):
    random = np.random.default_rng(21)
    sign_and_point = 1 + (scale > 0)
    values = []
    for size in random.integers(1, length - sign_and_point + 1, 2000):
        digits = "".join(map(str, random.integers(0, 10, size)))
        sign = "-" if random.random() < 0.5 and int(digits) else ""
        values.append(Decimal(f"{sign}{digits}e-{scale}"))
    definition = column(TYPE.NEWDECIMAL, length, decimals=scale)
    packets = encode(definition, values)
    for value in values:
        text = format(value, "f").encode()
        assert packets[5 : 5 + len(text)] == text
        packets = packets[5 + packets[4] :]
    assert not packets


def test_random_integers_are_written_as_python_writes_them():
    random = np.random.default_rng(22)
    edges = [s * (10**k + n) for k in range(19) for n in (-1, 0, 1) for s in (1, -1)]
    values = random.integers(-(2**63), 2**63 - 1, 2000) >> random.integers(0, 63, 2000)
    values = [*edges, *values.tolist()]
    packets = encode(column(TYPE.LONGLONG), values)
    for value in values:
        assert packets[5 : 5 + packets[4]] == str(value).encode()
        packets = packets[5 + packets[4] :]


def test_a_batch_of_another_width_is_a_mistake_of_the_caller():
    batch = pa.record_batch([pa.array([1])], ["x"])
    with pytest.raises(ValueError, match="shorter"):
        RowEncoder([INT, INT], binary=False).encode(batch, 0)
