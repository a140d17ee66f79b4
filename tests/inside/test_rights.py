"""What a caller inside may have answered: what its invoker may read, and no more."""

from typing import Any

import pytest

from heatproxy.routines import ROUTINES
from heatproxy.routines.stubs import HELPER
from tests.asking import rows

pytestmark = pytest.mark.mysql

Connection = Any


def test_only_one_helper_has_heatproxys_rights(direct: Connection) -> None:
    found = rows(
        direct,
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES"
        " WHERE ROUTINE_SCHEMA = 'sys' AND SECURITY_TYPE = 'DEFINER'"
        " AND ROUTINE_COMMENT LIKE 'heatproxy %'",
    )
    assert found == [(HELPER,)]
    assert HELPER not in {routine.name for routine in ROUTINES.values()}
