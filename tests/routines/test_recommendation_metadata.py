"""Tables that describe users and items, through a server."""

import json
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

WITHOUT_TORCH = pytest.mark.skipif(
    find_spec("torch") is None, reason="TwoTower needs PyTorch"
)
CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
HANDLES = "('towered', 'content')"
TRAIN = (
    "CALL sys.ML_TRAIN('films.ratings', 'rating', JSON_OBJECT('task',"
    " 'recommendation', 'users', 'user_id', 'items', 'item_id'{}), {})"
)
ITEMS = "'item_metadata', JSON_OBJECT('table_name', 'films.{}')"
USERS = "'user_metadata', JSON_OBJECT('table_name', 'films.{}')"
TASTES = ("love story", "war story")


def ratings() -> list[tuple[str, str, float]]:
    """Thirty users of two tastes rate half of sixteen films of two kinds."""
    random = np.random.default_rng(3)
    return [
        (f"u{user}", f"é{item}", 4.5 if user % 2 == item % 2 else 1.5)
        for user in range(30)
        for item in range(16)
        if random.random() < 0.5
    ]


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """``ratings``; ``users`` and ``items``, of which the last four are in no rating."""
    users = [(f"u{n}", 20 + n % 7, TASTES[n % 2]) for n in range(34)]
    items = [(f"é{n}", f"A {TASTES[n % 2]}, number {n}") for n in range(20)]
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS films",
            "CREATE DATABASE films",
            "CREATE TABLE films.ratings"
            " (user_id VARCHAR(9), item_id VARCHAR(9), rating DOUBLE)",
            "CREATE TABLE films.users"
            " (User_ID VARCHAR(9) PRIMARY KEY, age INT, likes VARCHAR(20))",
            "CREATE TABLE films.items (item_id VARCHAR(9) PRIMARY KEY, about TEXT)",
            "CREATE TABLE films.twice (item_id VARCHAR(9), about TEXT)",
            "INSERT INTO films.twice VALUES ('é1', 'a'), ('é1', 'b')",
            "CREATE TABLE films.nobody (item_id VARCHAR(9), about TEXT)",
        )
        with client.cursor() as cursor:
            cursor.executemany("INSERT INTO films.ratings VALUES (%s,%s,%s)", ratings())
            cursor.executemany("INSERT INTO films.users VALUES (%s, %s, %s)", users)
            cursor.executemany("INSERT INTO films.items VALUES (%s, %s)", items)
        run(
            client,
            "CREATE TABLE films.new SELECT User_ID AS user_id FROM films.users"
            " WHERE User_ID IN ('u30', 'u31')",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"DELETE FROM {CATALOG} WHERE model_handle IN {HANDLES}",
        )
        yield client
        run(
            client,
            "DROP DATABASE films",
            f"DELETE FROM {CATALOG} WHERE model_handle IN {HANDLES}",
        )


def kinds(client: Connection, table: str, key: str) -> dict[str, set[int]]:
    """Of which kinds what is recommended to each row of a table of answers is."""
    found = rows(client, f"SELECT {key}, ml_results FROM films.{table}")
    return {
        row[0]: {
            int(name[1:]) % 2
            for name in json.loads(row[1])["predictions"][
                "item_id" if key == "user_id" else "user_id"
            ]
        }
        for row in found
    }


@WITHOUT_TORCH
def test_two_towers_learn_from_tables_and_know_who_is_new(client: Connection) -> None:
    both = f", {ITEMS.format('items')}, {USERS.format('users')}"
    run(
        client,
        "SET @towered = 'towered'",
        TRAIN.format(both, "@towered"),
        "CALL sys.ML_MODEL_LOAD(@towered, NULL)",
        "CALL sys.ML_PREDICT_TABLE('films.new', @towered, 'films.found', JSON_OBJECT("
        f"'recommend', 'items', 'topk', 4{both}))",
        "CALL sys.ML_SCORE('films.ratings', 'rating', @towered, 'r2', @score,"
        f" JSON_OBJECT({both[2:]}))",
    )
    assert kinds(client, "found", "user_id") == {"u30": {0}, "u31": {1}}
    assert value(client, "SELECT @score") > 0.5
    told: Any = json.loads(
        value(
            client,
            f"SELECT model_metadata FROM {CATALOG} WHERE model_handle = 'towered'",
        )
    )
    assert told["algorithm_name"] == "TwoTower"
    assert told["options"]["user_metadata"] == {"table_name": "films.users"}
    for statement, routine in (
        ('SELECT sys.ML_PREDICT_ROW(\'{"user_id": "u1"}\', @towered, NULL)',) * 2,
        ("CALL sys.ML_MODEL_EXPORT(@towered, 'films.exported')",) * 2,
    ):
        name = routine.partition("(")[0].rpartition(".")[2]
        assert refusal(client, statement) == (
            3877,
            f"{name} is not supported for TwoTower models.",
        )


def test_a_model_of_content_recommends_what_nobody_has_chosen(
    client: Connection,
) -> None:
    metadata = ITEMS.format("items")
    run(
        client,
        "SET @content = 'content'",
        TRAIN.format(
            ", 'feedback', 'implicit', 'feedback_threshold', 4, 'model_list',"
            f" JSON_ARRAY('BPR'), {metadata}",
            "@content",
        ),
        "CREATE TABLE films.unseen SELECT item_id FROM films.items"
        " WHERE item_id IN ('é18', 'é19')",
        "CALL sys.ML_PREDICT_TABLE('films.unseen', @content, 'films.audience',"
        f" JSON_OBJECT('recommend', 'users', 'topk', 4, {metadata}))",
    )
    assert kinds(client, "audience", "item_id") == {"é18": {0}, "é19": {1}}
    row = 'SELECT sys.ML_PREDICT_ROW(\'{"user_id": "u1"}\', @content, JSON_OBJECT('
    number, message = refusal(client, f"{row}'recommend', 'items', {metadata}))")
    assert number == 3877
    assert message.startswith("ML_PREDICT_ROW takes no option item_metadata")


IMPLICIT = ", 'feedback', 'implicit', 'model_list', JSON_ARRAY('BPR')"
REFUSED = {
    "no such table": ("none", 1146, "Table 'films.none' doesn't exist"),
    "no column of names": ("users", 3877, "The table of item_metadata must have the"),
    "a name twice": ("twice", 3877, "The table of item_metadata must have one row"),
    "no rows": ("nobody", 3877, "The table of item_metadata has no rows."),
}


@pytest.mark.parametrize(("table", "number", "text"), REFUSED.values(), ids=REFUSED)
def test_tables_that_describe_nothing_are_refused(
    client: Connection, table: str, number: int, text: str
) -> None:
    options = f"{IMPLICIT}, {ITEMS.format(table)}"
    found = refusal(client, TRAIN.format(options, "@none"))
    assert found[0] == number
    assert found[1].startswith(text)


def test_a_table_without_a_name_is_refused(client: Connection) -> None:
    options = f"{IMPLICIT}, 'item_metadata', JSON_OBJECT()"
    number, message = refusal(client, TRAIN.format(options, "@none"))
    assert number == 3877
    assert "item_metadata.table_name must be of the form schema.table" in message


def test_a_table_is_read_with_the_callers_own_rights(
    client: Connection, server: Server
) -> None:
    run(
        client,
        "DROP USER IF EXISTS critic",
        "CREATE USER critic IDENTIFIED BY 'critics'",
        "GRANT SELECT ON films.ratings TO critic",
        "GRANT EXECUTE ON sys.* TO critic",
        "GRANT ALL ON ML_SCHEMA_critic.* TO critic",
    )
    try:
        with closing(server.connect(user="critic", password="critics")) as critic:
            options = f"{IMPLICIT}, {ITEMS.format('items')}"
            number, message = refusal(critic, TRAIN.format(options, "@none"))
        assert number == 1142
        assert "SELECT command denied to user 'critic'" in message
        assert "'items'" in message
    finally:
        run(client, "DROP USER critic")
