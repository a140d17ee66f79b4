"""One battery over all routines: their stubs, their arguments, their refusals."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import mysql.connector
import pytest
from pymysql.constants import CLIENT

from heatproxy.automl.explain import EXPLAIN_OPTIONS, PREDICTION_EXPLAIN_OPTIONS
from heatproxy.automl.training import TRAIN_OPTIONS
from heatproxy.lakehouse.request import OPTIONS as LOAD_OPTIONS
from heatproxy.options import Constraint, Flag, ListOf, Nested, Number, OneOf, Text
from heatproxy.routines import ROUTINES
from heatproxy.routines.advisor import OPTIONS as ADVISOR_OPTIONS
from heatproxy.routines.later import LATER
from heatproxy.routines.predict import OPTIONS as PREDICT_OPTIONS
from heatproxy.routines.routine import Procedure, Routine, RowFunction
from tests.asking import refusal, result_sets, rows, run, value
from tests.conftest import Server
from tests.routines.conftest import BY_BAYES, ROW, Connection

pytestmark = pytest.mark.mysql

PROCEDURES = [r for r in ROUTINES.values() if isinstance(r, Procedure)]
FUNCTIONS = [r for r in ROUTINES.values() if isinstance(r, RowFunction)]
LATER_NAMES = {routine.name for routine in LATER}
SERVED = [routine for routine in PROCEDURES if routine.name not in LATER_NAMES]


def named(routines: list[Any]) -> Any:
    return pytest.mark.parametrize("routine", routines, ids=lambda r: r.name)


# --- the stubs ------------------------------------------------------------------------


@named(list(ROUTINES.values()))
def test_information_schema_lists_a_routine_as_it_is_declared(
    client: Connection, routine: Routine
) -> None:
    kind = "PROCEDURE" if isinstance(routine, Procedure) else "FUNCTION"
    found = rows(
        client,
        "SELECT PARAMETER_MODE, PARAMETER_NAME, UPPER(DTD_IDENTIFIER)"
        " FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = 'sys'"
        f" AND SPECIFIC_NAME = '{routine.name}' AND ROUTINE_TYPE = '{kind}'"
        " AND ORDINAL_POSITION > 0 ORDER BY ORDINAL_POSITION",
    )
    declared = [(p.direction, p.name, p.type.upper()) for p in routine.parameters]
    assert found == declared
    listed = value(
        client,
        "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'sys'"
        f" AND ROUTINE_NAME = '{routine.name}' AND ROUTINE_TYPE = '{kind}'",
    )
    assert listed == 1


@named(list(ROUTINES.values()))
def test_execute_on_one_routine_can_be_granted(
    client: Connection, server: Server, routine: Routine
) -> None:
    kind = "PROCEDURE" if isinstance(routine, Procedure) else "FUNCTION"
    run(client, "CREATE USER granted IDENTIFIED BY 'pw'")
    try:
        run(client, f"GRANT EXECUTE ON {kind} sys.{routine.name} TO granted")
        arguments = ", ".join("@x" if p.is_out else "NULL" for p in routine.parameters)
        verb = "CALL" if isinstance(routine, Procedure) else "SELECT"
        call = f"{verb} sys.{routine.name}({arguments})"
        with closing(server.connect(user="granted", password="pw")) as user:
            assert _number(user, call) != 1370
            run(client, f"REVOKE EXECUTE ON {kind} sys.{routine.name} FROM granted")
            assert _number(user, call) == 1370
    finally:
        run(client, "DROP USER granted")


def _number(connection: Connection, sql: str) -> int:
    """The number of a statement's error, 0 for none."""
    try:
        run(connection, sql)
    except Exception as problem:
        return int(problem.args[0])
    return 0


# --- how many arguments ---------------------------------------------------------------


def _call(routine: Routine, count: int) -> str:
    texts = ["@x" if p.is_out else "NULL" for p in routine.parameters]
    texts = [*texts, "NULL", "NULL"][:count]
    verb = "CALL" if isinstance(routine, Procedure) else "SELECT"
    return f"{verb} sys.{routine.name}({', '.join(texts)})"


def _arities(wrong: bool) -> Iterator[Any]:
    for routine in ROUTINES.values():
        most = len(routine.parameters)
        for count in range(most + 2):
            if (count not in routine.arities) == wrong:
                yield pytest.param(routine, count, id=f"{routine.name}-{count}")


@pytest.mark.parametrize(("routine", "count"), [*_arities(wrong=True)])
def test_a_wrong_number_of_arguments_gets_mysqls_error(
    client: Connection, routine: Routine, count: int
) -> None:
    kind = "PROCEDURE" if isinstance(routine, Procedure) else "FUNCTION"
    assert refusal(client, _call(routine, count)) == (
        1318,
        f"Incorrect number of arguments for {kind} sys.{routine.name};"
        f" expected {len(routine.parameters)}, got {count}",
    )


@pytest.mark.parametrize(("routine", "count"), [*_arities(wrong=False)])
def test_the_arities_of_older_scripts_are_taken(
    client: Connection, routine: Routine, count: int
) -> None:
    assert _number(client, _call(routine, count)) in (0, 1235, 1305, 3877)


@pytest.mark.parametrize(
    "argument", ["NULL", "'text'", "@x + 1", "(@x)", "@@sql_mode", "@x := 1", "`y`"]
)
@named([r for r in PROCEDURES if any(p.is_out for p in r.parameters)])
def test_an_out_argument_must_be_a_variable(
    client: Connection, routine: Procedure, argument: str
) -> None:
    texts = [argument if p.is_out else "NULL" for p in routine.parameters]
    place = next(i for i, p in enumerate(routine.parameters, 1) if p.is_out)
    number, text = refusal(client, f"CALL sys.{routine.name}({', '.join(texts)})")
    assert number in (1054, 1414)  # a column's name is none here
    if number == 1414:
        assert text.startswith(f"OUT or INOUT argument {place} for routine sys.")


@named(list(LATER))
def test_a_routine_that_is_not_there_yet_is_refused_by_name(
    client: Connection, routine: Procedure
) -> None:
    call = _call(routine, len(routine.parameters))
    if routine.name == "NL_SQL":  # a client looks for these words
        text = "PROCEDURE sys.NL_SQL does not exist: heatproxy doesn't support GenAI"
        assert refusal(client, call) == (1305, text)
        return
    assert refusal(client, call) == (
        1235,
        f"heatproxy doesn't yet support 'sys.{routine.name}'",
    )


LLMS = ["mistral-7b-instruct-v1", "llama3.2-3b-instruct-v1", "all_minilm_l12_v2"]


@pytest.mark.parametrize("llm", LLMS)
def test_a_large_language_model_is_refused_by_its_name(
    client: Connection, llm: str
) -> None:
    assert refusal(client, f"CALL sys.ML_MODEL_LOAD('{llm}', NULL)") == (
        1235,
        "heatproxy doesn't yet support"
        f" 'sys.ML_MODEL_LOAD of the large language model {llm}'",
    )


# --- handles --------------------------------------------------------------------------


def _with_handle(routine: Routine, handle: str) -> str:
    given = {
        "model_handle": handle,
        "table_name": "'routines.customers'",
        "target_column_name": "'y'",
        "metric": "'accuracy'",
        "score": "@x",
        "output_table_name": "'routines.never_made'",
        "input_data": ROW,
    }
    texts = [given.get(p.name, "NULL") for p in routine.parameters]
    verb = "CALL" if isinstance(routine, Procedure) else "SELECT"
    return f"{verb} sys.{routine.name}({', '.join(texts)})"


NEED_A_MODEL = [
    routine
    for routine in (*SERVED, *FUNCTIONS)
    if ("IN", "model_handle") in [(p.direction, p.name) for p in routine.parameters]
    and routine.name != "ML_MODEL_UNLOAD"  # does not look, since 9.0.0
]


@named(NEED_A_MODEL)
def test_a_null_handle_is_refused(client: Connection, routine: Routine) -> None:
    for handle in ("NULL", "@never_set"):
        assert refusal(client, _with_handle(routine, handle)) == (
            3877,
            "ML006020: model_handle cannot be Null.",
        )


@named(NEED_A_MODEL)
def test_an_unknown_handle_is_named(client: Connection, routine: Routine) -> None:
    assert refusal(client, _with_handle(routine, "'it''s none'")) == (
        3877,
        "ML006018: model_handle it's none does not exist in the Model_Catalog.",
    )
    assert rows(client, "SHOW TABLES LIKE 'never_made'") == []


# --- options --------------------------------------------------------------------------


def _wrong_value(constraint: Constraint) -> str:
    """A JSON text that the constraint refuses."""
    match constraint:
        case Text():
            return '{"of": "another kind"}'
        case OneOf():
            return '"none of them"'
        case Flag():
            return '"perhaps"'
        case Number():
            return '"many"'
        case ListOf():
            return '"no list"'
        case Nested():
            return "5"
    return '{"of": "another kind"}'


OPTIONS_OF = {
    "ML_TRAIN": (
        TRAIN_OPTIONS,
        "CALL sys.ML_TRAIN('routines.customers', 'y', {}, @never)",
    ),
    "ML_PREDICT_TABLE": (
        PREDICT_OPTIONS,
        "CALL sys.ML_PREDICT_TABLE('routines.customers', 'bayes', 'routines.no', {})",
    ),
    "ML_PREDICT_ROW": (
        PREDICT_OPTIONS,
        f"SELECT sys.ML_PREDICT_ROW({ROW}, 'bayes', {{}})",
    ),
    "ML_EXPLAIN": (
        EXPLAIN_OPTIONS,
        "CALL sys.ML_EXPLAIN('routines.customers', 'y', 'bayes', {})",
    ),
    "ML_EXPLAIN_TABLE": (
        PREDICTION_EXPLAIN_OPTIONS,
        "CALL sys.ML_EXPLAIN_TABLE('routines.customers', 'bayes', 'routines.no', {})",
    ),
    "ML_EXPLAIN_ROW": (
        PREDICTION_EXPLAIN_OPTIONS,
        f"SELECT sys.ML_EXPLAIN_ROW({ROW}, 'bayes', {{}})",
    ),
    "heatwave_load": (LOAD_OPTIONS, "CALL sys.heatwave_load('[\"routines\"]', {})"),
    "heatwave_advisor": (ADVISOR_OPTIONS, "CALL sys.heatwave_advisor({})"),
}


def _wrong_options() -> Iterator[Any]:
    for name, (options, call) in OPTIONS_OF.items():
        for key, constraint in options.declared.items():
            given = "'{" + f'"{key}": {_wrong_value(constraint)}' + "}'"
            yield pytest.param(call.format(given), key, id=f"{name}-{key}")


@pytest.mark.parametrize(("call", "key"), [*_wrong_options()])
def test_a_wrong_value_of_an_option_gets_an_error_that_names_it(
    client: Connection, call: str, key: str
) -> None:
    number, text = refusal(client, call)
    assert number in (3877, 1235)
    assert key in text or (key == "task" and "ML001016" in text)


@pytest.mark.parametrize("name", [*OPTIONS_OF, "ML_SCORE"])
@pytest.mark.parametrize(
    ("given", "number", "words"),
    [
        ("'{\"no_such_key\": 1}'", 3877, "no_such_key"),
        ("JSON_ARRAY(1)", 3877, "must be a JSON object"),
        ("'text'", 3141, "Invalid JSON text"),
        ("5", 3877, "must be a JSON object"),
    ],
    ids=["unknown key", "an array", "no JSON", "a number"],
)
def test_options_are_a_json_object_with_known_keys(
    client: Connection, name: str, given: str, number: int, words: str
) -> None:
    calls = {n: call for n, (_, call) in OPTIONS_OF.items()} | {
        "ML_SCORE": "CALL sys.ML_SCORE('routines.customers', 'y', 'bayes', 'accuracy',"
        " @never, {})"
    }
    found, text = refusal(client, calls[name].format(given))
    assert (found, words in text) == (number, True), text


# --- the forms of public scripts ------------------------------------------------------

FORMS = {
    "as the manual writes it": "CALL sys.ML_MODEL_LOAD('bayes', NULL)",
    "lower case and blanks": "call sys.ml_model_load ('bayes' , NULL) ; ;",
    "double quotes": 'CALL sys.ML_MODEL_LOAD("bayes", null)',
    "back-ticks": "CALL `sys`.`ML_MODEL_LOAD`('bayes', NULL)",
    "one quoted name": "CALL `sys.ML_MODEL_LOAD`('bayes', NULL)",
    "a schema in upper case": "CALL SYS.ML_MODEL_LOAD('bayes', NULL)",
    "one argument": "CALL sys.ML_MODEL_LOAD('bayes')",
    "comments before": "-- load it\n# 9.5.0\n/* now */\n"
    "CALL sys.ML_MODEL_LOAD('bayes', NULL)",
    "comments inside": "CALL /* a */ sys /* b */ . -- c\n"
    " ML_MODEL_LOAD('bayes' # d\n,\nNULL)",
    "an expression": "CALL sys.ML_MODEL_LOAD(CONCAT('ba', LOWER('YES')), NULL)",
    "a subquery": "CALL sys.ML_MODEL_LOAD((SELECT model_handle FROM"
    " ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = 'bayes' LIMIT 1), NULL)",
    "several lines": "CALL sys.ML_MODEL_LOAD(\n    'bayes',\n    NULL\n)\n",
    "the owner's name": "CALL sys.ML_MODEL_LOAD('bayes', 'admin')",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_call_is_understood_in_every_form(client: Connection, form: str) -> None:
    run(client, "CALL sys.ML_MODEL_UNLOAD('bayes')")
    assert result_sets(client, form) == []
    run(client, "CALL sys.ML_MODEL_ACTIVE('current', @active)")
    assert value(client, "SELECT JSON_CONTAINS_PATH(@active, 'one', '$[1].bayes')")


@pytest.mark.parametrize(
    "variable",
    [
        "@bayes",
        "@BAYES",
        "@mysql_ai.ABCD",
        "@`odd name`",
        "@'quoted'",
        '@"double"',
        "@$x_1",
    ],
)
def test_handles_and_scores_live_in_variables_of_any_name(
    client: Connection, variable: str
) -> None:
    run(client, f"SET {variable} = 'bayes'")
    score = (
        "@mysql_ai.ABCD.score" if "." in variable else f"{variable[:-1]}2{variable[-1]}"
    )
    run(
        client,
        f"CALL sys.ML_MODEL_LOAD({variable}, NULL)",
        "CALL sys.ML_SCORE('routines.customers', 'Y',"
        f" {variable}, 'accuracy', {score})",
    )
    assert 0.6 < value(client, f"SELECT {score}") <= 1
    assert value(client, f"SELECT {variable}") == "bayes"


OPTION_FORMS = {
    "NULL": "NULL",
    "an empty object": "JSON_OBJECT()",
    "JSON_OBJECT": "JSON_OBJECT('additional_details', true)",
    "double quotes": 'JSON_OBJECT("additional_details", "true")',
    "a CAST": "CAST('{\"additional_details\": false}' AS JSON)",
    "bare text": "'{\"additional_details\": true}'",
    "a JSON null": "'null'",
    "a text variable": "@text",
    "a JSON variable": "@json",
    "a deprecated key": "JSON_OBJECT('batch_size', 10)",
    "a key of another task without a value": "JSON_OBJECT('topk', NULL)",
}


@pytest.mark.parametrize("options", OPTION_FORMS.values(), ids=OPTION_FORMS)
def test_options_come_in_many_forms(client: Connection, options: str) -> None:
    run(client, "SET @text = '{\"additional_details\": true}', @json = JSON_OBJECT()")
    run(client, "DROP TABLE IF EXISTS out_forms")
    run(
        client,
        "CALL sys.ML_PREDICT_TABLE('routines.houses', 'line',"
        f" 'routines.out_forms', {options})",
    )
    assert value(client, "SELECT COUNT(*) FROM out_forms") == 200


def test_a_routine_is_found_without_its_schema_after_use_sys(
    client: Connection,
) -> None:
    number, text = refusal(client, "CALL ML_MODEL_LOAD('bayes', NULL)")
    assert (number, text) == (
        1305,
        "PROCEDURE routines.ML_MODEL_LOAD does not exist",
    )
    run(client, "USE sys", "CALL ML_MODEL_LOAD('bayes', NULL)")
    found = value(client, f"SELECT ML_PREDICT_ROW({ROW}, 'bayes', NULL)")
    assert '"Prediction": ' in found


def test_backslashes_follow_the_sql_mode(client: Connection) -> None:
    run(client, "SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')")
    number, text = refusal(client, "CALL sys.ML_MODEL_LOAD('a\\', NULL)")
    assert (number, "model_handle a\\ does not" in text) == (3877, True)


def test_double_quotes_are_names_under_ansi_quotes(client: Connection) -> None:
    run(client, "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')")
    assert refusal(client, 'CALL sys.ML_MODEL_LOAD("bayes", NULL)')[0] == 1054


def test_routines_are_called_in_packets_of_several_statements(
    client: Connection, server: Server
) -> None:
    with closing(server.connect(client_flag=CLIENT.MULTI_STATEMENTS)) as many:
        found = result_sets(
            many,
            "SET @s = NULL; CALL sys.ML_MODEL_LOAD('bayes', NULL); CALL sys.ML_SCORE("
            "'routines.customers', 'y', 'bayes', 'accuracy', @s, NULL);"
            " SELECT @s > 0.5",
        )
        assert [one.rows for one in found] == [[(1,)]]


def test_pymysqls_callproc_calls_a_routine(client: Connection) -> None:
    with client.cursor() as cursor:
        cursor.callproc("sys.ML_MODEL_LOAD", ("bayes", None))
        cursor.callproc(
            "sys.ML_SCORE",
            ("routines.customers", "y", "bayes", "accuracy", None, None),
        )
        cursor.execute("SELECT @`_sys.ML_SCORE_4`")
        ((score,),) = cursor.fetchall()
    assert 0.6 < score <= 1


def test_connector_pythons_callproc_calls_a_routine(
    server: Server, schema: str
) -> None:
    with (
        closing(
            mysql.connector.connect(
                host=server.host, port=server.port, use_pure=True, **server.login
            )
        ) as client,
        closing(client.cursor()) as cursor,
    ):
        given = (f"{schema}.customers", "y", "bayes", "accuracy", 0, None)
        answered = cursor.callproc("sys.ML_SCORE", given)
    assert 0.6 < float(answered[4]) <= 1


def test_a_call_prepared_by_sql_runs(client: Connection) -> None:
    run(client, "PREPARE later FROM 'CALL sys.ML_MODEL_LOAD(?, NULL)'")
    run(client, "SET @good = 'bayes', @wrong = 'nothing'", "EXECUTE later USING @good")
    number, text = refusal(client, "EXECUTE later USING @wrong")
    assert (number, "model_handle nothing does not exist" in text) == (3877, True)


def test_models_train_on_the_options_of_the_first_scripts(client: Connection) -> None:
    run(client, "SET @first = NULL")
    run(client, f"CALL sys.ML_TRAIN('customers', 'y', {BY_BAYES}, @first)")
    assert value(client, "SELECT @first").startswith("routines.customers_admin_")
