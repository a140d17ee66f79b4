"""Which MySQL is found, and what is said when there is none."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from heatproxy.backend import packages
from heatproxy.backend.packages import STAMP, Binaries, PackagesError
from heatproxy.backend.progress import Silent


def program(folder: Path, name: str, version: str) -> None:
    """A program that prints a version, as mysqld and mysql do."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{folder}/{name}  {version}'\n")
    file.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is searched for programs."""
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(packages, "_SERVER_FOLDERS", ())
    return folder


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4"),
        ("Ver 8.4.0 for Linux on aarch64 (MySQL Community Server - GPL)", "8.4.0"),
        ("Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))", "8.0.36"),
        ("Ver 8.0.35 for Linux on x86_64 (MySQL Community Server - GPL)", None),
        ("Ver 8.3.0 for Linux on x86_64 (MySQL Community Server - GPL)", None),
        ("Ver 5.7.44 for Linux on x86_64 (MySQL Community Server (GPL))", None),
        ("Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64", None),
    ],
    ids=["9.7", "8.4", "8.0.36", "8.0.35", "8.3", "5.7", "MariaDB"],
)
def test_only_a_known_mysqld_on_path_is_taken(
    path: Path, printed: str, version: str | None
) -> None:
    program(path, "mysqld", printed)
    found = packages.find_on_path()
    assert (found and found.version) == version


def test_mariadbs_client_is_not_taken_for_mysqls(path: Path) -> None:
    program(path, "mysqld", "Ver 9.7.4 for Linux on x86_64")
    program(path, "mysql", "Ver 15.1 Distrib 10.11.6-MariaDB, for debian-linux-gnu")
    found = packages.find_on_path()
    assert found is not None
    assert found.mysql == ()
    program(path, "mysql", "Ver 9.7.4 for Linux on x86_64")
    found = packages.find_on_path()
    assert found is not None
    assert found.mysql == (str(path / "mysql"),)


def test_without_apt_the_message_says_what_else_to_do(
    path: Path, tmp_path: Path
) -> None:
    with pytest.raises(PackagesError, match=r"is not on PATH.*--backend mysql://"):
        packages.locate(tmp_path / "cache", Silent())


def test_without_a_mirror_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(PackagesError, match=r"no package mirror|neither Debian"):
        packages.obtain(tmp_path / "cache", Silent(), etc=tmp_path)


def test_a_cache_that_others_can_write_is_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(PackagesError, match="can be written by other users"):
        packages.obtain(cache, Silent(), etc=tmp_path)


def unpacked(cache: Path, library: str) -> None:
    folder = cache / "prefix" / library
    folder.mkdir(parents=True)
    (folder / "libc.so.6").touch()
    (folder / "ld-linux-any.so.2").touch()
    (cache / "prefix" / STAMP).write_text(json.dumps({"version": "9.7.4"}))


@pytest.mark.parametrize(
    "library", ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib/any"]
)
def test_what_was_unpacked_runs_through_its_own_loader(
    tmp_path: Path, library: str
) -> None:
    unpacked(tmp_path, library)
    found = packages.obtain(tmp_path, Silent())
    prefix = tmp_path / "prefix"
    folder = str(prefix / library)
    loader = (f"{folder}/ld-linux-any.so.2", "--library-path", folder)
    assert found.mysql == (*loader, str(prefix / "usr/bin/mysql"))
    assert found.mysqld[:5] == (
        *loader,
        str(prefix / "usr/sbin/mysqld"),
        "--no-defaults",
    )
    assert (found.basedir, found.version) == (prefix, "9.7.4")


def test_an_interrupted_unpack_is_not_used(tmp_path: Path) -> None:
    unpacked(tmp_path, "usr/lib/x86_64-linux-gnu")
    (tmp_path / "prefix" / STAMP).unlink()
    with pytest.raises(PackagesError):
        packages.obtain(tmp_path, Silent(), etc=tmp_path)


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEATPROXY_CACHE", "/somewhere")
    assert packages.cache_dir() == Path("/somewhere/mysql")
    monkeypatch.delenv("HEATPROXY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/xdg")  # noqa: S108
    assert packages.cache_dir() == Path("/var/tmp/xdg/heatproxy/mysql")  # noqa: S108


@pytest.mark.mysql
def test_server_and_client_run_and_are_the_same_version(binaries: Binaries) -> None:
    for command in (binaries.mysqld, binaries.mysql):
        printed = subprocess.run(
            [*command, "--version"], check=True, capture_output=True, text=True
        ).stdout
        assert f"Ver {binaries.version}" in printed


@pytest.mark.mysql
@pytest.mark.skipif(
    "HEATPROXY_TEST_DOWNLOAD" not in os.environ,
    reason="downloads 56 MB; set HEATPROXY_TEST_DOWNLOAD to run it",
)
def test_packages_are_fetched_into_an_empty_cache(tmp_path: Path) -> None:
    found = packages.obtain(tmp_path / "cache", Silent())
    assert found.version == packages._version(found.mysqld)
    assert not (tmp_path / "cache/apt").exists()
    assert packages.obtain(tmp_path / "cache", Silent()) == found
