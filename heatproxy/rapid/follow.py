"""The follower: RAPID's tables change as the backend's binary log says.

A thread reads the one stream of the binlog and applies it. A table joins with the
position its rows are of; the stream then begins anew there, and every other table skips
what it has. Where the stream is, is kept in the engine with the rows it has changed: a
restart goes on from there.

What cannot be followed makes a table STALE: it is loaded again, and queries go to MySQL
meanwhile. Sessions with ``sql_log_bin = 0`` write nothing into the binlog; what they
change cannot be known here.
"""

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import duckdb
import pymysql

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.dump import Dump, Source, obstacle, source
from heatproxy.engine import DuckDB
from heatproxy.engine.facts import Listen
from heatproxy.errors import MySQLError, ProtocolError, interrupted, secondary_engine
from heatproxy.rapid.apply import Applier, Followed, Spoilt, Texts
from heatproxy.rapid.feed import SAVED_EVERY_S, BeginAnew, Feed, Prepared
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.stale import Name
from heatproxy.rapid.tables import LoadedTable, LoadedTables, LoadStatus
from heatproxy.wire import binlog_columns
from heatproxy.wire.binlog import GtidSet, Position
from heatproxy.wire.binlog_stream import Stream

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # between attempts to reach the backend
CONTACT_S = 60.0  # within which the first attempt has ended
STOPS_WITHIN_S = 0.2
NO_LONGER_THERE = 1236  # the binlog asked for has been purged
START = Position("", 0)


@dataclass(slots=True)
class _Place:
    """Where the stream is: on which server, and up to where all was applied."""

    uuid: str
    position: Position
    gtids: GtidSet | None
    born: int | None = None  # when its file was begun


class Follower:
    """The thread, from ``start`` to ``stop``. Safe from any other.

    Attributes:
        problem: why changes cannot be followed at all, in words; None if they can.
        applied: up to where every live table has everything; None if not known.
        is_live: whether the stream comes.
        changes: how many rows have been applied.
        reload: called with a table that has become STALE. It must return at once, and
        reconcile: called when what is loaded at all may have changed, too.
        count: called with a name and a number, for the metrics.
    """

    def __init__(
        self,
        address: Address,
        engine: DuckDB,
        tables: LoadedTables,
        keys: Keys | None,
        server_id: int,
    ) -> None:
        self.problem: str | None = None
        self.applied: Position | None = None
        self.is_live = False
        self.changes = 0
        self.reload: Callable[[LoadedTable], None] | None = None
        self.reconcile: Callable[[], None] | None = None
        self.count: Callable[[str, int], None] | None = None
        self.moved = threading.Condition()  # of all that other threads wait for
        self._address, self._engine, self._tables = address, engine, tables
        self._server_id = server_id
        self._account = ServiceAccount(address, CONTACT_S)
        self._applier = Applier(engine, keys, Texts(self._account.query))
        self._keys = keys
        self._followed: dict[str, Followed] = {}  # by engine name
        self._joining: list[Followed] = []
        self._kept: dict[str, tuple[Position, Position]] = {}
        self._place: _Place | None = None
        self._prepared = Prepared()
        self._dirty = False  # which tables are followed is not what is remembered
        self._saved_at = 0.0
        self._behind_since: float | None = None
        self._waiting = 0
        self._contacted = self._stopping = False
        self._wakes, self._woken = socket.socketpair()
        self._wakes.setblocking(False)
        self._woken.setblocking(False)
        self._dump: Dump | None = None
        self._compiled: threading.Event | None = None
        self._thread = threading.Thread(
            target=self._run, name="heatproxy-follow", daemon=True
        )
        self._restore()

    # --- for other threads ------------------------------------------------------------

    def start(self, compiled: threading.Event | None = None) -> None:
        """Begin, in a thread of its own.

        Nothing is read before ``compiled``, where it is given: until then the kernels
        are being compiled elsewhere, which here would hold everybody up.
        """
        self._compiled = compiled
        self._thread.start()

    def stop(self) -> None:
        """End; what was applied is kept."""
        self._stopping = True
        self._wake()
        dump = self._dump
        if dump is not None:
            dump.close()
        if self._thread.is_alive():
            self._thread.join()
        with self.moved:
            self.is_live = False
            self.moved.notify_all()
        self._account.close()
        self._wakes.close()
        self._woken.close()

    @property
    def server(self) -> str | None:
        """The UUID of the server whose binlog ``applied`` is a place in."""
        return None if self._place is None else self._place.uuid

    @property
    def lag_s(self) -> float:
        """How long ago the oldest change came that has not been applied; else 0."""
        since = self._behind_since
        return 0.0 if since is None else time.monotonic() - since

    def require(self) -> None:
        """Raise MySQLError 3877 if no changes can be followed."""
        with self.moved:
            self.moved.wait_for(lambda: self._contacted or self._stopping, CONTACT_S)
            self._require()

    def _require(self) -> None:
        if self.problem is not None:
            raise secondary_engine(f"Changes cannot be propagated: {self.problem}")
        if not self._contacted or self._stopping:
            raise secondary_engine("Changes cannot be propagated: no backend is there")

    def join(
        self,
        table: LoadedTable,
        since: Position | None,
        exact: bool,
        until: Position | None = None,
        listen: Listen | None = None,
    ) -> None:
        """Follow a table the engine holds; returns when it is as fresh as the others.

        The table has everything up to ``since``, and if ``exact`` nothing of what is
        behind that. Otherwise it may have some of it, up to ``until``; only a table
        with a primary key can. Without ``since`` it is where it was left.

        Raises:
            KeyError: without ``since``, and its position is not known.
            MySQLError: 3877, it cannot be followed; 1317, stopped through ``listen``.
        """
        asked = threading.Event()
        if listen is not None:
            listen(lambda: self._stop_waiting(asked))
        self.require()
        with self.moved:
            self._require()
            known = since
            if known is None:
                known, doubtful = self._kept.pop(table.engine_name)
            else:
                doubtful = known if exact or until is None else until
            followed = Followed(table, known, doubtful, max(known, doubtful))
            self._joining.append(followed)
            self._wake()
            while not (followed.live or followed.failure or asked.is_set()):
                if self._stopping:
                    followed.failure = "heatproxy ends"
                self.moved.wait(1.0)
            failure = followed.failure
        if failure is not None:
            raise secondary_engine(f"Changes cannot be propagated: {failure}")
        if asked.is_set():
            self.leave(table)
            raise interrupted()

    def _stop_waiting(self, asked: threading.Event) -> None:
        asked.set()
        with self.moved:
            self.moved.notify_all()

    def leave(self, table: LoadedTable) -> None:
        """Follow it no longer; harmless if it was not followed."""
        with self.moved:
            self._kept.pop(table.engine_name, None)
            found = self._followed.pop(table.engine_name, None)
            for followed in [found, *self._joining]:
                if followed and followed.table.engine_name == table.engine_name:
                    followed.failure = "it was left"
            self._joining = [f for f in self._joining if f.failure is None]
            self._dirty = True
            self.moved.notify_all()
        if self._keys is not None:
            self._keys.forget(table)

    def positions(self) -> Mapping[str, Position]:
        """Of engine tables whose changes can be followed from where they were left."""
        with self.moved:
            self.moved.wait_for(lambda: self._contacted or self._stopping, CONTACT_S)
            return {name: since for name, (since, _) in self._kept.items()}

    @contextlib.contextmanager
    def awaited(self) -> Iterator[None]:
        """Meanwhile changes are applied as soon as they come."""
        with self.moved:
            self._waiting += 1
        self._wake()
        try:
            yield
        finally:
            with self.moved:
                self._waiting -= 1

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wakes.send(b"\0")

    # --- the thread -------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping:
            try:
                self._have_compiled()
                self._follow()
                pause_s = FIRST_PAUSE_S
                continue
            except Spoilt as spoilt:
                self.spoil(spoilt.followed, spoilt.reason)
                continue
            except (pymysql.MySQLError, MySQLError, ProtocolError, OSError) as lost:
                if not self._stopping:
                    log.warning("the backend's changes do not come: %s", lost)
            except duckdb.Error as problem:
                log.warning("changes cannot be applied: %s", problem)
            except Exception:
                log.exception("changes cannot be applied")
            finally:
                self._hang_up()
            with self.moved:
                self.moved.wait_for(lambda: self._stopping, pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _have_compiled(self) -> None:
        """Have the kernels, once whoever compiles them has done so."""
        while self._compiled is not None and not self._stopping:
            if self._compiled.wait(STOPS_WITHIN_S):
                self._compiled = None
        if not self._stopping:
            binlog_columns.warm_up()

    def _hang_up(self) -> None:
        self._applier.undo()
        with self.moved:
            self.is_live = False
            if self._place is not None:
                for followed in self._followed.values():
                    followed.since = max(followed.since, self._place.position)
            self.moved.notify_all()
        if self._dump is not None:
            self._dump.close()
            self._dump = None

    def _follow(self) -> None:
        """Follow until the stream is to begin anew."""
        self._dump = dump = Dump(self._address, self._server_id)
        problem = obstacle(dump.ask)
        with self.moved:
            if problem != self.problem and problem is not None:
                log.warning("RAPID only relays: %s", problem)
            self.problem = problem
        if problem is not None:
            with self.moved:
                self._contacted = True
                self.moved.notify_all()
                self.moved.wait_for(lambda: self._stopping, LONGEST_PAUSE_S)
            return
        begin = self._begin(source(dump.ask))
        position = begin if isinstance(begin, Position) else START
        stream = Stream(position)
        slots = {}
        with self.moved:
            for followed in self._followed.values():
                followed.slot = stream.follow(followed.since, followed.exact)
                slots[followed.slot] = followed
                followed.shape = None
            assert self._place is not None
            gtids = self._place.gtids
        dump.start(begin)
        feed = Feed(
            *(self, dump, stream, self._applier, slots, gtids),
            *(self._prepared, self._woken),
        )
        try:
            feed.go()
        except MySQLError as refused:
            if refused.number != NO_LONGER_THERE or "same server" in refused.message:
                raise
            self._lose(position, refused.message)
        except BeginAnew:
            pass

    # --- for the feed -----------------------------------------------------------------

    @property
    def is_wanted(self) -> bool:
        """Whether the feed is to go on as it is."""
        return not (self._joining or self._stopping)

    @property
    def is_awaited(self) -> bool:
        """Whether a query, or a table that joins, waits for changes."""
        return bool(self._waiting)

    def find(self, name: Name) -> Followed | None:
        """The table of that name that is followed."""
        with self.moved:
            for followed in self._followed.values():
                if (followed.table.schema, followed.table.name) == name:
                    return followed
        return None

    def names(self) -> list[Name]:
        """Those of all tables that are followed."""
        with self.moved:
            return [(f.table.schema, f.table.name) for f in self._followed.values()]

    def look(self) -> None:
        """What is loaded at all may have changed."""
        if self.reconcile is not None:
            self.reconcile()

    def came(self, born: int | None) -> None:
        """The stream comes, from a file begun at that time."""
        place = self._place
        assert place is not None
        if place.born not in (None, born):
            self._lose_all("the backend's binary log was begun anew")
            self._place = None
            raise BeginAnew
        place.born = born
        self.is_live = True
        self._arrive(place)

    def behind(self, since: float | None) -> None:
        """From when on there is something to apply; None: nothing is."""
        if since is None or self._behind_since is None:
            self._behind_since = since

    def commit(
        self, position: Position, gtids: GtidSet | None, born: int | None
    ) -> None:
        """Keep the changes made, up to this position."""
        assert self._place is not None
        place = _Place(self._place.uuid, position, gtids, born)
        tables = self._table_states()
        try:
            changed = self._applier.commit(self._state(place), tables)
        except BaseException:
            self._dirty = self._dirty or tables is not None
            raise
        self._saved_at = time.monotonic()
        made = 0
        for followed, more, some in changed:
            found = self._tables.find(followed.table.schema, followed.table.name)
            if found is not None:
                self._tables.change(followed.table, rows=found.rows + more)
            made += some
        self.changes += made
        if self.count is not None:
            self.count("rapid_changes_applied", made)
        self._arrive(place)

    def advance(
        self, position: Position, gtids: GtidSet | None, born: int | None
    ) -> None:
        """Nothing has changed up to this position."""
        assert self._place is not None
        self._arrive(_Place(self._place.uuid, position, gtids, born))
        is_late = time.monotonic() - self._saved_at > SAVED_EVERY_S
        if self._dirty or (is_late and (self._followed or self._kept)):
            self._save()

    def _arrive(self, place: _Place) -> None:
        with self.moved:
            self._place = place
            if self.applied is None or self.applied < place.position:
                self.applied = place.position
            for followed in self._followed.values():
                if not followed.live and followed.goal <= place.position:
                    followed.live = True
            self.moved.notify_all()

    # --- where to begin ---------------------------------------------------------------

    def _begin(self, server: Source) -> Position | GtidSet:
        """Take in tables that join, and find where the stream is to begin."""
        with self.moved:
            place = self._place
            begin: Position | GtidSet = server.end
            if place is None or not (self._followed or self._kept):
                place = _Place(server.uuid, server.end, server.gtids)
                self.applied = server.end
            elif place.uuid != server.uuid:
                begin = self._change_server(place, server)
                place = _Place(server.uuid, START, place.gtids)
                if isinstance(begin, Position):
                    place = _Place(server.uuid, server.end, server.gtids)
                self.applied = place.position
            elif not self._is_same_binlog(place, server):
                self._lose_all("the backend's binary log is not what it was")
                place = _Place(server.uuid, server.end, server.gtids)
                self.applied = server.end
            self._admit(place)
            self._place = place
            if isinstance(begin, Position):
                begin = min(
                    [place.position, *(f.since for f in self._followed.values())]
                )
                if begin.file != place.position.file:
                    place.born = None
                place.position = begin
            self._contacted = True
            self.moved.notify_all()
        if self._dirty:
            self._save()
        return begin

    def _change_server(self, place: _Place, server: Source) -> Position | GtidSet:
        """Another server: its transactions are known by their GTIDs, or not at all."""
        for followed in [f for f in self._followed.values() if not f.live]:
            self.spoil(followed, "the backend is another server now")
        gtids = place.gtids
        if gtids is None or not server.has_gtids or not gtids.is_within(server.gtids):
            self._lose_all("the backend is another server now")
            return server.end
        log.info("the backend is another server now: going on behind what is applied")
        for followed in self._followed.values():
            followed.since = followed.exact = START
        self._kept = dict.fromkeys(self._kept, (START, START))
        return gtids

    def _is_same_binlog(self, place: _Place, server: Source) -> bool:
        """Whether this server's binlog still has what was applied."""
        ends = [place.position, *(since for since, _ in self._kept.values())]
        ends += [followed.since for followed in self._followed.values()]
        if max(ends) > server.end:
            return False
        return place.gtids is None or place.gtids.is_within(server.gtids)

    def _admit(self, place: _Place) -> None:
        """Tables that join do so where the stream begins anew."""
        applied = self.applied or place.position
        if self._joining:
            self._prepared.forget_all()
        for followed in self._joining:
            followed.goal = max(followed.goal, applied)
            self._followed[followed.table.engine_name] = followed
            self._dirty = True
            rows = self._count_rows(followed.table)
            self._tables.change(followed.table, rows=rows)
        self._joining.clear()

    def _count_rows(self, table: LoadedTable) -> int:
        name = table.engine_name.replace('"', '""')
        query = self._engine.run(f'SELECT count(*) FROM "{name}"')
        try:
            return int(query.reader.read_all().column(0)[0].as_py())
        finally:
            query.close()

    def _lose(self, position: Position, message: str) -> None:
        """The server has no binlog from there on any more."""
        reason = f"the backend's binary log has been purged ({message})"
        with self.moved:
            late = [
                followed
                for followed in self._followed.values()
                if not followed.live and followed.since <= position
            ]
        if not late:
            self._lose_all(reason)
            with self.moved:
                self._place = None
        for followed in late:
            self.spoil(followed, reason)

    def _lose_all(self, reason: str) -> None:
        log.warning("changes have been missed: %s", reason)
        self._kept.clear()
        for followed in list(self._followed.values()):
            self.spoil(followed, reason)

    def spoil(self, followed: Followed, reason: str) -> None:
        """A table cannot be followed any more: it is STALE."""
        table = followed.table
        with self.moved:
            if followed.failure is not None:
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
            followed.failure = reason
            self._followed.pop(table.engine_name, None)
            self._dirty = True
            self.moved.notify_all()
        if self.count is not None:
            self.count("rapid_stale", 1)
        if self.reload is not None and followed.live:
            self.reload(table)

    # --- what is remembered -----------------------------------------------------------

    def _restore(self) -> None:
        """Read where an earlier process was."""
        state, tables = self._engine.remembered()
        if not state:
            return
        kept = json.loads(state)
        position = Position(*kept["position"])
        gtids = None if kept["gtids"] is None else GtidSet.parse(kept["gtids"])
        self._place = _Place(kept["uuid"], position, gtids, kept["born"])
        self.applied = position
        for name, text in tables.items():
            table = json.loads(text)
            since, exact = Position(*table["since"]), Position(*table["exact"])
            if table["live"]:
                since = max(since, position)
            self._kept[name] = since, exact

    def _state(self, place: _Place) -> str:
        gtids = None if place.gtids is None else place.gtids.text()
        position = (place.position.file, place.position.offset)
        state = {
            "uuid": place.uuid,
            "position": position,
            "gtids": gtids,
            "born": place.born,
        }
        return json.dumps(state)

    def _table_states(self) -> dict[str, str] | None:
        """What is followed, if that is not what is remembered."""
        with self.moved:
            if not self._dirty:
                return None
            self._dirty = False
            found = {
                name: (followed.since, followed.exact, True)
                for name, followed in self._followed.items()
            }
            for name, (since, exact) in self._kept.items():
                found[name] = (since, exact, False)
        return {
            name: json.dumps(
                {
                    "since": (since.file, since.offset),
                    "exact": (exact.file, exact.offset),
                    "live": live,
                }
            )
            for name, (since, exact, live) in found.items()
        }

    def _save(self) -> None:
        """Remember where the stream is, though no rows have changed."""
        assert self._place is not None
        tables = self._table_states()
        try:
            self._applier.commit(self._state(self._place), tables)
        except BaseException:
            self._dirty = self._dirty or tables is not None
            raise
        self._saved_at = time.monotonic()
