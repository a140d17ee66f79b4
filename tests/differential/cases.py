"""The shared case file, asked of MySQL and through heatproxy.

``python -m tests.differential.cases [FILE]`` prints what comes of each case.
"""

import sys
import tempfile
from pathlib import Path

from heatproxy.bench import differential
from heatproxy.bench.differential import Outcome
from tests.conftest import SHARED, Running, Server
from tests.differential.held import of_script

FILE = SHARED / "cases" / "mysql_semantics.sql"
SCHEMA = "differential_cases"


def outcomes(server: Server, file: Path = FILE) -> list[Outcome]:
    """What comes of each case of a case file."""
    script, cases = differential.read(file)
    with of_script(server, SCHEMA, script) as held:
        return held.outcomes(cases)


def main(file: Path) -> int:
    """Print the table; 1 if an answer is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder), HEATPROXY_LOG_LEVEL="warning")
        try:
            found = outcomes(running.server, file)
        finally:
            running.stop()
    for one in found:
        sys.stdout.write(one.line() + "\n")
    counted = [one for one in found if one.counts]
    offloaded = sum(one.offloaded for one in counted)
    wrong = sum(one.is_wrong for one in found)
    sys.stdout.write(
        f"{len(found)} cases, {wrong} wrong; {len(counted)} read tables and have an"
        f" answer, {offloaded} of them offloaded ({100 * offloaded // len(counted)} %)"
        "\n"
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else FILE))
