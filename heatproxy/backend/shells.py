"""Sealed shells: how Lakehouse tables stand in the backend.

A Lakehouse table is an InnoDB table with its columns, SECONDARY_ENGINE=RAPID and a
discarded tablespace: names, grants, DESCRIBE, EXPLAIN and PREPARE are MySQL's, while
any attempt to read or write rows fails loudly with 1814. The shell's own
SECONDARY_ENGINE_ATTRIBUTE says which data in the engine is its, and where that came
from; so the dictionary of the backend is the only register there is, and it follows
RENAME, DROP, backup and restore by itself.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heatproxy.backend.account import ServiceAccount
from heatproxy.datatypes import quote_name, quote_text

_MARK = "heatproxy"
_FIND = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, SECONDARY_ENGINE_ATTRIBUTE"
    " FROM information_schema.TABLES_EXTENSIONS"
    f" WHERE SECONDARY_ENGINE_ATTRIBUTE LIKE '{{\"{_MARK}\"%'"
)


@dataclass(frozen=True, slots=True)
class Shell:
    """A Lakehouse table: its name in MySQL, its name in the engine, its origin."""

    schema: str
    table: str
    engine_name: str
    attribute: Mapping[str, Any]  # {"file": [...], "dialect": {...}}
    by_clauses: bool = False  # the client wrote FILES and FILE_FORMAT, not JSON

    @property
    def name(self) -> str:
        """The qualified name, quoted."""
        return f"{quote_name(self.schema)}.{quote_name(self.table)}"

    def create(
        self, columns: str, *, backslash_escapes: bool, options: str = ""
    ) -> list[str]:
        """The statements that make the shell and seal it at once.

        ``columns`` is the column definition list, ``options`` are more table options;
        ``backslash_escapes`` says whether the session that runs them is without
        NO_BACKSLASH_ESCAPES.
        """
        mark = self.mark(backslash_escapes=backslash_escapes)
        return [
            f"CREATE TABLE {self.name} ({columns}) SECONDARY_ENGINE=RAPID"
            f" SECONDARY_ENGINE_ATTRIBUTE={mark} {options}",
            f"ALTER TABLE {self.name} DISCARD TABLESPACE",
        ]

    def mark(self, *, backslash_escapes: bool) -> str:
        """Its SECONDARY_ENGINE_ATTRIBUTE, as a string literal."""
        mark = {"id": self.engine_name, **self.attribute}
        if self.by_clauses:
            mark["clauses"] = True
        text = json.dumps({_MARK: mark})
        if backslash_escapes:
            text = text.replace("\\", "\\\\")
        return "'" + text.replace("'", "''") + "'"


class Shells:
    """The Lakehouse tables the backend holds, as last asked."""

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account
        self._shells: dict[tuple[str, str], Shell] = {}
        self.version = 0  # grows with every refresh
        self._watchers: list[Callable[[], None]] = []

    def refresh(self) -> None:
        """Ask the backend again."""
        found = {}
        for schema, table, text in self._account.query(_FIND):
            attribute = dict(json.loads(text)[_MARK])
            engine_name = str(attribute.pop("id"))
            by_clauses = bool(attribute.pop("clauses", False))
            shell = Shell(schema, table, engine_name, attribute, by_clauses)
            found[schema, table] = shell
        self._shells = found
        self.version += 1

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this whenever ``tell`` is."""
        self._watchers.append(changed)

    def tell(self) -> None:
        """The shells have changed: let those who filter by their names know."""
        for changed in self._watchers:
            changed()

    def find(self, schema: str | None, table: str) -> Shell | None:
        """The Lakehouse table of that name, or None."""
        return self._shells.get((schema or "", table))

    def all(self) -> list[Shell]:
        """Every Lakehouse table."""
        return list(self._shells.values())

    def is_current(self, shell: Shell) -> bool:
        """Whether the backend has this very shell under this name."""
        rows = self._account.query(
            "SELECT SECONDARY_ENGINE_ATTRIBUTE FROM"
            " information_schema.TABLES_EXTENSIONS"
            f" WHERE TABLE_SCHEMA = {quote_text(shell.schema)}"
            f" AND TABLE_NAME = {quote_text(shell.table)}"
        )
        mark = json.loads(rows[0][0] or "{}") if rows else {}
        return bool(mark.get(_MARK, {}).get("id") == shell.engine_name)

    def collations(self, shell: Shell) -> dict[str, str | None]:
        """The collation of each of its columns."""
        rows = self._account.query(
            "SELECT COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS"
            f" WHERE TABLE_SCHEMA = {quote_text(shell.schema)}"
            f" AND TABLE_NAME = {quote_text(shell.table)}"
        )
        return dict(rows)

    @property
    def tables(self) -> set[str]:
        return {table for _, table in self._shells}

    @property
    def schemas(self) -> set[str]:
        return {schema for schema, _ in self._shells}

    @property
    def engine_names(self) -> set[str]:
        return {shell.engine_name for shell in self._shells.values()}
