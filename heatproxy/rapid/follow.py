"""The follower: RAPID's tables change as the backend's binary log says.

A thread reads the one stream of the binlog and applies it, from where ``Progress``
says; a restart goes on from there.

What cannot be followed makes a table STALE: it is loaded again, and queries go to MySQL
meanwhile. Sessions with ``sql_log_bin = 0`` write nothing into the binlog; what they
change cannot be known here.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

import duckdb
import pymysql

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.dump import Dump, obstacle, source
from heatproxy.engine import DuckDB
from heatproxy.engine.facts import Listen
from heatproxy.errors import MySQLError, ProtocolError, interrupted, secondary_engine
from heatproxy.rapid.apply import Applier, Followed, Spoilt, Texts
from heatproxy.rapid.feed import Feed
from heatproxy.rapid.keys import Keys
from heatproxy.rapid.members import START, Members
from heatproxy.rapid.progress import BeginAnew, Progress
from heatproxy.rapid.tables import LoadedTable, LoadedTables
from heatproxy.wire import binlog_columns
from heatproxy.wire.binlog import Position
from heatproxy.wire.binlog_stream import Stream

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0  # between attempts to reach the backend
ANSWERS_WITHIN_S = 60.0
# Within which the first attempt has ended; on a busy machine the kernels that are
# compiled before it take their time.
CONTACT_S = 300.0
STOPS_WITHIN_S = 0.2
NO_LONGER_THERE = 1236  # the binlog asked for has been purged


class Follower:
    """The thread, from ``start`` to ``stop``. Safe from any other.

    Attributes:
        problem: why changes cannot be followed at all, in words; None if they can.
        reconcile: called when what is loaded at all may have changed. It must return at
            once, and so must
        look_again: called when views may have changed.
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
        self.reconcile: Callable[[], None] | None = None
        self.look_again: Callable[[], None] | None = None
        self.members = Members(tables)
        self.moved = self.members.moved  # what other threads wait for
        self._address, self._server_id, self._keys = address, server_id, keys
        self._account = ServiceAccount(address, ANSWERS_WITHIN_S)
        self._applier = Applier(engine, keys, Texts(self._account.query))
        self._progress = Progress(engine, tables, self.members, self._applier)
        self._waiting = 0
        self._contacted = self._stopping = self._doubted = False
        self._wakes, self._woken = socket.socketpair()
        self._wakes.setblocking(False)
        self._woken.setblocking(False)
        self._dump: Dump | None = None
        self._compiled: threading.Event | None = None
        self._thread = threading.Thread(
            target=self._run, name="heatproxy-follow", daemon=True
        )

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
        with self.moved:
            self._stopping = True
            self._progress.lose()
        self._wake()
        dump = self._dump
        if dump is not None:
            dump.close()
        if self._thread.is_alive():
            self._thread.join()
        self._account.close()
        self._wakes.close()
        self._woken.close()

    @property
    def reload(self) -> Callable[[LoadedTable], None] | None:
        """Called with a table that has become STALE; it must return at once."""
        return self.members.reload

    @reload.setter
    def reload(self, told: Callable[[LoadedTable], None] | None) -> None:
        self.members.reload = told

    @property
    def server(self) -> str | None:
        """The UUID of the server whose binlog ``applied`` is a place in."""
        place = self._progress.place
        return None if place is None else place.uuid

    @property
    def applied(self) -> Position | None:
        """Up to where every live table has everything; None if not known."""
        return self._progress.applied

    @property
    def is_live(self) -> bool:
        """Whether the stream comes."""
        return self._progress.is_live

    @property
    def is_coming(self) -> bool:
        """Whether it does, or will in a moment: it is just beginning anew."""
        return self._progress.is_coming

    @property
    def changes(self) -> int:
        """How many rows have been applied."""
        return self._progress.changes

    @property
    def lag_s(self) -> float:
        """How long ago the oldest change came that has not been applied; else 0."""
        return self._progress.lag_s

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
        server: str | None = None,
    ) -> None:
        """Follow a table the engine holds; returns when it is as fresh as the others.

        The table has everything up to ``since``, and if ``exact`` nothing of what is
        behind that. Otherwise it may have some of it, up to ``until``; only a table
        with a primary key can. ``server`` is the UUID of whose binlog these are places
        in, if that is known. Without ``since`` it is where it was left.

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
                known, doubtful = self.members.kept.pop(table.engine_name)
                server = self.server
            else:
                doubtful = known if exact or until is None else until
            goal = max(known, doubtful)
            followed = Followed(table, known, doubtful, goal, server=server)
            self.members.joining.append(followed)
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
        self.members.leave(table)
        if self._keys is not None:
            self._keys.forget(table)

    def positions(self) -> Mapping[str, Position]:
        """Of engine tables whose changes can be followed from where they were left."""
        with self.moved:
            self.moved.wait_for(lambda: self._contacted or self._stopping, CONTACT_S)
            return {name: since for name, (since, _) in self.members.kept.items()}

    def doubt(self) -> None:
        """The backend's binlog may not be what it was: begin anew, and see."""
        with self.moved:
            self._doubted = True
            self._progress.lose()
        self._wake()

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
        pause_s, said = FIRST_PAUSE_S, False
        while not self._stopping:
            try:
                self._have_compiled()
                self._follow()
                pause_s, said = FIRST_PAUSE_S, False
                continue
            except Spoilt as spoilt:
                self.members.spoil(spoilt.followed, spoilt.reason)
                continue
            except (pymysql.MySQLError, MySQLError, ProtocolError, OSError) as lost:
                if self.is_live:
                    pause_s, said = FIRST_PAUSE_S, False
                if not self._stopping and not said:
                    log.warning("the backend's changes do not come: %s", lost)
                    said = True
            except duckdb.Error as problem:
                log.warning("changes cannot be applied: %s", problem)
            except Exception:
                log.exception("changes cannot be applied")
            finally:
                self._hang_up()
            with self.moved:
                self._progress.lose()
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
        self._progress.end()
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
                self._progress.lose()
                self.moved.wait_for(lambda: self._stopping, LONGEST_PAUSE_S)
            return
        with self.moved:
            self._doubted = False
        begin = self._progress.begin(source(dump.ask))
        with self.moved:
            self._contacted = True
            self.moved.notify_all()
        position = begin if isinstance(begin, Position) else START
        stream = Stream(position)
        slots = {}
        with self.moved:
            for followed in self.members.all():
                followed.slot = stream.follow(followed.since, followed.exact)
                slots[followed.slot] = followed
                followed.shape = None
        dump.start(begin)
        feed = Feed(
            *(self, self._progress, dump, stream, self._applier, slots, self._woken)
        )
        try:
            feed.go()
        except MySQLError as refused:
            if refused.number != NO_LONGER_THERE or "same server" in refused.message:
                raise
            reason = f"the backend's binary log has been purged ({refused.message})"
            if self.members.lose(position, reason):
                self._progress.place = None
        except BeginAnew:
            pass

    # --- for the feed -----------------------------------------------------------------

    @property
    def is_wanted(self) -> bool:
        """Whether the feed is to go on as it is."""
        return not (self.members.joining or self._stopping or self._doubted)

    @property
    def is_awaited(self) -> bool:
        """Whether a query, or a table that joins, waits for changes."""
        return bool(self._waiting)

    def look(self) -> None:
        """What is loaded at all may have changed."""
        if self.reconcile is not None:
            self.reconcile()

    def look_at_views(self) -> None:
        """A view has been defined or dropped."""
        if self.look_again is not None:
            self.look_again()
