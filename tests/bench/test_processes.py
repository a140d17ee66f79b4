"""A proxy's processes are its tree; what they cost is read from /proc."""

import os
import subprocess
import sys

import pytest

from heatproxy.bench import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# A process with a child whose command line has a word in it; both wait for a line.
_PARENT = """
import subprocess, sys
child = [sys.executable, "-c", "print(flush=True); input()", sys.argv[1]]
process = subprocess.Popen(child, stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
process.wait()
"""


@pytest.mark.parametrize(("word", "counted"), [("worker", True), ("mysqld", False)])
def test_a_proxys_tree_counts_without_its_backend(word: str, counted: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, word],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        found = processes.relays(parent.pid)
        parent.communicate("\n")
    assert found == ([parent.pid, child] if counted else [parent.pid])


def test_time_on_the_processor_is_what_the_system_counts() -> None:
    before, began = processes.cpu_ns([os.getpid()]), os.times()
    while os.times().user - began.user < 0.2:
        pass
    assert processes.cpu_ns([os.getpid()]) - before > 0.15e9


def test_memory_grows_with_what_is_written_to() -> None:
    before = processes.memory_bytes([os.getpid()])
    block = bytearray(os.urandom(1 << 25))
    assert processes.memory_bytes([os.getpid()]) - before > 1 << 24
    del block
