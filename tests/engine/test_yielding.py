"""Threads that compute are nicer than those that somebody waits for."""

import multiprocessing
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from heatproxy.engine.yielding import (
    NICE,
    begin_session,
    begin_yielding,
    started_yielding,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others have no such")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_thread_yields_and_no_other() -> None:
    before = niceness()
    with ThreadPoolExecutor(1, initializer=begin_yielding) as yielding:
        assert yielding.submit(niceness).result() == NICE
    assert niceness() == before


def test_threads_that_are_started_yielding_stay_so() -> None:
    found: list[int] = []

    def start() -> threading.Thread:
        thread = threading.Thread(target=lambda: found.append(niceness()))
        thread.start()
        return thread

    before = niceness()
    started_yielding(start).join()
    assert found == [NICE]
    assert niceness() == before


def _session() -> tuple[int, int]:
    begin_session()
    begin_session()  # once more is harmless
    return os.getsid(0), os.getpid()


def test_a_process_gets_a_session_of_its_own() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as processes:
        session, process = processes.apply(_session)
    assert session == process != os.getsid(0)
