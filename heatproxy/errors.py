"""The errors a client sees, by number.

MySQL's own errors pass through untouched; everything heatproxy itself has to say
is one of the functions below, with HeatWave's number and wording where it has one.

    MySQLError       an ERR packet: number, SQLSTATE, message
    ProtocolError    a peer broke the wire; its connection is closed

Source: MySQL Error Message Reference; HeatWave User Guide, "ML error messages".
"""

HY000 = "HY000"
SYNTAX_OR_ACCESS = "42000"
_KILLED = (1317, 3024)  # ER_QUERY_INTERRUPTED, ER_QUERY_TIMEOUT


class MySQLError(Exception):
    """One ERR packet."""

    def __init__(self, number: int, sqlstate: str, message: str) -> None:
        super().__init__(number, sqlstate, message)
        self.number = number
        self.sqlstate = sqlstate
        self.message = message
        self.packet = b""  # as MySQL sent it, where the client is to get it so

    @property
    def is_kill(self) -> bool:
        """Whether the statement was called off: KILL QUERY, max_execution_time."""
        return self.number in _KILLED

    def __str__(self) -> str:
        return f"ERROR {self.number} ({self.sqlstate}): {self.message}"


class ProtocolError(Exception):
    """A peer sent something that is not MySQL's protocol."""


def ml_error(code: str, text: str) -> MySQLError:
    """An error of the ML engine: 3877 with an ``ML0xxxxx`` code in front."""
    return MySQLError(3877, HY000, f"{code}: {text}")


def no_target() -> MySQLError:
    """A call that needs a target column names none."""
    return ml_error("ML006016", "target_column_name cannot be Null or empty.")


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


def packets_out_of_order() -> MySQLError:
    """ER_NET_PACKETS_OUT_OF_ORDER: a packet's number is not the next one."""
    return MySQLError(1156, "08S01", "Got packets out of order")


def cannot_uncompress() -> MySQLError:
    """ER_NET_UNCOMPRESS_ERROR: what a client compressed cannot be read."""
    return MySQLError(1157, "08S01", "Couldn't uncompress communication packet")


def bad_compression(algorithm: str) -> MySQLError:
    """ER_WRONG_COMPRESSION_ALGORITHM_CLIENT: not one of those allowed here."""
    return MySQLError(3922, HY000, f"Invalid compression algorithm '{algorithm}'.")


def bad_compression_level(algorithm: str) -> MySQLError:
    """ER_WRONG_COMPRESSION_LEVEL_CLIENT: the algorithm has no such level."""
    text = f"Invalid {algorithm} compression level for algorithm '{algorithm}'."
    return MySQLError(3923, HY000, text)


def bad_handshake(why: str) -> MySQLError:
    """ER_HANDSHAKE_ERROR: the client's side of the login is not to be understood."""
    return MySQLError(1043, "08S01", f"Bad handshake: {why}")


def insecure_transport() -> MySQLError:
    """ER_SECURE_TRANSPORT_REQUIRED, before any password is asked for."""
    return MySQLError(
        3159,
        HY000,
        "Connections using insecure transport are prohibited while "
        "--require_secure_transport=ON.",
    )


def backend_not_secured(why: str) -> MySQLError:
    """CR_SSL_CONNECTION_ERROR, as a client of the backend would see it."""
    return MySQLError(2026, HY000, f"heatproxy's connection to its MySQL: {why}")


def too_many_connections() -> MySQLError:
    """ER_CON_COUNT_ERROR, which a client gets in place of a greeting."""
    return MySQLError(1040, "08004", "Too many connections")


def too_many_of_user(user: str, limit: int) -> MySQLError:
    """ER_USER_LIMIT_REACHED: limits.connections_per_user, in MySQL's words for it."""
    return MySQLError(
        1226,
        SYNTAX_OR_ACCESS,
        f"User '{user[:64]}' has exceeded the 'max_user_connections' resource"
        f" (current value: {limit})",
    )


def login_timed_out() -> MySQLError:
    """ER_NET_READ_INTERRUPTED: the client did not complete its login in time."""
    return MySQLError(1159, "08S01", "Got timeout reading communication packets")


def inactive() -> MySQLError:
    """ER_CLIENT_INTERACTION_TIMEOUT: the client said nothing for too long."""
    return MySQLError(
        4031,
        HY000,
        "The client was disconnected by the server because of inactivity. See"
        " wait_timeout and interactive_timeout for configuring this behavior.",
    )


def shutting_down() -> MySQLError:
    """ER_SERVER_SHUTDOWN: heatproxy ends, and the statement with it."""
    return MySQLError(1053, "08S01", "Server shutdown in progress")


def local_files_disabled() -> MySQLError:
    """ER_CLIENT_LOCAL_FILES_DISABLED: a file was asked for that nobody offered."""
    text = "Loading local data is disabled; this must be enabled on both the client"
    return MySQLError(3948, SYNTAX_OR_ACCESS, text + " and server sides")


def wrong_arguments(where: str) -> MySQLError:
    """ER_WRONG_ARGUMENTS: what MySQL says of a prepared statement's parameters."""
    return MySQLError(1210, HY000, f"Incorrect arguments to {where}")


def malformed_packet() -> MySQLError:
    """ER_MALFORMED_PACKET: a command that ends too early."""
    return MySQLError(1835, HY000, "Malformed communication packet.")


def unknown_prepared(name: str, where: str) -> MySQLError:
    """ER_UNKNOWN_STMT_HANDLER: no such prepared statement in this session."""
    text = f"Unknown prepared statement handler ({name}) given to {where}"
    return MySQLError(1243, HY000, text)


def no_result_set_here(procedure: str) -> MySQLError:
    """ER_SP_BADSELECT: the client cannot take what the procedure answers."""
    text = f"PROCEDURE {procedure} can't return a result set in the given context"
    return MySQLError(1312, "0A000", text)


def global_variable(name: str) -> MySQLError:
    """ER_GLOBAL_VARIABLE: a global variable that is set for the session."""
    text = f"Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL"
    return MySQLError(1229, HY000, text)


def wrong_value_for_variable(name: str, value: str) -> MySQLError:
    """ER_WRONG_VALUE_FOR_VAR: not one of those that a variable may have."""
    text = f"Variable '{name}' can't be set to the value of '{value}'"
    return MySQLError(1231, SYNTAX_OR_ACCESS, text)


def wrong_type_for_variable(name: str) -> MySQLError:
    """ER_WRONG_TYPE_FOR_VAR: text for a number, or the other way round."""
    text = f"Incorrect argument type to variable '{name}'"
    return MySQLError(1232, SYNTAX_OR_ACCESS, text)


def wrong_kind_of_variable(name: str, kind: str) -> MySQLError:
    """ER_INCORRECT_GLOBAL_LOCAL_VAR: ``kind`` is GLOBAL, SESSION or read only."""
    return MySQLError(1238, HY000, f"Variable '{name}' is a {kind} variable")


def syntax_error(near: str, line: int = 1) -> MySQLError:
    """ER_PARSE_ERROR: what follows is not what the grammar allows."""
    text = (
        "You have an error in your SQL syntax; check the manual that corresponds to"
        " your MySQL server version for the right syntax to use near"
        f" '{near[:80]}' at line {line}"
    )
    return MySQLError(1064, SYNTAX_OR_ACCESS, text)


def no_such_option_of_table(table: str) -> MySQLError:
    """ER_ILLEGAL_HA: rows of a Lakehouse table are its files'."""
    text = f"Table storage engine for '{table}' doesn't have this option"
    return MySQLError(1031, HY000, text)


def lakehouse_lacks(what: str) -> MySQLError:
    """ER_CHECK_NOT_IMPLEMENTED: what no Lakehouse table has."""
    text = f"The storage engine for the table doesn't support {what}"
    return MySQLError(1178, SYNTAX_OR_ACCESS, text)


def lakehouse_lacks_option(option: str) -> MySQLError:
    """ER_ILLEGAL_HA_CREATE_OPTION, of a table option."""
    text = "Table storage engine 'Lakehouse' does not support the create option"
    return MySQLError(1478, HY000, f"{text} '{option}'")
