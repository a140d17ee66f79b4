"""Forecasting: what comes next in one series, or in several that tell of each other.

Source: HeatWave User Guide, "Train a Forecasting Model", "Forecasting Task Types".
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from heatproxy.automl.features import all_dropped, find_column
from heatproxy.automl.forecasting import FORECASTERS, UNAVAILABLE
from heatproxy.automl.forecasting.forecaster import CannotFit, Forecaster, History
from heatproxy.automl.forecasting.intervals import Spread
from heatproxy.automl.forecasting.scores import DEFAULT, METRICS
from heatproxy.automl.forecasting.selection import Chosen, Winner, changes_of, choose
from heatproxy.automl.forecasting.table import Encoded, Rows, read_rows
from heatproxy.automl.forecasting.variants import seasons_of
from heatproxy.automl.metrics import metric_named
from heatproxy.automl.tasks.contract import BATCH_SIZE, Arrays, Order, Progress
from heatproxy.automl.tasks.forecasting_model import (
    ForecastModel,
    Member,
    require_columns,
)
from heatproxy.automl.tasks.metadata import SpecialFacts
from heatproxy.errors import ml_error, not_supported, secondary_engine
from heatproxy.options import Constraint, ListOf, Number, Options, Text

# The reference gives ML003053 to ML003060 to the checks of these options, and no
# texts: which is which is our choice.
NO_INDEX, NO_ENDOGENOUS, OVERLAP = "ML003053", "ML003054", "ML003055"
NOT_EXOGENOUS, EXCLUDED = "ML003056", "ML003057"
NOT_ENDOGENOUS, WRONG_MODEL, NO_MODEL = "ML003058", "ML003059", "ML003060"

MOST_ROWS = 10_000  # the last ones; what is older says little of what comes next

_NAMES: Constraint = ListOf(Text())


@dataclass(frozen=True, slots=True)
class Forecasting:
    """The task ``forecasting``; see Specialist."""

    name: str = "forecasting"
    by_row: bool = False

    @property
    def train_options(self) -> Options:
        return Options(
            datetime_index=Text(),
            endogenous_variables=_NAMES,
            exogenous_variables=_NAMES,
            include_column_list=_NAMES,
            exclude_column_list=_NAMES,
            model_list=_NAMES,
            exclude_model_list=_NAMES,
            optimization_metric=Text(),
        )

    @property
    def predict_options(self) -> Options:
        return Options(
            prediction_interval=Number(0, 1, inclusive=False),
            batch_size=BATCH_SIZE,
        )

    @property
    def score_options(self) -> Options:
        return Options()

    def check(self, target: str | None, order: Order) -> None:
        """Refuse what needs no rows.

        Raises:
            MySQLError: 3877 ML003053 and ML003054 (no index, no endogenous variable),
                ML003055 to ML003057 (lists that overlap), ML003058 (the target is not
                endogenous), ML003059 and ML003060 (models for something else), ML003020
                (the metric), ML003047 (no model left); 1235 a model that is not here.
        """
        asked = Asked.of(order.values)
        metric_named(METRICS, order.values["optimization_metric"] or DEFAULT, self.name)
        if not asked.index:
            raise ml_error(NO_INDEX, "datetime_index must be given for forecasting.")
        if not asked.endogenous:
            raise ml_error(
                NO_ENDOGENOUS, "endogenous_variables must be given for forecasting."
            )
        named = (asked.index, *asked.endogenous)
        twice = _in_both(named, asked.exogenous) or _in_both(
            (asked.index,), asked.endogenous
        )
        if twice:
            raise ml_error(
                OVERLAP,
                "datetime_index, endogenous_variables and exogenous_variables must "
                f"not share columns, but several name {_listed(twice)}.",
            )
        foreign = [
            name
            for name in asked.included
            if find_column(asked.exogenous, name) is None
        ]
        if foreign:
            raise ml_error(
                NOT_EXOGENOUS,
                "include_column_list may hold exogenous_variables alone for "
                f"forecasting, not {_listed(foreign)}.",
            )
        twice = _in_both((*named, *asked.exogenous), asked.excluded)
        if twice:
            raise ml_error(
                EXCLUDED,
                "exclude_column_list must not name columns that other options name: "
                f"{_listed(twice)}.",
            )
        if target and find_column(asked.endogenous, target) is None:
            raise ml_error(
                NOT_ENDOGENOUS,
                f"The target column '{target}' must be one of endogenous_variables.",
            )
        self._forecasters(asked, order)

    def train(
        self,
        table: pa.Table,
        target: str | None,
        order: Order,
        progress: Progress,
        threads: int,
    ) -> ForecastModel:
        """Fit the forecaster that is best at the ends of the table's own past.

        Raises:
            MySQLError: those of check; 3877 ML003039 (unknown columns), ML001052 (no
                rows, or too few for the models asked for), and those of read_rows.
        """
        started = time.monotonic()
        progress(0.0, "reading the columns")
        asked = Asked.of(order.values)
        self.check(target, order)
        require_columns(table, [*asked.all, *asked.excluded])
        if table.num_rows == 0:
            raise all_dropped()
        asked = asked.spelled(table.column_names)
        rows = read_rows(table, asked.index, asked.endogenous, asked.exogenous)
        forecasters = self._forecasters(asked, order)
        metric = metric_named(
            METRICS, order.values["optimization_metric"] or DEFAULT, self.name
        )
        recent = rows.values[-MOST_ROWS:, 0]
        seasons = seasons_of(recent, rows.clock.seasons())
        history = History(rows.values, rows.exogenous, seasons).last(MOST_ROWS)
        try:
            # a thread more in small matrices costs more than it brings
            with threadpool_limits(1):
                chosen = choose(history, forecasters, metric, progress)
        except CannotFit:
            raise secondary_engine(
                f"{table.num_rows} rows are too few to train any of the models "
                f"{', '.join(one.name for one in forecasters)}."
            ) from None
        progress(1.0, "done")
        place = find_column(asked.endogenous, target) if target else None
        spelled = None if place is None else asked.endogenous[place]
        used = [one.feature.name for one in _encoders(rows, chosen)]
        facts = SpecialFacts(
            task=self.name,
            algorithm_name=chosen.winners[0].forecaster.name,
            options=order.shown(),
            notes=order.notes,
            n_rows=table.num_rows,
            n_selected_rows=min(table.num_rows, len(history)),
            columns=asked.all,
            used=(asked.index, *asked.endogenous, *used),
            target=spelled,
            training_time=time.monotonic() - started,
            training_score=chosen.score,
            optimization_metric=metric,
            quality=None if chosen.score is None else _quality(chosen),
            hyperparameters=_hyperparameters(chosen),
        )
        return _assembled(asked, rows, chosen, facts)

    def restore(self, state: Mapping[str, Any], arrays: Arrays) -> ForecastModel:
        """See Specialist."""
        return ForecastModel.from_state(state, arrays)

    def _forecasters(self, asked: "Asked", order: Order) -> list[Forecaster]:
        """The models that the lists leave. Raises: see check."""
        wanted = order.values["model_list"] or ()
        unwanted = order.values["exclude_model_list"] or ()
        known = {one.name.lower(): one for one in FORECASTERS}
        absent = {name.lower() for name in UNAVAILABLE}
        for name in (*wanted, *unwanted):
            if name.lower() not in known and name.lower() not in absent:
                names = ", ".join(one.name for one in FORECASTERS)
                raise secondary_engine(
                    f"'{name}' is not a model of the forecasting task: known are "
                    f"{names}"
                )
        for name in wanted:
            if name.lower() in absent:
                raise not_supported(f"model {name}")
        many = len(asked.endogenous) > 1
        for name in wanted:
            one = known[name.lower()]
            if not (one.takes_many if many else one.takes_one):
                kind = "several endogenous variables" if many else "a single one"
                raise ml_error(WRONG_MODEL, f"{one.name} does not forecast {kind}.")
        left = {name.lower() for name in wanted} or set(known)
        left -= {name.lower() for name in unwanted}
        found = [one for one in FORECASTERS if one.name.lower() in left]
        if not found:
            raise ml_error(
                "ML003047",
                "All supported models are excluded, but at least one model should be "
                "included.",
            )
        fitting = [
            one
            for one in found
            if (one.takes_many if many else one.takes_one)
            and (one.uses_exogenous or not asked.included)
        ]
        if not fitting:
            raise ml_error(
                NO_MODEL,
                "None of the models that model_list and exclude_model_list leave "
                "supports these endogenous and exogenous variables: "
                f"{', '.join(one.name for one in found)}.",
            )
        return fitting


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns that a call names, each once."""

    index: str
    endogenous: tuple[str, ...]
    exogenous: tuple[str, ...]
    included: tuple[str, ...]
    excluded: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (self.index, *self.endogenous, *self.exogenous)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Asked":
        return cls(
            values["datetime_index"] or "",
            _once(values["endogenous_variables"] or ()),
            _once(values["exogenous_variables"] or ()),
            _once(values["include_column_list"] or ()),
            _once(values["exclude_column_list"] or ()),
        )

    def spelled(self, names: Sequence[str]) -> "Asked":
        """As the table spells them; all are there."""
        own = [
            tuple(names[find_column(names, name) or 0] for name in group)
            for group in ((self.index,), self.endogenous, self.exogenous)
        ]
        return Asked(own[0][0], own[1], own[2], self.included, self.excluded)


def _assembled(
    asked: Asked, rows: Rows, chosen: Chosen, facts: SpecialFacts
) -> ForecastModel:
    fitted = np.full(rows.values.shape, np.nan)
    fitted[-len(chosen.fitted) :] = chosen.fitted
    residuals = rows.values - fitted
    # where it has nothing to say of a row, it says that nothing changes
    before = np.vstack([rows.values[:1], rows.values[:-1]])
    fitted = np.where(np.isfinite(fitted), fitted, before)
    return ForecastModel(
        clock=rows.clock,
        endogenous=asked.endogenous,
        encoders=_encoders(rows, chosen),
        members=tuple(
            Member(one.forecaster, one.fit.state, one.weight) for one in chosen.winners
        ),
        fitted=fitted,
        ticks=rows.ticks if rows.clock.unit == "ranks" else rows.ticks[:0],
        errors=Spread.fit(residuals, chosen.errors),
        changes=changes_of(rows.values),
        facts=facts,
    )


def _quality(chosen: Chosen) -> str:
    return "high" if chosen.better else "low"


def _encoders(rows: Rows, chosen: Chosen) -> tuple[Encoded, ...]:
    uses = any(one.forecaster.uses_exogenous for one in chosen.winners)
    return rows.encoders if uses else ()


def _hyperparameters(chosen: Chosen) -> dict[str, Any]:
    """The best model's own, and whose forecasts its own are averaged with."""
    best, *others = chosen.winners
    found = _settings(best)
    if others:
        found["weight"] = round(best.weight, 4)
        found["averaged_with"] = [
            {
                "algorithm_name": one.forecaster.name,
                "weight": round(one.weight, 4),
                **_settings(one),
            }
            for one in others
        ]
    return found


def _settings(winner: Winner) -> dict[str, Any]:
    found = dict(winner.settings)
    for key in ("order", "error", "trended", "seasonal"):
        if key in winner.fit.state:
            found[key] = winner.fit.state[key]
    return found


def _once(names: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for name in names:
        seen.setdefault(name.lower(), name)
    return tuple(seen.values())


def _in_both(some: Sequence[str], others: Sequence[str]) -> list[str]:
    return [name for name in others if find_column(some, name) is not None]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


FORECASTING = Forecasting()
