"""Recommenders of content: least squares, and items that nobody has chosen."""

import numpy as np
import pytest

from heatproxy.automl.recommend import content, kernels
from heatproxy.automl.recommend.interactions import Interactions
from heatproxy.automl.recommend.sides import Sides
from heatproxy.errors import MySQLError

SETTINGS = {"n_factors": 4, "reg_u": 0.1, "reg_i": 1.0, "n_epochs": 5}


def liked() -> Interactions:
    """Even users like even items, odd ones odd items."""
    users, items = np.nonzero((np.add.outer(np.arange(12), np.arange(8)) % 2) == 0)
    kept = np.random.default_rng(1).random(len(users)) < 0.8
    pairs = users[kept], items[kept]
    return Interactions.of(*pairs, np.ones(kept.sum()), 12, 8)


def test_least_squares_are_those_of_a_solver() -> None:
    seen, random = liked(), np.random.default_rng(2)
    others, prior = random.normal(size=(8, 3)), random.normal(size=(12, 3))
    found = np.zeros((12, 3))
    kernels.least_squares(
        *(seen.starts, seen.items, others, others.T @ others, prior),
        *(1.0, 0.1, 0.5, found),
    )
    for user in range(12):
        chosen = others[seen.items[seen.users == user]]
        left = 0.1 * others.T @ others + 0.9 * chosen.T @ chosen + 0.5 * np.eye(3)
        right = chosen.sum(axis=0) + 0.5 * prior[user]
        np.testing.assert_allclose(found[user], np.linalg.solve(left, right))


def test_what_an_item_has_is_its_description_and_the_rest() -> None:
    described = np.eye(2, dtype=np.float32)[np.arange(8) % 2]
    found = content.ctr(liked(), SETTINGS, Sides(items=described))
    items = found.factors.item_factors
    np.testing.assert_allclose(
        (described @ found.content + found.apart)[:, :-1], items, atol=1e-9
    )
    # what all even items have in common is nearer to them than to the odd ones
    near = found.factors.user_factors @ found.content[:, :-1].T
    assert (near[::2, 0] > near[::2, 1] + 0.3).all()
    assert (near[1::2, 1] > near[1::2, 0] + 0.3).all()


def test_ctr_is_nothing_without_descriptions() -> None:
    with pytest.raises(MySQLError, match="CTR needs the option item_metadata"):
        content.without_content(liked(), SETTINGS)
