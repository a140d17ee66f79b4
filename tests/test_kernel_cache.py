"""Where compiled kernels are kept when the package's own folder can't be written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import heatproxy

SHOW = """
import os, heatproxy
folder = os.environ.get("NUMBA_CACHE_DIR")
print(folder and os.path.basename(folder)[:18], folder and oct(os.stat(folder).st_mode))
"""


@pytest.mark.parametrize(
    ("beside", "home", "expected"),
    [
        pytest.param(True, False, "None None\n", id="beside-the-package"),
        pytest.param(False, True, "None None\n", id="the-users-cache"),
        pytest.param(
            False, False, "heatproxy-kernels- 0o40700\n", id="a-private-folder"
        ),
    ],
)
def test_kernels_are_kept_where_they_can_be_written(
    tmp_path: Path, beside: bool, home: bool, expected: str
) -> None:
    package = tmp_path / "heatproxy"
    (package / "wire").mkdir(parents=True)
    shutil.copy(heatproxy.__file__, package)
    in_the_way = [] if beside else [package / "wire" / "__pycache__"]
    in_the_way += [] if home else [tmp_path / "home"]
    for file in in_the_way:  # not even root can make files in a file
        file.touch()
    kept = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in kept}
        | {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path), "PYTHONPATH": ""},
    )
    assert done.stdout == expected
    assert not list(tmp_path.glob("heatproxy-kernels-*"))  # gone with the process
