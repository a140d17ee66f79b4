"""TPC-DS: tables and queries from DuckDB's generator, respelled for MySQL.

Source: TPC Benchmark DS, revision 3; the primary keys are those of its section 2.
"""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heatproxy.bench.workloads import Workload, side

_KEYS = {
    "call_center": "cc_call_center_sk",
    "catalog_page": "cp_catalog_page_sk",
    "catalog_returns": "cr_item_sk, cr_order_number",
    "catalog_sales": "cs_item_sk, cs_order_number",
    "customer": "c_customer_sk",
    "customer_address": "ca_address_sk",
    "customer_demographics": "cd_demo_sk",
    "date_dim": "d_date_sk",
    "household_demographics": "hd_demo_sk",
    "income_band": "ib_income_band_sk",
    "inventory": "inv_date_sk, inv_item_sk, inv_warehouse_sk",
    "item": "i_item_sk",
    "promotion": "p_promo_sk",
    "reason": "r_reason_sk",
    "ship_mode": "sm_ship_mode_sk",
    "store": "s_store_sk",
    "store_returns": "sr_item_sk, sr_ticket_number",
    "store_sales": "ss_item_sk, ss_ticket_number",
    "time_dim": "t_time_sk",
    "warehouse": "w_warehouse_sk",
    "web_page": "wp_web_page_sk",
    "web_returns": "wr_item_sk, wr_order_number",
    "web_sales": "ws_item_sk, ws_order_number",
    "web_site": "web_site_sk",
}
_QUERIES = "queries.json"
_SCRIPT = """
import json, sys
import duckdb, duckdb_extensions
folder, scale = sys.argv[1], float(sys.argv[2])
duckdb_extensions.import_extension("tpcds")
connection = duckdb.connect()
connection.execute("LOAD tpcds")
connection.execute(f"CALL dsdgen(sf={scale})")
for table in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
    connection.execute(
        f"COPY {table[0]} TO '{folder}/{table[0]}.parquet' (FORMAT parquet)"
    )
queries = connection.execute("FROM tpcds_queries()").fetchall()
with open(f"{folder}/queries.json", "w") as file:
    json.dump({f"q{number:02}": text for number, text in queries}, file)
"""
_SPELLINGS = (
    (re.compile(r"\s+NULLS FIRST\b", re.IGNORECASE), ""),  # as MySQL sorts by itself
    (re.compile(r'"([^"\n]*)"'), r"`\1`"),
    (re.compile(r"\b(sum|avg|count|cast|coalesce)\s+\(", re.IGNORECASE), r"\1("),
    (re.compile(r"\bAS\s+int(eger)?\b(?=\s*\))", re.IGNORECASE), "AS SIGNED"),
    (re.compile(r"\bCATALOG\b"), "catalog"),  # a table's alias, said both ways
    (re.compile(r"SELECT (SUBSTRING\([^)]*\) \w+),\s*\*"), r"SELECT *, \1"),
    (re.compile(r"\bAS\s+double\s+precision\b", re.IGNORECASE), "AS DOUBLE"),
)


def make(folder: Path, scale: float) -> None:
    """The 24 tables at a scale factor, and the texts of the queries.

    Raises:
        BenchFailed: the generator can't be had here.
    """
    side.run("python", ["-c", _SCRIPT, str(folder), f"{scale:g}"])


def read(folder: Path) -> Workload:
    """The workload that was made into a folder: its files say what the columns are."""
    texts: dict[str, str] = json.loads((folder / _QUERIES).read_text())
    tables = {table: _definition(folder, table) for table in _KEYS}
    queries = {name: respelled(text) for name, text in texts.items()}
    return Workload("tpcds", tables, queries, make)


def respelled(query: str) -> str:
    """A query in MySQL's spelling, as far as that is a matter of spelling."""
    for pattern, replacement in _SPELLINGS:
        query = pattern.sub(replacement, query)
    return query.strip().rstrip(";")


def _definition(folder: Path, table: str) -> str:
    file = pq.ParquetFile(folder / f"{table}.parquet")
    keys = _KEYS[table].split(", ")
    columns = []
    for field in file.schema_arrow:
        kind = _type(file.read([field.name]).column(0), field)
        needed = " NOT NULL" if field.name in keys else ""
        columns.append(f"    {field.name} {kind}{needed}")
    body = ",\n".join([*columns, f"    PRIMARY KEY ({_KEYS[table]})"])
    return f"CREATE TABLE {table} (\n{body}\n)"


def _type(values: pa.ChunkedArray, field: pa.Field) -> str:
    if pa.types.is_integer(field.type):
        return "int"
    if pa.types.is_decimal(field.type):
        return f"decimal({field.type.precision},{field.type.scale})"
    if pa.types.is_date(field.type):
        return "date"
    longest = max((len(text) for text in values.to_pylist() if text), default=1)
    return f"varchar({max(longest, 10)})"
