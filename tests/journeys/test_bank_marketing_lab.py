"""The bank-marketing lab, statement for statement, as different clients send it.

Source: the lab's own page (seeds), HeatWave 9.5 output formats of the reference.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import mysql.connector
import pymysql
import pytest

from heatproxy.demo import lab_script
from heatproxy.demo_data import bank_marketing_csv
from heatproxy.objectstore import ObjectStore
from heatproxy.sql.lexer import statements, text_of, tokens
from tests.asking import ResultSet, Rows, refusal, result_sets, rows, run, value
from tests.conftest import SHARED, Server

pytestmark = pytest.mark.mysql

SEED = SHARED / "seeds" / "000_629160849d87df96.txt"
REAL_DATA = SHARED / "data" / "bank-marketing" / "bank-full.csv"
FEATURES = [
    *("age", "job", "marital", "education", "default", "balance", "housing", "loan"),
    *("contact", "day", "month", "duration", "campaign", "pdays", "previous"),
    "poutcome",
]
COLUMNS = [*FEATURES, "y"]
BLOCKS = [  # with the number of rows that one schema and one table give
    ("INITIALIZING HEATWAVE AUTO PARALLEL LOAD", 6),
    ("LAKEHOUSE AUTO SCHEMA INFERENCE", 10),
    ("OFFLOAD ANALYSIS", 10),
    ("CAPACITY ESTIMATION", 12),
    ("EXECUTING LOAD", 14),
    ("LOADING TABLE", 7),
    ("LOAD SUMMARY", 6),
]
CATALOG = [
    *("model_id", "model_handle", "model_type", "task", "model_object", "model_owner"),
    *("build_timestamp", "target_column_name", "train_table_name", "column_names"),
    *("model_explanation", "last_accessed", "model_object_size", "notes"),
    "model_metadata",
]
METADATA = [  # in MySQL's order of JSON keys
    *("task", "notes", "chunks", "format", "n_rows", "status", "options", "n_columns"),
    *("column_names", "contamination", "model_quality", "training_time"),
    *("algorithm_name", "training_score", "build_timestamp", "hyperparameters"),
    *("n_selected_rows", "training_params", "train_table_name", "model_explanation"),
    *("n_selected_columns", "target_column_name", "optimization_metric"),
    *("selected_column_names", "training_drift_metric"),
]
DESCRIBED = {
    "age": "tinyint unsigned",
    "job": "varchar(13)",
    "marital": "varchar(8)",
    "day": "tinyint unsigned",
    "duration": "smallint unsigned",
    "pdays": "smallint",
    "y": "varchar(3)",
}
KEY = "_4aad19ca6e_pk_id"
Run = dict[str, list[ResultSet]]


def seed_script(url: str) -> str:
    """The code blocks of the lab's page, with the URL filled in."""
    if not SEED.exists():
        pytest.skip(f"the lab's page is not at {SEED}")
    blocks = re.findall(r"```(.*?)```", SEED.read_text(), re.DOTALL)
    return "\n".join(blocks).replace("<PAR_URL>", url)


def parts(script: str) -> list[str]:
    """The statements of a script, as the mysql client would cut it."""
    text = script.replace("\\G", ";").encode()
    return [text_of(text, part).decode() for part in statements(tokens(text))]


def start_over(server: Server, user: str = "admin") -> None:
    """As before the lab; what other tests have in admin's catalog stays."""
    catalog = f"ML_SCHEMA_{user}"
    with closing(server.connect()) as admin:
        run(admin, "DROP DATABASE IF EXISTS ml_data")
        if user != "admin":
            run(admin, f"DROP DATABASE IF EXISTS {catalog}")
        elif rows(admin, f"SHOW DATABASES LIKE '{catalog}'"):
            run(admin, f"DELETE FROM {catalog}.MODEL_CATALOG"
                " WHERE model_handle = 'model_bank'")  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    objects = {
        "bank.csv": bank_marketing_csv(rows=1500),
        "small.csv": bank_marketing_csv(rows=400),
        **({"bank-full.csv": REAL_DATA} if REAL_DATA.exists() else {}),
    }
    with ObjectStore(objects) as running:
        yield running


# --- the ways to send it --------------------------------------------------------------


def with_pymysql(server: Server, script: str, **options: Any) -> Run:
    with closing(server.connect(**options)) as client:
        return {sql: result_sets(client, sql) for sql in parts(script)}


def in_transactions(server: Server, script: str) -> Run:
    found = {}
    with closing(server.connect()) as client:
        for sql in parts(script):
            client.begin()
            found[sql] = result_sets(client, sql)
            client.commit()
    return found


def with_connector(server: Server, script: str) -> Run:
    """mysql-connector-python, whose sessions begin with autocommit off."""
    found: Run = {}
    client = mysql.connector.connect(
        host=server.host, port=server.port, use_pure=True, **server.login
    )
    with closing(client), closing(client.cursor()) as cursor:
        for sql in parts(script):
            found[sql] = []
            cursor.execute(sql)
            while True:
                if cursor.with_rows:
                    names = tuple(cursor.column_names)
                    found[sql].append(ResultSet(names, list(cursor.fetchall())))
                if not cursor.nextset():
                    break
    return found


@dataclass(frozen=True)
class Lab:
    """What each statement answered, asked by the text it begins with."""

    file: bytes
    answers: Run

    def __call__(self, beginning: str) -> list[ResultSet]:
        return next(s for sql, s in self.answers.items() if sql.startswith(beginning))

    @property
    def lines(self) -> Rows:
        """The file's lines below the header, numbers as such."""
        reader = csv.reader(io.StringIO(self.file.decode()), delimiter=";")
        rows = [tuple(map(_number, line)) for line in reader]
        return rows[1:]

    @property
    def rows_text(self) -> str:
        """The number of rows as the report spells it."""
        count = len(self.lines)
        return f"{count / 1000:g} K" if count >= 1000 else str(count)


def _number(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text


CLIENTS: dict[str, tuple[str, Callable[[Server, str], Run]]] = {
    "PyMySQL with autocommit": ("bank.csv", with_pymysql),
    "PyMySQL without autocommit": (
        "small.csv",
        lambda server, script: with_pymysql(server, script, autocommit=False),
    ),
    "PyMySQL in transactions": ("small.csv", in_transactions),
    "Connector/Python": ("small.csv", with_connector),
}


@pytest.fixture(scope="module", params=CLIENTS)
def lab(request: pytest.FixtureRequest, server: Server, store: ObjectStore) -> Lab:
    start_over(server)
    file, send = CLIENTS[request.param]
    return Lab(store.objects[file], send(server, seed_script(store.url(file))))


def test_the_load_prints_its_blocks_in_order_and_ends_with_an_ok(lab: Lab) -> None:
    blocks = lab("CALL sys.heatwave_load")
    assert [(*block.columns, len(block.rows)) for block in blocks] == BLOCKS
    inference, analysis = blocks[1].lines, blocks[2].lines
    cells = re.split(" {2,}", inference[5].rstrip())
    layout = "%-24s %-24s %-8s %13s %11s %14s     %-10s"
    assert inference[5] == layout % (*cells, "")
    assert cells[:3] == ["`ml_data`", "`bank_marketing`", "NO"]
    assert re.fullmatch(r"[\d.]+ KiB", cells[3])
    assert cells[4:] == ["17", lab.rows_text]
    assert inference[7:9] == [
        "New schemas to be created: 0",
        "External lakehouse tables to be created: 1",
    ]
    assert analysis[6] == f"{'`ml_data`':<28} {1:>11}    {17:>11}     {'':10}"
    loading, summary = blocks[5].lines, blocks[6].lines
    assert loading[:5] == [
        "TABLE (1 of 1): `ml_data`.`bank_marketing`",
        "Commands executed successfully: 2 of 2",
        "Warnings encountered: 0",
        "Table loaded successfully!",
        "  Total columns loaded: 17",
    ]
    assert re.fullmatch(r"  Elapsed time: [\d.]+ m?s", loading[5])
    assert summary[4].startswith(f"{'`ml_data`':<24}{1:>14}{0:>13}{17:>13}")
    assert all(block.lines[-1] == "" for block in blocks)


def test_describe_shows_the_inferred_types(lab: Lab) -> None:
    (described,) = lab("DESCRIBE ml_data.bank_marketing")
    assert described.columns == ("Field", "Type", "Null", "Key", "Default", "Extra")
    assert [row[0] for row in described.rows] == COLUMNS
    texts = [tuple(map(_text, row)) for row in described.rows]
    assert all(row[2:] == ("NO", "", None, "") for row in texts)
    types = {row[0]: row[1] for row in texts}
    assert {name: types[name] for name in DESCRIBED} == DESCRIBED
    highest = max(line[5] for line in lab.lines)
    assert types["balance"] == ("smallint" if highest < 1 << 15 else "mediumint")


def _text(value: Any) -> Any:
    """Connector/Python gives DESCRIBE's blobs as bytes."""
    return bytes(value).decode() if isinstance(value, bytes | bytearray) else value


def test_select_gives_the_files_rows(lab: Lab) -> None:
    (selected,) = lab("SELECT * FROM ml_data.bank_marketing limit 10")
    assert list(selected.columns) == COLUMNS
    assert selected.rows == lab.lines[:10]


def test_the_catalog_has_the_columns_of_heatwave_in_their_order(lab: Lab) -> None:
    (described,) = lab("DESCRIBE ML_SCHEMA_admin.MODEL_CATALOG")
    assert [row[0] for row in described.rows] == CATALOG


def test_the_metadata_have_the_keys_of_heatwave(lab: Lab) -> None:
    (found,) = lab("SELECT JSON_PRETTY(model_metadata)")
    assert found.columns == ("JSON_PRETTY(model_metadata)",)
    metadata = json.loads(found.rows[0][0])
    assert list(metadata) == METADATA
    assert metadata["status"] == "Ready"
    assert metadata["format"] == "HWMLv2.0"
    assert metadata["column_names"] == FEATURES
    assert metadata["selected_column_names"] == sorted(
        metadata["selected_column_names"]
    )
    assert metadata["options"] == {
        "task": "classification",
        "model_explainer": "permutation_importance",
        "prediction_explainer": "permutation_importance",
    }
    assert metadata["optimization_metric"] == "neg_log_loss"
    assert -1 < metadata["training_score"] < 0
    assert set(metadata["model_explanation"]["permutation_importance"]) == set(FEATURES)


def test_the_score_is_a_float_close_to_one(lab: Lab) -> None:
    (scored,) = lab("SELECT @score_bank")
    assert scored.columns == ("@score_bank",)
    ((score,),) = scored.rows
    assert isinstance(score, float)
    assert 0.88 < score <= 1


def test_the_predictions_follow_the_input_in_their_own_table(lab: Lab) -> None:
    (predicted,) = lab("SELECT * FROM ml_data.bank_marketing_predictions")
    assert list(predicted.columns) == [KEY, *COLUMNS, "Prediction", "ml_results"]
    assert [row[0] for row in predicted.rows] == list(range(1, 21))
    for *_, prediction, results in predicted.rows:
        assert re.fullmatch(
            r'\{"predictions": \{"y": "(yes|no)"\}, "probabilities":'
            r' \{"no": [01]\.\d\d?, "yes": [01]\.\d\d?\}\}',
            results,
        )
        read = json.loads(results)
        assert read["predictions"] == {"y": prediction}
        assert read["probabilities"][prediction] >= 0.5
        assert sum(read["probabilities"].values()) == pytest.approx(1)


def test_the_explanations_name_every_feature(lab: Lab) -> None:
    (explained,) = lab("SELECT JSON_PRETTY(ml_results)")
    read = json.loads(explained.rows[0][0])
    assert list(read) == ["notes", "predictions", "attributions"]
    assert sorted(read["attributions"]) == sorted(FEATURES)
    assert " predicting " in read["notes"]


def test_a_row_is_predicted_with_its_features_echoed_in_mysqls_key_order(
    lab: Lab,
) -> None:
    (predicted,) = lab("SELECT JSON_PRETTY(sys.ML_PREDICT_ROW")
    assert predicted.columns[0].startswith("JSON_PRETTY(sys.ML_PREDICT_ROW(JSON_OBJECT")
    read = json.loads(predicted.rows[0][0])
    assert list(read) == in_mysqls_order([*FEATURES, "Prediction", "ml_results"])
    assert read["ml_results"]["predictions"] == {"y": read["Prediction"]}
    (table,) = lab("SELECT * FROM ml_data.bank_marketing_predictions")
    assert json.loads(table.rows[0][-1]) == read["ml_results"]
    assert [read[name] for name in FEATURES] == list(table.rows[0][1:17])


def test_a_row_is_explained_with_an_attribution_for_each_feature(lab: Lab) -> None:
    (explained,) = lab("SELECT JSON_PRETTY(sys.ML_EXPLAIN_ROW")
    read = json.loads(explained.rows[0][0])
    shares = [f"{name}_attribution" for name in FEATURES]
    assert list(read) == in_mysqls_order(
        [*FEATURES, *shares, "Prediction", "ml_results", "Notes"]
    )
    results = read["ml_results"]
    assert list(results) == ["notes", "predictions", "attributions"]
    assert results["notes"] == read["Notes"]
    assert {f"{k}_attribution": v for k, v in results["attributions"].items()} == {
        name: read[name] for name in shares
    }


def in_mysqls_order(keys: list[str]) -> list[str]:
    return sorted(keys, key=lambda key: (len(key), key))


def test_the_explanation_table_has_a_column_for_each_attribution(
    lab: Lab, server: Server
) -> None:
    with closing(server.connect()) as client:
        found = rows(client, "DESCRIBE ml_data.bank_marketing_test_explanations")
    shares = [f"{name}_attribution" for name in FEATURES]
    assert [row[0] for row in found] == (
        [KEY, *COLUMNS, "Prediction", *shares, "Notes", "ml_results"]
    )


def test_the_rest_of_the_statements_answer_with_an_ok(lab: Lab) -> None:
    for beginning in (
        *("CREATE DATABASE", "USE", "SET @db_list", "SET @options"),
        *("CALL sys.ML_TRAIN", "CALL sys.ML_MODEL_LOAD", "CALL sys.ML_SCORE"),
        *("CREATE TABLE", "CALL sys.ML_PREDICT_TABLE", "CALL sys.ML_EXPLAIN("),
        "CALL sys.ML_EXPLAIN_TABLE",
    ):
        assert lab(beginning) == []


# --- once more ------------------------------------------------------------------------


@pytest.fixture
def done_once(server: Server, store: ObjectStore) -> list[str]:
    """The lab's statements, when they have run before."""
    start_over(server)
    found = parts(seed_script(store.url("small.csv")))
    with closing(server.connect()) as client:
        run(client, *found)
    return found


def test_a_second_run_fails_where_a_real_server_does_and_nowhere_else(
    server: Server, done_once: list[str]
) -> None:
    errors = {}
    answers = {}
    with closing(server.connect()) as client:
        for sql in done_once:
            try:
                answers[sql] = result_sets(client, sql)
            except pymysql.MySQLError as problem:
                errors[sql.split("(")[0].split(" AS")[0].strip()] = problem.args
        assert value(client, "SELECT COUNT(*) FROM ml_data.bank_marketing") == 400
        run(client, "CALL sys.ML_SCORE('ml_data.bank_marketing', 'y', 'model_bank',"
            " 'accuracy', @again, NULL)")  # fmt: skip
        assert value(client, "SELECT @again") > 0.8
    assert errors == {
        "CREATE DATABASE ml_data": (
            1007,
            "Can't create database 'ml_data'; database exists",
        ),
        "CALL sys.ML_TRAIN": (
            3877,
            "ML006017: model_handle model_bank already exists in the Model_Catalog.",
        ),
        "CREATE TABLE bank_marketing_test": (
            1050,
            "Table 'bank_marketing_test' already exists",
        ),
        "CALL sys.ML_PREDICT_TABLE": (
            1050,
            "Table 'bank_marketing_predictions' already exists",
        ),
        "CALL sys.ML_EXPLAIN_TABLE": (
            1050,
            "Table 'bank_marketing_test_explanations' already exists",
        ),
    }
    (load,) = [s for q, s in answers.items() if q.startswith("CALL sys.heatwave_load")]
    titles = [block.columns[0] for block in load]
    # the tables of the first run that InnoDB holds are loaded into RAPID
    alone = [title for title in titles if title != "LOADING TABLE"]
    assert alone == [title for title, _ in BLOCKS if title != "LOADING TABLE"]
    (line,) = [line for line in load[1].lines if "bank_marketing" in line]
    assert re.search(r"YES +- +- +- +Non-empty existing table is not supported", line)


# --- through the mysql client ---------------------------------------------------------


def test_the_mysql_client_runs_the_lab_as_a_script(
    server: Server, store: ObjectStore
) -> None:
    start_over(server)
    ran = server.mysql(seed_script(store.url("small.csv")), "--table", "-vv")
    assert ran.stderr == ""
    assert ran.returncode == 0
    titles = re.findall(r"^\| ([A-Z ]+?) +\|$", ran.stdout, re.MULTILINE)
    assert [t for t in titles if t in dict(BLOCKS)] == [title for title, _ in BLOCKS]
    assert ran.stdout.count("*** 1. row ***") == 4
    assert "Query OK, 20 rows affected" in ran.stdout
    assert "Records: 20  Duplicates: 0  Warnings: 0" in ran.stdout
    assert '"Prediction": "no"' in ran.stdout


def test_the_lab_that_comes_with_heatproxy_runs(
    server: Server, store: ObjectStore
) -> None:
    start_over(server)
    ran = server.mysql(lab_script(store.url("small.csv")), "--table")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "LOAD SUMMARY" in ran.stdout
    assert "@score" in ran.stdout
    assert "had the largest impact towards predicting" in ran.stdout


# --- on the data set the lab is about -------------------------------------------------


def test_the_lab_learns_from_the_whole_data_set(
    server: Server, store: ObjectStore
) -> None:
    if not REAL_DATA.exists():
        pytest.skip(f"the data set is not at {REAL_DATA}")
    start_over(server)
    with closing(server.connect()) as client:
        run(client, *parts(seed_script(store.url("bank-full.csv"))))
        assert value(client, "SELECT COUNT(*) FROM bank_marketing") == 45_211
        assert value(client, "SELECT @score_bank") > 0.9
        counts = rows(
            client, "SELECT y, COUNT(*) FROM bank_marketing GROUP BY y ORDER BY y"
        )
        assert counts == [("no", 39_922), ("yes", 5_289)]
        assert value(client, "SELECT COUNT(*) FROM bank_marketing_predictions") == 20


# --- other users ----------------------------------------------------------------------

GRANTS = (  # as the manual has them, section "AutoML privileges"
    "GRANT SELECT, ALTER, CREATE, DROP, INSERT, DELETE, UPDATE ON ml_data.* TO u1",
    "GRANT SELECT, INSERT, CREATE, ALTER, UPDATE, DELETE, DROP ON ML_SCHEMA_u1.* TO u1"
    " WITH GRANT OPTION",
    "GRANT SELECT, EXECUTE ON sys.* TO u1",
)


@pytest.fixture
def admin(server: Server) -> Iterator[Any]:
    with closing(server.connect()) as client:
        yield client
        run(client, "DROP USER IF EXISTS u1, `u.2`, u3")


def test_another_user_runs_the_lab_with_a_catalog_of_their_own(
    server: Server, store: ObjectStore, admin: Any
) -> None:
    start_over(server, "u1")
    run(admin, "CREATE USER u1 IDENTIFIED BY 'pw1'", *GRANTS)
    script = seed_script(store.url("small.csv")).replace("_admin.", "_u1.")
    with closing(server.connect(user="u1", password="pw1")) as u1:
        run(u1, *parts(script))
        ((handle, owner),) = rows(
            u1, "SELECT model_handle, model_owner FROM ML_SCHEMA_u1.MODEL_CATALOG"
        )
        assert (handle, owner) == ("model_bank", "u1")
        assert value(u1, "SELECT COUNT(*) FROM ml_data.bank_marketing_predictions")
        # without REFERENCES there is no foreign key that takes the objects along
        train = next(
            sql for sql in parts(script) if sql.startswith("CALL sys.ML_TRAIN")
        )
        run(u1, "DELETE FROM ML_SCHEMA_u1.MODEL_CATALOG", train)
        chunks = "SELECT COUNT(*) FROM ML_SCHEMA_u1.model_object_catalog"
        assert value(u1, chunks) == 1
        assert value(u1, "SELECT COUNT(*) FROM ML_SCHEMA_u1.MODEL_CATALOG") == 1
        run(u1, "CALL sys.ML_MODEL_UNLOAD(@model_bank)")
        run(u1, "CALL sys.ML_MODEL_LOAD(@model_bank, NULL)")
    run(admin, "DROP DATABASE ML_SCHEMA_u1")


def _u3(server: Server, admin: Any, *grants: str) -> Any:
    run(admin, "CREATE DATABASE IF NOT EXISTS ml_data")
    run(admin, "CREATE USER u3 IDENTIFIED BY 'pw3'", *grants)
    return closing(server.connect(user="u3", password="pw3"))


def test_without_execute_mysql_refuses_the_call(server: Server, admin: Any) -> None:
    with _u3(server, admin, "GRANT SELECT ON ml_data.* TO u3") as u3:
        assert refusal(u3, "CALL sys.ML_TRAIN('ml_data.x', 'y', NULL, @m)") == (
            1370,
            "execute command denied to user 'u3'@'%' for routine 'sys.ML_TRAIN'",
        )


def test_without_select_mysql_refuses_the_table(
    server: Server, admin: Any, done_once: list[str]
) -> None:
    with _u3(server, admin, "GRANT EXECUTE ON sys.* TO u3") as u3:
        number, text = refusal(
            u3, "CALL sys.ML_TRAIN('ml_data.bank_marketing', 'y', NULL, @m)"
        )
        assert (number, "SELECT command denied" in text) == (1142, True)
        number, text = refusal(u3, "SELECT COUNT(*) FROM ml_data.bank_marketing")
        assert (number, "SELECT command denied" in text) == (1142, True)


def test_without_create_no_table_is_loaded(
    server: Server, store: ObjectStore, admin: Any
) -> None:
    start_over(server)
    grants = "GRANT EXECUTE ON sys.* TO u3", "GRANT SELECT ON ml_data.* TO u3"
    with _u3(server, admin, *grants) as u3:
        script = parts(seed_script(store.url("small.csv")))
        run(u3, *(sql for sql in script if sql.startswith("SET")))
        sets = result_sets(u3, "CALL sys.heatwave_load(@db_list, @options)")
        blocks = {block.columns[0]: block.lines for block in sets}
        loading = "\n".join(blocks["LOADING TABLE"])
        assert "Table failed to load!" in loading
        assert "CREATE command denied to user 'u3'" in loading
    assert rows(admin, "SHOW TABLES FROM ml_data") == []


def test_a_user_whose_name_has_a_period_has_no_catalog(
    server: Server, admin: Any
) -> None:
    run(admin, "CREATE USER `u.2` IDENTIFIED BY 'pw2'")
    run(admin, "GRANT ALL ON *.* TO `u.2`")
    with closing(server.connect(user="u.2", password="pw2")) as u2:
        number, text = refusal(u2, "CALL sys.ML_TRAIN('ml_data.x', 'y', NULL, @m)")
    assert number == 3877
    assert "'u.2' must not have a period" in text
