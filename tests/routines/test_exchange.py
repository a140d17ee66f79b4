"""Models that leave the catalog as a table and come in as one, or in ONNX format."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import refusal, rows, run, value
from tests.automl import onnx_models
from tests.conftest import Server
from tests.routines.conftest import ROW, Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"
OBJECTS = "ML_SCHEMA_admin.model_object_catalog"
HANDLES = "('copy', 'onnx', 'broken', 'chunky')"
NAMED = {
    "target_column_name": "answer",
    "onnx_outputs_info": {
        "prediction_probabilities_name": "p",
        "labels_map": {"0": "no", "1": "yes"},
    },
}
OLD_NURSE = "JSON_OBJECT('age', 61, 'job', 'nurse')"


@pytest.fixture
def clean(client: Connection) -> Connection:
    """A session beside which nothing of an earlier test is left."""
    run(
        client,
        f"DELETE FROM {CATALOG} WHERE model_handle IN {HANDLES}",
        "DROP TABLE IF EXISTS exported, chunks, answers",
    )
    return client


def predicted(connection: Connection, handle: str, row: str = ROW) -> Any:
    text = value(connection, f"SELECT sys.ML_PREDICT_ROW({row}, '{handle}', NULL)")
    return json.loads(text)


def import_onnx(connection: Connection, data: bytes, said: Any, handle: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET @object = %s", (base64.b64encode(data).decode(),))
        cursor.execute("SET @said = %s, @handle = %s", (json.dumps(said), handle))
        cursor.execute("CALL sys.ML_MODEL_IMPORT(@object, @said, @handle)")


# --- export and import ----------------------------------------------------------------


def test_an_export_has_the_chunks_and_the_metadata_of_the_catalog(
    clean: Connection,
) -> None:
    run(clean, "CALL sys.ML_MODEL_EXPORT('bayes', 'routines.exported')")
    described = [row[:2] for row in rows(clean, "DESCRIBE exported")]
    assert described == [
        ("chunk_id", "int"),
        ("model_object", "longtext"),
        ("model_metadata", "json"),
    ]
    assert rows(clean, "SELECT chunk_id, model_object FROM exported") == rows(
        clean,
        f"SELECT chunk_id, model_object FROM {OBJECTS} WHERE model_handle = 'bayes'",
    )
    equal = value(
        clean,
        "SELECT (SELECT model_metadata FROM exported WHERE chunk_id = 1) = "
        f"(SELECT model_metadata FROM {CATALOG} WHERE model_handle = 'bayes')",
    )
    assert equal == 1


def test_what_was_exported_is_imported_byte_for_byte(clean: Connection) -> None:
    run(
        clean,
        "CALL sys.ML_MODEL_EXPORT('bayes', 'routines.exported')",
        "SET @copy = 'copy'",
        "CALL sys.ML_MODEL_IMPORT(NULL,"
        " JSON_OBJECT('schema', 'routines', 'table', 'exported'), @copy)",
    )
    found = rows(
        clean,
        "SELECT model_type, task, target_column_name, train_table_name, column_names,"
        " model_explanation, model_object_size, notes, model_metadata, model_owner"
        f" FROM {CATALOG} WHERE model_handle IN ('bayes', 'copy')",
    )
    assert len(found) == 2
    assert found[0] == found[1]
    assert predicted(clean, "copy") == predicted(clean, "bayes")
    (first,), (second,) = rows(
        clean,
        f"SELECT SHA2(model_object, 256) FROM {OBJECTS}"
        " WHERE model_handle IN ('bayes', 'copy')",
    )
    assert first == second


def test_a_handle_is_made_up_where_none_is_given(clean: Connection) -> None:
    run(
        clean,
        "CALL sys.ML_MODEL_EXPORT('bayes', 'routines.exported')",
        "SET @new = NULL",
        "CALL sys.ML_MODEL_IMPORT(NULL,"
        " JSON_OBJECT('schema', 'routines', 'table', 'exported'), @new)",
    )
    handle = value(clean, "SELECT @new")
    assert handle.startswith("routines.customers_admin_")
    assert predicted(clean, handle) == predicted(clean, "bayes")
    run(clean, f"DELETE FROM {CATALOG} WHERE model_handle = @new")


def test_a_model_of_many_chunks_is_put_together(clean: Connection) -> None:
    """As the chunks of another server may be: cut anywhere, with breaks of lines."""
    run(clean, "CALL sys.ML_MODEL_EXPORT('bayes', 'routines.exported')")
    text = value(clean, "SELECT model_object FROM exported")
    metadata = json.loads(value(clean, "SELECT model_metadata FROM exported"))
    cuts = [text[start : start + 777] for start in range(0, len(text), 777)]
    run(clean, "CREATE TABLE chunks LIKE exported")
    with clean.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO chunks (model_object) VALUES (%s)",
            [(f"{cut[:99]}\n{cut[99:]}",) for cut in cuts],
        )
        cursor.execute(
            "UPDATE chunks SET model_metadata = %s WHERE chunk_id = 1",
            (json.dumps({**metadata, "chunks": None}),),
        )
    run(
        clean,
        "SET @chunky = 'chunky'",
        "CALL sys.ML_MODEL_IMPORT(NULL,"
        " JSON_OBJECT('schema', 'routines', 'table', 'chunks'), @chunky)",
    )
    assert len(cuts) > 3
    assert predicted(clean, "chunky") == predicted(clean, "bayes")


def test_a_model_without_an_object_is_one_row_of_chunk_0(clean: Connection) -> None:
    run(
        clean,
        f"INSERT INTO {CATALOG} (model_handle, model_metadata)"
        " VALUES ('broken', JSON_OBJECT('status', 'Error'))",
        "CALL sys.ML_MODEL_EXPORT('broken', 'routines.exported')",
    )
    assert rows(clean, "SELECT * FROM exported") == [(0, None, '{"status": "Error"}')]


def test_export_writes_over_no_table_and_leaves_none_behind(clean: Connection) -> None:
    run(clean, "CREATE TABLE exported (a int)")
    export = "CALL sys.ML_MODEL_EXPORT({}, 'routines.exported')"
    assert refusal(clean, export.format("'bayes'"))[0] == 1050
    run(clean, "DROP TABLE exported")
    assert refusal(clean, export.format("'none'"))[1].startswith("ML006018")
    assert refusal(clean, export.format("NULL"))[1].startswith("ML006020")
    assert rows(clean, "SHOW TABLES LIKE 'exported'") == []


@pytest.fixture
def reader(server: Server, client: Connection) -> Iterator[Connection]:
    """A user of another catalog who may read and write the schema."""
    run(
        client,
        "DROP USER IF EXISTS reader",
        "CREATE USER reader IDENTIFIED BY 'pw'",
        "GRANT EXECUTE ON sys.* TO reader",
        "GRANT SELECT ON routines.* TO reader",
        "GRANT SELECT, INSERT, CREATE, ALTER, UPDATE, DELETE, DROP, GRANT OPTION"
        " ON ML_SCHEMA_reader.* TO reader",
    )
    with closing(server.connect(user="reader", password="pw")) as connection:
        yield connection
    run(client, "DROP USER reader", "DROP DATABASE IF EXISTS ML_SCHEMA_reader")


def test_a_model_is_shared_through_a_table_that_both_can_read(
    clean: Connection, reader: Connection
) -> None:
    run(clean, "CALL sys.ML_MODEL_EXPORT('bayes', 'routines.exported')")
    run(
        reader,
        "SET @mine = 'mine'",
        "CALL sys.ML_MODEL_IMPORT(NULL,"
        " JSON_OBJECT('schema', 'routines', 'table', 'exported'), @mine)",
        "CALL sys.ML_MODEL_LOAD(@mine, NULL)",
    )
    assert predicted(reader, "mine") == predicted(clean, "bayes")


CHUNKS = (
    "CREATE TABLE chunks (chunk_id int, model_object longtext, model_metadata json)"
)
BAD_TABLES: dict[str, tuple[list[str], str]] = {
    "no columns": (["CREATE TABLE chunks (a int)"], "columns chunk_id"),
    "no chunk": ([CHUNKS], "exactly one row"),
    "chunk 1 twice": (
        [CHUNKS, "INSERT INTO chunks VALUES (1, 'AAAA', '{}'), (1, 'AAAA', '{}')"],
        "exactly one row",
    ),
    "no Base64": (
        [CHUNKS, "INSERT INTO chunks VALUES (1, '*', '{}')"],
        "ML004001: The chunks of routines.chunks are not Base64",
    ),
    "an array": (
        [CHUNKS, "INSERT INTO chunks VALUES (1, 'AAAA', '[]')"],
        "no JSON object",
    ),
    "another count": (
        [CHUNKS, "INSERT INTO chunks VALUES (1, 'AAAA', '{\"chunks\": 2}')"],
        "chunks = 2",
    ),
    "no model": (
        [CHUNKS, "INSERT INTO chunks VALUES (1, 'AAAA', '{\"format\": \"HWMLv2.0\"}')"],
        "not of this format",
    ),
    "a pickle": (
        [
            CHUNKS,
            "INSERT INTO chunks VALUES (1, TO_BASE64(UNHEX('80049528')),"
            ' \'{"format": "HWMLv2.0"}\')',
        ],
        "not of this format",
    ),
}


@pytest.mark.parametrize(("made", "text"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_holds_no_model_is_refused(
    clean: Connection, made: list[str], text: str
) -> None:
    run(clean, *made, "SET @copy = 'copy'")
    call = (
        "CALL sys.ML_MODEL_IMPORT(NULL,"
        " JSON_OBJECT('schema', 'routines', 'table', 'chunks'), @copy)"
    )
    number, message = refusal(clean, call)
    assert (number, text in message) == (3877, True), message
    assert rows(clean, f"SELECT * FROM {CATALOG} WHERE model_handle = 'copy'") == []


def test_import_needs_an_object_or_a_table_and_a_free_handle(clean: Connection) -> None:
    run(clean, "SET @copy = 'copy', @bayes = 'bayes'")
    for said in ("NULL", "'{}'", "JSON_OBJECT('schema', 'routines')"):
        call = f"CALL sys.ML_MODEL_IMPORT(NULL, {said}, @copy)"
        assert "must name a table" in refusal(clean, call)[1]
    call = "CALL sys.ML_MODEL_IMPORT('AAAA', NULL, @bayes)"
    assert refusal(clean, call) == (
        3877,
        "ML006017: model_handle bayes already exists in the Model_Catalog.",
    )
    absent = "JSON_OBJECT('schema', 'routines', 'table', 'no_such')"
    assert refusal(clean, f"CALL sys.ML_MODEL_IMPORT(NULL, {absent}, @copy)")[0] == 1146


# --- ONNX -----------------------------------------------------------------------------


def test_an_onnx_model_predicts_scores_and_explains(clean: Connection) -> None:
    import_onnx(clean, onnx_models.by_name(), NAMED, "onnx")
    ((kind, metadata),) = rows(
        clean,
        f"SELECT task, model_metadata FROM {CATALOG} WHERE model_handle = 'onnx'",
    )
    said = json.loads(metadata)
    assert (kind, said["format"], said["status"]) == (
        "classification",
        "ONNXv2.0",
        "Ready",
    )
    assert said["column_names"] == ["age", "job"]
    run(clean, "CALL sys.ML_MODEL_LOAD('onnx', NULL)")
    assert predicted(clean, "onnx", OLD_NURSE) == {
        "age": 61,
        "job": "nurse",
        "Prediction": "yes",
        "ml_results": {
            "predictions": {"answer": "yes"},
            "probabilities": {"no": 0.1, "yes": 0.9},
        },
    }
    run(
        clean,
        "DROP TABLE IF EXISTS people",
        "CREATE TABLE people AS SELECT age, job, IF(age > 50 OR job = 'nurse', 'yes',"
        " 'no') AS answer FROM customers WHERE age IS NOT NULL AND job IS NOT NULL",
        "CALL sys.ML_PREDICT_TABLE('routines.people', 'onnx', 'routines.answers')",
        "CALL sys.ML_SCORE('routines.people', 'answer', 'onnx', 'accuracy', @s, NULL)",
    )
    wrong = "SELECT COUNT(*) FROM answers WHERE Prediction <> answer"
    assert value(clean, wrong) == 0
    assert value(clean, "SELECT @s") == 1.0
    by_shap = "JSON_OBJECT('prediction_explainer', 'shap')"
    explain = f"SELECT sys.ML_EXPLAIN_ROW({OLD_NURSE}, 'onnx', {by_shap})"
    assert refusal(clean, explain)[1].startswith("ML004007")
    run(
        clean,
        "CALL sys.ML_EXPLAIN('routines.people', 'answer', 'onnx', JSON_OBJECT("
        "'model_explainer', 'shap', 'prediction_explainer', 'shap'))",
        "DROP TABLE people",
    )
    found = json.loads(value(clean, explain))
    assert found["Prediction"] == "yes"
    assert 0 < found["job_attribution"] <= 1
    shares = value(
        clean,
        f"SELECT model_explanation->'$.shap' FROM {CATALOG}"
        " WHERE model_handle = 'onnx'",
    )
    assert json.loads(shares).keys() == {"age", "job"}


def test_an_onnx_model_goes_out_and_in_again(clean: Connection) -> None:
    import_onnx(clean, onnx_models.by_name(), NAMED, "onnx")
    run(
        clean,
        "CALL sys.ML_MODEL_EXPORT('onnx', 'routines.exported')",
        "SET @copy = 'copy'",
        "CALL sys.ML_MODEL_IMPORT(NULL,"
        " JSON_OBJECT('schema', 'routines', 'table', 'exported'), @copy)",
    )
    both = [predicted(clean, handle, OLD_NURSE) for handle in ("onnx", "copy")]
    assert both[0] == both[1]


def test_an_onnx_model_comes_from_a_table_of_raw_chunks(clean: Connection) -> None:
    text = base64.b64encode(onnx_models.by_name()).decode()
    half = len(text) // 2
    with clean.cursor() as cursor:
        cursor.execute(CHUNKS)
        cursor.execute(
            "INSERT INTO chunks VALUES (1, %s, %s), (2, %s, NULL)",
            (text[:half], json.dumps(NAMED), text[half:]),
        )
    run(
        clean,
        "SET @onnx = 'onnx'",
        "CALL sys.ML_MODEL_IMPORT(NULL,"
        " JSON_OBJECT('schema', 'routines', 'table', 'chunks'), @onnx)",
    )
    assert predicted(clean, "onnx", OLD_NURSE)["Prediction"] == "yes"


def test_an_onnx_model_that_cannot_be_used_is_not_imported(clean: Connection) -> None:
    for data, said, text in (
        (b"nonsense", {}, "ML004001"),
        (onnx_models.by_name(), {}, "ML004004"),
        (onnx_models.reading_a_file("/etc/passwd"), NAMED, "ML004001"),
    ):
        with clean.cursor() as cursor:
            cursor.execute("SET @object = %s", (base64.b64encode(data).decode(),))
            cursor.execute("SET @said = %s, @onnx = 'onnx'", (json.dumps(said),))
        call = "CALL sys.ML_MODEL_IMPORT(@object, @said, @onnx)"
        number, message = refusal(clean, call)
        assert (number, message[:8]) == (3877, text)
    assert rows(clean, f"SELECT * FROM {CATALOG} WHERE model_handle = 'onnx'") == []


# --- the catalog itself ---------------------------------------------------------------


def test_a_catalog_of_an_older_version_is_brought_up_to_date(
    clean: Connection, reader: Connection
) -> None:
    run(
        clean,
        "CREATE DATABASE ML_SCHEMA_reader",
        "CREATE TABLE ML_SCHEMA_reader.MODEL_CATALOG (model_id int AUTO_INCREMENT"
        " PRIMARY KEY, model_handle varchar(255) UNIQUE, model_object longtext,"
        " model_type varchar(32), model_object_size int)",
        "INSERT INTO ML_SCHEMA_reader.MODEL_CATALOG (model_handle, model_object)"
        " VALUES ('of old', 'AAAA')",
    )
    run(reader, "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()")
    run(reader, "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()")  # harmless
    names = "SELECT notes, model_metadata, model_object FROM"
    assert rows(reader, f"{names} ML_SCHEMA_reader.MODEL_CATALOG") == [
        (None, None, None)
    ]
    moved = "SELECT chunk_id, model_handle, model_object FROM ML_SCHEMA_reader.{}"
    for table in ("model_object_catalog", "MODEL_OBJECT_CATALOG"):
        if table.isupper() and value(clean, "SELECT @@lower_case_table_names") != 0:
            continue
        if table.isupper():  # a view, which the reader may not make
            run(clean, "GRANT CREATE VIEW ON ML_SCHEMA_reader.* TO reader")
            run(
                clean,
                "DROP TABLE ML_SCHEMA_reader.model_object_catalog,"
                " ML_SCHEMA_reader.MODEL_CATALOG",
            )
            run(reader, "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()")
            assert rows(reader, moved.format(table)) == []
        else:
            assert rows(reader, moved.format(table)) == [(1, "of old", "AAAA")]
