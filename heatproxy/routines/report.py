"""The report of a load where scripts look for it: temporary tables in ``sys``."""

import logging
from collections.abc import Iterable

from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.autopilot import REPORT_COLUMNS, ReportRow
from heatproxy.session import Session

log = logging.getLogger(__name__)

REPORT_TABLES = ("heatwave_autopilot_report", "heatwave_load_report")
DENIED = (1044, 1142)  # to use a schema, to use a table


async def keep_report(session: Session, rows: Iterable[ReportRow]) -> None:
    """Make them and fill them; a caller who may not does without.

    Raises:
        MySQLError: 1317 or 3024, the call was killed; what else MySQL says.
    """
    values = ", ".join(
        f"({row.id}, {quote_text(row.comp)}, {quote_text(row.stage)},"
        f" {quote_text(row.type)}, {quote_text(row.log)})"
        for row in rows
    )
    try:
        for name in REPORT_TABLES:
            await session.backend.query(f"DROP TEMPORARY TABLE IF EXISTS sys.{name}")
            await session.backend.query(
                f"CREATE TEMPORARY TABLE sys.{name} ({REPORT_COLUMNS})"
            )
            if values:
                await session.backend.query(
                    f"INSERT INTO sys.{name} (id, comp, stage, type, log)"
                    f" VALUES {values}"
                )
    except MySQLError as problem:
        # the tables are loaded; a caller without CREATE TEMPORARY TABLES on sys
        # only misses the copy of the report
        if problem.number not in DENIED:
            raise
        log.warning("no report table for this session: %s", problem)
