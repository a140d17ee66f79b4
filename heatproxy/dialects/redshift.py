"""Amazon Redshift ML: CREATE MODEL, SHOW MODEL, DROP MODEL and stv_ml_model_info.

Source: Amazon Redshift Database Developer Guide, "CREATE MODEL", "SHOW MODEL",
"DROP MODEL", "STV_ML_MODEL_INFO".
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from heatproxy.aftermath import Aftermath, Condition
from heatproxy.automl.catalog import Catalog
from heatproxy.datatypes import quote_text
from heatproxy.dialects import shown
from heatproxy.dialects.creating import create
from heatproxy.dialects.making import DIALECT
from heatproxy.session import Session
from heatproxy.sql.create_model import (
    CREATE,
    DROP,
    is_of_models,
    parse_create_model,
    parse_model_name,
)
from heatproxy.sql.substitute import Substituted, find_tables, substituted
from heatproxy.statements import Text, Work
from heatproxy.statements.call import noted
from heatproxy.statements.primary import in_primary
from heatproxy.statements.rpd import answer

NOTE = 3877
_NOTHING = b"DO 0"  # what MySQL prepares where it has no such statement


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement of MODELs, and one that reads stv_ml_model_info."""
    if DIALECT not in session.house.config.automl.dialects:
        return None
    words = statement.tokens
    if not is_of_models(words):
        return await _reading(session, statement)
    if words[0].is_word(CREATE):
        run = partial(_create, session, statement)
        return Work(run, _NOTHING, kind="ML_TRAIN")
    if words[0].is_word(DROP):
        return Work(partial(_drop, session, statement), _NOTHING, kind="DROP_MODEL")
    name, _ = parse_model_name(statement.text, words)
    catalog = Catalog(session.backend, await session.user())
    async with in_primary(session):
        if name is None:
            query = shown.all_query(await shown.models(catalog))
        else:
            default = await session.schema()
            query = await shown.one_query(catalog, name[0] or default, name[1])
    run = partial(answer, session, statement, Substituted(query))
    return Work(run, query, kind="SHOW_MODEL")


async def _create(session: Session, statement: Text) -> None:
    wanted = parse_create_model(statement.text, statement.tokens)
    async with in_primary(session):
        notes = await noted(session, "ML_TRAIN", create(session, wanted))
    await _done(session, notes)


async def _drop(session: Session, statement: Text) -> None:
    async with in_primary(session):
        notes = await _dropped(session, statement)
    await _done(session, notes)


async def _dropped(session: Session, statement: Text) -> list[str]:
    """Delete a model from the caller's catalog, and its function.

    Raises:
        MySQLError: 3877, there is no such model; MySQL's own.
    """
    name, if_exists = parse_model_name(statement.text, statement.tokens)
    assert name is not None
    user = await session.user()
    catalog = Catalog(session.backend, user)
    schema, model = name[0] or await session.schema(), name[1]
    entry = await shown.find(catalog, schema, model)
    if entry is None:
        if not if_exists:
            raise shown.no_such_model(model)
        return [f"Model '{model}' does not exist"]
    functions = session.house.functions
    told = entry.metadata.get(DIALECT)
    if isinstance(told, dict):
        found = await asyncio.to_thread(
            functions.find, str(told["function_schema"]), [str(told["function"])]
        )
        for function in found.values():
            if (function.owner, function.handle) == (user, entry.handle):
                await session.backend.query(
                    f"DROP FUNCTION IF EXISTS {function.qualified}"
                )
    where = f"WHERE model_handle = {quote_text(entry.handle)}"
    if isinstance(told, dict) and told.get("endpoint"):  # it was there before
        await session.backend.query(
            f"UPDATE {catalog.models} SET model_metadata ="
            f" JSON_REMOVE(model_metadata, '$.{DIALECT}') {where}"
        )
    else:
        await session.backend.query(catalog.deletion(entry.handle))
        session.house.models.drop(user, entry.handle)
    await asyncio.to_thread(functions.refresh)
    functions.tell()
    return []


async def _done(session: Session, notes: Sequence[str]) -> None:
    """Answer with an OK, and keep the notes for SHOW WARNINGS."""
    await session.backend.query(_NOTHING)  # what was warned of before is over
    session.answer.warnings = len(notes)
    await session.answer.ok()
    conditions = [Condition("Note", NOTE, text) for text in notes]
    session.aftermath = Aftermath(conditions=conditions) if conditions else None


async def _reading(session: Session, statement: Text) -> Work | None:
    """Take what reads stv_ml_model_info, unless there is a table of that name."""
    words = statement.tokens
    if not any(name.lower() == shown.INFO for name in statement.names):
        return None
    schema = (await session.schema() or "").lower()
    schemas = {"pg_catalog": (shown.INFO,), schema: (shown.INFO,)}
    mentions = find_tables(words, schemas, schema)
    if not mentions:
        return None
    async with in_primary(session):
        if await _is_table(session, schema):
            return None
        catalog = Catalog(session.backend, await session.user())
        query = shown.info_query(await shown.models(catalog))
    found = substituted(statement.text, words, mentions, {shown.INFO: query})
    if found is None:
        return None
    return Work(partial(answer, session, statement, found), found.text)


async def _is_table(session: Session, schema: str) -> bool:
    count = await session.backend.scalar(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA ="
        f" {quote_text(schema)} AND TABLE_NAME = '{shown.INFO}'"
    )
    return count != "0"
