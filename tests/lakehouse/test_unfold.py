"""Texts out of a dictionary."""

import pyarrow as pa
import pytest

from heatproxy.lakehouse.unfold import unfolded

TEXTS = pa.array(["", "a", "żółć", "x" * 31, "y" * 32, "z" * 33, "end"])


@pytest.mark.parametrize(
    "numbers",
    [
        [0, 1, 2, 3, 4, 5, 6],
        [6, None, 5, None, 0],
        [None, None],
        [],
        [4] * 1000 + [None] + [6] * 1000,
    ],
)
@pytest.mark.parametrize("skipped", [0, 1, 9])
def test_each_row_has_its_text(numbers, skipped):
    given = pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), TEXTS)
    part = given.slice(min(skipped, len(numbers)))
    made = unfolded(part)
    made.validate(full=True)
    assert made.type == pa.string()
    assert made.to_pylist() == numbers_as_texts(part)


def test_a_dictionary_may_be_a_part_of_another():
    texts = TEXTS.slice(2, 3)
    given = pa.DictionaryArray.from_arrays(pa.array([2, 0, 1], pa.int32()), texts)
    assert unfolded(given).to_pylist() == ["y" * 32, "żółć", "x" * 31]


def test_a_dictionary_of_another_kind_is_read_too():
    small = pa.array(["b", None, "a"]).dictionary_encode()
    for given in (
        small.cast(pa.dictionary(pa.int8(), pa.large_string())),
        pa.DictionaryArray.from_arrays([0, 1], pa.array(["q", None])),
    ):
        assert unfolded(given).to_pylist() == given.to_pylist()


def test_a_number_that_the_dictionary_does_not_have_is_no_text():
    broken = pa.DictionaryArray.from_arrays(
        pa.array([0, 7], pa.int32()), TEXTS, safe=False
    )
    with pytest.raises(pa.ArrowIndexError):
        unfolded(broken)


def numbers_as_texts(array: pa.DictionaryArray) -> list[str | None]:
    return [None if k is None else TEXTS[k].as_py() for k in array.indices.to_pylist()]
