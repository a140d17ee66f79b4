"""The best few of many, and how good they are."""

import numpy as np
import pytest

from heatproxy.automl.recommend import ranking
from heatproxy.automl.recommend.interactions import Interactions
from heatproxy.automl.recommend.ranking import RANKING, best, best_of_each, judged

VALUES = np.array([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 5.0]])


def test_the_largest_come_first_and_of_equal_ones_the_first() -> None:
    found = best(VALUES, 3, None)
    assert found.places.tolist() == [[1, 2, 3], [3, 0, 1]]
    assert found.values.tolist() == [[3.0, 3.0, 2.0], [5.0, 0.0, 0.0]]


def test_what_is_unwanted_is_not_among_them() -> None:
    unwanted = np.array([[False, True, True, False], [True] * 4])
    assert best(VALUES, 3, unwanted).places.tolist() == [[3, 0, -1], [-1, -1, -1]]


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = np.random.default_rng(1).normal(size=(9, 5))
    codes = np.arange(9)
    whole = best_of_each(codes, lambda part: grid[part], 5, 2, None)
    monkeypatch.setattr(ranking, "CELLS_AT_ONCE", 10)
    parts = best_of_each(codes, lambda part: grid[part], 5, 2, None)
    assert np.array_equal(parts.places, whole.places)
    assert np.array_equal(parts.values, whole.values)


def test_seven_of_ten_are_seventy_percent() -> None:
    places = np.arange(10)[None, :]
    items = np.array([0, 1, 2, 3, 4, 5, 6, 20, 21, 22])
    truth = Interactions.of(np.zeros(10, np.int64), items, np.ones(10), 1, 30)
    found = judged(ranking.Best(places, np.zeros((1, 10))), np.array([0]), truth, k=10)
    scores = {name: score(found).tolist() for name, score in RANKING.items()}
    assert scores["precision_at_k"] == [0.7]
    assert scores["recall_at_k"] == [0.7]
    assert scores["hit_ratio_at_k"] == [1.0]
    discounts = 1 / np.log2(np.arange(10) + 2)
    assert scores["ndcg_at_k"] == pytest.approx([discounts[:7].sum() / discounts.sum()])
