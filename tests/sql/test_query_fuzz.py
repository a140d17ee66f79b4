"""Random nested statements over small tables full of NULL: both servers must agree."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pymysql
import pytest

from heatproxy.engine import Trap
from heatproxy.sql.translate import Forward
from tests.sql.mysql_oracle import tables
from tests.sql.query_fuzz import Statements, script

pytestmark = pytest.mark.mysql
STATEMENTS = 60


@pytest.mark.parametrize("seed", range(30, 34))
def test_random_queries_agree(server: Any, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - test data
    made = tmp_path / "tables.sql"
    made.write_text(script(chance))
    grammar, outcomes = Statements(chance), Counter[str]()
    with tables(server.backend_login, "heat_query_fuzz", tmp_path, made) as oracle:
        for _ in range(STATEMENTS):
            text = grammar.statement()
            try:
                assert oracle.difference(text) is None, text
            except (Forward, Trap, pymysql.Error) as refusal:
                outcomes[type(refusal).__name__] += 1
            else:
                outcomes["exact"] += 1
    assert outcomes["exact"] > STATEMENTS * 3 / 4, outcomes
