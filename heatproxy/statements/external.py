"""CREATE of Lakehouse tables by hand; and whose the statements are that load them.

The shell is made on the caller's connection, empty of data, and sealed at once.

Source: HeatWave User Guide, "CREATE EXTERNAL TABLE".
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.backend.shells import Shell
from heatproxy.errors import (
    MySQLError,
    lakehouse_lacks,
    not_supported,
    secondary_engine,
)
from heatproxy.house import follow_shells
from heatproxy.lakehouse.request import parse_engine_attribute
from heatproxy.routines.filling import new_name
from heatproxy.routines.shell_keys import keys_of
from heatproxy.session import Session
from heatproxy.sql.alterations import require_columns, require_options
from heatproxy.sql.external import External, Given, creates_external, parse_create
from heatproxy.sql.external_options import Literal
from heatproxy.sql.lexer import Token, split_at_commas, tokens
from heatproxy.statements import Text, Work
from heatproxy.statements.secondary import Form, read
from heatproxy.statements.shell_load import load, unload

_OPTIONS = (b"COMMENT", b"DEFAULT", b"CHARSET", b"CHARACTER", b"COLLATE")
_EXISTS = 1050
_INSTEAD = ": heatwave_load with refresh_external_tables brings it up to date"
NOTHING = b"DO 0"  # what MySQL prepares of statements that it may not know


async def handle(session: Session, statement: Text) -> Work | None:
    """Take CREATE of external tables, and what loads and unloads them."""
    words = statement.tokens
    if creates_external(words):
        asked = parse_create(statement.text[: words[-1].end], words)
        return Work(partial(_create, session, asked), NOTHING)
    if not (
        words[0].is_word(b"ALTER") and statement.names & session.house.shells.tables
    ):
        return None
    form = read(statement)
    if form is None or form.does == "detach":
        return None
    schema = form.schema or await session.schema()
    shell = await session.find_shell(schema, form.table)
    return None if shell is None else Work(partial(_run, session, shell, form), NOTHING)


async def _run(session: Session, shell: Shell, form: Form) -> None:
    await (load if form.does == "load" else unload)(session, shell, form)


async def evaluated(session: Session, literals: Sequence[Literal]) -> dict[bytes, str]:
    """The values of string literals, as the caller's session reads them."""
    values = await session.backend.evaluate(literals)
    return {key: text or "" for key, text in zip(literals, values, strict=True)}


def engine_attribute(given: Given, said: Mapping[bytes, str]) -> dict[str, Any]:
    """The ENGINE_ATTRIBUTE that a statement describes, however it does.

    Raises:
        MySQLError: 3877, it is none, or described twice; 1235, a refresh by itself.
    """
    if given.auto_refresh:
        raise not_supported(f"{given.auto_refresh} of a Lakehouse table{_INSTEAD}")
    if given.attribute is None:
        return given.engine_attribute(said.__getitem__)
    if given.by_clauses:
        raise secondary_engine("ENGINE_ATTRIBUTE and FILES exclude each other")
    text = said[given.attribute]
    parse_engine_attribute(text)  # it is JSON, too
    found: dict[str, Any] = json.loads(text)
    if found.get("auto_refresh_event_source"):
        raise not_supported(f"auto_refresh_event_source of a Lakehouse table{_INSTEAD}")
    return found


def require_readable(session: Session, attribute: Mapping[str, Any]) -> None:
    """Refuse an ENGINE_ATTRIBUTE that no file could be read by.

    Raises:
        MySQLError: 3877, what is wrong with it; 1235, what is not supported.
    """
    profile = session.house.config.lakehouse.profile
    parse_engine_attribute(json.dumps(dict(attribute)), profile)


async def _create(session: Session, asked: External) -> None:
    escapes = session.backslash_escapes
    _require_definition(
        tokens(asked.definition.plain, backslash_escapes=escapes),
        tokens(asked.options, backslash_escapes=escapes),
    )
    schema = asked.schema or await session.schema()
    if schema is None:
        raise MySQLError(1046, "3D000", "No database selected")
    if asked.given.attribute is None and asked.given.files is None:
        raise secondary_engine(
            f"CREATE EXTERNAL TABLE {asked.name} has no FILES: FILES = (URI = '...')"
            " names the files that its rows are in"
        )
    said = await evaluated(session, asked.literals())
    attribute = engine_attribute(asked.given, said)
    require_readable(session, attribute)
    by_clauses = asked.given.attribute is None
    shell = Shell(schema, asked.name, new_name(), attribute, by_clauses)
    columns = asked.definition.sql(said.__getitem__, backslash_escapes=escapes)
    create, seal = shell.create(
        columns.decode(), backslash_escapes=escapes, options=asked.options.decode()
    )
    try:
        await session.backend.query(create)
    except MySQLError as problem:
        if problem.number != _EXISTS or not asked.if_not_exists:
            raise
        session.answer.warnings = 1
        await session.answer.ok()
        note = Condition("Note", problem.number, problem.message)
        session.aftermath = Aftermath(conditions=[note])
        return
    try:
        await keys_of(session, shell)
        await session.backend.query(seal)
    except BaseException:
        await session.undo(f"DROP TABLE IF EXISTS {shell.name}")
        raise
    await follow_shells(session.house)
    await session.backend.query("DO 0")
    await session.answer.ok()


def _require_definition(definition: Sequence[Token], options: Sequence[Token]) -> None:
    """Refuse what no external table has, and what none has here.

    Raises:
        MySQLError: 1164, 1178, 1214, 1464, 1478, what Lakehouse lacks; 1235.
    """
    options = _without_partitions(options)
    require_options(options)
    if options and not options[0].is_word(*_OPTIONS):
        raise not_supported(f"{options[0].text.decode()} of a Lakehouse table")
    require_columns(definition)
    for part in split_at_commas(definition):
        checks = any(word.is_word(b"CHECK") for word in part)
        ends = len(part) > 2 and part[-2].is_word(b"NOT")
        if checks and not (ends and part[-1].is_word(b"ENFORCED")):
            raise lakehouse_lacks("enforced check constraints")


def _without_partitions(options: Sequence[Token]) -> Sequence[Token]:
    """The table options before PARTITION BY KEY: there is no other way for these.

    Partitions are MySQL's to tell of: rows are loaded and read together.

    Raises:
        MySQLError: 1178, another way; 1235, partitions that are defined one by one.
    """
    words = list(options)
    at = next((k for k, word in enumerate(words) if word.is_word(b"PARTITION")), None)
    if at is None:
        return words
    by = next((w for w in words[at + 2 : at + 4] if not w.is_word(b"LINEAR")), None)
    if by is None or not by.is_word(b"KEY"):
        how = by.text.decode(errors="replace").upper() if by else ""
        raise lakehouse_lacks(f"PARTITION BY {how}".rstrip())
    for word in words[at + 1 :]:
        if word.is_word(b"SUBPARTITION", b"PARTITION"):
            raise not_supported(f"{word.text.decode().upper()} of a Lakehouse table")
    return words[:at]
