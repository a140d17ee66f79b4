"""Numbers as how rare they are."""

import numpy as np
import pytest

from heatproxy.automl.anomaly.rank import Rarity


def test_the_larger_the_rarer_within_and_beyond_what_was_seen() -> None:
    rank = Rarity.fit(np.arange(1000.0))
    heights = rank.of(np.array([-5.0, 0.0, 500.0, 990.0, 999.0, 2000.0, 1e9]))
    assert (np.diff(heights) >= 0).all()
    assert heights[-1] > heights[-2] > heights[-3]
    assert heights[2] == pytest.approx(np.log(2), abs=0.01)
    assert heights[3] == pytest.approx(np.log(1000 / 10), abs=0.2)


def test_equal_numbers_are_not_rare() -> None:
    rank = Rarity.fit(np.array([1.0] * 99 + [2.0]))
    usual, rare = rank.of(np.array([1.0, 2.0]))
    assert usual < 1.0 < rare


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0]])
def test_one_number_is_enough(values: list[float]) -> None:
    assert np.isfinite(Rarity.fit(np.array(values)).of(np.array([2.0, 3.0, 4.0]))).all()


def test_a_table_is_read_back_and_an_unsound_one_is_refused() -> None:
    rank = Rarity.fit(np.arange(100.0))
    again = Rarity.from_table(rank.table())
    values = np.linspace(-10, 200, 50)
    assert np.array_equal(again.of(values), rank.of(values))
    for table in (np.zeros((3, 2)), np.array([[2.0, 1.0], [0.0, 1.0]])):
        with pytest.raises(ValueError, match="ranks"):
            Rarity.from_table(table)
    with pytest.raises(ValueError, match="ranks"):
        Rarity.from_table(np.full((2, 2), np.nan))
