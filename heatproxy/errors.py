"""The errors a client sees, by number.

MySQL's own errors pass through untouched; everything heatproxy itself has to say
is one of the functions below, with HeatWave's number and wording where it has one.

    MySQLError       an ERR packet: number, SQLSTATE, message
    ProtocolError    a peer broke the wire; its connection is closed

Source: MySQL Error Message Reference; HeatWave User Guide, "ML error messages".
"""

HY000 = "HY000"
SYNTAX_OR_ACCESS = "42000"


class MySQLError(Exception):
    """One ERR packet."""

    def __init__(self, number: int, sqlstate: str, message: str) -> None:
        super().__init__(number, sqlstate, message)
        self.number = number
        self.sqlstate = sqlstate
        self.message = message

    def __str__(self) -> str:
        return f"ERROR {self.number} ({self.sqlstate}): {self.message}"


class ProtocolError(Exception):
    """A peer sent something that is not MySQL's protocol."""


def ml_error(code: str, text: str) -> MySQLError:
    """An error of the ML engine: 3877 with an ``ML0xxxxx`` code in front."""
    return MySQLError(3877, HY000, f"{code}: {text}")


def secondary_engine(text: str) -> MySQLError:
    """Anything else RAPID and Lakehouse report: ER_SECONDARY_ENGINE_PLUGIN."""
    return MySQLError(3877, HY000, text)


def not_supported(what: str) -> MySQLError:
    """ER_NOT_SUPPORTED_YET, naming the thing that heatproxy has no rule for."""
    return MySQLError(1235, SYNTAX_OR_ACCESS, f"heatproxy doesn't yet support '{what}'")


def interrupted() -> MySQLError:
    """ER_QUERY_INTERRUPTED: what KILL QUERY answers."""
    return MySQLError(1317, "70100", "Query execution was interrupted")


def unknown_error(detail: str) -> MySQLError:
    """ER_UNKNOWN_ERROR: a bug of ours; the log has the traceback."""
    return MySQLError(1105, HY000, detail)


def out_of_range(what: str, where: str) -> MySQLError:
    """ER_DATA_OUT_OF_RANGE: a result that its MySQL type does not have."""
    return MySQLError(1690, "22003", f"{what} is out of range in '{where}'")
