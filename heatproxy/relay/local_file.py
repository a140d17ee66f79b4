"""LOAD DATA LOCAL: whether a server that asks a client for a file may have it.

A client that sends whatever file its server names is the client's fault; that it is
asked by a statement that has no such thing in it would be ours too.

Source: MySQL Reference Manual, "Security Considerations for LOAD DATA LOCAL".
"""

import re

from heatproxy.wire.packets import Capability, Command

UNASKED = "session closed: the backend asked for a file nobody spoke of"
_LOCAL = re.compile(rb"(?i)\blocal\b")


def is_offered(command: bytes, capabilities: int) -> bool:
    """Whether the client offered files, and speaks of one in this command.

    Of a long command only the first byte is known.
    """
    if not capabilities & Capability.LOCAL_FILES or command[0] != Command.QUERY:
        return False
    return len(command) == 1 or _LOCAL.search(command) is not None
