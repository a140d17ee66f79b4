"""Recommenders: which there are, and what each can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy.typing as npt

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.recommend import content, factors, tower_training
from heatproxy.automl.recommend.chance import NormalPredictor
from heatproxy.automl.recommend.describing import ITEM_METADATA
from heatproxy.automl.recommend.factors import Factors, Settings
from heatproxy.automl.recommend.interactions import CodeArray, Interactions
from heatproxy.automl.recommend.sides import Sides
from heatproxy.automl.recommend.slope import SlopeOne
from heatproxy.automl.recommend.towers import TwoTower

TWO_TOWER = "TwoTower"
CTR = "CTR"  # recollection: HeatWave's name of its content based recommender


class Recommender(Protocol):
    """What has learned from ratings."""

    def ratings(self, users: CodeArray, items: CodeArray) -> FloatArray:
        """Of pairs (n_pairs,); a code of -1 is new."""
        ...

    def grid(self, users: CodeArray) -> FloatArray:
        """Of known users with every item (n_users, n_items)."""
        ...

    def grid_of_items(self, items: CodeArray) -> FloatArray:
        """Of known items with every user (n_items, n_users)."""
        ...

    def arrays(self) -> dict[str, npt.NDArray[Any]]: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A recommender by HeatWave's name; ``settings`` are those worth a trial.

    ``fit_described`` learns from tables of metadata too, where it can.
    """

    name: str
    fit: Callable[[Interactions, Settings], Recommender]
    settings: tuple[Settings, ...]
    restore: Callable[[Mapping[str, npt.NDArray[Any]], Interactions], Recommender] = (
        Factors.restore
    )
    fit_described: Callable[[Interactions, Settings, Sides], Recommender] | None = None

    def described_by(self, sides: Sides) -> "Kind":
        """The same, as it learns from these metadata."""
        fit = self.fit_described
        if fit is None or (sides.users is None and sides.items is None):
            return self
        return replace(self, fit=lambda seen, settings: fit(seen, settings, sides))

    def takes(self, option: str) -> bool:
        """Whether it learns from what ``user_metadata`` or ``item_metadata`` names."""
        if self.fit_described is None:
            return False
        return option == ITEM_METADATA or self.name == TWO_TOWER


_REG = {"reg_i": 5.0, "reg_u": 10.0}


def _gradient(
    width: int, rate: float, shrink: float, epochs: int, deviation: float
) -> Settings:
    return _REG | {
        "n_factors": width,
        "lr_all": rate,
        "reg_all": shrink,
        "n_epochs": epochs,
        "init_std_dev": deviation,
    }


def _two_tower(
    fit: Callable[[Interactions, Settings, Sides], Recommender],
    *strengths: float,
) -> Kind:
    trials = tuple(
        _REG
        | {
            "n_factors": 32,
            "learning_rate": 0.005,
            "reg_all": strength,
            "n_epochs": 12,
            "init_std_dev": 0.05,
        }
        for strength in strengths
    )
    return Kind(
        TWO_TOWER,
        lambda seen, settings: fit(seen, settings, Sides()),
        trials,
        TwoTower.restore,
        fit,
    )


EXPLICIT: tuple[Kind, ...] = (
    Kind(
        "Baseline",
        factors.baseline,
        ({"reg_i": 5.0, "reg_u": 10.0}, {"reg_i": 10.0, "reg_u": 15.0}),
    ),
    Kind(
        "CoClustering",
        factors.coclustering,
        ({"n_cltr_u": 3, "n_cltr_i": 3, "n_epochs": 20},),
    ),
    Kind("NormalPredictor", NormalPredictor.fit, ({},), NormalPredictor.restore),
    Kind("SlopeOne", SlopeOne.fit, ({},), SlopeOne.restore),
    Kind(
        "SVD",
        factors.svd,
        (
            _gradient(20, 0.005, 0.1, 20, 0.1),
            _gradient(50, 0.005, 0.05, 20, 0.05),
            _gradient(100, 0.005, 0.02, 20, 0.1),
            _gradient(10, 0.03, 0.05, 60, 0.2),  # few ratings: steps that get there
        ),
    ),
    Kind(
        "SVDpp",
        factors.svdpp,
        (
            _gradient(20, 0.005, 0.1, 20, 0.1),
            _gradient(20, 0.007, 0.05, 20, 0.05),
            _gradient(50, 0.005, 0.1, 25, 0.1),
        ),
    ),
    Kind(
        "NMF",
        factors.nmf,
        (
            {"n_factors": 15, "reg_all": 0.06, "n_epochs": 50},
            {"n_factors": 5, "reg_all": 0.3, "n_epochs": 50},
        ),
    ),
    _two_tower(tower_training.rating, 2.0, 12.0),
)
IMPLICIT: tuple[Kind, ...] = (
    Kind(
        "BPR",
        factors.bpr,
        (
            {"n_factors": 32, "learning_rate": 0.05, "reg_all": 0.01, "n_epochs": 60},
            {"n_factors": 64, "learning_rate": 0.1, "reg_all": 0.01, "n_epochs": 120},
            {"n_factors": 64, "learning_rate": 0.15, "reg_all": 0.02, "n_epochs": 120},
        ),
        content.restore,
        content.bpr,
    ),
    Kind(
        CTR,
        content.without_content,
        (
            {"n_factors": 32, "reg_u": 0.1, "reg_i": 1.0, "n_epochs": 15},
            {"n_factors": 32, "reg_u": 0.1, "reg_i": 10.0, "n_epochs": 15},
        ),
        content.restore,
        content.ctr,
    ),
    _two_tower(tower_training.ranking, 0.01, 0.02),
)
