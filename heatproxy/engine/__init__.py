"""The accelerator: what any engine must do, and the list of those there are."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from heatproxy.datatypes import Column
from heatproxy.engine.duck import DuckDB
from heatproxy.engine.facts import (
    Ending,
    KeyMaker,
    Listen,
    Memory,
    TableFacts,
    TextFacts,
    Trap,
)

__all__ = [
    "ENGINES",
    "DuckDB",
    "Ending",
    "Engine",
    "KeyMaker",
    "Listen",
    "Memory",
    "Query",
    "TableFacts",
    "TextFacts",
    "Trap",
]


class Query(Protocol):
    """A running query: its rows, and a way to stop it from another thread."""

    @property
    def reader(self) -> pa.RecordBatchReader:
        """The rows as Arrow. Reading raises Trap, or MySQLError 1317 if cancelled."""
        ...

    def cancel(self) -> None:
        """Stop it; safe from any thread, and harmless when it has ended."""
        ...

    def close(self) -> None:
        """Give back what it holds; the rows not read are lost."""
        ...


class Engine(Protocol):
    """Holds loaded tables and answers SELECTs on them. Safe to call from any thread.

    What takes long is given ``listen``: before it begins, it hands over there what ends
    it from another thread, at any time and any number of times. It raises MySQLError
    1317 then.
    """

    def load(
        self,
        name: str,
        columns: Sequence[Column],
        rows: pa.RecordBatchReader,
        listen: Listen | None = None,
        *,
        ending: Callable[[], Ending] | None = None,
        collations: Mapping[str, str | None] | None = None,
        keys: KeyMaker | None = None,
    ) -> TableFacts:
        """Hold ``rows`` as ``name``, replacing a table of that name, or fail whole.

        With ``ending`` the name must be new, and other tables may change meanwhile.
        With ``keys`` the columns that need them, in their ``collations``, get key
        columns.
        """
        ...

    def drop(self, name: str) -> None:
        """Forget the table; no error if there is none."""
        ...

    def tables(self) -> list[str]:
        """The names of the tables it holds, sorted."""
        ...

    def origins(self) -> dict[str, str]:
        """The ``origin`` of each table that was loaded with an ending, by name."""
        ...

    def facts(self, name: str) -> TableFacts:
        """What is known of a table. Raises KeyError if it is not held."""
        ...

    def read(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        listen: Listen | None = None,
    ) -> Query:
        """All rows of a table, each column in its MySQLType's Arrow type."""
        ...

    def run(
        self, sql: str, parameters: Sequence[Any] = (), listen: Listen | None = None
    ) -> Query:
        """Answer one SELECT in the engine's own SQL. Raises Trap."""
        ...

    def memory(self) -> Memory:
        """How much it holds now."""
        ...

    def close(self) -> None:
        """Stop all queries and let go of the data directory."""
        ...


ENGINES: Mapping[str, Callable[[Path, str, int], Engine]] = {"duckdb": DuckDB}
