"""Decoding and encoding compared, byte for byte, with what a real server sends."""

from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from heatproxy.wire.decode import RowDecoder
from heatproxy.wire.encode import RowEncoder
from tests.wire.raw_session import RawSession

pytestmark = pytest.mark.mysql

# Each column with the values it is given, as SQL; missing ones are NULL.
COLUMNS = {
    "tinyint": ["-128", "127", "0"],
    "tinyint unsigned": ["0", "255"],
    "tinyint(1)": ["1", "-7"],
    "smallint": ["-32768", "32767"],
    "smallint unsigned": ["65535", "0"],
    "mediumint": ["-8388608", "8388607"],
    "mediumint unsigned": ["16777215"],
    "int": ["-2147483648", "2147483647", "0", "-1"],
    "int unsigned": ["4294967295"],
    "int(9) zerofill": ["0", "12345", "4294967295"],
    "bigint": ["-9223372036854775808", "9223372036854775807", "-1"],
    "bigint unsigned": ["18446744073709551615", "9223372036854775808", "10"],
    "bigint zerofill": ["7"],
    "decimal(1,0)": ["-9", "0"],
    "decimal(15,2)": ["-9999999999999.99", "0.01", "-0.01"],
    "decimal(18,18)": ["0.000000000000000001", "-0.999999999999999999"],
    "decimal(38,10)": ["-9999999999999999999999999999.9999999999"],
    "decimal(39,0)": ["9" * 39, "-" + "9" * 39, "18446744073709551616"],
    "decimal(65,30)": ["9" * 35 + "." + "9" * 30, "-1e-30", "0"],
    "decimal(30,30)": ["-0." + "9" * 30, "1e-30"],
    "decimal(65,0)": ["9" * 65, "-" + "1" * 65, "0"],
    "decimal(18,2)": ["9999999999999999.99", "-0.10", "0"],
    "decimal(19,2)": ["99999999999999999.99", "-9999999999999999.99"],
    "decimal(38,19)": ["-0.0000000000000000001", "1" * 19],
    "decimal(65,30) zerofill": ["1.5"],
    "decimal(12,3) unsigned zerofill": ["0", "1.5", "999999999.999"],
    "float": ["3.40282e38", "-1.17549e-38", "1e-45", "0.1", "-0.0", "1e15"],
    "float unsigned": ["16777216", "1.5e-14"],
    "float(9,3)": ["0.0005", "-123456.789", "0.1", "-0.0001", "0.0625"],
    "float(12,0)": ["0.5", "1.5", "16777216"],
    "float zerofill": ["1.5"],
    "double": ["1.7976931348623157e308", "5e-324", "1e16", "1e15", "1e-14", "-0e0"],
    "double(20,5)": ["0.000005", "-1e14", "1.005", "0.000015", "-0.000004"],
    "double(9,2)": ["0.125", "-0.375", "1234567.89", "0", "-9999999.99"],
    "double(30,30)": ["0.1", "1e-30"],
    "double(255,2)": ["1e200", "123456789012345678"],
    "double(12,3) zerofill": ["1.5", "0"],
    "double zerofill": ["0.1"],
    "date": ["'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'1969-12-31'"],
    "datetime": ["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"],
    **{
        f"datetime({n})": [
            "'1969-12-31 23:59:59.999999'",
            "'2024-01-01'",
            "'0001-01-01'",
        ]
        for n in range(1, 7)
    },
    "timestamp": ["'1970-01-02 00:00:00'", "'2038-01-18 00:00:00'"],
    "timestamp(6)": ["'2001-02-03 04:05:06.000001'"],
    "time": ["'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'"],
    **{
        f"time({n})": ["'-101:02:03.999999'", "'0:0:0.1'", "'25:0:0'"]
        for n in range(1, 7)
    },
    "year": ["1901", "2155", "0", "1970"],
    "char(10)": ["'abc'", "''", "'日本語'"],
    "char(3) character set latin1": ["'é'"],
    "varchar(300)": ["''", "repeat('ß', 300)", "'😀🎉'", "repeat('x', 250)"],
    "varchar(20) character set latin1": ["'Käse €'"],
    "varchar(20) character set utf16": ["'😀'"],
    "varchar(20) character set utf8mb3": ["'日本'"],
    "varchar(20) character set gbk": ["'中文'"],
    "varchar(20) character set cp1251": ["'привет'"],
    "varchar(20) character set sjis": ["'ｱイ'", "'\\\\'"],
    "char(9) character set ascii": ["'plain '"],
    "char(4) character set binary": ["'ab'"],
    "text": ["repeat('y', 65535)", "'\\0\\'\"'", "repeat('y', 251)"],
    "mediumtext": ["repeat('long ', 20000)", "repeat('y', 65536)"],
    "longtext": ["''"],
    "json": [
        """'{"a": [1, 2.5, null, "ü😀"]}'""",
        "'null'",
        "'1e100'",
        "json_array(1.50, date'2024-02-29', time'-838:59:59', x'00ff')",
        "json_array(18446744073709551615, -0e0, true, cast('9' as decimal(65,30)))",
        "json_quote(repeat('\"', 300))",
    ],
    "enum('a','','ü😀')": ["'a'", "''", "'ü😀'"],
    f"enum({', '.join(repr(str(n)) for n in range(300))})": ["'0'", "'299'"],
    "enum('x','é') character set latin1": ["'é'"],
    "set('a','b','c')": ["''", "'a,c'"],
    f"set({', '.join(repr(f'm{n}') for n in range(64))})": ["'m63,m0'", "1 << 40"],
    "binary(4)": ["x'00ff'", "'abcd'"],
    "varbinary(300)": ["x''", "x'00'", "repeat(x'fe', 300)"],
    "blob": ["x'00010200'", "repeat(x'ff', 65535)"],
    "longblob": ["repeat(x'fb', 70000)"],
    "bit(1)": ["b'1'", "b'0'"],
    "bit(12)": ["b'101'"],
    "bit(64)": ["18446744073709551615", "0"],
    "geometry": ["point(1, -2)", "st_geomfromtext('multipoint(0 0, 1 1)', 4326)"],
    "point": ["point(1e-300, -1e300)"],
    "linestring": ["linestring(point(0, 0), point(1, 2))"],
    "polygon": ["st_geomfromtext('polygon((0 0, 0 1, 1 1, 0 0))')"],
    "geometrycollection": ["st_geomfromtext('geometrycollection empty')"],
    "vector(2)": ["to_vector('[1,-2]')", "to_vector('[3.4e38,-1.5e-37]')"],
    "vector": ["to_vector(concat('[', repeat('0.5,', 2047), '1]'))"],
}
# Columns of text, with the codec that says which of the texts fit.
TEXT_COLUMNS = {
    "varchar(40)": "utf-8",
    "text character set utf8mb3": "utf-8",
    "char(40) character set latin1": "cp1252",
    "varchar(40) character set cp1251": "cp1251",
    "varchar(40) character set gbk": "gbk",
    "varchar(40) character set sjis": "shift_jis",
    "varchar(40) character set utf16": "utf-16",
}
MEMBERS = ["plain", "né", "я", "日"]
TEXTS = [*MEMBERS, "", "a 'b' \"c\" @[]", "Käse €", "中文 x", "привет"]
EXPRESSIONS = """
    NULL, 1, -1, 1.50, 1e0, TRUE, 'a', x'00', b'101', 1/3, 2/3e0, ROUND(1.005e0, 2),
    CAST(1.5 AS FLOAT), CAST(2001 AS YEAR), PI(), 0.1 + 0.2e0, 18446744073709551615,
    JSON_OBJECT('a', 1.0), JSON_EXTRACT('[1.5]', '$[0]'), DATE'2024-02-29',
    TIMESTAMP'2020-01-01 00:00:00.5', TIME'-01:00:00.25', SEC_TO_TIME(1.5e0),
    FROM_UNIXTIME(1.5e0), DATE_ADD('2020-01-01', INTERVAL 1.5 SECOND), UUID_TO_BIN(
    'f7a0c5f2-1c1c-4a54-9b1b-0123456789ab'), CAST(-0.0 AS DECIMAL(65, 30)),
    POINT(1, 2), TO_VECTOR('[0.5]'), MAKETIME(838, 59, 59), -0e0, ST_AsText(POINT(1, 2))
"""
AGGREGATES = """
    COUNT(*), SUM(number), AVG(number), SUM(ratio), AVG(ratio), STDDEV(number),
    MIN(number), MAX(ratio), GROUP_CONCAT(number), BIT_OR(number), JSON_ARRAYAGG(ratio),
    SUM(number) * 1.5, SUM(number) / COUNT(*), ANY_VALUE(number)
"""


@pytest.fixture(scope="module", params=[False, True], ids=["EOF", "DEPRECATE_EOF"])
def session(request, server):
    session = RawSession(server.backend_login, request.param)
    session.run("DROP DATABASE IF EXISTS test_wire_rows")
    session.run("CREATE DATABASE test_wire_rows")
    session.run("USE test_wire_rows")
    session.run("SET sql_mode = 'NO_ENGINE_SUBSTITUTION', time_zone = '+00:00'")
    declared = ", ".join(f"c{n} {kind}" for n, kind in enumerate(COLUMNS))
    session.run(f"CREATE TABLE every_type (id INT PRIMARY KEY, {declared})")
    longest = max(len(values) for values in COLUMNS.values())
    for row in range(longest + 1):
        values = [v[row] if row < len(v) else "NULL" for v in COLUMNS.values()]
        session.run(f"INSERT INTO every_type VALUES ({row}, {', '.join(values)})")
    session.run("CREATE TABLE numbers (number INT, ratio DOUBLE)")
    session.run(
        "INSERT INTO numbers WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
        " SELECT IF(i % 7 = 0, NULL, i * i - 1000), i / 7e0 FROM n"
    )
    yield session
    session.run("DROP DATABASE test_wire_rows")
    session.close()


def decode(answer, deprecate_eof, step=None):
    """The whole result as a table, fed ``step`` bytes at a time."""
    decoder = RowDecoder(answer.definitions, deprecate_eof)
    data = answer.rows + answer.end
    batches = []
    for start in range(0, len(data), step or len(data)):
        batches += decoder.feed(data[start : start + (step or len(data))])
    batches += decoder.finish()
    assert decoder.terminator == answer.end[4:]
    return decoder, pa.Table.from_batches(batches, decoder.schema)


def encode(answer, table, binary, results="utf8mb4"):
    encoder = RowEncoder(answer.definitions, binary, results)
    sequence_id = answer.first_sequence_id
    packets = b""
    for batch in table.to_batches():
        part, sequence_id = encoder.encode(batch, sequence_id)
        packets += part
    return packets


def assert_same_bytes(session, sql):
    """Binary rows decode and encode to themselves, and to MySQL's text rows."""
    binary, text = session.execute(sql), session.query(sql)
    assert [d.to_bytes() for d in binary.definitions] == binary.payloads
    decoder, table = decode(binary, session.deprecate_eof)
    assert decoder.zero_dates == decoder.invalid_text == 0
    assert encode(binary, table, binary=True) == binary.rows
    assert encode(text, table, binary=False) == text.rows
    return table


@pytest.mark.parametrize("number", range(len(COLUMNS)), ids=list(COLUMNS))
def test_values_of_a_type_are_written_as_mysql_writes_them(session, number):
    table = assert_same_bytes(session, f"SELECT c{number} FROM every_type ORDER BY id")
    given = list(COLUMNS.values())[number]
    assert table.column(0).null_count == table.num_rows - len(given)


def test_all_types_in_one_row_are_written_as_mysql_writes_them(session):
    assert assert_same_bytes(session, "SELECT * FROM every_type").num_columns > 60


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {EXPRESSIONS}",
        f"SELECT {AGGREGATES} FROM numbers",
        f"SELECT ratio > 9, {AGGREGATES} FROM numbers GROUP BY 1 WITH ROLLUP",
        "SELECT *, SUM(number) OVER (ORDER BY ratio) FROM numbers ORDER BY ratio",
        "SELECT * FROM numbers WHERE FALSE",
        "SELECT 1.5 UNION ALL SELECT 2.25 UNION ALL SELECT NULL",
    ],
    ids=["expressions", "aggregates", "rollup", "windows", "no rows", "union"],
)
def test_results_of_queries_are_written_as_mysql_writes_them(session, sql):
    assert_same_bytes(session, sql)


def test_decoded_values_are_what_sql_says(session):
    def values(kind):
        number = list(COLUMNS).index(kind)
        sql = (
            f"SELECT c{number} FROM every_type WHERE c{number} IS NOT NULL ORDER BY id"
        )
        return decode(session.execute(sql), session.deprecate_eof)[1].column(0)

    assert values("bigint").to_pylist() == [-(2**63), 2**63 - 1, -1]
    assert values("bigint unsigned").to_pylist() == [2**64 - 1, 2**63, 10]
    assert values("decimal(65,30)").to_pylist() == [
        Decimal("9" * 35 + "." + "9" * 30),
        Decimal("-1e-30"),
        Decimal(0),
    ]
    assert values("double").to_pylist()[:3] == [1.7976931348623157e308, 5e-324, 1e16]
    assert [str(day) for day in values("date").to_pylist()] == [
        "1000-01-01",
        "9999-12-31",
        "2024-02-29",
        "1969-12-31",
    ]
    assert values("datetime(6)").cast(pa.string()).to_pylist() == [
        "1969-12-31 23:59:59.999999",
        "2024-01-01 00:00:00.000000",
        "0001-01-01 00:00:00.000000",
    ]
    assert values("time(6)").to_pylist() == [
        -timedelta(hours=101, minutes=2, seconds=3, microseconds=999_999),
        timedelta(microseconds=100_000),
        timedelta(hours=25),
    ]
    assert values("year").to_pylist() == [1901, 2155, 0, 1970]
    assert values("bit(12)").to_pylist() == [b"\0\5"]
    assert values("varchar(20) character set latin1").to_pylist() == ["Käse €"]
    assert values("json").to_pylist()[0] == '{"a": [1, 2.5, null, "ü😀"]}'
    assert values("set('a','b','c')").to_pylist() == ["", "a,c"]
    assert values("blob").to_pylist() == [b"\0\1\2\0", b"\xff" * 65_535]


def test_a_server_that_sends_byte_by_byte_is_understood(session):
    answer = session.execute("SELECT * FROM every_type WHERE id IN (2, 3)")
    _, whole = decode(answer, session.deprecate_eof)
    _, dribbled = decode(answer, session.deprecate_eof, step=1)
    assert dribbled.equals(whole)
    assert whole.num_rows == 2


@pytest.mark.parametrize(
    "size",
    [
        *range(0xFFFFFF - 6, 0xFFFFFF - 2),  # binary rows, then text rows fill a frame
        *range(0xFFFFFF, 0xFFFFFF + 3),  # the length takes nine bytes
        2 * 0xFFFFFF - 11,
        2 * 0xFFFFFF - 9,
    ],
)
def test_rows_longer_than_a_frame_are_split_as_mysql_splits_them(session, size):
    sql = f"SELECT REPEAT('x', {size}) UNION ALL SELECT 'y'"
    table = assert_same_bytes(session, sql)
    assert [len(text) for text in table.column(0).to_pylist()] == [size, 1]


def test_zero_dates_are_counted(session):
    days = "'0000-00-00'", "'2024-00-00'", "'2024-05-00'", "NULL", "'2024-05-01'"
    session.run("CREATE TEMPORARY TABLE zero (d DATE, t DATETIME(3))")
    session.run("INSERT INTO zero VALUES " + ", ".join(f"({d}, {d})" for d in days))
    session.run("SET sql_mode = 'ALLOW_INVALID_DATES'")
    session.run("INSERT INTO zero VALUES ('2024-02-31', '2023-02-29 01:02:03')")
    answer = session.execute("SELECT * FROM zero")
    decoder, table = decode(answer, session.deprecate_eof)
    assert decoder.zero_dates == 8
    assert [column.null_count for column in table.columns] == [5, 5]


def test_an_error_between_rows_ends_them(session):
    sql = "SELECT number, EXP(ratio * 7) FROM numbers WHERE ratio * 7 IN (1, 2, 800)"
    answer = session.execute(sql)
    decoder, table = decode(answer, session.deprecate_eof)
    assert decoder.terminator[:3] == b"\xff\x9a\x06"  # 1690, out of range
    assert table.column(0).to_pylist() == [-999, -996]


def test_many_rows_are_the_same_bytes_with_every_sequence_id(session):
    sql = "SELECT a.number, b.ratio FROM numbers a, numbers b WHERE a.ratio < 14.5"
    table = assert_same_bytes(session, sql + " ORDER BY a.ratio, b.ratio")
    assert table.num_rows > 90_000


@pytest.fixture(scope="module")
def texts(session):
    """A query for texts of many character sets, and its rows, Arrow (9, 15)."""
    declared = ", ".join(f"c{n} {kind}" for n, kind in enumerate(TEXT_COLUMNS))
    members = ", ".join(f"'{member}'" for member in MEMBERS)
    session.run(
        f"CREATE TABLE texts (id INT PRIMARY KEY, {declared},"
        f" e ENUM({members}), s SET({members}), j JSON, b BLOB)"
    )
    for number, text in enumerate(TEXTS):
        plain = f"x'{text.encode().hex()}'"
        value = f"CONVERT({plain} USING utf8mb4)"
        values = [value if fits(text, c) else "NULL" for c in TEXT_COLUMNS.values()]
        values += [value if text in MEMBERS else "NULL"] * 2
        document = f"JSON_OBJECT('é', {value}, '😀', 1.50)"
        values += [document, plain]
        session.run(f"INSERT INTO texts VALUES ({number}, {', '.join(values)})")
    sql = "SELECT t.*, 'é😀', CONCAT(id, '日'), MONTHNAME('2024-01-01') FROM texts t"
    _, table = decode(session.execute(sql), session.deprecate_eof)
    assert table.shape == (9, 15)
    return sql, table


def fits(text, codec):
    return text.encode(codec, "ignore").decode(codec) == text


@pytest.mark.parametrize(
    "results",
    [
        *("latin1", "cp1251", "utf16", "utf16le", "utf32", "ucs2", "gbk", "gb18030"),
        *("ascii", "sjis", "ujis", "swe7", "tis620", "utf8mb3", "utf8mb4", "NULL"),
    ],
)
def test_text_goes_out_in_the_character_set_that_the_session_wants(
    session, texts, results
):
    sql, table = texts
    session.run(f"SET character_set_results = {results}")
    try:
        text, binary = session.query(sql), session.execute(sql)
    finally:
        session.run("SET character_set_results = utf8mb4")
    results = None if results == "NULL" else results
    assert [d.to_bytes() for d in text.definitions] == text.payloads
    assert encode(text, table, binary=False, results=results) == text.rows
    assert encode(binary, table, binary=True, results=results) == binary.rows


def test_text_in_utf8_goes_out_as_it_is_where_the_session_wants_bytes(session):
    sql = "SELECT 'é😀' AS t, JSON_ARRAY('日') AS j, x'ff' AS b, 1.5 AS n"
    _, table = decode(session.execute(sql), session.deprecate_eof)
    session.run("SET character_set_results = binary")
    try:
        text, binary = session.query(sql), session.execute(sql)
    finally:
        session.run("SET character_set_results = utf8mb4")
    assert encode(text, table, binary=False, results="binary") == text.rows
    assert encode(binary, table, binary=True, results="binary") == binary.rows


@pytest.mark.parametrize("width", [1, 5, 6, 7, 54, 55, 62, 63, 64, 250])
def test_rows_of_any_width_have_their_nulls_in_place(session, width):
    items = ["NULL", "i", "1.5", "'x'", "NULLIF(i, 2)", "NULLIF(1e0, i)"]
    chosen = ", ".join(items[n % len(items)] for n in range(width))
    rows = "(SELECT 1 AS i UNION ALL SELECT 2 UNION ALL SELECT NULL) AS t"
    assert_same_bytes(session, f"SELECT {chosen} FROM {rows}")
