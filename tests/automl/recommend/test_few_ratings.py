"""What a few thousand ratings teach."""

import numpy as np

from heatproxy.automl.recommend import EXPLICIT
from heatproxy.automl.recommend.interactions import Interactions
from heatproxy.automl.recommend.selection import choose


def test_tastes_of_few_ratings_are_learned_beyond_biases() -> None:
    random = np.random.default_rng(5)
    users, items = random.normal(size=(200, 4)), random.normal(size=(100, 4))
    pairs = random.permutation(20_000)[:6_000]
    u, i = pairs // 100, pairs % 100
    ratings = 3 + 0.6 * (users[u] * items[i]).sum(1) + random.normal(0, 0.3, 6_000)
    seen = Interactions(u[:4500], i[:4500], ratings[:4500], 200, 100)
    kinds = [kind for kind in EXPLICIT if kind.name in ("Baseline", "SVD")]
    metric = "neg_root_mean_squared_error"
    chosen = choose(seen, kinds, metric, 1.0, lambda done, stage: None)
    found = chosen.recommender.ratings(u[4500:], i[4500:])
    error = float(np.sqrt(np.mean((found - ratings[4500:]) ** 2)))
    assert error < 0.6 * float(ratings[4500:].std())
