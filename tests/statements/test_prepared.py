"""Statements of ours in the binary protocol, beside what MySQL says in it."""

import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import mysql.connector
import pytest

from tests.asking import rows, run
from tests.automl.conftest import customers
from tests.conftest import Server
from tests.rawclient import (
    DEPRECATE_EOF,
    MULTI_STATEMENTS,
    OPTIONAL_METADATA,
    PS_MULTI_RESULTS,
    QUERY_ATTRIBUTES,
    SESSION_TRACK,
    Packet,
    RawClient,
    close,
    command,
    execute,
    fetch,
    framed,
    lenenc,
    long_data,
    prepare,
    query,
    reset,
)
from tests.routines.conftest import BY_BAYES, fill
from tests.statements.conftest import Connect, Lake

pytestmark = pytest.mark.mysql

MULTI_RESULTS = 1 << 17
LONG, DOUBLE, LONGLONG, DATE, DATETIME, DECIMAL, BLOB, STRING = (
    *(3, 5, 8, 10, 12, 246, 252),
    253,
)
CAPABILITIES = {
    "old": MULTI_RESULTS | PS_MULTI_RESULTS,
    "new": DEPRECATE_EOF | MULTI_RESULTS | PS_MULTI_RESULTS,
    "everything": DEPRECATE_EOF
    | SESSION_TRACK
    | OPTIONAL_METADATA
    | QUERY_ATTRIBUTES
    | MULTI_STATEMENTS
    | MULTI_RESULTS
    | PS_MULTI_RESULTS,
    "none": 0,
}
each_client = pytest.mark.parametrize(
    "capabilities", CAPABILITIES.values(), ids=CAPABILITIES
)


def integer(number: int) -> tuple[int, bytes]:
    return LONG, struct.pack("<i", number)


def text(value: str) -> tuple[int, bytes]:
    return STRING, lenenc(value.encode())


def prepared(client: RawClient, sql: str) -> int:
    """The id of a statement that is prepared now."""
    head = client.run(prepare(sql))[0].payload
    assert head[0] == 0, head
    return int(struct.unpack_from("<I", head, 1)[0])


def without_id(reply: list[Packet]) -> list[Packet]:
    """A reply to COM_STMT_PREPARE, whose id depends on what was prepared before."""
    head = reply[0].payload
    return [Packet(reply[0].sequence_id, head[:1] + head[5:]), *reply[1:]]


# --- SELECT of a Lakehouse table ------------------------------------------------------

SELECTS = {
    "no parameters": ("SELECT * FROM t ORDER BY id", []),
    "an integer": ("SELECT id, grp, n FROM t WHERE id > ? ORDER BY id", [integer(190)]),
    "a negative one": ("SELECT id FROM t WHERE n < ? ORDER BY id", [integer(-500)]),
    "text": ("SELECT id, name FROM t WHERE name = ? ORDER BY id", [text("Bob")]),
    "text with quotes": ("SELECT id FROM t WHERE name = ?", [text("' OR '1'='1")]),
    "a question mark in text": (
        "SELECT id, '?' FROM t WHERE id = ? AND name <> '?'",
        [integer(7)],
    ),
    "a decimal": (
        "SELECT id, price FROM t WHERE price > ? ORDER BY id",
        [(DECIMAL, lenenc(b"900.25"))],
    ),
    "a double": (
        "SELECT id, x FROM t WHERE x > ? ORDER BY id",
        [(DOUBLE, struct.pack("<d", 1.5))],
    ),
    "a date": (
        "SELECT id, day FROM t WHERE day >= ? ORDER BY id",
        [(DATE, b"\x04" + struct.pack("<HBB", 2024, 6, 1))],
    ),
    "a moment": (
        "SELECT id, moment FROM t WHERE moment >= ? ORDER BY id",
        [(DATETIME, b"\x07" + struct.pack("<HBBBBB", 2024, 6, 1, 12, 30, 0))],
    ),
    "null": ("SELECT id FROM t WHERE n = ?", [(LONG, None)]),
    "limit": ("SELECT id FROM t ORDER BY id LIMIT ?", [integer(3)]),
    "limit and offset": (
        "SELECT id, note FROM t ORDER BY id LIMIT ? OFFSET ?",
        [integer(3), (LONGLONG, struct.pack("<q", 10))],
    ),
    "groups": (
        "SELECT grp, COUNT(*), SUM(n), AVG(price), MIN(day), MAX(x) FROM t"
        " WHERE id > ? GROUP BY grp HAVING COUNT(*) > ? ORDER BY grp",
        [integer(20), integer(1)],
    ),
    "in a list": (
        "SELECT id, n + ? FROM t WHERE id IN (?, ?, ?) ORDER BY id",
        [integer(5), integer(1), integer(2), integer(3)],
    ),
    "no rows": ("SELECT id, name FROM t WHERE id < ?", [integer(0)]),
}


@each_client
@pytest.mark.parametrize(("sql", "values"), SELECTS.values(), ids=SELECTS)
def test_rows_and_columns_are_mysqls(
    proxied: Connect,
    direct: Connect,
    lake: Lake,
    sql: str,
    values: list[Any],
    capabilities: int,
) -> None:
    replies = []
    for connect, schema in ((proxied, lake.schema), (direct, lake.twin)):
        with connect(capabilities, database=schema, charset="utf8mb4") as client:
            client.query("SET NAMES utf8mb4")
            reply = without_id(client.run(prepare(sql)))
            statement = prepared(client, sql)
            replies.append(
                [
                    plain(reply, schema),
                    plain(client.run(execute(statement, *values)), schema),
                    plain(client.run(execute(statement, *values, bound=False)), schema),
                    plain(client.run(fetch(statement, 1))[:1], "")[0].payload[:3],
                ]
            )
    assert replies[0] == replies[1]


def plain(reply: list[Packet], schema: str) -> list[Packet]:
    """A reply without the name of the schema and without what says how it was read."""
    found = []
    for packet in reply:
        payload = packet.payload
        if schema:
            payload = payload.replace(lenenc(schema.encode()), b"schema", 1)
        found.append(Packet(packet.sequence_id, _without_no_index_used(payload)))
    return found


def _without_no_index_used(payload: bytes) -> bytes:
    if payload.startswith(b"\x03def"):  # where a temporary table is read, flags differ
        flags = int.from_bytes(payload[-5:-3], "little") & ~0x1080
        return payload[:-5] + flags.to_bytes(2, "little") + payload[-3:]
    if payload[0] != 0xFE or len(payload) > 9:
        return payload
    status = int.from_bytes(payload[3:5], "little") & ~0x0030
    return payload[:3] + status.to_bytes(2, "little") + payload[5:]


def test_types_may_change_from_one_execution_to_the_next(
    proxied: Connect, lake: Lake
) -> None:
    with proxied(database=lake.schema) as client:
        statement = prepared(client, "SELECT COUNT(*) FROM t WHERE id <= ?")
        for value in (integer(5), text("5"), (DECIMAL, lenenc(b"5.5"))):
            last = client.run(execute(statement, value))[-2].payload
            assert last == b"\0\0" + struct.pack("<q", 5)


def test_a_cursor_is_answered_with_the_rows_at_once(
    proxied: Connect, lake: Lake
) -> None:
    for capabilities in CAPABILITIES.values():
        with proxied(capabilities, database=lake.schema) as client:
            statement = prepared(client, "SELECT id FROM t ORDER BY id LIMIT 5")
            whole = client.run(execute(statement))
            assert client.run(execute(statement, cursor=1)) == whole
            (refused,) = client.run(fetch(statement, 1))
            assert struct.unpack_from("<H", refused.payload, 1) == (1421,)


def test_long_data_comes_in_pieces_and_counts_once(
    proxied: Connect, lake: Lake
) -> None:
    with proxied(CAPABILITIES["new"], database=lake.schema) as client:
        statement = prepared(client, "SELECT COUNT(*) FROM t WHERE name = ?")
        whole = client.run(execute(statement, text("carl")))
        client.run(long_data(statement, 0, b"ca"))
        client.run(long_data(statement, 0, b""))
        client.run(long_data(statement, 0, b"rl"))
        assert client.run(execute(statement, (STRING, b""))) == whole
        assert client.run(execute(statement, text("carl"))) == whole
        client.run(long_data(statement, 0, b"lost"))
        assert client.run(reset(statement))[0].payload[0] == 0
        assert client.run(execute(statement, text("carl"))) == whole
        client.run(long_data(statement, 9, b"for no parameter"))
        (refused,) = client.run(execute(statement, text("carl")))
        assert b"Incorrect arguments to mysqld_stmt_send_long_data" in refused.payload
        assert client.run(execute(statement, text("carl"))) == whole


def test_long_packets_are_gathered_for_the_engine(proxied: Connect, lake: Lake) -> None:
    long = "x" * 3_000_000
    with proxied(database=lake.schema) as client:
        statement = prepared(client, "SELECT COUNT(*) FROM t WHERE name = ?")
        none = client.run(execute(statement, text(long)))
        assert none[-2].payload == b"\0\0" + bytes(8)  # over a copy: it is so long
        client.run(long_data(statement, 0, long.encode()))
        assert client.run(execute(statement, (STRING, b""))) == none
        whole = client.run(execute(statement, text("carl")))
        assert whole[-2].payload[:2] == b"\0\0"
        assert whole[-2] != none[-2]


def test_what_is_too_long_for_heatproxy_is_mysqls_to_refuse(
    proxied: Connect, lake: Lake
) -> None:
    with proxied(database=lake.schema) as client:
        statement = prepared(client, "SELECT COUNT(*) FROM t WHERE name = ?")
        refused = client.run(execute(statement, text("x" * (17 << 20))))[-1]
        assert refused.payload[0] == 0xFF
        assert client.query("SELECT 1")[-2].payload == b"\x011"


MALFORMED = {
    "no id": command(0x17),
    "an id alone": command(0x17, b"\x01\0\0\0"),
    "no parameters": command(0x17, b"%b\0\x01\0\0\0"),
    "no types": command(0x17, b"%b\0\x01\0\0\0\0\x01"),
    "a type of no value": command(0x17, b"%b\0\x01\0\0\0\0\x01\xfd\0"),
    "types never bound": command(0x17, b"%b\0\x01\0\0\0\0\0\x01a"),
    "an unknown type": command(0x17, b"%b\0\x01\0\0\0\0\x01\xf3\0\x01a"),
}


@pytest.mark.parametrize("step", MALFORMED.values(), ids=MALFORMED)
def test_malformed_executions_are_refused_as_mysql_does(
    proxied: Connect, direct: Connect, lake: Lake, step: Any
) -> None:
    numbers = []
    for connect, schema in ((proxied, lake.schema), (direct, lake.twin)):
        with connect(database=schema) as client:
            statement = prepared(client, "SELECT COUNT(*) FROM t WHERE name = ?")
            payload = step.encode(0).replace(b"%b", struct.pack("<I", statement))
            client.socket.sendall(framed(payload))
            (refused,) = client.read(step)
            numbers.append(refused.payload[:3])
            assert client.query("SELECT 1")[-2].payload == b"\x011"
    assert numbers[0] == numbers[1]


def test_a_statement_that_was_closed_is_known_to_nobody(
    proxied: Connect, lake: Lake
) -> None:
    gone = [
        lambda client, statement: client.run(close(statement)),
        lambda client, statement: client.run(command(0x1F)),
    ]
    for end in gone:
        with proxied(database=lake.schema) as client:
            statement = prepared(client, "SELECT id FROM t LIMIT ?")
            assert len(client.run(execute(statement, integer(2)))) == 6
            end(client, statement)
            (refused,) = client.run(execute(statement, integer(2)))
            assert struct.unpack_from("<H", refused.payload, 1) == (1243,)


def test_mysqls_own_errors_and_statements_pass(
    proxied: Connect, direct: Connect, lake: Lake
) -> None:
    steps = [
        prepare("SELECT nothing FROM t"),
        prepare("SELECT * FROM t WHERE"),
        prepare("SELECT * FROM t; SELECT 1"),
        prepare("CALL sys.ML_TRAIN(?)"),
        prepare("SELECT sys.ML_PREDICT_ROW(?, ?, ?, ?)"),
        prepare("SELECT 't', ? /* of t */"),
        execute(1, integer(1)),
    ]
    held = []
    for connect, schema in ((proxied, lake.schema), (direct, lake.twin)):
        with connect(database=schema) as client:
            held.append([client.run(step) for step in steps])
    assert held[0] == held[1]


def test_statements_sent_ahead_keep_their_order(proxied: Connect, lake: Lake) -> None:
    with proxied(CAPABILITIES["new"], database=lake.schema) as client:
        ours = prepared(client, "SELECT id FROM t ORDER BY id LIMIT ?")
        mysqls = prepared(client, "SELECT ?")
        steps = [
            execute(ours, integer(1)),
            execute(mysqls, integer(2)),
            query("SELECT id FROM t ORDER BY id LIMIT 3"),
            long_data(ours, 0, b"1"),
            reset(ours),
            execute(ours, integer(2)),
            query("SELECT 5"),
            prepare("SELECT id FROM t WHERE id = ?"),
            close(ours),
            execute(ours, integer(1)),
            query("SELECT 6"),
        ]
        data = [framed(step.encode(client.capabilities)) for step in steps]
        client.socket.sendall(b"".join(data))
        at_once = [client.read(step) for step in steps]
        kept = prepared(client, "SELECT id FROM t ORDER BY id LIMIT ?")
        for place in (0, 5):
            count = 1 + place // 5
            reply = client.run(execute(kept, integer(count)))
            assert at_once[place] == reply
        assert at_once[6][-2].payload == b"\x015"
        assert at_once[7][0].payload[0] == 0
        assert struct.unpack_from("<H", at_once[9][0].payload, 1) == (1243,)
        assert at_once[10][-2].payload == b"\x016"


def test_a_table_that_becomes_mysqls_is_read_there(
    server: Server, proxied: Connect, lake: Lake
) -> None:
    from tests.lakeside import external, load

    with closing(server.connect()) as admin:
        run(admin, "DROP DATABASE IF EXISTS fickle")
        load(admin, "fickle", {"f": external(lake.store.url("t.csv"))})
        with proxied(database="fickle") as client:
            statement = prepared(client, "SELECT COUNT(*) FROM f WHERE id > ?")
            first = client.run(execute(statement, integer(150)))
            assert first[-2].payload == b"\0\0" + struct.pack("<q", 50)
            run(
                admin,
                "DROP TABLE fickle.f",
                "CREATE TABLE fickle.f (id INT)",
                "INSERT INTO fickle.f VALUES (1), (200), (201)",
            )
            for bound in (True, False):  # MySQL has not seen the types
                again = client.run(execute(statement, integer(150), bound=bound))
                assert again[-2].payload == b"\0\0" + struct.pack("<q", 2)
        run(admin, "DROP DATABASE fickle")


# --- CALL -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learned(server: Server) -> Iterator[str]:
    """A table to learn from, its model ``prep``, and procedures of MySQL's own."""
    with closing(server.connect()) as admin:
        run(
            admin,
            "DROP DATABASE IF EXISTS binaries",
            "CREATE DATABASE binaries",
            "USE binaries",
            "CREATE TABLE customers"
            " (age int, job varchar(10), balance double, y varchar(3))",
            # of the same names and as long a schema as sys
            "DROP DATABASE IF EXISTS dup",
            "CREATE DATABASE dup",
            "CREATE PROCEDURE dup.ML_TRAIN (IN table_name VARCHAR(255),"
            " IN target_column_name VARCHAR(64), IN options JSON,"
            " INOUT model_handle VARCHAR(255)) NO SQL SET model_handle ="
            " COALESCE(model_handle, 'prep')",
            "CREATE PROCEDURE dup.ML_SCORE (IN table_name VARCHAR(255),"
            " IN target_column_name VARCHAR(64), IN model_handle VARCHAR(255),"
            " IN metric VARCHAR(64), OUT score FLOAT, IN options JSON) NO SQL"
            " SET score = 0.75",
        )
        fill(admin, "customers", customers())
        run(
            admin,
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'prep'",
            "SET @m = 'prep'",
            f"CALL sys.ML_TRAIN('binaries.customers', 'y', {BY_BAYES}, @m)",
        )
        yield "binaries"
        run(admin, "DROP DATABASE binaries", "DROP DATABASE dup")


def forget_model(server: Server, handle: str) -> None:
    with closing(server.connect_backend()) as admin:
        run(
            admin,
            "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG"
            f" WHERE model_handle = '{handle}'",
        )


TRAIN_VALUES = [
    text("binaries.customers"),
    text("y"),
    text('{"model_list": ["GaussianNB"]}'),
]


@each_client
def test_out_parameters_come_as_mysqls_do(
    server: Server, proxied: Connect, learned: str, capabilities: int
) -> None:
    held = []
    for name in ("sys", "dup"):
        forget_model(server, "of_driver")
        with proxied(capabilities, database=learned) as client:
            client.query("SET @p = 'of_driver'")
            prepare_step = prepare(f"CALL {name}.ML_TRAIN(?, ?, ?, ?)")
            replies = [without_id(client.run(prepare_step))]
            statement = prepared(client, f"CALL {name}.ML_TRAIN(?, ?, ?, ?)")
            values = [*TRAIN_VALUES, text("of_driver")]
            replies.append(client.run(execute(statement, *values)))
            forget_model(server, "of_driver")
            replies.append(client.run(execute(statement, *values, bound=False)))
            replies.append(client.run(reset(statement)))
            forget_model(server, "of_driver")
            statement = prepared(client, f"CALL {name}.ML_TRAIN(?, ?, ?, @p)")
            replies.append(client.run(execute(statement, *TRAIN_VALUES)))
            replies.append(client.query("SELECT @p"))
            held.append(
                [
                    [
                        Packet(p.sequence_id, p.payload.replace(b"dup", b"sys"))
                        for p in r
                    ]
                    for r in replies
                ]
            )
    forget_model(server, "of_driver")
    assert held[0] == held[1]


@each_client
def test_a_score_is_a_float_among_the_parameters(
    proxied: Connect, learned: str, capabilities: int
) -> None:
    held = []
    for name in ("sys", "dup"):
        with proxied(capabilities, database=learned) as client:
            statement = prepared(
                client, f"CALL {name}.ML_SCORE(?, 'y', ?, 'accuracy', ?, NULL)"
            )
            given = [text("binaries.customers"), text("prep"), (DOUBLE, None)]
            reply = client.run(execute(statement, *given))
            held.append(
                [
                    Packet(p.sequence_id, p.payload.replace(b"dup", b"sys"))
                    for p in reply
                ]
            )
    shapes = [[(p.sequence_id, len(p.payload)) for p in reply] for reply in held]
    assert shapes[0] == shapes[1]
    different = [a for a, b in zip(*held, strict=True) if a != b]
    assert all(len(packet.payload) == 6 for packet in different)  # the score itself


def test_an_out_argument_that_is_an_expression_is_refused_when_it_is_executed(
    proxied: Connect, learned: str
) -> None:
    with proxied(database=learned) as client:
        statement = prepared(client, "CALL sys.ML_TRAIN(?, ?, ?, CONCAT(?, 'x'))")
        (refused,) = client.run(execute(statement, *TRAIN_VALUES, text("a")))
        assert struct.unpack_from("<H", refused.payload, 1) == (1414,)


def test_procedures_that_report_do_so_in_binary_rows(
    proxied: Connect, lake: Lake, server: Server
) -> None:
    options = '{"output": "help"}'
    for capabilities in (CAPABILITIES["new"], CAPABILITIES["old"]):
        with proxied(capabilities) as client:
            literal = client.query(f"CALL sys.heatwave_load(NULL, '{options}')")
            statement = prepared(client, "CALL sys.heatwave_load(?, ?)")
            values = [(STRING, None), text(options)]
            binary = client.run(execute(statement, *values))
            assert len(binary) == len(literal)
            changed = [
                (a.payload, b.payload)
                for a, b in zip(literal, binary, strict=True)
                if a != b
            ]
            assert changed
            assert all(b == b"\0\0" + a for a, b in changed)  # rows


@pytest.mark.parametrize("also", [0, DEPRECATE_EOF | SESSION_TRACK])
def test_a_client_without_multi_results_is_told_so(
    proxied: Connect, direct: Connect, also: int
) -> None:
    calls = ("CALL {}.heatwave_load(NULL, NULL)", "CALL {}.HEATWAVE_LOAD(?, ?)")
    held = []
    for connect, name in ((proxied, "sys"), (direct, "dupl")):
        with connect(also, never=MULTI_RESULTS | PS_MULTI_RESULTS) as client:
            client.query("CREATE DATABASE IF NOT EXISTS dupl")
            client.query(
                "CREATE PROCEDURE IF NOT EXISTS dupl.HEATWAVE_LOAD(a JSON, b JSON)"
                " SELECT 1"
            )
            statement = prepared(client, calls[1].format(name))
            nulls = [(STRING, None)] * 2
            replies = [
                client.query(calls[0].format(name)),
                client.run(execute(statement, *nulls)),
                client.query("SELECT 'after'"),
            ]
            client.query("DROP DATABASE dupl")
        held.append(
            [
                Packet(p.sequence_id, p.payload.lower().replace(b"dupl", b"sys"))
                for reply in replies
                for p in reply
            ]
        )
    assert struct.unpack_from("<H", held[0][0].payload, 1) == (1312,)
    assert held[0] == held[1]


@each_client
def test_row_functions_take_parameters(
    proxied: Connect, learned: str, capabilities: int
) -> None:
    row = '{"age": 61, "job": "nurse", "balance": 0.5}'
    with proxied(capabilities, database=learned) as client:
        literal = client.query(f"SELECT sys.ML_PREDICT_ROW('{row}', 'prep', NULL) AS p")
        statement = prepared(client, "SELECT sys.ML_PREDICT_ROW(?, ?, ?) AS p")
        values = [text(row), text("prep"), (STRING, None)]
        for _ in range(2):
            found = client.run(execute(statement, *values))
            assert found[-2].payload == b"\0\0" + literal[-2].payload
        short = prepared(client, "SELECT ? AS n, sys.ML_PREDICT_ROW(?, ?)")
        found = client.run(execute(short, integer(4), text(row), text("prep")))
        assert found[-2].payload == (
            b"\0\0" + struct.pack("<q", 4) + literal[-2].payload
        )


def test_rows_beside_predictions_are_packed_as_mysql_packs_them(
    proxied: Connect, learned: str
) -> None:
    given = "JSON_OBJECT('age', age, 'job', job, 'balance', balance)"
    sql = (
        "SELECT age, balance, job, JSON_UNQUOTE(JSON_EXTRACT(sys.ML_PREDICT_ROW("
        f"{given}, ?, NULL), '$.Prediction')) AS hit FROM customers"
        " ORDER BY age, balance, job LIMIT ?"
    )
    plain_sql = (
        "SELECT age, balance, job, 1 = 1 FROM customers ORDER BY age, balance, job"
        " LIMIT ?"
    )
    with proxied(CAPABILITIES["new"], database=learned) as client:
        statement = prepared(client, sql)
        found = client.run(execute(statement, text("prep"), integer(20)))
        statement = prepared(client, plain_sql)
        beside = client.run(execute(statement, integer(20)))
        for ours, mysqls in zip(found[5:-1], beside[5:-1], strict=True):
            hit = ours.payload.removeprefix(mysqls.payload[:-8])
            assert hit in (b"\x03yes", b"\x02no")


# --- drivers --------------------------------------------------------------------------


@pytest.fixture
def connector(server: Server, lake: Lake) -> Iterator[Any]:
    connection = mysql.connector.connect(
        host=server.host,
        port=server.port,
        **server.login,
        database=lake.schema,
        autocommit=True,
        use_pure=True,
        ssl_disabled=True,
    )
    yield connection
    connection.close()


def test_connector_python_prepares_and_executes(
    connector: Any, server: Server, lake: Lake
) -> None:
    cursor = connector.cursor(prepared=True)
    sql = "SELECT id, price, day, moment, x, note FROM t WHERE id > %s AND name = %s"
    with closing(server.connect_backend(database=lake.twin)) as twin:
        for least, name in ((0, "Bob"), (100, "carl"), (0, "eve ")):
            cursor.execute(sql, (least, name))
            expected = rows(twin, sql.replace("%s", "{}").format(least, f"'{name}'"))
            assert sorted(cursor.fetchall()) == sorted(expected)
    cursor.close()


def test_connector_python_calls_with_out_parameters(
    connector: Any, server: Server, learned: str
) -> None:
    forget_model(server, "of_callproc")
    with connector.cursor() as cursor:
        options = '{"model_list": ["GaussianNB"]}'
        arguments = ("binaries.customers", "y", options, "of_callproc")
        assert cursor.callproc("sys.ML_TRAIN", arguments)[3] == "of_callproc"
        arguments = ("binaries.customers", "y", "of_callproc", "accuracy", 0, None)
        score = cursor.callproc("sys.ML_SCORE", arguments)[4]
    assert 0 < score <= 1
    forget_model(server, "of_callproc")
