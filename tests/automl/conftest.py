"""Small tables and models that several tests of automl share."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.model import Model
from heatproxy.automl.training import TrainOptions, train


def quietly(fraction: float, stage: str) -> None:
    """A progress listener that doesn't care."""


def fit(table: pa.Table, target: str, **options: Any) -> Model:
    return train(table, target, TrainOptions.parse(options), quietly, threads=1)


def customers(n_rows: int = 300, seed: int = 1) -> pa.Table:
    """Words, numbers, NULLs and a target ``y`` of no and yes that follows from them."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 90, n_rows)
    job = random.choice(["clerk", "nurse", "pilot"], n_rows)
    score = age / 30 + (job == "nurse") + random.normal(0, 0.3, n_rows)
    return pa.table(
        {
            "age": pa.array(age, pa.int32(), mask=random.random(n_rows) < 0.05),
            "job": pa.array(job, pa.string(), mask=random.random(n_rows) < 0.05),
            "balance": pa.array(random.normal(size=n_rows).round(2)),
            "y": pa.array(np.where(score > 2.4, "yes", "no")),
        }
    )


def houses(n_rows: int = 200, seed: int = 1) -> pa.Table:
    """A numeric target ``price`` that follows from ``area`` and ``town``."""
    random = np.random.default_rng(seed)
    area = random.uniform(30, 200, n_rows)
    town = random.choice(["A", "B"], n_rows)
    price = 1000 * area + 50_000 * (town == "B") + random.normal(0, 3000, n_rows)
    return pa.table({"area": area, "town": town, "price": price})


@pytest.fixture(scope="session")
def classifier() -> Model:
    return fit(customers(), "y")


@pytest.fixture(scope="session")
def regressor() -> Model:
    return fit(houses(), "price", task="regression", model_list=["LGBMRegressor"])
