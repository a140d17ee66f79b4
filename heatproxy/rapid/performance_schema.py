"""The tables of performance_schema that tell of RAPID, as queries MySQL can compute.

Each is declared with HeatWave's columns in their order. A table's rows go to MySQL as
one JSON document, which JSON_TABLE gives back in the declared types.

Source: HeatWave User Guide, "MySQL HeatWave Performance Schema Tables". The types are
not published.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heatproxy.datatypes import MySQLType, parse, quote_name, quote_text

SCHEMA = "performance_schema"
COLLATION = "utf8mb4_0900_ai_ci"
TEXT, ID, BIG = "varchar(64)", "int unsigned", "bigint unsigned"
LONG, TIME = "longtext", "datetime(6)"

Row = Sequence[Any]  # numbers, text, None


@dataclass(frozen=True, slots=True)
class RpdTable:
    """One table: its name, and its columns with their types as MySQL writes them."""

    name: str
    columns: Mapping[str, str]

    def query(self, rows: Iterable[Row]) -> bytes:
        """A SELECT that has these rows under these columns, whatever the session."""
        document = quote_text(json.dumps([list(row) for row in rows]))
        columns = ", ".join(
            f"{quote_name(name)} {declared(kind)} PATH '$[{place}]' ERROR ON ERROR"
            for place, (name, kind) in enumerate(self.columns.items())
        )
        return (
            f"SELECT * FROM JSON_TABLE({document}, '$[*]' COLUMNS ({columns}))"
            f" AS {quote_name(self.name)}"
        ).encode()


def declared(kind: str) -> str:
    """A column's type with the character set of these tables."""
    if parse(kind).is_string:
        return f"{kind} CHARACTER SET utf8mb4 COLLATE {COLLATION}"
    return kind


_ALL = (
    RpdTable("rpd_column_id", {"ID": ID, "TABLE_ID": ID, "COLUMN_NAME": TEXT}),
    RpdTable(
        "rpd_columns",
        {
            "TABLE_ID": ID,
            "COLUMN_ID": ID,
            "NDV": BIG,
            "ENCODING": TEXT,
            "DATA_PLACEMENT_INDEX": ID,
            "DICT_SIZE_BYTES": BIG,
        },
    ),
    RpdTable("rpd_exec_stats", {"QUERY_ID": BIG, "NODE_ID": ID, "EXEC_TEXT": LONG}),
    RpdTable(
        "rpd_mirror",
        {
            "SCHEMA_NAME": TEXT,
            "TABLE_NAME": TEXT,
            "MYSQL_ACCESS_COUNT": BIG,
            "HEATWAVE_ACCESS_COUNT": BIG,
            "IMPORTANCE": "double",
            "LAST_QUERIED": TIME,
            "LAST_QUERIED_IN_HEATWAVE": TIME,
            "STATE": TEXT,
            "RECOMMENDED_READ_THREADS": ID,
            "QUERIED_PARTITIONS": LONG,
        },
    ),
    RpdTable("rpd_ml_stats", {"STATUS_NAME": TEXT, "STATUS_VALUE": LONG}),
    RpdTable(
        "rpd_nodes",
        {
            "ID": ID,
            "CORES": ID,
            "MEMORY_USAGE": BIG,
            "MEMORY_TOTAL": BIG,
            "BASEREL_MEMORY_USAGE": BIG,
            "ML_MEMORY_STATE": TEXT,
            "ML_TOTAL_MEMORY_USAGE": BIG,
            "STATUS": TEXT,
            "IP": TEXT,
            "PORT": ID,
            "CLUSTER_EVENT_NUM": BIG,
            "NUM_OBJSTORE_GETS": BIG,
            "NUM_OBJSTORE_PUTS": BIG,
            "NUM_OBJSTORE_DELETES": BIG,
            "ML_STATUS": TEXT,
        },
    ),
    RpdTable(
        "rpd_preload_stats",
        {
            "TABLE_SCHEMA": TEXT,
            "TABLE_NAME": TEXT,
            "COLUMN_NAME": TEXT,
            "AVG_BYTE_WIDTH_INC_NULL": "double",
        },
    ),
    RpdTable(
        "rpd_query_stats",
        {
            "CONNECTION_ID": BIG,
            "QUERY_ID": BIG,
            "MYSQL_QUERY_ID": BIG,
            "QUERY_TEXT": LONG,
            "QEXEC_TEXT": LONG,
            "QKRN_TEXT": LONG,
            "QEP_TEXT": LONG,
            "STATEMENT_ID": BIG,
            "INTERNAL_OFFLOAD_FAIL_TEXT": LONG,
        },
    ),
    RpdTable(
        "rpd_table_id",
        {
            "ID": ID,
            "NAME": "varchar(129)",
            "SCHEMA_NAME": TEXT,
            "TABLE_NAME": TEXT,
            "MATERIALIZATION_QUERY": LONG,
        },
    ),
    RpdTable(
        "rpd_tables",
        {
            "ID": ID,
            "SNAPSHOT_SCN": BIG,
            "PERSISTED_SCN": BIG,
            "POOL_TYPE": TEXT,
            "DATA_PLACEMENT_TYPE": TEXT,
            "NROWS": BIG,
            "LOAD_STATUS": TEXT,
            "LOAD_PROGRESS": "double",
            "SIZE_BYTES": BIG,
            "TRANSFORMATION_BYTES": BIG,
            "QUERY_COUNT": BIG,
            "LAST_QUERIED": TIME,
            "LOAD_START_TIMESTAMP": TIME,
            "LOAD_END_TIMESTAMP": TIME,
            "RECOVERY_SOURCE": TEXT,
            "RECOVERY_START_TIMESTAMP": TIME,
            "RECOVERY_END_TIMESTAMP": TIME,
            "LOAD_TYPE": TEXT,
            "LOGICAL_PARTS_LOADED_AT_SCN": LONG,
            "AUTO_ZMP_COLUMNS": LONG,
            "ACE_MODEL": LONG,
        },
    ),
    RpdTable(
        "rpd_vector_indexes",
        {
            "TABLE_ID": ID,
            "COLUMN_ID": ID,
            "SPACE": TEXT,
            "ALGORITHM": TEXT,
            "TUNING_PARAMS": LONG,
            "ORDER": ID,
            "SIZE_MB": "double",
            "USAGE_COUNT": BIG,
            "BUILD_START_TIME": TIME,
            "BUILD_END_TIME": TIME,
            "IS_USABLE": TEXT,
        },
    ),
)
RPD_TABLES: Mapping[str, RpdTable] = {table.name: table for table in _ALL}


# --- what information_schema and SHOW say of them -----------------------------------

_PRIVILEGES = "'select'"


def tables_query(others: bytes = b"SELECT * FROM information_schema.TABLES") -> bytes:
    """information_schema.TABLES, with these among its rows; ``others`` has those."""
    rows = ", ".join(
        f"ROW('def', '{SCHEMA}', '{name}', 'BASE TABLE', 'PERFORMANCE_SCHEMA', 10,"
        " 'Dynamic', 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL,"
        f" '{COLLATION}', NULL, '', '')"
        for name in RPD_TABLES
    )
    return others + f" UNION ALL VALUES {rows}".encode()


def columns_query() -> bytes:
    """information_schema.COLUMNS, with theirs among its rows."""
    rows = ", ".join(
        f"ROW('def', '{SCHEMA}', '{table.name}', '{name}', {place}, NULL, 'YES',"
        f" {_described(parse(kind))}, '{kind}', '', '', {_PRIVILEGES}, '', '', NULL)"
        for table in RPD_TABLES.values()
        for place, (name, kind) in enumerate(table.columns.items(), 1)
    )
    return f"SELECT * FROM information_schema.COLUMNS UNION ALL VALUES {rows}".encode()


def _described(kind: MySQLType) -> str:
    """DATA_TYPE and what follows it, up to COLLATION_NAME."""
    if kind.is_string:
        longest = kind.length or 4_294_967_295
        octets = longest * 4 if kind.length else longest
        return (
            f"'{kind.name}', {longest}, {octets}, NULL, NULL, NULL, 'utf8mb4',"
            f" '{COLLATION}'"
        )
    digits = {"int": "10, 0", "bigint": "20, 0", "double": "22, NULL"}
    numeric = digits.get(kind.name, "NULL, NULL")
    fraction = "NULL" if kind.scale is None else str(kind.scale)
    return f"'{kind.name}', NULL, NULL, {numeric}, {fraction}, NULL, NULL"


FULL_COLUMNS = RpdTable(
    "described",
    {
        "Field": TEXT,
        "Type": "mediumtext",
        "Collation": TEXT,
        "Null": "varchar(3)",
        "Key": "varchar(3)",
        "Default": "text",
        "Extra": "varchar(256)",
        "Privileges": "varchar(154)",
        "Comment": "text",
    },
)
SHOWN_COLUMNS = ("Field", "Type", "Null", "Key", "Default", "Extra")


def described_rows(table: RpdTable) -> list[Row]:
    """What SHOW FULL COLUMNS says."""
    return [
        [
            name,
            kind,
            COLLATION if parse(kind).is_string else None,
            *("YES", "", None, "", "select", ""),
        ]
        for name, kind in table.columns.items()
    ]


def create_table(table: RpdTable) -> str:
    """What SHOW CREATE TABLE says."""
    columns = ",\n".join(
        f"  {quote_name(name)} {kind}{_default_null(kind)}"
        for name, kind in table.columns.items()
    )
    return (
        f"CREATE TABLE {quote_name(table.name)} (\n{columns}\n)"
        f" ENGINE=PERFORMANCE_SCHEMA DEFAULT CHARSET=utf8mb4 COLLATE={COLLATION}"
    )


def _default_null(kind: str) -> str:
    return "" if kind == LONG else " DEFAULT NULL"
