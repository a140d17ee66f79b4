"""Our answers to clients that want no columns, compress, or fetch row by row."""

from contextlib import closing
from typing import Any

import mysql.connector
import pytest

from tests.asking import rows
from tests.compressed import compressed
from tests.conftest import Server
from tests.rawclient import (
    DEPRECATE_EOF,
    OPTIONAL_METADATA,
    PS_MULTI_RESULTS,
    Packet,
    RawClient,
    execute,
    prepare,
)
from tests.statements.conftest import Lake
from tests.statements.test_prepared import integer, plain, prepared, without_id

pytestmark = pytest.mark.mysql

SELECT = "SELECT id, name, price, x, day, moment, word FROM t WHERE id < {} ORDER BY id"
LONG = "SELECT a.id, b.word, a.moment FROM t a JOIN t b ORDER BY a.id, b.id"
STRING = 253


def ways(server: Server, lake: Lake, connect: Any, *given: Any) -> list[RawClient]:
    """A client through heatproxy, and one of MySQL itself."""
    where = {"host": server.host, "port": server.port, "database": lake.schema}
    direct = {"database": lake.twin, **server.backend_login}
    return [connect(*given, **where, **server.login), connect(*given, **direct)]


def talk(client: RawClient, schema: str) -> list[list[Packet]]:
    """Ours in both protocols, several times, with MySQL's between."""
    statement = prepared(client, SELECT.format("?"))
    replies = [
        without_id(client.run(prepare(SELECT.format("?")))),
        client.query(SELECT.format(20)),
        client.run(execute(statement, integer(30))),
        client.query("SELECT 'between', @@resultset_metadata"),
        client.query("SELECT nothing FROM t"),
        client.run(execute(statement, integer(0))),
        client.query(LONG),
    ]
    return [plain(reply, schema) for reply in replies]


@pytest.mark.parametrize("also", [0, DEPRECATE_EOF], ids=["old", "new"])
@pytest.mark.parametrize("wanted", ["NONE", "FULL"])
def test_who_wants_no_columns_gets_none(
    server: Server, lake: Lake, also: int, wanted: str
) -> None:
    held = []
    capabilities = OPTIONAL_METADATA | PS_MULTI_RESULTS | also
    clients = ways(server, lake, RawClient, capabilities)
    for client, schema in zip(clients, (lake.schema, lake.twin), strict=True):
        with client:
            client.query(f"SET resultset_metadata = {wanted}")
            held.append(talk(client, schema))
    assert held[0] == held[1]
    named = [b"\x03def" in packet.payload for reply in held[0] for packet in reply]
    assert any(named) is (wanted == "FULL")


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_a_call_of_who_wants_no_columns_gives_its_values(
    server: Server, lake: Lake, kind: str
) -> None:
    where = {"host": server.host, "port": server.port}
    capabilities = OPTIONAL_METADATA | PS_MULTI_RESULTS | DEPRECATE_EOF
    with RawClient(capabilities, **where, **server.login) as client:
        client.query("SET resultset_metadata = NONE")
        if kind == "text":
            client.query("CALL sys.ML_MODEL_ACTIVE('current', @active)")
            reply = client.query("SELECT @active")
        else:
            statement = prepared(client, "CALL sys.ML_MODEL_ACTIVE(?, ?)")
            word = STRING, b"\x07current"
            reply = client.run(execute(statement, word, (STRING, None)))
        assert reply[0].payload == b"\x01\x00"
        assert any(b"total model size" in packet.payload for packet in reply)
        assert client.query("SELECT 5")[-2].payload == b"\x015"


@pytest.mark.parametrize("algorithm", ["zlib", "zstd"])
@pytest.mark.parametrize("also", [0, DEPRECATE_EOF], ids=["old", "new"])
def test_who_compresses_gets_the_same_answers(
    server: Server, lake: Lake, algorithm: str, also: int
) -> None:
    held = []
    clients = ways(server, lake, compressed, algorithm, also)
    for client, schema in zip(clients, (lake.schema, lake.twin), strict=True):
        with client:
            replies = talk(client, schema)
            held.append([[packet.payload for packet in reply] for reply in replies])
    assert held[0] == held[1]


@pytest.mark.parametrize("dictionary", [False, True], ids=["tuples", "dictionaries"])
def test_connector_python_fetches_row_by_row(
    server: Server, lake: Lake, dictionary: bool
) -> None:
    sql = "SELECT id, price, day, moment, note FROM t WHERE id > {} ORDER BY id"
    with (
        closing(
            mysql.connector.connect(
                host=server.host,
                port=server.port,
                **server.login,
                database=lake.schema,
                use_pure=True,
                ssl_disabled=True,
            )
        ) as connection,
        closing(server.connect_backend(database=lake.twin)) as twin,
        closing(connection.cursor(prepared=True, dictionary=dictionary)) as cursor,
    ):
        for least in (0, 150, 200):
            expected = rows(twin, sql.format(least))
            cursor.execute(sql.format("%s"), (least,))
            found = []
            while (row := cursor.fetchone()) is not None:
                found.append(tuple(row.values()) if dictionary else row)
            assert found == expected
            cursor.execute(sql.format("%s"), (least,))
            many = cursor.fetchmany(7)
            assert len(many) == min(7, len(expected))
            cursor.fetchall()
