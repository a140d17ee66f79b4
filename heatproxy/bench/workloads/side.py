"""A Python environment beside ours, for generators that ours can't hold.

TPC-DS rows come from an extension of an older DuckDB. The environment is made in
heatproxy's cache, once, by the interpreter that runs us and its own pip.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from heatproxy.backend.packages import cache_dir
from heatproxy.bench import BenchFailed

PACKAGES = (
    "tpchgen-cli>=4.0",
    "duckdb==1.5.5",
    "duckdb-extensions==1.5.5",
    "duckdb-extension-tpcds==1.5.5",
)
_PATIENCE_S = 600
_DONE = "made"


def cache() -> Path:
    """The folder that heatproxy's bench keeps its own things in."""
    return cache_dir().parent / "bench"


def environment() -> Path:
    """The folder of the environment's programs, made when it is not there.

    Raises:
        BenchFailed: its packages can't be had here.
    """
    folder = cache() / f"generators-{sys.version_info[0]}.{sys.version_info[1]}"
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    stamp = folder / _DONE
    cache().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
            _run([sys.executable, "-m", "venv", "--clear", str(folder)])
            python = str(programs / "python")
            _run([python, "-m", "pip", "install", "--quiet", *PACKAGES])
            stamp.write_text(" ".join(PACKAGES))
    return programs


def run(program: str, arguments: Sequence[str]) -> None:
    """Run one of the environment's programs to its end.

    Raises:
        BenchFailed: it can't be had, or it failed.
    """
    run_program(str(environment() / program), arguments)


def run_program(program: str, arguments: Sequence[str]) -> None:
    """Run any program to its end.

    Raises:
        BenchFailed: it failed.
    """
    _run([program, *arguments])


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise BenchFailed(f"the generators of test data: {problem}") from problem
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = said[-1] if said else f"exit code {done.returncode}"
        raise BenchFailed(f"the generators of test data: {last}")
