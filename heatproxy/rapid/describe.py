"""What the backend's dictionary says of a table, and which columns the engine holds.

A column that is not held stays MySQL's: a query that reads it is forwarded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heatproxy.datatypes import MySQLType, parse, quote_name, quote_text
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.rapid.tables import LoadedColumn

# Runs a statement on heatproxy's own account.
Ask = Callable[[str], list[tuple[Any, ...]]]

RAPID = "rapid"
NOT_SECONDARY = "it is NOT SECONDARY"
_IS_LOADED = 'SECONDARY_LOAD="1"'
# Of these the binary log has no rows: MySQL computes them when they are read.
_VIRTUAL = "its values are not stored"


@dataclass(frozen=True, slots=True)
class Description:
    """A base table of InnoDB.

    ``primary_key`` names its columns in the order of the key, and is empty where there
    is none. ``orders`` says whether reading by the key gives the key's order.
    ``row_bytes`` is MySQL's guess at the average row.
    """

    schema: str
    name: str
    columns: tuple[LoadedColumn, ...]
    primary_key: tuple[str, ...]
    orders: bool = True
    row_bytes: int = 0

    @property
    def quoted(self) -> str:
        """Its qualified name."""
        return f"{quote_name(self.schema)}.{quote_name(self.name)}"

    @property
    def held(self) -> tuple[LoadedColumn, ...]:
        return tuple(column for column in self.columns if column.refusal is None)

    @property
    def usable_key(self) -> tuple[str, ...]:
        """The primary key, if the engine holds all of it."""
        held = {column.name for column in self.held}
        return self.primary_key if held.issuperset(self.primary_key) else ()

    def without(self, refusals: dict[str, str]) -> "Description":
        """The same table, more of its columns not held."""
        columns = tuple(
            replace(column, refusal=refusals[column.name])
            if column.name in refusals and column.refusal is None
            else column
            for column in self.columns
        )
        return replace(self, columns=columns)


def describe(ask: Ask, schema: str, name: str) -> Description | None:
    """The table as it is now; None if there is no such InnoDB table.

    Raises:
        MySQLError: 3877, no query of it could be answered by the engine.
    """
    where = f"TABLE_SCHEMA = {quote_text(schema)} AND TABLE_NAME = {quote_text(name)}"
    found = ask(
        "SELECT TABLE_SCHEMA, TABLE_NAME, AVG_ROW_LENGTH FROM"
        f" information_schema.TABLES WHERE {where} AND ENGINE = 'InnoDB'"
        " AND TABLE_TYPE = 'BASE TABLE'"
    )
    if not found:
        return None
    ((schema, name, row_bytes),) = found
    columns = ask(
        "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME, EXTRA FROM"
        f" information_schema.COLUMNS WHERE {where} ORDER BY ORDINAL_POSITION"
    )
    key = ask(
        "SELECT COLUMN_NAME, SUB_PART, COLLATION FROM information_schema.STATISTICS"
        f" WHERE {where} AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX"
    )
    _refuse_silent_changes(ask, schema, name)
    return Description(
        schema,
        name,
        tuple(_column(*column) for column in columns),
        tuple(column for column, _, _ in key),
        all(part is None and order == "A" for _, part, order in key),
        int(row_bytes or 0),
    )


def flagged(ask: Ask) -> set[tuple[str, str]]:
    """Schema and name of each InnoDB table that the dictionary calls loaded.

    Lakehouse tables are not among them.
    """
    rows = ask(
        "SELECT TABLE_SCHEMA, TABLE_NAME, CREATE_OPTIONS,"
        " COALESCE(SECONDARY_ENGINE_ATTRIBUTE, '') FROM information_schema.TABLES"
        " JOIN information_schema.TABLES_EXTENSIONS USING (TABLE_SCHEMA, TABLE_NAME)"
        f" WHERE CREATE_OPTIONS LIKE '%{_IS_LOADED}%' AND ENGINE = 'InnoDB'"
    )
    return {
        (schema, name)
        for schema, name, options, attribute in rows
        if is_flagged(options) and not attribute.startswith('{"heatproxy"')
    }


def is_flagged(create_options: str) -> bool:
    """Whether CREATE_OPTIONS say that RAPID holds the table."""
    engine = secondary_engine_of(create_options)
    return engine == RAPID and _IS_LOADED in create_options


def secondary_engine_of(create_options: str) -> str | None:
    """The secondary engine among CREATE_OPTIONS, in lower case, or None."""
    _, mark, rest = create_options.partition('SECONDARY_ENGINE="')
    return rest.partition('"')[0].lower() if mark else None


def notes(columns: Sequence[LoadedColumn]) -> list[str]:
    """What is said of the columns that a load leaves out, but for NOT SECONDARY."""
    return [
        f"Column '{column.name}' is not loaded: {column.refusal}"
        for column in columns
        if column.refusal is not None and column.refusal != NOT_SECONDARY
    ]


def _column(
    name: str, kind: str, nullable: str, collation: str | None, extra: str
) -> LoadedColumn:
    parsed, refusal = MySQLType("unknown"), None
    try:
        parsed = parse(kind)
        parsed.arrow()
        parsed.duckdb()
    except MySQLError:
        refusal = f"the engine has no type for {kind}"
    if parsed.name in ("enum", "set") and "\\" in kind:
        # information_schema escapes some characters there, and parse takes none for it
        refusal = "a member of its type has characters that MySQL escapes"
    if "zerofill" in kind:
        refusal = "it is ZEROFILL"
    if "VIRTUAL GENERATED" in extra:
        refusal = _VIRTUAL
    if "NOT SECONDARY" in extra:
        refusal = NOT_SECONDARY
    return LoadedColumn(
        name,
        parsed,
        nullable == "YES",
        collation,
        refusal,
        visible="INVISIBLE" not in extra,
    )


def _refuse_silent_changes(ask: Ask, schema: str, name: str) -> None:
    """Refuse a table whose rows change without a word in the binary log.

    Until 9.6 InnoDB itself carries cascades of foreign keys out, unlogged.

    Raises:
        MySQLError: 3877.
    """
    cascades = ask(
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS"
        f" WHERE CONSTRAINT_SCHEMA = {quote_text(schema)}"
        f" AND TABLE_NAME = {quote_text(name)}"
        " AND (DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT')"
        " OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))"
    )
    if not cascades:
        return
    native = ask("SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'")
    if not native or native[0][1] == "ON":
        raise secondary_engine(
            f"Foreign key '{cascades[0][0]}' changes rows by cascades, which this"
            " MySQL does not write to its binary log"
        )
