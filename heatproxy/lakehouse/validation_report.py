"""The blocks of a validation, in place of those of a load.

HeatWave's own are not published; these are like those of a load.
"""

from collections.abc import Sequence

from heatproxy.datatypes import quote_name
from heatproxy.lakehouse.quantities import duration_text
from heatproxy.lakehouse.report import (
    Block,
    SchemaOutcome,
    TableOutcome,
    load_summary,
)


def validating_load(tables: int, sql_mode: str) -> Block:
    """Block 5 of a validation; HeatWave's own is not published."""
    return Block(
        "VALIDATING LOAD",
        (
            "Validation mode only checks the files against the table definitions",
            'Set mode to "normal" in options to load tables',
            "",
            f"Using SQL_MODE: {sql_mode}",
            "",
            f"Proceeding to validate {tables} table(s).",
            "",
        ),
    )


def validating_table(number: int, total: int, outcome: TableOutcome) -> Block:
    """Block 6 of a validation."""
    name = f"{quote_name(outcome.schema)}.{quote_name(outcome.table)}"
    rows = [
        f"TABLE ({number} of {total}): {name}",
        f"Warnings encountered: {outcome.warnings}",
    ]
    if outcome.loaded:
        rows.append("Table validated successfully!")
        rows.append(f"  Total rows validated: {outcome.rows}")
    else:
        rows.append("Table failed validation!")
        rows.append(f"    Error: {outcome.error}")
    rows += [f"  Elapsed time: {duration_text(outcome.elapsed_s)}", ""]
    return Block("VALIDATING TABLE", tuple(rows))


def validation_summary(schemas: Sequence[SchemaOutcome]) -> Block:
    """Block 7 of a validation: as that of a load."""
    rows = load_summary(schemas).rows
    heads = [
        row.replace("LOADED", " VALID").replace("LOAD", "TIME")
        if number in (1, 2)
        else row
        for number, row in enumerate(rows)
    ]
    return Block("VALIDATION SUMMARY", tuple(heads))
