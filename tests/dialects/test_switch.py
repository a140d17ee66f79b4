"""A dialect that is switched off leaves its statements to MySQL, unlooked at."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from heatproxy.dialects import datasette, redshift
from heatproxy.sql.lexer import tokens
from heatproxy.statements import Handler, Text


@pytest.mark.parametrize(
    ("handle", "sql", "others"),
    [
        (redshift.handle, b"SHOW MODEL ALL", ("datasette",)),
        (redshift.handle, b"CREATE MODEL m FROM t TARGET y FUNCTION f", ()),
        (redshift.handle, b"SELECT * FROM stv_ml_model_info", ()),
        (datasette.handle, b"SELECT sqml_load_dataset('iris')", ("redshift",)),
    ],
)
async def test_a_dialect_that_is_off_takes_nothing(
    handle: Handler, sql: bytes, others: tuple[str, ...]
) -> None:
    automl = SimpleNamespace(dialects=others)
    house = SimpleNamespace(config=SimpleNamespace(automl=automl))
    session = cast(Any, SimpleNamespace(house=house))
    assert await handle(session, Text(sql, tokens(sql))) is None
