"""Generated statements, letter for letter."""

from heatproxy.datatypes import Column, parse
from heatproxy.lakehouse import ddl

COLUMNS = (
    Column("age", parse("tinyint unsigned"), nullable=False),
    Column("a`b", parse("varchar(3)")),
)


def test_create_table_is_one_line_with_mysqls_json() -> None:
    attribute = {
        "dialect": {
            "record_delimiter": "\n",
            "has_header": True,
            "format": "csv",
            "quotation_marks": "'",
        },
        "file": [{"par": "https://h/ö"}],
    }
    assert ddl.create_table("db", "t", COLUMNS, attribute) == (
        "CREATE TABLE `db`.`t`( `age` tinyint unsigned NOT NULL, `a``b` varchar(3))"
        ' ENGINE=lakehouse SECONDARY_ENGINE=RAPID ENGINE_ATTRIBUTE=\'{"file": [{"par":'
        ' "https://h/ö"}], "dialect": {"format": "csv", "has_header": true,'
        ' "quotation_marks": "\\\'", "record_delimiter": "\\\\n"}}\';'
    )


def test_keys_are_ordered_by_length_then_bytes() -> None:
    keys = ("skip_rows", "format", "field_delimiter", "encoding", "has_header")
    text = ddl.json_text(dict.fromkeys(keys, 0))
    assert text == (
        '{"format": 0, "encoding": 0, "skip_rows": 0, "has_header": 0,'
        ' "field_delimiter": 0}'
    )


def test_a_column_that_is_not_loaded_says_so() -> None:
    assert ddl.shell_columns(COLUMNS, {0}) == (
        "`age` tinyint unsigned NOT NULL NOT SECONDARY, `a``b` varchar(3)"
    )


def test_the_other_statements() -> None:
    assert ddl.create_database("d") == "CREATE DATABASE `d`;"
    assert ddl.secondary_engine("d", "t") == (
        "ALTER TABLE `d`.`t` SECONDARY_ENGINE=RAPID;"
    )
    assert ddl.secondary_load("d", "t") == "ALTER TABLE `d`.`t` SECONDARY_LOAD;"
    assert ddl.secondary_load("d", "t", checked=False) == (
        "ALTER TABLE /*+ AUTOPILOT_DISABLE_CHECK */ `d`.`t` SECONDARY_LOAD;"
    )
    assert ddl.load_parallelism(8) == "SET SESSION innodb_parallel_read_threads = 8;"
