"""Whether RAPID may answer a statement: what the session and the tables say to it.

A refusal is never an error of the statement: MySQL answers it instead. Under
use_secondary_engine=FORCED it is one, in HeatWave's words.

Source: HeatWave User Guide, "Query Offload"; lakehouse.md, 3.2 and 3.3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.rapid.tables import LoadedTable, LoadStatus
from heatproxy.sql.hints import ENGINE, SWITCHES, THRESHOLD, Hints

NO_LIMIT = "18446744073709551615"
COST_EXPLAINED = (
    "The estimated query cost does not exceed secondary_engine_cost_threshold."
)
FAILED = "Secondary engine operation failed. Reason: "


class Cause(Enum):
    """The class of a refusal, as metrics count it."""

    OFF = "off"
    COST = "cost"
    RULE = "no rule"
    SESSION = "session"
    TRANSACTION = "transaction"
    NOT_LOADED = "not loaded"
    STALE = "stale"
    BEHIND = "behind"
    TRAP = "trap"
    ENGINE = "engine"
    WARNING = "warning"
    ERROR = "error"


# The same statement, whatever its literals, would be refused again.
_LASTING = (Cause.OFF, Cause.COST, Cause.RULE, Cause.SESSION, Cause.WARNING)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why MySQL answers a statement; ``words`` are for people.

    ``cost`` and ``threshold`` are MySQL's, where they decided.
    """

    cause: Cause
    words: str
    cost: float | None = None
    threshold: float | None = None

    @property
    def is_lasting(self) -> bool:
        return self.cause in _LASTING

    def error(self) -> MySQLError:
        """What the client is told where RAPID is FORCED: 3877 or 3889."""
        if self.cause is Cause.NOT_LOADED:
            return secondary_engine("Table has not been loaded")
        return MySQLError(3889, "HY000", f'{FAILED}"{self.words}".')


@dataclass(slots=True)
class Notes:
    """What a client's session is remembered by, from one statement to the next.

    ``counts_lost``: FLUSH STATUS may have reset the count of tables it created.
    ``explained`` is what the optimizer trace of its last statement is to say.
    ``is_weighed``: the cost of a statement is likely to decide.
    """

    counts_lost: bool = False
    is_weighed: bool = True
    explained: Refusal | None = None


# What is asked of a session before it is decided, in this order; DATABASE() follows.
ASKED = (
    *("sql_mode", "time_zone", "system_time_zone", "div_precision_increment"),
    *("collation_connection", "group_concat_max_len", "sql_select_limit"),
    *("max_execution_time", "lc_time_names", ENGINE, THRESHOLD),
    *("transaction_isolation", "character_set_client", "character_set_results"),
    *("sql_auto_is_null", "max_sort_length", "windowing_use_high_precision"),
    *("default_week_format", "binlog_format", "optimizer_trace", "explain_format"),
    SWITCHES,
)
ASKS = ", ".join([*(f"@@{name}" for name in ASKED), "DATABASE()"])


@dataclass(frozen=True, slots=True)
class Settings:
    """The session's variables, as a statement's hints leave them."""

    values: Mapping[str, str | None]
    schema: str | None

    @classmethod
    def of(cls, row: Sequence[str | None], hints: Hints) -> "Settings":
        """From the answer to ``SELECT`` ASKS."""
        values = dict(zip(ASKED, row, strict=False)) | dict(hints.variables)
        values["hint"] = hints.problem
        if hints.max_execution_ms is not None:
            values["max_execution_time"] = str(hints.max_execution_ms)
        return cls(values, row[-1])

    def __getitem__(self, name: str) -> str:
        return self.values.get(name) or ""

    @property
    def engine(self) -> str:
        """OFF, ON or FORCED."""
        said = self[ENGINE].upper()
        return {"0": "OFF", "1": "ON", "2": "FORCED"}.get(said, said)

    @property
    def threshold(self) -> float:
        try:
            return max(0.0, float(self[THRESHOLD]))
        except ValueError:
            return float("inf")

    @property
    def time_zone(self) -> str:
        """The session's, with what the server calls its own in place of SYSTEM."""
        zone = self["time_zone"]
        return self["system_time_zone"] if zone == "SYSTEM" else zone

    @property
    def select_limit(self) -> int | None:
        """That of sql_select_limit, if any."""
        limit = self["sql_select_limit"]
        return None if limit in (NO_LIMIT, "") else int(limit)

    def of_rows_to_store(self) -> "Settings":
        """As they count where the rows go into a table.

        Source: MySQL Reference Manual, "Server System Variables", sql_select_limit.
        """
        return Settings({**self.values, "sql_select_limit": NO_LIMIT}, self.schema)

    @property
    def key(self) -> tuple[str | None, ...]:
        """All that a translation may depend on."""
        return (*self.values.values(), self.schema)

    def oddity(self) -> str | None:
        """What no rule of the translation takes into account, by its name."""
        if self.values.get("hint"):
            return f"the hint {self['hint']}"
        for name, usual in _USUAL.items():
            if self.values.get(name) not in (usual, None):
                return f"{name} other than {usual}"
        return None


_USUAL = {
    "sql_auto_is_null": "0",
    "windowing_use_high_precision": "1",
    "lc_time_names": "en_US",
    "default_week_format": "0",
}


def of_session(
    settings: Settings, *, is_open: bool, may_be_open: bool
) -> Refusal | None:
    """What the session's state says; ``is_open``: a transaction, or autocommit off."""
    if settings.engine == "OFF":
        return Refusal(Cause.OFF, "use_secondary_engine is OFF")
    if is_open and not may_be_open:
        words = "Query is part of a multi-statement transaction, which is not "
        return Refusal(Cause.TRANSACTION, words + "supported in secondary engines.")
    isolation = settings["transaction_isolation"]
    if isolation == "READ-UNCOMMITTED":
        return Refusal(Cause.SESSION, "transaction_isolation is READ-UNCOMMITTED")
    if is_open and isolation != "READ-COMMITTED":
        words = "A transaction keeps its snapshot unless it is READ-COMMITTED"
        return Refusal(Cause.TRANSACTION, words)
    if oddity := settings.oddity():
        return Refusal(Cause.SESSION, oddity)
    return None


def of_cost(settings: Settings, cost: float) -> Refusal | None:
    """What MySQL's own estimate says."""
    threshold = settings.threshold
    if cost > threshold:
        return None
    return Refusal(Cause.COST, COST_EXPLAINED, cost, threshold)


def of_table(table: LoadedTable) -> Refusal | None:
    """What a table's state says."""
    if table.is_available:
        return None
    name = f"{table.schema}.{table.name}"
    if table.status is LoadStatus.STALE:
        why = f": {table.problem}" if table.problem else ""
        return Refusal(Cause.STALE, f"Table {name} is stale{why}")
    why = f": {table.problem}" if table.problem else ""
    state = table.status.name.replace("_", " ").lower()
    return Refusal(Cause.NOT_LOADED, f"Table {name} is {state}{why}")
