"""Views over the tables that the engine holds: which there are, and what they say.

Their names only decide which statements are looked at; what a view is now the backend
says whenever a statement reads it.
"""

import logging
import threading
from collections.abc import Callable, Iterable

import pymysql

from heatproxy.backend.account import ServiceAccount
from heatproxy.datatypes import quote_text
from heatproxy.sql.emitter.values import EngineView

log = logging.getLogger(__name__)

Name = tuple[str, str]  # schema, table or view
_USAGE = (
    "SELECT VIEW_SCHEMA, VIEW_NAME, TABLE_SCHEMA, TABLE_NAME"
    " FROM information_schema.VIEW_TABLE_USAGE WHERE VIEW_SCHEMA <> 'sys'"
)


class Views:
    """Those of the backend, as last asked; safe from any thread."""

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account
        self._uses: dict[Name, set[Name]] = {}  # by what is read: the views of it
        self._asking = threading.Lock()
        self._again = False
        self.version = 0  # grows with every refresh
        self._watchers: list[Callable[[], None]] = []

    def refresh(self) -> None:
        """Ask the backend which views there are."""
        uses: dict[Name, set[Name]] = {}
        for view_schema, view, schema, table in self._account.query(_USAGE):
            uses.setdefault((schema, table), set()).add((view_schema, view))
        self._uses = uses
        self.version += 1

    def look(self) -> None:
        """There may be others: ask, in a thread, and tell those who watch."""
        self._again = True
        threading.Thread(target=self._look, daemon=True, name="views").start()

    def _look(self) -> None:
        with self._asking:
            if not self._again:
                return
            self._again = False
            try:
                self.refresh()
            except pymysql.MySQLError as problem:
                log.warning("views cannot be looked at: %s", problem)
                return
        self.tell()

    def tell(self) -> None:
        """There may be others: let those know who filter by their names."""
        for changed in self._watchers:
            changed()

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this, from any thread, whenever ``tell`` is."""
        self._watchers.append(changed)

    def over(self, tables: Iterable[Name]) -> set[str]:
        """The names of the views that read any of these, through others or not."""
        found: set[Name] = set()
        left = list(tables)
        while left:
            for view in self._uses.get(left.pop(), ()):
                if view not in found:
                    found.add(view)
                    left.append(view)
        return {name for _, name in found}

    def find(self, schema: str | None, name: str) -> EngineView | None:
        """The view of that name, as it is now; None also of one that is not shown."""
        where = (
            f" WHERE TABLE_SCHEMA = {quote_text(schema or '')}"
            f" AND TABLE_NAME = {quote_text(name)}"
        )
        found = self._account.query(
            "SELECT VIEW_DEFINITION, COLLATION_CONNECTION"
            f" FROM information_schema.VIEWS{where}"
        )
        if not found or not found[0][0]:
            return None
        columns = self._account.query(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS"
            f"{where} ORDER BY ORDINAL_POSITION"
        )
        text, collation = found[0]
        return EngineView(
            schema or "", name, text, tuple(column for (column,) in columns), collation
        )
