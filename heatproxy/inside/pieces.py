"""A message of a caller whose variables nobody is shown, put together from its locks.

The name of one lock tells whose message it is and how long, the names of others each
have a piece of it: ``routines.stubs`` has the SQL.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.routines.stubs import (
    NAME_DIGITS,
    NONCE_DIGITS,
    PIECE_BYTES,
    PREFIX_DIGITS,
    SAYS,
)

_SAYS = re.compile(
    rf"{re.escape(SAYS)}([0-9a-f]{{{NONCE_DIGITS}}})"
    rf"\.([0-9a-f]{{{NAME_DIGITS}}})\.([0-9]+)"
)
_DIGITS = 4  # of a piece's number
_NIBBLES = 0xFFF  # of a character, whose other bits are the same in all


@dataclass(frozen=True, slots=True)
class ByLocks:
    """A message, as a variable would have it, and where it is said."""

    nonce: str
    seat: str
    text: str


def said(locks: Sequence[tuple[str, int]], statement: int) -> ByLocks | None:
    """The message in a session's locks, each with the number of the event that took it.

    Anybody takes locks in a session of his own. Those of the stub are told by the one
    that it takes in the very ``statement`` in which it waits: that names the nonce,
    which nobody knew before the stub.
    """
    for name, event in locks:
        found = _SAYS.fullmatch(name)
        if found is not None and event > statement:
            nonce, seat, length = found.groups()
            text = _text([name for name, _ in locks], nonce, int(length))
            return None if text is None else ByLocks(nonce, seat, nonce + text)
    return None


def _text(names: Sequence[str], nonce: str, length: int) -> str | None:
    """None: not all of it is there."""
    prefix = nonce[:PREFIX_DIGITS]
    behind = PREFIX_DIGITS + _DIGITS
    pieces = {
        int(name[PREFIX_DIGITS:behind], 16): name[behind:]
        for name in names
        if name.startswith(prefix)
    }
    wanted = range(-(-length // PIECE_BYTES))
    if not all(number in pieces for number in wanted):
        return None
    joined = "".join(pieces[number] for number in wanted)
    data = bytes.fromhex("".join(f"{ord(one) & _NIBBLES:03x}" for one in joined))
    return data[:length].decode()
