"""sqml_train and sqml_predict: experiments of several models, the best one deployed.

A model of an experiment is one of the model catalog; its metadata say of which, how it
did on rows that it had not seen, and whether it is the one that answers.

Source: Datasette ML, "SQL functions".
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.model_selection import train_test_split

from heatproxy.automl.catalog import Catalog, Entry
from heatproxy.automl.features import find_column, plain
from heatproxy.automl.model import Model
from heatproxy.automl.orders import parse_options
from heatproxy.automl.work import score_job
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.jsontext import NumberText, double_text, json_text, parse
from heatproxy.routines.arguments import table_name
from heatproxy.routines.models import open_model
from heatproxy.routines.predict import ML_PREDICT_ROW
from heatproxy.routines.train import learn
from heatproxy.session import Session

KEY = "sqml"
SEED = 20
METRICS = {"classification": "accuracy", "regression": "r2"}
STRATEGIES = ("shuffle", "stratify", "sequential")
TEST_SIZE = 0.25
_MAY_TRAIN = b"CALL sys.ML_TRAIN(NULL, NULL, NULL, @heatproxy)"
_SHORT = {  # names that are not our own names in small letters
    ("lgbm", "classification"): "LGBMClassifier",
    ("lgbm", "regression"): "LGBMRegressor",
    ("lightgbm", "classification"): "LGBMClassifier",
    ("lightgbm", "regression"): "LGBMRegressor",
    ("gradient_boosting", "classification"): "LGBMClassifier",
    ("gradient_boosting", "regression"): "LGBMRegressor",
    ("gaussian_nb", "classification"): "GaussianNB",
}
_ENDINGS = {"classification": "Classifier", "regression": "Regressor"}
_AS_THEY_ARE = {
    "classification": ("logistic_regression", "svc", "linear_svc"),
    "regression": ("linear_regression", "svr", "linear_svr"),
}
_TREES = ("decision_tree", "random_forest", "extra_trees", "xgb", "mlp")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The arguments of sqml_train, checked."""

    experiment: str
    prediction_type: str
    algorithm: str
    dataset: str
    target: str
    test_size: float
    strategy: str

    @property
    def options(self) -> dict[str, Any]:
        """ML_TRAIN's."""
        options: dict[str, Any] = {"task": self.prediction_type}
        if self.algorithm != "auto":
            options["model_list"] = [algorithm(self.algorithm, self.prediction_type)]
        return options


def wanted(arguments: Sequence[str | None]) -> Wanted:
    """The arguments, with the defaults of those that are left out.

    Raises:
        MySQLError: 3877, one is missing or may not be so.
    """
    given = [*arguments, *[None] * (7 - len(arguments))]
    names = ("experiment_name", "prediction_type", "algorithm", "dataset", "target")
    for name, value in zip(names, given[:5], strict=True):
        if not value:
            raise _wrong(f"{name} must be given")
    experiment, kind, name, dataset, target = (str(value) for value in given[:5])
    if kind not in METRICS:
        raise _wrong(f"prediction_type must be one of {', '.join(METRICS)}")
    try:
        test_size = TEST_SIZE if given[5] is None else float(given[5])
    except ValueError:
        test_size = 0.0
    if not 0 < test_size < 1:
        raise _wrong("test_size must be a number above 0 and below 1")
    strategy = given[6] or STRATEGIES[0]
    if strategy not in STRATEGIES:
        raise _wrong(f"split_strategy must be one of {', '.join(STRATEGIES)}")
    asked = Wanted(experiment, kind, name, dataset, target, test_size, strategy)
    assert asked.options  # an algorithm that is not here is refused
    return asked


def algorithm(name: str, kind: str) -> str:
    """The model of ``model_list`` that an algorithm is called here.

    Raises:
        MySQLError: 3877, there is none.
    """
    if (name, kind) in _SHORT:
        return _SHORT[name, kind]
    words = "".join(word.capitalize() for word in name.split("_"))
    if name in _AS_THEY_ARE[kind]:
        special = {"Svc": "SVC", "Svr": "SVR"}
        return words.replace("Svc", special["Svc"]).replace("Svr", special["Svr"])
    if name in _TREES:
        ending = {"Xgb": "XGB", "Mlp": "MLP"}.get(words, words)
        return ending + _ENDINGS[kind]
    known = sorted(
        {*_AS_THEY_ARE[kind], *_TREES, *(n for n, of in _SHORT if of == kind), "auto"}
    )
    raise _wrong(f"algorithm must be one of {', '.join(known)}, not '{name}'")


async def train(session: Session, asked: Wanted) -> str:
    """Train on some rows, score on the others, deploy if that beats what is deployed.

    Raises:
        MySQLError: 3877, an experiment of another prediction_type; ML_TRAIN's; 1146.
    """
    await session.backend.prepared_columns(_MAY_TRAIN)
    user = await session.user()
    catalog = Catalog(session.backend, user, session.generation)
    before = await models_of(catalog, asked.experiment)
    for entry in before:
        if entry.metadata[KEY]["prediction_type"] != asked.prediction_type:
            raise _wrong(
                f"experiment '{asked.experiment}' is of"
                f" {entry.metadata[KEY]['prediction_type']}"
            )
    schema, table = await table_name(session, asked.dataset, "dataset")
    rows = await _rows(session, schema, table)
    place = find_column(rows.column_names, asked.target)
    if place is None:
        text = f"Unknown column '{asked.target}' in 'target'"
        raise MySQLError(1054, "42S22", text)
    target = rows.column_names[place]
    learned, held = await session.off_loop(lambda _: divided(rows, target, asked))

    async def read() -> pa.Table:
        return learned

    handle = session.generation.handle(f"{KEY}.{asked.experiment}", user, time.time())
    said: dict[str, Any] = {
        "experiment": asked.experiment,
        "prediction_type": asked.prediction_type,
        "algorithm": asked.algorithm,
        "score": None,
        "deployed": False,
    }
    options, name = parse_options(asked.options), f"{schema}.{table}"
    await learn(session, catalog, handle, read, target, options, name, {KEY: said})
    loaded = await open_model(session, handle)
    metric = METRICS[asked.prediction_type]
    score = await session.in_worker(
        score_job, loaded.data, held, target, metric, {}, session.threads
    )
    score = _of_rows(score, held.num_rows, metric)
    best = max((one.metadata[KEY]["score"] for one in _deployed(before)), default=None)
    deployed = best is None or bool(np.float32(score) > np.float32(best))
    await _note(session, catalog, asked.experiment, handle, score, deployed)
    told = {
        "experiment_name": asked.experiment,
        "prediction_type": asked.prediction_type,
        "algorithm": asked.algorithm,
        "deployed": deployed,
        "score": score,
    }
    return json.dumps(told, ensure_ascii=False)


def _of_rows(score: float, count: int, metric: str) -> float:
    """A score, which comes as a FLOAT, with the digits that are known of it."""
    if metric == METRICS["classification"]:
        return round(score * count) / count
    return float(str(np.float32(score)))


async def _rows(session: Session, schema: str, table: str) -> pa.Table:
    """All rows of a table or view, what ``*`` hides left out."""
    if await session.find_shell(schema, table) is not None:
        return await session.read_table(schema, table)
    name = f"{quote_name(schema)}.{quote_name(table)}"
    return await session.backend.read_table(f"SELECT * FROM {name}".encode())


def divided(rows: pa.Table, target: str, asked: Wanted) -> tuple[pa.Table, pa.Table]:
    """The rows to learn from, and those to score by.

    Raises:
        MySQLError: 3877, there are too few.
    """
    labels = None
    if asked.strategy == "stratify":
        labels = plain(rows.column(target)).to_pylist()
    shuffles = asked.strategy != "sequential"
    try:
        learned, held = train_test_split(
            np.arange(rows.num_rows),
            test_size=asked.test_size,
            random_state=SEED if shuffles else None,
            shuffle=shuffles,
            stratify=labels,
        )
    except ValueError as problem:
        raise _wrong(f"the rows cannot be split: {problem}") from None
    return rows.take(pa.array(learned)), rows.take(pa.array(held))


async def _note(
    session: Session,
    catalog: Catalog,
    experiment: str,
    handle: str,
    score: float,
    deployed: bool,
) -> None:
    """Keep the score; at one go, have this model answer instead of another."""
    is_new = f"model_handle = {quote_text(handle)}"
    known = f"CAST(JSON_EXTRACT(model_metadata, '$.{KEY}.score') AS CHAR)"
    scored = f"CAST(IF({is_new}, '{score!r}', {known}) AS JSON)"
    kept = f"JSON_SET(model_metadata, '$.{KEY}.score', {scored}"
    where = is_new
    if deployed:
        kept += f", '$.{KEY}.deployed', CAST(IF({is_new}, 'true', 'false') AS JSON)"
        where = _of(experiment)
    await session.backend.query(
        f"UPDATE {catalog.models} SET model_metadata = {kept}) WHERE {where}"
    )


def _of(experiment: str) -> str:
    name = f"JSON_UNQUOTE(JSON_EXTRACT(model_metadata, '$.{KEY}.experiment'))"
    return f"{name} COLLATE utf8mb4_bin = {quote_text(experiment)}"


async def models_of(catalog: Catalog, experiment: str) -> list[Entry]:
    """The models of an experiment, the oldest first."""
    return [
        entry
        for entry in await catalog.all()
        if _facts(entry).get("experiment") == experiment
        and _facts(entry).get("score") is not None
    ]


def _facts(entry: Entry) -> Mapping[str, Any]:
    facts = entry.metadata.get(KEY)
    return facts if isinstance(facts, dict) else {}


def _deployed(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if _facts(entry).get("deployed")]


async def deployed(session: Session, experiment: str | None) -> str:
    """The handle of the model that answers for an experiment.

    Raises:
        MySQLError: 3877, there is none.
    """
    catalog = Catalog(session.backend, await session.user())
    found = _deployed(await models_of(catalog, experiment or ""))
    if not found:
        if not experiment:
            raise secondary_engine("experiment_name must be given")
        raise secondary_engine(f"Experiment '{experiment}' has no model deployed")
    return found[-1].handle


async def number_type(session: Session, handle: str) -> str | None:
    """DOUBLE or SIGNED where a model's predictions are numbers, as SQL casts to it."""
    model = (await open_model(session, handle)).model
    if not isinstance(model, Model) or model.labels is None:
        return "DOUBLE"
    kind = model.labels.values.type
    if pa.types.is_floating(kind):
        return "DOUBLE"
    is_whole = pa.types.is_integer(kind) and kind != pa.uint64()
    return "SIGNED" if is_whole else None


async def predict_batch(
    session: Session, experiment: str | None, features: str | None
) -> str | None:
    """The predictions for a JSON array of objects, as a JSON array.

    Raises:
        MySQLError: 3877, it is no array; no such experiment; ML_PREDICT_ROW's.
    """
    if features is None:
        return None
    listed = await session.off_loop(lambda _: parse(features))
    if not isinstance(listed, list):
        raise secondary_engine("sqml_predict_batch: features must be a JSON array")
    handle = await deployed(session, experiment)
    rows = [(json_text(row), handle, None) for row in listed]
    answers = await ML_PREDICT_ROW.run(session, rows)
    predictions = [parse(text or "{}").get("Prediction") for text in answers]
    if await number_type(session, handle) == "DOUBLE":
        predictions = [
            one if one is None else NumberText(double_text(float(one)))
            for one in predictions
        ]
    return json_text(predictions)


def _wrong(text: str) -> MySQLError:
    return secondary_engine(f"sqml_train: {text}.")
