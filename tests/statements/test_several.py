"""Several statements in one packet, ours among MySQL's."""

import struct

import pytest
from pymysql.constants import CLIENT

from heatproxy.sql.lexer import tokens
from heatproxy.statements.several import defines_a_program, segments
from tests.conftest import Server
from tests.rawclient import (
    DEPRECATE_EOF,
    MULTI_STATEMENTS,
    OPTIONAL_METADATA,
    QUERY_ATTRIBUTES,
    SESSION_TRACK,
    Packet,
    command,
    query,
)
from tests.statements.conftest import Connect, Lake
from tests.statements.test_prepared import plain

CAPABILITIES = {
    "old": MULTI_STATEMENTS,
    "new": MULTI_STATEMENTS | DEPRECATE_EOF,
    "everything": MULTI_STATEMENTS
    | DEPRECATE_EOF
    | SESSION_TRACK
    | OPTIONAL_METADATA
    | QUERY_ATTRIBUTES,
}

SEGMENTS = {
    "SELECT 1": ["SELECT 1"],
    "SELECT 1;": ["SELECT 1"],
    "SELECT 1 ; ;\n": ["SELECT 1"],
    "SELECT ';'; SELECT `;` -- ;\n; SELECT /* ; */ 3": [
        "SELECT ';'",
        "SELECT `;` -- ;",
        "SELECT /* ; */ 3",
    ],
    "a; -- b": ["a", "-- b"],
    ";a": ["", "a"],
    "a;;b": ["a", "", "b"],
    "a; CREATE PROCEDURE p() BEGIN b; c; END; d": [
        "a",
        "CREATE PROCEDURE p() BEGIN b; c; END; d",
    ],
    "CREATE TABLE t (a INT); b": ["CREATE TABLE t (a INT)", "b"],
}


@pytest.mark.parametrize(("text", "parts"), SEGMENTS.items(), ids=SEGMENTS)
def test_a_text_is_cut_where_mysql_cuts_it(text: str, parts: list[str]) -> None:
    found = segments(text.encode(), backslash_escapes=True)
    cut = [text[part.start : part.end].strip() for part in found]
    assert cut == parts
    again = segments(text.encode(), backslash_escapes=True, start=found[-1].start)
    assert [text[part.start : part.end].strip() for part in again] == parts[-1:]


PROGRAMS = {
    "CREATE PROCEDURE p() BEGIN END": True,
    "CREATE OR REPLACE DEFINER = a@b AGGREGATE FUNCTION f": True,
    "create definer=`a`@`%` trigger if not exists t": True,
    "ALTER EVENT e DO BEGIN END": True,
    "CREATE VIEW v AS SELECT 1": False,
    "CREATE DATABASE d": False,
    "CREATE TABLE event (a INT)": False,
    "DROP PROCEDURE p": False,
    "SELECT 1": False,
}


@pytest.mark.parametrize(("text", "defines"), PROGRAMS.items(), ids=PROGRAMS)
def test_a_program_may_have_semicolons_inside(text: str, defines: bool) -> None:
    assert defines_a_program(tokens(text.encode())) is defines


# Of t in both schemas; the packets of the answers are the same.
PACKETS = {
    "ours alone": "SELECT COUNT(*) FROM t;",
    "ours first": "SELECT id FROM t WHERE id < 4 ORDER BY id; SELECT 1",
    "ours last": "SELECT 1; SELECT 2; SELECT id FROM t WHERE id = 3",
    "ours between": "SET @a = 5; SELECT id, name FROM t WHERE id = 2; SELECT @a, 'x'",
    "ours twice": "SELECT COUNT(*) FROM t; SELECT MAX(id) FROM t; SELECT 3",
    "a comment at the end": "SELECT COUNT(*) FROM t; -- done",
    "a comment behind MySQL's": "SELECT COUNT(*) FROM t; SELECT 1; /* done */",
    "an error of MySQL's": "SELECT COUNT(*) FROM t; SELECT nothing; SELECT 3",
    "an error in front": "SELECT nothing; SELECT COUNT(*) FROM t",
    "an error of ours": "SELECT 1; SELECT nothing FROM t; SELECT 3",
    "the schema changes": "SELECT 1; USE mysql; SELECT COUNT(*) FROM t",
    "many rows": "SET SESSION cte_max_recursion_depth = 9000; WITH RECURSIVE n AS"
    " (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i,"
    " REPEAT('y', 100) FROM n; SELECT COUNT(*) FROM t; SELECT 9",
    "a procedure's results": "CALL p(); SELECT COUNT(*) FROM t; CALL p()",
    "prepared on the way": "PREPARE s FROM 'SELECT id FROM t WHERE id < ? ORDER BY id';"
    " SET @three = 3; EXECUTE s USING @three; DEALLOCATE PREPARE s; SELECT 5",
    "escapes change on the way": "SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT '\\';"
    " SET sql_mode = DEFAULT; SELECT COUNT(*) FROM t WHERE name <> '\\''; SELECT 1'",
}


@pytest.mark.mysql
@pytest.mark.parametrize("capabilities", CAPABILITIES.values(), ids=CAPABILITIES)
@pytest.mark.parametrize("sql", PACKETS.values(), ids=PACKETS)
def test_every_packet_is_mysqls(
    proxied: Connect, direct: Connect, lake: Lake, sql: str, capabilities: int
) -> None:
    held = []
    for connect, schema in ((proxied, lake.schema), (direct, lake.twin)):
        with connect(capabilities, database=schema) as client:
            client.query("CREATE PROCEDURE IF NOT EXISTS p() SELECT 7")
            reply = client.query(sql) + client.query("SELECT 'after'")
            held.append([_quiet(packet) for packet in plain(reply, schema)])
    assert held[0] == held[1]


def _quiet(packet: Packet) -> Packet:
    """Without the name of the schema in the text of an error."""
    payload = packet.payload.replace(b"lake", b"twin")
    return Packet(packet.sequence_id, payload)


@pytest.mark.mysql
def test_without_the_option_it_is_mysqls_error(proxied: Connect, lake: Lake) -> None:
    sql = "SELECT COUNT(*) FROM t; SELECT 2"
    with proxied(database=lake.schema) as client:
        (refused,) = client.query(sql)
        assert struct.unpack_from("<H", refused.payload, 1) == (1064,)
        for option, count in ((0, 2), (1, 0)):
            (said,) = client.run(command(0x1B, struct.pack("<H", option)))
            assert said.payload[0] == 0xFE
            reply = client.query(sql)
            assert [p.payload for p in reply].count(b"\x03200") == min(count, 1)
            assert (reply[-1].payload[0] == 0xFF) is not bool(count)


@pytest.mark.mysql
def test_a_table_that_the_packet_itself_loads_is_read(
    server: Server, lake: Lake
) -> None:
    from contextlib import closing

    from tests.asking import result_sets
    from tests.lakeside import external, load_call

    option = {"client_flag": CLIENT.MULTI_STATEMENTS}
    with closing(server.connect(**option)) as client:
        call = load_call(client, "packed", {"f": external(lake.store.url("t.csv"))})
        sql = (
            f"DROP DATABASE IF EXISTS packed; {call}; USE packed;"
            " SELECT COUNT(*) FROM f; SET @was = 1; DROP DATABASE packed; SELECT @was"
        )
        found = result_sets(client, sql)
        assert found[-2].rows == [(200,)]
        assert found[-1].rows == [(1,)]


@pytest.mark.mysql
def test_a_file_is_asked_for_in_the_middle(
    proxied: Connect, direct: Connect, lake: Lake
) -> None:
    lines = [b"%d\tline\n" % n for n in range(300)]
    sql = (
        "CREATE TEMPORARY TABLE f (n INT, s TEXT); SELECT COUNT(*) FROM t;"
        " LOAD DATA LOCAL INFILE 'x' INTO TABLE f; SELECT COUNT(*), MAX(n) FROM"
        " f; SELECT MAX(id) FROM t"
    )
    held = []
    for connect, schema in ((proxied, lake.schema), (direct, lake.twin)):
        options = {"database": schema, "local_infile": True}
        with connect(CAPABILITIES["new"], **options) as client:
            reply = client.run(query(sql, file=lines))
            held.append(plain(reply, schema))
    assert held[0] == held[1]
    assert any(packet.payload == b"\x03300\x03299" for packet in held[0])
