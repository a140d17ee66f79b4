"""A mysqld that is started again when it dies, or when its RESTART asks for that.

Source: MySQL Reference Manual, "RESTART Statement".
"""

import logging
import threading
import time
from collections.abc import Callable

from heatproxy.backend.mysqld import Mysqld, MysqldError
from heatproxy.backoff import Backoff

log = logging.getLogger(__name__)

RESTART = 16  # the exit code of a mysqld that wants to be started again


class Keeping:
    """The watch over one mysqld and its successors, in a thread of its own.

    Args:
        mysqld: the first, which runs.
        start: starts another and returns when it answers; raises MysqldError.
    """

    def __init__(self, mysqld: Mysqld, start: Callable[[], Mysqld]) -> None:
        self._mysqld, self._start = mysqld, start
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Start no more; whoever runs is stopped by who started it."""
        self._stopping.set()

    def join(self) -> None:
        """Return when nothing is being started any more."""
        self._thread.join()

    def _keep(self) -> None:
        backoff, since = Backoff(), time.monotonic()
        while self._mysqld.wait() and not self._stopping.is_set():
            code = self._mysqld.exit_code
            if code == 0:
                log.error("MySQL was shut down by a client; restart heatproxy for it")
                return
            wait_s = backoff.after(time.monotonic() - since)
            if code != RESTART:
                facts = {"exit_code": code, "wait_s": wait_s}
                log.error("mysqld died; starting it again", extra={"facts": facts})
            if self._stopping.wait(wait_s):
                return
            since = time.monotonic()
            try:
                self._mysqld = self._start()
            except MysqldError as problem:
                if not self._stopping.is_set():
                    log.error("%s", problem)
                continue
            log.info("mysqld runs again")
            if self._stopping.is_set():  # whoever stops it did not see this one
                self._mysqld.stop()
