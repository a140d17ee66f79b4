"""Which of its statements a packet's text is judged by."""

from contextlib import closing

import pytest

from heatproxy.dispatch import defines
from heatproxy.sql.lexer import statements, tokens
from tests.asking import refusal, result_sets, run, value
from tests.conftest import Server

PROGRAMS = {
    "CREATE PROCEDURE p() BEGIN CALL sys.ML_TRAIN(a, b, c, d); SELECT 1; END": True,
    "create definer = 'a'@'b' function f() returns int return 1": True,
    "CREATE OR REPLACE VIEW v AS SELECT sys.ML_PREDICT_ROW('{}', 'm', NULL)": True,
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO CALL sys.ML_TRAIN(a, b, c, d)": True,
    "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 1": True,
    "CREATE DATABASE d": True,
    "CREATE TABLE t AS SELECT 1": False,
    "CREATE TEMPORARY TABLE t AS SELECT 1": False,
    "CREATE": False,
    "CALL sys.ML_TRAIN(a, b, c, d)": False,
}


@pytest.mark.parametrize(("text", "only_defines"), PROGRAMS.items(), ids=PROGRAMS)
def test_what_only_defines_something_runs_nothing_now(
    text: str, only_defines: bool
) -> None:
    first, *_ = statements(tokens(text.encode()))
    assert defines(first) is only_defines


@pytest.mark.mysql
def test_a_program_with_calls_in_it_is_mysqls_to_keep(server: Server) -> None:
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS programs",
            "CREATE DATABASE programs",
            "CREATE PROCEDURE programs.train() BEGIN SET @m = NULL; CALL"
            " sys.ML_TRAIN('a.b', 'y', NULL, @m); SELECT"
            " sys.ML_PREDICT_ROW('{}', @m, NULL); END",
            "CREATE PROCEDURE programs.other() SELECT 'sys.ML_PREDICT_ROW(1)' AS one",
        )
        assert refusal(client, "CALL programs.train()")[0] in (1049, 1146)  # a.b
        (found,) = result_sets(client, "CALL programs.other()")
        assert found.rows == [("sys.ML_PREDICT_ROW(1)",)]
        run(client, "DROP DATABASE programs")


@pytest.mark.mysql
def test_an_error_leaves_the_session_as_it_was(server: Server) -> None:
    with closing(server.connect(autocommit=False)) as client:
        run(client, "SET @kept = 5", "CREATE TEMPORARY TABLE sys.mine (id int)")
        for sql in (
            "CALL sys.ML_MODEL_LOAD('nope', NULL)",
            "CALL sys.NL2ML('x', @out)",
            "SELECT sys.ML_PREDICT_ROW('[]', 'nope', NULL)",
            "CALL sys.heatwave_load('[]', NULL)",
        ):
            assert refusal(client, sql)[0] in (1235, 3877)
            assert value(client, "SELECT @kept") == 5
        assert result_sets(client, "SELECT * FROM sys.mine")[0].rows == []
        assert value(client, "SELECT @@autocommit") == 0
