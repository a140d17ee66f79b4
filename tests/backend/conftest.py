"""The MySQL that tests of this folder start by themselves."""

import pytest

from heatproxy.backend.packages import (
    Binaries,
    cache_dir,
    client_command,
    locate,
)
from heatproxy.backend.progress import on_stderr


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """From PATH or the cache; fetched on the first run of a machine."""
    found = locate(cache_dir(), on_stderr())
    client = found.mysql or client_command(cache_dir(), on_stderr())
    return Binaries(found.mysqld, client, found.basedir, found.origin, found.version)
