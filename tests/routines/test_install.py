"""The stubs of another version are made anew, and nobody loses a grant by it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.credentials import read_option_file
from heatproxy.routines import ROUTINES
from heatproxy.routines.install import install_stubs
from heatproxy.routines.stubs import STUB_VERSION
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

PROCEDURE, FUNCTION = "ML_SCORE", "ML_PREDICT_ROW"
ACCOUNTS = {
    "`stub plain`@`%`": "",
    "`stub'giver`@`10.0.0.%`": " WITH GRANT OPTION",
    "'stub_role'": "",
}
GRANTED = (
    "SELECT Host, User, Routine_name, Routine_type, Proc_priv FROM mysql.procs_priv"
    " WHERE Db = 'sys' AND User LIKE 'stub%' ORDER BY User, Routine_name"
)
VERSION = (
    "SELECT ROUTINE_COMMENT FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA = 'sys' AND ROUTINE_NAME = '{}'"
)


@pytest.fixture
def backend(server: Server) -> Iterator[Connection]:
    with closing(server.connect_backend()) as connection:
        yield connection


@pytest.fixture
def of_old(backend: Connection) -> Iterator[None]:
    """Two stubs of another version, with grants; all is as before at the end."""
    for name, kind in ((PROCEDURE, "PROCEDURE"), (FUNCTION, "FUNCTION")):
        stub = ROUTINES[name].stub().replace(STUB_VERSION, "heatproxy 1")
        run(backend, f"DROP {kind} sys.{name}", stub)
    run(backend, "CREATE ROLE stub_role")
    for account, option in ACCOUNTS.items():
        if account != "'stub_role'":
            run(backend, f"CREATE USER {account} IDENTIFIED BY 'pw'")
        run(
            backend,
            f"GRANT EXECUTE ON PROCEDURE sys.{PROCEDURE} TO {account}{option}",
            f"GRANT EXECUTE, ALTER ROUTINE ON FUNCTION sys.{FUNCTION} TO {account}",
        )
    yield
    run(backend, *(f"DROP USER {account}" for account in ACCOUNTS))


def service(server: Server) -> ServiceAccount:
    account = read_option_file(server.data_dir / "service.cnf")
    address = Address(account.user, account.password, socket=server.backend_socket)
    return ServiceAccount(address)


@pytest.mark.usefixtures("of_old")
def test_grants_on_a_stub_survive_its_next_version(
    server: Server, backend: Connection
) -> None:
    before = rows(backend, GRANTED)
    assert len(before) == 2 * len(ACCOUNTS)
    with closing(service(server)) as account:
        install_stubs(account)
    for name in (PROCEDURE, FUNCTION):
        assert value(backend, VERSION.format(name)) == STUB_VERSION
    assert rows(backend, GRANTED) == before
    with closing(server.connect(user="stub plain", password="pw")) as user:
        call = "CALL sys.ML_SCORE('a.b', 'y', 'm', 'accuracy', @s, NULL)"
        assert refusal(user, call)[0] == 1142  # of the catalog, not 1370 of the call


@pytest.mark.usefixtures("of_old")
def test_a_stub_whose_grants_may_not_be_given_stays(
    server: Server, backend: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    run(
        backend,
        "CREATE USER stub_owner IDENTIFIED BY 'pw'",
        "GRANT SELECT, CREATE ROUTINE, ALTER ROUTINE ON *.* TO stub_owner",
    )
    before = rows(backend, GRANTED)
    address = Address("stub_owner", "pw", socket=server.backend_socket)
    try:
        with closing(ServiceAccount(address)) as account:
            install_stubs(account)
        assert value(backend, VERSION.format(PROCEDURE)) == "heatproxy 1"
        assert rows(backend, GRANTED) == before
        assert f"cannot create the stub of sys.{PROCEDURE}" in caplog.text
    finally:
        run(backend, "DROP USER stub_owner")
        with closing(service(server)) as account:
            install_stubs(account)
