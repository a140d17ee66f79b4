"""Messages between a stub and heatproxy, as text.

A caller's is ``nonce content``, an answer ``content``: the letter of a kind, the number
of the message and a text. Nothing in it says who wrote it: see ``Desk.hear``.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.routines.stubs import NONCE_DIGITS, NUMBER_DIGITS

_SAID = re.compile(rf"([0-9a-f]{{{NONCE_DIGITS}}})([a-z])([0-9]{{{NUMBER_DIGITS}}})")
_NONCES = 1 << 14  # of requests that have been answered


class NoMessage(Exception):
    """What stands where a message should be is none."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a caller."""

    nonce: str
    kind: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """The first message: which routine, for whom, with what arguments, None for NULL.

    ``account`` and ``roles`` are CURRENT_USER() and CURRENT_ROLE() in the stub, whose
    rights are those of its invoker.
    """

    routine: str
    account: str
    roles: str
    thread: int  # of performance_schema
    arguments: Sequence[str | None]

    @property
    def user(self) -> str:
        """The name part of the account."""
        return self.account.rpartition("@")[0]


def answer(kind: str, number: int, text: str) -> str:
    """What heatproxy says."""
    return f"{kind}{number:0{NUMBER_DIGITS}}{text}"


def said(text: str) -> Said:
    """A caller's message.

    Raises:
        NoMessage: it is none.
    """
    found = _SAID.match(text)
    if found is None:
        raise NoMessage
    nonce, kind, number = found.groups()
    return Said(nonce, kind, int(number), text[found.end() :])


def request(first: Said) -> Request:
    """What the first message asks for.

    Raises:
        NoMessage: it is not a request.
    """
    if first.kind != "q":
        raise NoMessage
    return Request(**json.loads(first.text))


class Nonces:
    """Those of late, so that no request is answered twice."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    def is_new(self, nonce: str) -> bool:
        """Whether it has not been seen; it has from now on."""
        if nonce in self._known:
            return False
        self._known[nonce] = None
        if len(self._known) > _NONCES:
            self._known.popitem(last=False)
        return True
