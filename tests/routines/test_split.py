"""TRAIN_TEST_SPLIT: which rows go where, for each task, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run, value
from tests.lakeside import external, load
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

HALVES = ("split_me_train", "split_me_test")


@pytest.fixture
def split_me(client: Connection) -> Iterator[str]:
    """100 rows of a class of 80, one of 14 and one of 6; days run backwards."""
    run(
        client,
        f"DROP TABLE IF EXISTS split_me, {', '.join(HALVES)}",
        "CREATE TABLE split_me (id int PRIMARY KEY, `odd ``name` json,"
        " twice int AS (2 * id), hidden int INVISIBLE DEFAULT 5, y varchar(5),"
        " day date) SECONDARY_ENGINE=RAPID",
        "SET SESSION cte_max_recursion_depth = 1000",
        "INSERT INTO split_me (id, `odd ``name`, y, day) WITH RECURSIVE n AS (SELECT 1"
        " AS i UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, JSON_ARRAY(i),"
        " CASE WHEN i <= 80 THEN 'often' WHEN i <= 94 THEN 'some' ELSE 'rare' END,"
        " '2020-01-01' - INTERVAL i DAY FROM n",
    )
    yield "routines.split_me"
    run(client, f"DROP TABLE IF EXISTS split_me, {', '.join(HALVES)}")


def split(client: Connection, target: str, options: str) -> None:
    run(client, f"DROP TABLE IF EXISTS {', '.join(HALVES)}")
    run(client, f"CALL sys.TRAIN_TEST_SPLIT('routines.split_me', {target}, {options})")


def ids(client: Connection, half: str) -> set[int]:
    return {row[0] for row in rows(client, f"SELECT id FROM {half}")}


def counts(client: Connection, half: str) -> dict[str, int]:
    query = f"SELECT y, COUNT(*) FROM {half} GROUP BY y"
    return dict(rows(client, query))


@pytest.mark.usefixtures("split_me")
def test_classes_are_split_each_by_itself(client: Connection) -> None:
    split(client, "'Y'", "JSON_OBJECT('task', 'classification')")
    train, test = HALVES
    assert counts(client, train) == {"often": 64, "some": 11, "rare": 5}
    assert counts(client, test) == {"often": 16, "some": 3, "rare": 1}
    assert ids(client, train) | ids(client, test) == set(range(1, 101))
    first = ids(client, train)
    assert first != set(range(1, 65)) | set(range(81, 92)) | set(range(95, 100))
    split(client, "'y'", "NULL")  # the default task, and the same rows again
    assert ids(client, train) == first


@pytest.mark.usefixtures("split_me")
def test_a_small_class_has_five_rows_for_training_or_all_it_has(
    client: Connection,
) -> None:
    run(client, "DELETE FROM split_me WHERE id > 98")  # four are left
    split(client, "'y'", "NULL")
    assert counts(client, HALVES[0])["rare"] == 4
    assert "rare" not in counts(client, HALVES[1])


RANDOM = {
    "regression": "'id'",
    "recommendation": "'y'",
    "topic_modeling": "NULL",
    "anomaly_detection": "''",
}


@pytest.mark.parametrize(("task", "target"), RANDOM.items(), ids=RANDOM)
@pytest.mark.usefixtures("split_me")
def test_other_tasks_are_split_at_random(
    client: Connection, task: str, target: str
) -> None:
    split(client, target, f"JSON_OBJECT('task', '{task}')")
    train, test = (ids(client, half) for half in HALVES)
    assert (len(train), len(test), len(train | test)) == (80, 20, 100)
    assert train != set(range(1, 81))


SEMI = [
    "JSON_OBJECT('task', 'anomaly_detection', 'semisupervised', 'true')",
    "JSON_OBJECT('task', 'anomaly_detection', 'experimental',"
    " JSON_OBJECT('semisupervised', JSON_OBJECT()))",
]


@pytest.mark.parametrize("options", SEMI, ids=["option", "as in ML_TRAIN"])
@pytest.mark.usefixtures("split_me")
def test_semi_supervised_anomalies_are_split_by_their_labels(
    client: Connection, options: str
) -> None:
    split(client, "'y'", options)
    assert counts(client, HALVES[0]) == {"often": 64, "some": 11, "rare": 5}


@pytest.mark.usefixtures("split_me")
def test_a_series_is_split_by_time(client: Connection) -> None:
    options = "JSON_OBJECT('task', 'forecasting', 'datetime_index', 'DAY')"
    split(client, "NULL", options)
    assert ids(client, HALVES[0]) == set(range(21, 101))
    assert ids(client, HALVES[1]) == set(range(1, 21))


@pytest.mark.usefixtures("split_me")
def test_logs_are_split_by_their_key(client: Connection) -> None:
    split(client, "NULL", "JSON_OBJECT('task', 'log_anomaly_detection')")
    assert ids(client, HALVES[0]) == set(range(1, 81))


@pytest.mark.usefixtures("split_me")
def test_the_halves_are_tables_like_the_table(client: Connection) -> None:
    split(client, "'y'", "NULL")
    for half in HALVES:
        assert rows(client, f"DESCRIBE {half}") == rows(client, "DESCRIBE split_me")
    query = "SELECT COUNT(*) FROM {} WHERE hidden = 5 AND twice = 2 * id"
    good = [value(client, query.format(half)) for half in HALVES]
    assert good == [80, 20]
    assert (
        value(
            client,
            f"SELECT SUM(JSON_EXTRACT(`odd ``name`, '$[0]') <> id) FROM {HALVES[0]}",
        )
        == 0
    )


REFUSED: dict[str, tuple[str, int, str]] = {
    "no table": ("'routines.none', 'y', NULL", 1146, "doesn't exist"),
    "no name": ("NULL, 'y', NULL", 3877, "table_name"),
    "no target": ("'routines.split_me', NULL, NULL", 3877, "ML006016"),
    "no such target": ("'routines.split_me', 'z', NULL", 3877, "ML003039"),
    "no such task": (
        "'routines.split_me', 'y', '{\"task\": \"sorting\"}'",
        3877,
        "ML001016",
    ),
    "no index": (
        "'routines.split_me', NULL, '{\"task\": \"forecasting\"}'",
        3877,
        "datetime_index is required",
    ),
    "no such index": (
        "'routines.split_me', NULL,"
        ' \'{"task": "forecasting", "datetime_index": "z"}\'',
        3877,
        "ML003039",
    ),
    "a wrong flag": (
        "'routines.split_me', 'y', '{\"semisupervised\": \"perhaps\"}'",
        3877,
        "must be true or false",
    ),
    "no object": ("'routines.split_me', 'y', '[]'", 3877, "must be a JSON object"),
    "no key": (
        "'routines.customers', 'y', '{\"task\": \"log_anomaly_detection\"}'",
        3877,
        "a primary key",
    ),
}


@pytest.mark.parametrize(("arguments", "number", "text"), REFUSED.values(), ids=REFUSED)
@pytest.mark.usefixtures("split_me")
def test_what_cannot_be_split_is_refused_and_leaves_nothing(
    client: Connection, arguments: str, number: int, text: str
) -> None:
    got = refusal(client, f"CALL sys.TRAIN_TEST_SPLIT({arguments})")
    assert (got[0], text in got[1]) == (number, True), got
    assert rows(client, "SHOW TABLES LIKE 'split_me\\_%'") == []


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.usefixtures("split_me")
def test_a_table_that_exists_is_not_written_over(client: Connection, half: str) -> None:
    run(client, f"CREATE TABLE {half} (a int)")
    call = "CALL sys.TRAIN_TEST_SPLIT('routines.split_me', 'y', NULL)"
    assert refusal(client, call)[0] == 1050
    left: Any = rows(client, "SHOW TABLES LIKE 'split_me\\_%'")
    assert left == [(half,)]


@pytest.mark.usefixtures("split_me")
def test_a_view_cannot_be_split(client: Connection) -> None:
    run(client, "CREATE OR REPLACE VIEW seen AS SELECT * FROM split_me")
    call = "CALL sys.TRAIN_TEST_SPLIT('routines.seen', 'y', NULL)"
    assert refusal(client, call) == (1347, "'routines.seen' is not BASE TABLE")
    run(client, "DROP VIEW seen")


# --- Lakehouse tables ----------------------------------------------------------------


@pytest.fixture
def of_files(client: Connection) -> Iterator[str]:
    """The same classes in a file, loaded but for a column."""
    run(client, "DROP TABLE IF EXISTS lake, lake_train, lake_test")
    names = ["often"] * 80 + ["some"] * 14 + ["rare"] * 6
    lines = [f"{k},{name},2024-01-31 10:00:00" for k, name in enumerate(names, 1)]
    with ObjectStore({"split.csv": ("\n".join(lines) + "\n").encode()}) as store:
        attribute = {
            "file": [{"par": store.url("split.csv")}],
            "dialect": {"field_delimiter": ",", "record_delimiter": "\n"},
        }
        text = client.escape(json.dumps(attribute))
        run(
            client,
            "CREATE TABLE lake (id smallint PRIMARY KEY COMMENT 'a, b', y varchar(5)"
            " COLLATE utf8mb4_bin DEFAULT 'x', at timestamp NULL, KEY k (y))"
            f" ENGINE=lakehouse SECONDARY_ENGINE=RAPID ENGINE_ATTRIBUTE={text}",
        )
        yield "routines.lake"
    run(client, "DROP TABLE IF EXISTS lake, lake_train, lake_test")


def test_a_lakehouse_table_is_split_into_tables_of_mysqls(
    client: Connection, of_files: str
) -> None:
    call = f"CALL sys.TRAIN_TEST_SPLIT('{of_files}', 'y', NULL)"
    assert refusal(client, call) == (3877, "Table has not been loaded")
    run(client, "ALTER TABLE lake SECONDARY_LOAD", "SET time_zone = '+05:00'")
    run(client, call, "SET time_zone = DEFAULT")
    assert counts(client, "lake_train") == {"often": 64, "some": 11, "rare": 5}
    assert counts(client, "lake_test") == {"often": 16, "some": 3, "rare": 1}
    assert ids(client, "lake_train") | ids(client, "lake_test") == set(range(1, 101))
    for half in ("lake_train", "lake_test"):
        created = rows(client, f"SHOW CREATE TABLE {half}")[0][1]
        assert "PRIMARY KEY (`id`)" in created
        assert "COLLATE utf8mb4_bin DEFAULT 'x'" in created
        assert "SECONDARY_ENGINE" not in created
        moments = f"SELECT at FROM lake UNION SELECT at FROM {half}"
        assert value(client, f"SELECT COUNT(*) FROM ({moments}) m") == 1
    assert refusal(client, call)[0] == 1050
    assert rows(client, "SHOW TABLES LIKE 'heatproxy%'") == []


def test_a_lakehouse_table_too_large_to_be_copied_is_refused(
    client: Connection, of_files: str, store: ObjectStore
) -> None:
    """The tests' own heatproxy copies 1 MiB."""
    store.objects["wide.csv"] = b"n,w\n" + b"1," + b"w" * 2_000_000 + b"\n"
    load(client, "routines", {"lake_wide": external(store.url("wide.csv"))})
    call = "CALL sys.TRAIN_TEST_SPLIT('routines.lake_wide', 'n', NULL)"
    number, text = refusal(client, call)
    run(client, "DROP TABLE lake_wide")
    assert (number, "lakehouse.copy_limit" in text) == (1235, True)
    assert rows(client, "SHOW TABLES LIKE 'lake_wide%'") == []
