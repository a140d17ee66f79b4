"""Large tensors of an ONNX model are lent to onnxruntime, and answer as given whole."""

import numpy as np
import onnx
import pyarrow as pa
import pytest

from heatproxy.automl import onnx_runtime, onnx_weights, work
from heatproxy.automl.onnx_model import OnnxModel
from heatproxy.automl.onnx_weights import parted
from heatproxy.automl.storage import from_bytes
from tests.automl import onnx_models

NUMBERS = 1 << 19  # 2 MB
ROWS = pa.table({"a": [1.0, 0.5], "b": [2.0, 0.0], "c": [3.0, -1.0], "d": [4.5, 2.0]})


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_weights, "LEAST_MODEL", 1 << 20)


def weights(data: bytes) -> np.ndarray:
    (tensor,) = onnx.load_from_string(data).graph.initializer
    return onnx.numpy_helper.to_array(tensor)


def test_what_is_parsed_has_no_large_tensors() -> None:
    data = onnx_models.large(NUMBERS)
    small, tensors = parted(data)
    assert len(small) < 1000
    np.testing.assert_array_equal(tensors["w"], weights(data))
    (named,) = onnx.load_from_string(small).graph.initializer
    assert (named.name, list(named.dims)) == ("w", [4, NUMBERS // 4])
    assert named.data_location == onnx.TensorProto.EXTERNAL


@pytest.mark.parametrize("shift", range(4))
def test_numbers_are_where_they_were_or_copied_where_no_number_may_stand(
    shift: int,
) -> None:
    data = bytearray(shift) + onnx_models.large(NUMBERS)
    (values,) = parted(memoryview(data)[shift:])[1].values()
    assert values.flags.aligned
    np.testing.assert_array_equal(values, weights(bytes(data[shift:])))


def test_a_small_model_stays_as_it_is() -> None:
    data = onnx_models.line()
    assert parted(data) == (data, {})


def test_a_tensor_of_another_length_than_its_shape_is_left_to_onnxruntime() -> None:
    model = onnx.load_from_string(onnx_models.large(NUMBERS))
    model.graph.initializer[0].dims[0] = 5
    data = model.SerializeToString()
    assert parted(data) == (data, {})


def test_the_largest_tensor_is_found() -> None:
    data = onnx_models.large(NUMBERS)
    at = onnx_weights.numbers_at(data)
    assert data[at : at + 2 * NUMBERS] == weights(data).tobytes()[: 2 * NUMBERS]
    assert onnx_weights.numbers_at(onnx_models.line()) == 0


def test_it_answers_as_a_model_given_whole() -> None:
    data = onnx_models.large(NUMBERS)
    said = {"task": "regression", "column_names": list("abcd")}
    stored, metadata = work.import_job(data, said, 7)
    model = from_bytes(stored)
    assert isinstance(model, OnnxModel)
    assert metadata["format"] == "ONNXv2.0"
    assert model.data == data
    (lent,) = onnx_runtime.opened(model.data)._lent.values()
    assert np.shares_memory(lent, np.frombuffer(model.data, np.uint8))  # no copy of it
    answers = work.predict_job(stored, ROWS, {}, 1).added.column("Prediction")
    wanted = np.column_stack([ROWS[name] for name in "abcd"]) @ weights(data)
    np.testing.assert_allclose(answers, wanted.mean(axis=1), rtol=1e-3, atol=1e-4)
