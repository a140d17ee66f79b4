"""Whoever copies the server through heatproxy: replicas, mysqlbinlog, a CDC client."""

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.backend import packages
from heatproxy.backend.embedded import EmbeddedBackend
from heatproxy.backend.progress import Lines
from tests.compressed import compressed
from tests.journeys.conftest import Pair
from tests.rawclient import Packet, RawClient, Reply, command, framed

pytestmark = pytest.mark.mysql

ACCOUNT, PASSWORD = "journey_replica", "repl-pw"
ROWS = 40


@pytest.fixture(scope="module", autouse=True)
def _account(pair: Pair) -> Iterator[None]:
    pair.admin("SET sql_log_bin = 0")
    pair.admin(f"CREATE USER {ACCOUNT} IDENTIFIED BY '{PASSWORD}'")
    pair.admin(f"GRANT REPLICATION SLAVE, BACKUP_ADMIN ON *.* TO {ACCOUNT}")
    pair.admin("SET sql_log_bin = 1")
    yield
    pair.admin("SET sql_log_bin = 0")
    pair.admin(f"DROP USER {ACCOUNT}")


class Replica:
    """A MySQL of its own that can copy another."""

    def __init__(self, backend: EmbeddedBackend) -> None:
        login = backend.admin
        self._connection = pymysql.connect(
            unix_socket=str(backend.socket_path),
            user=login.user,
            password=login.password,
            autocommit=True,
        )
        self.run("SET GLOBAL server_id = 99")

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str) -> tuple[dict[str, Any], ...]:
        with self._connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(sql)
            found: Any = cursor.fetchall()
            return found or ()

    def follow(self, pair: Pair, **how: object) -> None:
        source = {
            "SOURCE_HOST": f"'{pair.server.host}'",
            "SOURCE_PORT": pair.server.port,
            "SOURCE_USER": f"'{ACCOUNT}'",
            "SOURCE_PASSWORD": f"'{PASSWORD}'",
            "GET_SOURCE_PUBLIC_KEY": 1,
            "SOURCE_RETRY_COUNT": 0,
            "SOURCE_HEARTBEAT_PERIOD": 1,  # by which a lost replica is noticed
            **how,
        }
        stated = ", ".join(f"{name} = {value}" for name, value in source.items())
        self.run(f"CHANGE REPLICATION SOURCE TO {stated}")
        self.run("START REPLICA")

    def forget(self) -> None:
        self.run("STOP REPLICA")
        self.run("RESET REPLICA ALL")
        self.run("DROP DATABASE IF EXISTS copied")
        self.run("RESET BINARY LOGS AND GTIDS")

    def wait_for(self, gtids: str) -> None:
        """Return when it has all of them; fail with what keeps it."""
        wait = f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtids}', 60) AS late"
        [row] = self.run(wait)
        [status] = self.run("SHOW REPLICA STATUS")
        assert not row["late"], (status["Last_IO_Error"], status["Last_SQL_Error"])


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    folder = tmp_path_factory.mktemp("replica")
    with EmbeddedBackend(
        folder, tcp=False, notify=Lines(sys.stderr), buffer_pool_bytes=64 << 20
    ) as backend:
        made = Replica(backend)
        yield made
        made.close()


COPIES = {
    "by gtid": (False, "uncompressed", 0),
    "by gtid, over TLS": (False, "uncompressed", 1),
    "zlib": (False, "zlib", 0),
    "zstd": (False, "zstd", 1),
    "acknowledging": (True, "uncompressed", 0),
    "acknowledging, zlib": (True, "zlib", 0),
}


@pytest.mark.parametrize(
    ("acknowledging", "algorithm", "tls"), COPIES.values(), ids=COPIES
)
def test_a_replica_follows_through_heatproxy(
    pair: Pair, replica: Replica, acknowledging: bool, algorithm: str, tls: int
) -> None:
    if acknowledging:
        install(pair, replica)
    done = executed(pair)
    replica.forget()
    replica.run(f"SET GLOBAL gtid_purged = '{done}'")
    replica.follow(
        pair,
        SOURCE_AUTO_POSITION=1,
        SOURCE_SSL=tls,
        SOURCE_COMPRESSION_ALGORITHMS=f"'{algorithm}'",
    )
    if acknowledging:
        while not status_of(pair, "Rpl_semi_sync_source_clients"):
            pass
    before = status_of(pair, "Rpl_semi_sync_source_yes_tx")
    pair.admin("SET sql_log_bin = 1")
    pair.admin("DROP DATABASE IF EXISTS copied")
    pair.admin("CREATE DATABASE copied")
    pair.admin("CREATE TABLE copied.t (a INT PRIMARY KEY, b LONGTEXT)")
    for n in range(ROWS):
        pair.admin(f"INSERT INTO copied.t VALUES ({n}, REPEAT('{n % 10}', {n * 97}))")
    pair.admin(f"INSERT INTO copied.t VALUES ({ROWS}, REPEAT('x', 17000000))")
    pair.admin(f"INSERT INTO copied.t VALUES ({ROWS + 1}, 'the end')")
    replica.wait_for(executed(pair))
    sums = "SELECT COUNT(*) AS n, SUM(CRC32(b)) AS s FROM copied.t"
    assert tuple(replica.run(sums)[0].values()) == pair.admin(sums)[0]
    if acknowledging:
        assert status_of(pair, "Rpl_semi_sync_source_yes_tx") - before >= ROWS
        uninstall(pair, replica)
    replica.forget()
    pair.admin("DROP DATABASE copied")


def executed(pair: Pair) -> str:
    return str(pair.admin("SELECT @@gtid_executed")[0][0]).replace("\n", "")


def status_of(pair: Pair, name: str) -> int:
    rows = pair.admin(f"SHOW STATUS LIKE '{name}'")
    return int(rows[0][1]) if rows else 0


SEMI_SYNC = "rpl_semi_sync"


def install(pair: Pair, replica: Replica) -> None:
    try:
        for run, side in ((pair.admin, "source"), (replica.run, "replica")):
            run(f"INSTALL PLUGIN {SEMI_SYNC}_{side} SONAME 'semisync_{side}.so'")
            run(f"SET GLOBAL {SEMI_SYNC}_{side}_enabled = 1")
    except pymysql.OperationalError as problem:
        pytest.skip(f"this MySQL has no plugins for it: {problem}")
    pair.admin(f"SET GLOBAL {SEMI_SYNC}_source_timeout = 60000")


def uninstall(pair: Pair, replica: Replica) -> None:
    replica.run("STOP REPLICA")
    pair.admin(f"SET GLOBAL {SEMI_SYNC}_source_enabled = 0")
    while status_of(pair, "Rpl_semi_sync_source_clients"):
        pass
    pair.admin(f"UNINSTALL PLUGIN {SEMI_SYNC}_source")
    replica.run(f"UNINSTALL PLUGIN {SEMI_SYNC}_replica")


def test_a_replica_follows_from_a_position(pair: Pair, replica: Replica) -> None:
    replica.forget()
    pair.admin("SET sql_log_bin = 1")
    pair.admin("FLUSH BINARY LOGS")
    done = executed(pair)
    [(file, position, *_)] = pair.admin("SHOW BINARY LOG STATUS")
    replica.run(f"SET GLOBAL gtid_purged = '{done}'")
    replica.follow(
        pair,
        SOURCE_AUTO_POSITION=0,
        SOURCE_LOG_FILE=f"'{file}'",
        SOURCE_LOG_POS=position,
    )
    pair.admin("CREATE DATABASE copied")
    pair.admin("CREATE TABLE copied.t AS SELECT 7 AS a")
    replica.wait_for(executed(pair))
    assert replica.run("SELECT a FROM copied.t") == [{"a": 7}]
    replica.forget()
    pair.admin("DROP DATABASE copied")


@pytest.mark.parametrize("algorithm", ["uncompressed", "zlib", "zstd"])
def test_mysqlbinlog_reads_the_log_through_heatproxy(
    pair: Pair, tmp_path: Path, algorithm: str
) -> None:
    *loader, client = packages.client_command(packages.cache_dir(), Lines(sys.stderr))
    program = Path(client).parent / "mysqlbinlog"
    if not program.exists():
        pytest.skip("there is no mysqlbinlog beside the mysql client")
    pair.admin("SET sql_log_bin = 1")
    pair.admin("CREATE DATABASE copied")
    pair.admin("CREATE TABLE copied.t AS SELECT REPEAT('x', 2000000) AS a")
    pair.admin("DROP DATABASE copied")
    [(file, *_)] = pair.admin("SHOW BINARY LOG STATUS")
    pair.admin("FLUSH BINARY LOGS")
    done = subprocess.run(
        [
            *(*loader, str(program), "--no-defaults", "--read-from-remote-server"),
            *("--raw", f"--result-file={tmp_path}/copy.", f"--user={ACCOUNT}"),
            *(f"--host={pair.server.host}", f"--port={pair.server.port}"),
            *("--get-server-public-key", f"--compression-algorithms={algorithm}"),
            file,
        ],
        env={"MYSQL_PWD": PASSWORD},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    original = pair.server.data_dir / "mysql" / file
    assert (tmp_path / f"copy.{file}").read_bytes() == original.read_bytes()


# --- raw clients ----------------------------------------------------------------------

WAIT, DO_NOT_WAIT = 0, 1


def dump(file: bytes, flags: int, server_id: int = 78) -> bytes:
    return b"\x12" + struct.pack("<IHI", 4, flags, server_id) + file


def last_log(pair: Pair) -> bytes:
    return str(pair.admin("SHOW BINARY LOGS")[-1][0]).encode()


def test_a_dump_that_does_not_wait_is_the_same_as_from_mysql(pair: Pair) -> None:
    logs = []
    for connect in pair.ways:
        with connect() as client:
            client.query("SET @source_binlog_checksum = 'NONE'")
            client.socket.sendall(framed(dump(last_log(pair), DO_NOT_WAIT)))
            logs.append(client.read(command(0, reply=Reply.CLOSED)))
    assert logs[1] == logs[0]
    assert logs[0][-2].payload[0] == 0xFE


@pytest.mark.parametrize("algorithm", ["", "zlib", "zstd"])
def test_events_reach_who_waits_for_them(pair: Pair, algorithm: str) -> None:
    server = pair.server
    place: dict[str, Any] = {"host": server.host, "port": server.port}
    client: RawClient
    if algorithm:
        client = compressed(algorithm, **place, **server.login)
    else:
        client = pair.proxied(database=None)
    with client:
        client.query("SET @source_binlog_checksum = 'NONE'")
        # what a CDC tool does first
        body = struct.pack("<I", 78) + bytes(3) + struct.pack("<HII", 0, 0, 0)
        assert client.run(command(0x15, body))[0].payload[0] == 0
        client.socket.sendall(framed(dump(last_log(pair), WAIT)))
        pair.admin("SET sql_log_bin = 1")
        pair.admin("CREATE DATABASE IF NOT EXISTS journey /* look for this */")
        packets: list[Packet] = []
        while b"look for this" not in client.packet(packets):
            pass


def test_who_may_not_have_the_log_goes_on_with_commands(pair: Pair) -> None:
    pair.admin("SET sql_log_bin = 0")
    pair.admin("CREATE USER IF NOT EXISTS journey_plain")
    login = {"user": "journey_plain", "password": "", "database": None}
    answers = []
    for connect in pair.ways:
        with connect(**login) as client:
            data = framed(dump(b"x", WAIT)) + framed(b"\x03SELECT 'ml_predict_row'")
            client.socket.sendall(data)
            refused = client.read(command(0, reply=Reply.ONE_PACKET))
            answers.append((refused, client.read(command(0)), client.query("SELECT 2")))
    assert answers[1] == answers[0]
    assert answers[0][0][0].payload.startswith(b"\xff\xcb\x04")
    assert len(answers[0][1]) > 2


@pytest.mark.parametrize("number", [0x20, 0x22])
def test_a_clone_that_is_refused_leaves_the_session_as_it_is(
    pair: Pair, number: int
) -> None:
    answers = []
    for connect in pair.ways:
        with connect() as client:
            answers.append(
                [client.run(command(number)), client.query("SELECT 'ml_predict_row'")]
            )
    assert answers[1] == answers[0]


def test_a_clone_is_made_through_heatproxy(
    pair: Pair, replica: Replica, tmp_path: Path
) -> None:
    try:
        for run in (pair.admin, replica.run):
            run("INSTALL PLUGIN clone SONAME 'mysql_clone.so'")
    except pymysql.OperationalError as problem:
        pytest.skip(f"this MySQL has no plugin for it: {problem}")
    try:
        donor = f"{pair.server.host}:{pair.server.port}"
        replica.run(f"SET GLOBAL clone_valid_donor_list = '{donor}'")
        for compressing in (0, 1):
            copy = tmp_path / f"copy{compressing}"
            replica.run(f"SET GLOBAL clone_enable_compression = {compressing}")
            replica.run(
                f"CLONE INSTANCE FROM '{ACCOUNT}'@'{pair.server.host}':"
                f"{pair.server.port} IDENTIFIED BY '{PASSWORD}'"
                f" DATA DIRECTORY = '{copy}' REQUIRE NO SSL"
            )
            assert (copy / "mysql.ibd").stat().st_size > 1 << 20
    finally:
        for run in (pair.admin, replica.run):
            run("UNINSTALL PLUGIN clone")
