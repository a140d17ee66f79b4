"""What a log shows of a long step."""

import io

from rich.console import Console

from heatproxy.backend.progress import Bars, Lines


def test_lines_say_each_quarter_once() -> None:
    stream = io.StringIO()
    with Lines(stream).bar("Unpacking") as advance:
        for done in (0.1, 0.3, 0.3, 0.8, 1.0):
            advance(done)
    assert stream.getvalue().splitlines() == [
        "Unpacking",
        "Unpacking: 25 %",
        "Unpacking: 75 %",
        "Unpacking: 100 %",
    ]


def test_bars_end_full_and_leave_paths_alone() -> None:
    stream = io.StringIO()
    bars = Bars(Console(file=stream, width=100))
    bars.step("into /tmp/[bold]/x")
    with bars.bar("Unpacking") as advance:
        advance(1.0)
    assert "into /tmp/[bold]/x" in stream.getvalue()
    assert "100 %" in stream.getvalue()
