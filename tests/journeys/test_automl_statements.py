"""The forms in which public labs call AutoML, as the ``mysql`` client sends them.

Source: reference, section 12: each statement below is a form that was found there, with
names of tables changed.
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.asking import run
from tests.automl.conftest import customers, houses
from tests.conftest import Server
from tests.routines.conftest import fill

pytestmark = pytest.mark.mysql

SCRIPT = Path(__file__).with_name("automl_statements.sql")
EXPECTED = {
    "trained": "1",
    "good": "1",
    "good_too": "1",
    "short": "1",
    "text": "1",
    "by_table": "1",
    "predicted": "20",
    "shares": "1",
    "why": "1",
    "explained": "20",
    "by_shap": "1",
    "chosen": "prices-01",
    "latest": "1",
    "fits": "1",
    "notes": '"a lab"',
    "active": "1",
    "prepared": "1",
    "described": "1",
    "chunks_left": "0",
}


@pytest.fixture
def labs(server: Server) -> Iterator[None]:
    with closing(server.connect()) as client:
        run(
            client,
            "DROP DATABASE IF EXISTS labs",
            "CREATE DATABASE labs",
            "CREATE TABLE labs.`people-train`"
            " (age int, job varchar(10), balance double, y varchar(3))",
            "CREATE TABLE labs.prices (area double, town char(1), price double)",
        )
        fill(client, "labs.`people-train`", customers())
        fill(client, "labs.prices", houses())
        yield
        run(client, "DROP DATABASE labs")


@pytest.mark.usefixtures("labs")
def test_the_statements_of_the_labs_run_as_they_are(server: Server) -> None:
    ended = server.mysql(SCRIPT.read_text())
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    lines = ended.stdout.splitlines()
    found = {title: value for title, value in pairwise(lines) if title in EXPECTED}
    assert found == EXPECTED
    assert '  "Prediction": "yes",' in lines
