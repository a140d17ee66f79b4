"""INFORMATION_SCHEMA as HeatWave has it of Lakehouse tables: queries that stand for it.

MySQL sees InnoDB tables with an attribute of ours. The queries put HeatWave's words in
place of these, and leave all else, whose rows they have too, to MySQL.

Source: HeatWave User Guide, "Lakehouse Engine"; MySQL Reference Manual, "The
INFORMATION_SCHEMA TABLES Table", "... TABLES_EXTENSIONS Table", "... COLUMNS_EXTENSIONS
Table".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from heatproxy.datatypes import quote_text

ENGINE = "Lakehouse"
TABLES = ("tables", "tables_extensions", "columns_extensions")  # of those it says more

_COLUMNS = (
    *("TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE"),
    *("VERSION", "ROW_FORMAT", "TABLE_ROWS", "AVG_ROW_LENGTH", "DATA_LENGTH"),
    *("MAX_DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE", "AUTO_INCREMENT"),
    *("CREATE_TIME", "UPDATE_TIME", "CHECK_TIME", "TABLE_COLLATION", "CHECKSUM"),
    *("CREATE_OPTIONS", "TABLE_COMMENT"),
)
_OWN = {"ENGINE": f"'{ENGINE}'", "TABLE_ROWS": "CAST(h.n AS UNSIGNED)"}
# Of the sealed shell, which has a page or two: MySQL would warn of its free space.
_SIZES = ("AVG_ROW_LENGTH", "DATA_LENGTH", "MAX_DATA_LENGTH", "INDEX_LENGTH")
_OWN |= dict.fromkeys((*_SIZES, "DATA_FREE"), "CAST(0 AS UNSIGNED)")
_TIMES = ("UPDATE_TIME", "CHECK_TIME")
_OWN |= dict.fromkeys(("AUTO_INCREMENT", *_TIMES, "CHECKSUM"), "NULL")
_STATUS = {
    "TABLE_NAME": "Name",
    "TABLE_ROWS": "Rows",
    "TABLE_COLLATION": "Collation",
    "TABLE_COMMENT": "Comment",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell of a Lakehouse table; ``attribute`` is JSON text."""

    schema: str
    table: str
    attribute: str
    rows: int


def tables_query(told: Sequence[Told]) -> bytes:
    """information_schema.TABLES."""
    listed = ", ".join(
        f"IF(h.n IS NULL, t.{name}, {_OWN[name]}) AS {name}"
        if name in _OWN
        else f"t.{name}"
        for name in _COLUMNS
    )
    return f"SELECT {listed} FROM information_schema.TABLES AS t{_join(told)}".encode()


def status_query(told: Sequence[Told], schema: str) -> bytes:
    """What SHOW TABLE STATUS has rows of."""
    listed = ", ".join(
        f"{name} AS `{_STATUS.get(name, name.capitalize())}`"
        for name in ("TABLE_NAME", *_COLUMNS[4:])
    )
    tables = tables_query(told).decode()
    return (
        f"SELECT {listed} FROM ({tables}) AS s"
        f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
    ).encode()


def tables_extensions_query(told: Sequence[Told]) -> bytes:
    """information_schema.TABLES_EXTENSIONS: their attribute is not the secondary's."""
    return (
        "SELECT t.TABLE_CATALOG, t.TABLE_SCHEMA, t.TABLE_NAME,"
        " IF(h.n IS NULL, t.ENGINE_ATTRIBUTE, CAST(h.a AS JSON)) AS ENGINE_ATTRIBUTE,"
        " IF(h.n IS NULL, t.SECONDARY_ENGINE_ATTRIBUTE, NULL)"
        " AS SECONDARY_ENGINE_ATTRIBUTE"
        f" FROM information_schema.TABLES_EXTENSIONS AS t{_join(told)}"
    ).encode()


def columns_extensions_query(told: Sequence[Told]) -> bytes:
    """information_schema.COLUMNS_EXTENSIONS: so are those of columns."""
    return (
        "SELECT t.TABLE_CATALOG, t.TABLE_SCHEMA, t.TABLE_NAME, t.COLUMN_NAME,"
        " IF(h.n IS NULL, t.ENGINE_ATTRIBUTE, t.SECONDARY_ENGINE_ATTRIBUTE)"
        " AS ENGINE_ATTRIBUTE,"
        " IF(h.n IS NULL, t.SECONDARY_ENGINE_ATTRIBUTE, NULL)"
        " AS SECONDARY_ENGINE_ATTRIBUTE"
        f" FROM information_schema.COLUMNS_EXTENSIONS AS t{_join(told)}"
    ).encode()


QUERIES: Mapping[str, Callable[[Sequence[Told]], bytes]] = {
    "tables": tables_query,
    "tables_extensions": tables_extensions_query,
    "columns_extensions": columns_extensions_query,
}


def _join(told: Sequence[Told]) -> str:
    """The Lakehouse tables beside the rows that are about them."""
    rows = ", ".join(
        f"ROW({quote_text(one.schema)}, {quote_text(one.table)},"
        f" {quote_text(one.attribute)}, {one.rows})"
        for one in told or [Told("", "", "null", 0)]
    )
    return (
        f" LEFT JOIN (VALUES {rows}) AS h (s, t, a, n)"
        " ON h.s COLLATE utf8mb4_bin = t.TABLE_SCHEMA"
        " AND h.t COLLATE utf8mb4_bin = t.TABLE_NAME"
    )
