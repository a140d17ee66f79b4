"""What a statement of ours leaves behind: warnings, counts, and where they are kept.

MySQL's own session holds the truth wherever it can: an error of ours is signalled there
once more, so that SHOW WARNINGS, GET DIAGNOSTICS and ROW_COUNT() are MySQL's own. What
it cannot hold is remembered until the client's next statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.backend.connection import BackendConnection
from heatproxy.errors import MySQLError

MESSAGE_CHARACTERS = 128  # of SIGNAL's MESSAGE_TEXT
# Opening a sealed shell: its engine is unknown, its tablespace missing or discarded.
OF_SHELLS = (1286, 1812, 1814)


# Of conditions that are no errors; of all others it is HY000.
# Source: MySQL Error Message Reference, "Server Error Message Reference".
_SQLSTATES = {
    **dict.fromkeys((1249, 1261, 1262, 1265), "01000"),
    **dict.fromkeys((1264, 1690), "22003"),
    **dict.fromkeys((1051, 1146), "42S02"),
    1048: "23000",
    1263: "22004",
    1292: "22007",
    1305: "42000",
    1329: "02000",
    1365: "22012",
    1406: "22001",
    1441: "22008",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A row of SHOW WARNINGS."""

    level: str  # Note, Warning or Error
    number: int
    message: str

    @property
    def sqlstate(self) -> str:
        """That of a note or a warning."""
        return _SQLSTATES.get(self.number, "HY000")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What MySQL's session does not say rightly; None: it does."""

    found_rows: int | None = None
    row_count: int | None = None
    conditions: Sequence[Condition] | None = None

    @property
    def errors(self) -> list[Condition]:
        """Those that SHOW ERRORS shows."""
        return [one for one in self.conditions or () if one.level == "Error"]


def of_rows(count: int, conditions: Sequence[Condition] = ()) -> Aftermath | None:
    """After a result set, when the last statement of ours in MySQL had one row."""
    if count == 1 and not conditions:
        return None
    return Aftermath(found_rows=count, row_count=-1, conditions=conditions or None)


async def leave_error(
    backend: BackendConnection, error: MySQLError
) -> Aftermath | None:
    """Have the session's diagnostics area hold an error that the client was sent.

    What MySQL itself has just refused it holds, unless it speaks of a shell besides.
    The message is cut to what SIGNAL takes; the whole is remembered.
    Where it was not cut, the error is then as MySQL spells it for the session.
    """
    if backend.refused is error:
        try:
            shown = await _shown(backend)
        except MySQLError:  # the password has expired: MySQL refuses everything
            return None
        of_shells = any(one.number in OF_SHELLS for one in shown)
        whole = error.message.isascii() and len(error.message) <= MESSAGE_CHARACTERS
        # Its count, which an EOF may still tell, is 0 behind SHOW WARNINGS: where it
        # was one, it is made one again.
        if not (of_shells or (len(shown) == 1 and whole)):
            return None
    text = error.message[:MESSAGE_CHARACTERS].encode().hex()
    try:
        await backend.query(
            f"SIGNAL SQLSTATE '{error.sqlstate}' SET MYSQL_ERRNO = {error.number},"
            f" MESSAGE_TEXT = _utf8mb4 X'{text}'"
        )
    except MySQLError as signalled:
        if len(error.message) <= MESSAGE_CHARACTERS:
            error.packet = error.packet or signalled.packet
        if (signalled.number, signalled.message) == (error.number, error.message):
            return None
    return Aftermath(conditions=[Condition("Error", error.number, error.message)])


async def conditions_of(backend: BackendConnection) -> list[Condition]:
    """What SHOW WARNINGS says in MySQL now, but for the shells of Lakehouse tables."""
    return [one for one in await _shown(backend) if one.number not in OF_SHELLS]


async def _shown(backend: BackendConnection) -> list[Condition]:
    shown = await backend.query("SHOW WARNINGS")
    return [
        Condition(level or "", int(number or 0), message or "")
        for level, number, message in shown.texts()
    ]
