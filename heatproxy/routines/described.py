"""Tables that options name: what describes the users and items of a recommender.

They are read as the table of a training is, on the caller's own connection, so that
MySQL itself refuses one that the caller may not read.

Source: HeatWave User Guide, "Train a Recommendation Model".
"""

from collections.abc import Mapping
from typing import Any

from heatproxy.automl.recommend import TWO_TOWER
from heatproxy.automl.recommend.describing import (
    ITEM_METADATA,
    ROWS,
    TABLE_NAME,
    USER_METADATA,
)
from heatproxy.errors import secondary_engine
from heatproxy.routines.arguments import table_name
from heatproxy.session import Session


async def with_tables(session: Session, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Checked options, with the rows of the tables that they name.

    Raises:
        MySQLError: 1142 or 1146, from MySQL; 1347, a view; 3877, it is no table's name.
    """
    for option in (USER_METADATA, ITEM_METADATA):
        asked = values.get(option)
        if asked is not None:
            named = asked[TABLE_NAME]
            schema, table = await table_name(session, named, f"{option}.{TABLE_NAME}")
            rows = await session.read_table(schema, table)
            values = {**values, option: {**asked, ROWS: rows}}
    return values


def require_not_towers(metadata: Mapping[str, Any], routine: str) -> None:
    """Raises: MySQLError 3877, the routine is not for models of TwoTower."""
    if metadata.get("algorithm_name") == TWO_TOWER:
        raise secondary_engine(f"{routine} is not supported for {TWO_TOWER} models.")
