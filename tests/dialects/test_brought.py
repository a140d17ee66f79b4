"""CREATE MODEL of files: models of LightGBM, XGBoost and ONNX behind a URL."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import refusal, rows, run
from tests.automl import onnx_models
from tests.automl.test_brought import ROWS, lightgbm_file, xgboost_file
from tests.conftest import Server
from tests.routines.conftest import Connection, fill

pytestmark = pytest.mark.mysql

FEW = 12
TYPES = "(float8, float8, float8)"


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore({}) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server, store: ObjectStore) -> Iterator[Connection]:
    """A session in a schema with points, and files in the store."""
    import pyarrow as pa

    store.objects |= {
        "lines.txt": lightgbm_file("regression")[0],
        "sides.txt": lightgbm_file("binary")[0],
        "thirds.json": xgboost_file("multiclass")[0],
        "slope.json": xgboost_file("regression")[0],
        "chooser.onnx": onnx_models.chooser(),
        "line.onnx": onnx_models.line(),
        "letter.txt": b"Dear model, ",
    }
    with closing(server.connect()) as made:
        run(
            made,
            "DROP DATABASE IF EXISTS brought",
            "CREATE DATABASE brought",
            "USE brought",
            "CREATE TABLE points (id INT, a DOUBLE, b DOUBLE, c DOUBLE)",
        )
        named = {name: ROWS[:FEW, place] for place, name in enumerate("abc")}
        fill(made, "points", pa.table({"id": list(range(FEW)), **named}))
        yield made
        for _, model in rows(made, "SHOW MODEL ALL"):
            if model.startswith("brought_"):
                run(made, f"DROP MODEL {model}")
        run(made, "DROP DATABASE brought")


def predicted(client: Connection, call: str) -> list[Any]:
    found = rows(client, f"SELECT {call} FROM points WHERE {call} IS NOT NULL")
    return [value for (value,) in found]


@pytest.mark.parametrize(
    ("file", "returns", "expected"),
    [
        ("lines.txt", "float8", lightgbm_file("regression")[1]),
        ("sides.txt", "int", (lightgbm_file("binary")[1] > 0.5).astype(int)),
        ("thirds.json", "int", xgboost_file("multiclass")[1].argmax(axis=1)),
        ("slope.json", "float8", xgboost_file("regression")[1]),
    ],
)
def test_a_booster_predicts_by_its_function(
    client: Connection, store: ObjectStore, file: str, returns: str, expected: Any
) -> None:
    name = "brought_" + file.partition(".")[0]
    run(
        client,
        f"CREATE MODEL {name} FROM '{store.url(file)}' FUNCTION f_{name}{TYPES}"
        f" RETURNS {returns} IAM_ROLE default SETTINGS (S3_BUCKET 'b')",
    )
    notes = [text.partition(" ")[0] for _, _, text in rows(client, "SHOW WARNINGS")]
    assert notes == ["IAM_ROLE", "S3_BUCKET"]
    found = predicted(client, f"f_{name}(a, b, c)")
    np.testing.assert_allclose(found, expected[:FEW], rtol=1e-5)
    shown = dict(rows(client, f"SHOW MODEL {name}"))
    assert shown["Function Parameter Types"] == "float8 float8 float8"


def test_an_onnx_model_predicts_numbers_and_classes(
    client: Connection, store: ObjectStore
) -> None:
    run(
        client,
        f"CREATE MODEL brought_line FROM '{store.url('line.onnx')}'"
        " FUNCTION f_line(float8, float8) RETURNS float8",
        f"CREATE MODEL brought_choice FROM '{store.url('chooser.onnx')}'"
        " FUNCTION f_choice(float8, float8) RETURNS int",
    )
    numbers = 2 * ROWS[:FEW, 0] - 3 * ROWS[:FEW, 1] + 1
    found = predicted(client, "f_line(a, b)")
    np.testing.assert_allclose(found, numbers, rtol=1e-5)
    scores = np.column_stack([ROWS[:FEW, :2], np.zeros(FEW)])
    choices = (10 + scores.argmax(axis=1)).tolist()
    assert predicted(client, "f_choice(a, b)") == choices


@pytest.mark.parametrize(
    ("file", "rest", "number", "text"),
    [
        ("lines.txt", "f_no(int, int) RETURNS int", 3877, "2 parameters"),
        ("line.onnx", "f_no(int) RETURNS float8", 3877, "takes 2"),
        ("line.onnx", "f_no(int, int) RETURNS int", 3877, "PROBLEM_TYPE is REGR"),
        ("letter.txt", "f_no(int) RETURNS int", 3877, "ONNX"),
        ("nowhere.txt", "f_no(int) RETURNS int", 6068, "nowhere.txt"),
        ("lines.txt", f"f_no{TYPES}", 3877, "RETURNS"),
        ("lines.txt", f"f_no{TYPES} RETURNS int OBJECTIVE 'mse'", 3877, "OBJECTIVE"),
        (
            "lines.txt",
            f"f_no{TYPES} RETURNS int SETTINGS (MAX_CELLS 5)",
            1235,
            "MAX_CELLS",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    client: Connection, store: ObjectStore, file: str, rest: str, number: int, text: str
) -> None:
    url = store.url(file)
    refused = refusal(client, f"CREATE MODEL brought_no FROM '{url}' FUNCTION {rest}")
    assert refused[0] == number
    assert text in refused[1]
    assert refusal(client, "SELECT f_no(1)")[0] == 1305
    assert refusal(client, "SHOW MODEL brought_no")[0] == 3877
