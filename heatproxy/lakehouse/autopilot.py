"""The rows of sys.heatwave_autopilot_report: the script, warnings, errors, outcomes.

Source: queries on the table in public labs (reference, section 1.8).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from heatproxy.lakehouse.report import Block, TableOutcome


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row of sys.heatwave_autopilot_report, without ``ts``."""

    id: int
    comp: str
    stage: str
    type: str  # sql, info, warn or error
    log: str  # JSON


REPORT_COLUMNS = (
    "`id` int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " `ts` timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),"
    " `comp` varchar(64) NOT NULL, `stage` varchar(64) NOT NULL,"
    " `type` varchar(16) NOT NULL, `log` json DEFAULT NULL"
)


class ReportRows:
    """The rows of one call, numbered as they come.

    ``act`` is what the call does: LOAD, UNLOAD or RELOAD. ``problems`` are for SHOW
    WARNINGS: each one's level, number and message.
    """

    def __init__(self, act: str = "LOAD") -> None:
        self._act = act
        self._rows: list[ReportRow] = []
        self.problems: list[tuple[str, int, str]] = []

    def __iter__(self) -> Iterator[ReportRow]:
        return iter(self._rows)

    def sql(self, statement: str) -> None:
        """A statement of the generated script."""
        self._add(f"{self._act}_SCRIPT_GENERATION", "sql", {"sql": statement})

    def instead(self, old: str, new: str) -> None:
        """Another statement of the script in place of one."""
        was, becomes = (json.dumps({"sql": s}, ensure_ascii=False) for s in (old, new))
        self._rows = [
            replace(row, log=becomes) if row.log == was else row for row in self._rows
        ]

    def warn(
        self,
        schema: str,
        table: str,
        number: int,
        message: str,
        stage: str = "SCHEMA_INFERENCE",
    ) -> None:
        self._add(
            stage,
            "warn",
            {
                "warn": message,
                "message": message,
                "table_name": table,
                "schema_name": schema,
                "condition_no": number,
            },
        )

    def pass_over(self, schema: str, table: str, number: int, message: str) -> None:
        """Warn of a table that was named for nothing."""
        self.warn(schema, table, number, message)
        self.problems.append(("Warning", number, message))

    def error(self, schema: str, table: str, number: int, message: str) -> None:
        log = {
            "error": message,
            "table_name": table,
            "schema_name": schema,
            "condition_no": number,
        }
        self._add("EXECUTE", "error", log)
        self.problems.append(("Error", number, message))

    def table_summary(self, outcome: TableOutcome) -> None:
        self._add(
            "EXECUTE",
            "info",
            {
                "type": "table_summary",
                "schema_name": outcome.schema,
                "table_name": outcome.table,
                "loaded": outcome.loaded,
                "columns_loaded": outcome.columns,
                "warnings": outcome.warnings,
                "elapsed_seconds": round(outcome.elapsed_s, 6),
            },
        )

    def block(self, block: Block) -> None:
        """A block of the report, for ``output: silent`` to be read later."""
        self._add(block.title.replace(" ", "_"), "info", {"text": list(block.rows)})

    def _add(self, stage: str, kind: str, log: dict[str, Any]) -> None:
        text = json.dumps(log, ensure_ascii=False)
        comp = f"AUTO_{self._act}"
        self._rows.append(ReportRow(len(self._rows) + 1, comp, stage, kind, text))
