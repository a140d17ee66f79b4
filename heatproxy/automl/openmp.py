"""LightGBM, also where the system lacks the OpenMP library that it needs.

LightGBM's wheel brings no libgomp.so.1 and a fresh Debian or Ubuntu has none; only
root could install it. scikit-learn's wheel brings the same library, but calls it by a
name of its own, so that LightGBM does not take it. It takes a library of the right
name that the process has loaded already: a copy in memory, renamed. No file is
written that could be read-only, unsafe or stale, and where the system has the library
the system's is used. Import ``lightgbm`` from here and nowhere else.

Source: System V ABI, "Shared Object Dependencies"; memfd_create(2); LightGBM,
issue 4484.
"""

import ctypes
import os
from importlib.util import find_spec
from pathlib import Path

__all__ = ["lightgbm"]

NAME = "libgomp.so.1"
PACKAGE = "libgomp1"


def _load() -> None:
    """Have the process hold a library of that name.

    Raises:
        ImportError: neither the system nor scikit-learn has one.
    """
    try:
        ctypes.CDLL(NAME)
    except OSError as problem:
        try:
            _load_renamed(_scikit_learns())
            ctypes.CDLL(NAME)  # found by its new name?
        except OSError:
            text = f"LightGBM needs {NAME}: {problem}. Install package {PACKAGE}"
            raise ImportError(text) from problem


def _scikit_learns() -> Path:
    spec = find_spec("sklearn")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parents[1] / "scikit_learn.libs"
        for library in folder.glob("libgomp-*.so*"):
            return library
    raise FileNotFoundError(NAME)


def _load_renamed(library: Path) -> None:
    # the wheel's file is named after the DT_SONAME in it; the shorter name fits there
    old, new = (f"{name}\0".encode() for name in (library.name, NAME))
    image = library.read_bytes().replace(old, new.ljust(len(old), b"\0"))
    with os.fdopen(os.memfd_create(NAME), "wb", buffering=0) as memory:
        memory.write(image)
        ctypes.CDLL(f"/proc/self/fd/{memory.fileno()}")


_load()

import lightgbm  # noqa: E402
