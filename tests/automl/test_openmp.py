"""LightGBM on a system without an OpenMP library of its own."""

import subprocess
import sys

import pytest

LACKING = """
import ctypes
from pathlib import Path

loaded, missing = ctypes.CDLL, ["libgomp.so.1"] * {times}

def lacking(name, *args, **kwargs):
    if name in missing:
        missing.remove(name)
        raise OSError(f"{{name}}: cannot open shared object file")
    return loaded(name, *args, **kwargs)

ctypes.CDLL = lacking
"""

TRAIN = """
import numpy as np
from heatproxy.automl.openmp import lightgbm

rows = np.arange(200.0).reshape(-1, 1)
settings = {"num_threads": 2, "verbose": -1}
booster = lightgbm.train(settings, lightgbm.Dataset(rows, rows[:, 0] > 99), 5)
low, high = booster.predict([[3.0], [190.0]])
libraries = {line.split(maxsplit=5)[-1].strip() for line in open("/proc/self/maps")}
print(low < high, *(Path(name).name for name in libraries if "libgomp.so" in name))
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(sys.platform != "linux", reason="memory files are Linux's")
def test_lightgbm_trains_with_scikit_learns_openmp_where_the_system_has_none() -> None:
    done = _python(LACKING.format(times=1) + TRAIN)
    # not a system's libgomp.so.1.0.0 nor two of that name
    assert done.stdout == "True memfd:libgomp.so.1 (deleted)\n"
    assert done.stderr == ""


def test_a_system_without_any_openmp_is_told_which_package_to_install() -> None:
    done = _python(LACKING.format(times=2) + "import heatproxy.automl.openmp")
    assert "Install package libgomp1" in done.stderr.splitlines()[-1]
