"""The target column: class labels as codes and back in their own type, or numbers.

Labels keep the Arrow type of the training table: an INT target predicts INT. For a
score, the labels of another table are matched by value, so that the string '1' meets
the number 1.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import (
    FloatArray,
    as_text,
    is_number,
    is_text,
    numbers,
    wrong_type,
)
from heatproxy.errors import MySQLError, ml_error, secondary_engine

CodeArray = npt.NDArray[np.int64]
MIN_ROWS_PER_CLASS = 5

_PLAIN_TYPES = {
    str(kind): kind
    for kind in (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.date32()),
        *(pa.timestamp("us"), pa.duration("us")),
    )
}
_DECIMAL = re.compile(r"decimal(128|256)\((\d+), (-?\d+)\)")


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes of a classification target, sorted, in the target's own type."""

    values: pa.Array

    def __len__(self) -> int:
        return len(self.values)

    @property
    def texts(self) -> list[str]:
        """The classes as text: the keys of ``probabilities``."""
        return [str(text) for text in _spelled(self.values).to_pylist()]

    def codes(self, column: pa.Array) -> CodeArray:
        """The place of each value among the classes (n_rows,); -1 if it is none.

        Numbers, booleans and strings that hold numbers are compared as numbers when
        the classes are numbers, anything else as text.
        """
        known = self.values
        if known.type == column.type:
            places = pc.index_in(column, value_set=known)
        elif pa.types.is_integer(known.type) and pa.types.is_integer(column.type):
            places = _index_in(column, known, pa.decimal128(20, 0))
        elif is_number(known.type):
            try:
                given = numbers(column, "")
            except MySQLError:
                return self._codes_of_texts(column)
            places = _index_in(pa.array(given), known, pa.float64())
        else:
            return self._codes_of_texts(column)
        return _filled(places)

    def _codes_of_texts(self, column: pa.Array) -> CodeArray:
        return _filled(pc.index_in(_spelled(column), value_set=_spelled(self.values)))

    def take(self, codes: CodeArray) -> pa.Array:
        """The labels (n_rows,) in their own type."""
        return self.values.take(pa.array(codes))

    def state(self) -> dict[str, object]:
        """The classes as JSON values; ``from_state`` is the inverse."""
        kind = self.values.type
        values = self.values
        if pa.types.is_duration(kind):
            values = values.cast(pa.int64())
        return {"type": str(kind), "values": values.cast(pa.string()).to_pylist()}

    @classmethod
    def from_state(cls, state: dict[str, object]) -> "Labels":
        """Raises: KeyError or ValueError when it is no such state."""
        kind = _type_named(str(state["type"]))
        texts = pa.array(state["values"], pa.string())
        if pa.types.is_duration(kind):
            return cls(texts.cast(pa.int64()).cast(kind))
        return cls(texts.cast(kind))

    @classmethod
    def fit(cls, column: pa.Array, name: str) -> "Labels":
        """The classes of a training column.

        Raises:
            MySQLError: 3877 ML001053 there are NULLs, ML001031 a class has fewer than
                five rows or there is only one; 1235 the type cannot be a class.
        """
        refuse_unlabelled(column)
        if str(column.type) not in _PLAIN_TYPES and not pa.types.is_decimal(
            column.type
        ):
            raise wrong_type(name, column.type, "class")
        counts = pc.value_counts(column)
        values, times = counts.field("values"), counts.field("counts").to_numpy()
        few = int((times < MIN_ROWS_PER_CLASS).sum())
        if few:
            raise _too_few_rows(few)
        if len(values) < 2:
            raise ml_error(
                "ML001031",
                "Running as a classification task. The target column "
                f"'{name}' has only one class, and at least 2 are needed.",
            )
        return cls(values.take(pc.sort_indices(values)))


def target_numbers(column: pa.Array, name: str) -> FloatArray:
    """A regression target (n_rows,).

    Raises:
        MySQLError: 3877, ML001053 there are NULLs; the column is not numeric.
    """
    refuse_unlabelled(column)
    if not is_number(column.type):
        raise secondary_engine(
            f"The target column '{name}' of type {column.type} is not numeric, which "
            "the regression task needs."
        )
    return numbers(column, name)


def refuse_unlabelled(column: pa.Array) -> None:
    """Raises: MySQLError 3877 ML001053 when any value is NULL."""
    if pc.any(pc.is_null(column, nan_is_null=True)).as_py():
        raise ml_error(
            "ML001053",
            "Unlabeled samples detected in the training data. (Values in target column "
            "can not be NULL).",
        )


def _too_few_rows(classes: int) -> MySQLError:
    return ml_error(
        "ML001031",
        f"Running as a classification task. {classes} classes have less than "
        f"{MIN_ROWS_PER_CLASS} samples per class, and cannot be trained on. Maybe it "
        "should be trained as a regression task instead of a classification task. Or "
        "the task ran on the default setting - classification, due to an incorrect "
        "JSON task argument.",
    )


def _index_in(column: pa.Array, known: pa.Array, common: pa.DataType) -> pa.Array:
    return pc.index_in(
        column.cast(common, safe=False), value_set=known.cast(common, safe=False)
    )


def _filled(places: pa.Array) -> CodeArray:
    return np.array(pc.fill_null(places, -1).to_numpy(zero_copy_only=False), np.int64)


def _spelled(values: pa.Array) -> pa.Array:
    if pa.types.is_duration(values.type):
        seconds = pc.divide(values.cast(pa.int64()).cast(pa.float64()), 1e6)
        return seconds.cast(pa.string())
    return values if is_text(values.type) else as_text(values)


def _type_named(text: str) -> pa.DataType:
    if text in _PLAIN_TYPES:
        return _PLAIN_TYPES[text]
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"no label type {text!r}")
    make = pa.decimal128 if match[1] == "128" else pa.decimal256
    return make(int(match[2]), int(match[3]))
