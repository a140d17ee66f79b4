"""The bench's own client logs in by as few packets as there are."""

import pytest

from heatproxy.backend.credentials import Credentials, read_option_file
from heatproxy.bench.clients import Door, LoginFailed, log_in, quit_and_wait
from heatproxy.bench.tables import execute
from tests.conftest import Server

pytestmark = pytest.mark.mysql


@pytest.fixture(params=["direct", "through"])
def door(request: pytest.FixtureRequest, server: Server) -> Door:
    account = read_option_file(server.client_cnf)
    direct = Door("direct", path=server.backend_socket)
    log_in(direct, account).close()  # now MySQL has the password cached
    return direct if request.param == "direct" else Door("through", port=server.port)


def test_it_is_let_in_and_can_run_a_statement(door: Door, server: Server) -> None:
    connection = log_in(door, read_option_file(server.client_cnf))
    execute(connection, "DO 1")
    quit_and_wait(connection)
    assert connection.fileno() == -1


def test_it_says_why_it_was_refused(door: Door) -> None:
    refusal = "Access denied" if door.path else "more than a cached password"
    with pytest.raises(LoginFailed, match=refusal):
        log_in(door, Credentials("admin", "wrong"))
