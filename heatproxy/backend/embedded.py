"""The private MySQL of a data directory: made on the first start, then just started.

DIR/heatproxy.lock   locked while a heatproxy runs on DIR; holds its process id
DIR/mysql/           the data
DIR/run/             socket and process id file
DIR/log/mysqld.log   what mysqld says
DIR/backend.cnf      option file: admin, straight to mysqld's socket
DIR/client.cnf       option file: admin, through heatproxy
DIR/service.cnf      option file: heatproxy's own account
DIR/accounts.sql     only until the first start has made the accounts
"""

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

from heatproxy.backend import credentials
from heatproxy.backend.account import Address, connect
from heatproxy.backend.credentials import Credentials, option_file, write_private
from heatproxy.backend.keeping import Keeping
from heatproxy.backend.mysqld import Mysqld, MysqldError, stop_orphans
from heatproxy.backend.packages import Binaries, cache_dir, locate
from heatproxy.backend.progress import Progress, Silent

READY_S = 600  # a crash recovery may take minutes
SOCKET_PATH_BYTES = 107  # sun_path of a Unix socket, less its closing NUL
PORT_ATTEMPTS = 3
ACCESS_DENIED = 1045


class DataDirInUse(Exception):
    """Another heatproxy runs on this data directory."""


class EmbeddedBackend:
    """A mysqld of our own, listening on a socket in its data directory.

    Args:
        tcp: listen on a free port of 127.0.0.1 too. Whoever comes over the socket
            is ``@localhost``; over TCP, a proxy can choose where it comes from.
        buffer_pool_bytes: InnoDB's buffer pool.
        binaries: the mysqld to start; found or unpacked when not given.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        tcp: bool = False,
        notify: Progress | None = None,
        buffer_pool_bytes: int = 256 << 20,
        binaries: Binaries | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).expanduser().resolve()
        self._tcp = tcp
        self._notify = notify or Silent()
        self._buffer_pool_bytes = buffer_pool_bytes
        self._binaries = binaries
        self._mysqld: Mysqld | None = None
        self._keeping: Keeping | None = None
        self._held = ExitStack()
        self._socket_path = self.data_dir / "run" / "mysqld.sock"
        self._tcp_address: tuple[str, int] | None = None
        self._accounts: tuple[Credentials, Credentials] | None = None

    @property
    def socket_path(self) -> Path:
        return self._socket_path

    @property
    def tcp_address(self) -> tuple[str, int] | None:
        """Host and port; None unless ``tcp`` was asked for."""
        return self._tcp_address

    @property
    def admin(self) -> Credentials:
        """``'admin'@'%'``, for people: every privilege."""
        return self._started()[0]

    @property
    def service(self) -> Credentials:
        """``'heatproxy'@'localhost'``, for heatproxy itself, over the socket only."""
        return self._started()[1]

    @property
    def binaries(self) -> Binaries:
        if self._binaries is None:
            self._binaries = locate(cache_dir(), self._notify)
        return self._binaries

    @property
    def exit_code(self) -> int | None:
        """How mysqld ended, if it did so by itself; None while it runs."""
        return self._mysqld.exit_code if self._mysqld else None

    def start(self) -> None:
        """Return when MySQL answers; the first start of a directory makes it.

        Raises:
            DataDirInUse: another heatproxy is running on it.
            MysqldError: mysqld ended; the message has the end of its log.
            PackagesError: there is no mysqld to start.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._held.enter_context(locked(self.data_dir))
            for name in ("run", "log"):
                (self.data_dir / name).mkdir(exist_ok=True, mode=0o700)
            if stop_orphans(self.data_dir / "mysql"):
                self._notify.step(
                    "Stopped a mysqld that a killed heatproxy left behind"
                )
            stop_orphans(self.data_dir / "mysql.new")
            if not (self.data_dir / "mysql").exists():
                self._initialise()
            self._accounts = (
                credentials.read_option_file(self.data_dir / "backend.cnf"),
                credentials.read_option_file(self.data_dir / "service.cnf"),
            )
            self._choose_socket()
            mysqld = self._start_mysqld()
            self._write_backend_cnf()
            self._check_accounts()
            self._keeping = Keeping(mysqld, self._start_again)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut MySQL down and let go of the data directory; harmless when stopped."""
        if self._keeping is not None:
            self._keeping.stop()
        if self._mysqld is not None:
            self._mysqld.stop()
        if self._keeping is not None:
            self._keeping.join()
        self._keeping = self._mysqld = None
        self._tcp_address = None
        self._held.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def write_client_files(self, listen_host: str, listen_port: int) -> Path:
        """Write client.cnf, with which admin reaches heatproxy. Returns its path.

        Args:
            listen_host: where heatproxy listens; for a wildcard address the client
                is sent to the loopback address.
        """
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
        client = {
            "host": loopback.get(listen_host, listen_host),
            "port": str(listen_port),
            "protocol": "tcp",  # "localhost" would mean mysqld's own socket
            "user": self.admin.user,
            "password": self.admin.password,
            # so that a client on plain TCP may log in before its password is cached
            "loose-get-server-public-key": "ON",
        }
        path = self.data_dir / "client.cnf"
        write_private(path, self._option_file(client))
        return path

    def _started(self) -> tuple[Credentials, Credentials]:
        if self._accounts is None:
            raise RuntimeError("the embedded backend has not been started")
        return self._accounts

    def _initialise(self) -> None:
        """Make the data directory; it gets its name when it is complete."""
        self._notify.step(f"Creating a MySQL data directory in {self.data_dir}")
        fresh = self.data_dir / "mysql.new"
        shutil.rmtree(fresh, ignore_errors=True)
        binaries = self.binaries
        options = [
            "--initialize-insecure",
            f"--datadir={fresh}",
            "--skip-log-bin",
            # a crash here is not recovered from but redone, and a clean end syncs all
            "--innodb-doublewrite=OFF",
            "--innodb-flush-log-at-trx-commit=0",
            *_user_option(),
        ]
        log = self.data_dir / "log" / "mysqld.log"
        mysqld = self._mysqld = Mysqld([*binaries.mysqld, *options], log)
        mysqld.wait()
        if mysqld.exit_code != 0:
            raise mysqld.failed("mysqld could not create its data directory" + _hint())
        admin, service = credentials.new("admin"), credentials.new("heatproxy")
        files = {
            "backend.cnf": option_file({"client": _login(admin)}),
            "service.cnf": option_file({"client": _login(service)}),
            "accounts.sql": credentials.accounts_sql(admin, service),
        }
        for name, text in files.items():
            write_private(self.data_dir / name, text)
        fresh.rename(self.data_dir / "mysql")

    def _choose_socket(self) -> None:
        self._socket_path = self.data_dir / "run" / "mysqld.sock"
        if len(os.fsencode(self._socket_path)) > SOCKET_PATH_BYTES:
            folder = tempfile.TemporaryDirectory(prefix="heatproxy-")
            self._socket_path = Path(self._held.enter_context(folder)) / "mysqld.sock"

    def _start_mysqld(self) -> Mysqld:
        left = PORT_ATTEMPTS
        while True:
            left -= 1
            if self._tcp:
                self._tcp_address = ("127.0.0.1", _free_port())
            try:
                return self._start_again()
            except MysqldError:
                said = self._mysqld.said() if self._mysqld else ""
                taken = self._tcp and "Bind on TCP/IP port" in said
                if not taken or not left:
                    raise

    def _start_again(self) -> Mysqld:
        """Start it where it was, or is to be, and return when it answers."""
        log = self.data_dir / "log" / "mysqld.log"
        command = [*self.binaries.mysqld, *self._options()]
        mysqld = self._mysqld = Mysqld(command, log)
        mysqld.wait_ready(self._answers, READY_S)
        return mysqld

    def _options(self) -> list[str]:
        options = [
            f"--datadir={self.data_dir / 'mysql'}",
            f"--socket={self._socket_path}",
            f"--pid-file={self.data_dir / 'run' / 'mysqld.pid'}",
            f"--innodb-buffer-pool-size={self._buffer_pool_bytes}",
            "--loose-mysqlx=OFF",
            "--skip-name-resolve",
            "--server-id=1",
            "--gtid-mode=ON",
            "--enforce-gtid-consistency=ON",
            "--binlog-row-metadata=FULL",  # column names and keys for whoever follows
            "--log-bin-trust-function-creators=ON",  # harmless with row-based logging
            "--local-infile=ON",
            "--max-allowed-packet=1G",
            "--secure-file-priv=NULL",
            "--character-set-server=utf8mb4",
            *_user_option(),
        ]
        if self._tcp_address is None:
            # over our socket every client would be whom heatproxy runs as
            options += ["--skip-networking", "--loose-auth-socket=OFF"]
        else:
            host, port = self._tcp_address
            options += [f"--bind-address={host}", f"--port={port}"]
        accounts = self.data_dir / "accounts.sql"
        if accounts.exists():  # run before anybody can connect
            options.append(f"--init-file={accounts}")
        return options

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except pymysql.OperationalError as problem:
            if problem.args[0] == ACCESS_DENIED and self._mysqld:
                raise self._mysqld.failed(
                    f"MySQL refuses the account in {self.data_dir / 'service.cnf'}"
                ) from None
            return False
        return True

    def _check_accounts(self) -> None:
        """Drop accounts.sql once it has done its work; mysqld only logs a failure."""
        accounts = self.data_dir / "accounts.sql"
        if not accounts.exists():
            return
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT user FROM mysql.user WHERE IF(user = 'root', "
                "account_locked = 'Y', super_priv = 'Y' AND grant_priv = 'Y') "
                "AND user IN ('admin', 'heatproxy', 'root')"
            )
            made = {row[0] for row in cursor.fetchall()}
        if self._mysqld and made != {"admin", "heatproxy", "root"}:
            raise self._mysqld.failed(f"the accounts of {accounts} could not be made")
        accounts.unlink()

    def _connect(self) -> "pymysql.Connection[Any]":
        who = self.service
        return connect(Address(who.user, who.password, str(self._socket_path)))

    def _write_backend_cnf(self) -> None:
        login = {"socket": str(self._socket_path), **_login(self.admin)}
        write_private(self.data_dir / "backend.cnf", self._option_file(login))

    def _option_file(self, client: dict[str, str]) -> str:
        groups = {"client": client}
        if tuple(map(int, self.binaries.version.split("."))) >= (9, 4):
            groups["mysql"] = {"loose-commands": "ON"}  # else this client refuses \G
        return option_file(groups)


def _login(account: Credentials) -> dict[str, str]:
    return {"user": account.user, "password": account.password}


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold a data directory alone. Raises DataDirInUse."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "heatproxy.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise DataDirInUse(
                f"another heatproxy (process {holder}) runs on {data_dir}"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _user_option() -> list[str]:
    """mysqld refuses to run as root unless told so by name."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _hint() -> str:
    """Ubuntu and Debian confine an installed mysqld to its own folders."""
    if Path("/etc/apparmor.d/usr.sbin.mysqld").exists():
        return " (AppArmor's profile usr.sbin.mysqld may forbid it this folder)"
    return ""
