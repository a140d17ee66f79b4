"""The tables of tables.sql, held by MySQL and by the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sql.mysql_oracle import SOCKET, Oracle, tables

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    if SOCKET is None:
        pytest.skip("HEATPROXY_TEST_SOCKET names no MySQL")
    directory = tmp_path_factory.mktemp("engine")
    with tables("heat_engine_sql", directory, HERE / "tables.sql") as held:
        yield held
