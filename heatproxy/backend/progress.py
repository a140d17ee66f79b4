"""How a long first step is shown: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

log = logging.getLogger(__name__)

Advance = Callable[[float], None]


class Progress(Protocol):
    """Who is told what a start is doing."""

    def step(self, text: str) -> None:
        """Say in one line what begins now."""
        ...

    def bar(self, text: str) -> AbstractContextManager[Advance]:
        """Show a long step; what is yielded is called with the share done, 0 to 1."""
        ...


class Silent:
    """Tells nobody."""

    def step(self, text: str) -> None:
        pass

    @contextmanager
    def bar(self, text: str) -> Iterator[Advance]:
        yield lambda done: None


class Logged:
    """Messages in the log, which may be for machines."""

    def step(self, text: str) -> None:
        log.info("%s", text)

    @contextmanager
    def bar(self, text: str) -> Iterator[Advance]:
        self.step(text)
        yield lambda done: None


class Lines:
    """Plain lines, for logs and pipes: a bar is a line at every quarter."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

    @contextmanager
    def bar(self, text: str) -> Iterator[Advance]:
        shown = 0

        def advance(done: float) -> None:
            nonlocal shown
            quarter = int(done * 4)
            if quarter > shown:
                shown = quarter
                self.step(f"{text}: {25 * quarter} %")

        self.step(text)
        yield advance


class Bars:
    """Lines and bars on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    @contextmanager
    def bar(self, text: str) -> Iterator[Advance]:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=self._console) as shown:
            task = shown.add_task(text, total=1.0)
            yield lambda done: shown.update(task, completed=done)


def on_stderr() -> Progress:
    """Bars when standard error is a terminal, else lines."""
    if sys.stderr.isatty():
        return Bars(Console(stderr=True))
    return Lines(sys.stderr)
