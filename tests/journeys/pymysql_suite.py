"""Runs the test suite that a PyMySQL on PYTHONPATH carries; writes what became of each.

A program of its own: ``python pymysql_suite.py OUTCOMES.json``. It knows nothing of
heatproxy.
"""

import contextlib
import io
import json
import sys
import unittest
import warnings
from pathlib import Path
from typing import Any

PASSED, SKIPPED = "passed", "skipped"


class Outcomes(unittest.TestResult):
    """By the name of a test: passed, skipped, or the kind of error."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        self.found.setdefault(test.id(), PASSED)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        self.found[test.id()] = SKIPPED

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        kind, error, _ = err
        number = error.args[0] if error.args else ""
        self.found[test.id()] = f"{kind.__name__} {number}"[:200]

    addFailure = addError  # noqa: N815


def main(outcomes: Path) -> None:
    warnings.simplefilter("ignore")
    found = Outcomes()
    with contextlib.redirect_stdout(io.StringIO()):
        unittest.defaultTestLoader.loadTestsFromName("pymysql.tests").run(found)
    outcomes.write_text(json.dumps(found.found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
