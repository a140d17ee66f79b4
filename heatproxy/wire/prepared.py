"""The prepared statements of a session that are ours: what must be kept of each.

MySQL holds them too, under the same id or name; it has checked them and will check
them again. Kept here is what an execution needs: the text, and what clients say once
or piece by piece, the types of the parameters and long data.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from heatproxy.errors import MySQLError, unknown_error, wrong_arguments
from heatproxy.wire.columns import ColumnDefinition

LONG_DATA_BYTES = 64 << 20

Kinds = Sequence[Hashable | None]


@dataclass(slots=True)
class History:
    """What kinds of values the parameters of a statement have had so far.

    MySQL types a parameter anew where a value of another kind comes, and keeps that for
    the executions behind it: a text after a number may be read as a number. So the
    engine, which takes every value for what it is, answers as long as the kinds stay.
    NULL has no kind, and changes none. ``kinds`` are those of all executions so far,
    ``mysqls`` those of the executions that MySQL has had; ``values`` are of ``kinds``.
    """

    kinds: Kinds | None = None
    mysqls: Kinds | None = None
    values: Sequence[Any] = ()
    is_mixed: bool = False
    last_is_first: bool = True

    def takes(self, kinds: Kinds, values: Sequence[Any]) -> bool:
        """Note an execution; whether each value means what it would the first time."""
        before = self.kinds or [None] * len(kinds)
        pairs = list(zip(before, kinds, strict=True))
        if any(old not in (None, new) and new is not None for old, new in pairs):
            self.is_mixed = True
        is_untyped = any(old is not None and new is None for old, new in pairs)
        self.last_is_first = not (self.is_mixed or is_untyped)
        if self.last_is_first:
            self.kinds, self.values = kinds, values
        return self.last_is_first

    def note_unseen(self, kinds: Kinds) -> None:
        """Note executions that MySQL has had; empty: of several kinds."""
        if self.kinds is not None:
            pairs = zip(self.kinds, kinds, strict=False)
            self.is_mixed |= any(old not in (None, new) for old, new in pairs)
        self.is_mixed |= not kinds
        if not self.is_mixed:
            self.kinds = self.mysqls = kinds

    def note_relayed(self) -> None:
        """Note that MySQL has the last execution."""
        self.mysqls = self.kinds

    def to_prime(self) -> Sequence[Any] | None:
        """Values that MySQL must have been given before the last execution, if any."""
        is_known = self.last_is_first or self.kinds == self.mysqls
        return None if is_known else self.values


@dataclass(slots=True)
class Prepared:
    """A statement that waits to be executed.

    ``columns`` are those of its result as MySQL prepared them, ``derived`` the types
    that it gave the parameters by where they stand; ``types`` the parameter
    types last bound, as COM_STMT_EXECUTE codes them, and ``told`` those that MySQL has
    been told of. ``optional``: MySQL can execute it as well.
    """

    text: bytes
    parameters: int
    columns: Sequence[ColumnDefinition] = ()
    derived: Sequence[int] = ()
    types: Sequence[int] | None = None
    told: Sequence[int] | None = None
    optional: bool = False
    history: History = field(default_factory=History)
    long_data: dict[int, bytearray] = field(default_factory=dict)
    problem: MySQLError | None = None  # of long data: told when it is executed

    def add_long_data(self, payload: bytes) -> None:
        """Take the payload of a COM_STMT_SEND_LONG_DATA, which gets no answer."""
        index = int.from_bytes(payload[5:7], "little")
        if len(payload) < 7 or index >= self.parameters:
            self.problem = wrong_arguments("mysqld_stmt_send_long_data")
            return
        held = self.long_data.setdefault(index, bytearray())
        if len(held) + len(payload) > LONG_DATA_BYTES:
            self.problem = unknown_error(
                "Parameter of prepared statement which is set through"
                " mysql_send_long_data() is longer than 64 MiB"
            )
            return
        held += memoryview(payload)[7:]

    def reset(self) -> None:
        """Forget the long data, as COM_STMT_RESET and every execution do."""
        self.long_data.clear()
        self.problem = None


class PreparedStatements:
    """A session's: by the id that the protocol gives, by the name that SQL gives."""

    def __init__(self) -> None:
        self.by_id: dict[bytes, Prepared] = {}  # 4 bytes, as packets have them
        self.by_name: dict[str, Prepared] = {}  # in lower case

    def forget(self) -> None:
        """The session was reset."""
        self.by_id.clear()
        self.by_name.clear()
