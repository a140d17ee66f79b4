"""Changes of rows from the binlog into the engine's tables.

A batch of the source's transactions is one transaction of the engine; of a source's
transaction too large for one batch the parts are made one after the other, and seen
together.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pymysql

from heatproxy.engine import DuckDB
from heatproxy.engine.changes import Changes, Drift, TableChanges
from heatproxy.errors import MySQLError
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.tables import LoadedTable
from heatproxy.wire.binlog import Position, TableMap
from heatproxy.wire.binlog_columns import (
    Int64s,
    RowColumn,
    RowShape,
    Unfit,
    is_of_one_byte,
    shape,
)
from heatproxy.wire.binlog_net import reduce
from heatproxy.wire.binlog_walk import SLOT

log = logging.getLogger(__name__)

Ask = Callable[[str], Sequence[tuple[Any, ...]]]

ASKED_AT_ONCE = 500  # texts
# In these sets ASCII has other bytes.
_OTHER_ASCII = ("swe7", "ucs2", "utf16", "utf16le", "utf32")


class Spoilt(Exception):
    """The changes of one table cannot be made; nothing of the transaction was."""

    def __init__(self, followed: "Followed", reason: str) -> None:
        super().__init__(reason)
        self.followed, self.reason = followed, reason


@dataclass(slots=True, eq=False)
class Followed:
    """A table that changes are applied to.

    It has everything up to ``since``; behind ``exact`` each row that changes is known
    to be there, before it some of the changes may have been made. ``goal`` is where
    it is as fresh as others; it is ``live`` then.
    """

    table: LoadedTable
    since: Position
    exact: Position
    goal: Position
    live: bool = False
    failure: str | None = None
    shape: RowShape | None = None
    slot: int = -1
    server: str | None = None  # whose binlog it joined with a place in, if known

    def fit(self, table_map: TableMap) -> None:
        """Take note of how its rows look. Raises Unfit: it is not the table loaded."""
        columns = [
            RowColumn(
                column.name,
                column.type if column.refusal is None else None,
                column.collation,
            )
            for column in self.table.columns
        ]
        found = shape(table_map, columns, self.table.primary_key)
        if self.shape is not None and not np.array_equal(
            self.shape.columns, found.columns
        ):
            raise Unfit("its columns have changed")
        self.shape = found


class Applier:
    """Makes changes, one batch at a time."""

    def __init__(self, engine: DuckDB, keys: Keys | None, texts: "Texts") -> None:
        self._engine, self._keys, self._texts = engine, keys, texts
        self._changes: Changes | None = None
        self._rows: dict[int, tuple[Followed, int, int]] = {}

    @property
    def is_open(self) -> bool:
        """Whether changes have been made that are not committed."""
        return self._changes is not None

    def count_rows(self, engine_name: str) -> int:
        """How many rows a table has now."""
        name = engine_name.replace('"', '""')
        query = self._engine.run(f'SELECT count(*) FROM "{name}"')
        try:
            return int(query.reader.read_all().column(0)[0].as_py())
        finally:
            query.close()

    def touched(self) -> list[Followed]:
        """The tables with changes that are not committed."""
        return [followed for followed, _, _ in self._rows.values()]

    def make(self, events: Int64s, slots: Mapping[int, Followed]) -> None:
        """Make the changes of some events, as ``Stream`` has them.

        Raises:
            Spoilt: those of one table can't be made.
            duckdb.Error: the engine can't take any.
        """
        for slot in np.unique(events[:, SLOT]).tolist():
            followed = slots.get(slot)
            if followed is None or followed.failure is not None:
                continue
            try:
                self._make(events, slot, followed)
            except (Unfit, Drift, MySQLError, pa.ArrowException) as problem:
                self.undo()
                said = problem.message if isinstance(problem, MySQLError) else problem
                raise Spoilt(followed, str(said)) from problem
            except (duckdb.CatalogException, duckdb.BinderException) as problem:
                self.undo()
                raise Spoilt(followed, "the engine has it no more") from problem
            except duckdb.Error:
                self.undo()
                _require_all([followed])
                raise

    def _make(self, events: Int64s, slot: int, followed: Followed) -> None:
        found = followed.shape
        if found is None:
            raise Unfit("rows of a table that nothing was said of")
        net = reduce(events, slot, found)
        removed = found.removed(net.removed, self._texts)
        added = found.added(net.added, self._texts)
        if self._keys is not None and added.num_rows:
            added = self._keys.extend(followed.table, added)
        if self._changes is None:
            self._changes = self._engine.apply()
        name = followed.table.engine_name
        change = TableChanges(name, removed, added, found.unique, net.checked)
        more = self._changes.make(change)
        _, rows, made = self._rows.get(slot, (followed, 0, 0))
        made += removed.num_rows + added.num_rows
        self._rows[slot] = (followed, rows + more, made)

    def commit(
        self, state: str, tables: Mapping[str, str] | None = None
    ) -> list[tuple[Followed, int, int]]:
        """Let queries see what was made, and remember where that was.

        Returns for each table how many rows more it has, and how many were changed.

        Raises:
            Spoilt: one table's changes can't be kept.
            duckdb.Error: nothing can be kept.
        """
        if self._changes is None:
            self._changes = self._engine.apply()
        try:
            if self._keys is not None:
                for followed, _, _ in self._rows.values():
                    self._prepare_keys(self._keys, self._changes, followed)
            self._changes.remember(state, tables)
            self._changes.commit()
        except BaseException as problem:
            touched = self.touched()
            self.undo()
            if isinstance(problem, duckdb.Error):
                _require_all(touched)
            raise
        done, self._changes, self._rows = list(self._rows.values()), None, {}
        if self._keys is not None:
            for followed, _, _ in done:
                self._keys.committed(followed.table)
        return done

    @staticmethod
    def _prepare_keys(keys: Keys, changes: Changes, followed: Followed) -> None:
        try:
            keys.before_commit(changes.cursor, followed.table)
        except MySQLError as problem:
            raise Spoilt(followed, problem.message) from problem

    def undo(self) -> None:
        """Leave the engine as it was before; harmless when nothing was made."""
        rows, self._rows = self._rows, {}
        if self._changes is not None:
            self._changes.undo()
            self._changes = None
        if self._keys is not None:
            for followed, _, _ in rows.values():
                self._keys.forget(followed.table)


def _require_all(changed: Sequence[Followed]) -> None:
    """Raise Spoilt if one of them was left: it may be gone, and with it its changes."""
    for followed in changed:
        if followed.failure is not None:
            raise Spoilt(followed, followed.failure)


class Texts:
    """Texts of other character sets, as MySQL itself converts them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._characters: dict[str, dict[int, str]] = {}

    def __call__(self, charset: str, values: Sequence[bytes]) -> list[str]:
        """The texts, in order. Raises Unfit: Unicode or MySQL has no such text."""
        try:
            if is_of_one_byte(charset):
                return self._one_byte(charset, values)
            return self._several_bytes(charset, values)
        except pymysql.MySQLError as problem:
            raise Unfit(f"text in {charset} that MySQL does not convert") from problem

    def _one_byte(self, charset: str, values: Sequence[bytes]) -> list[str]:
        if charset not in self._characters:
            found = self._converted(charset, [bytes([n]) for n in range(256)])
            # a question mark stands for what Unicode does not have
            self._characters[charset] = {
                n: text
                for n, text in enumerate(found)
                if text != "?" or n == ord("?") or charset in _OTHER_ASCII
            }
        characters = self._characters[charset]
        if len(characters) < 256:
            known = bytes(characters)
            for value in values:
                if value.translate(None, known):
                    raise Unfit(f"text in {charset} that Unicode does not have")
        return [value.decode("latin-1").translate(characters) for value in values]

    def _several_bytes(self, charset: str, values: Sequence[bytes]) -> list[str]:
        plain = charset not in _OTHER_ASCII
        texts, places = [""] * len(values), []
        for place, value in enumerate(values):
            if plain and value.isascii():
                texts[place] = value.decode("ascii")
            else:
                places.append(place)
        for start in range(0, len(places), ASKED_AT_ONCE):
            some = places[start : start + ASKED_AT_ONCE]
            found = self._converted(charset, [values[place] for place in some])
            for place, text in zip(some, found, strict=True):
                if plain and text.count("?") != values[place].count(b"?"):
                    raise Unfit(f"text in {charset} that Unicode does not have")
                texts[place] = text
        return texts

    def _converted(self, charset: str, values: Sequence[bytes]) -> list[str]:
        listed = ", ".join(
            f"CONVERT(_{charset} 0x{value.hex()} USING utf8mb4)" if value else "''"
            for value in values
        )
        (row,) = self._ask(f"SELECT {listed}")
        if any(text is None for text in row):
            raise Unfit(f"text in {charset} that MySQL does not convert")
        return [str(text) for text in row]
