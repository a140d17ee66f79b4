"""The routines' stubs in the backend's ``sys`` schema.

All have one key in them, which seals what passes between them and heatproxy. It is made
with the first of them and read from there ever after: their bodies are shown to their
definer, and to those who may read everything or have SHOW_ROUTINE.
"""

import logging
import secrets
from dataclasses import dataclass

import pymysql

from heatproxy.backend.account import ServiceAccount
from heatproxy.datatypes import quote_name
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import Procedure, Routine
from heatproxy.routines.stubs import (
    HELPER,
    KEY_BEGINS,
    KEY_DIGITS,
    STUB_VERSION,
    helper,
)

log = logging.getLogger(__name__)

_PRESENT = (
    "SELECT ROUTINE_NAME, ROUTINE_COMMENT FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA = 'sys'"
)
_BODIES = (
    "SELECT ROUTINE_DEFINITION FROM information_schema.ROUTINES"
    f" WHERE ROUTINE_SCHEMA = 'sys' AND ROUTINE_COMMENT = '{STUB_VERSION}'"
    f" AND ROUTINE_NAME <> '{HELPER}' ORDER BY ROUTINE_NAME"
)
_GRANT = "Grant"  # the option to grant, in procs_priv's set of privileges


def install_stubs(account: ServiceAccount) -> str:
    """Create the stubs that are missing or of another version; the key of all.

    GRANTs on a stub survive: those of one that is made anew are given again. One whose
    grants heatproxy's account may not give stays as it is. A server that lets heatproxy
    create none still relays; ``heatproxy check`` names the missing grant.
    """
    present = dict(account.query(_PRESENT))
    known = _key_of(account)
    key = known or secrets.token_hex(KEY_DIGITS // 2)
    stubs = [_Stub(HELPER, "FUNCTION", helper())]
    stubs += [_Stub(one.name, _kind(one), one.stub(key)) for one in ROUTINES.values()]
    for stub in stubs:
        version = present.get(stub.name)
        # of this version and without the key we know, it is another account's
        if version == STUB_VERSION and (known is not None or stub.name == HELPER):
            continue
        try:
            if version is None:
                account.query(stub.text)
            else:
                _replace(account, stub)
        except pymysql.MySQLError as problem:
            log.warning("cannot create the stub of sys.%s: %s", stub.name, problem)
    return key


@dataclass(frozen=True, slots=True)
class _Stub:
    """A routine to be created: its name, PROCEDURE or FUNCTION, its CREATE."""

    name: str
    kind: str
    text: str


def _key_of(account: ServiceAccount) -> str | None:
    """The key in the stubs there are; None when none shows one."""
    for (body,) in account.query(_BODIES):
        _, found, rest = (body or "").partition(KEY_BEGINS)
        if found:
            return str(rest[:KEY_DIGITS])
    return None


def _replace(account: ServiceAccount, stub: _Stub) -> None:
    """Drop a stub, which takes its grants away, and make it anew with them.

    Raises:
        pymysql.MySQLError: MySQL refuses it, before or after the drop.
    """
    grants = _grants(account, stub)
    for grant in grants:  # they are there: this asks whether we may give them
        account.query(grant)
    account.query(f"DROP {stub.kind} sys.{quote_name(stub.name)}")
    left = list(grants)
    try:
        account.query(stub.text)
        while left:
            account.query(left[0])
            left.pop(0)
    finally:
        for grant in left:
            log.error("this must be given again: %s", grant)


def _grants(account: ServiceAccount, stub: _Stub) -> list[str]:
    """The statements that give what is granted on a routine's stub."""
    rows = account.query(
        "SELECT User, Host, Proc_priv FROM mysql.procs_priv WHERE Db = 'sys'"
        f" AND Routine_name = '{stub.name}' AND Routine_type = '{stub.kind}'"
    )
    return [
        _grant(stub, *(_text(value) for value in row))
        for row in rows  # of strings, some in a binary collation
    ]


def _grant(stub: _Stub, user: str, host: str, held: str) -> str:
    privileges = held.split(",") if held else []
    names = ", ".join(name for name in privileges if name != _GRANT) or "USAGE"
    option = " WITH GRANT OPTION" if _GRANT in privileges else ""
    name = quote_name(user) if user else "''"
    return (
        f"GRANT {names} ON {stub.kind} sys.{quote_name(stub.name)}"
        f" TO {name}@{quote_name(host)}{option}"
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _kind(routine: Routine) -> str:
    return "PROCEDURE" if isinstance(routine, Procedure) else "FUNCTION"
