"""A few rows are encoded by another way than many, and to the same numbers."""

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.columns import Category, Feature, Numeric

WORDS = ("b", "a", "é", "")
COLUMNS: dict[str, tuple[Feature, pa.Array]] = {
    "words": (Category("c", WORDS, False), pa.array(["a", "é", "", "A", None, "b"])),
    "NULL is a word": (Category("c", WORDS, True), pa.array([None, "b", "zz"])),
    "numbers as words": (Category("c", ("1", "2"), False), pa.array([1, None, 3, 2])),
    "integers": (Numeric("n"), pa.array([1, None, -(2**63), 2**63 - 1, 2**53 + 1])),
    "doubles": (Numeric("n"), pa.array([0.1, None, np.inf, np.nan, -0.0, 1e300])),
    "small integers": (Numeric("n"), pa.array([1, None, -128], pa.int8())),
    "truths": (Numeric("n"), pa.array([True, None, False])),
    "nothing but NULL": (Numeric("n"), pa.array([None, None], pa.int64())),
}


@pytest.mark.parametrize(("feature", "column"), COLUMNS.values(), ids=COLUMNS)
def test_few_rows_are_the_numbers_they_are_among_many(
    feature: Feature, column: pa.Array
) -> None:
    many = pa.concat_arrays([column] * 1000)
    whole = feature.encode(many)
    few = feature.encode(column)
    assert few.dtype == whole.dtype == np.float64
    np.testing.assert_array_equal(few, whole[: len(column)])
    for place in range(len(column)):
        alone = feature.encode(column.slice(place, 1))
        np.testing.assert_array_equal(alone, whole[place : place + 1])
