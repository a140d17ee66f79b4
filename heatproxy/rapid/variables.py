"""RAPID's system variables, which MySQL does not have: their values, per scope.

They are accepted with the values that HeatWave allows, and shown. None changes what the
engine does: DuckDB compresses what it holds and spills what does not fit by itself.

Source: HeatWave User Guide, "System Variables"; MySQL Reference Manual, "SET Syntax for
Variable Assignment".
"""

import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heatproxy.errors import (
    wrong_type_for_variable,
    wrong_value_for_variable,
)

log = logging.getLogger(__name__)

PERSISTED_FILE = "rapid_variables.json"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; ``words`` are an enumeration's, ``bounds`` an integer's."""

    name: str
    default: str
    words: Sequence[str] = ()
    bounds: tuple[int, int] | None = None
    is_global: bool = True
    is_session: bool = True
    read_only: bool = False

    @property
    def is_integer(self) -> bool:
        return self.bounds is not None

    def convert(self, value: str | None, *, is_number: bool) -> str:
        """What the variable is when it is set to a value, given as text.

        ``is_number``: it came as an integer. One out of bounds becomes the nearest.

        Raises:
            MySQLError: 1231 or 1232, as MySQL says of such a value.
        """
        if value is None:
            raise wrong_value_for_variable(self.name, "NULL")
        if self.bounds is not None:
            if not is_number:
                raise wrong_type_for_variable(self.name)
            low, high = self.bounds
            return str(min(max(int(value), low), high))
        if is_number:
            index = int(value)
            if not 0 <= index < len(self.words):
                raise wrong_value_for_variable(self.name, value)
            return self.words[index]
        for word in self.words:
            if word.lower() == value.lower():
                return word
        raise wrong_value_for_variable(self.name, value)


_ALL = (
    Variable(
        "rapid_bootstrap",
        "ON",
        words=("OFF", "IDLE", "ON", "SUSPENDED"),
        is_session=False,
        read_only=True,  # the engine is there as long as heatproxy is
    ),
    Variable("rapid_compression", "AUTO", words=("OFF", "ON", "AUTO")),
    Variable(
        "rapid_execution_strategy",
        "MIN_RUNTIME",
        words=("MIN_RUNTIME", "MIN_MEM_CONSUMPTION"),
    ),
    Variable(
        "rapid_stats_cache_max_entries",
        "65536",
        bounds=(0, 1_048_576),
        is_session=False,
    ),
)
VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in _ALL}


@dataclass(slots=True)
class SessionState:
    """What RAPID remembers of one client session, until it is reset."""

    variables: dict[str, str] = field(default_factory=dict)  # those that were set
    offloaded: int = 0
    scanned_bytes: int = 0

    def forget(self) -> None:
        """The session was reset."""
        self.variables.clear()
        self.offloaded = self.scanned_bytes = 0


class GlobalVariables:
    """The global values; those that SET PERSIST has set outlive the process."""

    def __init__(self, path: Path | None = None) -> None:
        """``path`` is the file for the persisted ones, which need not exist."""
        self._lock = threading.Lock()
        self._path = path
        self._persisted: dict[str, str] = {}
        if path is not None and path.exists():
            try:
                kept = dict(json.loads(path.read_text()))
            except ValueError:
                log.error("%s cannot be read: no value in it counts", path)
                kept = {}
            self._persisted = {n: str(v) for n, v in kept.items() if n in VARIABLES}
        self._values = dict(self._persisted)

    def get(self, name: str) -> str:
        return self._values.get(name, VARIABLES[name].default)

    def set(self, name: str, value: str | None) -> None:
        """Set one from now on; None is the default."""
        with self._lock:
            _set(self._values, name, value)

    def persist(self, name: str, value: str | None) -> None:
        """Set one for the processes that come after this one."""
        with self._lock:
            _set(self._persisted, name, value)
            if self._path is not None:
                written = self._path.with_suffix(".new")
                written.write_text(json.dumps(self._persisted))
                os.replace(written, self._path)


def _set(values: dict[str, str], name: str, value: str | None) -> None:
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def shown(
    session: SessionState, globals_: GlobalVariables, *, only_global: bool
) -> dict[str, str]:
    """What SHOW VARIABLES says of them; SHOW GLOBAL VARIABLES, with ``only_global``."""
    return {
        name: globals_.get(name)
        if only_global or not variable.is_session
        else session.variables.get(name, globals_.get(name))
        for name, variable in VARIABLES.items()
    }
