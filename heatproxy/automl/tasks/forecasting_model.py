"""A trained forecaster: what it says of the rows of a table, and what the catalog says.

Source: HeatWave User Guide, "ML_PREDICT_TABLE", "Prediction Intervals".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl.columns import FloatArray, wrong_type
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.forecasting import FORECASTERS
from heatproxy.automl.forecasting.clock import Clock, PlaceArray, ticks_of
from heatproxy.automl.forecasting.forecaster import Forecaster
from heatproxy.automl.forecasting.intervals import Spread
from heatproxy.automl.forecasting.scores import METRICS, evaluate_forecast
from heatproxy.automl.forecasting.table import Encoded, encoded, spread, truth_of
from heatproxy.automl.metrics import invalid_data, metric_named
from heatproxy.automl.tasks.contract import Answers, Arrays
from heatproxy.automl.tasks.metadata import SpecialFacts, Told
from heatproxy.errors import ml_error, secondary_engine

MOST_STEPS = 1_000_000
LARGEST = 1e300  # a forecast that would be infinite; JSON has no such number


@dataclass(frozen=True, slots=True)
class Member:
    """A forecaster that has learned, and its part in the forecast."""

    forecaster: Forecaster
    learned: Mapping[str, Any]
    weight: float

    def state(self) -> dict[str, Any]:
        """As JSON values; ``from_state`` is the inverse."""
        learned = dict(self.learned)
        return {
            "forecaster": self.forecaster.name,
            "learned": learned,
            "weight": self.weight,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Member":
        """Raises: KeyError, TypeError or ValueError when it is no such state."""
        forecaster = {one.name: one for one in FORECASTERS}[state["forecaster"]]
        return cls(forecaster, dict(state["learned"]), float(state["weight"]))


@dataclass(frozen=True, slots=True)
class ForecastModel(Told):
    """Everything that a forecast needs.

    ``fitted`` (clock.places, n_variables) is what the model says of the training
    rows; ``ticks`` (n_rows,) are those rows' own, kept where ranks are places.
    ``changes`` (n_variables,) scales one of the metrics.
    """

    clock: Clock
    endogenous: tuple[str, ...]
    encoders: tuple[Encoded, ...]
    members: tuple[Member, ...]
    fitted: FloatArray
    ticks: PlaceArray
    errors: Spread
    changes: FloatArray
    facts: SpecialFacts

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """``{"predictions": {"y": 1.0, "prediction_interval_y": [0.5, 1.5]}}``.

        The form is that of version 9.5, seen in the output of a real server.

        Raises:
            MySQLError: 3877 ML003011 a column is missing, ML003015 an index of
                another kind; rows before those of the training; with exogenous
                variables, rows that don't follow upon the training at once.
        """
        share = options.get("prediction_interval") or 0.95
        places = self._places(table)
        values = self._values(table, places)
        steps = (places - self.clock.places + 1).astype(np.float64)
        reach = self.errors.reach(float(share), steps)
        low = np.clip(values - reach, -LARGEST, LARGEST).tolist()
        high = np.clip(values + reach, -LARGEST, LARGEST).tolist()
        texts = [
            json.dumps({"predictions": self._named(row)}, ensure_ascii=False)
            for row in zip(values.tolist(), low, high, strict=True)
        ]
        return Answers(pa.table({"ml_results": pa.array(texts, pa.string())}))

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """One variable's score, or without a target the mean over all.

        Raises:
            MySQLError: 3877 ML003019 and ML003020 (the metric), ML003039 (no such
                column), and those of predict.
        """
        name = metric_named(METRICS, metric, self.task_name)
        wanted = [self._variable(target)] if target else range(len(self.endogenous))
        names = [self.endogenous[place] for place in wanted]
        require_columns(table, names)
        truth = truth_of(table, names)
        if not len(truth):
            raise invalid_data(name)
        values = self._values(table, self._places(table))[:, list(wanted)]
        changes = self.changes[list(wanted)]
        return float(np.float32(evaluate_forecast(name, truth, values, changes)))

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Everything; ``from_state`` is the inverse."""
        values = {
            "clock": self.clock.state(),
            "endogenous": self.endogenous,
            "encoders": [encoder.state() for encoder in self.encoders],
            "members": [member.state() for member in self.members],
            "facts": self.facts.state(),
            "ends": self.errors.ends,
        }
        arrays = {
            "fitted": self.fitted,
            "ticks": self.ticks,
            "near": self.errors.near,
            "constant": self.errors.constant,
            "walk": self.errors.walk,
            "slope": self.errors.slope,
            "scores": self.errors.scores,
            "changes": self.changes,
        }
        return values, arrays

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Arrays) -> "ForecastModel":
        """Whatever it raises means that the state is none; it is tried before."""
        unscored = np.zeros((0, len(state["endogenous"])))
        model = cls(
            clock=Clock.from_state(state["clock"]),
            endogenous=tuple(state["endogenous"]),
            encoders=tuple(Encoded.from_state(one) for one in state["encoders"]),
            members=tuple(Member.from_state(one) for one in state["members"]),
            fitted=np.array(arrays["fitted"], dtype=np.float64),
            ticks=np.array(arrays["ticks"], dtype=np.int64),
            errors=Spread(
                near=np.array(arrays["near"], dtype=np.float64),
                constant=np.array(arrays["constant"], dtype=np.float64),
                walk=np.array(arrays["walk"], dtype=np.float64),
                slope=np.array(arrays["slope"], dtype=np.float64),
                # an older model has no scores
                scores=np.array(arrays.get("scores", unscored), dtype=np.float64),
                ends=int(state.get("ends", 0)),
            ),
            changes=np.array(arrays["changes"], dtype=np.float64),
            facts=SpecialFacts.from_state(state["facts"]),
        )
        model._try_out()
        return model

    def _try_out(self) -> None:
        width = sum(encoder.width for encoder in self.encoders)
        variables = len(self.endogenous)
        ahead = self._ahead(np.zeros((2, width)))
        sizes = [
            array.shape
            for array in (
                *(self.errors.near, self.errors.constant),
                *(self.errors.walk, self.errors.slope, self.changes),
            )
        ]
        if ahead.shape != (2, variables) or not np.isfinite(ahead).all():
            raise ValueError("its forecasts make no sense")
        if self.fitted.shape != (self.clock.places, variables):
            raise ValueError("fitted values")
        if any(size != (variables,) for size in sizes) or self.ticks.ndim != 1:
            raise ValueError("errors")
        scores = self.errors.scores
        if scores.ndim != 2 or scores.shape[1] != variables:
            raise ValueError("scores of other variables")
        if not np.isfinite(scores).all() or (len(scores) and self.errors.ends < 1):
            raise ValueError("scores of no end")

    def _named(self, row: tuple[list[float], list[float], list[float]]) -> Any:
        values, low, high = row
        named: dict[str, Any] = dict(zip(self.endogenous, values, strict=True))
        for place, name in enumerate(self.endogenous):
            named[f"prediction_interval_{name}"] = [low[place], high[place]]
        return named

    def _variable(self, target: str) -> int:
        place = find_column(self.endogenous, target)
        if place is None:
            raise ml_error(
                "ML003039",
                f"The target column '{target}' is not one of the endogenous variables "
                f"{list(self.endogenous)}.",
            )
        return place

    def _places(self, table: pa.Table) -> PlaceArray:
        """The place of each row on the grid (n_rows,)."""
        needed = [self.clock.column, *(one.feature.name for one in self.encoders)]
        if any(find_column(table.column_names, name) is None for name in needed):
            raise ml_error(
                "ML003011",
                "Columns of provided data need to match those used for training. "
                f"Provided - {table.column_names} vs Trained - {needed}",
            )
        place = find_column(table.column_names, self.clock.column)
        column = plain(table.column(place))
        ticks, kind = ticks_of(column, self.clock.column)
        if kind != self.clock.kind:
            raise wrong_type(self.clock.column, column.type, self.clock.kind)
        return self.clock.asked_places(ticks, self.ticks)

    def _values(self, table: pa.Table, places: PlaceArray) -> FloatArray:
        """What is forecast for rows at such places (n_rows, n_variables)."""
        if not len(places):
            return np.zeros((0, len(self.endogenous)))
        first, last = int(places.min()), int(places.max())
        if first < 0:
            raise secondary_engine(
                f"The table has values of '{self.clock.column}' before the first one "
                "of the training table."
            )
        if self.encoders and first != self.clock.places:
            raise secondary_engine(
                "The model uses exogenous variables: the first value of "
                f"'{self.clock.column}' must be the one that follows upon the last of "
                "the training table."
            )
        steps = last - self.clock.places + 1
        if steps > MOST_STEPS:
            raise secondary_engine(
                f"A forecast reaches at most {MOST_STEPS} steps beyond the training "
                f"table, not {steps}."
            )
        whole = self.fitted
        if steps > 0:
            known = encoded(table, self.encoders)
            known = spread(known, places - self.clock.places, steps)
            whole = np.vstack([self.fitted, self._ahead(known)])
        return np.asarray(whole[places])

    def _ahead(self, exogenous: FloatArray) -> FloatArray:
        """The steps behind the training rows (n_steps, n_variables)."""
        ahead = np.zeros((len(exogenous), len(self.endogenous)))
        with np.errstate(all="ignore"):
            for member in self.members:
                said = member.forecaster.forecast(member.learned, exogenous)
                if said.shape != ahead.shape:
                    raise ValueError("another number of variables")
                ahead += member.weight * np.clip(np.nan_to_num(said), -LARGEST, LARGEST)
        return ahead


def require_columns(table: pa.Table, names: list[str]) -> None:
    """Raises: MySQLError 3877 ML003039, the table lacks some of them."""
    missing = [n for n in names if find_column(table.column_names, n) is None]
    if missing:
        listed = ", ".join(repr(name) for name in sorted(missing))
        raise ml_error(
            "ML003039",
            "Not all user specified columns are present in the input table - missing "
            f"columns are {{{listed}}}.",
        )
