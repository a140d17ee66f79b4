"""TPC-H, and the Star Schema Benchmark, whose rows are TPC-H's joined anew.

Source: TPC Benchmark H, revision 3; O'Neil et al., "Star Schema Benchmark".
"""

import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

from heatproxy.bench.workloads import Workload, side
from heatproxy.bench.workloads.texts import statements

_PROGRAM = "tpchgen-cli"


def make_tpch(folder: Path, scale: float) -> None:
    """TPC-H's eight tables at a scale factor."""
    arguments = ["parquet", "--scale-factor", f"{scale:g}", "--output-dir", str(folder)]
    beside = shutil.which(_PROGRAM, path=str(Path(sys.executable).parent))
    if beside is not None:
        side.run_program(beside, arguments)
    else:
        side.run(_PROGRAM, arguments)


def make_ssb(folder: Path, scale: float) -> None:
    """The five tables of the Star Schema Benchmark at a scale factor."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as joined,
        duckdb.connect() as connection,
    ):
        make_tpch(Path(joined), scale)
        for table in TPCH.tables:
            path = str(Path(joined) / f"{table}.parquet")
            connection.execute(f"CREATE VIEW {table} AS FROM '{path}'")
        for table, query in statements("ssb_from_tpch.sql").items():
            path = str(folder / f"{table}.parquet")
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


TPCH = Workload(
    "tpch", statements("tpch_schema.sql"), statements("tpch.sql"), make_tpch
)
SSB = Workload("ssb", statements("ssb_schema.sql"), statements("ssb.sql"), make_ssb)
