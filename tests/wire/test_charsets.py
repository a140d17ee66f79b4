"""Character sets compared with a real server, character by character."""

import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from heatproxy.wire import charsets
from heatproxy.wire.encode import RowEncoder
from tests.wire.raw_session import RawSession

SETS = [name for name in charsets._COLLATIONS if name != "binary"]
A_ROW = 100  # characters


def every_character():
    """All characters up to U+FFFF, and from every plane beyond some thousand."""
    basic = [n for n in range(0x10000) if not 0xD800 <= n < 0xE000]
    edges = [p << 16 | n for p in range(1, 17) for n in (0, 1, 0x3F, 0xFFFE, 0xFFFF)]
    return basic + sorted({*edges, *range(0x10000, 0x110000, 157)})


def texts():
    """Rows of characters, then the same between letters, where a server is faster."""
    numbers = every_character()
    rows = [
        "".join(map(chr, numbers[start : start + A_ROW]))
        for start in range(0, len(numbers), A_ROW)
    ]
    return rows + [f"abcd{row[0]}efgh\\{row[-1]}~{row[7:9]}ijklmno" for row in rows]


@pytest.mark.parametrize("collation", [0, 256 << 4, 65_535])
def test_a_collation_nobody_knows_is_refused(collation):
    with pytest.raises(MySQLError) as error:
        charsets.charset_of(collation)
    assert error.value.number == 1235
    assert str(collation) in error.value.message


@pytest.mark.parametrize("name", ["binary", "utf7", "python"])
def test_a_set_whose_characters_are_not_known_is_refused_by_name(name):
    with pytest.raises(MySQLError, match=name) as error:
        charsets.named(name)
    assert error.value.number == 1235


@pytest.mark.parametrize(
    ("name", "keeps"),
    [
        ("latin1", True),
        ("gbk", True),
        ("sjis", False),
        ("swe7", False),
        ("utf16", False),
    ],
)
def test_a_set_says_whether_ascii_is_the_same_in_it(name, keeps):
    assert charsets.named(name).keeps_ascii is keeps


def test_a_set_is_made_once():
    assert charsets.named("latin2") is charsets.named("latin2")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("utf8mb4", "é日😀".encode(), "é日😀"),
        ("binary", "é".encode(), "é"),
        ("latin1", b"a\x80\x81\xe9", "a€\x81é"),
        ("latin1", b"plain?", "plain?"),
        ("koi8r", b"\xd0\xd2?", "пр?"),
        ("swe7", b"}`x", "åéx"),
        ("armscii8", b"\xb2", "Ա"),
        ("utf16", "é😀".encode("utf_16_be"), "é😀"),
        ("gbk", b"\xa8\xa6", "é"),
        ("eucjpms", b"\xc6\xfc", "日"),
    ],
)
def test_what_a_server_sends_can_be_read(name, value, text):
    numbers = [n for part in charsets._COLLATIONS[name] for n in part]
    for number in numbers:
        assert charsets.text_of(value, number) == text


def test_what_is_not_text_in_a_set_is_not_read():
    with pytest.raises(UnicodeDecodeError):
        charsets.text_of(b"\xff", 255)


@pytest.fixture(scope="module")
def session(server):
    session = RawSession(server.backend_login, deprecate_eof=False)
    session.run("DROP DATABASE IF EXISTS test_wire_charsets")
    session.run("CREATE DATABASE test_wire_charsets")
    session.run("USE test_wire_charsets")
    session.run("CREATE TABLE texts (id INT PRIMARY KEY, t TEXT CHARACTER SET utf8mb4)")
    values = [f"({n}, x'{text.encode().hex()}')" for n, text in enumerate(texts())]
    session.run("INSERT INTO texts VALUES " + ", ".join(values))
    yield session
    session.run("DROP DATABASE test_wire_charsets")
    session.close()


@pytest.mark.mysql
def test_every_collation_of_the_server_belongs_to_its_character_set(session):
    with session.connection.cursor() as cursor:
        cursor.execute(
            "SELECT id AS i, character_set_name AS n FROM information_schema.collations"
        )
        collations = cursor.fetchall()
    assert len(collations) > 250
    for number, name in collations:
        assert charsets.charset_of(number) == name, number


@pytest.mark.mysql
def test_every_character_set_of_the_server_is_known(session):
    with session.connection.cursor() as cursor:
        cursor.execute(
            "SELECT character_set_name AS n FROM information_schema.character_sets"
        )
        assert {name for (name,) in cursor.fetchall()} == {*SETS, "binary"}


@pytest.mark.mysql
@pytest.mark.parametrize("name", SETS)
def test_every_character_has_the_bytes_that_mysql_sends(session, name):
    session.run(f"SET character_set_results = {name}")
    answer = session.query("SELECT t FROM texts ORDER BY id")
    assert charsets.charset_of(answer.definitions[0].charset) == name
    batch = pa.record_batch([pa.array(texts())], ["t"])
    packets, _ = RowEncoder(answer.definitions, binary=False).encode(
        batch, answer.first_sequence_id
    )
    assert packets == answer.rows
