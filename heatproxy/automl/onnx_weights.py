"""The large tensors of an ONNX model, lent to onnxruntime where they are.

Given whole, a model of gigabytes is copied twice when it is parsed. Instead the model
that is parsed names its large tensors only, as if their numbers were in another file,
and the numbers are handed over as arrays over the model's own bytes.

Source: ONNX, "onnx.proto3"; ONNX Runtime, "SessionOptions.add_external_initializers".
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from heatproxy.automl.onnx_bytes import BYTES, DATA_LOCATION, EXTERNAL_DATA, fields

Tensors = dict[str, npt.NDArray[np.generic]]

LEAST_MODEL = 16 << 20  # bytes
LEAST_TENSOR = 1 << 20
_GRAPH, _INITIALIZER = 7, 5  # of a Model, of a Graph
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9  # of a Tensor
_EXTERNAL = 1  # data_location
_KEY, _VALUE = 1, 2  # of an entry of external_data
_KINDS = {  # numbers of TensorProto.DataType
    1: "<f4",
    2: "u1",
    3: "i1",
    4: "<u2",
    5: "<i2",
    6: "<i4",
    7: "<i8",
    10: "<f2",
    11: "<f8",
    12: "<u4",
    13: "<u8",
}


def parted(data: bytes | memoryview) -> tuple[bytes, Tensors]:
    """The model without its large tensors, and these by name.

    ``data`` has passed ``onnx_bytes.check``. A small model stays as it is.
    """
    view = memoryview(data)
    if len(view) < LEAST_MODEL:
        return bytes(view), {}
    tensors: Tensors = {}
    parts = []
    for number, wire, value, whole in fields(view):
        if number == _GRAPH and wire == BYTES and isinstance(value, memoryview):
            parts.append(_message(_GRAPH, b"".join(_graph(value, tensors))))
        else:
            parts.append(bytes(whole))
    return b"".join(parts), tensors


def numbers_at(data: bytes | memoryview) -> int:
    """Where in the model the numbers of its largest tensor begin; 0: none is large."""
    view = memoryview(data)
    found = [(0, 0)]  # bytes, and where
    for raw in _within(view, _GRAPH, _INITIALIZER, _RAW_DATA):
        if len(raw) >= LEAST_TENSOR:
            found.append((len(raw), _address(raw) - _address(view)))
    return max(found)[1]


def _within(message: memoryview, *numbers: int) -> Iterator[memoryview]:
    """The contents of the fields of these numbers, each within the one before it."""
    for number, _, value, _ in fields(message):
        if number == numbers[0] and isinstance(value, memoryview):
            if len(numbers) == 1:
                yield value
            else:
                yield from _within(value, *numbers[1:])


def _address(view: memoryview) -> int:
    return int(np.frombuffer(view, np.uint8).ctypes.data)


def _graph(message: memoryview, tensors: Tensors) -> Iterator[bytes]:
    for number, wire, value, whole in fields(message):
        is_large = number == _INITIALIZER and len(whole) >= LEAST_TENSOR
        if is_large and wire == BYTES and isinstance(value, memoryview):
            yield _message(_INITIALIZER, _tensor(value, tensors))
        else:
            yield bytes(whole)


def _tensor(message: memoryview, tensors: Tensors) -> bytes:
    """The tensor without its numbers; as it is, where they are not one run of bytes."""
    shape: list[int] = []
    kind: object = None
    name = ""
    raw: memoryview | None = None
    rest = []
    for number, wire, value, whole in fields(message):
        if number == _RAW_DATA and isinstance(value, memoryview):
            raw = value
            continue
        rest.append(bytes(whole))
        if number == _DIMS and wire == BYTES:
            return bytes(message)  # packed, as exporters do not write it
        if number == _DIMS and isinstance(value, int):
            shape.append(value)
        elif number == _DATA_TYPE:
            kind = value
        elif number == _NAME and isinstance(value, memoryview):
            name = bytes(value).decode()
    if raw is None or kind not in _KINDS or not name or name in tensors:
        return bytes(message)
    dtype = np.dtype(_KINDS[kind])
    if int(np.prod(shape, dtype=object)) * dtype.itemsize != len(raw):
        return bytes(message)
    values = np.frombuffer(raw, dtype).reshape(shape)
    tensors[name] = values if values.flags.aligned else values.copy()
    entry = _message(_KEY, b"location") + _message(_VALUE, b"lent")
    rest.append(_message(EXTERNAL_DATA, entry))
    rest.append(_varint(DATA_LOCATION << 3) + _varint(_EXTERNAL))
    return b"".join(rest)


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
