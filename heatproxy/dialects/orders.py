"""What a CREATE MODEL means to ML_TRAIN: its task, options, and bounds.

Source: Amazon Redshift Database Developer Guide, "CREATE MODEL".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.errors import MySQLError, not_supported, secondary_engine
from heatproxy.sql.create_model import CreateModel

SEED = 20
MAX_CELLS, MAX_RUNTIME_S = 1_000_000, 5400  # where SETTINGS do not say
FEW_VALUES = 20  # whole numbers of no more values than these are classes
CLASSIFICATION, REGRESSION, CLUSTERING = "classification", "regression", "clustering"
_PROBLEMS = {
    "REGRESSION": (REGRESSION, "Regression"),
    "BINARY_CLASSIFICATION": (CLASSIFICATION, "BinaryClassification"),
    "MULTICLASS_CLASSIFICATION": (CLASSIFICATION, "MulticlassClassification"),
}
_OBJECTIVES = {  # in lower case: its task, if it has but one, and our metric
    "mse": (REGRESSION, "neg_mean_squared_error"),
    "mae": (REGRESSION, "neg_mean_absolute_error"),
    "r2": (REGRESSION, "r2"),
    "accuracy": (CLASSIFICATION, "accuracy"),
    "balancedaccuracy": (CLASSIFICATION, "balanced_accuracy"),
    "f1": (CLASSIFICATION, "f1"),
    "f1macro": (CLASSIFICATION, "f1_macro"),
    "f1_macro": (CLASSIFICATION, "f1_macro"),
    "auc": (CLASSIFICATION, "roc_auc"),
    "reg:squarederror": (REGRESSION, "neg_mean_squared_error"),
    "reg:linear": (REGRESSION, "neg_mean_squared_error"),
    "reg:squaredlogerror": (REGRESSION, "neg_mean_squared_log_error"),
    "reg:absoluteerror": (REGRESSION, "neg_mean_absolute_error"),
    "binary:logistic": (CLASSIFICATION, "neg_log_loss"),
    "binary:hinge": (CLASSIFICATION, "accuracy"),
    "multi:softmax": (CLASSIFICATION, "accuracy"),
    "multi:softprob": (CLASSIFICATION, "neg_log_loss"),
}
_MODELS = {
    ("XGBOOST", CLASSIFICATION): "XGBClassifier",
    ("XGBOOST", REGRESSION): "XGBRegressor",
    ("LINEAR_LEARNER", CLASSIFICATION): "LogisticRegression",
    ("LINEAR_LEARNER", REGRESSION): "LinearRegression",
    ("MLP", CLASSIFICATION): "MLPClassifier",
    ("MLP", REGRESSION): "MLPRegressor",
}
MODEL_TYPES = ("AUTO", "XGBOOST", "MLP", "LINEAR_LEARNER", "KMEANS")
_SETTINGS = {  # of SageMaker's XGBoost and linear learner
    "num_round": "n_estimators",
    "eta": "learning_rate",
    "lambda": "reg_lambda",
    "alpha": "reg_alpha",
}
_TRAINED_SETTINGS = ("MAX_CELLS", "MAX_RUNTIME")
_IGNORED_SETTINGS = ("S3_BUCKET", "TAGS", "KMS_KEY_ID", "S3_GARBAGE_COLLECT")
_ENDPOINT_SETTINGS = (*_IGNORED_SETTINGS, "MAX_BATCH_ROWS")
_K = ("k", "n_clusters")
_IGNORED_OF_KMEANS = (  # how SageMaker's searches, and measures
    *("feature_dim", "init_method", "mini_batch_size", "epochs", "eval_metrics"),
    *("extra_center_factor", "half_life_time_size", "local_lloyd_init_method"),
    *("local_lloyd_max_iter", "local_lloyd_num_trials", "local_lloyd_tol"),
)
_IGNORED_OF_XGBOOST = ("num_class", "nthread", "verbosity")  # what the rows tell, how
_IGNORED = {"KMEANS": _IGNORED_OF_KMEANS, "XGBOOST": _IGNORED_OF_XGBOOST}
_TRANSFORMERS = (
    *("OneHotEncoder", "OrdinalEncoder", "NumericPassthrough", "Imputer"),
    *("ImputerWithIndicator", "Normalizer", "MinMaxScaler", "StandardScaler"),
)
_FITTED_ALIKE = ("reg:squarederror", "reg:linear", "multi:softprob", "binary:logistic")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be trained; ``options`` are ML_TRAIN's.

    ``problem`` and ``objective`` are what SHOW MODEL says; ``notes`` what SHOW WARNINGS
    says of words that change nothing here.
    """

    options: Mapping[str, Any]
    problem: str
    objective: str
    notes: tuple[str, ...]

    @property
    def task(self) -> str:
        return str(self.options["task"])


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many cells may be learned from, and for how long."""

    max_cells: int
    max_runtime_s: int


def check(wanted: CreateModel) -> Bounds:
    """Refuse what can be refused before a row is read.

    Raises:
        MySQLError: 3877, words that contradict each other; 1235, what is not here.
    """
    if wanted.model_type is not None and wanted.model_type not in MODEL_TYPES:
        raise not_supported(f"MODEL_TYPE {wanted.model_type}")
    if wanted.auto is False and wanted.model_type in (None, "AUTO"):
        raise _wrong("AUTO OFF needs a MODEL_TYPE")
    if wanted.problem_type is not None and wanted.problem_type not in _PROBLEMS:
        raise _wrong(
            f"PROBLEM_TYPE must be one of {', '.join(_PROBLEMS)}, not"
            f" {wanted.problem_type}"
        )
    if wanted.objective is not None:
        _objective(wanted.objective)
    _preprocessors(wanted)
    for name in wanted.settings:
        if name not in (*_TRAINED_SETTINGS, *_IGNORED_SETTINGS):
            raise not_supported(f"{name} in the SETTINGS of CREATE MODEL")
    if wanted.model_type == "KMEANS":
        if wanted.target is not None:
            raise _wrong("MODEL_TYPE KMEANS has no TARGET")
        if wanted.objective is not None or wanted.problem_type is not None:
            raise _wrong("MODEL_TYPE KMEANS has no OBJECTIVE and no PROBLEM_TYPE")
        _clusters(wanted)
        for name in wanted.hyperparameters:
            if name not in (*_K, *_IGNORED_OF_KMEANS):
                raise _wrong(f"'{name}' is no hyperparameter of KMEANS")
    elif wanted.target is None:
        raise _wrong("a TARGET must be given")
    return Bounds(
        _positive(wanted, "MAX_CELLS", MAX_CELLS),
        _positive(wanted, "MAX_RUNTIME", MAX_RUNTIME_S),
    )


def check_columns(wanted: CreateModel, features: Sequence[str]) -> None:
    """Raises: MySQLError 1054, PREPROCESSORS name a column that is not there."""
    known = {name.lower() for name in features}
    for columns, _ in _preprocessors(wanted):
        for name in columns:
            if name.lower() not in known:
                text = f"Unknown column '{name}' in 'PREPROCESSORS'"
                raise MySQLError(1054, "42S22", text)


def check_brought(wanted: CreateModel) -> list[str]:
    """What there is to note of a model that is not trained here.

    Raises:
        MySQLError: 3877, a clause of training; 1235, a setting of it.
    """
    clauses = {
        "TARGET": wanted.target,
        "AUTO": wanted.auto,
        "MODEL_TYPE": wanted.model_type,
        "OBJECTIVE": wanted.objective,
        "PREPROCESSORS": wanted.preprocessors,
        "HYPERPARAMETERS": wanted.hyperparameters or None,
        "PROBLEM_TYPE": wanted.problem_type if wanted.endpoint is not None else None,
    }
    for clause, value in clauses.items():
        if value is not None:
            raise _wrong(f"{clause} is not for a model that is trained elsewhere")
    known = _IGNORED_SETTINGS if wanted.endpoint is None else _ENDPOINT_SETTINGS
    for name in wanted.settings:
        if name not in known:
            raise not_supported(
                f"{name} in the SETTINGS of a model that is trained elsewhere"
            )
    given = ["IAM_ROLE"] if wanted.iam_role is not None else []
    return [
        f"{name} is ignored: the model is here" for name in [*given, *wanted.settings]
    ]


def plan(wanted: CreateModel, target: str | None, label: pa.Array | None) -> Plan:
    """What ML_TRAIN is to do; ``label`` is the target's column (n_rows,).

    Raises:
        MySQLError: see check.
    """
    notes = _notes(wanted)
    if target is None or label is None:
        options = {"task": CLUSTERING, "n_clusters": _clusters(wanted)}
        return Plan(options, "KMeans", "", notes)
    task, problem = _problem(wanted, label)
    options = {"task": task}
    objective = wanted.objective or ""
    if ":" in objective and objective.lower() not in _FITTED_ALIKE:
        notes += (f"OBJECTIVE '{objective}': models are compared by it, not fitted",)
    if objective:
        of, metric = _objective(objective)
        if of != task:
            raise _wrong(f"OBJECTIVE '{objective}' is not for {problem}")
        options["optimization_metric"] = metric
    model = _MODELS.get((wanted.model_type or "", task))
    if model is not None:
        options["model_list"] = [model]
    if wanted.hyperparameters:
        if model is None:
            raise _wrong("HYPERPARAMETERS need a MODEL_TYPE")
        ignored = _IGNORED.get(wanted.model_type or "", ())
        given = {k: v for k, v in wanted.hyperparameters.items() if k not in ignored}
        options["hyperparameters"] = hyperparameters(given)
    return Plan(options, problem, objective, notes)


def sampled(rows: pa.Table, max_cells: int) -> tuple[pa.Table, str | None]:
    """The rows, or as many of them as have so many cells; a note where not all are.

    Each row is as likely to stay as any other; those that stay keep their order.
    """
    most = max(1, max_cells // max(1, rows.num_columns))
    if rows.num_rows <= most:
        return rows, None
    drawn = np.random.default_rng(SEED).permutation(rows.num_rows)[:most]
    text = (
        f"MAX_CELLS {max_cells}: {most} of {rows.num_rows} rows, drawn at random, are"
        " learned from"
    )
    return rows.take(pa.array(np.sort(drawn))), text


def hyperparameters(given: Mapping[str, str]) -> dict[str, Any]:
    """Under the names that the algorithms' own libraries have for them."""
    return {_SETTINGS.get(name, name): _number(text) for name, text in given.items()}


def _number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() and "." not in text else value


def _problem(wanted: CreateModel, label: pa.Array) -> tuple[str, str]:
    """The task, and what SHOW MODEL calls it."""
    if wanted.problem_type is not None:
        return _PROBLEMS[wanted.problem_type]
    is_empty = pa.types.is_null(label.type)
    values = 0 if is_empty else len(pc.unique(label.drop_null()))
    task = None
    if wanted.objective is not None:
        task = _objective(wanted.objective)[0]
    if task is None:
        task = REGRESSION if _is_measured(label, values) else CLASSIFICATION
    if task == REGRESSION:
        return task, "Regression"
    return task, "BinaryClassification" if values <= 2 else "MulticlassClassification"


def _is_measured(label: pa.Array, values: int) -> bool:
    """Whether a target is a quantity, as long as nobody says what it is."""
    kind = label.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return values > 2
    return pa.types.is_integer(kind) and values > FEW_VALUES


def _objective(text: str) -> tuple[str, str]:
    found = _OBJECTIVES.get(text.lower())
    if found is None:
        raise _wrong(f"OBJECTIVE must be one of {', '.join(_OBJECTIVES)}, not '{text}'")
    return found


def _clusters(wanted: CreateModel) -> int:
    for name in _K:
        if name in wanted.hyperparameters:
            value = _number(wanted.hyperparameters[name])
            if isinstance(value, int) and value >= 2:
                return value
            raise _wrong(f"K must be a whole number from 2 on, not {value}")
    raise _wrong("MODEL_TYPE KMEANS needs HYPERPARAMETERS DEFAULT EXCEPT (K '...')")


def _positive(wanted: CreateModel, name: str, default: int) -> int:
    text = wanted.settings.get(name)
    value = default if text is None else _number(text)
    if not isinstance(value, int) or value < 1:
        raise _wrong(f"{name} must be a whole number from 1 on, not {text}")
    return value


def _notes(wanted: CreateModel) -> tuple[str, ...]:
    notes = []
    if wanted.iam_role is not None:
        notes.append("IAM_ROLE is ignored: the model is trained here")
    for name in wanted.settings:
        if name in _IGNORED_SETTINGS:
            notes.append(f"{name} is ignored: the model is kept in the model catalog")
    transformers = dict.fromkeys(
        name for _, listed in _preprocessors(wanted) for name in listed
    )
    if transformers:
        notes.append(
            f"PREPROCESSORS {', '.join(transformers)}: ignored, columns are prepared by"
            " their types"
        )
    ignored = _IGNORED.get(wanted.model_type or "", ())
    for name in wanted.hyperparameters:
        if name in ignored:
            notes.append(f"HYPERPARAMETERS: {name} is ignored by {wanted.model_type}")
    return tuple(notes)


def _preprocessors(wanted: CreateModel) -> list[tuple[list[str], list[str]]]:
    """The columns and transformers of each member of PREPROCESSORS.

    Raises:
        MySQLError: 3877, it is nothing of that kind; 1235, another transformer.
    """
    text = wanted.preprocessors
    if text is None or text.lower() == "none":
        return []
    try:
        listed = json.loads(text)
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise _wrong("PREPROCESSORS must be 'none' or a JSON array")
    found = []
    for member in listed:
        if not isinstance(member, dict) or set(member) != {"ColumnSet", "Transformers"}:
            raise _wrong("a member of PREPROCESSORS has ColumnSet and Transformers")
        columns, names = member["ColumnSet"], member["Transformers"]
        for part in (columns, names):
            if not isinstance(part, list) or not all(isinstance(s, str) for s in part):
                raise _wrong("ColumnSet and Transformers are lists of names")
        for name in names:
            if name not in _TRANSFORMERS:
                raise not_supported(f"{name} in the PREPROCESSORS of CREATE MODEL")
        found.append((columns, names))
    return found


def _wrong(text: str) -> MySQLError:
    return secondary_engine(f"CREATE MODEL: {text}.")
