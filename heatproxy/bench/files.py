"""``heatproxy bench load``: loading files over HTTP beside DuckDB, in one run.

heatproxy fetches them from a web server on this machine, finds out their columns and
loads them. DuckDB is told the columns and reads the files where they are. Medians of
turns that alternate; only what is compared within one run means anything.
"""

import gzip
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from heatproxy.backend.credentials import Credentials, read_option_file
from heatproxy.bench import BenchFailed, answers, figures, processes
from heatproxy.bench.figures import Figure
from heatproxy.bench.stage import heatproxy
from heatproxy.bench.workloads import side
from heatproxy.datatypes import parse, quote_text
from heatproxy.objectstore import ObjectStore

Say = Callable[[str], None]
FLIGHTS = "HEATPROXY_BENCH_FLIGHTS"  # a file to repeat instead of rows made up here
SCHEMA = "heatproxy_bench_load"
MEMORY = 1 << 30  # what the engine may have
BESIDE = 1 << 30  # what the engine process may have beside: rows on their way, Python
MOST = 1.3
_HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,"
    "arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,"
    "time_hour"
)
# Rows like those of the flights out of New York, always the same.
_ROWS = """
SELECT 2013, 1 + r % 12, 1 + r % 28, coalesce((h % 2400)::VARCHAR, 'NA'),
 h % 2360, coalesce((h % 300 - 40)::VARCHAR, 'NA'), (h // 3 % 2400)::VARCHAR,
 h // 3 % 2360, (h // 5 % 400 - 80)::VARCHAR,
 ['UA','AA','B6','DL','EV','MQ','US','WN'][1 + h % 8], h // 7 % 8500,
 'N' || (10000 + h // 11 % 89999), ['EWR','LGA','JFK'][1 + h % 3],
 ['IAH','MIA','BQN','ATL','ORD','FLL','IAD','MCO','PBI','TPA'][1 + h // 13 % 10],
 (20 + h // 17 % 600)::VARCHAR, 80 + h // 19 % 4900, r % 24, h // 23 % 60,
 strftime(TIMESTAMP '2013-01-01' + INTERVAL 1 HOUR * (r % 8760), '%Y-%m-%dT%H:%M:%SZ')
FROM (SELECT range AS r, (hash(range) % 1000000007)::BIGINT AS h FROM range(300000))
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is measured: the size of the CSV file, and turns."""

    size_bytes: int
    turns: int


FULL = Counts(size_bytes=1_000_000_000, turns=3)
QUICK = Counts(size_bytes=120_000_000, turns=3)


def run(folder: Path | None, say: Say, *, quick: bool = False) -> int:
    """Measure everything, and say a line as soon as it is known; 0.

    Args:
        folder: where the bench's own heatproxy keeps its data; in the cache when None.

    Raises:
        BenchFailed: measuring is not possible.
    """
    say(figures.heading())
    for figure in measure(folder or side.cache() / "load", QUICK if quick else FULL):
        say(figure.text())
    return 0


def measure(folder: Path, counts: Counts) -> Iterator[Figure]:
    """The figures, measured one after the other.

    Raises:
        BenchFailed: it is not Linux, or an answer is not DuckDB's.
    """
    if sys.platform != "linux":
        raise BenchFailed("bench load reads /proc: it needs Linux")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    csv = folder / "flights.csv"
    parquet = folder / "flights.parquet"
    quarter = folder / "quarter.csv"
    _write(csv, counts.size_bytes)
    _write(quarter, counts.size_bytes // 4)
    data_dir = folder / "data"
    settings = {
        "HEATPROXY_LAKEHOUSE_ALLOWED_HOSTS": "127.0.0.1",
        "HEATPROXY_ENGINE_MEMORY_LIMIT": str(MEMORY),
        "HEATPROXY_LOG_LEVEL": "error",
    }
    objects: dict[str, bytes | Path] = {one.name: one for one in (csv, quarter)}
    try:
        with ObjectStore(objects) as store, heatproxy(data_dir, **settings) as running:
            port, pid = running
            account = read_option_file(data_dir / "client.cnf")
            beside = _Beside(folder, account, port, store, processes.engine(pid))
            with closing(beside):
                peak = beside.peak_of(quarter)
                yield from beside.compare(csv, "csv", counts.turns)
                beside.write_parquet(csv, parquet)
                store.objects[parquet.name] = parquet
                yield from beside.compare(parquet, "parquet", counts.turns)
                yield beside.memory(peak, csv)
    finally:
        for path in (csv, quarter, parquet):
            path.unlink(missing_ok=True)


class _Beside:
    """A running heatproxy, and DuckDB beside it."""

    def __init__(
        self,
        folder: Path,
        account: Credentials,
        port: int,
        store: ObjectStore,
        engine_pid: int,
    ) -> None:
        self._folder, self._store, self._pid = folder, store, engine_pid
        self._client = answers.connect(
            host="127.0.0.1", port=port, user=account.user, password=account.password
        )
        self._peak = 0

    def close(self) -> None:
        """Leave nothing in the backend."""
        self._ask(f"DROP DATABASE IF EXISTS {SCHEMA}")
        self._client.close()

    def compare(self, path: Path, kind: str, turns: int) -> Iterator[Figure]:
        """The ratio of both loads of a file, after one turn that is not counted."""
        ours, theirs = [], []
        for turn in range(turns + 1):
            processes.forget_peak(self._pid)
            mine = self._load(path, kind)
            self._peak = max(self._peak, processes.peak_bytes(self._pid))
            other = self._bare(path, kind)
            if turn:
                ours.append(mine)
                theirs.append(other)
        median, bare = statistics.median(ours), statistics.median(theirs)
        size = path.stat().st_size / 1e6
        yield Figure(
            f"{kind} of {size:,.0f} MB over HTTP, heatproxy", f"{median:.2f} s"
        )
        yield Figure(f"{kind} on disk, DuckDB, same types", f"{bare:.2f} s")
        yield figures.at_most(f"{kind}: ratio", median / bare, MOST, "")

    def peak_of(self, path: Path) -> int:
        """The most memory that the engine process has while it loads a file."""
        processes.forget_peak(self._pid)
        self._load(path, "csv")
        return processes.peak_bytes(self._pid)

    def memory(self, small: int, path: Path) -> Figure:
        """The most memory of all loads, beside that of a quarter of the file."""
        what = f"engine process's peak (a quarter of the file: {small >> 20} MiB)"
        return figures.at_most(
            what, self._peak >> 20, (MEMORY + BESIDE) >> 20, " MiB", 0
        )

    def write_parquet(self, csv: Path, path: Path) -> None:
        """The same rows as Parquet."""
        with duckdb.connect() as connection:
            rows = self._read(csv, "csv")
            connection.execute(f"COPY (SELECT * FROM {rows}) TO '{path}'")

    def _load(self, path: Path, kind: str) -> float:
        """Seconds of a CALL that loads the file as a new table."""
        self._ask(f"DROP DATABASE IF EXISTS {SCHEMA}")
        dialect: dict[str, Any] = {"format": kind}
        if kind == "csv":
            dialect |= {"has_header": True}
        attribute = {"dialect": dialect, "file": [{"par": self._store.url(path.name)}]}
        listed = [
            {
                "db_name": SCHEMA,
                "tables": [{"table_name": "t", "engine_attribute": attribute}],
            }
        ]
        call = (
            f"CALL sys.heatwave_load({quote_text(json.dumps(listed))},"
            " JSON_OBJECT('output', 'silent'))"
        )
        began = time.perf_counter()
        self._ask(call)
        return time.perf_counter() - began

    def _bare(self, path: Path, kind: str) -> float:
        """Seconds of DuckDB's own load, whose rows must be as many."""
        held = self._folder / "bare.duckdb"
        try:
            with duckdb.connect(str(held)) as connection:
                connection.execute(f"SET threads = {os.cpu_count() or 1}")
                connection.execute(f"SET memory_limit = '{MEMORY >> 20}MiB'")
                began = time.perf_counter()
                rows = self._read(path, kind)
                connection.execute(f"CREATE TABLE t AS SELECT * FROM {rows}")
                taken = time.perf_counter() - began
                found = connection.execute("SELECT count(*), sum(distance) FROM t")
                self._require(found.fetchone())
        finally:
            for one in self._folder.glob("bare.duckdb*"):
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        return taken

    def _read(self, path: Path, kind: str) -> str:
        """What DuckDB reads the file with, given the table's types."""
        if kind == "parquet":
            return f"read_parquet('{path}')"
        columns = {
            (name or b"").decode(): parse((text or b"").decode()).duckdb()
            for name, text, *_ in self._ask(f"SHOW COLUMNS FROM {SCHEMA}.t")
        }
        return f"read_csv('{path}', header=true, delim=',', columns={columns})"

    def _require(self, theirs: tuple[Any, ...] | None) -> None:
        (ours,) = self._ask(f"SELECT COUNT(*), SUM(distance) FROM {SCHEMA}.t")
        if theirs is None or [str(value).encode() for value in theirs] != list(ours):
            raise BenchFailed(f"heatproxy loaded {ours}, DuckDB {theirs}")

    def _ask(self, sql: str) -> list[Any]:
        return list(answers.ask(self._client, sql).rows)


def _write(path: Path, size_bytes: int) -> None:
    """A file of flights, of about that size."""
    given = os.environ.get(FLIGHTS)
    if given:
        opened = gzip.open if given.endswith(".gz") else open
        with opened(given, "rb") as source:
            header, _, body = source.read().partition(b"\n")
    else:
        with duckdb.connect() as connection:
            rows = connection.execute(_ROWS).fetchall()
        header = _HEADER.encode()
        body = "".join(",".join(map(str, row)) + "\n" for row in rows).encode()
    with path.open("wb") as file:
        file.write(header + b"\n")
        while file.tell() < size_bytes:
            file.write(body)
