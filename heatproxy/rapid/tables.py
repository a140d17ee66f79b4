"""The InnoDB tables that the engine holds or is to hold, and the state of each.

The backend's dictionary says which they are (SECONDARY_LOAD="1" among the
CREATE_OPTIONS); this register says how far the engine is with them. It is read from
any thread, and changed as a whole value at a time.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from heatproxy.datatypes import MySQLType


class LoadStatus(Enum):
    """What performance_schema.rpd_tables calls them, less ``_RPDGSTABSTATE``."""

    NOLOAD = "NOLOAD"
    LOADING = "LOADING"
    AVAILABLE = "AVAIL"
    UNLOADING = "UNLOADING"
    RECOVERING = "INRECOVERY"
    STALE = "STALE"
    UNAVAILABLE = "UNAVAIL"
    RECOVERY_FAILED = "RECOVERYFAILED"


@dataclass(frozen=True, slots=True)
class LoadedColumn:
    """A column of the table as MySQL has it; ``refusal`` says why it is not held."""

    name: str
    type: MySQLType
    nullable: bool
    collation: str | None = None
    refusal: str | None = None  # NOT SECONDARY, or a type that is not held exactly
    visible: bool = True  # whether ``*`` means it too


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """One table; ``columns`` are all of MySQL's, in order, held or not.

    ``version`` grows with whatever a translated query may rely on: the columns, the
    facts of their text. It does so before the engine commits that, and until it has
    the table is ``changing``: what is known of it may be what was. Times are UTC.
    """

    id: int
    schema: str
    name: str
    engine_name: str
    columns: tuple[LoadedColumn, ...] = ()
    primary_key: tuple[str, ...] = ()
    status: LoadStatus = LoadStatus.LOADING
    version: int = 0
    changing: bool = False
    rows: int = 0
    bytes: int = 0
    progress: float = 0.0  # percent
    load_started: datetime | None = None
    load_ended: datetime | None = None
    queries: int = 0
    last_queried: datetime | None = None
    problem: str | None = None  # why it is STALE or UNAVAILABLE

    @property
    def is_available(self) -> bool:
        return self.status is LoadStatus.AVAILABLE

    @property
    def held_columns(self) -> tuple[LoadedColumn, ...]:
        return tuple(column for column in self.columns if column.refusal is None)


class LoadedTables:
    """The register. Names are as in MySQL, letter case included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[tuple[str, str], LoadedTable] = {}
        self._watchers: list[Callable[[], None]] = []
        self._last_id = 0
        self.version = 0  # grows when a table comes or goes

    def find(self, schema: str | None, name: str) -> LoadedTable | None:
        """The table of that name, whatever its status, or None."""
        return self._tables.get((schema or "", name))

    def all(self) -> list[LoadedTable]:
        """Every table, by id."""
        with self._lock:
            return sorted(self._tables.values(), key=lambda table: table.id)

    def new_id(self) -> int:
        """An id that no table has had in the life of this process."""
        with self._lock:
            self._last_id += 1
            return self._last_id

    def put(self, table: LoadedTable) -> None:
        """Add a table, or take another's place under its name."""
        with self._lock:
            self._tables[table.schema, table.name] = table
            self.version += 1

    def change(self, table: LoadedTable, **facts: Any) -> LoadedTable | None:
        """The table with other facts, unless another has taken its place.

        What is STALE does not become AVAILABLE: it is loaded again, as another.
        """
        with self._lock:
            found = self._tables.get((table.schema, table.name))
            if found is None or found.engine_name != table.engine_name:
                return None
            wanted = facts.get("status")
            if found.status is LoadStatus.STALE and wanted is LoadStatus.AVAILABLE:
                return None
            changed = replace(found, **facts)
            self._tables[table.schema, table.name] = changed
            return changed

    def remove(self, table: LoadedTable) -> None:
        """Forget the table, unless another has taken its place."""
        with self._lock:
            found = self._tables.get((table.schema, table.name))
            if found is not None and found.engine_name == table.engine_name:
                del self._tables[table.schema, table.name]
                self.version += 1

    @property
    def names(self) -> set[str]:
        """What statements are filtered by."""
        return {name for _, name in tuple(self._tables)}

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this whenever ``tell`` is."""
        self._watchers.append(changed)

    def tell(self) -> None:
        """Tables have come or gone: let those know who filter by their names."""
        for changed in self._watchers:
            changed()
