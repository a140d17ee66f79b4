"""Specialists' models, as a call of ML_TRAIN makes them and a catalog keeps them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from heatproxy.automl.orders import parse_options
from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import Order
from heatproxy.automl.work import trained
from tests.automl.conftest import quietly


def fit(table: pa.Table, target: str | None, task: str, **options: Any) -> Any:
    """A model that has been to the catalog and back."""
    order = parse_options({"task": task, **options})
    specialist = specialist_named(task)
    assert specialist is not None
    assert isinstance(order, Order)
    specialist.check(target, order)
    return from_bytes(to_bytes(trained(table, target, order, quietly, threads=1)))


def predict_options(task: str, **given: Any) -> Mapping[str, Any]:
    specialist = specialist_named(task)
    assert specialist is not None
    return specialist.predict_options.check(given)


def score_options(task: str, **given: Any) -> Mapping[str, Any]:
    specialist = specialist_named(task)
    assert specialist is not None
    return specialist.score_options.check(given)
