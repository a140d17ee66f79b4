"""Routines of HeatWave that heatproxy knows and does not offer yet.

They are declared, so that a CALL is refused by name, whatever its arguments.
"""

from heatproxy.errors import not_supported
from heatproxy.routines.routine import Outcome, Parameter, Procedure, needs
from heatproxy.session import Session

JSON_OPTIONS = "IN options JSON"


def _later(name: str, *parameters: str) -> Procedure:
    async def refuse(session: Session, *arguments: str | None) -> Outcome:
        raise not_supported(f"sys.{name}")

    declared: tuple[Parameter, ...] = needs(*parameters)
    return Procedure(name, declared, run=refuse)


LATER = (
    _later(
        "ML_MODEL_IMPORT",
        "IN model_object LONGTEXT",
        "IN model_metadata JSON",
        "INOUT model_handle VARCHAR(255)",
    ),
    _later(
        "ML_MODEL_EXPORT",
        "IN model_handle VARCHAR(255)",
        "IN output_table_name VARCHAR(255)",
    ),
    _later(
        "TRAIN_TEST_SPLIT",
        "IN table_name VARCHAR(255)",
        "IN target_column_name VARCHAR(64)",
        JSON_OPTIONS,
    ),
    _later("NL2ML", "IN query TEXT", "OUT response JSON"),
)
