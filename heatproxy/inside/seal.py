"""Messages between a stub and heatproxy, sealed with the key that both know.

A request is ``seal nonce content``, an answer ``seal content``; content is the letter
of a kind, the number of the message and a text. A seal is of an inner digest, so that
nobody makes one of a longer text out of it.
"""

import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.routines.stubs import KEY_DIGITS, NONCE_DIGITS, NUMBER_DIGITS

_NONCES = 1 << 14  # of requests that have been answered


class Unsealed(Exception):
    """What stands where a message should be is not from a stub."""


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


def answer(key: str, nonce: str, kind: str, number: int, text: str) -> str:
    """What heatproxy says."""
    content = f"{kind}{number:0{NUMBER_DIGITS}}{text}"
    return _seal(key, nonce, content) + content


def said(key: str, text: str) -> Said:
    """A caller's message.

    Raises:
        Unsealed: it has no seal of the key.
    """
    begin = KEY_DIGITS + NONCE_DIGITS
    seal, nonce, content = text[:KEY_DIGITS], text[KEY_DIGITS:begin], text[begin:]
    if not hmac.compare_digest(seal.encode(), _seal(key, nonce, content).encode()):
        raise Unsealed
    number, rest = content[1 : 1 + NUMBER_DIGITS], content[1 + NUMBER_DIGITS :]
    return Said(nonce, content[0], int(number), rest)


def request(first: Said) -> Request:
    """What the first message asks for.

    Raises:
        Unsealed: it is not a first message.
    """
    if (first.kind, first.number) != ("q", 0):
        raise Unsealed
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


def _seal(key: str, nonce: str, content: str) -> str:
    return _digest(key + _digest(nonce + content))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
