"""ML_SCORE of a recommender: by ratings, or by what stands at the top.

A user's ranking is judged when the table holds something relevant of that user, and
something is left to recommend.

Source: HeatWave User Guide, "Scoring a recommendation model", "Ranking metrics".
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl.columns import FloatArray, is_number
from heatproxy.automl.columns import numbers as numbers_of
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.metrics import evaluate, invalid_data, metric_named
from heatproxy.automl.recommend.interactions import CodeArray, Interactions
from heatproxy.automl.recommend.ranking import RANKING, Best, judged
from heatproxy.automl.recommend.selection import RATING, TOP_K
from heatproxy.automl.tasks.choice import missing_columns

RELEVANT_FROM = 1.0


class Scored(Protocol):
    """What is asked of a model to score it; see RecommendationModel."""

    @property
    def task_name(self) -> str: ...

    @property
    def users_column(self) -> str: ...

    @property
    def items_column(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def seen(self) -> Interactions: ...

    @property
    def is_implicit(self) -> bool: ...

    def ratings(self, users: CodeArray, items: CodeArray) -> FloatArray: ...

    def codes(
        self, table: pa.Table, *, of_users: bool, needs_both: bool = False
    ) -> CodeArray: ...

    def best_items(self, users: CodeArray, k: int, remove_seen: bool) -> Best: ...


def score(
    model: Scored,
    table: pa.Table,
    target: str | None,
    metric: str,
    options: Mapping[str, Any],
) -> float:
    """One score, higher is better, as a FLOAT widened to double.

    Raises:
        MySQLError: 3877 ML003011 no users or items, ML003019 the metric means nothing
            on these rows, ML003020 no such metric, ML003039 no such target column.
    """
    metrics = {**({} if model.is_implicit else RATING), **RANKING}
    name = metric_named({known: max for known in metrics}, metric, model.task_name)
    place = find_column(table.column_names, target or model.target)
    if place is None:
        raise missing_columns([target or model.target])
    column = plain(table.column(place))
    if not len(column) or column.null_count or not is_number(column.type):
        raise invalid_data(name)
    truth = numbers_of(column, table.column_names[place])
    users = model.codes(table, of_users=True, needs_both=True)
    items = model.codes(table, of_users=False, needs_both=True)
    if name in RATING:
        found = model.ratings(users, items)
        return float(np.float32(evaluate(RATING, name, truth, found)))
    threshold = options["threshold"]
    relevant = truth >= (RELEVANT_FROM if threshold is None else float(threshold))
    return float(np.float32(_ranked(model, table, name, relevant, options)))


def _ranked(
    model: Scored,
    table: pa.Table,
    name: str,
    relevant: npt.NDArray[np.bool_],
    options: Mapping[str, Any],
) -> float:
    k = int(options["topk"] or TOP_K)
    place = find_column(table.column_names, model.users_column)
    names = plain(table.column(place)).cast(pa.string()).dictionary_encode()
    asked = model.codes(table, of_users=True)
    # new items are relevant too, though nobody recommends them
    wanted, n_items = _item_codes(model, table)
    of_name = names.indices.to_numpy(zero_copy_only=False)
    truth = Interactions.of(
        of_name[relevant].astype(np.int64),
        wanted[relevant],
        np.ones(int(relevant.sum())),
        len(names.dictionary),
        n_items,
    )
    judged_users = np.unique(truth.users)
    code_of_name = np.full(len(names.dictionary), -1, np.int64)
    code_of_name[of_name] = asked
    best = model.best_items(
        code_of_name[judged_users], k, options["remove_seen"] is not False
    )
    found = judged(best, judged_users, truth, k)
    served = (best.places >= 0).any(axis=1)
    if not served.any():
        raise invalid_data(name)
    return float(RANKING[name](found)[served].mean())


def _item_codes(model: Scored, table: pa.Table) -> tuple[Any, int]:
    """Codes (n_rows,) of all items of a table, new ones above the model's; how many."""
    place = find_column(table.column_names, model.items_column)
    names = plain(table.column(place)).cast(pa.string()).dictionary_encode()
    known = model.codes(table, of_users=False)
    new = names.indices.to_numpy(zero_copy_only=False) + model.seen.n_items
    codes = np.where(known >= 0, known, new).astype(np.int64)
    return codes, model.seen.n_items + len(names.dictionary)
