"""The tables that are followed: who joins, who is left out, where each of them is."""

import json
import logging
import threading
from collections.abc import Callable, Mapping

from heatproxy.rapid.apply import Followed
from heatproxy.rapid.stale import Name
from heatproxy.rapid.tables import LoadedTable, LoadedTables, LoadStatus
from heatproxy.wire.binlog import Position

log = logging.getLogger(__name__)

START = Position("", 0)
ANOTHER = "the backend is another server now"


class Members:
    """The tables, by engine name; ``moved`` guards them and tells of changes.

    Attributes:
        kept: tables of an earlier process: since when, and from where on exactly.
        is_dirty: whether what is remembered of them is not what is so.
        reload: called with a table that has become STALE. It must return at once.
        count: called with a name and a number, for the metrics.
    """

    def __init__(self, tables: LoadedTables) -> None:
        self.moved = threading.Condition()
        self.followed: dict[str, Followed] = {}
        self.joining: list[Followed] = []
        self.kept: dict[str, tuple[Position, Position]] = {}
        self.is_dirty = False
        self.reload: Callable[[LoadedTable], None] | None = None
        self.count: Callable[[str, int], None] | None = None
        self._tables = tables

    def all(self) -> list[Followed]:
        """Those that are followed now."""
        with self.moved:
            return list(self.followed.values())

    def names(self) -> list[Name]:
        """Their schemas and names."""
        return [(one.table.schema, one.table.name) for one in self.all()]

    def find(self, name: Name) -> Followed | None:
        """The table of that name, if it is followed."""
        for one in self.all():
            if (one.table.schema, one.table.name) == name:
                return one
        return None

    def positions(self) -> list[Position]:
        """Up to where each of them, and of those kept, has everything."""
        with self.moved:
            found = [since for since, _ in self.kept.values()]
            return found + [one.since for one in self.followed.values()]

    # --- who comes and goes -----------------------------------------------------------

    def admit(
        self, applied: Position, count_rows: Callable[[str], int], server: str
    ) -> bool:
        """Take in those that wait, where the stream begins anew; whether any did.

        They are as fresh as others when the stream has come to ``applied``. A place in
        another server's binlog than this one's says nothing here.
        """
        with self.moved:
            new, self.joining = self.joining, []
            for one in new:
                if one.server not in (None, server):
                    one.failure = ANOTHER
                    continue
                name = one.table.engine_name
                one.goal = max(one.goal, applied)
                self.followed[name] = one
                self.is_dirty = True
                self._tables.change(one.table, rows=count_rows(name))
        return bool(new)

    def leave(self, table: LoadedTable) -> None:
        """Leave a table out; harmless if it is not there."""
        with self.moved:
            self.kept.pop(table.engine_name, None)
            found = self.followed.pop(table.engine_name, None)
            for one in [found, *self.joining]:
                if one and one.table.engine_name == table.engine_name:
                    one.failure = "it was left"
            self.joining = [one for one in self.joining if one.failure is None]
            self.is_dirty = True
            self.moved.notify_all()

    def spoil(self, one: Followed, reason: str) -> None:
        """A table cannot be followed any more: it is STALE."""
        table = one.table
        with self.moved:
            if one.failure is not None:
                return
            log.warning("%s.%s is to be reloaded: %s", table.schema, table.name, reason)
            current = self._tables.find(table.schema, table.name) or table
            self._tables.change(
                table,
                status=LoadStatus.STALE,
                problem=reason,
                version=current.version + 1,
                changing=False,
            )
            one.failure = reason
            self.followed.pop(table.engine_name, None)
            self.is_dirty = True
            self.moved.notify_all()
        if self.count is not None:
            self.count("rapid_stale", 1)
        if self.reload is not None and one.live:
            self.reload(table)

    def spoil_all(self, reason: str) -> None:
        """No table can be."""
        log.warning("changes have been missed: %s", reason)
        with self.moved:
            self.kept.clear()
            self.is_dirty = True
        for one in self.all():
            self.spoil(one, reason)

    def lose(self, position: Position, reason: str) -> bool:
        """What follows a position is not to be had any more; whether for all."""
        late = [one for one in self.all() if not one.live and one.since <= position]
        for one in late:
            self.spoil(one, reason)
        if not late:
            self.spoil_all(reason)
        return not late

    # --- where they are ---------------------------------------------------------------

    def have(self, position: Position) -> None:
        """All that is followed has everything up to there."""
        with self.moved:
            for one in self.followed.values():
                one.since = max(one.since, position)

    def reach(self, position: Position) -> None:
        """The stream has come there: who waited for that is as fresh as the others."""
        with self.moved:
            for one in self.followed.values():
                if not one.live and one.goal <= position:
                    one.live = True

    def begin_elsewhere(self) -> None:
        """Another server sends only what is missing, in a binlog of its own."""
        with self.moved:
            for one in self.followed.values():
                one.since = one.exact = one.goal = START
            self.kept = dict.fromkeys(self.kept, (START, START))
            self.is_dirty = True

    # --- what is remembered -----------------------------------------------------------

    def states(self) -> dict[str, str] | None:
        """What is to be remembered of each, if that is not what is remembered."""
        with self.moved:
            if not self.is_dirty:
                return None
            self.is_dirty = False
            found = {name: _state(since, at) for name, (since, at) in self.kept.items()}
            for name, one in self.followed.items():
                found[name] = _state(one.since, one.exact, moves=True)
        return found

    def restore(self, states: Mapping[str, str], position: Position) -> None:
        """Take what was remembered; the stream was at ``position``."""
        for name, text in states.items():
            found = json.loads(text)
            since, exact = Position(*found["since"]), Position(*found["exact"])
            if found["moves"]:
                since = max(since, position)
            self.kept[name] = since, exact


def _state(since: Position, exact: Position, moves: bool = False) -> str:
    """``moves``: it has what the stream has been through, if that is more."""
    return json.dumps(
        {
            "since": (since.file, since.offset),
            "exact": (exact.file, exact.offset),
            "moves": moves,
        }
    )
