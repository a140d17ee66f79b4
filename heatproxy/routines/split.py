"""TRAIN_TEST_SPLIT: a table's rows, 80 % for training and the rest for testing.

MySQL copies the rows itself: whichever types they have, none is read here; those of a
Lakehouse table it is given in a temporary table. What is random is drawn by RAND with
a seed: the two tables share no row, and the same table is split the same way again.

Source: HeatWave User Guide, "TRAIN_TEST_SPLIT" (9.4.1). The keys of its options are a
recollection; those of ML_TRAIN are taken too, so that one object serves both.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from heatproxy.automl.tasks import specialist_named, task_named
from heatproxy.backend.insert import insert_rows
from heatproxy.backend.shells import Shell
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import (
    MySQLError,
    ProtocolError,
    ml_error,
    no_target,
    not_supported,
)
from heatproxy.options import BadOption, Flag, Options, Text
from heatproxy.routines.arguments import option_object, require_absent, table_name
from heatproxy.routines.copied import STRICT, TooMuch, copied
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

OPTIONS = Options(
    task=Text("classification"),
    datetime_index=Text(),
    semisupervised=Flag(default=False),
)
TRAIN_SHARE = 0.8
FEWEST_OF_A_CLASS = 5
SEED = 20
# without it MySQL refuses an order that is drawn: 3587
_FRAME = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
_BY_CLASS = ("classification",)
_ANOMALIES = ("anomaly_detection", "log_anomaly_detection")


async def split(
    session: Session, table: str | None, target: str | None, options: str | None
) -> Outcome:
    """Make ``<table>_train`` and ``<table>_test`` beside the table.

    Raises:
        MySQLError: 1050, one of them exists; 1347, a view; 3877, a wrong option or a
            column that is not there, or a Lakehouse table that has not been loaded;
            1235, one that is too large to be copied; MySQL's own.
    """
    schema, name = await table_name(session, table, "table_name")
    given = _options(options)
    shell = await session.find_shell(schema, name)
    columns = await _columns(session, schema, name, shell)
    rule = _rule(given, target, columns)
    for suffix in ("_train", "_test"):
        await require_absent(session, schema, name + suffix)
    source = f"{quote_name(schema)}.{quote_name(name)}"
    names = [name for name, (_, generated) in columns.items() if not generated]
    if shell is None:
        await _halve(session, (schema, name), source, f"LIKE {source}", names, rule)
        return Outcome()
    await session.backend.prepared_columns(f"SELECT * FROM {source}".encode())
    async with _rows_of(session, shell, names) as (copy, definition):
        await _halve(session, (schema, name), copy, definition, names, rule)
    return Outcome()


async def _halve(
    session: Session,
    table: tuple[str, str],
    source: str,
    definition: str,
    columns: Sequence[str],
    rule: tuple[str, str],
) -> None:
    """Make both tables, each of that definition, and fill them from the source."""
    schema, name = table
    order, group = rule
    listed = ", ".join(map(quote_name, columns))
    made: list[str] = []
    try:
        for suffix in ("_train", "_test"):
            copy = f"{quote_name(schema)}.{quote_name(name + suffix)}"
            await session.backend.query(f"CREATE TABLE {copy} {definition}")
            made.append(copy)
        # both statements must see the same rows, whatever others write meanwhile
        await session.backend.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        await session.backend.query("START TRANSACTION")
        for copy, comparison in zip(made, ("<=", ">"), strict=True):
            await session.backend.query(
                f"INSERT INTO {copy} ({listed}) SELECT {listed} FROM (SELECT {listed},"
                f" ROW_NUMBER() OVER ({group}ORDER BY {order} {_FRAME})"
                " AS heatproxy_place,"
                f" {_train_rows(group)} AS heatproxy_most FROM {source})"
                f" AS heatproxy_rows WHERE heatproxy_place {comparison} heatproxy_most"
            )
        await session.backend.query("COMMIT")
    except BaseException:
        for copy in made:
            await session.undo(f"DROP TABLE IF EXISTS {copy}")
        raise


@asynccontextmanager
async def _rows_of(
    session: Session, shell: Shell, columns: Sequence[str]
) -> AsyncIterator[tuple[str, str]]:
    """The rows of a Lakehouse table where MySQL can read them, and its definition.

    Raises:
        MySQLError: 3877, it has not been loaded; 1235, there are too many.
    """
    house = session.house
    limit = house.config.lakehouse.copy_limit
    try:
        read = partial(copied, house, shell, lambda _: columns, limit)
        found = await session.off_loop(read)
    except TooMuch:
        what = f"TRAIN_TEST_SPLIT of more than lakehouse.copy_limit, {limit} bytes,"
        raise not_supported(what) from None
    own = f"heatproxy_split_{session.watch.thread_id}"
    name = f"{quote_name(shell.schema)}.{quote_name(own)}"
    await session.backend.query(f"CREATE TEMPORARY TABLE {name} {found.definition}")
    try:
        await insert_rows(session.backend, name, found.rows, hint=STRICT)
        yield name, found.with_key
    finally:
        with suppress(MySQLError, ProtocolError):
            await session.backend.query(f"DROP TEMPORARY TABLE {name}")


def _options(text: str | None) -> dict[str, Any]:
    given = option_object(text, "TRAIN_TEST_SPLIT")
    try:
        known = {key: given[key] for key in OPTIONS.declared if key in given}
        checked = OPTIONS.check(known)
    except BadOption as problem:
        raise ml_error("ML006005", f"TRAIN_TEST_SPLIT: {problem}.") from None
    checked["task"] = _task(checked["task"])
    experimental = given.get("experimental")  # as ML_TRAIN has it
    if experimental == "semisupervised" or (
        isinstance(experimental, dict) and "semisupervised" in experimental
    ):
        checked["semisupervised"] = True
    return checked


def _task(given: str) -> str:
    """The task's own spelling; a table is split for one that is not here yet, too."""
    name = given.strip().lower()
    if specialist_named(name) is None:
        return task_named(name).name
    return name


async def _columns(
    session: Session, schema: str, table: str, shell: Shell | None
) -> dict[str, tuple[bool, bool]]:
    """Each column: whether it is of the primary key, whether it is generated.

    Of a Lakehouse table those that are loaded.

    Raises:
        MySQLError: 1146, no such table; 1347, it is a view; 1235, a temporary one.
    """
    found = await session.backend.query(
        "SELECT TABLE_TYPE, HEX(CONVERT(COLUMN_NAME USING utf8mb4)), COLUMN_KEY,"
        " GENERATION_EXPRESSION <> '', EXTRA FROM information_schema.TABLES"
        " JOIN information_schema.COLUMNS USING (TABLE_SCHEMA, TABLE_NAME)"
        f" WHERE TABLE_SCHEMA = {quote_text(schema)}"
        f" AND TABLE_NAME = {quote_text(table)} ORDER BY ORDINAL_POSITION"
    )
    rows = found.texts()
    if not rows:  # MySQL says why
        name = f"{quote_name(schema)}.{quote_name(table)}"
        await session.backend.prepared_columns(f"SELECT * FROM {name}".encode())
        raise not_supported("TRAIN_TEST_SPLIT of a temporary table")
    if rows[0][0] != "BASE TABLE":
        raise MySQLError(1347, "HY000", f"'{schema}.{table}' is not BASE TABLE")
    return {
        bytes.fromhex(name or "").decode(): (key == "PRI", generated == "1")
        for _, name, key, generated, extra in rows
        if shell is None or "NOT SECONDARY" not in (extra or "").upper()
    }


def _rule(
    given: Mapping[str, Any],
    target: str | None,
    columns: Mapping[str, tuple[bool, bool]],
) -> tuple[str, str]:
    """By what the rows are ordered, and the clause that groups them, if any."""
    task = given["task"]
    keys = [quote_name(name) for name, (in_key, _) in columns.items() if in_key]
    if task == "forecasting":
        if given["datetime_index"] is None:
            raise ml_error("ML003053", "datetime_index is required for forecasting.")
        index = _column(given["datetime_index"], columns)
        return ", ".join([index, *keys, f"RAND({SEED})"]), ""
    if task == "log_anomaly_detection" and not given["semisupervised"]:
        if not keys:
            raise ml_error(
                "ML006021", "log_anomaly_detection needs a table with a primary key."
            )
        return ", ".join(keys), ""
    stratified = task in _BY_CLASS or (task in _ANOMALIES and given["semisupervised"])
    if not stratified:
        return f"RAND({SEED})", ""
    if not target:
        raise no_target()
    return f"RAND({SEED})", f"PARTITION BY {_column(target, columns)} "


def _train_rows(group: str) -> str:
    """How many rows of the table, or of a class, are for training."""
    rows = f"COUNT(*) OVER ({group})"
    share = f"FLOOR({TRAIN_SHARE} * {rows} + 0.5)"
    return f"GREATEST({share}, {FEWEST_OF_A_CLASS})" if group else share


def _column(wanted: str, columns: Mapping[str, tuple[bool, bool]]) -> str:
    """The quoted column of that name.

    Raises:
        MySQLError: 3877 ML003039, there is none.
    """
    for name in columns:
        if name.lower() == wanted.lower():
            return quote_name(name)
    raise ml_error(
        "ML003039",
        "Not all user specified columns are present in the input table - missing "
        f"columns are {{{wanted!r}}}.",
    )


TRAIN_TEST_SPLIT = Procedure(
    "TRAIN_TEST_SPLIT",
    needs(
        "IN table_name VARCHAR(255)",
        "IN target_column_name VARCHAR(64)",
        "IN options JSON",
    ),
    run=split,
)
