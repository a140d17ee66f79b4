"""Who is measured by ``bench automl``: heatproxy's training, FLAML, LightGBM as it is.

Each learns in a process of its own, which tells the processor time and the memory it
took. FLAML's clock is its processor time, so that a busy machine takes nothing from
the time it is given.
"""

import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from heatproxy.automl.metrics import CLASSIFICATION, REGRESSION
from heatproxy.automl.model import Model
from heatproxy.automl.orders import parse_options
from heatproxy.automl.scoring import score
from heatproxy.automl.training import TrainOptions
from heatproxy.automl.work import trained
from heatproxy.bench.splits import SPLITS, Split
from heatproxy.routines.score import score_options

SEED = 1
FLIGHT_TREES = 200
_FLAML_METRICS = {"classification": "log_loss", "regression": "mse"}
Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rival came to: scores by metric, processor seconds, bytes at the peak."""

    scores: Scores
    cpu_s: float
    peak_bytes: int
    table_bytes: int
    what: str = ""


def ours(split: Split, data: Path, threads: int = 1) -> Outcome:
    return _apart(_ours, split.name, data, threads)


def flaml(split: Split, data: Path, budget_s: float) -> Outcome:
    return _apart(_flaml, split.name, data, budget_s)


def plain(split: Split, data: Path, trees: int = 100) -> Outcome:
    return _apart(_plain, split.name, data, trees)


def has_flaml() -> bool:
    return find_spec("flaml") is not None


def _apart(work: Callable[..., Outcome], *arguments: Any) -> Outcome:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _split(name: str) -> Split:
    return next(split for split in SPLITS if split.name == name)


def _measured(
    table: pa.Table, began: float, scores: Mapping[str, float], what: str
) -> Outcome:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Outcome(dict(scores), began, peak, table.nbytes, what)


def _ours(name: str, data: Path, threads: int) -> Outcome:
    split = _split(name)
    learnt, judged = split.read(data / split.file)
    given = {"task": split.task, **split.options}
    began = time.process_time()
    options = parse_options(given)
    unsupervised = split.task == "anomaly_detection"
    target = None if unsupervised else split.target
    model = trained(learnt, target, options, lambda done, stage: None, threads)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    scores = {}
    for metric in split.metrics:
        if isinstance(model, Model):
            scores[metric] = score(model, judged, split.target, metric, threads)
        else:
            asked = score_options(model, None)
            scores[metric] = model.score(judged, split.target, metric, asked, threads)
    what = model.metadata(build_timestamp=0, train_table_name="")["algorithm_name"]
    assert isinstance(options, TrainOptions) or options.task
    return Outcome(scores, spent, peak, learnt.nbytes, str(what))


def _frames(
    split: Split, data: Path, *, moments: bool
) -> tuple[pd.DataFrame, Any, pd.DataFrame, Any, pa.Table]:
    """Features and targets to learn from and to be judged by; classes as codes."""
    learnt, judged = split.read(data / split.file)
    first, second = learnt.to_pandas(), judged.to_pandas()
    y, z = first.pop(split.target), second.pop(split.target)
    for column in first:
        if first[column].dtype.kind == "M":
            if not moments:
                first[column] = first[column].astype("int64") // 10**9
                second[column] = second[column].astype("int64") // 10**9
        elif not pd.api.types.is_numeric_dtype(first[column]):
            words = sorted(first[column].dropna().astype(str).unique())
            first[column] = pd.Categorical(first[column].astype(str), words)
            second[column] = pd.Categorical(second[column].astype(str), words)
    first.columns = second.columns = pd.Index([f"f{i}" for i in range(first.shape[1])])
    if split.task == "classification":
        known = np.unique(y)
        return (
            first,
            np.searchsorted(known, y),
            second,
            np.searchsorted(known, z),
            learnt,
        )
    return first, y.to_numpy(float), second, z.to_numpy(float), learnt


def _scores(split: Split, truth: Any, output: Any) -> Scores:
    metrics = CLASSIFICATION if split.task == "classification" else REGRESSION
    return {name: metrics[name](truth, np.asarray(output)) for name in split.metrics}


def _plain(name: str, data: Path, trees: int) -> Outcome:
    from heatproxy.automl.openmp import lightgbm

    split = _split(name)
    x, y, judged, truth, table = _frames(split, data, moments=False)
    kinds = {
        "classification": lightgbm.LGBMClassifier,
        "regression": lightgbm.LGBMRegressor,
    }
    began = time.process_time()
    model = kinds[split.task](n_estimators=trees, n_jobs=1, verbose=-1).fit(x, y)
    spent = time.process_time() - began
    call = model.predict_proba if split.task == "classification" else model.predict
    return _measured(table, spent, _scores(split, truth, call(judged)), "")


def _flaml(name: str, data: Path, budget_s: float) -> Outcome:
    split = _split(name)
    x, y, judged, truth, table = _frames(split, data, moments=True)
    time.time = time.process_time  # what it takes of the processor is what counts
    began = time.process_time()
    automl: Any = import_module("flaml").AutoML()
    automl.fit(
        x,
        y,
        task=split.task,
        metric=_FLAML_METRICS[split.task],
        time_budget=budget_s,
        n_jobs=1,
        seed=SEED,
        verbose=0,
    )
    spent = time.process_time() - began
    classes = split.task == "classification"
    output = automl.predict_proba(judged) if classes else automl.predict(judged)
    return _measured(
        table, spent, _scores(split, truth, output), str(automl.best_estimator)
    )
