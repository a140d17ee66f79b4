import pyarrow as pa
import pytest
from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy import datatypes
from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.columns import (
    UTF8_CHARSETS,
    ColumnDefinition,
    arrow_type,
    parse,
    result_type,
)
from tests.wire.raw_session import RawSession

# What MySQL sent for `SELECT id AS "größe" FROM shop.orders AS o`, id BIGINT UNSIGNED.
GOLDEN = (
    b"\x03def\x04shop\x01o\x06orders\x07gr\xc3\xb6\xc3\x9fe\x02id"
    b"\x0c\x3f\x00\x14\x00\x00\x00\x08\x23\x42\x00\x00\x00"
)
TYPES = [
    "tinyint", "tinyint unsigned", "smallint", "smallint unsigned", "mediumint",
    "mediumint unsigned", "int", "int unsigned", "bigint", "bigint unsigned",
    "decimal(1,0)", "decimal(38,30)", "decimal(39,0)", "decimal(65,30)",
    "decimal(30,30)", "decimal(12,2) unsigned", "decimal(39,3) unsigned zerofill",
    "float", "double", "float(7,3)", "double unsigned", "date", "datetime",
    "datetime(6)", "timestamp(3)", "time", "time(6)", "year", "char(10)",
    "varchar(300)", "tinytext", "text", "mediumtext", "longtext", "json",
    "enum('a','b')", "set('a','b')", "enum('a') character set binary",
    "varchar(10) character set latin1", "binary(3)", "varbinary(300)", "tinyblob",
    "blob", "mediumblob", "longblob", "bit(1)", "bit(64)",
]  # fmt: skip


def column(kind, length=11, flags=0, decimals=0, charset=63):
    return ColumnDefinition("", "", "", "c", "", charset, length, kind, flags, decimals)


def test_a_definition_reads_and_writes_the_same_bytes():
    definition = parse(GOLDEN)
    assert definition == ColumnDefinition(
        "shop", "o", "orders", "größe", "id", 63, 20, 8, 0x4223, 0
    )
    assert definition.is_unsigned
    assert definition.to_bytes() == GOLDEN


@pytest.mark.parametrize(
    "name", [b"", b"\xff\xfe\x80", b"x" * 250, b"x" * 251, b"x" * 4096]
)
def test_names_keep_every_byte_whatever_their_character_set(name):
    size = (
        bytes([len(name)])
        if len(name) < 251
        else b"\xfc" + len(name).to_bytes(2, "little")
    )
    payload = GOLDEN.replace(b"\x04shop", size + name)
    assert parse(payload).to_bytes() == payload


@pytest.mark.parametrize("codec", ["utf_16_be", "utf_16_le", "utf_32_be"])
def test_the_catalog_keeps_the_character_set_of_the_results(codec):
    catalog = "def".encode(codec)
    payload = bytes([len(catalog)]) + catalog + GOLDEN[4:]
    assert parse(payload).to_bytes() == payload


@pytest.mark.parametrize("size", range(len(GOLDEN)))
def test_a_cut_definition_is_refused(size):
    with pytest.raises(ProtocolError):
        parse(GOLDEN[:size])


def test_a_definition_with_more_behind_it_is_refused():
    with pytest.raises(ProtocolError):
        parse(GOLDEN + b"\0")


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (column(FIELD_TYPE.NULL), pa.null()),
        (column(FIELD_TYPE.GEOMETRY), pa.binary()),
        (column(242), pa.binary()),
        (column(FIELD_TYPE.JSON), pa.string()),
        (column(FIELD_TYPE.VAR_STRING, charset=255), pa.string()),
        (column(FIELD_TYPE.VAR_STRING, charset=33), pa.string()),
        (column(FIELD_TYPE.VAR_STRING), pa.binary()),
        (column(FIELD_TYPE.STRING, flags=FLAG.SET), pa.string()),
        (column(FIELD_TYPE.NEWDECIMAL, 0), pa.decimal128(1, 0)),
        (column(FIELD_TYPE.NEWDECIMAL, 200, 0, 30), pa.decimal256(65, 30)),
    ],
)
def test_what_the_wire_says_has_an_arrow_type(definition, expected):
    assert arrow_type(definition) == expected


@pytest.mark.parametrize(
    "definition",
    [
        column(FIELD_TYPE.VAR_STRING, charset=8),
        column(FIELD_TYPE.STRING, flags=FLAG.ENUM, charset=8),
        column(FIELD_TYPE.DECIMAL),
        column(200),
    ],
    ids=["latin1", "ENUM in latin1", "the decimal of MySQL 4", "unknown"],
)
def test_what_has_no_arrow_type_is_refused(definition):
    with pytest.raises(MySQLError) as error:
        arrow_type(definition)
    assert error.value.number == 1235


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (column(FIELD_TYPE.VAR_STRING, charset=8), pa.string()),
        (column(FIELD_TYPE.STRING, flags=FLAG.SET, charset=54), pa.string()),
        (column(FIELD_TYPE.BLOB, charset=28), pa.string()),
        (column(FIELD_TYPE.BLOB), pa.binary()),
        (column(FIELD_TYPE.JSON), pa.string()),
        (column(FIELD_TYPE.LONG), pa.int32()),
    ],
)
def test_results_of_ours_are_text_in_every_character_set(definition, expected):
    assert result_type(definition) == expected


@pytest.fixture(scope="module")
def session(server):
    session = RawSession(
        server.backend_login, deprecate_eof=False
    )  # which cursors would not understand
    session.run("DROP DATABASE IF EXISTS test_wire_columns")
    session.run("CREATE DATABASE test_wire_columns")
    session.run("USE test_wire_columns")
    yield session
    session.run("DROP DATABASE test_wire_columns")
    session.close()


@pytest.mark.mysql
def test_every_declared_type_travels_in_the_arrow_type_that_datatypes_says(session):
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(TYPES))
    session.run(f"CREATE TABLE declared ({columns})")
    with session.connection.cursor() as cursor:
        cursor.execute("SHOW COLUMNS FROM declared")
        declared = [row[1] for row in cursor.fetchall()]
    for answer in (
        session.query("SELECT * FROM declared"),
        session.execute("SELECT * FROM declared"),
    ):
        assert [d.to_bytes() for d in answer.definitions] == answer.payloads
        for text, definition in zip(declared, answer.definitions, strict=True):
            assert arrow_type(definition) == datatypes.parse(text).arrow(), text


@pytest.mark.mysql
def test_the_collations_of_utf8_are_known(session):
    with session.connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, character_set_name IN ('utf8mb3', 'utf8mb4')"
            " FROM information_schema.collations"
        )
        for number, is_utf8 in cursor.fetchall():
            assert (number in UTF8_CHARSETS) == is_utf8, number
