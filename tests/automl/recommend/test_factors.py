"""Recommenders as values: pairs, grids, what is kept."""

from typing import Any

import numpy as np
import pytest

from heatproxy.automl.recommend import CTR, EXPLICIT, IMPLICIT, TWO_TOWER
from heatproxy.automl.recommend.interactions import Interactions
from heatproxy.automl.recommend.sides import Sides

KINDS = {kind.name: kind for kind in (*EXPLICIT, *IMPLICIT)}
# their heights are those of a table of metadata, which the model checks
DESCRIBING = ("user_first", "item_first", "content")


def seen() -> Interactions:
    random = np.random.default_rng(1)
    users, items = np.nonzero(random.random((12, 9)) < 0.7)
    ratings = 3.0 + (users % 3) - (items % 3) + random.normal(0, 0.1, len(users))
    return Interactions.of(users, items, ratings, 12, 9)


@pytest.fixture(scope="module", params=list(KINDS))
def fitted(request: pytest.FixtureRequest) -> Any:
    kind = KINDS[request.param]
    if kind.name == TWO_TOWER:
        pytest.importorskip("torch", reason="TwoTower needs PyTorch")
    if kind.name in (TWO_TOWER, CTR):
        described = np.random.default_rng(2).normal(size=(12, 3)).astype(np.float32)
        kind = kind.described_by(Sides(described, described[:9]))
    return kind, kind.fit(seen(), kind.settings[0])


def test_pairs_and_grids_agree(fitted: Any) -> None:
    _, recommender = fitted
    users, items = np.meshgrid(np.arange(12), np.arange(9), indexing="ij")
    pairs = recommender.ratings(users.ravel(), items.ravel()).reshape(12, 9)
    assert np.allclose(recommender.grid(np.arange(12)), pairs)
    assert np.allclose(recommender.grid_of_items(np.arange(9)), pairs.T)


def test_somebody_new_gets_a_rating(fitted: Any) -> None:
    _, recommender = fitted
    new = recommender.ratings(np.array([-1, -1, 3]), np.array([-1, 2, -1]))
    assert np.isfinite(new).all()


def test_what_is_kept_is_read_back_and_checked(fitted: Any) -> None:
    kind, recommender = fitted
    arrays = recommender.arrays()
    again = kind.restore(arrays, seen())
    users = np.arange(12)
    assert np.array_equal(again.grid(users), recommender.grid(users))
    for name, array in arrays.items():
        for wrong in (np.append(array, array, axis=0), np.full_like(array, np.nan)):
            if wrong.size and (name not in DESCRIBING or np.isnan(wrong).all()):
                with pytest.raises(ValueError, match="unsound"):
                    kind.restore({**arrays, name: wrong}, seen())


@pytest.mark.parametrize("name", ["Baseline", "SVD", "SVDpp", "CoClustering"])
def test_ratings_that_follow_from_user_and_item_are_learned(name: str) -> None:
    kind = KINDS[name]
    given = seen()
    recommender = kind.fit(given, kind.settings[0])
    found = recommender.ratings(given.users, given.items)
    left = np.mean((given.ratings - found) ** 2)
    assert left < 0.6 * given.ratings.var()
