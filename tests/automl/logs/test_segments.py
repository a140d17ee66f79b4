"""Stretches of a log."""

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.logs.segments import Segments


def stretches(
    n_rows: int, size: int, stride: int, sources: str = ""
) -> list[list[int]]:
    source = pa.array(list(sources)) if sources else None
    found = Segments.of(source, n_rows, size, stride)
    return [part.tolist() for part in np.split(found.rows, found.starts[1:-1])]


CASES = {
    "even": (6, 3, 3, "", [[0, 1, 2], [3, 4, 5]]),
    "a short end": (5, 3, 3, "", [[0, 1, 2], [3, 4]]),
    "fewer than a window": (2, 3, 3, "", [[0, 1]]),
    "windows that overlap": (5, 3, 2, "", [[0, 1, 2], [2, 3, 4]]),
    "an end that is in no window": (6, 3, 2, "", [[0, 1, 2], [2, 3, 4], [4, 5]]),
    "by source": (5, 2, 2, "abaab", [[0, 2], [3], [1, 4]]),
}


@pytest.mark.parametrize(
    ("n_rows", "size", "stride", "sources", "expected"), CASES.values(), ids=CASES
)
def test_lines_are_cut_into_stretches(
    n_rows: int, size: int, stride: int, sources: str, expected: list[list[int]]
) -> None:
    assert stretches(n_rows, size, stride, sources) == expected


@pytest.mark.parametrize("size", [1, 2, 5])
def test_every_line_is_in_a_stretch_and_none_repeats_another(size: int) -> None:
    for n_rows in range(1, 12):
        for stride in range(1, size + 1):
            found = stretches(n_rows, size, stride)
            assert {row for part in found for row in part} == set(range(n_rows))
            for one in found:
                assert not any(set(one) < set(other) for other in found)


def test_no_lines_are_no_stretches() -> None:
    found = Segments.of(None, 0, 3, 3)
    assert len(found) == 0
    assert found.most(np.zeros(0)).tolist() == []
    assert found.index_maps().to_pylist() == []


def test_a_stretch_is_as_its_lines_are() -> None:
    found = Segments.of(None, 5, 3, 3)
    known = np.array([0.0, np.nan, 1.0, np.nan, np.nan])
    assert found.most(known).tolist()[0] == 1.0
    assert np.isnan(found.most(known)[1])
    assert found.mean(np.arange(5.0)).tolist() == [1.0, 3.5]
    assert found.index_maps().to_pylist() == ["[1, 2, 3]", "[4, 5]"]
    lines = pa.array(list("abcde"))
    assert found.texts(lines).to_pylist() == ["a\nb\nc", "d\ne"]
