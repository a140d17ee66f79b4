"""``heatproxy bench predict`` measures everything it promises, and cleans up."""

from contextlib import closing

import pytest

from heatproxy.bench import bank, predict
from heatproxy.bench.figures import Figure
from tests.asking import rows
from tests.conftest import Server

pytestmark = pytest.mark.mysql

TINY = predict.Counts(rows=700, turns=1, single_rows=3)


@pytest.fixture(scope="module")
def measured(server: Server) -> list[Figure]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank, "DISTINCT_ROWS", 400)  # the others are copies
        with bank.made(server.data_dir, server.port, TINY.rows) as made:
            return list(predict.measure(made, TINY))


def test_every_promise_of_predictions_has_its_figure(measured: list[Figure]) -> None:
    targets = {figure.what: figure.target for figure in measured if figure.target}
    assert list(targets) == [
        "ML_PREDICT_ROW, p50",
        "ML_EXPLAIN_ROW, p50",
        "ML_PREDICT_ROW inside the backend, p50",
        "ML_PREDICT_TABLE, 700 rows",
        "ML_PREDICT_ROW over 700 rows / (model + SELECT)",
    ]
    assert targets["ML_PREDICT_ROW, p50"] == "<= 10 ms"
    assert targets["ML_EXPLAIN_ROW, p50"] == "<= 100 ms"
    assert targets["ML_PREDICT_ROW inside the backend, p50"] == "<= 20 ms"
    assert {figure.what for figure in measured} - set(targets) == {
        "the model alone",
        "INSERT ... SELECT of the rows",
        "SELECT of the argument columns",
    }


def test_nothing_is_left_behind(measured: list[Figure], server: Server) -> None:
    with closing(server.connect_backend()) as admin:
        assert rows(admin, f"SHOW DATABASES LIKE '{bank.SCHEMA}'") == []
