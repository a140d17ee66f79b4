"""``heatproxy bench predict``: what predictions cost beside the model alone and MySQL.

The model alone is its estimator over rows that are numbers already, on as many threads
as heatproxy uses. Medians of turns; only what is compared within one run means
anything.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from heatproxy.bench import bank, figures, through
from heatproxy.bench.bank import HANDLE, SCHEMA, Bank
from heatproxy.bench.figures import Figure
from heatproxy.bench.workloads import side
from heatproxy.datatypes import quote_name
from heatproxy.wire.packets import frame, query

Say = Callable[[str], None]
LEAST_ROWS_PER_S = 100_000
OF_MODEL_AND_INSERT = 0.5
ROW_MS, EXPLAIN_MS, INSIDE_MS = 10, 100, 20
OVER_ROWS = 1.6


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is measured: rows, turns of statements over them, single rows."""

    rows: int
    turns: int
    single_rows: int


FULL = Counts(rows=1_000_000, turns=3, single_rows=300)
QUICK = Counts(rows=100_000, turns=3, single_rows=100)


def run(folder: Path | None, say: Say, *, quick: bool = False) -> int:
    """Measure everything, and say a line as soon as it is known; 0.

    Args:
        folder: where the bench's own heatproxy keeps its data; in the cache when None.

    Raises:
        BenchFailed: measuring is not possible.
    """
    counts = QUICK if quick else FULL
    say(figures.heading())
    with bank.opened(folder or side.cache() / "predict", counts.rows) as opened:
        for figure in measure(opened, counts):
            say(figure.text())
    return 0


def measure(opened: Bank, counts: Counts) -> Iterator[Figure]:
    """The figures, measured one after the other."""
    yield from _single_rows(opened, counts.single_rows)
    yield _inside(opened, counts.single_rows)
    alone_s = _model_alone(opened, counts.turns)
    rows = opened.rows
    yield Figure("the model alone", f"{rows / alone_s:,.0f}/s")
    yield from _table(opened, counts.turns, alone_s)
    yield from _select(opened, counts.turns, alone_s)


def _model_alone(opened: Bank, turns: int) -> float:
    """Seconds that the estimator takes for all rows."""
    matrix = opened.matrix()
    taken = []
    for _ in range(turns):
        began = time.perf_counter()
        opened.model.outputs(matrix, os.cpu_count() or 1)
        taken.append(time.perf_counter() - began)
    return median(taken)


def _table(opened: Bank, turns: int, alone_s: float) -> Iterator[Figure]:
    """ML_PREDICT_TABLE, end to end."""
    drop = f"DROP TABLE IF EXISTS {SCHEMA}.answers"
    like = f"CREATE TABLE {SCHEMA}.answers LIKE {SCHEMA}.bank"
    insert = f"INSERT INTO {SCHEMA}.answers SELECT * FROM {SCHEMA}.bank"
    with closing(opened.direct()) as direct:
        copied = []
        for _ in range(turns):
            bank.run(direct, drop)
            copied.append(
                bank.seconds(direct, like, 1) + bank.seconds(direct, insert, 1)
            )
    copied_s = median(copied)
    call = (
        f"CALL sys.ML_PREDICT_TABLE('{SCHEMA}.bank', '{HANDLE}',"
        f" '{SCHEMA}.answers', NULL)"
    )
    with closing(opened.through()) as client:
        predicted_s = bank.seconds(client, call, turns, before=drop)
        bank.run(client, drop)
    rows = opened.rows
    yield Figure("INSERT ... SELECT of the rows", f"{rows / copied_s:,.0f}/s")
    least = min(LEAST_ROWS_PER_S, OF_MODEL_AND_INSERT * rows / (alone_s + copied_s))
    what = f"ML_PREDICT_TABLE, {rows:,} rows"
    yield figures.at_least(what, rows / predicted_s, least, "/s")


def _single_rows(opened: Bank, times: int) -> Iterator[Figure]:
    """A row that is predicted, and one that is explained; medians."""
    row = opened.row_argument
    for function, options, limit_ms, many in (
        ("ML_PREDICT_ROW", "NULL", ROW_MS, times),
        (
            "ML_EXPLAIN_ROW",
            """JSON_OBJECT('prediction_explainer', 'permutation_importance')""",
            EXPLAIN_MS,
            times // 3,
        ),
    ):
        with closing(opened.through()) as client:
            bank.run(client, f"SELECT {row} INTO @row FROM {SCHEMA}.bank LIMIT 1")
            sql = f"SELECT sys.{function}(@row, '{HANDLE}', {options})"
            bank.run(client, sql)
            took_ms = 1000 * bank.seconds(client, sql, many)
        yield figures.at_most(f"{function}, p50", took_ms, limit_ms, " ms", digits=1)


def _inside(opened: Bank, times: int) -> Figure:
    """A row that is predicted for a session that goes straight to MySQL; the median."""
    with closing(opened.direct()) as direct:
        row = f"SELECT {opened.row_argument} INTO @row FROM {SCHEMA}.bank LIMIT 1"
        bank.run(direct, row)
        sql = f"SELECT sys.ML_PREDICT_ROW(@row, '{HANDLE}', NULL)"
        bank.run(direct, sql)
        took_ms = 1000 * bank.seconds(direct, sql, times)
    what = "ML_PREDICT_ROW inside the backend, p50"
    return figures.at_most(what, took_ms, INSIDE_MS, " ms", digits=1)


def _select(opened: Bank, turns: int, alone_s: float) -> Iterator[Figure]:
    """ML_PREDICT_ROW over the rows of a SELECT."""
    columns = ", ".join(map(quote_name, opened.features))
    row = opened.row_argument
    asked = (
        f"SELECT {columns} FROM {SCHEMA}.bank",
        f"SELECT sys.ML_PREDICT_ROW({row}, '{HANDLE}', NULL) FROM {SCHEMA}.bank",
    )
    taken = []
    for door, sql in zip(opened.doors, asked, strict=True):
        with closing(through.Session(**door)) as session:
            packet = frame(query(sql.encode(), 0), 0)
            times = []
            for _ in range(turns):
                began = time.perf_counter()
                session.run(packet)
                times.append(time.perf_counter() - began)
            taken.append(median(times))
    select_s, predicted_s = taken
    rows = opened.rows
    yield Figure("SELECT of the argument columns", f"{rows / select_s:,.0f}/s")
    what = f"ML_PREDICT_ROW over {rows:,} rows / (model + SELECT)"
    yield figures.at_most(what, predicted_s / (alone_s + select_s), OVER_ROWS, "")
