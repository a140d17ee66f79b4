"""Recommendation: who has rated or used what, and what they might like.

TwoTower is HeatWave's default since 9.5.0. Here it is chosen where it is named, or
where tables of metadata are given. Without either, the recommender is the one that does
best on ratings held out: TwoTower needs PyTorch, has no ML_PREDICT_ROW, which the labs
call for such models, and on ratings alone does not do better than SVDpp.

Source: HeatWave User Guide, "Recommendation", "ML_TRAIN", "ML_PREDICT_TABLE",
"ML_SCORE".
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import is_number, is_text
from heatproxy.automl.columns import numbers as numbers_of
from heatproxy.automl.features import all_dropped, find_column, plain
from heatproxy.automl.metrics import metric_named
from heatproxy.automl.recommend import CTR, EXPLICIT, IMPLICIT, TWO_TOWER, Kind
from heatproxy.automl.recommend.describing import (
    ITEM_METADATA,
    USER_METADATA,
    Describer,
    WeightArray,
    table_of,
)
from heatproxy.automl.recommend.interactions import Interactions, codes_in
from heatproxy.automl.recommend.model import TOP_K, RecommendationModel
from heatproxy.automl.recommend.ranking import RANKING
from heatproxy.automl.recommend.selection import RATING, choose
from heatproxy.automl.recommend.sides import Sides
from heatproxy.automl.recommend.tower_training import is_there, without_torch
from heatproxy.automl.target import refuse_unlabelled
from heatproxy.automl.tasks.choice import (
    COLUMN_LISTS,
    MODEL_LISTS,
    models_left,
    require_columns,
)
from heatproxy.automl.tasks.contract import (
    BATCH_SIZE,
    Arrays,
    OfTables,
    Order,
    Progress,
)
from heatproxy.automl.tasks.metadata import SpecialFacts
from heatproxy.errors import no_target, not_supported, secondary_engine
from heatproxy.options import Flag, Nested, Number, OneOf, Options, Text

FEEDBACK = ("explicit", "implicit")
RECOMMEND = (
    "ratings",
    "items",
    "users_to_items",
    "users",
    "items_to_users",
    "items_to_items",
    "users_to_users",
)
METADATA = (USER_METADATA, ITEM_METADATA)
_OTHER_TABLE = Nested(Options(table_name=Text()))
HIGH_QUALITY = 0.1  # of the variance explained


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The task ``recommendation``; see Specialist."""

    name: str = "recommendation"
    by_row: bool = True

    @property
    def train_options(self) -> Options:
        return Options(
            users=Text(),
            items=Text(),
            feedback=OneOf(FEEDBACK, default="explicit"),
            feedback_threshold=Number(default=1),
            optimization_metric=Text(),
            item_metadata=_OTHER_TABLE,
            user_metadata=_OTHER_TABLE,
            **MODEL_LISTS,
            **COLUMN_LISTS,
        )

    @property
    def predict_options(self) -> Options:
        return Options(
            recommend=OneOf(RECOMMEND, default="ratings"),
            topk=Number(1, whole=True, default=TOP_K),
            remove_seen=Flag(default=True),
            batch_size=BATCH_SIZE,
            item_metadata=OfTables(_OTHER_TABLE),
            user_metadata=OfTables(_OTHER_TABLE),
        )

    @property
    def score_options(self) -> Options:
        return Options(
            threshold=Number(),
            topk=Number(1, whole=True),
            remove_seen=Flag(default=True),
            item_metadata=_OTHER_TABLE,
            user_metadata=_OTHER_TABLE,
        )

    def check(self, target: str | None, order: Order) -> None:
        """Refuse what is missing or is not here.

        Raises:
            MySQLError: 3877 no users, items or target, ML003020, ML003047; and as
                ``kinds_of``.
        """
        for option in ("users", "items"):
            if not order.values[option]:
                raise secondary_engine(
                    f"ML_TRAIN: the recommendation task needs the option {option}."
                )
        if target is None:
            raise no_target()
        names = [target, order.values["users"], order.values["items"]]
        if len({name.lower() for name in names}) < len(names):
            raise secondary_engine(
                "The target column, users and items must be three columns."
            )
        for kind in kinds_of(order):
            if kind.name == TWO_TOWER and not is_there():
                raise without_torch()
        metric_of(order)

    def train(
        self,
        table: pa.Table,
        target: str | None,
        order: Order,
        progress: Progress,
        threads: int,
    ) -> RecommendationModel:
        """Fit the recommender that does best on pairs held out.

        Raises:
            MySQLError: 3877 ML001052 no rows, ML001053 a NULL rating, ML003039 no such
                column, columns of another type than the task needs; tables of
                metadata that describe nobody, or as ``Describer.fit``.
        """
        del threads
        started = time.monotonic()
        progress(0.0, "reading the columns")
        asked = (order.values["users"], order.values["items"], target or "")
        excluded = order.values["exclude_column_list"] or ()
        included = order.values["include_column_list"] or ()
        require_columns(table.column_names, (*asked, *excluded, *included))
        users_column, items_column, rating = (_spelled(table, name) for name in asked)
        needed = {users_column, items_column, rating}
        for name in excluded:
            if _spelled(table, name) in needed:
                raise secondary_engine(
                    f"exclude_column_list must not name '{name}', which is needed."
                )
        is_implicit = order.values["feedback"] == "implicit"
        seen, users, items = _read(table, users_column, items_column, rating, order)
        metric = metric_of(order)
        of_users, described_users = _described(
            order, USER_METADATA, users_column, users
        )
        of_items, described_items = _described(
            order, ITEM_METADATA, items_column, items
        )
        sides = Sides(described_users, described_items)
        kinds = [kind.described_by(sides) for kind in kinds_of(order)]
        threshold = order.values["feedback_threshold"]
        chosen = choose(seen, kinds, metric, threshold, progress)
        facts = SpecialFacts(
            task=self.name,
            algorithm_name=chosen.kind.name,
            options=order.shown(),
            notes=order.notes,
            n_rows=table.num_rows,
            n_selected_rows=len(seen),
            columns=(users_column, items_column),
            used=(users_column, items_column),
            target=rating,
            training_time=time.monotonic() - started,
            training_score=_finite(chosen.score),
            optimization_metric=metric,
            quality=_quality(chosen.explained, is_implicit),
            hyperparameters=dict(chosen.settings),
            training_params={
                "feedback_threshold": order.values["feedback_threshold"],
                "users": users_column,
                "items": items_column,
                "feedback": order.values["feedback"],
            },
        )
        progress(1.0, "done")
        return RecommendationModel(
            users_column,
            items_column,
            rating,
            users,
            items,
            seen,
            chosen.kind,
            chosen.recommender,
            is_implicit,
            facts,
            (of_users, of_items),
        )

    def restore(self, state: Mapping[str, Any], arrays: Arrays) -> RecommendationModel:
        return RecommendationModel.restore(state, arrays)


def kinds_of(order: Order) -> list[Kind]:
    """The recommenders that a call leaves: its lists, and what metadata it gives.

    Raises:
        MySQLError: 3877, none or one that there is not, TwoTower with others, CTR
            without descriptions; 1235, metadata for a model that makes nothing of them.
    """
    values = order.values
    given = [option for option in METADATA if values[option] is not None]
    kinds = IMPLICIT if values["feedback"] == "implicit" else EXPLICIT
    wanted = {name.lower() for name in values["model_list"] or ()}
    mentioned = wanted | {name.lower() for name in values["exclude_model_list"] or ()}
    if ITEM_METADATA not in given and CTR.lower() not in mentioned:
        kinds = tuple(kind for kind in kinds if kind.name != CTR)
    left = models_left(order.task, [kind.name for kind in kinds], values)
    found = [kind for kind in kinds if kind.name in left]
    if wanted:
        return _named(found, given)
    towers = [kind for kind in found if kind.name == TWO_TOWER]
    able = [
        kind
        for kind in found
        if kind.name != TWO_TOWER and all(kind.takes(option) for option in given)
    ]
    if given:
        return towers if towers and (is_there() or not able) else _any(able, given)
    return [kind for kind in able if kind.name != CTR] or towers


def _named(found: list[Kind], given: list[str]) -> list[Kind]:
    """The models of a ``model_list``. Raises: see ``kinds_of``."""
    names = [kind.name for kind in found]
    if TWO_TOWER in names and len(names) > 1:
        raise secondary_engine(
            f"The model {TWO_TOWER} cannot be combined with other models in model_list."
        )
    if CTR in names and ITEM_METADATA not in given:
        raise secondary_engine(f"The model {CTR} needs the option {ITEM_METADATA}.")
    for kind in found:
        for option in given:
            if not kind.takes(option):
                raise not_supported(f"ML_TRAIN option {option} for model {kind.name}")
    return found


def _any(able: list[Kind], given: list[str]) -> list[Kind]:
    """Raises: MySQLError 1235, no model that is left takes these metadata."""
    if not able:
        raise not_supported(
            f"ML_TRAIN option {' and '.join(given)} without model {TWO_TOWER}"
        )
    return able


def _described(
    order: Order, option: str, key: str, known: pa.Array
) -> tuple[Describer | None, WeightArray | None]:
    """How a table of metadata is read, and what it says of users or items (n, any).

    Raises:
        MySQLError: 3877, see ``Describer.fit``; it describes none of them.
    """
    table = table_of(order.values, option)
    if table is None:
        return None, None
    describer = Describer.fit(table, key, option)
    vectors = describer.read(table).of(known)
    if not vectors.any():
        raise secondary_engine(
            f"The table of {option} has no '{key}' that the ratings have."
        )
    return describer, vectors


def metric_of(order: Order) -> str:
    """The metric that is optimized. Raises: MySQLError 3877 ML003020."""
    is_implicit = order.values["feedback"] == "implicit"
    default = "precision_at_k" if is_implicit else "neg_root_mean_squared_error"
    known = {**({} if is_implicit else RATING), **RANKING}
    asked = order.values["optimization_metric"] or default
    return metric_named({name: max for name in known}, asked, order.task)


def _read(
    table: pa.Table, users_column: str, items_column: str, rating: str, order: Order
) -> tuple[Interactions, pa.Array, pa.Array]:
    """The interactions, and the names of users and items by code.

    Raises:
        MySQLError: 3877, ML001052, ML001053; columns of other types.
    """
    columns = {name: plain(table.column(name)) for name in (users_column, items_column)}
    for name, column in columns.items():
        if not is_text(column.type):
            raise secondary_engine(
                f"Column '{name}' of type {column.type} must be CHAR or VARCHAR, which "
                "the recommendation task needs for users and items."
            )
    ratings = plain(table.column(rating))
    given = pc.and_(*(pc.is_valid(column) for column in columns.values()))
    refuse_unlabelled(ratings.filter(given))
    if not is_number(ratings.type):
        raise secondary_engine(
            f"The target column '{rating}' of type {ratings.type} is not numeric, "
            "which the recommendation task needs."
        )
    values = numbers_of(ratings, rating)
    kept = np.array(given.to_numpy(zero_copy_only=False), bool)
    if order.values["feedback"] == "implicit":
        kept &= values >= float(order.values["feedback_threshold"])
    if not kept.any():
        raise all_dropped()
    mask = pa.array(kept)
    names = [pc.unique(column.filter(mask)) for column in columns.values()]
    users, items = (name.take(pc.sort_indices(name)) for name in names)
    who, what = (
        codes_in(column.filter(mask), known)
        for column, known in zip(columns.values(), (users, items), strict=True)
    )
    seen = Interactions.of(who, what, values[kept], len(users), len(items))
    return seen, users, items


def _spelled(table: pa.Table, name: str) -> str:
    place = find_column(table.column_names, name)
    return name if place is None else str(table.column_names[place])


def _quality(explained: float | None, is_implicit: bool) -> str | None:
    if is_implicit or explained is None:
        return None
    return "high" if explained > HIGH_QUALITY else "low"


def _finite(score: float | None) -> float | None:
    return score if score is not None and np.isfinite(score) else None


RECOMMENDATION = Recommendation()
