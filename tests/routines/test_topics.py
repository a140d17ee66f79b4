"""Topic modeling through a server, as the lab on films does it."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server

pytestmark = pytest.mark.mysql

Connection = Any
CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
TEXTS = (
    "A wizard hides a ring in the mountains.",
    "The ring of the wizard destroys a kingdom.",
    "Astronauts on a mission repair their ship.",
    "The mission fails and the astronauts are lost.",
    "A detective follows a thief through the city.",
    "The thief escapes the detective in the city.",
)


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    with closing(server.connect()) as admin:
        run(
            admin,
            "DROP DATABASE IF EXISTS topic_modeling_data",
            "CREATE DATABASE topic_modeling_data",
            "USE topic_modeling_data",
            "CREATE TABLE movies (my_row_id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,"
            " description TEXT)",
            *(f"INSERT INTO movies (description) VALUES ('{text}')" for text in TEXTS),
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle = 'topics'",
            "SET @model='topics'",
            "CALL sys.ML_TRAIN('topic_modeling_data.movies', NULL,"
            " JSON_OBJECT('task', 'topic_modeling', 'document_column', 'description'),"
            " @model)",
        )
        yield "topic_modeling_data"
        run(admin, "DROP DATABASE topic_modeling_data")


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    with closing(server.connect(database=schema)) as connection:
        yield connection


@pytest.mark.parametrize(("options", "most"), [("NULL", 10), ("'topk', 2", 2)])
def test_each_row_gets_its_tags(client: Connection, options: str, most: int) -> None:
    options = options if options == "NULL" else f"JSON_OBJECT({options})"
    run(
        client,
        "DROP TABLE IF EXISTS tagged",
        "CALL sys.ML_MODEL_LOAD('topics', NULL)",
        "CALL sys.ML_PREDICT_TABLE('topic_modeling_data.movies', 'topics',"
        f" 'topic_modeling_data.tagged', {options})",
    )
    columns = [name for name, *_ in rows(client, "SHOW COLUMNS FROM tagged")]
    assert columns == ["my_row_id", "description", "ml_results"]
    first, *_ = rows(client, "SELECT ml_results FROM tagged ORDER BY my_row_id")
    assert first[0] == json.dumps({"predictions": {"tags": ["ring", "wizard"][:most]}})


def test_a_row_gets_its_tags(client: Connection) -> None:
    answer = value(
        client,
        "SELECT sys.ML_PREDICT_ROW(JSON_OBJECT('description', 'Thieves in cities'),"
        " 'topics', NULL)",
    )
    assert json.loads(answer) == {
        "description": "Thieves in cities",
        "ml_results": {"predictions": {"tags": ["city", "thief"]}},
    }


def test_the_catalog_has_the_task(client: Connection) -> None:
    ((task, names, text),) = rows(
        client,
        f"SELECT task, column_names, model_metadata FROM {CATALOG}"
        " WHERE model_handle = 'topics'",
    )
    assert (task, json.loads(names)) == ("topic_modeling", ["description"])
    assert json.loads(text)["options"]["document_column"] == "description"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        (
            "CALL sys.ML_SCORE('topic_modeling_data.movies', NULL, 'topics',"
            " 'accuracy', @s, NULL)",
            "ML003020: Unsupported scoring metric (accuracy) for task",
        ),
        (
            "CALL sys.ML_EXPLAIN('topic_modeling_data.movies', NULL, 'topics', NULL)",
            "not supported for topic_modeling task",
        ),
        (
            "CALL sys.ML_PREDICT_TABLE('topic_modeling_data.movies', 'topics',"
            " 'topic_modeling_data.no', JSON_OBJECT('topk', 0))",
            "option 'topk' must be an integer at least 1, not 0",
        ),
        (
            "CALL sys.ML_TRAIN('topic_modeling_data.movies', 'description',"
            " JSON_OBJECT('task', 'topic_modeling', 'document_column', 'description'),"
            " @n)",
            "ML006006: target_column_name should be NULL or empty string.",
        ),
    ],
)
def test_what_topics_have_not_is_refused(
    client: Connection, statement: str, text: str
) -> None:
    run(client, "SET @n = NULL")
    number, said = refusal(client, statement)
    assert number == 3877
    assert text in said
