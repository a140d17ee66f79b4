"""ML_TRAIN: from a table and options to a model.

Source: HeatWave User Guide, "ML_TRAIN".
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from heatproxy.automl import explain
from heatproxy.automl.algorithms import Algorithm
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import FeatureSet, all_dropped, find_column, fit_features
from heatproxy.automl.features import plain as plain_array
from heatproxy.automl.hyperparameters import Settings, fixed_settings
from heatproxy.automl.metrics import evaluate, metric_named
from heatproxy.automl.model import Facts, Model
from heatproxy.automl.problem import HeldOut, Problem, sampled
from heatproxy.automl.search import Found, find
from heatproxy.automl.selection import select
from heatproxy.automl.tasks import TASKS, task_named
from heatproxy.automl.tasks.classification import rebalanced
from heatproxy.automl.tasks.contract import Target, Task
from heatproxy.errors import MySQLError, ml_error, not_supported, secondary_engine
from heatproxy.options import (
    BadOption,
    Constraint,
    Flag,
    ListOf,
    Nested,
    Number,
    Options,
    Text,
)

Progress = Callable[[float, str], None]

SEED = 20
BACKGROUND_ROWS = 100
COPIES = 3  # of the matrix: itself, the rows of a fold, what LightGBM makes of it
FEWEST_ROWS = 1_000
TRYING_SHARE = 0.8  # of the time that is set; the rest is for explaining
SMALL_CELLS = 50_000  # rows x columns; threads only get in each other's way below

_ANY = Options()
_OWN: dict[str, Constraint] = {
    "task": Text(),
    "model_list": ListOf(Text()),
    "exclude_model_list": ListOf(Text()),
    "optimization_metric": Text(),
    "include_column_list": ListOf(Text()),
    "exclude_column_list": ListOf(Text()),
    "notes": Text(),
    "model_explainer": Text(),
    "prediction_explainer": Text(),
    # ours: a training without them is as HeatWave's
    "max_runtime_s": Number(0, inclusive=False),
    "hyperparameters": Settings(),
}
_OTHER_TASKS: dict[str, Constraint] = {
    "datetime_index": Text(),
    "endogenous_variables": ListOf(Text()),
    "exogenous_variables": ListOf(Text()),
    "contamination": Number(0, 0.5, inclusive=False),
    "users": Text(),
    "items": Text(),
    "feedback": Text(),
    "feedback_threshold": Number(),
    "item_metadata": Nested(Options(table_name=Text())),
    "user_metadata": Nested(Options(table_name=Text())),
    "document_column": Text(),
    "experimental": Nested(_ANY),
    "logad_options": Nested(_ANY),
    "remove_seen": Flag(),
}
TRAIN_OPTIONS = Options(**_OWN, **_OTHER_TASKS)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings of heatproxy leave to one training."""

    seconds: float = np.inf
    memory_bytes: float = np.inf

    def rows(self, width: int) -> float:
        """How many rows of so many numbers may be learned from."""
        return max(FEWEST_ROWS, self.memory_bytes / (COPIES * 8 * max(width, 1)))


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """The options of ML_TRAIN for classification and regression, checked."""

    task: str = "classification"
    model_list: tuple[str, ...] = ()
    exclude_model_list: tuple[str, ...] = ()
    optimization_metric: str | None = None
    include_column_list: tuple[str, ...] = ()
    exclude_column_list: tuple[str, ...] = ()
    notes: str | None = None
    model_explainer: str = "permutation_importance"
    prediction_explainer: str = "permutation_importance"
    max_runtime_s: float | None = None
    hyperparameters: Mapping[str, Any] | None = None
    limits: Limits = Limits()

    @classmethod
    def parse(cls, given: Mapping[str, Any] | None) -> "TrainOptions":
        """Read the JSON object of a CALL.

        Raises:
            MySQLError: 3877 ML001016 no such task, or a value that its option
                refuses; 1235 an option of another task.
        """
        given = dict(given or {})
        task = given.get("task")
        name = task_named(str(task)).name if task is not None else cls().task
        for key in given:
            if key in _OTHER_TASKS and given[key] is not None:
                raise not_supported(f"ML_TRAIN option {key} for task {name}")
        try:
            checked = TRAIN_OPTIONS.check(given)
        except BadOption as problem:
            raise secondary_engine(f"ML_TRAIN: {problem}") from None
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in checked.items()
            if key in _OWN and value is not None
        }
        options = cls(**values | {"task": name})
        explain.explainer_named(options.model_explainer, explain.TRAINED_BY_ML_TRAIN)
        explain.explainer_named(
            options.prediction_explainer, explain.PREDICTION_EXPLAINERS
        )
        return options

    def shown(self) -> dict[str, Any]:
        """What ``model_metadata.options`` holds: what was given, and two defaults."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key in _OWN
            if (value := getattr(self, key)) not in (None, ())
        }


def train(
    table: pa.Table,
    target: str,
    options: TrainOptions,
    progress: Progress,
    threads: int = 2,
) -> Model:
    """Fit the best model found for the target column.

    ``table`` is Arrow (n_rows, n_columns), the target among its columns. ``progress``
    hears a fraction of 1 and a stage; raising from it ends the training. The same
    table and options give the same model, with any number of threads.

    Raises:
        MySQLError: 3877 with ML001031 (rare classes), ML001051 (a row of NULLs),
            ML001052 (no useful column), ML001053 (NULL as target), ML003019/20 (the
            metric), ML003039 (unknown columns), ML003047 (no algorithm left); 1235 a
            column type or an algorithm that is not supported.
    """
    started = time.monotonic()
    progress(0.0, "reading the columns")
    task = task_named(options.task)
    metric = metric_named(
        task.metrics, options.optimization_metric or task.default_metric, task.name
    )
    candidates = _candidates(task, options)
    fixed = fixed_settings(candidates, options.hyperparameters)
    columns, target = _feature_columns(table, target, options)
    if table.num_rows == 0:
        raise all_dropped()
    learned = task.target(plain_array(table.column(target)), target, metric)
    features = fit_features(
        table, columns, options.include_column_list, _signals(learned)
    )
    n_rows, most_rows = table.num_rows, options.limits.rows(features.width)
    if n_rows > most_rows:
        kept = sampled(learned.values, learned.n_classes, int(most_rows))
        table, learned = table.take(kept), replace(learned, values=learned.values[kept])
    matrix = features.encode(table)
    problem = Problem(
        matrix,
        learned.values,
        features.categorical,
        learned.n_classes,
        learned.objective,
        task.comparison(metric),
        threads if matrix.size > SMALL_CELLS else 1,
        started + TRYING_SHARE * (options.max_runtime_s or options.limits.seconds),
    )
    _refuse_senseless(task, metric, learned)
    features, problem = select(features, problem, options.include_column_list, progress)
    found = find(problem, candidates, bool(options.model_list), progress, fixed)
    balance = task.balance(learned, found.held_out, metric)
    facts = Facts(
        algorithm_name=found.algorithm.name,
        optimization_metric=metric,
        training_score=_training_score(task, metric, learned, found, balance),
        training_time=0.0,
        n_rows=n_rows,
        n_selected_rows=table.num_rows,
        quality=task.quality(found.held_out),
        hyperparameters=found.params,
        options=options.shown(),
        notes=options.notes,
    )
    model = _assemble(task, target, features, learned, found, balance, problem, facts)
    progress(0.85, "explaining the model")
    explanation = explain.explain_matrix(
        model, problem.matrix, learned.values, options.model_explainer, threads
    )
    progress(1.0, "done")
    elapsed = replace(facts, training_time=time.monotonic() - started)
    return replace(model, explanation=explanation, facts=elapsed)


def _assemble(
    task: Task,
    target: str,
    features: FeatureSet,
    learned: Target,
    found: Found,
    balance: Any,
    problem: Problem,
    facts: Facts,
) -> Model:
    rows = np.random.default_rng(SEED).permutation(problem.n_rows)[:BACKGROUND_ROWS]
    truth = np.expm1(learned.values) if learned.log_scale else learned.values
    return Model(
        task_name=task.name,
        target=target,
        features=features,
        labels=learned.labels,
        estimator=found.estimator,
        balance=tuple(balance.tolist()),
        log_scale=learned.log_scale,
        output_span=float(np.ptp(truth)) or 1.0,
        background=problem.matrix[np.sort(rows)],
        drift=Drift.fit(problem.matrix, problem.categorical),
        facts=facts,
        explanation={},
        prediction_explainer=str(facts.options["prediction_explainer"]),
    )


def _candidates(task: Task, options: TrainOptions) -> list[Algorithm]:
    """The algorithms that the two lists leave. Raises: see train."""
    known = {item.name.lower(): item for item in task.algorithms}
    for name in (*options.model_list, *options.exclude_model_list):
        if name.lower() not in known:
            names = ", ".join(item.name for item in task.algorithms)
            raise secondary_engine(
                f"'{name}' is not a model of the {task.name} task: known are {names}"
            )
    wanted = {name.lower() for name in options.model_list} or set(known)
    left = wanted - {name.lower() for name in options.exclude_model_list}
    if not left:
        raise ml_error(
            "ML003047",
            "All supported models are excluded, but at least one model should be "
            "included.",
        )
    return [item for item in task.algorithms if item.name.lower() in left]


def _feature_columns(
    table: pa.Table, target: str, options: TrainOptions
) -> tuple[list[str], str]:
    """The features in table order, and the target in the table's spelling."""
    names = table.column_names
    asked = (target, *options.include_column_list, *options.exclude_column_list)
    missing = sorted({name for name in asked if find_column(names, name) is None})
    if missing:
        listed = ", ".join(repr(name) for name in missing)
        raise ml_error(
            "ML003039",
            "Not all user specified columns are present in the input table - missing "
            f"columns are {{{listed}}}.",
        )
    included = _found(names, options.include_column_list)
    excluded = _found(names, options.exclude_column_list)
    both = included & excluded
    if both:
        raise _in_both([names[place] for place in sorted(both)])
    place = find_column(names, target)
    columns = [name for i, name in enumerate(names) if i != place and i not in excluded]
    if not columns:
        raise all_dropped()
    return columns, names[place] if place is not None else target


def _signals(learned: Target) -> FloatArray:
    """(n_rows, n_classes) of 0 and 1, or the numbers of a regression (n_rows, 1)."""
    if learned.n_classes:
        ones: FloatArray = np.eye(learned.n_classes)[learned.values]
        return ones
    return np.array(learned.values, dtype=np.float64)[:, None]


def _found(names: Sequence[str], wanted: Sequence[str]) -> set[int]:
    places = (find_column(names, name) for name in wanted)
    return {place for place in places if place is not None}


def _in_both(names: list[str]) -> MySQLError:
    return secondary_engine(
        "include_column_list and exclude_column_list must not share columns, but both "
        f"name {', '.join(repr(name) for name in names)}"
    )


def _refuse_senseless(task: Task, metric: str, learned: Target) -> None:
    """Raise ML003019 before the work when the metric cannot be computed at all."""
    if learned.labels is None:
        return
    perfect = np.eye(learned.n_classes)
    evaluate(task.metrics, metric, np.arange(learned.n_classes), perfect)


def _training_score(
    task: Task, metric: str, learned: Target, found: Found, balance: Any
) -> float | None:
    held_out: HeldOut = found.held_out
    truth, output = held_out.truth, held_out.output
    if learned.labels is not None:
        output = rebalanced(output, balance)
    if learned.log_scale:
        truth, output = np.expm1(truth), np.maximum(np.expm1(output), 0.0)
    try:
        return evaluate(task.metrics, metric, truth, output)
    except MySQLError:
        return None


__all__ = ["TASKS", "TRAIN_OPTIONS", "TrainOptions", "train"]
