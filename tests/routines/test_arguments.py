"""How table names and option objects are read from arguments."""

from typing import Any

import pytest

from heatproxy.errors import MySQLError
from heatproxy.routines.arguments import option_object, table_name


class InSchema:
    """As much of a session as a table's name needs: its default schema."""

    def __init__(self, schema: str | None) -> None:
        self._schema = schema

    async def schema(self) -> str | None:
        return self._schema


NAMES = {
    "db.t": ("db", "t"),
    "db.`cnae-9_train`": ("db", "cnae-9_train"),
    "`db`.t": ("db", "t"),
    "`a.b`.`c.d`": ("a.b", "c.d"),
    " db . t ": ("db", "t"),
    "db.cnae-9_train": ("db", "cnae-9_train"),
    "db.2024_data": ("db", "2024_data"),
    "db.größe": ("db", "größe"),
    "db.`a``b`": ("db", "a`b"),
    "my db.my table": ("my db", "my table"),
    "t": ("here", "t"),
    "cnae-9": ("here", "cnae-9"),
    "`db.t`": ("here", "db.t"),
    "db.select": ("db", "select"),
    "1.5": ("1", "5"),
    "db.t#1": ("db", "t#1"),
    "db.t -- x": ("db", "t -- x"),
    "db.'t'": ("db", "'t'"),
    "/*! t */": ("here", "/*! t */"),
}


@pytest.mark.parametrize(("text", "named"), NAMES.items(), ids=NAMES)
async def test_a_tables_name_is_read_as_scripts_write_it(
    text: str, named: tuple[str, str]
) -> None:
    session: Any = InSchema("here")
    assert await table_name(session, text, "table_name") == named


@pytest.mark.parametrize(
    "text", [None, "", " ", "a.b.c", "`a`.b.c", "`open", "a.`b", "a.", ".b", "`a`b"]
)
async def test_what_is_no_tables_name_is_refused_with_its_parameters(
    text: str | None,
) -> None:
    session: Any = InSchema("here")
    with pytest.raises(MySQLError) as caught:
        await table_name(session, text, "output_table_name")
    assert caught.value.number == 3877
    assert "output_table_name must be of the form schema.table" in caught.value.message


async def test_a_name_without_schema_needs_a_default_one() -> None:
    session: Any = InSchema(None)
    with pytest.raises(MySQLError) as caught:
        await table_name(session, "t", "table_name")
    assert caught.value.number == 1046


@pytest.mark.parametrize("text", [None, "null", "{}"])
def test_options_that_say_nothing_are_empty(text: str | None) -> None:
    assert option_object(text, "ML_TRAIN") == {}


@pytest.mark.parametrize("text", ["[]", "5", '"text"', "true"])
def test_options_that_are_no_object_are_refused_with_the_routine(text: str) -> None:
    with pytest.raises(MySQLError) as caught:
        option_object(text, "ML_TRAIN")
    assert (caught.value.number, "ML_TRAIN" in caught.value.message) == (3877, True)
