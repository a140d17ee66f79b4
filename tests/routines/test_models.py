"""Loading, unloading, listing, deleting, sharing and damaging models."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import BY_BAYES, ROW, Connection

pytestmark = pytest.mark.mysql

OBJECTS = "ML_SCHEMA_admin.model_object_catalog"
PREDICT = f"SELECT sys.ML_PREDICT_ROW({ROW}, 'own', NULL)"


@pytest.fixture
def own(client: Connection) -> str:
    """A model that a test may spoil."""
    run(
        client,
        "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'own'",
        "SET @own = 'own'",
        f"CALL sys.ML_TRAIN('routines.customers', 'y', {BY_BAYES}, @own)",
    )
    return "own"


def active(connection: Connection, user: str = "current") -> Any:
    run(connection, f"CALL sys.ML_MODEL_ACTIVE('{user}', @active)")
    return json.loads(value(connection, "SELECT @active"))


def test_a_loaded_model_is_active_until_it_is_unloaded(
    client: Connection, own: str
) -> None:
    run(client, f"CALL sys.ML_MODEL_LOAD('{own}', NULL)")
    run(client, f"CALL sys.ML_MODEL_LOAD('{own}', NULL)")  # harmless
    size = value(
        client,
        "SELECT model_object_size FROM ML_SCHEMA_admin.MODEL_CATALOG"
        " WHERE model_handle = 'own'",
    )
    described = {"format": "HWMLv2.0", "model_size(byte)": size}
    total, mine = active(client)
    assert mine[own] == described
    assert total["total model size(bytes)"] == sum(
        model["model_size(byte)"] for model in mine.values()
    )
    everybody = active(client, "all")[1]
    assert {own: described} in everybody["admin"]
    run(client, f"CALL sys.ML_MODEL_UNLOAD('{own}')")
    assert own not in active(client)[1]


def test_unloading_what_is_not_loaded_is_no_error(client: Connection) -> None:
    run(
        client,
        "CALL sys.ML_MODEL_UNLOAD('never loaded')",
        "CALL sys.ML_MODEL_UNLOAD(@never_set)",
    )


def test_active_takes_current_all_or_null(client: Connection) -> None:
    run(client, "CALL sys.ML_MODEL_ACTIVE(NULL, @nobody)")
    number, text = refusal(client, "CALL sys.ML_MODEL_ACTIVE('bob', @nobody)")
    assert (number, "'current', 'all' or NULL" in text) == (3877, True)


def test_a_model_is_loaded_by_the_first_routine_that_needs_it(
    client: Connection, own: str
) -> None:
    run(client, f"CALL sys.ML_MODEL_UNLOAD('{own}')")
    assert '"Prediction": ' in value(client, PREDICT)
    assert own in active(client)[1]


def test_a_model_deleted_from_the_catalog_is_gone(client: Connection, own: str) -> None:
    run(client, f"CALL sys.ML_MODEL_LOAD('{own}', NULL)")
    run(client, "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'own'")
    assert refusal(client, PREDICT) == (
        3877,
        "ML006018: model_handle own does not exist in the Model_Catalog.",
    )
    assert rows(client, f"SELECT * FROM {OBJECTS} WHERE model_handle = 'own'") == []
    assert own not in active(client)[1]


def test_a_model_trained_anew_under_its_handle_replaces_the_loaded_one(
    client: Connection, own: str
) -> None:
    before = value(client, PREDICT)
    run(
        client,
        "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'own'",
        "DROP TABLE IF EXISTS other_way",
        "CREATE TABLE other_way AS SELECT age, job, balance,"
        " IF(y = 'yes', 'no', 'yes') AS y FROM customers",
        f"CALL sys.ML_TRAIN('routines.other_way', 'y', {BY_BAYES}, @own)",
    )
    after = value(client, PREDICT)
    assert {json.loads(text)["Prediction"] for text in (before, after)} == {"no", "yes"}


def test_an_explanation_made_anew_is_in_the_catalog(
    client: Connection, own: str
) -> None:
    run(
        client,
        "CALL sys.ML_EXPLAIN('routines.customers', 'y', 'own', JSON_OBJECT("
        "'model_explainer', 'partial_dependence', 'columns_to_explain',"
        " JSON_ARRAY('age'), 'target_value', 'yes'))",
    )
    ((explained, noted, damaged),) = rows(
        client,
        "SELECT model_explanation, model_metadata->'$.model_explanation',"
        " model_metadata->>'$.status' <> 'Ready' FROM ML_SCHEMA_admin.MODEL_CATALOG"
        " WHERE model_handle = 'own'",
    )
    assert list(json.loads(explained)["partial_dependence"]) == ["age"]
    assert (json.loads(noted), damaged) == (json.loads(explained), 0)
    run(client, f"CALL sys.ML_MODEL_UNLOAD('{own}')")
    assert '"Prediction": ' in value(client, PREDICT)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("'age'", "ML003011: Columns of provided data need to match those used for"),
        ("NULL", "ML006016: target_column_name cannot be Null or empty."),
        ("''", "ML006016: target_column_name cannot be Null or empty."),
    ],
)
def test_only_the_models_own_target_is_explained(
    client: Connection, own: str, target: str, code: str
) -> None:
    explain = f"CALL sys.ML_EXPLAIN('routines.customers', {target}, '{own}', NULL)"
    number, text = refusal(client, explain)
    assert number == 3877
    assert text.startswith(code)
    run(client, f"CALL sys.ML_EXPLAIN('routines.customers', 'Y', '{own}', NULL)")


def test_what_has_no_label_is_not_explained(client: Connection, own: str) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS unlabelled",
        "CREATE TABLE unlabelled AS SELECT age, job, balance,"
        " IF(age < 30, NULL, y) AS y FROM customers",
    )
    explain = f"CALL sys.ML_EXPLAIN('routines.unlabelled', 'y', '{own}', NULL)"
    number, text = refusal(client, explain)
    assert (number, text[:9]) == (3877, "ML001053:")


@pytest.mark.parametrize("target", ["NULL", "''"])
def test_a_score_needs_a_target(client: Connection, own: str, target: str) -> None:
    score = f"'routines.customers', {target}, '{own}', 'accuracy', @score, NULL"
    message = "ML006016: target_column_name cannot be Null or empty."
    assert refusal(client, f"CALL sys.ML_SCORE({score})") == (3877, message)


# --- damaged objects ----------------------------------------------------------------

DAMAGE = {
    "cut": "SET model_object = LEFT(model_object, LENGTH(model_object) DIV 2)",
    "no Base64": "SET model_object = REPEAT('*', LENGTH(model_object))",
    "another letter": "SET model_object = INSERT(model_object, 41, 4,"
    " IF(SUBSTR(model_object, 41, 4) = 'AAAA', 'BBBB', 'AAAA'))",
    "NULL": "SET model_object = NULL",
    "a pickle": "SET model_object = TO_BASE64(UNHEX(RPAD('80049528', 2 * (SELECT"
    " model_object_size FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE"
    " model_handle = 'own'), '2e')))",
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_object_is_a_clear_error_and_the_session_goes_on(
    client: Connection, own: str, change: str
) -> None:
    run(client, f"CALL sys.ML_MODEL_UNLOAD('{own}')")
    run(client, f"UPDATE {OBJECTS} {change} WHERE model_handle = 'own'")
    number, text = refusal(client, PREDICT)
    assert number == 3877
    assert "damaged" in text or "cannot be read" in text, text
    assert refusal(client, f"CALL sys.ML_MODEL_LOAD('{own}', NULL)")[0] == 3877
    assert '"Prediction": ' in value(client, PREDICT.replace("'own'", "'bayes'"))


def test_chunks_that_are_missing_are_noticed(client: Connection, own: str) -> None:
    run(client, f"CALL sys.ML_MODEL_UNLOAD('{own}')")
    run(client, f"DELETE FROM {OBJECTS} WHERE model_handle = 'own'")
    number, text = refusal(client, PREDICT)
    assert (number, text) == (3877, "ML003025: The model object of 'own' is damaged.")


# --- sharing ------------------------------------------------------------------------


@pytest.fixture
def guest(server: Server, client: Connection) -> Iterator[Connection]:
    """A user who may read admin's catalog."""
    run(
        client,
        "DROP USER IF EXISTS guest",
        "CREATE USER guest IDENTIFIED BY 'pw'",
        "GRANT EXECUTE ON sys.* TO guest",
        "GRANT SELECT ON ML_SCHEMA_admin.* TO guest",
        "GRANT ALL ON ML_SCHEMA_guest.* TO guest",
    )
    with closing(server.connect(user="guest", password="pw")) as connection:
        yield connection
    run(client, "DROP USER guest")


def test_a_model_is_shared_by_a_grant_and_its_owners_name(
    client: Connection, guest: Connection, own: str
) -> None:
    assert refusal(guest, PREDICT)[1].startswith("ML006018")
    run(guest, "CALL sys.ML_MODEL_LOAD('own', 'admin')")
    assert json.loads(value(guest, PREDICT)) == json.loads(value(client, PREDICT))
    assert active(guest)[1].keys() == {"own"}
    everybody = active(client, "all")[1]
    assert [set(one) for one in everybody["guest"]] == [{"own"}]
    run(guest, "CALL sys.ML_MODEL_UNLOAD('own')")
    assert refusal(guest, PREDICT)[1].startswith("ML006018")


def test_a_model_is_not_shared_without_the_grant(
    client: Connection, guest: Connection, own: str
) -> None:
    run(guest, "CALL sys.ML_MODEL_LOAD('own', 'admin')")
    run(client, "REVOKE SELECT ON ML_SCHEMA_admin.* FROM guest")
    for sql in ("CALL sys.ML_MODEL_LOAD('own', 'admin')", PREDICT):
        number, text = refusal(guest, sql)
        assert (number, "SELECT command denied" in text) == (1142, True)


@pytest.mark.parametrize("owner", ["nobody", "a.b", "", "NULL"])
def test_an_owner_without_catalog_shares_nothing(
    client: Connection, owner: str
) -> None:
    given = owner if owner == "NULL" else f"'{owner}'"
    number, _ = refusal(client, f"CALL sys.ML_MODEL_LOAD('none such', {given})")
    assert number == 3877
