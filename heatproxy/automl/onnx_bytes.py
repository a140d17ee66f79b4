"""What the bytes of an ONNX model may not say, found without running anything.

A model is one protobuf message. Tensors in it may name files to read their numbers
from; whoever sends a model must not read files of this machine that way, so that such
a model is refused before onnxruntime sees it.

Source: ONNX, "onnx.proto3"; Protocol Buffers, "Encoding".
"""

from collections.abc import Iterator, Mapping

from heatproxy.errors import MySQLError, ml_error

_VARINT, _FIXED64, BYTES, _FIXED32 = 0, 1, 2, 5
MOST_DEPTH = 64  # graphs within graphs

# Fields of each message that hold messages in which a tensor may stand.
_MODEL, _GRAPH, _NODE, _ATTRIBUTE = "Model", "Graph", "Node", "Attribute"
_FUNCTION, _SPARSE, _TENSOR = "Function", "SparseTensor", "Tensor"
_INSIDE: Mapping[str, Mapping[int, str]] = {
    _MODEL: {7: _GRAPH, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {
        5: _TENSOR,
        6: _GRAPH,
        10: _TENSOR,
        11: _GRAPH,
        22: _SPARSE,
        23: _SPARSE,
    },
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # of a Tensor


def check(data: bytes | memoryview) -> None:
    """Refuse bytes that are no model, or one that reads files.

    Raises:
        MySQLError: 3877 ML004001.
    """
    try:
        is_model = _look(memoryview(data), _MODEL, MOST_DEPTH)
    except (IndexError, ValueError):
        is_model = False
    if not is_model:
        raise invalid("it is not an ONNX model")


def invalid(why: str) -> MySQLError:
    """The codes of these errors are not published but for their beginning."""
    return ml_error("ML004001", f"The ONNX model cannot be imported: {why}.")


def _look(message: memoryview, kind: str, depth: int) -> bool:
    """Whether a message has a graph, or is no model; everything in it is looked at."""
    if not depth:
        raise ValueError("too deep")
    has_graph = kind != _MODEL
    inside = _INSIDE[kind]
    for number, wire, value, _ in fields(message):
        if kind == _TENSOR and (
            number == EXTERNAL_DATA or (number == DATA_LOCATION and value)
        ):
            raise invalid("a tensor of it is in another file")
        if wire != BYTES or number not in inside or not isinstance(value, memoryview):
            continue
        has_graph = has_graph or inside[number] == _GRAPH
        _look(value, inside[number], depth - 1)
    return has_graph


def fields(
    message: memoryview,
) -> Iterator[tuple[int, int, int | memoryview, memoryview]]:
    """Each field: its number, wire type, varint or bytes, and the whole of it."""
    position = 0
    while position < len(message):
        begin = position
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        value: int | memoryview = 0
        if wire == _VARINT:
            value, position = _varint(message, position)
        elif wire == BYTES:
            length, position = _varint(message, position)
            if position + length > len(message):
                raise ValueError("cut")
            value = message[position : position + length]
            position += length
        elif wire in (_FIXED64, _FIXED32):
            position += 8 if wire == _FIXED64 else 4
        else:
            raise ValueError("no wire type")
        yield number, wire, value, message[begin:position]
    if position != len(message):
        raise ValueError("cut")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("no varint")
