"""How far the load of a Lakehouse table is: in SHOW PROCESSLIST and in rpd_tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from heatproxy.backend.shells import Shell
from heatproxy.datatypes import Column
from heatproxy.house import House
from heatproxy.rapid.rapid import FileLoad
from heatproxy.session import Session

_TOLD_EVERY = 0.01  # of the files
_FETCHED_EVERY = 16 << 20


@contextmanager
def being_loaded(
    house: House, fresh: Shell, columns: tuple[Column, ...]
) -> Iterator[None]:
    """Meanwhile rpd_tables calls the table one that is being loaded."""
    name = fresh.schema, fresh.table
    names = tuple(column.name for column in columns)
    load = FileLoad(fresh.engine_name, names, datetime.now(UTC).replace(tzinfo=None))
    house.rapid.file_loads[name] = load
    try:
        yield
    finally:
        house.rapid.file_loads.pop(name, None)


class Fetched:
    """How many bytes have come so far."""

    def __init__(self, session: Session, shell: Shell) -> None:
        self._watch, self._name = session.watch, shell.name
        self._bytes = self._shown = 0

    def __call__(self, size_bytes: int) -> None:
        self._bytes += size_bytes
        if self._bytes >= self._shown + _FETCHED_EVERY:
            self._shown = self._bytes
            mebibytes = self._bytes >> 20
            self._watch.doing = f"fetching files of {self._name}: {mebibytes} MiB"


class Read:
    """How much of the files has been read."""

    def __init__(self, session: Session, shell: Shell, total_bytes: int) -> None:
        self._watch, self._shell = session.watch, shell
        self._load = session.house.rapid.file_loads.get((shell.schema, shell.table))
        self._total, self._read, self._shown = total_bytes, 0, 0.0

    def __call__(self, size_bytes: int) -> None:
        self._read += size_bytes
        share = min(self._read / max(self._total, 1), 1.0)
        if share < self._shown + _TOLD_EVERY:
            return
        self._shown = share
        self._watch.doing = f"loading {self._shell.name}: {share:.0%}"
        if self._load is not None:
            self._load.progress = round(100 * share, 2)
