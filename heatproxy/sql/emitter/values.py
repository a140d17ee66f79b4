"""What the emitter works with: typed DuckDB expressions and the facts around them.

A ``Value`` is one SQL expression in DuckDB's words with what MySQL would say of
its type. Whatever has no rule raises ``Forward``: MySQL answers the statement.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from sqlglot import exp

from heatproxy.datatypes import MySQLType
from heatproxy.sql.collation import PRINTABLE, CollationWeights

Kind = Literal[
    "int",
    "decimal",
    "double",
    "float",
    "string",
    "date",
    "datetime",
    "timestamp",
    "time",
    "year",
    "enum",
    "set",
    "json",
    "bit",
    "binary",
    "null",
]
TEMPORAL = ("date", "datetime", "timestamp")
MAX_WIDTH = 38  # digits of DuckDB's widest DECIMAL
LONGEST_SQL = 60_000  # traps repeat their operand; deep nests are MySQL's


class Forward(Exception):
    """The statement is MySQL's to answer; the message is the construct's name."""


class Unanswered(Exception):
    """Constant expressions that MySQL must be asked about before going on.

    ``texts`` are expressions in MySQL's own SQL. The caller evaluates them on the
    client's session and translates again with their Constants.
    """

    def __init__(self, texts: tuple[str, ...]) -> None:
        super().__init__(", ".join(texts))
        self.texts = texts


@dataclass(frozen=True, slots=True)
class Constant:
    """What MySQL said of one constant expression: its value and its column.

    ``text`` is the value as the text protocol has it (None: NULL), bytes because it
    may be binary; the rest is its column definition. ``problem`` is the error or the
    warning that evaluating it gave: such an expression is MySQL's alone.
    """

    text: bytes | None
    type: int  # FIELD_TYPE
    charset: int
    length: int
    decimals: int
    unsigned: bool
    problem: str | None = None


Exactness = Literal["strict", "sql", "heatwave"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How exact an answer must be, and the constructs that are switched off.

    ``exactness`` is the setting rapid.exactness; names in ``switched_off`` are those
    of functions and clauses, in upper case, as Forward names them.
    """

    exactness: Exactness = "sql"
    switched_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EngineColumn:
    """A loaded column; ``ascii`` and ``clean`` are the engine's facts of its text.

    ``key`` is the engine's column that holds MySQL's WEIGHT_STRING of each value, a
    BLOB: it is equal, and in order, exactly where the values are.
    """

    type: MySQLType
    nullable: bool = True
    collation: str | None = None
    ascii: bool = False
    clean: bool = False
    key: str | None = None
    refusal: str | None = None  # why no query may read it: NOT SECONDARY, ...
    alphabet: str | None = None  # all ASCII characters of its text, if known
    blank_ended: bool = True  # whether a text may end in a blank
    longest: int | None = None  # in characters
    values: tuple[str, ...] | None = None  # all its texts, where they are few
    visible: bool = True  # to *


@dataclass(frozen=True, slots=True)
class EngineTable:
    """A loaded table: its MySQL name, and the name the engine holds it under."""

    schema: str
    name: str
    engine_name: str
    columns: Mapping[str, EngineColumn]
    unique: tuple[tuple[str, ...], ...] = ()  # NOT NULL columns no two rows share


@dataclass(frozen=True, slots=True)
class EngineView:
    """A view of loaded tables: VIEW_DEFINITION, which qualifies every name.

    ``columns`` are its columns' names, in order. The literals of its text have
    ``collation``, the collation_connection it was made under.
    """

    schema: str
    name: str
    text: str
    columns: tuple[str, ...]
    collation: str


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The session variables that change what an expression means."""

    sql_mode: str = "ONLY_FULL_GROUP_BY"
    time_zone: str = "+00:00"  # SYSTEM must be resolved by the caller
    div_precision_increment: int = 4
    collation_connection: str = "utf8mb4_0900_ai_ci"
    group_concat_max_len: int = 1024
    max_sort_length: int = 1024
    lc_time_names: str = "en_US"
    default_week_format: int = 0
    switches: str = ""  # optimizer_switch
    wide_decimals: bool = False  # after an overflow: all products in 128 bits
    sql_select_limit: int | None = None  # of rows of a SELECT without LIMIT
    constants: Mapping[str, Constant] = field(default_factory=dict)  # by their text
    policy: Policy = Policy()


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """What the emitter believes MySQL says of one output column.

    ``scale`` is the number of fraction digits of a DECIMAL or temporal value, None
    for a DOUBLE (31 in a column definition). Of YEAR(), which PREPARE calls YEAR
    and a result from a temporary table LONGLONG, ``kind`` is "year".
    """

    kind: Kind
    unsigned: bool
    precision: int
    scale: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """What is known of the text that the expression ``sql`` gives, and of no other.

    ``key``: the expression of its collation key. ``alphabet``: all ASCII characters
    it may have. ``blank_ended``: whether it may end in a blank. ``longest`` in
    characters. ``place``: of JSON, the document's expression and that of the path.
    ``padded``: it is a CHAR, which MySQL stores with blanks behind it. ``made``: it is
    a part of another text, and no column's. ``stored``: of a DECIMAL, a column's own.
    """

    sql: str
    key: str | None = None
    alphabet: frozenset[str] | None = None
    blank_ended: bool = True
    longest: int | None = None
    place: tuple[str, str] | None = None
    padded: bool = False
    made: bool = False
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A DuckDB expression and MySQL's view of it.

    A DECIMAL's ``sql`` has ``digits`` fraction digits; MySQL shows ``scale`` of
    them, fewer only for AVG. ``mixed`` marks a CASE whose branches differ in
    scale: each row prints its own. ``predicate`` means that ``sql`` is BOOLEAN.
    """

    sql: str
    kind: Kind
    precision: int = 0  # of a string the characters it may have, 0 if unknown
    scale: int = 0
    hidden: int | None = None
    held: int = 0  # digits of DuckDB's DECIMAL, where fewer than MySQL's precision
    unsigned: bool = False
    wide: bool = False  # BIGINT UNSIGNED, beyond int64
    mixed: bool = False
    predicate: bool = False
    nullable: bool = True
    collation: str | None = None  # None: a literal, which takes the other side's
    ascii: bool = False
    clean: bool = False
    texts: frozenset[str] | None = None  # every value it can have, when few are known
    literal: str | None = None
    members: tuple[str, ...] = ()  # enum, set
    written: Written | None = None  # holds for its own sql only
    explicit: bool = False  # the collation is that of a COLLATE clause
    most: int = 0  # an int is no farther from 0, as far as is known; 0: see bound

    @property
    def text(self) -> Written | None:
        """What is known of its text. Another ``sql`` makes it unknown."""
        known = self.written
        return known if known is not None and known.sql == self.sql else None

    @property
    def key(self) -> str | None:
        """The expression of its collation key; see ``keyed``."""
        return None if self.text is None else self.text.key

    @property
    def alphabet(self) -> frozenset[str] | None:
        """All ASCII characters it may have, if that is known."""
        if self.literal is not None and self.kind == "string":
            return frozenset(char for char in self.literal if char < "\x80")
        if self.text is not None and self.text.alphabet is not None:
            return self.text.alphabet
        return frozenset(PRINTABLE) if self.ascii else None

    @property
    def blank_ended(self) -> bool:
        """Whether its text may end in a blank."""
        if self.literal is not None:
            return self.literal.endswith(" ")
        return self.text is None or self.text.blank_ended

    @property
    def digits(self) -> int:
        return self.scale if self.hidden is None else self.hidden

    @property
    def width(self) -> int:
        """The digits of the DECIMAL that ``sql`` is."""
        return self.held or self.precision - self.scale + self.digits

    @property
    def whole_digits(self) -> int:
        return self.precision - self.scale

    @property
    def bound(self) -> int:
        """How far from 0 an int may be."""
        if self.literal is not None and self.literal.lstrip("-").isdigit():
            return abs(int(self.literal))
        return self.most or 10 ** (self.precision or 20)

    @property
    def is_exact(self) -> bool:
        return self.kind in ("int", "decimal")

    @property
    def is_approximate(self) -> bool:
        return self.kind in ("double", "float")


class Context(Protocol):
    """What a rule may ask of the emitter that runs it."""

    weights: CollationWeights
    session: SessionFacts
    nonzero: set[str]  # the SQL of what is not 0 where the node in hand is evaluated

    def value(self, node: exp.Expr) -> Value:
        """The expression's Value. Raises Forward."""
        ...


TRAP = "'heatproxy: "  # what the SQL of a trap has in it
_UNABLE = "'heatproxy, "


def trap(condition: str, reason: str, sql: str) -> str:
    """``sql``, which aborts the query with ``reason`` where ``condition`` holds.

    For what MySQL has a warning or an error for. It is a cast that fails: error() is
    volatile, which DuckDB takes neither in a window's keys nor in a subquery that it
    is to decorrelate.
    """
    return _stop(TRAP, condition, reason, sql)


def unable(condition: str, reason: str, sql: str) -> str:
    """As ``trap``, for a value that MySQL would give: the engine need not see it."""
    return _stop(_UNABLE, condition, reason, sql)


def failing(sql: str, reason: str) -> str:
    """``sql``, which fails of itself for the rows that MySQL has an error for.

    The engine may leave out what it knows the outcome of: b + 1 is NULL where b is,
    and b + 1 > 0 where b > -1. Of greatest() it knows nothing.
    """
    return f"greatest(/* {TRAP}{reason}' */ {sql})"


def _stop(mark: str, condition: str, reason: str, sql: str) -> str:
    stop = f"CASE WHEN {condition} THEN {mark}{reason}' ELSE 'false' END"
    return f"CASE WHEN CAST({stop} AS BOOLEAN) THEN NULL ELSE {sql} END"


def keyed(value: Value, key: str | None) -> Value:
    """The value with the expression of its collation key, a BLOB.

    Whoever replaces ``sql`` afterwards makes it a value without a key.
    """
    known = value.text or Written(value.sql)
    return replace(value, written=replace(known, key=key))


def moved(value: Value, sql: str, key: str | None = None) -> Value:
    """The same texts under another name, or some of them; with their key there."""
    known = value.text or Written(sql)
    written = replace(known, sql=sql, key=key)
    return replace(value, sql=sql, written=written, literal=None)


def wrapped(value: Value, form: str) -> Value:
    """The value and its key in a form such as ``any_value({})``, which picks one."""
    key = None if value.key is None else form.replace("{}", value.key, 1)
    return moved(value, form.replace("{}", value.sql, 1), key)


def plain(value: Value) -> Value:
    """The value, a predicate turned into MySQL's 0 and 1."""
    if not value.predicate:
        return value
    return Value(f"CAST({value.sql} AS BIGINT)", "int", precision=1)


def decimal(sql: str, precision: int, scale: int, hidden: int | None = None) -> Value:
    """``sql`` cast to the DECIMAL that MySQL's precision and scale ask for."""
    digits = scale if hidden is None else hidden
    width = min(MAX_WIDTH, max(precision - scale, 1) + digits)
    if digits > 30 or digits >= MAX_WIDTH:
        raise Forward("a DECIMAL of more than 30 fraction digits")
    return Value(
        f"CAST({sql} AS DECIMAL({width},{digits}))",
        "decimal",
        precision=min(65, precision),
        scale=scale,
        hidden=hidden,
    )


def offset_us(zone: str) -> int:
    """How many microseconds a time zone is ahead of UTC, always.

    Raises:
        Forward: the zone has a name, and so perhaps summer time.
    """
    match = re.fullmatch(r"([+-])(\d\d?):(\d\d)", "+00:00" if zone == "UTC" else zone)
    if match is None:
        raise Forward("a time zone that is no fixed offset")
    size = (int(match[2]) * 60 + int(match[3])) * 60_000_000
    return -size if match[1] == "-" else size
