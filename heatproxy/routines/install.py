"""The routines' stubs in the backend's ``sys`` schema."""

import logging

import pymysql

from heatproxy.backend.account import ServiceAccount
from heatproxy.datatypes import quote_name
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import STUB_VERSION, Procedure, Routine

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
    for routine in ROUTINES.values():
        version = present.get(routine.name)
        if version == STUB_VERSION:
            continue
        try:
            if version is None:
                account.query(routine.stub())
            else:
                _replace(account, routine)
        except pymysql.MySQLError as problem:
            log.warning("cannot create the stub of sys.%s: %s", routine.name, problem)


def _replace(account: ServiceAccount, routine: Routine) -> None:
    """Drop a stub, which takes its grants away, and make it anew with them.

    Raises:
        pymysql.MySQLError: MySQL refuses it, before or after the drop.
    """
    grants = _grants(account, routine)
    for grant in grants:  # they are there: this asks whether we may give them
        account.query(grant)
    account.query(f"DROP {_kind(routine)} sys.{quote_name(routine.name)}")
    left = list(grants)
    try:
        account.query(routine.stub())
        while left:
            account.query(left[0])
            left.pop(0)
    finally:
        for grant in left:
            log.error("this must be given again: %s", grant)


def _grants(account: ServiceAccount, routine: Routine) -> list[str]:
    """The statements that give what is granted on a routine's stub."""
    rows = account.query(
        "SELECT User, Host, Proc_priv FROM mysql.procs_priv WHERE Db = 'sys'"
        f" AND Routine_name = '{routine.name}' AND Routine_type = '{_kind(routine)}'"
    )
    return [
        _grant(routine, *(_text(value) for value in row))
        for row in rows  # of strings, some in a binary collation
    ]


def _grant(routine: Routine, user: str, host: str, held: str) -> str:
    privileges = held.split(",") if held else []
    names = ", ".join(name for name in privileges if name != _GRANT) or "USAGE"
    option = " WITH GRANT OPTION" if _GRANT in privileges else ""
    name = quote_name(user) if user else "''"
    return (
        f"GRANT {names} ON {_kind(routine)} sys.{quote_name(routine.name)}"
        f" TO {name}@{quote_name(host)}{option}"
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _kind(routine: Routine) -> str:
    return "PROCEDURE" if isinstance(routine, Procedure) else "FUNCTION"
