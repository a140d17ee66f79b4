"""Find a MySQL server and client on this machine, or unpack them without root.

What is on PATH is used when it is a MySQL that heatproxy knows (8.0.36 and later,
8.4, 9.x). Otherwise packages of the machine's own Debian or Ubuntu mirror are
unpacked into a cache that every data directory shares. They run there through
their own dynamic loader and libraries, so the age of the system does not matter.
"""

import fcntl
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from heatproxy.backend.apt import (
    ETC,
    AptError,
    PrivateApt,
    Source,
    machine_sources,
    mysql_archives,
    unpack,
)
from heatproxy.backend.progress import Progress

KNOWN = "8.0.36 or later in 8.0, 8.4, or 9.x"
SERIES = ("", "-8.4", "-8.0")  # endings of the package names, the newest first
STAMP = "heatproxy.json"
_VERSION = re.compile(r"Ver (\d+)\.(\d+)\.(\d+)")
_UNUSED = re.compile(r"(lib)?perl")  # only mysqld_safe and the like are Perl
# mysqld stands where a normal user's PATH does not look
_SERVER_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/usr/local/mysql/bin")


class PackagesError(Exception):
    """No usable MySQL; the message says what was tried and what to do instead."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Commands to start, each to be followed by its arguments.

    ``mysqld`` holds ``--no-defaults`` and all that depends on where it is
    installed. ``mysql`` is empty when there is a server but no client.
    """

    mysqld: tuple[str, ...]
    mysql: tuple[str, ...]
    basedir: Path | None  # of the unpacked packages
    origin: str
    version: str


@dataclass(frozen=True, slots=True)
class Program:
    """Where a package was unpacked, and what its binaries are started by."""

    prefix: Path
    loader: tuple[str, ...]


def locate(cache: Path, notify: Progress) -> Binaries:
    """A server from PATH, or else from packages. Raises PackagesError."""
    return find_on_path() or obtain(cache, notify)


def find_on_path() -> Binaries | None:
    """The MySQL installed here, if heatproxy knows its version.

    MariaDB's mysqld is another server and is passed over.
    """
    folders = [os.environ.get("PATH", os.defpath), *_SERVER_FOLDERS]
    server = shutil.which("mysqld", path=os.pathsep.join(folders))
    version = server and _version((server, "--no-defaults"))
    if not server or not version or not _is_known(version):
        return None
    command = (server, "--no-defaults")
    return Binaries(command, _client_on_path(), None, server, version)


def client_command(cache: Path, notify: Progress) -> tuple[str, ...]:
    """MySQL's own command-line client: from PATH, or else from packages.

    Raises:
        PackagesError: there is none and none can be had.
    """
    return _client_on_path() or obtain(cache, notify).mysql


def cache_dir() -> Path:
    """Where packages are unpacked: $HEATPROXY_CACHE/mysql, or the user's cache."""
    if own := os.environ.get("HEATPROXY_CACHE"):
        return Path(own).absolute() / "mysql"
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "heatproxy" / "mysql"


def obtain(cache: Path, notify: Progress, etc: Path = ETC) -> Binaries:
    """The unpacked packages, fetched first if they are not there yet.

    Two processes never fetch at once: the second waits for the first. To get newer
    packages, delete the folder.

    Args:
        etc: apt's configuration, whose mirror is used.

    Raises:
        PackagesError: not Debian or Ubuntu, no mirror, no network, no room...
    """
    prefix = cache / "prefix"
    try:
        _check_owner(cache)
        if found := unpacked(cache):
            return found
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(cache, notify):
            if found := unpacked(cache):
                return found
            _fetch(cache, notify, etc)
    except (AptError, subprocess.SubprocessError) as problem:
        raise _no_mysql(str(problem)) from problem
    except OSError as problem:
        where = "HEATPROXY_CACHE may name another folder"
        raise _no_mysql(f"{problem} ({where})") from problem
    found = unpacked(cache)
    if found is None:
        raise _no_mysql(f"nothing usable was unpacked into {prefix}")
    return found


def program(cache: Path, package: str, notify: Progress, etc: Path = ETC) -> Program:
    """Another package with all it needs, unpacked into a folder of its own, once.

    Raises:
        AptError: it cannot be had here.
    """
    try:
        _check_owner(cache)
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(cache, notify):
            if not (cache / "prefix" / STAMP).exists():
                files = _unpack_fresh(cache, _archives(etc), [[package]], notify)
                _name(cache, {"packages": files})
    except OSError as problem:
        raise AptError(str(problem)) from problem
    prefix = cache / "prefix"
    return Program(prefix, _loader(prefix))


def _fetch(cache: Path, notify: Progress, etc: Path) -> None:
    """Fetch, unpack and try out; only then does the folder get its name."""
    archives = _archives(etc)
    notify.step(
        f"No MySQL ({KNOWN}) on PATH: unpacking one from this machine's package "
        f"mirror into {cache} (once, no root needed)"
    )
    names = ("mysql-server-core", "mysql-client-core")
    choices = [[f"{name}{ending}" for name in names] for ending in SERIES]
    packages = _unpack_fresh(cache, archives, choices, notify)
    version = _version(_server_command(cache / "prefix.new"))
    if version is None or not _is_known(version):
        raise AptError(f"the unpacked mysqld does not run, or is not MySQL {KNOWN}")
    _name(cache, {"version": version, "packages": packages})
    notify.step(f"MySQL {version} is ready in {cache / 'prefix'}")


def _unpack_fresh(
    cache: Path,
    archives: Sequence[Sequence[Source]],
    choices: Sequence[Sequence[str]],
    notify: Progress,
) -> list[str]:
    """Unpack the first choice that can be had into ``prefix.new``; its packages."""
    work, fresh = cache / "apt", cache / "prefix.new"
    for folder in (work, fresh, cache / "prefix"):
        shutil.rmtree(folder, ignore_errors=True)
    for archive in archives:
        try:
            files = _download(work, archive, choices, notify)
            break
        except AptError as problem:
            refused = problem
    else:
        raise refused
    with notify.bar("Unpacking") as advance:
        for count, file in enumerate(files, 1):
            unpack(file, fresh)
            advance(count / len(files))
    return [file.name for file in files]


def _name(cache: Path, stamp: dict[str, object]) -> None:
    """What was unpacked is whole: give the folder its name."""
    fresh = cache / "prefix.new"
    (fresh / STAMP).write_text(json.dumps(stamp, indent=1))
    fresh.rename(cache / "prefix")
    shutil.rmtree(cache / "apt")


def _download(
    work: Path,
    sources: Sequence[Source],
    choices: Sequence[Sequence[str]],
    notify: Progress,
) -> list[Path]:
    apt = PrivateApt(work, sources, notify)
    apt.update()
    refusals = []
    for names in choices:
        try:
            chosen = apt.resolve(names)
        except AptError as problem:
            refusals.append(str(problem))
            continue
        used = [package for package in chosen if not _UNUSED.match(package.name)]
        return apt.download(used, work / "debs")
    raise AptError(refusals[0])


def _archives(etc: Path) -> list[list[Source]]:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        raise AptError("this system is neither Debian nor Ubuntu") from None
    sources = machine_sources(etc)
    if archives := mysql_archives(sources, release):
        return archives
    name = release.get("PRETTY_NAME", "this system")
    if sources:
        raise AptError(f"no Debian or Ubuntu mirror for {name} in {etc}")
    raise AptError(f"no package mirror is configured in {etc} ({name})")


def unpacked(cache: Path) -> Binaries | None:
    """What an earlier start unpacked; None when it did not come to its end."""
    prefix = cache / "prefix"
    try:
        version = str(json.loads((prefix / STAMP).read_text())["version"])
    except (OSError, ValueError, KeyError):
        return None
    client = (*_loader(prefix), str(prefix / "usr/bin/mysql"))
    command = _server_command(prefix)
    return Binaries(command, client, prefix, f"packages in {prefix}", version)


def _server_command(prefix: Path) -> tuple[str, ...]:
    share = prefix / "usr/share/mysql"
    return (
        *_loader(prefix),
        str(prefix / "usr/sbin/mysqld"),
        "--no-defaults",
        f"--basedir={prefix / 'usr'}",
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share / 'charsets'}",
        f"--plugin-dir={prefix / 'usr/lib/mysql/plugin'}",
    )


def _loader(prefix: Path) -> tuple[str, ...]:
    """The prefix's own dynamic loader, told where the prefix's libraries are.

    The folders carry the machine's name (x86_64-linux-gnu, aarch64-linux-gnu) and
    stand in /lib or in /usr/lib, by the age of the release.
    """
    libraries = [file.parent for file in prefix.glob("usr/lib/*/libc.so.6")]
    libraries += [file.parent for file in prefix.glob("lib/*/libc.so.6")]
    loaders = [file for folder in libraries for file in folder.glob("ld*.so.[0-9]")]
    if not loaders:
        raise AptError(f"the packages unpacked into {prefix} have no dynamic loader")
    folders = {f: None for f in libraries}
    for known in libraries:  # a release may split its libraries over both places
        folders[prefix / "lib" / known.name] = None
        folders[prefix / "usr/lib" / known.name] = None
    folders[prefix / "usr/lib/mysql/private"] = None
    path = ":".join(str(folder) for folder in folders if folder.is_dir())
    return (str(loaders[0]), "--library-path", path)


def _client_on_path() -> tuple[str, ...]:
    client = shutil.which("mysql")
    return (client,) if client and _version((client, "--no-defaults")) else ()


def _version(command: tuple[str, ...]) -> str | None:
    """What ``--version`` prints, such as ``9.7.4``; None for MariaDB's programs."""
    try:
        done = subprocess.run(  # noqa: S603
            [*command, "--version"],
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
    except OSError:
        return None
    match = _VERSION.search(done.stdout)
    if done.returncode or match is None or "MariaDB" in done.stdout:
        return None
    return ".".join(match.groups())


def _is_known(version: str) -> bool:
    major, minor, patch = (int(part) for part in version.split("."))
    if major == 8:
        return minor == 4 or (minor == 0 and patch >= 36)
    return major == 9


def _check_owner(cache: Path) -> None:
    """Refuse a cache in which somebody else could put a program of theirs."""
    if not cache.exists():
        return
    status = cache.stat()
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o002:
        raise AptError(f"{cache} can be written by other users")


@contextmanager
def _alone(cache: Path, notify: Progress) -> Iterator[None]:
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            notify.step(f"Waiting for another heatproxy that is unpacking into {cache}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _no_mysql(why: str) -> PackagesError:
    return PackagesError(
        f"No MySQL server ({KNOWN}) is on PATH, and none could be unpacked from "
        f"packages: {why.rstrip('.')}. Install one, or use a server that runs "
        "elsewhere: heatproxy up --backend mysql://USER:PASSWORD@HOST:PORT"
    )
