"""The tables of tables.sql, held by MySQL and by the engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sql.mysql_oracle import Oracle, tables

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def oracle(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    directory = tmp_path_factory.mktemp("engine")
    script = HERE / "tables.sql"
    with tables(server.backend_login, "heat_engine_sql", directory, script) as held:
        yield held
