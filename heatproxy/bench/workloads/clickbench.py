"""ClickBench: 43 queries of one wide table, here with rows that are made up.

Their limits and offsets are smaller than the benchmark's: so are our tables.
"""

import re
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from heatproxy.bench.workloads import Workload, hits
from heatproxy.bench.workloads.texts import statements

_SCHEMA = statements("clickbench_schema.sql")
_COLUMN = re.compile(r"^ {4}(\w+) (\S+) NOT NULL", re.MULTILINE)


def make(folder: Path, scale: float, *, unicode: bool) -> None:
    """``hits`` with so many rows."""
    columns = dict(_COLUMN.findall(_SCHEMA["hits"]))
    table = hits.rows(columns, int(scale), unicode=unicode)
    pq.write_table(table, folder / "hits.parquet")


ASCII = Workload(
    "clickbench", _SCHEMA, statements("clickbench.sql"), partial(make, unicode=False)
)
UNICODE = Workload(
    "clickbench_unicode",
    _SCHEMA,
    statements("clickbench.sql"),
    partial(make, unicode=True),
)
