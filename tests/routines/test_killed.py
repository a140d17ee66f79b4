"""A KILL when a trained model is being saved: the catalog says so, as HeatWave's."""

import json
from contextlib import closing

import pytest

from tests.asking import rows, run, value
from tests.background import running, until
from tests.conftest import Server
from tests.routines.conftest import BY_BAYES, Connection

pytestmark = pytest.mark.mysql

CATALOG = "ML_SCHEMA_admin.MODEL_CATALOG"


def test_a_training_killed_while_its_model_is_saved_leaves_a_row_that_says_so(
    client: Connection, server: Server
) -> None:
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'saved'")
    run(client, "SET @k = 'saved'")
    call = f"CALL sys.ML_TRAIN('routines.customers', 'y', {BY_BAYES}, @k)"
    own = client.thread_id()
    saving = (
        f"SELECT 1 FROM performance_schema.processlist WHERE ID = {own}"
        " AND INFO LIKE '%INSERT INTO %MODEL_CATALOG%'"
    )
    with closing(server.connect()) as rival, closing(server.connect()) as other:
        # whoever saves under this handle waits to hear whether the rival's row stays
        run(rival, "BEGIN", f"INSERT INTO {CATALOG} (model_handle) VALUES ('saved')")
        with running(client, call) as training:
            until(lambda: rows(other, saving))
            run(other, f"KILL QUERY {own}")
            run(rival, "ROLLBACK")
            problem = training.exception()
    assert problem is not None
    assert problem.args == (1317, "Query execution was interrupted")
    found = value(
        client, f"SELECT model_metadata FROM {CATALOG} WHERE model_handle = 'saved'"
    )
    assert json.loads(found)["status"] == "Error"
    left = "SELECT COUNT(*) FROM ML_SCHEMA_admin.model_object_catalog"
    assert value(client, f"{left} WHERE model_handle = 'saved'") == 0
    run(client, f"DELETE FROM {CATALOG} WHERE model_handle = 'saved'", call)
    assert value(client, "SELECT @k") == "saved"
