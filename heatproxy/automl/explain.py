"""What a model looks at: over a table (model explainers) and a row (prediction ones).

An attribution by permutation is how much the predicted class's probability falls, on
the mean, when the feature's value is taken from other rows; for a regression, how
much the prediction changes, as a share of the target's range. By SHAP it is the
feature's SHAP value as a share of all of them. Both lie in -1..1.

Source: HeatWave User Guide, "ML_EXPLAIN", "ML_EXPLAIN_TABLE"; Breiman, "Random
Forests"; Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heatproxy.automl import partial_dependence, shapley
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.metrics import evaluate
from heatproxy.automl.model import Model, Prediction
from heatproxy.automl.target import target_numbers
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.options import ListOf, Options, Text

TRAINED_BY_ML_TRAIN = ("permutation_importance", "shap", "fast_shap")
MODEL_EXPLAINERS = (*TRAINED_BY_ML_TRAIN, "partial_dependence")
PREDICTION_EXPLAINERS = ("permutation_importance", "shap")

EXPLAIN_OPTIONS = Options(
    model_explainer=Text("permutation_importance"),
    prediction_explainer=Text(),
    columns_to_explain=ListOf(Text()),
    target_value=Text(),
)
# ML_EXPLAIN_ROW and ML_EXPLAIN_TABLE; the others are what labs pass and nobody reads
PREDICTION_EXPLAIN_OPTIONS = Options(
    prediction_explainer=Text("permutation_importance"),
    model_explainer=Text(),
    batch_size=Text(),
)

SEED = 20
REPEATS = 3
IMPORTANCE_CELLS = 40_000  # rows predicted to rank the features of a model
FEWEST_ROWS, MOST_ROWS = 100, 1_000
MOST_CELLS = 100_000_000  # rows predicted to rank the features, times their width
FEWEST_ROWS_OF_MANY = 20  # of a table so wide that more would take minutes
BATCH_ROWS = 200_000  # rows predicted in one call
BATCH_CELLS = 16_000_000  # 128 MB of them
BACKGROUND_ROWS = 30


@dataclass(frozen=True, slots=True)
class Explanation:
    """Predictions for n_rows rows and why.

    ``attributions`` (n_rows, n_columns) in the order of the model's columns, rounded
    to two decimals. ``values`` are the features as text, Arrow (n_rows,) each.
    """

    prediction: Prediction
    attributions: FloatArray
    values: tuple[pa.Array, ...]


def explain_predictions(
    model: Model, table: pa.Table, explainer: str | None = None, threads: int = 1
) -> Explanation:
    """Attribute each row's prediction to the features.

    ``explainer`` None is the one the model was trained with.

    Raises:
        MySQLError: 3877 ML003011 and ML003015 as in Model.predict; the explainer.
    """
    name = explainer_named(
        explainer or model.prediction_explainer, PREDICTION_EXPLAINERS
    )
    matrix = model.features.encode(table)
    outputs = model.outputs(matrix, threads)
    if name == "shap":
        of_used = shapley.attributions(model, matrix, outputs, threads)
    else:
        of_used = _by_permutation(model, matrix, outputs, threads)
    attributions = np.zeros((len(matrix), len(model.features.columns)))
    for place, feature in enumerate(model.features.used):
        column = model.features.columns.index(feature.name)
        attributions[:, column] = of_used[:, place]
    values = tuple(_column(table, name) for name in model.features.columns)
    rounded = np.round(np.clip(attributions, -1.0, 1.0), 2) + 0.0  # no -0.0
    return Explanation(model.read(outputs), np.asarray(rounded, np.float64), values)


def explain_model(
    model: Model,
    table: pa.Table,
    target: str,
    model_explainer: str | None = "permutation_importance",
    prediction_explainer: str | None = None,
    columns_to_explain: Sequence[str] | None = None,
    target_value: str | None = None,
    threads: int = 1,
) -> Model:
    """ML_EXPLAIN: the same model, its explanation made from this table.

    Raises:
        MySQLError: 3877 ML003011 a feature is missing, ML003039 unknown columns; an
            explainer or option that is none.
    """
    if prediction_explainer is not None:
        chosen = explainer_named(prediction_explainer, PREDICTION_EXPLAINERS)
        model = replace(model, prediction_explainer=chosen)
    if model_explainer is None:
        return model
    explainer = explainer_named(model_explainer, MODEL_EXPLAINERS)
    matrix = model.features.encode(table)
    if not len(matrix):
        raise secondary_engine("ML_EXPLAIN: the table has no rows")
    if explainer == "partial_dependence":
        found = partial_dependence.explain(
            model, table, matrix, columns_to_explain, target_value, threads
        )
        return _explained(model, {"partial_dependence": found})
    for name, given in (
        ("columns_to_explain", columns_to_explain),
        ("target_value", target_value),
    ):
        if given is not None:
            raise secondary_engine(
                f"ML_EXPLAIN: option '{name}' is for partial_dependence only"
            )
    truth = truth_of(model, table, target)
    return _explained(model, explain_matrix(model, matrix, truth, explainer, threads))


def explain_matrix(
    model: Model,
    matrix: FloatArray,
    truth: npt.NDArray[Any],
    explainer: str,
    threads: int,
) -> dict[str, dict[str, float]]:
    """``{explainer: {column: importance}}`` with four decimals, every column named.

    ``truth`` (n_rows,) are the class codes or numbers of the target, as learned.
    """
    if explainer == "permutation_importance":
        of_used = _importance(model, matrix, truth, threads)
    else:
        few = explainer == "fast_shap"
        of_used = shapley.importance(model, _some(matrix, 100 if few else 500), threads)
    names = [feature.name for feature in model.features.used]
    scores = dict.fromkeys(model.features.columns, 0.0)
    rounded = [round(float(score), 4) + 0.0 for score in of_used]  # no -0.0
    scores |= dict(zip(names, rounded, strict=True))
    return {explainer: scores}


def truth_of(model: Model, table: pa.Table, target: str) -> npt.NDArray[Any]:
    """The target column as the model learned it: codes (-1 unknown) or numbers.

    Raises:
        MySQLError: 3877 ML003039 no such column, ML001053 NULLs, not numeric.
    """
    column = _column(table, target)
    if model.labels is not None:
        return model.labels.codes(column)
    numbers = target_numbers(column, target)
    return np.log1p(numbers) if model.log_scale else numbers


def explainer_named(name: str, known: Sequence[str]) -> str:
    """The explainer's own spelling.

    Raises:
        MySQLError: 3877, none of ``known``.
    """
    wanted = name.strip().lower()
    if wanted not in known:
        raise secondary_engine(
            f"'{name}' is not an explainer that can be used here: known are "
            + ", ".join(known)
        )
    return wanted


def _importance(
    model: Model, matrix: FloatArray, truth: npt.NDArray[Any], threads: int
) -> FloatArray:
    """How much the metric falls when a feature is shuffled (n_used,)."""
    slices = model.features.slices()
    repeats, rows = _sample_size(len(slices), matrix.shape[1])
    random = np.random.default_rng(SEED)
    kept = np.sort(random.permutation(len(matrix))[:rows])
    matrix, truth = matrix[kept], truth[kept]
    metric = model.facts.optimization_metric
    if model.log_scale:
        truth = np.expm1(truth)

    def score(outputs: FloatArray) -> float:
        if model.log_scale:
            outputs = np.maximum(outputs, 0.0)
        try:
            return evaluate(model.task.metrics, metric, truth, outputs)
        except MySQLError:
            # the sample holds one class, say: any metric of the task will do
            return evaluate(
                model.task.metrics, model.task.default_metric, truth, outputs
            )

    whole = score(model.outputs(matrix, threads))
    falls = np.zeros(len(slices))
    jobs = [(place, r) for place in range(len(slices)) for r in range(repeats)]
    orders = [random.permutation(len(matrix)) for _ in range(repeats)]
    at_once = rows_at_once(len(matrix), matrix.shape[1])
    for start in range(0, len(jobs), at_once):
        batch = jobs[start : start + at_once]
        shuffled = np.tile(matrix, (len(batch), 1))
        for i, (place, repeat) in enumerate(batch):
            block = slice(i * len(matrix), (i + 1) * len(matrix))
            shuffled[block, slices[place]] = matrix[orders[repeat], slices[place]]
        outputs = model.outputs(shuffled, threads)
        for i, (place, _) in enumerate(batch):
            part = outputs[i * len(matrix) : (i + 1) * len(matrix)]
            falls[place] += (whole - score(part)) / repeats
    return falls


def _by_permutation(
    model: Model, matrix: FloatArray, outputs: FloatArray, threads: int
) -> FloatArray:
    """Attributions (n_rows, n_used) of the answer of each row."""
    slices = model.features.slices()
    others = _some(model.background, BACKGROUND_ROWS)
    result = np.zeros((len(matrix), len(slices)))
    a_row = len(slices) * len(others)
    at_once = rows_at_once(a_row, matrix.shape[1])
    for start in range(0, len(matrix), at_once):
        rows = matrix[start : start + at_once]
        # every row, for every feature, with the value of every other row
        changed = np.repeat(rows, a_row, axis=0)
        cube = changed.reshape(len(rows), len(slices), len(others), -1)
        for place, where in enumerate(slices):
            cube[:, place, :, where] = others[:, where]
        answers = model.outputs(changed, threads)
        own = outputs[start : start + at_once]
        if model.labels is not None:
            best = own.argmax(axis=1)
            answers = answers[np.arange(len(answers)), np.repeat(best, a_row)]
            own = own.max(axis=1)
        means = answers.reshape(len(rows), len(slices), -1).mean(axis=2)
        result[start : start + at_once] = own[:, None] - means
    return result if model.labels is not None else result / model.output_span


def _sample_size(features: int, width: int) -> tuple[int, int]:
    """How often each feature is shuffled, and in how many rows."""
    rows = IMPORTANCE_CELLS // max(REPEATS * features, 1)
    rows = min(max(rows, FEWEST_ROWS), MOST_ROWS)
    if REPEATS * rows * features * width <= MOST_CELLS:
        return REPEATS, rows
    return 1, min(rows, max(MOST_CELLS // (features * width), FEWEST_ROWS_OF_MANY))


def rows_at_once(each: int, width: int) -> int:
    """How many things, of so many rows each, are predicted in one call."""
    rows = min(BATCH_ROWS, BATCH_CELLS // max(width, 1))
    return max(1, rows // max(each, 1))


def _some(matrix: FloatArray, rows: int) -> FloatArray:
    if len(matrix) <= rows:
        return matrix
    kept = np.random.default_rng(SEED).permutation(len(matrix))[:rows]
    return matrix[np.sort(kept)]


def _explained(model: Model, found: dict[str, Any]) -> Model:
    return replace(model, explanation={**model.explanation, **found})


def _column(table: pa.Table, name: str) -> pa.Array:
    place = find_column(table.column_names, name)
    if place is None:
        raise secondary_engine(f"the table has no column '{name}'")
    return plain(table.column(place))
