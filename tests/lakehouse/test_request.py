"""The JSON arguments of sys.heatwave_load, in their old and new form."""

import json

import pytest

from heatproxy.errors import MySQLError
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.request import (
    FileLocation,
    SchemaScope,
    TableScope,
    parse_engine_attribute,
    parse_request,
)

FILE = {"par": "https://h/x.csv"}
DIALECT = {"format": "csv", "field_delimiter": ";", "has_header": True, "skip_rows": 0}


def load(names: object, options: object = None, **more: str):
    given = None if options is None else json.dumps(options)
    return parse_request(json.dumps(names), given, **more)


def test_the_old_form_names_external_tables_in_the_options() -> None:
    table = {"table_name": "t", "dialect": DIALECT, "file": [FILE], "sampling": False}
    request = load(["db"], {"external_tables": [{"db_name": "db", "tables": [table]}]})
    assert request.schemas == (SchemaScope("db"),)
    (external,) = request.external
    assert (external.schema, external.table) == ("db", "t")
    assert external.sampling is False
    assert external.files == (FileLocation(par="https://h/x.csv"),)
    assert external.dialect.field_delimiter == ";"
    assert external.attribute == {"file": [FILE], "dialect": DIALECT}
    assert (request.mode, request.output) == ("normal", "normal")


def test_the_new_form_mixes_tables_of_both_kinds() -> None:
    attribute = {"dialect": {"format": "csv"}, "file": [FILE]}
    request = load(
        [
            "plain",
            {"db_name": "some", "exclude_tables": ["x"]},
            {
                "db_name": "db",
                "tables": [
                    "a",
                    {"table_name": "b", "exclude_columns": ["c"]},
                    {"table_name": "t", "engine_attribute": attribute},
                ],
            },
        ],
        {"mode": "DryRun", "set_load_parallelism": False},
    )
    assert request.schemas == (
        SchemaScope("plain"),
        SchemaScope("some", None, ("x",)),
        SchemaScope("db", (TableScope("a"), TableScope("b", (), ("c",)))),
    )
    assert [table.table for table in request.external] == ["t"]
    assert (request.mode, request.set_load_parallelism) == ("dryrun", False)


def test_a_schema_that_only_files_name_has_no_other_tables() -> None:
    table = {"table_name": "t", "file": [FILE]}
    request = load(["a"], {"external_tables": [{"db_name": "b", "tables": [table]}]})
    assert request.schemas[1] == SchemaScope("b", ())


def test_help_needs_no_schema() -> None:
    assert load([], {"output": "help"}).output == "help"


@pytest.mark.parametrize(
    ("profile", "delimiters"), [("8.4", ("|", "|\n")), ("9.2", ("auto", "auto"))]
)
def test_the_delimiter_defaults_are_those_of_the_profile(
    profile: str, delimiters: tuple[str, str]
) -> None:
    dialect = parse_dialect({}, "t", profile)
    assert (dialect.field_delimiter, dialect.record_delimiter) == delimiters


def table(**more: object) -> list:
    attribute = {"file": [FILE], **more}
    return [
        {"db_name": "d", "tables": [{"table_name": "t", "engine_attribute": attribute}]}
    ]


@pytest.mark.parametrize(
    ("names", "options", "named"),
    [
        ([], None, "input_list"),
        (None, None, "input_list"),
        ({"db_name": "x"}, None, "input_list"),
        ([1], None, "input_list"),
        (["a", "a"], None, "'a' is there twice"),
        ([{"db_nam": "x"}], None, "unknown option 'db_nam'"),
        ([{"tables": []}], None, "db_name"),
        ([{"db_name": "d", "tables": [], "exclude_tables": ["x"]}], None, "exclude"),
        ([{"db_name": "d", "tables": [{}]}], None, "table_name"),
        (["a"], {"mode": "fast"}, "option 'mode' must be one of normal, dryrun"),
        (["a"], {"mood": "x"}, "unknown option 'mood'"),
        (["a"], [1], "options: it must be a JSON object"),
        (["a"], {"external_tables": 1}, "external_tables"),
        (table(file=[]), None, "'file'"),
        (table(file=[{}]), None, "one of par, uri, bucket is needed"),
        (table(file=[{**FILE, "uri": "x"}]), None, "par and uri exclude each other"),
        (table(file=[{**FILE, "name": "a", "prefix": "b"}]), None, "prefix and name"),
        (table(file=[{**FILE, "paar": "b"}]), None, "unknown option 'paar'"),
        (table(dialect={"field_delimeter": ","}), None, "'field_delimeter'"),
        (table(dialect={"skip_rows": 21}), None, "at most 20"),
        (table(dialect={"encoding": "klingon"}), None, "'encoding'"),
        (table(dialect={"quotation_marks": "ab"}), None, "'quotation_marks'"),
        (table(dialect={"format": "parquet", "has_header": True}), None, "has_header"),
        (table(dialect={"field_delimiter": "x" * 65}), None, "1 to 64 characters"),
        (table(dialect={"field_delimiter": '","'}), None, "must not start with"),
        (table(dialect={"field_delimiter": "\n", "record_delimiter": "\n"}), None,
         "must differ"),
        (table(), {"refresh_external_tables": True}, "engine_attribute must not"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_3877_and_names_what_is_wrong(
    names: object, options: object, named: str
) -> None:
    with pytest.raises(MySQLError) as error:
        load(names, options)
    assert error.value.number == 3877
    assert named in error.value.message


@pytest.mark.parametrize(
    ("attribute", "named"),
    [
        (table(dialect={"format": "pdf"}), "pdf"),
        (table(auto_refresh_event_source="ocid1"), "auto_refresh_event_source"),
    ],
)
def test_what_heatproxy_cannot_do_is_refused_by_name(
    attribute: list, named: str
) -> None:
    with pytest.raises(MySQLError, match=named) as error:
        load(attribute)
    assert error.value.number == 1235


def test_text_that_is_not_json_is_3140() -> None:
    with pytest.raises(MySQLError, match=r"at position 0 .* 'input_list'") as error:
        parse_request("nope", None)
    assert (error.value.number, error.value.sqlstate) == (3140, "22032")


def test_an_engine_attribute_reads_alone() -> None:
    dialect, files = parse_engine_attribute(
        '{"file": [{"par": "https://h/o/", "prefix": "p", "is_strict_mode": false}]}'
    )
    assert dialect.format == "csv"
    assert files == (
        FileLocation(par="https://h/o/", prefix="p", is_strict_mode=False),
    )
