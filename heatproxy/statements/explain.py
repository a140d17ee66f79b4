"""EXPLAIN of a SELECT on tables that the engine holds: who answers it, and why.

MySQL explains it as its own; what RAPID answers is shown as HeatWave shows it, and of
what it does not a note says why, and whether MySQL reads copies of Lakehouse tables.

Source: HeatWave User Guide, "Run Queries"; lakehouse.md, 3.5.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from heatproxy.aftermath import Aftermath, Condition, conditions_of
from heatproxy.backend.replies import Result
from heatproxy.errors import MySQLError
from heatproxy.rapid.decision import Refusal
from heatproxy.session import Declined, Session
from heatproxy.sql import hints
from heatproxy.sql.lexer import Token
from heatproxy.statements import Text, Work, copied
from heatproxy.statements.copies import SETTING
from heatproxy.statements.offload import (
    Trial,
    Unproven,
    asked,
    checked,
    may_read,
    weighed,
)
from heatproxy.statements.primary import in_primary
from heatproxy.wire.packets import lenenc_bytes, read_lenenc

ENGINE = "RAPID"
NOTE, ER_YES, PLUGIN = "Note", 1003, 3877
_SHOWN = f"Using secondary engine {ENGINE}. Use EXPLAIN FORMAT=TREE to show the plan."
_DIVERGES = (
    "Query is executed in secondary engine; the actual query plan may diverge from the"
    " printed one"
)
_ACCESS = re.compile(
    r"(-> )[A-Z][\w -]*? (?:scan|lookup|search)(?: on | )(?!<)(\S+)"
    r"(?:(?: using| over| to find)[^\n]*?)?(?=  \(|\n|$)"
)
_COUNTED = re.compile(r"(-> Count rows in \S+)")
_FORMATS = ("TRADITIONAL", "TREE", "JSON", "DEFAULT", "TRADITIONAL_STRICT")


@dataclass(frozen=True, slots=True)
class _Explain:
    """Its parts: the SELECT, and the format that is asked for, if one is."""

    select: Text
    format: str | None
    analyzes: bool


async def handle(session: Session, statement: Text) -> Work | None:
    """Take EXPLAIN of a SELECT that may read what the engine holds."""
    if not statement.tokens[0].is_word(b"EXPLAIN", b"DESC", b"DESCRIBE"):
        return None
    parts = _parts(statement)
    if parts is None or not may_read(session, parts.select):
        return None
    return Work(partial(_answer, session, statement, parts), optional=True)


def _parts(statement: Text) -> _Explain | None:
    words = statement.tokens
    at, shown, analyzes = 1, None, False
    while at < len(words) and not _begins(words[at]):
        word = words[at]
        if word.is_word(b"ANALYZE"):
            analyzes, at = True, at + 1
        elif word.is_word(b"FORMAT") and at + 2 < len(words):
            shown = (words[at + 2].name or "").upper()
            at += 3
        else:
            return None
    if at >= len(words) or shown not in (None, *_FORMATS):
        return None
    return _Explain(statement.part(at), shown, analyzes)


def _begins(word: Token) -> bool:
    return word.is_word(b"SELECT", b"WITH", b"TABLE") or word.is_symbol(b"(")


async def _answer(session: Session, statement: Text, parts: _Explain) -> None:
    refusal: Refusal | None = None
    session.notes.explained = None
    try:
        made = await asked(session, parts.select)
        await weighed(made)
        await checked(made)
    except Unproven as unproven:
        if parts.analyzes:
            await copied.answer(session, statement, unproven.refusal)
            return
        words = f"{unproven.refusal.words}{_copied(session)}"
        refusal = replace(unproven.refusal, words=words)
    except Declined as declined:
        refusal = session.notes.explained
        if refusal is None or parts.analyzes:
            raise Declined(str(declined)) from None
    except MySQLError:
        if session.notes.explained is None:
            raise Declined("MySQL says what is wrong with it") from None
        raise
    if refusal is not None:
        await _explain_refused(session, statement, refusal)
    elif parts.analyzes:
        text = "This version of MySQL doesn't yet support 'EXPLAIN ANALYZE with "
        raise MySQLError(1235, "42000", text + "secondary engine'")
    else:
        await _explain_offloaded(made, parts)


def _copied(session: Session) -> str:
    limit = session.house.config.lakehouse.copy_limit
    if not limit:
        return f"; {SETTING} is 0, so that MySQL reads no copies of Lakehouse tables"
    return f"; MySQL reads copies of its Lakehouse tables, up to {limit} bytes"


async def _explain_refused(session: Session, statement: Text, refusal: Refusal) -> None:
    """MySQL's own answer, and one note more."""
    backend = session.backend
    found = await backend.packed(statement.own, binary=session.answer.binary)
    conditions = await conditions_of(backend)
    words = f"Query is not executed in secondary engine {ENGINE}: {refusal.words}"
    conditions.append(Condition(NOTE, PLUGIN, words))
    await _give(session, found.columns, found.rows, conditions)


async def _explain_offloaded(made: Trial, parts: _Explain) -> None:
    session = made.session
    backend, binary = session.backend, session.answer.binary
    shown = parts.format or made.settings["explain_format"].upper() or "TRADITIONAL"
    if shown in ("DEFAULT", "TRADITIONAL_STRICT"):
        shown = "TRADITIONAL"
    own = hints.in_primary(
        parts.select.own, backslash_escapes=session.backslash_escapes
    )
    asked_for = f"EXPLAIN FORMAT={shown} ".encode() + own
    async with in_primary(made.session, made.settings.engine):
        found = await backend.packed(asked_for, binary=binary)
        conditions = await conditions_of(backend)
    if shown == "TRADITIONAL":
        rows = [_one_row(found, binary=binary)]
    else:
        text = _text_of(found)
        changed = in_tree(text) if shown == "TREE" else in_json(text)
        rows = [(lenenc_bytes(changed.encode()),)]
        if shown == "TREE":
            conditions = [Condition(NOTE, ER_YES, _DIVERGES)]
    await _give(session, found.columns, rows, conditions)


async def _give(
    session: Session,
    columns: Sequence[Any],
    rows: Sequence[Sequence[bytes | None]],
    conditions: Sequence[Condition],
) -> None:
    session.answer.warnings = len(conditions)
    await session.answer.packed_rows(columns, rows)
    session.aftermath = Aftermath(
        found_rows=len(rows), row_count=-1, conditions=conditions
    )


def _one_row(found: Result, *, binary: bool) -> Sequence[bytes | None]:
    """What HeatWave has for a query on one line: most of it NULL."""
    row: list[bytes | None] = [None] * len(found.columns)
    for place, column in enumerate(found.columns):
        if column.name == "id":
            one = (1).to_bytes(8, "little")
            row[place] = one if binary else lenenc_bytes(b"1")
        elif column.name == "select_type":
            row[place] = lenenc_bytes(b"NONE")
        elif column.name == "Extra":
            row[place] = lenenc_bytes(_SHOWN.encode())
    return row


def _text_of(found: Result) -> str:
    packed = found.rows[0][0] or b""
    _, start = read_lenenc(packed, 0)
    return packed[start:].decode("utf-8", "replace")


def in_tree(text: str) -> str:
    """A plan of FORMAT=TREE, its tables read in the engine."""
    text = _COUNTED.sub(rf"\1 in secondary engine {ENGINE}", text)
    return _ACCESS.sub(rf"\1Table scan on \2 in secondary engine {ENGINE}", text)


def in_json(text: str) -> str:
    """A plan of FORMAT=JSON, of either version, its tables read in the engine."""
    plan = json.loads(text)
    _mark(plan)
    return json.dumps(plan, indent=2, ensure_ascii=False)


def _mark(node: Any) -> None:
    if isinstance(node, list):
        for member in node:
            _mark(member)
    elif isinstance(node, dict):
        for key, member in list(node.items()):
            _mark(member)
            if key == "table" and isinstance(member, dict) and "table_name" in member:
                member["using_secondary_engine"] = ENGINE
        if "schema_name" in node and "operation" in node:
            name = node.get("alias", node["table_name"])
            node["operation"] = f"Table scan on {name} in secondary engine {ENGINE}"
            node["secondary_engine"] = ENGINE
