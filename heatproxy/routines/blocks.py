"""The result sets of a report, sent to the client as the output mode wants them."""

import asyncio

from heatproxy.answer import titled
from heatproxy.lakehouse import report
from heatproxy.lakehouse.autopilot import ReportRows
from heatproxy.session import Session
from heatproxy.wire.columns import ColumnDefinition

_STRING_COLUMN = "SELECT CAST('' AS CHAR(4096) CHARACTER SET utf8mb4)"


class Blocks:
    """Those of one call; in silence they go to its report table instead."""

    def __init__(self, session: Session, output: str, rows: ReportRows) -> None:
        """``output``: normal, compact, silent or help."""
        self._session, self._output, self._rows = session, output, rows
        self._column: ColumnDefinition | None = None

    async def send(self, block: report.Block) -> None:
        """One more block."""
        if self._output == "silent":
            self._rows.block(block)
            return
        if self._column is None:  # as MySQL describes lines to this client
            self._column = (await self._session.backend.query(_STRING_COLUMN)).columns[
                0
            ]
        shown = report.compact([block]) if self._output == "compact" else (block,)
        for one in shown:
            columns = [await asyncio.to_thread(titled, self._column, one.title)]
            lines = [[row] for row in one.rows]
            await self._session.answer.text_rows(columns, lines, more=True)
