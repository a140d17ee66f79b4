"""How far the binary log has been applied, and where its stream is to begin.

That is kept in the engine with the rows it has changed, and told to who waits for it.
A table that joins brings the position its rows are of: the stream begins anew there,
and every other table skips what it has.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from heatproxy.backend.dump import Source
from heatproxy.engine import DuckDB
from heatproxy.rapid.apply import Applier, Followed
from heatproxy.rapid.members import Members
from heatproxy.rapid.place import Place, place_on
from heatproxy.rapid.tables import LoadedTables
from heatproxy.wire.binlog import GtidSet, Position

SAVED_EVERY_S = 1.0  # the position, while nothing changes


class BeginAnew(Exception):
    """The stream is to begin anew."""


class Prepared:
    """The XA transactions that were prepared: the tables each of them touches.

    Their rows are in the binlog when they are prepared, and there when they commit.
    """

    def __init__(self) -> None:
        self._tables: dict[bytes, frozenset[str]] = {}

    def add(self, branch: bytes, engine_names: frozenset[str]) -> None:
        self._tables[branch] = engine_names

    def forget_all(self) -> None:
        """Another table is followed from now on: what touches it is not known."""
        self._tables.clear()

    def take(self, branch: bytes) -> frozenset[str] | None:
        """The tables of a transaction that has ended; None if they are not known."""
        return self._tables.pop(branch, None)


class Progress:
    """Moved on by the follower's thread alone; read by any.

    Attributes:
        applied: up to where every live table has everything; None if not known.
        is_live: whether the stream comes.
        is_coming: whether it does, or will in a moment: it is just beginning anew.
        changes: how many rows have been applied.
        place: where the stream is; None if that is lost.
    """

    def __init__(
        self, engine: DuckDB, tables: LoadedTables, members: Members, applier: Applier
    ) -> None:
        self.members, self.moved = members, members.moved
        self.applied: Position | None = None
        self.is_live = self.is_coming = False
        self.changes = 0
        self.place: Place | None = None
        self.prepared = Prepared()
        self._tables, self._applier = tables, applier
        self._saved_at = 0.0
        self._behind_since: float | None = None
        state, states = engine.remembered()
        if state:
            self.place = Place.from_json(state)
            self.applied = self.place.position
            members.restore(states, self.applied)

    @property
    def lag_s(self) -> float:
        """How long ago the oldest change came that has not been applied; else 0."""
        since = self._behind_since
        return 0.0 if since is None else time.monotonic() - since

    def begin(self, server: Source) -> Position | GtidSet:
        """Take in tables that join, and find where the stream is to begin."""
        members = self.members
        with self.moved:
            place, gtids = place_on(server, self.place, members)
            if place is not self.place:
                self.applied = place.position
            applied = self.applied or place.position
            if members.admit(applied, self._applier.count_rows, server.uuid):
                self.prepared.forget_all()
            first = min([place.position, *(one.since for one in members.all())])
            self.place = place = place.at(first)
            self.moved.notify_all()
        if members.is_dirty:
            self._remember(place)
        return place.position if gtids is None else gtids

    def lose(self) -> None:
        """Nobody knows when the stream will come again; ``moved`` is held."""
        self.is_live = self.is_coming = False
        self.moved.notify_all()

    def end(self) -> None:
        """The stream has ended: nothing comes until it begins again."""
        self._applier.undo()
        with self.moved:
            self.is_live = False
            if self.place is not None:
                self.members.have(self.place.position)
            self.moved.notify_all()

    # --- for the feed -----------------------------------------------------------------

    def came(self, born: int | None) -> None:
        """The stream comes, from a file begun at that time."""
        place = self.place
        assert place is not None
        if place.born not in (None, born):
            self.members.spoil_all("the backend's binary log was begun anew")
            self.place = None
            raise BeginAnew
        self.is_live = self.is_coming = True
        self._arrive(replace(place, born=born))

    def behind(self, since: float | None) -> None:
        """From when on there is something to apply; None: nothing is."""
        if since is None or self._behind_since is None:
            self._behind_since = since

    def commit(
        self, position: Position, gtids: GtidSet | None, born: int | None
    ) -> None:
        """Keep the changes made, up to this position."""
        assert self.place is not None
        place = Place(self.place.uuid, position, gtids, born)
        changed = self._remember(place)
        made = 0
        for followed, more, some in changed:
            found = self._tables.find(followed.table.schema, followed.table.name)
            if found is not None:
                self._tables.change(followed.table, rows=found.rows + more)
            made += some
        self.changes += made
        if self.members.count is not None:
            self.members.count("rapid_changes_applied", made)
        self._arrive(place)

    def advance(
        self, position: Position, gtids: GtidSet | None, born: int | None
    ) -> None:
        """Nothing has changed up to this position."""
        assert self.place is not None
        self._arrive(place := Place(self.place.uuid, position, gtids, born))
        is_late = time.monotonic() - self._saved_at > SAVED_EVERY_S
        if self.members.is_dirty or (is_late and self.members.positions()):
            self._remember(place)

    def _arrive(self, place: Place) -> None:
        with self.moved:
            self.place = place
            if self.applied is None or self.applied < place.position:
                self.applied = place.position
            self.members.reach(place.position)
            self.moved.notify_all()

    def _remember(self, place: Place) -> Sequence[tuple[Followed, int, int]]:
        """Keep what was made, and where that is; what ``Applier.commit`` returns."""
        states = self.members.states()
        try:
            changed = self._applier.commit(place.to_json(), states)
        except BaseException:
            self.members.is_dirty |= states is not None
            raise
        self._saved_at = time.monotonic()
        return changed
