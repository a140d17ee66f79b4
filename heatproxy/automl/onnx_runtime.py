"""An ONNX model at work: columns in, what its outputs say out.

onnxruntime is compiled code that runs what somebody else wrote: it is used in a
learning process alone, never where sessions are served.

Source: HeatWave User Guide, "ONNX Models Overview", "ONNX Model Metadata"; ONNX
Runtime documentation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl import onnx_bytes, onnx_weights
from heatproxy.automl.columns import as_text, numbers
from heatproxy.errors import MySQLError, ml_error

DEFAULT_TYPES: Mapping[str, str] = {  # what a tensor is filled with
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint64)": "uint64",
    "tensor(uint32)": "uint32",
    "tensor(uint16)": "uint16",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool_",
    "tensor(string)": "str_",
}
# NumPy's names that data_types_map may have, those of no column left out
_SPELLED = {
    **{name: name for name in DEFAULT_TYPES.values()},
    "unicode_": "str_",
    "int_": "int64",
    "byte": "int8",
    "ubyte": "uint8",
    "short": "int16",
    "ushort": "uint16",
    "intc": "int32",
    "uintc": "uint32",
    "uint": "uint64",
    "longlong": "int64",
    "ulonglong": "uint64",
    "intp": "int64",
    "uintp": "uint64",
    "half": "float16",
    "single": "float32",
    "double": "float64",
    "longfloat": "float64",
    "longdouble": "float64",
}
_UNFIT = (
    *("datetime64", "complex_", "complex64", "complex128", "complex256"),
    *("csingle", "cdouble", "clongdouble"),
)
MOST_ROWS = 65_536  # given to a model at a time


@dataclass(frozen=True, slots=True)
class Input:
    """One input: ``shape`` without the rows; ``rows`` when their number is fixed."""

    name: str
    type: str
    shape: tuple[int, ...]
    rows: int | None

    @property
    def columns(self) -> int:
        """How many columns of a table fill it."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape else 1


@dataclass(frozen=True, slots=True)
class Runtime:
    """A model that is open: its inputs, and the names of its outputs."""

    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    _session: Any
    _lent: onnx_weights.Tensors = field(default_factory=dict)  # it must not lose them

    @property
    def output_forms(self) -> list[tuple[str, str, Any]]:
        """Name, ONNX type and the last member of the shape of each output."""
        return [
            (one.name, one.type, one.shape[-1] if one.shape else None)
            for one in self._session.get_outputs()
        ]

    def run(
        self, columns: Sequence[pa.Array], types: Mapping[str, str]
    ) -> dict[str, Any]:
        """What each output says of n_rows rows; ``columns`` in the inputs' order.

        An output is an array (n_rows, ...) or a list of one dictionary a row.

        Raises:
            MySQLError: 3877 ML003015, a value that an input cannot have; ML004006,
                the model fails.
        """
        n_rows = len(columns[0]) if columns else 0
        if len(self.inputs) == 1:
            arrays = [_filled(self.inputs[0], columns, types)]
        else:
            arrays = [
                _filled(one, [column], types)
                for one, column in zip(self.inputs, columns, strict=True)
            ]
        fixed = next((one.rows for one in self.inputs if one.rows), None)
        at_once = fixed or MOST_ROWS
        found: dict[str, list[Any]] = {name: [] for name in self.outputs}
        for start in range(0, n_rows, at_once):
            left = min(at_once, n_rows - start)
            feed = {}
            for one, array in zip(self.inputs, arrays, strict=True):
                part = array[start : start + left]
                if fixed and left < fixed:  # the last rows, and the last once more
                    part = np.concatenate([part, np.repeat(part[-1:], fixed - left, 0)])
                feed[one.name] = part
            for name, value in zip(self.outputs, self._answered(feed), strict=True):
                found[name].append(_rows_of(name, value, fixed or left)[:left])
        return {name: _joined(parts) for name, parts in found.items()}

    def _answered(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[Any]:
        try:
            return list(self._session.run(list(self.outputs), dict(feed)))
        except Exception as problem:  # whatever the model makes of the rows
            first = (str(problem).splitlines() or [""])[0][:200]
            raise ml_error("ML004006", f"The ONNX model failed: {first}") from None


def opened(data: bytes | memoryview, threads: int = 1) -> Runtime:
    """The model of these bytes.

    Raises:
        MySQLError: 3877 ML004001, they are none that can be run here; ML004002,
            onnxruntime is not installed.
    """
    onnx_bytes.check(data)
    try:
        import onnxruntime
    except ImportError:
        raise ml_error(
            "ML004002",
            "ONNX models need onnxruntime, which is not installed where heatproxy runs:"
            " pip install 'heatproxy[onnx]'.",
        ) from None
    onnxruntime.set_default_logger_severity(4)  # it would write to our standard error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    content, tensors = onnx_weights.parted(data)
    if tensors:
        lend = onnxruntime.OrtValue.ortvalue_from_numpy
        lent = [lend(values) for values in tensors.values()]
        options.add_external_initializers(list(tensors), lent)
        # it would copy them into another order
        options.add_session_config_entry("session.disable_prepacking", "1")
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
    except Exception as problem:
        first = (str(problem).splitlines() or [""])[0][:200]
        raise onnx_bytes.invalid(first) from None
    inputs = tuple(_input(one) for one in session.get_inputs())
    if not inputs:
        raise onnx_bytes.invalid("it has no input")
    if len(inputs) > 1 and any(one.columns != 1 for one in inputs):
        raise onnx_bytes.invalid(
            "it has several inputs, and one of them is of several columns"
        )
    outputs = tuple(one.name for one in session.get_outputs())
    return Runtime(inputs, outputs, session, tensors)


def numpy_type(tensor: str, types: Mapping[str, str]) -> str:
    """What a tensor is filled with, by the user's map and then by the default one.

    Raises:
        MySQLError: 3877 ML004005, no type of NumPy's, or none of a column's.
    """
    name = types.get(tensor, DEFAULT_TYPES.get(tensor))
    if name in _SPELLED:
        return _SPELLED[name]
    if name is None:
        raise ml_error("ML004005", f"data_types_map has no type for {tensor}.")
    why = "no column can be of it" if name in _UNFIT else "it is not supported"
    raise ml_error("ML004005", f"data_types_map: '{name}' for {tensor}: {why}.")


def _input(one: Any) -> Input:
    shape = list(one.shape)
    first = shape[0] if shape else None
    rest = shape[1:]
    if not all(isinstance(size, int) and size > 0 for size in rest):
        raise onnx_bytes.invalid(
            f"the shape {shape} of its input '{one.name}' is not of whole numbers"
            " behind the batch size"
        )
    if not str(one.type).startswith("tensor("):
        raise onnx_bytes.invalid(f"its input '{one.name}' is a {one.type}")
    rows = first if isinstance(first, int) and first > 0 else None
    return Input(str(one.name), str(one.type), tuple(rest), rows)


def _filled(
    one: Input, columns: Sequence[pa.Array], types: Mapping[str, str]
) -> npt.NDArray[Any]:
    """The tensor of an input (n_rows, *shape)."""
    wanted = numpy_type(one.type, types)
    needed = numpy_type(one.type, {})  # what the model itself takes
    parts = [_values(column, one.name, wanted) for column in columns]
    if (wanted == "str_") != (needed == "str_"):
        raise ml_error(
            "ML004005", f"data_types_map: '{wanted}' cannot fill a {one.type}."
        )
    whole = np.stack(parts, axis=1) if parts else np.empty((0, 0))
    if needed != "str_":
        whole = whole.astype(needed, copy=False)
    return np.ascontiguousarray(whole.reshape(len(whole), *one.shape))


def _values(column: pa.Array, name: str, kind: str) -> npt.NDArray[Any]:
    if kind == "str_":
        _refuse_nulls(column, name, kind)
        return np.array(as_text(column).to_pylist(), dtype=object)
    values = numbers(column, name)
    if kind.startswith("float"):
        return values.astype(kind)
    _refuse_nulls(column, name, kind)
    if pa.types.is_integer(column.type):  # doubles hold no more than 53 bits
        values = column.to_numpy(zero_copy_only=False)
    if kind != "bool_":
        limits = np.iinfo(kind)
        if len(values) and (values.min() < limits.min or values.max() > limits.max):
            raise _unfit(name, kind, "a number out of its range")
        if (values != np.trunc(values)).any():
            raise _unfit(name, kind, "a fraction")
    return values.astype(kind)


def _refuse_nulls(column: pa.Array, name: str, kind: str) -> None:
    if pc.any(pc.is_null(column, nan_is_null=True)).as_py():
        raise _unfit(name, kind, "NULL")


def _unfit(name: str, kind: str, what: str) -> MySQLError:
    return ml_error(
        "ML003015",
        "The input column types do not match the column types of dataset which the "
        f"model was trained on. {what} for input '{name}', which takes {kind}.",
    )


def _rows_of(name: str, value: Any, rows: int) -> Any:
    """An output that has a value for each row."""
    if isinstance(value, list | np.ndarray) and len(value) == rows:
        return value
    raise ml_error(
        "ML004006", f"The ONNX model's output '{name}' has not one value a row."
    )


def _joined(parts: Sequence[Any]) -> Any:
    if not parts:
        return np.empty((0,))
    if isinstance(parts[0], list):
        return [member for part in parts for member in part]
    return np.concatenate(parts)
