"""Who has rated what."""

import numpy as np
import pyarrow as pa

from heatproxy.automl.recommend.interactions import Interactions, codes_in


def test_what_is_rated_twice_counts_once_with_the_mean() -> None:
    users, items = np.array([1, 0, 1]), np.array([0, 2, 0])
    seen = Interactions.of(users, items, np.array([1.0, 4.0, 5.0]), 2, 3)
    assert seen.users.tolist() == [0, 1]
    assert seen.items.tolist() == [2, 0]
    assert seen.ratings.tolist() == [4.0, 3.0]
    assert seen.matrix().toarray().tolist() == [[0.0, 0.0, 4.0], [3.0, 0.0, 0.0]]
    assert seen.starts.tolist() == [0, 1, 2]


def test_means_of_nobody_are_the_default() -> None:
    seen = Interactions.of(np.array([0]), np.array([1]), np.array([4.0]), 2, 2)
    assert seen.mean_of_users(2.5).tolist() == [4.0, 2.5]
    assert seen.mean_of_items(2.5).tolist() == [2.5, 4.0]


def test_names_are_found_whatever_their_type() -> None:
    known = pa.array(["10", "7"])
    assert codes_in(pa.array([7, 10, 3]), known).tolist() == [1, 0, -1]
    assert codes_in(pa.array([], pa.string()), known).tolist() == []
