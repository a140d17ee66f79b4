"""A heatproxy of two workers whose settings, log and metrics a test can get at."""

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.asking import value
from tests.background import until
from tests.conftest import Running, Server

Line = dict[str, Any]
ENOUGH = 24  # connections: that one worker gets them all is beyond belief


class Watched:
    """A running heatproxy, seen as an operator sees it."""

    def __init__(self, running: Running, settings: Path) -> None:
        self.running, self.settings = running, settings

    @property
    def server(self) -> Server:
        return self.running.server

    # --- its log ----------------------------------------------------------------------

    @property
    def lines(self) -> list[Line]:
        """Every whole line of its log, each an object of JSON."""
        assert self.running.log is not None
        whole = self.running.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def said(self, message: str, **facts: Any) -> list[Line]:
        """The lines that say so, with these facts."""
        return [
            line
            for line in self.lines
            if line["message"] == message
            and all(line.get(name) == value for name, value in facts.items())
        ]

    def until_said(self, message: str, after: int = 0, **facts: Any) -> Line:
        """The next such line after that many."""
        found: list[Line] = until(lambda: self.said(message, **facts)[after:])
        return found[0]

    def pid(self, name: str) -> int:
        """The process that stands in this place now."""
        pid = self.said(f"{name} runs")[-1]["pid"]
        assert isinstance(pid, int)
        return pid

    # --- its settings -----------------------------------------------------------------

    def hang_up(self, text: str) -> None:
        """Write its settings file and send SIGHUP."""
        self.settings.write_text(text)
        self.running.process.send_signal(signal.SIGHUP)

    def reload(self, text: str) -> Line:
        """Have it take other settings; the line that says it did."""
        before = len(self.said("settings reloaded"))
        self.hang_up(text)
        return self.until_said("settings reloaded", before)

    @contextmanager
    def settled(self, text: str) -> Iterator[Line]:
        """Other settings for a while."""
        line = self.reload(text)
        try:
            yield line
        finally:
            self.reload("")

    # --- its metrics ------------------------------------------------------------------

    def fetch(self, path: str) -> tuple[int, str]:
        """A page's status and body."""
        (line,) = self.said_with_prefix("metrics are served on ")
        url = f"http://{line.rpartition(' ')[2]}{path}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def said_with_prefix(self, prefix: str) -> list[str]:
        messages = [line["message"] for line in self.lines]
        return [message for message in messages if message.startswith(prefix)]

    def metric(self, name: str, **labels: str) -> float:
        """The value of a sample; 0 where there is none yet."""
        status, text = self.fetch("/metrics")
        assert status == 200
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return 0.0

    def kill(self, name: str) -> int:
        """End a process of it without a word; its number."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid


@contextmanager
def watched_up(folder: Path, *arguments: str, **environment: str) -> Iterator[Watched]:
    """One that logs JSON and serves metrics."""
    settings, log = folder / "heatproxy.toml", folder / "log"
    settings.write_text("")
    log.unlink(missing_ok=True)
    running = Running(
        folder / "data",
        *("--config", str(settings), *arguments),
        log=log,
        HEATPROXY_LOG_FORMAT="json",
        HEATPROXY_METRICS_LISTEN="127.0.0.1:0",
        HEATPROXY_LAKEHOUSE_ALLOWED_HOSTS="127.0.0.1",
        **environment,
    )
    try:
        assert running.ready_line, log.read_text()
        yield Watched(running, settings)
    finally:
        if running.process.poll() is None:
            running.stop()
        elif running.process.stdout is not None:
            running.process.stdout.close()


@pytest.fixture(scope="package")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """For the tests that leave it as they found it."""
    with watched_up(tmp_path_factory.mktemp("watched"), "--workers", "2") as found:
        yield found
        everyone = found.running.stop()
        assert everyone == 0


def where(watched: Watched) -> dict[str, Any]:
    return {"host": watched.server.host, "port": watched.server.port}


@contextmanager
def connections(watched: Watched, count: int, **options: Any) -> Iterator[list[Any]]:
    with ExitStack() as stack:
        made = [watched.server.connect(**options) for _ in range(count)]
        for connection in made:
            stack.callback(connection._force_close)
        yield made


def is_open(connection: Any) -> bool:
    try:
        return bool(value(connection, "SELECT 1") == 1)
    except pymysql.MySQLError:
        return False
