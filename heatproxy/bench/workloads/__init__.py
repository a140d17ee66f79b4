"""The public workloads: their tables, their queries, and rows of any scale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workload:
    """Tables and queries in MySQL's spelling.

    ``make`` writes a Parquet file for each table into a folder, for a scale: the
    factor of the TPC's own, or the number of rows.
    """

    name: str
    tables: Mapping[str, str]  # CREATE TABLE, by name
    queries: Mapping[str, str]
    make: Callable[[Path, float], None]
