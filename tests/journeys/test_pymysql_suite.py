"""PyMySQL's own tests: each ends through heatproxy as it ends at MySQL itself.

Archives of later releases leave the suite out, so it is the last that has it, and runs
with the driver of its time: another client than the one the other tests use. Tests that
fail today fail at MySQL itself too (plugins and commands of old).
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from heatproxy.backend import packages
from tests.asking import run
from tests.conftest import Server
from tests.journeys import pymysql_suite

pytestmark = pytest.mark.mysql

RELEASE = "0.10.1"
SCHEMAS = ("test1", "test2")  # the names are the suite's
PATIENCE_S = 300  # two of its tests sleep for 12 s
AT_LEAST_PASSED = 140
# It is refused on a unix socket, where the driver of that time asks for TLS, and let in
# by TCP. The matrix of logins compares sha256_password like with like.
OF_THE_SOCKET = "pymysql.tests.test_connection.TestAuthentication.testAuthSHA256"


@pytest.fixture(scope="module")
def release() -> Path:
    """The unpacked archive."""
    cache = packages.cache_dir().parent / "pymysql"
    folder = cache / f"PyMySQL-{RELEASE}"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            fetch(cache)
    return folder


def fetch(cache: Path) -> None:
    """Download the archive and unpack it; only then does its folder get its name."""
    fresh = cache / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps")
    done = subprocess.run(
        [
            *(*pip, "--no-binary=:all:", "--disable-pip-version-check"),
            *("--dest", str(fresh), f"pymysql=={RELEASE}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        pytest.skip(f"pip could not download PyMySQL {RELEASE}: {why}")
    (archive,) = fresh.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(fresh, filter="data")
    (fresh / f"PyMySQL-{RELEASE}").rename(cache / f"PyMySQL-{RELEASE}")
    shutil.rmtree(fresh)


@pytest.fixture(scope="module")
def places(server: Server, open_server: Server) -> Iterator[list[dict[str, Any]]]:
    """MySQL itself, and heatproxy: of two backends, so that both run at once.

    At either the client is @localhost, which the suite's accounts are for.
    """
    for each in (server, open_server):
        with closing(each.connect_backend()) as connection:
            for schema in SCHEMAS:
                run(connection, f"CREATE DATABASE {schema}")
    yield [
        open_server.backend_login,
        {"port": server.port, **server.login},
    ]
    for each in (server, open_server):
        with closing(each.connect_backend()) as connection:
            for schema in SCHEMAS:
                run(connection, f"DROP DATABASE {schema}")


def outcomes(release: Path, place: dict[str, Any], folder: Path) -> dict[str, str]:
    """What became of each test there."""
    shutil.copytree(release / "pymysql", folder / "pymysql")
    login = {**place, "host": "127.0.0.1", "passwd": place["password"]}
    del login["password"]
    databases = [{**login, "db": schema, "local_infile": True} for schema in SCHEMAS]
    config = folder / "pymysql" / "tests" / "databases.json"
    config.write_text(json.dumps(databases))
    written = folder / "outcomes.json"
    subprocess.run(
        [sys.executable, pymysql_suite.__file__, str(written)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"},
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    found: dict[str, str] = json.loads(written.read_text())
    return found


def test_each_of_its_tests_ends_as_with_mysql_itself(
    release: Path, places: list[dict[str, Any]], tmp_path: Path
) -> None:
    folders = [tmp_path / "direct", tmp_path / "proxied"]
    with ThreadPoolExecutor(2) as pool:
        direct, proxied = pool.map(outcomes, [release] * 2, places, folders)
    for found in (direct, proxied):
        del found[OF_THE_SOCKET]
    assert proxied == direct
    passed = [name for name, how in direct.items() if how == pymysql_suite.PASSED]
    assert len(passed) >= AT_LEAST_PASSED
