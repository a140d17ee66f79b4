"""CREATE MODEL, SHOW MODEL and DROP MODEL as they are read."""

import pytest

from heatproxy.errors import MySQLError
from heatproxy.sql.create_model import (
    CreateModel,
    is_of_models,
    parse_create_model,
    parse_model_name,
)
from heatproxy.sql.lexer import tokens

CHURN = """CREATE MODEL customer_churn
FROM (SELECT c.age as feat_1, c.zip AS feat_2, c.active AS label
FROM customer_info_table c)
TARGET label
FUNCTION predict_customer_churn
PROBLEM_TYPE BINARY_CLASSIFICATION
OBJECTIVE 'F1'"""
ABALONE = """CREATE MODEL model_abalone_xgboost_regression
FROM (SELECT shell_weight, rings FROM abalone_xgb_train)
TARGET Rings
FUNCTION func_model_abalone_xgboost_regression
IAM_ROLE 'arn:aws:iam::963462676454:role/Redshift-ML'
AUTO OFF
MODEL_TYPE xgboost
OBJECTIVE 'reg:squarederror'
PREPROCESSORS 'none'
HYPERPARAMETERS DEFAULT EXCEPT (NUM_ROUND '100', eta 0.3)"""
REMOTE = """CREATE MODEL remote_customer_ltv
FUNCTION customer_ltv(integer, varchar, decimal(10, 2), float4)
RETURNS float4
SAGEMAKER '...'
IAM_ROLE '...'"""


def parsed(text: str) -> CreateModel:
    return parse_create_model(text.encode(), tokens(text.encode()))


def test_a_query_a_target_and_a_function_are_found() -> None:
    assert parsed(CHURN) == CreateModel(
        name=(None, "customer_churn"),
        function=(None, "predict_customer_churn"),
        query=b"SELECT c.age as feat_1, c.zip AS feat_2, c.active AS label\n"
        b"FROM customer_info_table c",
        target="label",
        problem_type="BINARY_CLASSIFICATION",
        objective="F1",
    )


def test_every_word_of_a_training_in_detail_is_found() -> None:
    found = parsed(ABALONE)
    assert (found.auto, found.model_type) == (False, "XGBOOST")
    assert found.iam_role == "arn:aws:iam::963462676454:role/Redshift-ML"
    assert found.preprocessors == "none"
    assert found.hyperparameters == {"num_round": "100", "eta": "0.3"}


def test_types_of_a_function_are_mysqls() -> None:
    found = parsed(REMOTE)
    assert found.parameters == (
        *("INTEGER", "VARCHAR(4096)", "DECIMAL(10, 2)", "FLOAT4"),
    )
    assert (found.returns, found.endpoint) == ("FLOAT4", "...")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("SETTINGS (max_cells = 200000)", {"MAX_CELLS": "200000"}),
        ("SETTINGS ( MAX_RUNTIME 3000)", {"MAX_RUNTIME": "3000"}),
        (
            "SETTINGS (S3_BUCKET 'it''s', MAX_CELLS 5)",
            {"S3_BUCKET": "it's", "MAX_CELLS": "5"},
        ),
        ("SETTINGS (TAGS 'it\\'s')", {"TAGS": "it's"}),
    ],
)
def test_settings_may_have_a_sign_of_equality(
    written: str, meant: dict[str, str]
) -> None:
    found = parsed(f"CREATE MODEL d.m FROM `a b`.t TARGET y FUNCTION d.f {written}")
    assert found.settings == meant
    assert (found.name, found.table) == (("d", "m"), ("a b", "t"))
    assert found.function == ("d", "f")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("CREATE MODEL", ""),
        ("CREATE MODEL m FROM t TARGET y", ""),
        ("CREATE MODEL m FROM t TARGTE y FUNCTION f", "TARGTE y FUNCTION f"),
        ("CREATE MODEL m FROM t TARGET y TARGET z FUNCTION f", "TARGET z FUNCTION f"),
        ("CREATE MODEL m FROM t TARGET y FUNCTION f AUTO MAYBE", "MAYBE"),
        ("CREATE MODEL m FROM () TARGET y FUNCTION f", ") TARGET y FUNCTION f"),
        ("CREATE MODEL m FUNCTION f(int; drop) RETURNS int", ") RETURNS int"),
        ("CREATE MODEL m FROM (SELECT 1 FUNCTION f", "(SELECT 1 FUNCTION f"),
        ("CREATE MODEL m FROM t FUNCTION f SETTINGS (MAX_CELLS)", "(MAX_CELLS)"),
    ],
)
def test_what_goes_on_wrongly_is_named(text: str, near: str) -> None:
    with pytest.raises(MySQLError) as caught:
        parsed(text)
    assert caught.value.number == 1064
    assert caught.value.message.endswith(f"near '{near}'")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("SHOW MODEL customer_churn", ((None, "customer_churn"), False)),
        ("SHOW MODEL `all`", ((None, "all"), False)),
        ("SHOW MODEL ALL", (None, False)),
        ("DROP MODEL d.m", (("d", "m"), False)),
        ("DROP MODEL IF EXISTS m", ((None, "m"), True)),
    ],
)
def test_a_model_is_named_by_show_and_drop(
    text: str, meant: tuple[tuple[str | None, str] | None, bool]
) -> None:
    words = tokens(text.encode())
    assert is_of_models(words)
    assert parse_model_name(text.encode(), words) == meant


def test_nothing_may_follow_the_name_of_a_model() -> None:
    text = b"DROP MODEL m CASCADE"
    with pytest.raises(MySQLError) as caught:
        parse_model_name(text, tokens(text))
    assert caught.value.number == 1064


@pytest.mark.parametrize(
    "text", ["CREATE TABLE model (a INT)", "DROP TABLE model", "SELECT 1", "SHOW"]
)
def test_other_statements_are_of_no_model(text: str) -> None:
    assert not is_of_models(tokens(text.encode()))
