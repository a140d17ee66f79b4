"""ML_TRAIN through a server: handles, labels, columns, errors, other users, KILL."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from heatproxy.demo_data import bank_marketing_csv
from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run, value
from tests.background import running, until_it_waits
from tests.conftest import Server
from tests.lakeside import external, load
from tests.routines.conftest import BY_BAYES, BY_LINE, Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"


def train(client: Connection, table: str, target: str, options: str = BY_BAYES) -> str:
    """Train under a handle of the server's choice."""
    run(client, "SET @made = NULL")
    run(client, f"CALL sys.ML_TRAIN('{table}', '{target}', {options}, @made)")
    return str(value(client, "SELECT @made"))


def metadata(client: Connection, handle: str) -> dict[str, Any]:
    found = value(
        client,
        f"SELECT model_metadata FROM {CATALOG} WHERE model_handle = '{handle}'",
    )
    return dict(json.loads(found))


def count(client: Connection, where: str = "TRUE") -> int:
    return int(value(client, f"SELECT COUNT(*) FROM {CATALOG} WHERE {where}"))


# --- handles ------------------------------------------------------------------------


def test_a_handle_is_made_of_table_user_and_milliseconds(client: Connection) -> None:
    handle = train(client, "routines.customers", "y")
    prefix, _, stamp = handle.rpartition("_")
    assert prefix == "routines.customers_admin"
    milliseconds = value(client, "SELECT UNIX_TIMESTAMP(NOW(3)) * 1000")
    assert 0 <= milliseconds - int(stamp) < 60_000


def test_model_ids_grow_so_that_the_last_training_is_found(client: Connection) -> None:
    handles = [train(client, "routines.customers", "y") for _ in range(2)]
    run(
        client,
        f"SET @last = (SELECT model_handle FROM {CATALOG}"
        " ORDER BY model_id DESC LIMIT 1)",
        f"SET @before = (SELECT model_handle FROM {CATALOG}"
        " ORDER BY model_id DESC LIMIT 1 OFFSET 1)",
    )
    assert rows(client, "SELECT @before, @last") == [tuple(handles)]


def test_a_handle_of_ones_own_may_be_any_text(client: Connection) -> None:
    handle = "sysmax.model-02 'größe'"
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle LIKE 'sysmax%'")
    run(client, f"SET @own = {client.escape(handle)}")
    run(client, f"CALL sys.ML_TRAIN('routines.customers', 'y', {BY_BAYES}, @own)")
    assert value(client, "SELECT @own") == handle
    run(client, "CALL sys.ML_MODEL_LOAD(@own, NULL)")


def test_a_leftover_handle_is_refused_before_any_work(client: Connection) -> None:
    before = count(client)
    run(client, "SET @left = 'bayes'")
    assert refusal(
        client, "CALL sys.ML_TRAIN('routines.houses', 'price', NULL, @left)"
    ) == (3877, "ML006017: model_handle bayes already exists in the Model_Catalog.")
    assert count(client) == before
    assert value(client, "SELECT @left") == "bayes"


# --- what can be learned ------------------------------------------------------------


def test_a_regression_predicts_numbers(client: Connection) -> None:
    run(client, "CALL sys.ML_SCORE('routines.houses', 'price', 'line', 'r2', @r2)")
    assert 0.95 < value(client, "SELECT @r2") <= 1
    run(client, "DROP TABLE IF EXISTS priced")
    run(client, "CALL sys.ML_PREDICT_TABLE('routines.houses', 'line', 'priced')")
    assert value(client, "SELECT STD(price - Prediction) FROM priced") < 10_000
    ((prediction, results),) = rows(
        client, "SELECT Prediction, ml_results FROM priced LIMIT 1"
    )
    exact = json.loads(results)["predictions"]["price"]
    assert prediction == pytest.approx(exact, rel=1e-5)


@pytest.fixture
def labelled(client: Connection) -> Iterator[None]:
    """customers, with the answer as a number and as a long text."""
    run(
        client,
        "DROP TABLE IF EXISTS labelled",
        "CREATE TABLE labelled (my_row_id bigint unsigned NOT NULL AUTO_INCREMENT"
        " PRIMARY KEY INVISIBLE, age int, job varchar(10), balance double,"
        " word longtext, number smallint unsigned)",
        "INSERT INTO labelled (age, job, balance, word, number)"
        " SELECT age, job, balance, y, 10 + (y = 'yes') FROM customers",
    )
    yield
    run(client, "DROP TABLE labelled")


@pytest.mark.parametrize(
    ("target", "kind", "answers"),
    [
        ("number", "smallint unsigned", {10, 11}),
        ("word", "varchar(255)", {"no", "yes"}),
    ],
)
def test_predictions_have_the_type_of_the_label(
    client: Connection, labelled: None, target: str, kind: str, answers: set[Any]
) -> None:
    other = "word" if target == "number" else "number"
    handle = train(
        client,
        "routines.labelled",
        target,
        "JSON_OBJECT('model_list', JSON_ARRAY('GaussianNB'),"
        f" 'exclude_column_list', JSON_ARRAY('my_row_id', '{other}'))",
    )
    run(client, "DROP TABLE IF EXISTS labels")
    run(client, f"CALL sys.ML_PREDICT_TABLE('routines.labelled', '{handle}', 'labels')")
    types = dict((row[0], row[1]) for row in rows(client, "DESCRIBE labels"))
    assert types["Prediction"] == kind
    found = {
        answer for (answer,) in rows(client, "SELECT DISTINCT Prediction FROM labels")
    }
    assert found == answers


def test_an_invisible_key_is_a_column_unless_it_is_excluded(
    client: Connection, labelled: None
) -> None:
    handle = train(
        client,
        "routines.labelled",
        "word",
        "JSON_OBJECT('model_list', JSON_ARRAY('GaussianNB'),"
        " 'exclude_column_list', JSON_ARRAY('my_row_id', 'number'))",
    )
    found = metadata(client, handle)
    assert found["column_names"] == ["age", "job", "balance"]
    assert found["n_columns"] == 3
    assert found["options"]["exclude_column_list"] == ["my_row_id", "number"]
    run(client, "DROP TABLE IF EXISTS keyed")
    run(client, f"CALL sys.ML_PREDICT_TABLE('routines.labelled', '{handle}', 'keyed')")
    first, *_ = rows(client, "SHOW FULL COLUMNS FROM keyed")
    assert (first[0], first[1], first[4]) == ("my_row_id", "bigint unsigned", "PRI")
    assert "INVISIBLE" not in first[6]


def test_notes_and_options_are_kept(client: Connection) -> None:
    handle = train(
        client,
        "routines.customers",
        "Y",
        "JSON_OBJECT('task', 'Classification', 'notes', 'für später',"
        " 'optimization_metric', 'f1', 'model_list', JSON_ARRAY('GaussianNB'))",
    )
    found = metadata(client, handle)
    assert found["notes"] == "für später"
    assert found["target_column_name"] == "y"
    assert found["optimization_metric"] == "f1"
    assert found["algorithm_name"] == "GaussianNB"
    ((kind, task, notes, owner),) = rows(
        client,
        f"SELECT model_type, task, notes, model_owner FROM {CATALOG}"
        f" WHERE model_handle = '{handle}'",
    )
    assert (kind, task, notes, owner) == (
        *("GaussianNB", "classification", "für später", "admin"),
    )


def test_words_arrive_unchanged_whatever_the_sessions_results_are_in(
    client: Connection,
) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS umlauts",
        "CREATE TABLE umlauts AS SELECT age, balance,"
        " IF(y = 'yes', 'größer', 'kleiner') AS `wörter` FROM customers",
        "SET character_set_results = latin1",
    )
    found = train(client, "routines.umlauts", "wörter")
    run(client, "SET character_set_results = utf8mb4")
    assert metadata(client, found)["target_column_name"] == "wörter"
    run(client, "DROP TABLE IF EXISTS guessed")
    run(client, f"CALL sys.ML_PREDICT_TABLE('routines.umlauts', '{found}', 'guessed')")
    assert value(
        client, "SELECT COUNT(DISTINCT Prediction) FROM guessed WHERE Prediction"
        " IN ('größer', 'kleiner')"
    ) in (1, 2)  # fmt: skip


# --- what cannot --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "target", "number", "words"),
    [
        ("routines.nope", "'y'", 1146, "Table 'routines.nope' doesn't exist"),
        ("nope.nope", "'y'", 1049, "Unknown database 'nope'"),
        ("routines.customers", "'nope'", 3877, "ML003039"),
        ("routines.customers", "NULL", 3877, "ML006016"),
        ("routines.customers", "''", 3877, "ML006016"),
    ],
)
def test_a_call_that_cannot_be_leaves_the_handle_free(
    client: Connection, table: str, target: str, number: int, words: str
) -> None:
    before = count(client)
    run(client, "SET @free = 'never_taken'")
    found, text = refusal(
        client, f"CALL sys.ML_TRAIN('{table}', {target}, NULL, @free)"
    )
    assert (found, words in text) == (number, True), text
    assert count(client) == before


@pytest.mark.parametrize(
    ("table", "target", "code"),
    [("customers", "'job'", "ML001053"), ("houses", "'price'", "ML001031")],
)
def test_a_training_on_unfit_data_leaves_a_row_that_says_why(
    client: Connection, table: str, target: str, code: str
) -> None:
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'unfit'")
    run(client, "SET @unfit = 'unfit'")
    call = f"CALL sys.ML_TRAIN('routines.{table}', {target}, NULL, @unfit)"
    number, text = refusal(client, call)
    assert (number, text[:8]) == (3877, code)
    found = metadata(client, "unfit")
    assert (found["status"], found["notes"]) == ("Error", text)
    assert found["train_table_name"] == f"routines.{table}"
    assert refusal(client, "CALL sys.ML_MODEL_LOAD('unfit', NULL)")[0] == 3877
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'unfit'")


def test_a_view_is_refused(client: Connection) -> None:
    run(client, "CREATE OR REPLACE VIEW seen AS SELECT * FROM customers")
    assert refusal(client, "CALL sys.ML_TRAIN('routines.seen', 'y', NULL, @m)") == (
        1347,
        "'routines.seen' is not BASE TABLE",
    )


# --- ended in the middle ------------------------------------------------------------


@pytest.fixture(scope="module")
def much(server: Server, store: ObjectStore, schema: str) -> str:
    """A Lakehouse table that takes seconds to learn from."""
    store.objects["much.csv"] = bank_marketing_csv(rows=6000)
    with closing(server.connect()) as admin:
        load(
            admin,
            schema,
            {"much": external(store.url("much.csv"), {"has_header": True})},
        )
    return f"{schema}.much"


def test_a_killed_training_leaves_one_row_that_says_so(
    client: Connection, server: Server, much: str
) -> None:
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'killed'")
    run(client, "SET @k = 'killed'")
    with closing(server.connect()) as other:
        call = f"CALL sys.ML_TRAIN('{much}', 'y', NULL, @k)"
        with running(client, call) as training:
            until_it_waits(other, client.thread_id(), "training")
            run(other, f"KILL QUERY {client.thread_id()}")
            problem = training.exception()
        assert problem.args == (1317, "Query execution was interrupted")
    found = metadata(client, "killed")
    assert found["status"] == "Error"
    assert found["notes"] == "Query execution was interrupted"
    assert found["train_table_name"] == much
    assert count(client, "model_handle = 'killed' AND model_type IS NULL") == 1
    assert rows(
        client,
        "SELECT * FROM ML_SCHEMA_admin.model_object_catalog"
        " WHERE model_handle = 'killed'",
    ) == []  # fmt: skip
    assert refusal(client, "CALL sys.ML_MODEL_LOAD('killed', NULL)")[0] == 3877
    assert refusal(client, call)[1].startswith("ML006017")
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'killed'")
    run(client, call.replace("NULL", BY_BAYES))
    assert metadata(client, "killed")["status"] == "Ready"


def test_a_training_can_be_given_a_time_limit(client: Connection, much: str) -> None:
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'too long'")
    run(client, "SET @k = 'too long'", "SET max_execution_time = 200")
    number, text = refusal(client, f"CALL sys.ML_TRAIN('{much}', 'y', NULL, @k)")
    assert (number, "maximum statement execution time" in text) == (3024, True)
    run(client, "SET max_execution_time = 0")
    assert metadata(client, "too long")["status"] == "Error"


# --- several users ------------------------------------------------------------------


@pytest.fixture
def users(server: Server, schema: str) -> Iterator[tuple[Connection, Connection]]:
    """Two users who may read the tables and use the routines, each a catalog."""
    with closing(server.connect()) as admin:
        for name in ("ann", "bob"):
            run(
                admin,
                f"DROP USER IF EXISTS {name}",
                f"DROP DATABASE IF EXISTS ML_SCHEMA_{name}",
                f"CREATE USER {name} IDENTIFIED BY 'pw'",
                f"GRANT SELECT ON {schema}.* TO {name}",
                f"GRANT ALL ON ML_SCHEMA_{name}.* TO {name}",
                f"GRANT EXECUTE ON sys.* TO {name}",
            )
        with (
            closing(server.connect(user="ann", password="pw")) as ann,
            closing(server.connect(user="bob", password="pw")) as bob,
        ):
            yield ann, bob
        for name in ("ann", "bob"):
            run(admin, f"DROP USER {name}", f"DROP DATABASE IF EXISTS ML_SCHEMA_{name}")


def test_two_users_train_under_the_same_handle_at_the_same_time(
    users: tuple[Connection, Connection],
) -> None:
    ann, bob = users
    for user in users:
        run(user, "SET @mine = 'mine'")
    with (
        running(
            ann, f"CALL sys.ML_TRAIN('routines.customers', 'y', {BY_BAYES}, @mine)"
        ),
        running(
            bob, f"CALL sys.ML_TRAIN('routines.houses', 'price', {BY_LINE}, @mine)"
        ),
    ):
        pass  # both are awaited
    found = [
        rows(
            user, f"SELECT model_handle, task, model_owner FROM {schema}.MODEL_CATALOG"
        )
        for user, schema in ((ann, "ML_SCHEMA_ann"), (bob, "ML_SCHEMA_bob"))
    ]
    assert found == [
        [("mine", "classification", "ann")],
        [("mine", "regression", "bob")],
    ]
    price = value(
        bob, 'SELECT sys.ML_PREDICT_ROW(\'{"area": 100, "town": "A"}\', \'mine\')'
    )
    assert '"price"' in price
    age = (
        'SELECT sys.ML_PREDICT_ROW(\'{"age":30,"job":"nurse","balance":1}\', \'mine\')'
    )
    assert '"Prediction": ' in value(ann, age)
    assert refusal(ann, "SELECT * FROM ML_SCHEMA_bob.MODEL_CATALOG")[0] == 1142
