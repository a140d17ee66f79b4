"""Imported ONNX models: what is refused, what they predict, score and explain."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl import onnx_bytes, work
from heatproxy.automl.onnx_model import OnnxModel, from_metadata
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.errors import MySQLError
from tests.automl import onnx_models

NUMBERS = pa.table({"a": [1.0, 2.0, 0.0], "b": [0.0, 3.0, 0.0]})
PEOPLE = pa.table({"job": ["nurse", "pilot", "pilot"], "age": [20, 60, 30]})
CHOICE = {"predictions_name": "label", "prediction_probabilities_name": "shares"}
YES_NO = {
    "prediction_probabilities_name": "p",
    "labels_map": {"0": "no", "1": "yes"},
}


def model(data: bytes, outputs: Any = None, **said: Any) -> OnnxModel:
    if outputs is not None:
        said["onnx_outputs_info"] = outputs
    return from_metadata(data, said).checked()


def results(one: OnnxModel, table: pa.Table) -> list[Any]:
    found = one.predict(table, {}).added.column("ml_results").to_pylist()
    return [json.loads(text) for text in found]


def labels(one: OnnxModel, table: pa.Table) -> list[Any]:
    return list(one.predict(table, {}).added.column("Prediction").to_pylist())


# --- predictions ----------------------------------------------------------------------


def test_a_regression_needs_no_name_for_its_only_output() -> None:
    line = model(onnx_models.line(), task="regression", target_column_name="y")
    assert labels(line, NUMBERS) == [3.0, -4.0, 1.0]
    assert results(line, NUMBERS)[1] == {"predictions": {"y": -4.0}}


def test_classes_are_those_that_labels_map_names() -> None:
    info = CHOICE | {"labels_map": {"0": 10, "1": 11, "2": 12}}
    (first, *_) = results(model(onnx_models.chooser(), info), NUMBERS)
    assert first == {
        "predictions": {"prediction": 10},
        "probabilities": {"10": 0.58, "11": 0.21, "12": 0.21},
    }


def test_without_labels_map_probabilities_go_by_their_places() -> None:
    (first, second, _) = results(model(onnx_models.chooser(), CHOICE), NUMBERS)
    assert list(first["probabilities"]) == ["0", "1", "2"]
    assert second["predictions"] == {"prediction": 11}


def test_labels_alone_come_without_probabilities() -> None:
    only = {"predictions_name": "label"}
    assert results(model(onnx_models.chooser(), only), NUMBERS)[2] == {
        "predictions": {"prediction": 10}
    }


@pytest.mark.parametrize(
    "labels_map", [{"0": "no", "1": "yes"}, {"yes": 1, "no": 0}], ids=["to", "from"]
)
def test_one_share_is_that_of_the_second_class(labels_map: Any) -> None:
    named = model(onnx_models.by_name(), YES_NO | {"labels_map": labels_map})
    assert labels(named, PEOPLE) == ["yes", "yes", "no"]
    assert results(named, PEOPLE)[2]["probabilities"] == {"no": 0.9, "yes": 0.1}


def test_dictionaries_name_their_classes() -> None:
    info = {"prediction_probabilities_name": "shares"}
    found = model(onnx_models.of_dictionaries(), info)
    table = pa.table({"x": [0.25, 0.75]})
    assert labels(found, table) == ["low", "high"]
    assert results(found, table)[0]["probabilities"] == {"low": 0.75, "high": 0.25}


def test_several_inputs_are_columns_by_name_in_any_order_and_case() -> None:
    table = PEOPLE.rename_columns(["JOB", "Age"])
    assert labels(model(onnx_models.by_name(), YES_NO), table) == ["yes", "yes", "no"]


def test_column_names_say_the_order_of_one_input() -> None:
    line = model(onnx_models.line(), task="regression", column_names=["b", "a"])
    assert labels(line, NUMBERS) == [-2.0, 1.0, 1.0]


def test_the_target_is_no_column_of_the_input() -> None:
    line = model(onnx_models.line(), task="regression", target_column_name="Y")
    table = NUMBERS.append_column("y", pa.array([0.0, 0.0, 0.0]))
    assert labels(line, table) == [3.0, -4.0, 1.0]


def test_a_fixed_batch_size_takes_any_number_of_rows() -> None:
    line = model(onnx_models.line(2), task="regression")
    assert labels(line, NUMBERS) == [3.0, -4.0, 1.0]
    assert labels(line, NUMBERS.slice(0, 0)) == []


def test_null_is_nan_for_numbers_and_refused_for_words() -> None:
    nothing = pa.table({"a": pa.array([None, 1.0]), "b": [0.0, 0.0]})
    line = model(onnx_models.line(), task="regression")
    assert np.isnan(labels(line, nothing)[0])
    assert results(line, nothing)[0] == {"predictions": {"prediction": None}}
    people = pa.table({"age": [20], "job": pa.array([None], pa.string())})
    with pytest.raises(MySQLError, match=r"ML003015.*NULL for input 'job'"):
        labels(model(onnx_models.by_name(), YES_NO), people)


def test_other_columns_are_refused_by_name() -> None:
    line = model(onnx_models.line(), task="regression", column_names=["a", "c"])
    with pytest.raises(MySQLError) as refused:
        labels(line, NUMBERS)
    assert refused.value.message == (
        "ML003011: Columns of provided data need to match those used for training."
        " Provided - ['a', 'b'] vs Trained - ['a', 'c']"
    )


def test_rows_of_json_need_names_of_columns() -> None:
    with pytest.raises(MySQLError, match=r"ML004003.*column_names"):
        model(onnx_models.line(), task="regression").require_names()
    model(onnx_models.by_name(), YES_NO).require_names()


# --- what is said of a model ----------------------------------------------------------

REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no output named": (onnx_models.chooser, {}, "ML004004.*needs predictions_name"),
    "no such output": (
        onnx_models.chooser,
        {"onnx_outputs_info": {"predictions_name": "nothing"}},
        "ML004004.*'nothing' is none of the outputs label, shares",
    ),
    "unknown key": (
        onnx_models.chooser,
        {"onnx_outputs_info": {"label_map": {}}},
        "ML004004.*unknown key 'label_map'",
    ),
    "labels without probabilities": (
        onnx_models.chooser,
        {"onnx_outputs_info": {"predictions_name": "label", "labels_map": {"0": "a"}}},
        "ML004004.*labels_map needs",
    ),
    "labels of no places": (
        onnx_models.chooser,
        {"onnx_outputs_info": CHOICE | {"labels_map": {"1": "a", "2": "b"}}},
        "ML004004.*from 0 on",
    ),
    "a label twice": (
        onnx_models.chooser,
        {"onnx_outputs_info": CHOICE | {"labels_map": {"0": "a", "1": "a"}}},
        "ML004004.*twice",
    ),
    "probabilities of a regression": (
        onnx_models.line,
        {
            "task": "regression",
            "onnx_outputs_info": {"prediction_probabilities_name": "y"},
        },
        "ML004004.*classification only",
    ),
    "several outputs of a regression": (
        onnx_models.chooser,
        {"task": "regression"},
        "ML004004.*predictions_name is needed",
    ),
    "another task": (onnx_models.line, {"task": "sorting"}, "ML001016"),
    "too few columns": (
        onnx_models.line,
        {"task": "regression", "column_names": ["a"]},
        "ML004003.*1 columns.*takes 2",
    ),
    "no NumPy type": (
        onnx_models.line,
        {
            "task": "regression",
            "onnx_inputs_info": {"data_types_map": {"tensor(float)": "float23"}},
        },
        "ML004005.*'float23'.*not supported",
    ),
    "a type of no column": (
        onnx_models.line,
        {
            "task": "regression",
            "onnx_inputs_info": {"data_types_map": {"tensor(float)": "complex64"}},
        },
        "ML004005.*no column can be of it",
    ),
    "no ONNX": (lambda: b"\x08\x07nonsense", {}, "ML004001.*not an ONNX model"),
    "nothing": (lambda: b"", {}, "ML004001.*not an ONNX model"),
    "a file": (
        lambda: onnx_models.reading_a_file("/etc/passwd"),
        {"task": "regression"},
        "ML004001.*in another file",
    ),
}


@pytest.mark.parametrize(("make", "said", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_a_model_or_its_metadata_is_said(
    make: Any, said: Any, text: str
) -> None:
    with pytest.raises(MySQLError, match=text) as refused:
        from_metadata(make(), said).checked()
    assert refused.value.number == 3877


@pytest.mark.parametrize("length", [1, 10, 50, 100, -1])
def test_a_model_that_is_cut_is_refused(length: int) -> None:
    with pytest.raises(MySQLError, match="ML004001"):
        from_metadata(onnx_models.line()[:length], {"task": "regression"}).checked()


def test_deep_bytes_end_in_an_error_and_not_in_the_stack() -> None:
    message = b""
    for _ in range(5000):
        length, body = len(message), bytearray()
        while length >= 0x80:
            body.append(length & 0x7F | 0x80)
            length >>= 7
        message = b"\x32" + bytes([*body, length]) + message  # a graph of an attribute
    with pytest.raises(MySQLError, match="ML004001"):
        onnx_bytes.check(b"\x3a\x04\x0a\x02\x2a\x00" + b"\x3a" + message)


def test_data_types_map_rounds_what_the_model_sees() -> None:
    said = {"data_types_map": {"tensor(float)": "float16"}}
    line = model(onnx_models.line(), task="regression", onnx_inputs_info=said)
    table = pa.table({"a": [0.1], "b": [0.0]})
    assert labels(line, table)[0] == pytest.approx(1 + 2 * float(np.float16(0.1)))


# --- scores, explanations, storage ----------------------------------------------------

SCORES = [
    ("accuracy", 2 / 3),
    ("balanced_accuracy", 0.75),
    ("neg_log_loss", (2 * np.log(0.9) + np.log(0.1)) / 3),
]


@pytest.mark.parametrize(("metric", "score"), SCORES, ids=[m for m, _ in SCORES])
def test_a_classifier_is_scored(metric: str, score: float) -> None:
    table = PEOPLE.append_column("y", pa.array(["yes", "no", "no"]))
    found = model(onnx_models.by_name(), YES_NO).score(table, "y", metric, {})
    assert found == pytest.approx(score, abs=1e-6)


def test_a_regression_is_scored() -> None:
    table = NUMBERS.append_column("y", pa.array([3.0, -4.0, 2.0]))
    line = model(onnx_models.line(), task="regression")
    score = line.score(table, "y", "neg_mean_absolute_error", {})
    assert score == pytest.approx(-1 / 3)


def test_without_probabilities_the_log_loss_cannot_be_computed() -> None:
    table = NUMBERS.append_column("y", pa.array([10, 11, 12]))
    found = model(onnx_models.chooser(), {"predictions_name": "label"})
    assert found.score(table, "y", "accuracy", {}) == pytest.approx(2 / 3)
    with pytest.raises(MySQLError, match="ML003019"):
        found.score(table, "y", "neg_log_loss", {})


def people(rows: int = 200) -> pa.Table:
    random = np.random.default_rng(3)
    age = random.integers(18, 80, rows)
    job = random.choice(["nurse", "pilot", "clerk"], rows)
    yes = np.where((age > 50) | (job == "nurse"), "yes", "no")
    return pa.table({"age": age, "job": job, "answer": yes})


@pytest.mark.parametrize("explainer", ["permutation_importance", "shap"])
def test_an_explained_model_says_what_counts_on_its_own_columns(explainer: str) -> None:
    options = {"model_explainer": explainer, "prediction_explainer": explainer}
    plain = to_bytes(model(onnx_models.by_name(), YES_NO))
    data, metadata = work.explain_model_job(
        plain, people(), "answer", options, "s.t", 7, 1
    )
    shares = metadata["model_explanation"][explainer]
    assert list(shares) == ["age", "job"]
    assert all(share > 0.05 for share in shares.values())
    table = pa.table({"age": [20, 20], "job": ["nurse", "an unseen word"]})
    found = work.explain_rows_job(data, table, explainer, 1).added
    assert found.column("Prediction").to_pylist() == ["yes", "no"]
    by_job = found.column("job_attribution").to_pylist()
    assert by_job[0] > 0.2
    assert all(-1 <= share <= 1 for share in by_job)
    assert found.column("Notes")[0].as_py().startswith("job (nurse) had the largest")


def test_a_model_that_was_not_explained_explains_no_row() -> None:
    plain = to_bytes(model(onnx_models.by_name(), YES_NO))
    with pytest.raises(MySQLError, match=r"ML004007.*ML_EXPLAIN"):
        work.explain_rows_job(plain, PEOPLE, None, 1)


def test_a_model_by_places_knows_its_columns_after_it_was_explained() -> None:
    plain = to_bytes(model(onnx_models.line(), task="regression"))
    table = NUMBERS.append_column("y", pa.array([3.0, -4.0, 1.0]))
    options = {"prediction_explainer": "permutation_importance"}
    data, metadata = work.explain_model_job(plain, table, "y", options, "s.t", 7, 1)
    assert metadata["column_names"] == ["a", "b"]
    explained = from_bytes(data)
    assert isinstance(explained, OnnxModel)
    assert labels(explained, NUMBERS.select(["b", "a"])) == [3.0, -4.0, 1.0]


def test_a_stored_model_is_the_same_model() -> None:
    before = model(onnx_models.by_name(), YES_NO, notes="hello", training_score=-0.5)
    after = from_bytes(to_bytes(before))
    assert after == before
    metadata = before.metadata(build_timestamp=5, train_table_name="a.b")
    assert (metadata["format"], metadata["notes"]) == ("ONNXv2.0", "hello")
    assert metadata["training_score"] == -0.5
    assert metadata["onnx_outputs_info"] == YES_NO


def test_an_exported_model_is_imported_as_it_is() -> None:
    stored = to_bytes(model(onnx_models.by_name(), YES_NO))
    again, metadata = work.import_job(stored, {"format": "ONNXv2.0"}, 9)
    assert (again, metadata["build_timestamp"]) == (stored, 9)
