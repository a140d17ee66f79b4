"""The prepared statements of a session that are ours: what must be kept of each.

MySQL holds them too, under the same id or name; it has checked them and will check
them again. Kept here is what an execution needs: the text, and what clients say once
or piece by piece, the types of the parameters and long data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from heatproxy.errors import MySQLError, unknown_error, wrong_arguments
from heatproxy.wire.columns import ColumnDefinition

LONG_DATA_BYTES = 64 << 20


@dataclass(slots=True)
class Prepared:
    """A statement that waits to be executed.

    ``columns`` are those of its result as MySQL prepared them; ``types`` the parameter
    types last bound, as COM_STMT_EXECUTE codes them, and ``told`` those that MySQL has
    been told of. ``optional``: MySQL can execute it as well.
    """

    text: bytes
    parameters: int
    columns: Sequence[ColumnDefinition] = ()
    types: Sequence[int] | None = None
    told: Sequence[int] | None = None
    optional: bool = False
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
