"""Small ONNX models, made by hand, so that what each computes is known."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

_OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]


def _bytes(nodes: list[Any], inputs: list[Any], outputs: list[Any], *own: Any) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializer=list(own))
    model = helper.make_model(graph, opset_imports=_OPSETS)
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def value(name: str, kind: int, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def tensor(name: str, array: Any) -> Any:
    return onnx.numpy_helper.from_array(np.asarray(array), name)


def line(rows: Any = None) -> bytes:
    """``2 a - 3 b + 1`` of one input of two columns, as ``y`` (n_rows, 1)."""
    weights = tensor("w", np.array([[2.0], [-3.0]], np.float32))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["wx"]),
        helper.make_node("Add", ["wx", "one"], ["y"]),
    ]
    one = tensor("one", np.array([1.0], np.float32))
    inputs = [value("x", TensorProto.FLOAT, rows, 2)]
    outputs = [value("y", TensorProto.FLOAT, rows, 1)]
    return _bytes(nodes, inputs, outputs, weights, one)


def chooser() -> bytes:
    """Three classes of two columns: softmax of (a, b, 0); the label is 10, 11 or 12.

    Outputs: ``label`` (n_rows,) and ``shares`` (n_rows, 3).
    """
    weights = tensor("w", np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("Softmax", ["s"], ["shares"], axis=1),
        helper.make_node("ArgMax", ["s"], ["place"], axis=1, keepdims=0),
        helper.make_node("Add", ["place", "ten"], ["label"]),
    ]
    return _bytes(
        nodes,
        [value("x", TensorProto.FLOAT, "batch", 2)],
        [
            value("label", TensorProto.INT64, "batch"),
            value("shares", TensorProto.FLOAT, "batch", 3),
        ],
        weights,
        tensor("ten", np.array(10, np.int64)),
    )


def by_name() -> bytes:
    """Two inputs of one column, ``age`` (float) and ``job`` (string).

    ``label`` is "yes" where ``age`` is above 50 or the job is nurse, "no" elsewhere;
    ``p`` (n_rows, 1) is that as a share: 0.9 or 0.1.
    """
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["job"],
            ["nurse"],
            domain="ai.onnx.ml",
            keys_strings=["nurse"],
            values_floats=[1.0],
            default_float=0.0,
        ),
        helper.make_node("Greater", ["age", "fifty"], ["old"]),
        helper.make_node("Greater", ["nurse", "half"], ["is_nurse"]),
        helper.make_node("Or", ["old", "is_nurse"], ["yes"]),
        helper.make_node("Where", ["yes", "much", "little"], ["p"]),
        helper.make_node("Cast", ["yes"], ["code"], to=TensorProto.INT64),
        helper.make_node(
            "LabelEncoder",
            ["code"],
            ["label"],
            domain="ai.onnx.ml",
            keys_int64s=[0, 1],
            values_strings=["no", "yes"],
        ),
    ]
    inputs = [
        value("age", TensorProto.FLOAT, None, 1),
        value("job", TensorProto.STRING, None, 1),
    ]
    outputs = [
        value("label", TensorProto.STRING, None, 1),
        value("p", TensorProto.FLOAT, None, 1),
    ]
    numbers = {"fifty": 50.0, "half": 0.5, "much": 0.9, "little": 0.1}
    own = [tensor(name, np.array(x, np.float32)) for name, x in numbers.items()]
    return _bytes(nodes, inputs, outputs, *own)


def of_dictionaries() -> bytes:
    """One column; ``shares`` is one dictionary a row, of "low" and "high"."""
    nodes = [
        helper.make_node("Sub", ["one", "x"], ["rest"]),
        helper.make_node("Concat", ["rest", "x"], ["both"], axis=1),
        helper.make_node(
            "ZipMap",
            ["both"],
            ["shares"],
            domain="ai.onnx.ml",
            classlabels_strings=["low", "high"],
        ),
    ]
    mapped = helper.make_map_type_proto(
        TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, None)
    )
    shares = helper.make_value_info("shares", helper.make_sequence_type_proto(mapped))
    inputs = [value("x", TensorProto.FLOAT, None, 1)]
    return _bytes(nodes, inputs, [shares], tensor("one", np.array([1.0], np.float32)))


def reading_a_file(path: str) -> bytes:
    """``line`` with its weights in a file of that name."""
    model = onnx.load_model_from_string(line())
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", path
    return bytes(model.SerializeToString())


def large(n_numbers: int, seed: int = 5) -> bytes:
    """``x`` of four columns times (4, n) numbers of noise, and their mean: ``y``."""
    noise = np.random.default_rng(seed).normal(size=(4, n_numbers // 4))
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["xw"]),
        helper.make_node("ReduceMean", ["xw"], ["y"], axes=[1], keepdims=1),
    ]
    return _bytes(
        nodes,
        [value("x", TensorProto.FLOAT, None, 4)],
        [value("y", TensorProto.FLOAT, None, 1)],
        tensor("w", noise.astype(np.float32)),
    )
