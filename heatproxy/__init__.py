"""MySQL HeatWave's Lakehouse and AutoML for any MySQL, as a proxy in front of it.

Compiled kernels are kept beside the package or in the user's cache, whichever can be
written. Where neither can, importing them would fail: this process and those below
it then share a folder of their own, never one that others could put code into.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def _writable(folder: Path) -> bool:
    try:
        folder = folder.expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return False


if "NUMBA_CACHE_DIR" not in os.environ and not (
    _writable(Path(__file__).parent / "wire" / "__pycache__")
    or _writable(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "numba"))
):
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="heatproxy-kernels-")
    atexit.register(shutil.rmtree, os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)
