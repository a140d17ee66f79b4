"""``heatproxy demo``: a HeatWave lab from start to end, on this machine alone.

It brings up heatproxy on an embedded MySQL, plays the object store with a generated
file, and runs the lab's script through the real mysql client.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from heatproxy.backend import packages
from heatproxy.backend.progress import Progress
from heatproxy.demo_data import bank_marketing_csv
from heatproxy.objectstore import ObjectStore

BUCKET_OBJECT = "bank_marketing.csv"


class DemoFailed(Exception):
    """A part of the demo did not do what it should; the message says which."""


def run(notify: Progress, say: Callable[[str], None]) -> int:
    """Run the lab and show each statement with its answer; the client's exit code.

    Raises:
        DemoFailed: heatproxy did not start.
        PackagesError: there is no MySQL here and none can be had.
    """
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="heatproxy-demo-") as folder,
        ObjectStore({BUCKET_OBJECT: bank_marketing_csv()}) as store,
        _heatproxy(Path(folder), notify) as (cnf, ready_s),
    ):
        client = packages.client_command(packages.cache_dir(), notify)
        command = [*client, f"--defaults-file={cnf}"]
        code = _lab(command, store.url(BUCKET_OBJECT))
    if code == 0:
        say(
            f"\nThe lab ran in {time.monotonic() - began:.0f} s; heatproxy was ready"
            f" after {ready_s:.0f} s. Keep one running: heatproxy up"
        )
    return code


def lab_script(par_url: str) -> str:
    """The lab's SQL, reading its data from this URL."""
    text = (files("heatproxy") / "labs" / "bank_marketing.sql").read_text()
    return text.replace("<PAR_URL>", par_url)


@contextmanager
def _heatproxy(folder: Path, notify: Progress) -> Iterator[tuple[Path, float]]:
    """A server of our own; where its client.cnf is, and how long it took."""
    began = time.monotonic()
    port = _free_port()
    command = [sys.executable, "-m", "heatproxy", "up"]
    command += ["--data-dir", str(folder), "--listen", f"127.0.0.1:{port}"]
    environment = {
        **os.environ,
        # the object store of the demo is on this machine
        "HEATPROXY_LAKEHOUSE_ALLOWED_HOSTS": "127.0.0.1",
        "HEATPROXY_LOG_LEVEL": "warning",
    }
    server = subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if " is ready " in line:
                break
        else:
            raise DemoFailed("heatproxy did not start; see above")
        notify.step(line.strip())
        yield folder / "client.cnf", time.monotonic() - began
    finally:
        server.terminate()
        server.wait()


def _lab(command: list[str], par_url: str) -> int:
    script = lab_script(par_url)
    shown = [*command, "--table", "-vvv"]
    return subprocess.run(shown, input=script, text=True, check=False).returncode  # noqa: S603


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
