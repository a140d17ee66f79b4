"""RAPID as sessions see it: the tables it holds and what it remembers of queries."""

from dataclasses import dataclass, field

from heatproxy.rapid.history import History
from heatproxy.rapid.tables import LoadedTables


@dataclass(slots=True)
class Rapid:
    """One for the engine process, shared by its sessions."""

    tables: LoadedTables = field(default_factory=LoadedTables)
    history: History = field(default_factory=History)
