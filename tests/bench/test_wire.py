"""``heatproxy bench wire`` measures everything there is to measure, and cleans up."""

import sys
from pathlib import Path

import pymysql
import pytest

from heatproxy.bench import stage, wire
from heatproxy.bench.counts import FULL, QUICK, Counts
from heatproxy.bench.report import Line, text
from heatproxy.bench.stage import DIRECT, HEATPROXY, open_stage

pytestmark = [
    pytest.mark.mysql,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]
TINY = Counts(turns=1, seconds=0.02, rows=2000, row_turns=1, logins=2, idle=5)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def measured(data_dir: Path) -> tuple[list[Line], list[str]]:
    said: list[str] = []
    return list(wire.measure(data_dir, TINY, say=said.append)), said


def test_every_part_has_its_lines(measured: tuple[list[Line], list[str]]) -> None:
    lines, _ = measured
    names = [line.what for line in lines]
    assert len(set(names)) == len(names)
    for part in (
        *("1 conn.: CPU", "1 conn.: p50", "8 conn.: rate", "32 conn.: rate"),
        *("TLS", "2,000 rows, text: speed", "2,000 rows, binary: speed"),
        *("encoded on a core, text", "encoded on a core, binary"),
        *("connect", "5 idle connections"),
    ):
        assert any(part in name for name in names), part


def test_every_figure_is_one(measured: tuple[list[Line], list[str]]) -> None:
    for line in measured[0]:
        no_page_more = line.what == "memory of one"  # so few idle connections need none
        assert line.note or no_page_more or line.figures[HEATPROXY] > 0, line.what
        assert line.figures.get(DIRECT, 1) > 0, line.what
        assert text(line).startswith(line.what)


def test_a_proxy_that_is_not_installed_is_named(
    measured: tuple[list[Line], list[str]], data_dir: Path
) -> None:
    lines, said = measured
    for name in (stage.HAPROXY, stage.ROUTER):
        absent = any(line.startswith(f"{name} is not beside us") for line in said)
        assert absent != any(name in line.figures for line in lines)


def test_nothing_of_the_bench_is_left_on_the_backend(
    measured: tuple[list[Line], list[str]], data_dir: Path
) -> None:
    with open_stage(data_dir) as again:
        account = again.account
        with pymysql.connect(
            unix_socket=again.direct.path, user=account.user, password=account.password
        ) as connection:
            cursor = connection.cursor()
            cursor.execute("SHOW DATABASES LIKE 'heatproxy_bench'")
            assert cursor.fetchall() == ()


def test_quick_is_quicker() -> None:
    assert QUICK.turns * QUICK.seconds < FULL.turns * FULL.seconds
    assert QUICK.rows < FULL.rows
