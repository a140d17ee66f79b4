"""``heatproxy check``: what is there, what is missing, and what that means."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pymysql

from heatproxy.backend import packages
from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.credentials import read_option_file
from heatproxy.backend.dump import obstacle
from heatproxy.config import Config
from heatproxy.routines import ROUTINES
from heatproxy.routines.stubs import STUB_VERSION

OLDEST = (8, 0, 36)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: whether it is well, what was found, what to do otherwise."""

    good: bool
    text: str


def run(config: Config, say: Callable[[str], None]) -> int:
    """Say what is found; 0 when nothing stands in the way."""
    findings = list(_look(config))
    for finding in findings:
        say(f"{'ok     ' if finding.good else 'MISSING'}  {finding.text}")
    return 0 if all(finding.good for finding in findings) else 1


def _look(config: Config) -> Iterator[Finding]:
    yield Finding(True, f"listens on {config.listen}, files in {config.data_dir}")
    if config.backend is None:
        yield from _embedded(config)
        return
    url = config.backend
    where = f"{url.user}@{url.host}:{url.port}"
    account = Address(url.user, url.password, host=url.host, port=url.port)
    yield from _server(ServiceAccount(account), where)


def _embedded(config: Config) -> Iterator[Finding]:
    found = packages.find_on_path()
    if found is not None:
        yield Finding(True, f"embedded backend: MySQL {found.version} from PATH")
    elif packages.unpacked(packages.cache_dir()) is not None:
        yield Finding(True, f"embedded backend: MySQL in {packages.cache_dir()}")
    else:
        yield Finding(
            True,
            "embedded backend: no MySQL here yet; the first start unpacks one from the"
            " distribution's packages (needs the network once)",
        )
    socket = config.data_dir / "run" / "mysqld.sock"
    if not socket.exists():
        yield Finding(True, "embedded backend: not running; start it: heatproxy up")
        return
    service = read_option_file(config.data_dir / "service.cnf")
    account = Address(service.user, service.password, socket=str(socket))
    yield from _server(ServiceAccount(account), "the embedded backend")


def _server(account: ServiceAccount, where: str) -> Iterator[Finding]:
    try:
        ((version, user),) = account.query("SELECT VERSION(), CURRENT_USER()")
    except pymysql.MySQLError as problem:
        yield Finding(False, f"{where} cannot be reached: {problem.args[-1]}")
        return
    try:
        numbers = tuple(int(n) for n in version.split("-")[0].split(".")[:3])
        yield Finding(
            numbers >= OLDEST and "MariaDB" not in version,
            f"{where}: MySQL {version}, as {user}"
            + ("" if numbers >= OLDEST else "; 8.0.36 or newer is needed"),
        )
        yield from _privileges(account)
        yield _stubs(account)
        yield _changes(account)
    finally:
        account.close()


def _privileges(account: ServiceAccount) -> Iterator[Finding]:
    grants = " ".join(str(row[0]) for row in account.query("SHOW GRANTS"))
    everything = "GRANT ALL PRIVILEGES ON *.*" in grants
    needed = {
        "CREATE ROUTINE": "creates the stubs of the routines in sys",
        "ALTER ROUTINE": "replaces them after an upgrade",
        "SELECT": "finds the shells of Lakehouse tables",
        "DROP": "takes away what a client left half-made when it disconnected",
    }
    for privilege, meaning in needed.items():
        has = everything or privilege in grants
        text = f"privilege {privilege}: {meaning}"
        yield Finding(has, text if has else f"{text}; GRANT {privilege} ON *.* TO it")
    ((logged, trusted),) = account.query(
        "SELECT @@log_bin, @@log_bin_trust_function_creators"
    )
    may = everything or "SUPER" in grants or not logged or trusted
    text = "functions may be created in sys, for ML_PREDICT_ROW and ML_EXPLAIN_ROW"
    cure = "SET PERSIST log_bin_trust_function_creators = ON, or grant SUPER"
    yield Finding(bool(may), text if may else f"{text}; {cure}")


def _changes(account: ServiceAccount) -> Finding:
    problem = obstacle(account.query)
    if problem is None:
        return Finding(True, "RAPID: the binary log can be followed")
    return Finding(True, f"RAPID: no table can be loaded, {problem}")


def _stubs(account: ServiceAccount) -> Finding:
    rows = account.query(
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES"
        f" WHERE ROUTINE_SCHEMA = 'sys' AND ROUTINE_COMMENT = '{STUB_VERSION}'"
    )
    there = {name for (name,) in rows}
    missing = [r.name for r in ROUTINES.values() if r.name not in there]
    if not missing:
        return Finding(True, f"all {len(ROUTINES)} routines have their stubs in sys")
    listed = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
    return Finding(True, f"stubs that the next start creates in sys: {listed}")
