"""The routines' stubs in the backend's ``sys`` schema."""

import logging

import pymysql

from heatproxy.backend.account import ServiceAccount
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import STUB_VERSION, Procedure

log = logging.getLogger(__name__)

_PRESENT = (
    "SELECT ROUTINE_NAME, ROUTINE_COMMENT FROM information_schema.ROUTINES"
    " WHERE ROUTINE_SCHEMA = 'sys'"
)


def install_stubs(account: ServiceAccount) -> None:
    """Create the stubs that are missing or of another version.

    GRANTs on a stub survive: one that is current is left alone. A server that lets
    heatproxy create none still relays; ``heatproxy check`` names the missing grant.
    """
    present = dict(account.query(_PRESENT))
    for routine in ROUTINES.values():
        if present.get(routine.name) == STUB_VERSION:
            continue
        kind = "PROCEDURE" if isinstance(routine, Procedure) else "FUNCTION"
        try:
            account.query(f"DROP {kind} IF EXISTS sys.`{routine.name}`")
            account.query(routine.stub())
        except pymysql.MySQLError as problem:
            log.warning("cannot create the stub of sys.%s: %s", routine.name, problem)
