import gzip
from pathlib import Path

import pytest

from heatproxy.bench import BenchFailed, automl, rivals
from heatproxy.bench.automl import Row
from heatproxy.bench.rivals import Outcome
from heatproxy.bench.splits import SPLITS

BANK = SPLITS[0]


def outcome(loss: float, peak_bytes: int = 10**9) -> Outcome:
    scores = {"neg_log_loss": loss, "accuracy": 0.91, "balanced_accuracy": 0.7}
    return Outcome(scores, 8.0, peak_bytes, 5_000_000)


def test_no_data_at_all_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="--data"):
        automl.run(tmp_path, print)


def test_a_line_for_each_metric_has_everybodys_scores() -> None:
    row = Row(BANK, outcome(-0.19), None, outcome(-0.2))
    lines = list(row.texts())
    assert [line.split()[:2] for line in lines] == [
        ["bank-full", metric] for metric in BANK.metrics
    ]
    assert lines[0].split()[2:] == ["-0.19000", "-", "-0.20000", "-"]
    assert lines[1].split()[-1] == "0.90750"


@pytest.mark.parametrize(("loss", "met"), [(-0.19, True), (-0.21, False)])
def test_what_is_worse_than_another_is_not_met(loss: float, met: bool) -> None:
    row = Row(BANK, outcome(loss), outcome(-0.2), outcome(-0.2))
    beside = [one for one in row.figures() if "beside" in one.what]
    assert [one.met for one in beside] == [met, met]


def test_memory_over_four_times_the_table_and_a_gigabyte_is_not_met() -> None:
    row = Row(BANK, outcome(-0.1, peak_bytes=1_100_000_000))
    assert [one.met for one in row.figures() if "memory" in one.what] == [False]


def test_everybody_learns_a_data_set_in_a_process_of_its_own(tmp_path: Path) -> None:
    diamonds = next(split for split in SPLITS if split.name == "diamonds")
    rows = [f"{i % 7},{'ab'[i % 2]},{10 + 3 * (i % 7)}" for i in range(120)]
    text = "carat,cut,price\n" + "\n".join(rows)
    path = tmp_path / diamonds.file
    path.parent.mkdir()
    path.write_bytes(gzip.compress(text.encode()))
    ours = rivals.ours(diamonds, tmp_path)
    plain = rivals.plain(diamonds, tmp_path)
    for found in (ours, plain):
        assert set(found.scores) == set(diamonds.metrics)
        assert found.cpu_s > 0
        assert found.peak_bytes > found.table_bytes > 0
    assert ours.scores["neg_mean_absolute_error"] > -1.0
