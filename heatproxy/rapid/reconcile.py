"""The engine's tables follow the backend's dictionary, which says what is loaded.

A thread of its own compares the two: when heatproxy starts, and whenever the follower
of the binary log has seen that something may have changed. What the engine has and the
dictionary still describes is kept; what has changed is loaded again; what is no longer
loaded, or gone, is forgotten.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from heatproxy.errors import MySQLError, ProtocolError, interrupted
from heatproxy.rapid import origin
from heatproxy.rapid.describe import describe, flagged
from heatproxy.rapid.load import Loader
from heatproxy.rapid.tables import LoadedTable, LoadStatus

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0  # between attempts to reach the backend

Key = tuple[str, str]


class Reconciler:
    """Compares, in a thread, from ``start`` to ``stop``."""

    def __init__(self, loader: Loader) -> None:
        self._loader, self._tables = loader, loader.tables
        self._stopping = False
        self._told = threading.Event()
        self._stale: set[Key] = set()
        self._interrupts: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._run, name="heatproxy-reconcile", daemon=True
        )
        self._compared = threading.Event()

    def start(self) -> None:
        """Compare now, and whenever the loader's follower says so."""
        follower = self._loader.follower
        if follower is not None:
            follower.reload, follower.reconcile = self.reload, self.look
        self._told.set()
        self._thread.start()

    def stop(self) -> None:
        """End, and with it whatever is being loaded and the loader's connection."""
        self._stopping = True
        self._told.set()
        with self._lock:
            interrupts = tuple(self._interrupts)
        for interrupt in interrupts:
            interrupt()
        if self._thread.is_alive():
            self._thread.join()
        self._loader.close()

    def look(self) -> None:
        """Something may have been loaded or unloaded; returns at once."""
        self._told.set()

    def reload(self, table: LoadedTable) -> None:
        """The rows of a table are not to be used any more; returns at once."""
        with self._lock:
            self._stale.add((table.schema, table.name))
        self._told.set()

    def wait(self, timeout_s: float) -> bool:
        """Until the first comparison is over; whether it is."""
        return self._compared.wait(timeout_s)

    # --- the thread -------------------------------------------------------------------

    def _run(self) -> None:
        pause_s, restored = FIRST_PAUSE_S, False
        while not self._stopping:
            self._told.wait()
            self._told.clear()
            try:
                if not restored:
                    self._restore()
                    restored = True
                lost = self._compare()
            except (MySQLError, ProtocolError) as problem:
                log.warning("the loaded tables cannot be looked at: %s", problem)
                lost = True
            except Exception:
                log.exception("the loaded tables cannot be looked at")
                lost = True
            if self._stopping:
                return
            if lost:  # then again, a little later each time
                self._told.wait(pause_s)
                self._told.set()
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            self._compared.set()

    def _restore(self) -> None:
        """Take over what an earlier process has left in the engine."""
        loader, kept = self._loader, self._kept_positions()
        wanted = flagged(loader.ask)
        for engine_name, text in loader.engine.origins().items():
            if any(table.engine_name == engine_name for table in self._tables.all()):
                continue  # a statement was quicker
            table = None
            with contextlib.suppress(ValueError, KeyError):
                table = origin.from_json(text, engine_name, self._tables.new_id())
            is_kept = (
                table is not None
                and engine_name in kept
                and (table.schema, table.name) in wanted
                and self._tables.find(table.schema, table.name) is None
                and self._resume(table)
            )
            if not is_kept:
                loader.engine.drop(engine_name)

    def _kept_positions(self) -> set[str]:
        follower = self._loader.follower
        return set() if follower is None else set(follower.positions())

    def _resume(self, table: LoadedTable) -> bool:
        """Go on with a table from where an earlier process left it, if that can be."""
        loader = self._loader
        with loader.alone(table.schema, table.name, self._is_stopping):
            try:
                now = describe(loader.ask, table.schema, table.name)
            except MySQLError:
                return False
            if now is None or not origin.is_of(table, now):
                return False
            facts = loader.engine.facts(table.engine_name)
            self._tables.put(table)
            assert loader.follower is not None
            try:
                loader.follower.join(table, None, True, listen=self._listen)
            except (MySQLError, KeyError) as problem:
                log.info("%s.%s is loaded anew: %s", table.schema, table.name, problem)
                self._tables.remove(table)
                return False
            found = self._tables.find(table.schema, table.name)
            if found is not None and found.status is LoadStatus.RECOVERING:
                rows = found.rows or facts.rows
                self._tables.change(
                    table,
                    status=LoadStatus.AVAILABLE,
                    rows=rows,
                    bytes=facts.bytes,
                    progress=100.0,
                )
            self._tables.tell()
            return True

    def _compare(self) -> bool:
        """Load and unload until both agree; whether the backend was lost meanwhile."""
        loader = self._loader
        with self._lock:
            stale, self._stale = self._stale, set()
        wanted = flagged(loader.ask)
        for table in self._tables.all():
            if (table.schema, table.name) not in wanted:
                self._forget(table)
        lost = False
        for key in sorted(wanted):
            if self._stopping:
                break
            found = self._tables.find(*key)
            if found is None or key in stale or found.status in _TO_LOAD:
                try:
                    self._load(key)
                except ProtocolError as problem:
                    lost = True
                    self._fail(key, str(problem))
                except MySQLError as problem:
                    if not self._stopping:
                        self._fail(key, problem.message)
        return lost

    def _forget(self, table: LoadedTable) -> None:
        """Unload a table, unless a statement has just loaded it."""
        loader = self._loader
        with loader.alone(table.schema, table.name, self._is_stopping):
            found = self._tables.find(table.schema, table.name)
            if found is not None and not loader.is_flagged(table.schema, table.name):
                loader.unload(found)

    def _load(self, key: Key) -> None:
        """Load a table, unless a statement has done so."""
        loader = self._loader
        with loader.alone(*key, self._is_stopping):
            found = self._tables.find(*key)
            is_needed = found is None or found.status in _TO_LOAD
            if is_needed and loader.is_flagged(*key):
                loader.load(*key, self._listen, LoadStatus.RECOVERING)

    def _fail(self, key: Key, problem: str) -> None:
        """Leave word of a table that could not be loaded."""
        log.warning("%s.%s cannot be loaded: %s", *key, problem)
        if self._tables.find(*key) is None:
            number = self._tables.new_id()
            self._tables.put(
                LoadedTable(
                    number,
                    *key,
                    f"rapid.failed#{number}",
                    status=LoadStatus.RECOVERY_FAILED,
                    load_ended=datetime.now(UTC),
                    problem=problem,
                )
            )
            self._tables.tell()

    def _is_stopping(self) -> bool:
        return self._stopping

    def _listen(self, interrupt: Callable[[], None]) -> None:
        """Take what ends a load, for ``stop``."""
        if self._stopping:
            raise interrupted()
        with self._lock:
            self._interrupts = [*self._interrupts[-20:], interrupt]


_TO_LOAD = (LoadStatus.STALE, LoadStatus.RECOVERY_FAILED, LoadStatus.UNAVAILABLE)
