"""The routines' stubs in the backend's ``sys`` schema."""

import logging
from dataclasses import dataclass

import pymysql

from heatproxy.backend.account import ServiceAccount
from heatproxy.datatypes import quote_name
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import Procedure, Routine
from heatproxy.routines.stubs import HELPER, STUB_VERSION, helper

log = logging.getLogger(__name__)

_PRESENT = (
    "SELECT ROUTINE_NAME, ROUTINE_COMMENT FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA = 'sys'"
)
_GRANT = "Grant"  # the option to grant, in procs_priv's set of privileges


def install_stubs(account: ServiceAccount) -> None:
    """Create the stubs that are missing or of another version.

    GRANTs on a stub survive: those of one that is made anew are given again. One whose
    grants heatproxy's account may not give stays as it is. A server that lets heatproxy
    create none still relays; ``heatproxy check`` names the missing grant.
    """
    present = dict(account.query(_PRESENT))
    stubs = [_Stub(HELPER, "FUNCTION", helper())]
    stubs += [_Stub(one.name, _kind(one), one.stub()) for one in ROUTINES.values()]
    for stub in stubs:
        version = present.get(stub.name)
        if version == STUB_VERSION:
            continue
        try:
            if version is None:
                account.query(stub.text)
            else:
                _replace(account, stub)
        except pymysql.MySQLError as problem:
            log.warning("cannot create the stub of sys.%s: %s", stub.name, problem)


@dataclass(frozen=True, slots=True)
class _Stub:
    """A routine to be created: its name, PROCEDURE or FUNCTION, its CREATE."""

    name: str
    kind: str
    text: str


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
