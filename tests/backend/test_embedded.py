"""A data directory is made once, survives being killed, and lets only its owner in."""

import gc
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pymysql
import pytest

from heatproxy.backend import credentials
from heatproxy.backend.credentials import Credentials
from heatproxy.backend.embedded import DataDirInUse, EmbeddedBackend
from heatproxy.backend.mysqld import Mysqld, MysqldError, orphans
from heatproxy.backend.packages import Binaries
from tests.background import until

pytestmark = pytest.mark.mysql
STOPPED_S = 60
# another heatproxy: says what it does, then stays until it is killed
OTHER = """
import sys
from pathlib import Path
from heatproxy.backend.embedded import EmbeddedBackend
from heatproxy.backend.progress import Lines
backend = EmbeddedBackend(Path(sys.argv[1]), notify=Lines(sys.stdout))
backend.start()
print("started", flush=True)
sys.stdin.read()
"""
Rows = tuple[tuple[object, ...], ...]


def connect(
    backend: EmbeddedBackend, account: Credentials | None = None
) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    who = account or backend.service
    return pymysql.connect(
        unix_socket=str(backend.socket_path), user=who.user, password=who.password
    )


def ask(backend: EmbeddedBackend, *statements: str) -> Rows:
    """Run statements as the service account; the rows of the last one."""
    with connect(backend) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()
        return cursor.fetchall()


def ended(pid: int) -> bool:
    """Whether a process that is not our child ends in time."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    try:
        return bool(poll.poll(STOPPED_S * 1000))
    finally:
        os.close(watched)


@pytest.fixture(scope="module")
def made(
    binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> EmbeddedBackend:
    """A data directory that was started once and holds one row."""
    path = tmp_path_factory.mktemp("made") / "data"
    backend = EmbeddedBackend(path, binaries=binaries)
    with backend:
        ask(backend, "CREATE DATABASE d", "CREATE TABLE d.t (a INT)")
        ask(backend, "INSERT INTO d.t VALUES (1)")
    return backend


@pytest.fixture
def data_dir(made: EmbeddedBackend, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made.data_dir, tmp_path / "data"))


@pytest.fixture
def running(data_dir: Path, binaries: Binaries) -> Iterator[EmbeddedBackend]:
    with EmbeddedBackend(data_dir, binaries=binaries) as backend:
        yield backend


def test_only_the_generated_accounts_can_log_in(running: EmbeddedBackend) -> None:
    accounts = ask(
        running,
        "SELECT user, host FROM mysql.user WHERE account_locked = 'N' ORDER BY user",
    )
    assert accounts == (("admin", "%"), ("heatproxy", "localhost"))
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        connect(running, Credentials("root", ""))
    for account in (running.admin, running.service):
        with connect(running, account) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GRANTS")
            grants = "".join(row[0] for row in cursor.fetchall())
            assert "SUPER" in grants
            assert "SYSTEM_USER" in grants
            assert "WITH GRANT OPTION" in grants


def test_the_server_is_set_up_for_heatproxy(running: EmbeddedBackend) -> None:
    names = (
        "skip_networking",
        "server_id",
        "gtid_mode",
        "enforce_gtid_consistency",
        "binlog_format",
        "binlog_row_metadata",
        "log_bin",
        "local_infile",
        "max_allowed_packet",
        "secure_file_priv",
        "performance_schema",
        "character_set_server",
        "innodb_buffer_pool_size",
    )
    variables = _variables(running)
    assert "mysqlx_port" not in variables
    assert {name: variables[name] for name in names} == {
        "skip_networking": "ON",
        "server_id": "1",
        "gtid_mode": "ON",
        "enforce_gtid_consistency": "ON",
        "binlog_format": "ROW",
        "binlog_row_metadata": "FULL",
        "log_bin": "ON",
        "local_infile": "ON",
        "max_allowed_packet": str(1 << 30),
        "secure_file_priv": "NULL",
        "performance_schema": "ON",
        "character_set_server": "utf8mb4",
        "innodb_buffer_pool_size": str(256 << 20),
    }


def _variables(backend: EmbeddedBackend) -> dict[object, object]:
    return dict(ask(backend, "SHOW GLOBAL VARIABLES"))  # type: ignore[arg-type]


def test_the_accounts_are_not_in_the_binary_log(running: EmbeddedBackend) -> None:
    events = ask(running, "SHOW BINLOG EVENTS IN 'binlog.000001'")
    statements = " ".join(str(event[5]) for event in events)
    assert "CREATE TABLE d.t" in statements
    assert "CREATE USER" not in statements


def test_every_file_with_a_password_is_the_owners_alone(
    running: EmbeddedBackend,
) -> None:
    running.write_client_files("0.0.0.0", 3307)  # noqa: S104
    found = {
        file.name: file.stat().st_mode & 0o777
        for file in running.data_dir.iterdir()
        if file.is_file() and running.admin.password in file.read_text()
    }
    assert found == {"backend.cnf": 0o600, "client.cnf": 0o600}
    assert (running.data_dir / "run").stat().st_mode & 0o777 == 0o700
    assert not (running.data_dir / "accounts.sql").exists()


def test_the_client_reaches_the_server_through_backend_cnf(
    running: EmbeddedBackend, binaries: Binaries
) -> None:
    file = running.data_dir / "backend.cnf"
    command = [*binaries.mysql, f"--defaults-file={file}"]
    done = subprocess.run(
        command,
        input="SELECT CURRENT_USER(), a FROM d.t\\G",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "CURRENT_USER(): admin@%\n             a: 1" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("listen", "host"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.1.2.3", "10.1.2.3")],  # noqa: S104
)
def test_client_cnf_leads_to_the_proxy(
    made: EmbeddedBackend, listen: str, host: str
) -> None:
    text = made.write_client_files(listen, 3307).read_text()
    assert f'host="{host}"\nport="3307"\nprotocol="tcp"\nuser="admin"\n' in text


def test_a_second_heatproxy_on_the_directory_is_told_who_has_it(
    running: EmbeddedBackend, binaries: Binaries
) -> None:
    other = EmbeddedBackend(running.data_dir, binaries=binaries)
    with pytest.raises(DataDirInUse, match=f"process {os.getpid()}"):
        other.start()
    assert ask(running, "SELECT a FROM d.t") == ((1,),)


def test_a_stopped_backend_starts_again_with_its_rows(
    running: EmbeddedBackend,
) -> None:
    ask(running, "INSERT INTO d.t VALUES (2)")
    running.stop()
    running.stop()
    running.start()
    assert ask(running, "SELECT a FROM d.t") == ((1,), (2,))


def test_tcp_is_on_loopback_and_comes_as_a_chosen_host(
    data_dir: Path, binaries: Binaries
) -> None:
    with EmbeddedBackend(data_dir, tcp=True, binaries=binaries) as backend:
        assert backend.tcp_address is not None
        host, port = backend.tcp_address
        assert host == "127.0.0.1"
        with pymysql.connect(
            host=host,
            port=port,
            user=backend.admin.user,
            password=backend.admin.password,
            bind_address="127.0.0.2",
        ) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT USER()")
            assert cursor.fetchall() == (("admin@127.0.0.2",),)
    assert backend.tcp_address is None


def test_a_path_too_long_for_a_socket_works(data_dir: Path, binaries: Binaries) -> None:
    deep = data_dir.parent / ("long" * 25) / "data"
    deep.parent.mkdir()
    data_dir.rename(deep)
    backend = EmbeddedBackend(deep, binaries=binaries)
    for _ in range(2):
        with backend:
            assert len(os.fsencode(backend.socket_path)) < 108
            assert ask(backend, "SELECT a FROM d.t") == ((1,),)
        assert not backend.socket_path.parent.exists()


def test_mysqld_outlives_the_thread_that_started_it(
    data_dir: Path, binaries: Binaries
) -> None:
    backend = EmbeddedBackend(data_dir, binaries=binaries)
    starter = threading.Thread(target=backend.start)
    starter.start()
    starter.join()
    try:
        assert backend.exit_code is None
        assert ask(backend, "SELECT a FROM d.t") == ((1,),)
    finally:
        backend.stop()


def answers_again(backend: EmbeddedBackend, since: int) -> None:
    """Return when another mysqld than the one before answers."""

    def another() -> bool:
        pids = orphans(backend.data_dir / "mysql")
        return pids not in ([], [since]) and backend._answers()

    until(another, 2 * STOPPED_S)


def test_a_killed_mysqld_is_started_again_and_has_lost_nothing(
    running: EmbeddedBackend,
) -> None:
    ask(running, "INSERT INTO d.t VALUES (2)")
    [pid] = orphans(running.data_dir / "mysql")
    os.kill(pid, signal.SIGKILL)
    assert ended(pid)
    answers_again(running, pid)
    assert ask(running, "SELECT a FROM d.t") == ((1,), (2,))


def test_restart_restarts_it(running: EmbeddedBackend) -> None:
    [pid] = orphans(running.data_dir / "mysql")
    with suppress(pymysql.OperationalError):  # it may be gone before it has answered
        ask(running, "RESTART")
    assert ended(pid)
    answers_again(running, pid)
    assert ask(running, "SELECT a FROM d.t") == ((1,),)


def test_a_mysqld_that_was_shut_down_stays_down(running: EmbeddedBackend) -> None:
    [pid] = orphans(running.data_dir / "mysql")
    with suppress(pymysql.OperationalError):
        ask(running, "SHUTDOWN")
    assert ended(pid)
    until(lambda: running.exit_code == 0)
    running.stop()
    assert orphans(running.data_dir / "mysql") == []


def test_mysqld_ends_with_a_killed_heatproxy_and_loses_nothing(
    data_dir: Path, binaries: Binaries
) -> None:
    with _other(data_dir, until="started") as other:
        [pid] = orphans(data_dir / "mysql")
        found = credentials.read_option_file(data_dir / "service.cnf")
        with pymysql.connect(
            unix_socket=str(data_dir / "run/mysqld.sock"),
            user=found.user,
            password=found.password,
            autocommit=True,
        ) as connection:
            connection.cursor().execute("INSERT INTO d.t VALUES (2)")
        other.kill()
        other.wait()
        assert ended(pid)
    with EmbeddedBackend(data_dir, binaries=binaries) as backend:
        assert ask(backend, "SELECT a FROM d.t") == ((1,), (2,))


def test_a_mysqld_left_behind_is_stopped_first(
    running: EmbeddedBackend, binaries: Binaries, tmp_path: Path
) -> None:
    running.stop()
    orphan = Mysqld([*binaries.mysqld, *running._options()], tmp_path / "log")
    orphan.wait_ready(running._answers, STOPPED_S)
    running.start()
    assert orphan.wait(STOPPED_S)
    assert orphan.exit_code == 0
    assert ask(running, "SELECT a FROM d.t") == ((1,),)


def test_an_interrupted_first_start_is_made_again(
    tmp_path: Path, binaries: Binaries
) -> None:
    with _other(tmp_path, until="Creating") as other:
        other.kill()
    assert not (tmp_path / "mysql").exists()
    (tmp_path / "mysql.new" / "junk").mkdir(parents=True)
    with EmbeddedBackend(tmp_path, binaries=binaries) as backend:
        assert ask(backend, "SELECT CURRENT_USER()") == (("heatproxy@localhost",),)
    assert not (tmp_path / "mysql.new").exists()


def test_making_the_accounts_again_changes_nothing_but_the_passwords(
    data_dir: Path, binaries: Binaries
) -> None:
    # as after a kill between the first accounts and the first answer
    admin, service = credentials.new("admin"), credentials.new("heatproxy")
    for name, account in (("backend.cnf", admin), ("service.cnf", service)):
        client = {"user": account.user, "password": account.password}
        credentials.write_private(
            data_dir / name, credentials.option_file({"client": client})
        )
    text = credentials.accounts_sql(admin, service)
    credentials.write_private(data_dir / "accounts.sql", text)
    with EmbeddedBackend(data_dir, binaries=binaries) as backend:
        assert (backend.admin, backend.service) == (admin, service)
        connect(backend, admin).close()
        assert ask(backend, "SELECT a FROM d.t") == ((1,),)
    assert not (data_dir / "accounts.sql").exists()


def test_accounts_that_cannot_be_made_stop_the_start(
    data_dir: Path, binaries: Binaries
) -> None:
    statements = "ALTER USER root@localhost ACCOUNT UNLOCK;\nNOT SQL;\n"
    (data_dir / "accounts.sql").write_text(statements)
    backend = EmbeddedBackend(data_dir, binaries=binaries)
    with pytest.raises(MysqldError, match="could not be made"):
        backend.start()
    assert (data_dir / "accounts.sql").exists()


def test_the_end_of_the_log_is_in_the_error(data_dir: Path, binaries: Binaries) -> None:
    (data_dir / "mysql" / "ibdata1").write_bytes(b"")
    backend = EmbeddedBackend(data_dir, binaries=binaries)
    with pytest.raises(MysqldError, match=r"(?s)ended while starting.*ibdata1"):
        backend.start()
    with pytest.raises(MysqldError):  # the lock was let go
        backend.start()


def test_asking_a_server_that_is_not_there_leaves_no_socket_open(
    made: EmbeddedBackend,
) -> None:
    assert not made._answers()
    gc.collect()  # an open socket that is collected warns, which is an error here


def test_a_lost_service_password_is_named(data_dir: Path, binaries: Binaries) -> None:
    path = data_dir / "service.cnf"
    client = {"user": "heatproxy", "password": "wrong"}
    credentials.write_private(path, credentials.option_file({"client": client}))
    with pytest.raises(MysqldError, match=r"refuses the account in .*service\.cnf"):
        EmbeddedBackend(data_dir, binaries=binaries).start()


class _other:  # noqa: N801  # reads as a function
    """Another heatproxy on a directory, run until it says a word."""

    def __init__(self, data_dir: Path, until: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(until):
                return
        pytest.fail(f"the other heatproxy never said {until}")

    def __enter__(self) -> "subprocess.Popen[str]":
        return self.process

    def __exit__(self, *caught: object) -> None:
        self.process.kill()
        self.process.communicate()
