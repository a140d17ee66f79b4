"""Oracle's own Python client of AutoML: fit, predict, score and explain through it.

Source: the package ``mysql.ai.ml`` of mysql-connector-python.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import mysql.connector
import numpy as np
import pandas as pd
import pytest

from tests.asking import rows, run
from tests.automl.conftest import customers, houses
from tests.conftest import Server

pytestmark = [
    pytest.mark.mysql,
    # the client's own: a regular expression written without r"", and the like
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

CATALOG = "SELECT model_handle, task FROM ML_SCHEMA_admin.MODEL_CATALOG"
BAYES = {"model_list": ["GaussianNB"]}
LINE = {"model_list": ["LinearRegression"]}


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[Any]:
    """As the client's own documentation connects, in a schema of its own."""
    connection = mysql.connector.connect(
        host=server.host,
        port=server.port,
        **server.login,
        autocommit=True,
        use_pure=True,
    )
    with closing(server.connect()) as other:
        run(other, "CREATE DATABASE IF NOT EXISTS oracle_client")
    connection.database = "oracle_client"
    yield connection
    connection.close()
    with closing(server.connect()) as other:
        run(other, "DROP DATABASE oracle_client")


@pytest.fixture(scope="module")
def ml() -> Any:
    return pytest.importorskip("mysql.ai.ml", reason="an older mysql-connector-python")


def frames(table: Any, target: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    # the client has no way to send NaN of words
    whole = table.to_pandas().dropna().reset_index(drop=True)
    whole = whole.astype({n: "object" for n in whole if whole[n].dtype == "str"})
    return whole.drop(columns=target), whole[[target]]


def test_its_classifier_learns_and_answers(ml: Any, connection: Any) -> None:
    features, labels = frames(customers(150), "y")
    classifier = ml.MyClassifier(
        connection, model_name="of_client", fit_extra_options=BAYES
    )
    classifier.fit(features, labels)
    found = classifier.predict(features)
    assert set(found) == {"no", "yes"}
    right = float(np.mean(found == labels["y"].to_numpy()))
    assert right > 0.8
    shares = classifier.predict_proba(features)
    assert shares.shape == (len(features), 2)
    assert np.allclose(shares.sum(axis=1), 1.0, atol=0.011)
    model = ml.MyModel(connection, "classification", model_name="of_client")
    assert model.score(features, labels, "accuracy") == pytest.approx(right)
    explained = model.explain_predictions(features.head(3))
    assert {"Prediction", "Notes", "age_attribution"} <= set(explained.columns)
    assert len(explained) == 3
    info = model.get_model_info()
    assert (info["task"], info["model_type"]) == ("classification", "GaussianNB")
    assert model.explain_model().keys() == {"permutation_importance"}


def test_its_regressor_learns_and_answers(ml: Any, connection: Any) -> None:
    features, prices = frames(houses(100), "price")
    regressor = ml.MyRegressor(connection, fit_extra_options=LINE)
    regressor.fit(features, prices)
    found = regressor.predict(features)
    assert np.corrcoef(found.astype(float), prices["price"])[0, 1] > 0.9
    regressor.fit(features, prices)  # its own handle again, which it deletes before


def test_its_models_are_deleted_and_their_tables_are_gone(
    ml: Any, connection: Any, server: Server
) -> None:
    features, labels = frames(customers(150), "y")
    model = ml.MyModel(connection, "classification", model_name="to_be_deleted")
    model.fit(features, labels, BAYES)
    with closing(server.connect()) as other:
        assert ("to_be_deleted", "classification") in rows(other, CATALOG)
        model._delete_model()
        assert ("to_be_deleted", "classification") not in rows(other, CATALOG)
        assert rows(other, "SHOW TABLES FROM oracle_client") == []


def test_its_anomaly_detector_learns_and_answers(ml: Any, connection: Any) -> None:
    random = np.random.default_rng(4)
    points = random.normal(size=(300, 2))
    points[:3] += 12.0
    table = pd.DataFrame(points, columns=["a", "b"])
    detector = ml.MyAnomalyDetector(
        connection, fit_extra_options={"contamination": 0.01}
    )
    detector.fit(table)
    found = detector.predict(table)
    assert set(found) == {-1, 1}
    assert set(np.flatnonzero(found == -1)) <= {0, 1, 2}
