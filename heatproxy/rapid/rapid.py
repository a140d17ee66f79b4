"""RAPID as sessions see it: the tables it holds and what it remembers of queries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from heatproxy.rapid.follow import Follower
from heatproxy.rapid.freshness import Freshness
from heatproxy.rapid.history import Execution, History
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.load import Loader
from heatproxy.rapid.rpd_rows import ColumnStats
from heatproxy.rapid.tables import LoadedTables
from heatproxy.rapid.variables import GlobalVariables


@dataclass(slots=True)
class FileLoad:
    """A Lakehouse table whose files are being read; times are UTC."""

    engine_name: str  # under which its rows come in
    columns: tuple[str, ...]
    started: datetime
    progress: float = 0.0  # percent


@dataclass(slots=True)
class Rapid:
    """One for the engine process, shared by its sessions."""

    tables: LoadedTables = field(default_factory=LoadedTables)
    history: History = field(default_factory=History)
    loader: Loader | None = None
    # what keeps the tables fresh, and says whether they are; None: nothing does
    follower: Follower | None = None
    freshness: Freshness | None = None
    keys: Keys | None = None  # of the tables' texts; None: no table is loaded
    variables: GlobalVariables = field(default_factory=GlobalVariables)
    # of Lakehouse tables, which the register does not have: their ids by engine name,
    # by schema.table how often they were queried, and when last; by schema and table
    # which are being loaded
    file_ids: dict[str, int] = field(default_factory=dict)
    uses: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    file_loads: dict[tuple[str, str], FileLoad] = field(default_factory=dict)
    # by engine name, with the version and the number of rows they were counted at
    column_stats: dict[str, tuple[tuple[int, int], Mapping[str, ColumnStats]]] = field(
        default_factory=dict
    )

    @property
    def propagates(self) -> bool:
        """Whether changes of InnoDB tables reach the engine."""
        return self.follower is not None and self.follower.problem is None

    def gauges(self) -> dict[str, float]:
        """What metrics say of this moment, by their names in a ledger's snapshot."""
        lag_s = 0.0 if self.follower is None else self.follower.lag_s
        found = {"rapid_propagates": float(self.propagates), "rapid_lag_s": lag_s}
        for table in self.tables.all():
            name = f"rapid_tables:{table.status.value.lower()}"
            found[name] = found.get(name, 0) + 1
        return found

    def note(self, execution: Execution) -> None:
        """Remember a statement that has ended, and that its tables were queried."""
        self.history.add(execution)
        if execution.refusal is not None:
            return
        for qualified in set(execution.tables):
            schema, _, name = qualified.partition(".")
            table = self.tables.find(schema, name)
            if table is None:
                queries, _ = self.uses.get(qualified, (0, None))
                self.uses[qualified] = queries + 1, execution.started
            else:
                self.tables.change(
                    table, queries=table.queries + 1, last_queried=execution.started
                )
