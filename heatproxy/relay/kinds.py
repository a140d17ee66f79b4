"""What commands are to the relay, as plain numbers: every statement is looked up here.

Source: MySQL Source Code Documentation, "Command Phase".
"""

from heatproxy.wire.packets import Command
from heatproxy.wire.tracker import KINDS, Kind

QUERY, STMT_PREPARE = int(Command.QUERY), int(Command.STMT_PREPARE)
STMT_EXECUTE, STMT_CLOSE = int(Command.STMT_EXECUTE), int(Command.STMT_CLOSE)
STMT_SEND_LONG_DATA = int(Command.STMT_SEND_LONG_DATA)
NO_COMMAND = b"\0"  # COM_SLEEP, which MySQL takes an empty packet for
# What may be said to a prepared statement of ours; a COM_STMT_FETCH MySQL refuses.
OF_PREPARED = frozenset(
    [STMT_EXECUTE, STMT_SEND_LONG_DATA, STMT_CLOSE, int(Command.STMT_RESET)]
)
# After these the session's variables, or its schema, may be others.
RESETS = frozenset(
    map(int, (Command.INIT_DB, Command.CHANGE_USER, Command.RESET_CONNECTION))
)
RESET_CONNECTION, SET_OPTION = int(Command.RESET_CONNECTION), int(Command.SET_OPTION)
MAY_COME_BACK = frozenset([QUERY, STMT_EXECUTE])
# After these, what the statement before has left is there still.
LEAVES_NOTHING = frozenset(
    map(int, (Command.PING, Command.STATISTICS, Command.STMT_CLOSE, Command.STMT_RESET))
)
STREAMS = frozenset(int(c) for c, kind in KINDS.items() if kind == Kind.STREAM)
# Commands that nothing may overtake: what follows them may be no commands.
ALONE = STREAMS | {int(Command.CHANGE_USER)}
