"""The algorithms of ``model_list``, each declared with the settings worth trying.

LightGBM gets the codes of categories as they are, forests and trees as ranks; the
others see them one-hot, with numbers imputed and scaled. All of them take NaN.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from heatproxy.automl.columns import FloatArray

Params = dict[str, Any]
SEED = 20
ONE_HOT_LEVELS = 100
FOREST_TREES = 200


class Library(Enum):
    """What fits an algorithm; boosting and xgboosting are modules of their own."""

    LIGHTGBM = auto()
    XGBOOST = auto()
    SCIKIT = auto()


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One name of ``model_list``.

    ``build`` makes an unfitted scikit-learn estimator of one of ``settings``. Above
    ``auto_rows`` rows the algorithm is tried only when the user names it.
    """

    name: str
    build: Callable[[Params], Any] | None = None
    settings: tuple[Params, ...] = ({},)
    auto_rows: int = 0
    needs_scaling: bool = False
    is_forest: bool = False
    library: Library = Library.SCIKIT

    @property
    def parameters(self) -> frozenset[str]:
        """What scikit-learn calls its settings; of a wrapped estimator, the inner's."""
        assert self.build is not None
        outer = self.build({})
        inner = getattr(outer, "estimator", None) or getattr(outer, "regressor", None)
        return frozenset((inner or outer).get_params(deep=False))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted scikit-learn pipeline over the matrix.

    ``prior`` (n_classes,) is mixed in with weight ``doubt``: a forest that saw no
    counter-example still isn't certain. Both are unused in a regression.
    """

    pipeline: Any
    prior: tuple[float, ...] = ()
    doubt: float = 0.0
    classes: tuple[int, ...] = field(default=())

    def predict(self, matrix: FloatArray, threads: int) -> FloatArray:
        """Probabilities (n_rows, n_classes), or values (n_rows,) for a regression."""
        if not self.prior:
            return np.asarray(self.pipeline.predict(matrix), dtype=np.float64)
        out = np.zeros((len(matrix), len(self.prior)))
        out[:, list(self.classes)] = self.pipeline.predict_proba(matrix)
        return out * (1.0 - self.doubt) + self.doubt * np.array(self.prior)


def fit(
    algorithm: Algorithm,
    params: Params,
    matrix: FloatArray,
    target: Any,
    categorical: tuple[int, ...],
    n_classes: int,
    threads: int,
) -> Fitted:
    """Fit one setting; ``n_classes`` is 0 for a regression."""
    assert algorithm.build is not None  # boosters have modules of their own
    estimator = algorithm.build(params)
    if algorithm.is_forest:
        estimator.set_params(n_jobs=threads)
    if algorithm.needs_scaling:
        estimator = make_pipeline(_scaled(matrix, categorical), estimator)
    with warnings.catch_warnings():
        # that a search has not come to its end says nothing against what it found
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(matrix, target)
    _forget_training(estimator)
    if algorithm.is_forest:
        estimator.set_params(n_jobs=1)  # what predicts one row should start no threads
    if not n_classes:
        return Fitted(estimator)
    prior = np.bincount(target, minlength=n_classes) / len(target)
    return Fitted(
        estimator,
        tuple(prior.tolist()),
        1.0 / (len(target) + n_classes),
        tuple(int(code) for code in estimator.classes_),
    )


def _forget_training(estimator: Any) -> None:
    """Drop what a network needs to be trained on, and nobody needs to ask it."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    last = getattr(last, "regressor_", last)
    for name in ("_optimizer", "_random_state"):
        if isinstance(last, BaseMultilayerPerceptron) and hasattr(last, name):
            delattr(last, name)


def _scaled(matrix: FloatArray, categorical: tuple[int, ...]) -> ColumnTransformer:
    plain = [i for i in range(matrix.shape[1]) if i not in set(categorical)]
    words = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=2,
        max_categories=ONE_HOT_LEVELS,
        sparse_output=False,
    )
    rest = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    return ColumnTransformer(
        [("words", words, list(categorical)), ("rest", rest, plain)]
    )


def _forest(kind: Any) -> Callable[[Params], Any]:
    return lambda params: kind(
        **{"n_estimators": FOREST_TREES, "random_state": SEED, **params}
    )


def _seeded(kind: Any, **fixed: Any) -> Callable[[Params], Any]:
    return lambda params: kind(**{"random_state": SEED, **fixed, **params})


def _network(kind: Any) -> Callable[[Params], Any]:
    return lambda params: kind(**{"random_state": SEED, "max_iter": 200, **params})


def _calibrated(kind: Any, **fixed: Any) -> Callable[[Params], Any]:
    """A classifier without probabilities of its own, its margins made into some."""
    return lambda params: CalibratedClassifierCV(
        kind(**{"random_state": SEED, **fixed, **params}), cv=3, ensemble=False
    )


def _target_scaled(kind: Any, **fixed: Any) -> Callable[[Params], Any]:
    return lambda params: TransformedTargetRegressor(
        kind(**{**fixed, **params}), transformer=StandardScaler()
    )


_LEAVES: tuple[Params, ...] = (
    {"min_samples_leaf": 3},
    {"min_samples_leaf": 1},
    {"min_samples_leaf": 2, "max_features": 0.5},
    {"min_samples_leaf": 8, "max_features": 0.5},
)
_REGRESSION_LEAVES: tuple[Params, ...] = (
    {"min_samples_leaf": 2, "max_features": 0.6},
    {"min_samples_leaf": 1},
    {"min_samples_leaf": 4, "max_features": 0.4},
)
_TREES: tuple[Params, ...] = (
    {"max_depth": 5, "min_samples_leaf": 5},
    {"max_depth": 3, "min_samples_leaf": 5},
    {"min_samples_leaf": 20},
)
_MARGINS: tuple[Params, ...] = ({"C": 1.0}, {"C": 0.1}, {"C": 10.0})
_LAYERS: tuple[Params, ...] = (
    {"hidden_layer_sizes": (64, 32)},
    {"hidden_layer_sizes": (100,), "alpha": 0.01},
)
_FOREST_ROWS, _LINEAR_ROWS = 10_000, 50_000

CLASSIFIERS: tuple[Algorithm, ...] = (
    Algorithm("LGBMClassifier", auto_rows=2**62, library=Library.LIGHTGBM),
    Algorithm(
        "LogisticRegression",
        _seeded(LogisticRegression, max_iter=2000),
        _MARGINS,
        _LINEAR_ROWS,
        needs_scaling=True,
    ),
    Algorithm(
        "RandomForestClassifier",
        _forest(RandomForestClassifier),
        _LEAVES,
        _FOREST_ROWS,
        is_forest=True,
    ),
    Algorithm(
        "ExtraTreesClassifier",
        _forest(ExtraTreesClassifier),
        _LEAVES,
        _FOREST_ROWS,
        is_forest=True,
    ),
    Algorithm(
        "GaussianNB",
        lambda params: GaussianNB(**params),
        ({"var_smoothing": 1e-9}, {"var_smoothing": 1e-2}),
        _LINEAR_ROWS,
        needs_scaling=True,
    ),
    Algorithm("DecisionTreeClassifier", _seeded(DecisionTreeClassifier), _TREES),
    Algorithm("XGBClassifier", library=Library.XGBOOST),
    Algorithm(
        "MLPClassifier",
        _network(MLPClassifier),
        _LAYERS,
        needs_scaling=True,
    ),
    Algorithm("SVC", _calibrated(SVC), _MARGINS, needs_scaling=True),
    Algorithm(
        "LinearSVC",
        _calibrated(LinearSVC, dual=False, max_iter=5000),
        _MARGINS,
        needs_scaling=True,
    ),
)

REGRESSORS: tuple[Algorithm, ...] = (
    Algorithm("LGBMRegressor", auto_rows=2**62, library=Library.LIGHTGBM),
    Algorithm(
        "LinearRegression",
        lambda params: LinearRegression(**params),
        auto_rows=_LINEAR_ROWS,
        needs_scaling=True,
    ),
    Algorithm(
        "RandomForestRegressor",
        _forest(RandomForestRegressor),
        _REGRESSION_LEAVES,
        _FOREST_ROWS,
        is_forest=True,
    ),
    Algorithm(
        "ExtraTreesRegressor",
        _forest(ExtraTreesRegressor),
        _REGRESSION_LEAVES,
        _FOREST_ROWS,
        is_forest=True,
    ),
    Algorithm("DecisionTreeRegressor", _seeded(DecisionTreeRegressor), _TREES),
    Algorithm("XGBRegressor", library=Library.XGBOOST),
    Algorithm(
        "MLPRegressor",
        lambda params: TransformedTargetRegressor(
            _network(MLPRegressor)(params), transformer=StandardScaler()
        ),
        _LAYERS,
        needs_scaling=True,
    ),
    Algorithm("SVR", _target_scaled(SVR), _MARGINS, needs_scaling=True),
    Algorithm(
        "LinearSVR",
        _target_scaled(
            LinearSVR,
            random_state=SEED,
            loss="squared_epsilon_insensitive",
            dual=False,
            max_iter=5000,
        ),
        _MARGINS,
        needs_scaling=True,
    ),
)
