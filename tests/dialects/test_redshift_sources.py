"""CREATE MODEL from files behind URLs and within MAX_RUNTIME; functions in MySQL."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
LINEAR = "AUTO OFF MODEL_TYPE LINEAR_LEARNER"
COLUMNS = "id INT, size DOUBLE, price DOUBLE"
LINES = "".join(f"{n},{n * 7 % 40}.5,{3 * (n * 7 % 40) + n % 3}\n" for n in range(80))


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """A session in a schema with a table of a file, and the same rows in InnoDB."""
    with (
        ObjectStore({"sold.csv": LINES.encode()}) as store,
        closing(server.connect()) as made,
    ):
        run(
            made,
            "DROP DATABASE IF EXISTS faraway",
            "CREATE DATABASE faraway",
            "USE faraway",
            f"CREATE EXTERNAL TABLE lake ({COLUMNS})"
            " FILE_FORMAT=(FORMAT csv FIELDS TERMINATED BY ','"
            " LINES TERMINATED BY '\\n')"
            f" FILES=(URI='{store.url('sold.csv')}')",
            "ALTER TABLE lake SECONDARY_LOAD",
            f"CREATE TABLE twin ({COLUMNS})",
            "INSERT INTO twin SELECT * FROM lake",
            "DROP MODEL IF EXISTS of_twin",
            f"CREATE MODEL of_twin FROM (SELECT size, price FROM twin) TARGET price"
            f" FUNCTION price_of {LINEAR}",
        )
        yield made
        run(made, "DROP MODEL IF EXISTS of_twin", "DROP DATABASE faraway")


@pytest.mark.parametrize(
    "source",
    [
        "(SELECT size, price FROM lake)",
        "(SELECT l.size, t.price FROM lake l JOIN twin t USING (id))",
    ],
    ids=["files", "files joined to a table"],
)
def test_files_are_learned_from_as_tables_are(client: Connection, source: str) -> None:
    run(
        client,
        f"CREATE MODEL of_lake FROM {source} TARGET price FUNCTION lake_price {LINEAR}",
    )
    try:
        both = "SELECT lake_price(size), price_of(size) FROM lake ORDER BY id"
        found = rows(client, both)
        assert len(found) == 80
        assert [a for a, _ in found] == pytest.approx([b for _, b in found])
    finally:
        run(client, "DROP MODEL of_lake")


def test_a_whole_table_of_files_is_learned_from(client: Connection) -> None:
    run(
        client,
        f"CREATE MODEL whole FROM lake TARGET price FUNCTION whole_price {LINEAR}",
    )
    assert isinstance(value(client, "SELECT whole_price(1, 2.5)"), float)
    shown = dict(rows(client, "SHOW MODEL whole"))
    assert shown["Function Parameter Types"] == "int4 float8"
    run(client, "DROP MODEL whole")


def test_a_training_ends_behind_max_runtime_and_leaves_nothing(
    client: Connection,
) -> None:
    number, text = refusal(
        client,
        "CREATE MODEL endless FROM twin TARGET price FUNCTION endless_price AUTO OFF"
        " MODEL_TYPE MLP HYPERPARAMETERS DEFAULT EXCEPT (max_iter '100000000', tol '0',"
        " n_iter_no_change '100000000') SETTINGS (MAX_RUNTIME 1)",
    )
    assert (number, "MAX_RUNTIME 1 " in text) == (3877, True)
    assert refusal(client, "SELECT endless_price(1, 2)")[0] == 1305
    assert refusal(client, "SHOW MODEL endless")[0] == 3877
    kept = f"SELECT COUNT(*) FROM {CATALOG} WHERE model_handle = 'faraway.endless'"
    assert value(client, kept) == 0


def test_the_function_is_one_of_mysqls_for_whoever_may_execute_it(
    client: Connection, server: Server
) -> None:
    asked = "SELECT faraway.price_of(10.5)"
    run(client, "DROP USER IF EXISTS plain", "CREATE USER plain IDENTIFIED BY 'guest'")
    try:
        with closing(server.connect_backend()) as straight:
            assert value(straight, asked) == value(client, asked)
            run(straight, "USE faraway")
            assert rows(straight, "SELECT price_of(size) FROM twin") == rows(
                client, "SELECT price_of(size) FROM twin"
            )
        with closing(server.connect_backend(user="plain", password="guest")) as guest:
            assert refusal(guest, asked)[0] == 1370
            run(client, "GRANT EXECUTE ON FUNCTION faraway.price_of TO plain")
            assert refusal(guest, asked)[0] == 1370  # of sys.ML_PREDICT_ROW
            run(client, "GRANT EXECUTE ON FUNCTION sys.ML_PREDICT_ROW TO plain")
            assert refusal(guest, asked)[0] in (1142, 1370, 3877)  # of the model
    finally:
        run(client, "DROP USER plain")
