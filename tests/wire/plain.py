"""The tracker as Python runs it where there is no numba."""

import pytest

from heatproxy.wire import tracker

COMPILED = ("_lenenc_at", "_ok_status", "_end_packet", "_begin", "_skip", "_scan")
ENTRIES = {"_scan_entry": "_scan", "_is_whole_entry": "_is_whole"}


def plain_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all of its functions be Python's."""
    for name in (*COMPILED, "_is_whole"):
        function = getattr(tracker, name)
        monkeypatch.setattr(tracker, name, getattr(function, "py_func", function))
    for entry, name in ENTRIES.items():
        monkeypatch.setattr(tracker, entry, getattr(tracker, name))
