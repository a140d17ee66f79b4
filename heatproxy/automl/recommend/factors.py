"""Ratings as a mean, a bias of the user, one of the item, and a product of factors.

Six of HeatWave's recommenders are of this form and differ in how they come to the
numbers.

    Baseline      biases alone, by alternating least squares
    SVD           factors by stochastic gradient descent
    SVDpp         the same; what a user has rated at all adds to the user's factors
    NMF           factors that are not negative, by multiplicative updates
    CoClustering  groups of users and of items, and the mean of each two
    BPR           factors that put what was chosen above what was not

Source: Koren, Bell, Volinsky, "Matrix Factorization Techniques for Recommender
Systems"; Koren, "Factor in the Neighbors"; Luo and others, "An Efficient Non-Negative
Matrix-Factorization-Based Approach to Collaborative Filtering for Recommender
Systems"; George and Merugu, "A Scalable Collaborative Filtering Framework Based on
Co-Clustering"; Rendle and others, "BPR: Bayesian Personalized Ranking from Implicit
Feedback".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend import kernels
from heatproxy.automl.recommend.interactions import CodeArray, Interactions

SEED = 20
Settings = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Factors:
    """``user_bias`` (n_users,), ``item_bias`` (n_items,), factors (n, width)."""

    mean: float
    user_bias: FloatArray
    item_bias: FloatArray
    user_factors: FloatArray
    item_factors: FloatArray

    def ratings(self, users: CodeArray, items: CodeArray) -> FloatArray:
        """Of pairs (n_pairs,); a code of -1 has no bias and no factors."""
        known_user, known_item = users >= 0, items >= 0
        found = self.mean + np.where(known_user, self.user_bias[users], 0.0)
        found += np.where(known_item, self.item_bias[items], 0.0)
        together = np.einsum(
            "ij,ij->i", self.user_factors[users], self.item_factors[items]
        )
        return np.asarray(found + np.where(known_user & known_item, together, 0.0))

    def grid(self, users: CodeArray) -> FloatArray:
        """Of known users with every item (n_users, n_items)."""
        biases = self.mean + self.user_bias[users][:, None] + self.item_bias[None, :]
        return np.asarray(biases + self.user_factors[users] @ self.item_factors.T)

    def grid_of_items(self, items: CodeArray) -> FloatArray:
        """Of known items with every user (n_items, n_users)."""
        biases = self.mean + self.item_bias[items][:, None] + self.user_bias[None, :]
        return np.asarray(biases + self.item_factors[items] @ self.user_factors.T)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "mean": np.array([self.mean]),
            "user_bias": self.user_bias,
            "item_bias": self.item_bias,
            "user_factors": self.user_factors,
            "item_factors": self.item_factors,
        }

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], seen: Interactions
    ) -> "Factors":
        """Raises: KeyError or ValueError, they are none of so many users and items."""
        width = arrays["user_factors"].shape[1]
        shapes = {
            "mean": (1,),
            "user_bias": (seen.n_users,),
            "item_bias": (seen.n_items,),
            "user_factors": (seen.n_users, width),
            "item_factors": (seen.n_items, width),
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ValueError(f"unsound {name}")
        mean, *others = (arrays[name].astype(np.float64) for name in shapes)
        return cls(float(mean[0]), *others)


def baseline(seen: Interactions, settings: Settings) -> Factors:
    """Biases that shrink towards 0 where there are few ratings."""
    mean = float(seen.ratings.mean())
    user_bias, item_bias = np.zeros(seen.n_users), np.zeros(seen.n_items)
    user_counts = np.bincount(seen.users, minlength=seen.n_users)
    item_counts = np.bincount(seen.items, minlength=seen.n_items)
    for _ in range(15):
        left = seen.ratings - mean - user_bias[seen.users]
        sums = np.bincount(seen.items, weights=left, minlength=seen.n_items)
        item_bias = sums / (settings["reg_i"] + item_counts)
        left = seen.ratings - mean - item_bias[seen.items]
        sums = np.bincount(seen.users, weights=left, minlength=seen.n_users)
        user_bias = sums / (settings["reg_u"] + user_counts)
    nothing = np.zeros((seen.n_users, 0)), np.zeros((seen.n_items, 0))
    return Factors(mean, user_bias, item_bias, *nothing)


def svd(seen: Interactions, settings: Settings) -> Factors:
    start, random = _start(seen, settings)
    for epoch in range(int(settings["n_epochs"])):
        kernels.svd_epoch(
            random.permutation(len(seen)),
            seen.users,
            seen.items,
            seen.ratings,
            start.mean,
            start.user_bias,
            start.item_bias,
            start.user_factors,
            start.item_factors,
            settings["lr_all"] * 0.95**epoch,
            settings["reg_all"],
        )
    return start


def svdpp(seen: Interactions, settings: Settings) -> Factors:
    start, random = _start(seen, settings)
    width = start.item_factors.shape[1]
    seen_factors = random.normal(0.0, settings["init_std_dev"], (seen.n_items, width))
    room = np.zeros(width), np.zeros(width)
    starts = seen.starts
    for epoch in range(int(settings["n_epochs"])):
        kernels.svdpp_epoch(
            random.permutation(seen.n_users),
            starts,
            seen.items,
            seen.ratings,
            start.mean,
            start.user_bias,
            start.item_bias,
            start.user_factors,
            start.item_factors,
            seen_factors,
            *room,
            settings["lr_all"] * 0.95**epoch,
            settings["reg_all"],
        )
    counts = np.maximum(np.diff(starts), 1)
    weights = 1.0 / np.sqrt(counts[seen.users])
    shown = start.user_factors + seen.matrix(weights) @ seen_factors
    return Factors(
        start.mean, start.user_bias, start.item_bias, shown, start.item_factors
    )


def nmf(seen: Interactions, settings: Settings) -> Factors:
    random = np.random.default_rng(SEED)
    width, shrink = int(settings["n_factors"]), settings["reg_all"]
    low = float(seen.ratings.min())
    wanted = seen.matrix(seen.ratings - low)
    user_counts = np.bincount(seen.users, minlength=seen.n_users)[:, None]
    item_counts = np.bincount(seen.items, minlength=seen.n_items)[:, None]
    of_users = random.uniform(0.1, 1.0, (seen.n_users, width))
    of_items = random.uniform(0.1, 1.0, (seen.n_items, width))
    for _ in range(int(settings["n_epochs"])):
        guess = np.einsum("ij,ij->i", of_users[seen.users], of_items[seen.items])
        given = seen.matrix(guess)
        toward, away = wanted @ of_items, given @ of_items
        of_users *= toward / np.maximum(away + shrink * user_counts * of_users, 1e-12)
        guess = np.einsum("ij,ij->i", of_users[seen.users], of_items[seen.items])
        given = seen.matrix(guess)
        toward, away = wanted.T @ of_users, given.T @ of_users
        of_items *= toward / np.maximum(away + shrink * item_counts * of_items, 1e-12)
    nothing = np.zeros(seen.n_users), np.zeros(seen.n_items)
    return Factors(low, *nothing, of_users, of_items)


def coclustering(seen: Interactions, settings: Settings) -> Factors:
    random = np.random.default_rng(SEED)
    groups = int(settings["n_cltr_u"]), int(settings["n_cltr_i"])
    mean = float(seen.ratings.mean())
    user_means, item_means = seen.mean_of_users(mean), seen.mean_of_items(mean)
    of_users = random.integers(0, groups[0], seen.n_users)
    of_items = random.integers(0, groups[1], seen.n_items)
    for _ in range(int(settings["n_epochs"])):
        both, of_user, of_item = _group_means(seen, of_users, of_items, groups, mean)
        item_part = (item_means - of_item[of_items])[seen.items]
        errors = []
        for group in range(groups[0]):
            guess = both[group, of_items[seen.items]] + item_part
            guess += user_means[seen.users] - of_user[group]
            square = (seen.ratings - guess) ** 2
            errors.append(np.bincount(seen.users, square, minlength=seen.n_users))
        of_users = np.argmin(errors, axis=0)
        both, of_user, of_item = _group_means(seen, of_users, of_items, groups, mean)
        user_part = (user_means - of_user[of_users])[seen.users]
        errors = []
        for group in range(groups[1]):
            guess = both[of_users[seen.users], group] + user_part
            guess += item_means[seen.items] - of_item[group]
            square = (seen.ratings - guess) ** 2
            errors.append(np.bincount(seen.items, square, minlength=seen.n_items))
        of_items = np.argmin(errors, axis=0)
    both, of_user, of_item = _group_means(seen, of_users, of_items, groups, mean)
    return Factors(
        mean,
        user_means - of_user[of_users],
        item_means - of_item[of_items],
        both[of_users] - mean,
        np.eye(groups[1])[of_items],
    )


def bpr(seen: Interactions, settings: Settings) -> Factors:
    random = np.random.default_rng(SEED)
    width = int(settings["n_factors"])
    of_users = random.normal(0.0, 0.1, (seen.n_users, width))
    of_items = random.normal(0.0, 0.1, (seen.n_items, width))
    item_bias, starts = np.zeros(seen.n_items), seen.starts
    for epoch in range(int(settings["n_epochs"])):
        kernels.bpr_epoch(
            random.permutation(len(seen)),
            random.integers(0, seen.n_items, len(seen)),
            starts,
            seen.users,
            seen.items,
            item_bias,
            of_users,
            of_items,
            settings["learning_rate"] * 0.98**epoch,
            settings["reg_all"],
        )
    return Factors(0.0, np.zeros(seen.n_users), item_bias, of_users, of_items)


def _start(
    seen: Interactions, settings: Settings
) -> tuple[Factors, np.random.Generator]:
    """The baseline, with small random factors."""
    random = np.random.default_rng(SEED)
    width, deviation = int(settings["n_factors"]), settings["init_std_dev"]
    biases = baseline(seen, settings)
    return (
        Factors(
            biases.mean,
            biases.user_bias,
            biases.item_bias,
            random.normal(0.0, deviation, (seen.n_users, width)),
            random.normal(0.0, deviation, (seen.n_items, width)),
        ),
        random,
    )


def _group_means(
    seen: Interactions,
    of_users: CodeArray,
    of_items: CodeArray,
    groups: tuple[int, int],
    default: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean ratings of each two groups, of each group of users and each of items."""
    row, column = of_users[seen.users], of_items[seen.items]

    def means(codes: CodeArray, count: int) -> FloatArray:
        counts = np.bincount(codes, minlength=count)
        sums = np.bincount(codes, weights=seen.ratings, minlength=count)
        return np.where(counts > 0, sums / np.maximum(counts, 1), default)

    both = means(row * groups[1] + column, groups[0] * groups[1]).reshape(groups)
    return both, means(row, groups[0]), means(column, groups[1])
