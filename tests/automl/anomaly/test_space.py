"""Rows as points."""

import json

import numpy as np

from heatproxy.automl.anomaly.space import Space
from heatproxy.automl.drift import Drift

MATRIX = np.array(
    [[1.0, 0.0, 5.0], [2.0, 0.0, np.nan], [3.0, 1.0, 7.0], [1e9, 0.0, 8.0]] * 5
)


def fitted() -> Space:
    return Space.fit(MATRIX, Drift.fit(MATRIX, (1,)))


def test_points_have_as_many_dimensions_as_they_say() -> None:
    space = fitted()
    assert space.points(MATRIX).shape == (20, space.dimensions)
    assert np.isfinite(space.points(MATRIX)).all()


def test_one_wild_value_does_not_drown_the_others() -> None:
    column = fitted().points(MATRIX)[:, 0]
    assert column.max() < 30


def test_rare_and_unknown_words_are_farther_than_usual_ones() -> None:
    space = fitted()
    rows = np.array([[2.0, code, 7.0] for code in (0.0, 1.0, 9.0, np.nan)])
    points = space.points(rows)
    far = np.abs(points - points[0]).sum(axis=1)
    assert 0 == far[0] < far[1] < far[2]
    assert far[2] == far[3]


def test_a_missing_number_lies_in_the_middle_and_is_marked_where_it_was_seen() -> None:
    space = fitted()
    given, missing = space.points(np.array([[2.5, 0.0, 7.0], [np.nan, 0.0, np.nan]]))
    assert missing[0] == 0.0
    assert given.tolist() != missing.tolist()


def test_a_state_is_read_back() -> None:
    space = fitted()
    again = Space.from_state(json.loads(json.dumps(space.state())), 3)
    assert np.array_equal(again.points(MATRIX), space.points(MATRIX))
