from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pymysql.constants import FIELD_TYPE as TYPE
from pymysql.constants import FLAG

from heatproxy.errors import ProtocolError
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.decode import RowDecoder

OK = b"\xfe\x00\x00\x02\x00\x00\x00"
EOF = b"\xfe\x00\x00\x02\x00"
ERR = b"\xff\x25\x05#70100Query execution was interrupted"


def column(kind, length=20, flags=0, decimals=0, charset=63, name="c"):
    return ColumnDefinition(
        "", "", "", name, "", charset, length, kind, flags, decimals
    )


def packet(payload, sequence_id=0):
    return len(payload).to_bytes(3, "little") + bytes([sequence_id]) + payload


def row(*values):
    """A binary row of encoded values; None is NULL."""
    nulls = sum(1 << n + 2 for n, value in enumerate(values) if value is None)
    bitmap = nulls.to_bytes((len(values) + 9) // 8, "little")
    return packet(b"\0" + bitmap + b"".join(v for v in values if v is not None))


def text(value):
    if len(value) < 0xFB:
        return bytes([len(value)]) + value
    if len(value) < 1 << 16:
        return b"\xfc" + len(value).to_bytes(2, "little") + value
    return b"\xfd" + len(value).to_bytes(3, "little") + value


def decode(definitions, data, step=None):
    decoder = RowDecoder(definitions)
    batches = []
    for start in range(0, len(data), step or len(data)):
        batches += decoder.feed(data[start : start + (step or len(data))])
    batches += decoder.finish()
    return decoder, pa.Table.from_batches(batches, decoder.schema)


def value_of(definition, encoded):
    """The one value of a one-column, one-row result, and the decoder."""
    decoder, table = decode([definition], row(encoded) + packet(OK))
    return table.column(0).to_pylist()[0], decoder


INT, TEXT = column(TYPE.LONG), column(TYPE.VAR_STRING, charset=255)
UNSIGNED = FLAG.UNSIGNED
DAY = b"\xe8\x07\x02\x1d"  # 2024-02-29


@pytest.mark.parametrize(
    ("definition", "encoded", "expected"),
    [
        (column(TYPE.TINY), b"\x80", -128),
        (column(TYPE.TINY, flags=UNSIGNED), b"\xff", 255),
        (column(TYPE.SHORT), b"\x00\x80", -32768),
        (column(TYPE.INT24), b"\x00\x00\x80\xff", -(2**23)),
        (column(TYPE.LONG, flags=UNSIGNED), b"\xff" * 4, 2**32 - 1),
        (column(TYPE.LONGLONG), b"\x00" * 7 + b"\x80", -(2**63)),
        (column(TYPE.LONGLONG, flags=UNSIGNED), b"\xff" * 8, 2**64 - 1),
        (column(TYPE.YEAR), b"\x6b\x08", 2155),
        (column(TYPE.FLOAT), b"\x00\x00\xc0\x3f", 1.5),
        (column(TYPE.DOUBLE), b"\x00" * 7 + b"\x80", -0.0),
        (column(TYPE.NEWDECIMAL, 12, decimals=2), text(b"-1.50"), Decimal("-1.50")),
        (column(TYPE.NEWDECIMAL, 12, decimals=2), text(b"7"), Decimal("7.00")),
        (column(TYPE.NEWDECIMAL, 12, decimals=2), text(b"7.500"), Decimal("7.50")),
        (column(TYPE.NEWDECIMAL, 11, decimals=0), text(b"-0"), Decimal(0)),
        (column(TYPE.NEWDECIMAL, 39), text(b"-" + b"9" * 38), Decimal("-" + "9" * 38)),
        (column(TYPE.NEWDECIMAL, 66), text(b"-" + b"9" * 65), Decimal("-" + "9" * 65)),
        (column(TYPE.DATE), b"\x04" + DAY, date(2024, 2, 29)),
        (column(TYPE.DATE), b"\x04\x01\x00\x01\x01", date(1, 1, 1)),
        (column(TYPE.DATE), b"\x04\x0f\x27\x0c\x1f", date(9999, 12, 31)),
        (column(TYPE.DATETIME), b"\x04" + DAY, datetime(2024, 2, 29)),
        (
            column(TYPE.TIMESTAMP),
            b"\x0b" + DAY + b"\x17\x3b\x3b\x3f\x42\x0f\x00",
            datetime(2024, 2, 29, 23, 59, 59, 999_999),
        ),
        (column(TYPE.TIME), b"\x00", timedelta(0)),
        (
            column(TYPE.TIME),
            b"\x08\x01\x22\x00\x00\x00\x16\x3b\x3b",
            -timedelta(hours=838, minutes=59, seconds=59),
        ),
        (
            column(TYPE.TIME),
            b"\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00",
            timedelta(microseconds=1),
        ),
        (column(TYPE.BIT), text(b"\x00\x05"), b"\x00\x05"),
        (column(TYPE.JSON), text(b"[1]"), "[1]"),
        (TEXT, text("😀".encode()), "😀"),
        (TEXT, text(b""), ""),
        (TEXT, text(b"x" * 70_000), "x" * 70_000),
        (column(TYPE.BLOB), text(b"\x00\xff"), b"\x00\xff"),
        (INT, None, None),
        (TEXT, None, None),
        (column(TYPE.NULL), None, None),
    ],
)
def test_a_value_becomes_what_it_is_in_arrow(definition, encoded, expected):
    value, decoder = value_of(definition, encoded)
    assert repr(value) == repr(expected)
    assert decoder.zero_dates == decoder.invalid_text == 0


@pytest.mark.parametrize(
    ("kind", "encoded"),
    [
        (TYPE.DATE, b"\x00"),
        (TYPE.DATE, b"\x04\x00\x00\x00\x00"),
        (TYPE.DATE, b"\x04\xe8\x07\x00\x00"),
        (TYPE.DATE, b"\x04\xe8\x07\x05\x00"),
        (TYPE.DATE, b"\x04\xe7\x07\x02\x1d"),  # 2023-02-29
        (TYPE.DATE, b"\x04\xe7\x07\x04\x1f"),
        (TYPE.DATE, b"\x04\xe7\x07\x0d\x01"),
        (TYPE.DATETIME, b"\x00"),
        (TYPE.DATETIME, b"\x07\x00\x00\x00\x00\x01\x02\x03"),
    ],
)
def test_a_date_that_no_calendar_has_becomes_null_and_is_counted(kind, encoded):
    value, decoder = value_of(column(kind, decimals=0), encoded)
    assert value is None
    assert decoder.zero_dates == 1


def test_every_day_of_ten_thousand_years_is_itself():
    months = {
        m: [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m - 1] for m in range(1, 13)
    }
    packed = [
        b"\x04" + year.to_bytes(2, "little") + bytes([month, day])
        for year in [*range(1, 500), *range(1900, 2101), *range(9600, 10_000)]
        for month, days in months.items()
        for day in range(1, days + 1)
    ]
    data = b"".join(row(value) for value in packed) + packet(OK)
    decoder, table = decode([column(TYPE.DATE)], data)
    for value, encoded in zip(table.column(0).to_pylist(), packed, strict=True):
        year = int.from_bytes(encoded[1:3], "little")
        if value is None:
            assert encoded[3:] == b"\x02\x1d"
            with pytest.raises(ValueError, match="day is out of range"):
                date(year, 2, 29)
        else:
            assert value == date(year, encoded[3], encoded[4])
    assert decoder.zero_dates == table.column(0).null_count


@pytest.mark.parametrize("bad", [b"\xff", b"ab\xc3", b"\xed\xa0\x80", b"\xf5aaa"])
def test_text_that_is_not_utf8_is_replaced_and_counted(bad):
    data = row(text(b"ok")) + row(None) + row(text(bad)) + packet(OK)
    decoder, table = decode([TEXT], data)
    first, second, third = table.column(0).to_pylist()
    assert (first, second) == ("ok", None)
    assert "\ufffd" in third
    assert decoder.invalid_text == 1


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize("end", [OK, EOF, ERR], ids=["OK", "EOF", "ERR"])
def test_pieces_of_any_size_give_the_same_rows(step, end):
    data = b"".join(
        row(n.to_bytes(4, "little"), None if n % 3 else text(b"y" * (n * 7)))
        for n in range(60)
    )
    decoder, table = decode([INT, TEXT], data + packet(end) + b"next", step)
    assert table.column(0).to_pylist() == list(range(60))
    assert table.column(1).to_pylist() == [
        None if n % 3 else "y" * (n * 7) for n in range(60)
    ]
    assert decoder.terminator == end
    assert decoder.rest == b"next"


def test_a_row_over_several_frames_is_one_row():
    full = 2 * 0xFFFFFF - 2 - 4 - 9  # header and bitmap, INT, the length itself
    for size in (full - 1, full, full + 1):
        value = b"\xfe" + size.to_bytes(8, "little") + b"z" * size
        payload = b"\0\0" + b"\1\0\0\0" + value
        frames = b"".join(
            packet(payload[start : start + 0xFFFFFF])
            for start in range(0, len(payload) + 1, 0xFFFFFF)
        )
        data = row(b"\0\0\0\0", text(b"a")) + frames + row(None, None) + packet(OK)
        _, table = decode([INT, TEXT], data, 1 << 20)
        assert table.column(0).to_pylist() == [0, 1, None]
        lengths = [None if v is None else len(v) for v in table.column(1).to_pylist()]
        assert lengths == [1, size, None]


def test_a_batch_ends_at_65536_rows():
    data = row(b"\1\0\0\0") * 65_537 + packet(OK)
    decoder = RowDecoder([INT])
    assert [batch.num_rows for batch in decoder.feed(data)] == [65_536]
    assert [batch.num_rows for batch in decoder.finish()] == [1]
    assert decoder.finish() == []


def test_a_batch_ends_at_eight_megabytes():
    data = row(text(b"x" * 60_000)) * 300 + packet(OK)
    decoder = RowDecoder([TEXT])
    batches = decoder.feed(data) + decoder.finish()
    assert [batch.num_rows for batch in batches] == [140, 140, 20]
    assert all(v == "x" * 60_000 for b in batches for v in b.column(0).to_pylist())


def test_values_and_nulls_survive_the_growth_of_the_buffers():
    numbers = [None if n % 5 == 0 else n for n in range(20_000)]
    data = b"".join(
        row(None, None) if n is None else row(n.to_bytes(4, "little"), text(b"%d" % n))
        for n in numbers
    )
    _, table = decode([INT, TEXT], data + packet(OK), 4096)
    assert table.column(0).to_pylist() == numbers
    assert table.column(1).to_pylist() == [
        None if n is None else str(n) for n in numbers
    ]
    for batch in table.to_batches():
        batch.validate(full=True)


def test_a_result_without_rows_has_no_batches():
    decoder = RowDecoder([INT], deprecate_eof=False)
    assert decoder.feed(packet(EOF)) == []
    assert decoder.finish() == []
    assert decoder.terminator == EOF


def test_columns_of_one_name_and_of_strange_names_are_kept():
    names = ["a", "a", b"\xff".decode("utf-8", "surrogateescape")]
    definitions = [column(TYPE.LONG, name=name) for name in names]
    _, table = decode(definitions, row(*[b"\1\0\0\0"] * 3) + packet(OK))
    assert table.schema.names == ["a", "a", "\ufffd"]


def test_the_end_of_the_stream_before_the_end_of_the_rows_is_an_error():
    decoder = RowDecoder([INT])
    decoder.feed(row(b"\1\0\0\0"))
    with pytest.raises(ProtocolError):
        decoder.finish()


@pytest.mark.parametrize(
    ("definition", "data"),
    [
        (INT, packet(b"")),
        (INT, packet(b"\0")),
        (INT, packet(b"\0\0\1\2\3")),
        (INT, packet(b"\0\0\1\2\3\4\5")),
        (INT, packet(b"\1\0\1\2\3\4")),
        (column(TYPE.NULL), packet(b"\0\0")),
        (TEXT, row(b"\x05abc")),
        (TEXT, row(b"\xfb")),
        (TEXT, row(b"\xff")),
        (TEXT, row(b"\xfe" + b"\xff" * 8)),
        (TEXT, row(b"\xfe\xff\xff\xff\xff\0\0\0\0a")),
        (TEXT, row(b"\xfd\x01\x00")),
        (column(TYPE.DATE), row(b"\x05" + DAY + b"\0")),
        (column(TYPE.DATE), row(b"\x04\xe8\x07")),
        (column(TYPE.DATETIME), row(b"\x08" + DAY + b"\0\0\0\0")),
        (column(TYPE.TIME), row(b"\x0b" + b"\0" * 11)),
        (column(TYPE.NEWDECIMAL, 5, decimals=1), row(text(b"1.x"))),
        (column(TYPE.NEWDECIMAL, 5, decimals=1), row(text(b"1.2.3"))),
        (column(TYPE.NEWDECIMAL, 5, decimals=1), row(text(b"1.25"))),
        (column(TYPE.NEWDECIMAL, 5, decimals=1), row(text(b"1234.5"))),
        (column(TYPE.NEWDECIMAL, 5, decimals=1), row(text(b""))),
        (column(TYPE.NEWDECIMAL, 5, decimals=1), row(text(b"-"))),
    ],
)
def test_bytes_that_are_no_row_of_the_columns_are_refused(definition, data):
    with pytest.raises(ProtocolError):
        RowDecoder([definition]).feed(data)


def test_damaged_rows_are_read_or_refused_but_never_crash():
    chance = np.random.default_rng(5)
    kinds = [TYPE.LONG, TYPE.DATETIME, TYPE.TIME, TYPE.NEWDECIMAL, TYPE.VAR_STRING]
    definitions = [column(kind, 12, decimals=2, charset=255) for kind in kinds]
    good = row(b"\1\0\0\0", b"\x04" + DAY, b"\0", text(b"1.25"), text(b"abcdef"))
    for _ in range(3000):
        bad = bytearray(good * 3 + packet(OK))
        for _ in range(chance.integers(1, 5)):
            bad[chance.integers(len(bad))] = chance.choice([0, 4, 17, 251, 254, 255])
        decoder = RowDecoder(definitions)
        try:
            batches = decoder.feed(bytes(bad)) + decoder.finish()
        except ProtocolError:
            continue
        for batch in batches:
            batch.validate(full=True)
