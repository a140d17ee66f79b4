"""The copy of a load's report, for those who may have it."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.lakeside import external, load, load_call

pytestmark = pytest.mark.mysql

Connection = Any
REPORT = "sys.heatwave_load_report"
NO_SUCH_ENGINE_FOR_JSON = 1163  # ER_TABLE_CANT_HANDLE_BLOB, which JSON is too


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore({"few.csv": b"n,s\n1,x\n2,y\n"}) as store:
        yield store


@pytest.fixture
def admin(server: Server) -> Iterator[Connection]:
    with closing(server.connect()) as connection:
        run(connection, "DROP DATABASE IF EXISTS told", "CREATE DATABASE told")
        yield connection
        run(connection, "DROP DATABASE told", "DROP USER IF EXISTS teller")


@pytest.mark.parametrize("may", [True, False])
def test_who_may_make_no_temporary_tables_in_sys_loads_without_the_copy(
    server: Server, admin: Connection, store: ObjectStore, may: bool
) -> None:
    run(
        admin,
        "CREATE USER teller IDENTIFIED BY 'tells'",
        "GRANT ALL ON told.* TO teller",
        "GRANT SELECT, EXECUTE ON sys.* TO teller",
    )
    if may:
        run(admin, "GRANT CREATE TEMPORARY TABLES ON sys.* TO teller")
    login = {"user": "teller", "password": "tells"}
    with closing(server.connect(**login)) as client:
        load(client, "told", {"few": external(store.url("few.csv"))})
        assert value(client, "SELECT COUNT(*) FROM told.few") == 2
        if may:
            assert value(client, f"SELECT COUNT(*) FROM {REPORT}") > 0
        else:
            assert refusal(client, f"SELECT COUNT(*) FROM {REPORT}")[0] == 1146


def test_whatever_else_goes_wrong_with_it_is_told(
    admin: Connection, store: ObjectStore
) -> None:
    """A KILL at that moment above all: such a load must not say that all is well."""
    call = load_call(admin, "told", {"few": external(store.url("few.csv"))})
    run(admin, "SET default_tmp_storage_engine = MEMORY")
    assert refusal(admin, call)[0] == NO_SUCH_ENGINE_FOR_JSON
    run(admin, "SET default_tmp_storage_engine = InnoDB")
    assert rows(admin, "SHOW TABLES FROM told") == [("few",)]
