"""Which statements of other dialects a relay hands on, and which it does not."""

import pytest

from heatproxy.sql.glance import LOOK, glance
from heatproxy.sql.prefilter import Prefilter
from heatproxy.wire.packets import frame

OURS = [
    "CREATE MODEL m FROM t TARGET y FUNCTION f",
    "create /* a */ model m from t",
    "SHOW MODEL m",
    "DROP MODEL IF EXISTS m",
    "SELECT model_name FROM stv_ml_model_info",
    "SELECT sqml_train('a', 'b', 'c', 'd', 'e')",
    "SELECT id, Predict_Churn(a, b) FROM t",
    "UPDATE t SET a = predict_churn(b)",
    "INSERT INTO t SELECT predict_churn(b) FROM u",
    "DROP FUNCTION predict_churn",
]
MYSQLS = [
    "CREATE TABLE model (a INT)",
    "CREATE TABLE t (model INT)",
    "DROP TABLE model",
    "SHOW MODELS",
    "SELECT model FROM cars",
    "SELECT predict_churner(a) FROM t",
    "UPDATE t SET model = 1",
]


def _looks(prefilter: Prefilter, text: str) -> bool:
    """What a relay does: a glance, and a closer look where that is not sure."""
    packet = frame(b"\x03" + text.encode(), 0)
    if glance is not None and prefilter.glance(packet, 5) != LOOK:
        return False
    return prefilter.wants(text.encode())


@pytest.mark.parametrize("text", OURS)
def test_statements_of_a_dialect_are_handed_on(text: str) -> None:
    assert _looks(Prefilter(functions=["predict_churn"]), text)


@pytest.mark.parametrize("text", MYSQLS)
def test_statements_that_only_look_like_them_are_not(text: str) -> None:
    assert not _looks(Prefilter(functions=["predict_churn"]), text)
