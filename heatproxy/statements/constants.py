"""Constant expressions of a statement, as MySQL evaluates them on its session."""

from collections.abc import Sequence

from pymysql.constants import FIELD_TYPE, FLAG

from heatproxy.backend.connection import BackendConnection
from heatproxy.backend.replies import Result
from heatproxy.errors import MySQLError
from heatproxy.rapid.decision import Settings
from heatproxy.sql.emitter.values import Constant
from heatproxy.wire.columns import BINARY_CHARSET, ColumnDefinition, is_text

UTF8 = ("utf8mb4", "utf8mb3", "utf8")


async def evaluate(
    backend: BackendConnection, texts: Sequence[str], settings: Settings
) -> dict[str, Constant]:
    """What MySQL says of each expression: all at once, so that one moment is meant.

    One that gives an error or a warning has that as its ``problem``; then each is
    asked for on its own.
    """
    found = await _asked(backend, texts)
    if isinstance(found, Result) and not found.warnings:
        return as_constants(texts, found, settings)
    if len(texts) == 1:
        problem = "a warning of MySQL's" if isinstance(found, Result) else found
        return {texts[0]: _problematic(problem)}
    constants = {}
    for text in texts:
        constants.update(await evaluate(backend, [text], settings))
    return constants


def asking(texts: Sequence[str]) -> bytes:
    """The statement that asks for all of them."""
    listed = ", ".join(f"({text}\n)" for text in texts)
    return f"SELECT {listed}".encode()


def as_constants(
    texts: Sequence[str], found: Result, settings: Settings
) -> dict[str, Constant]:
    """MySQL's answer to ``asking``, which it did not warn of."""
    pairs = zip(texts, found.columns, found.rows[0], strict=True)
    return {text: _constant(column, value, settings) for text, column, value in pairs}


async def _asked(backend: BackendConnection, texts: Sequence[str]) -> Result | str:
    try:
        return await backend.query(asking(texts))
    except MySQLError as problem:
        return problem.message


def _constant(
    column: ColumnDefinition, value: bytes | None, settings: Settings
) -> Constant:
    results = settings["character_set_results"]
    problem = None
    if value is not None and is_text(column) and results not in (*UTF8, ""):
        lost = not value.isascii() or b"?" in value
        problem = f"text in character_set_results {results}" if lost else None
    return Constant(
        text=value,
        type=column.type,
        charset=column.charset,
        length=column.length,
        decimals=column.decimals,
        unsigned=bool(column.flags & FLAG.UNSIGNED),
        problem=problem,
    )


def _problematic(problem: str) -> Constant:
    return Constant(None, FIELD_TYPE.NULL, BINARY_CHARSET, 0, 0, False, problem)
