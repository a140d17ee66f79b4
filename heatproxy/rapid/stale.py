"""What a statement in the binlog means for the tables that are loaded.

Rows come as rows; what comes as a statement is DDL, or DML of a session that chose
binlog_format = STATEMENT. Of what is not understood the worst is assumed.

Source: MySQL Reference Manual, "Data Definition Statements".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from heatproxy.errors import MySQLError
from heatproxy.sql.lexer import Token, text_of, tokens
from heatproxy.wire.binlog import Query

Name = tuple[str, str]  # schema and table

_VERSIONED = re.compile(rb"/\*!\d*(.*?)\*/", re.DOTALL)
# What a session that follows no rules of ours may do to a transaction.
_AS_STATEMENT = "rows were changed with binlog_format = STATEMENT"
_UNDONE = "a transaction was undone in part"


class Turn(Enum):
    """What the statement does to the transaction it stands in."""

    NONE = auto()
    BEGINS = auto()
    ENDS = auto()
    UNDOES = auto()  # some or all of the rows before it


@dataclass(frozen=True, slots=True)
class Meaning:
    """What follows from a statement.

    ``stale`` are loaded tables whose rows may not be what the engine holds any more;
    ``look``: whether what is loaded at all may have changed, ``views``: whether the
    views have. ``branch`` is the XA transaction that begins, or with
    ``commits_branch`` becomes visible.
    """

    turn: Turn = Turn.ENDS
    stale: frozenset[Name] = frozenset()
    reason: str = ""
    look: bool = False
    views: bool = False
    branch: bytes = b""
    commits_branch: bool = False
    is_commit: bool = False
    stays_open: bool = False  # ROLLBACK TO a savepoint


_TURNS = {
    b"BEGIN": Turn.BEGINS,
    b"COMMIT": Turn.ENDS,
    b"SAVEPOINT": Turn.NONE,
    b"RELEASE": Turn.NONE,
}
_ROWS: tuple[bytes, ...] = (
    b"INSERT",
    b"REPLACE",
    b"UPDATE",
    b"DELETE",
    b"LOAD",
    b"WITH",
    b"CALL",
)
_ROWS += (b"SELECT", b"DO", b"VALUES", b"TABLE")
_HARMLESS: tuple[bytes, ...] = (
    b"GRANT",
    b"REVOKE",
    b"ANALYZE",
    b"OPTIMIZE",
    b"REPAIR",
    b"CHECK",
)
_HARMLESS += (b"FLUSH", b"SET", b"INSTALL", b"UNINSTALL", b"RESET", b"KILL")
# CREATE, ALTER and DROP of these change no rows of a table.
_OTHERS: tuple[bytes, ...] = (
    b"VIEW",
    b"TRIGGER",
    b"PROCEDURE",
    b"FUNCTION",
    b"EVENT",
    b"USER",
    b"ROLE",
)
_OTHERS += (b"SERVER", b"INDEX", b"UNIQUE", b"FULLTEXT", b"SPATIAL", b"RESOURCE")
_OTHERS += (b"UNDO", b"TABLESPACE", b"LOGFILE", b"LIBRARY", b"INSTANCE")
_SCHEMA = (b"DATABASE", b"SCHEMA")


def meaning(query: Query, loaded: Iterable[Name]) -> Meaning:
    """What a QUERY event means, given the tables that are loaded."""
    names = frozenset(loaded)
    text = _VERSIONED.sub(rb" \1 ", query.text)
    try:
        found = tokens(text)
    except MySQLError:
        found = []
    words = [token.text.upper() for token in found[:4]]
    if not words:
        return _all(names, "a statement that is not understood")
    first, second = words[0], words[1] if len(words) > 1 else b""
    if first == b"XA":
        return _distributed(second, text_of(text, found[2:]))
    if first == b"ROLLBACK":
        return Meaning(Turn.UNDOES, reason=_UNDONE, stays_open=b"TO" in words)
    if first in _TURNS:
        return Meaning(_TURNS[first], is_commit=first == b"COMMIT")
    if first == b"START" and second == b"TRANSACTION":
        return Meaning(Turn.BEGINS)
    if first in _ROWS:
        return _all(
            names, "rows were changed with binlog_format = STATEMENT", Turn.NONE
        )
    if first in _HARMLESS:
        return Meaning()
    if first in (b"CREATE", b"ALTER", b"DROP"):
        return _definition(first, found, query.schema, names)
    if first in (b"TRUNCATE", b"RENAME", b"IMPORT"):
        return Meaning(
            stale=_named(found, query.schema, names),
            reason=f"{first.decode()} TABLE",
            look=True,
        )
    return _all(names, "a statement that is not understood")


def _all(names: frozenset[Name], reason: str, turn: Turn = Turn.ENDS) -> Meaning:
    return Meaning(turn, names, reason, look=True)


def _distributed(word: bytes, branch: bytes) -> Meaning:
    """XA: rows of a prepared transaction are logged long before they are there."""
    if word in (b"START", b"BEGIN"):
        return Meaning(Turn.BEGINS, branch=branch)
    if word == b"END":
        return Meaning(Turn.NONE)  # the XA_PREPARE event follows
    if word == b"COMMIT":
        return Meaning(branch=branch, commits_branch=True, reason="XA COMMIT")
    return Meaning()


def _definition(
    verb: bytes, found: Sequence[Token], schema: str, names: frozenset[Name]
) -> Meaning:
    """CREATE, ALTER and DROP."""
    head = [token.text.upper() for token in found[1:16]]
    is_table = b"TABLE" in head[:3] or b"TABLES" in head[:2]
    if is_table and b"TEMPORARY" in head[:2]:
        return Meaning(Turn.NONE if _opens(found) else Turn.ENDS)
    if is_table and verb == b"CREATE":
        # of a name that was free; rows may follow in the same transaction
        return Meaning(Turn.NONE if _opens(found) else Turn.ENDS, look=True)
    if head[:1] and head[0] in _SCHEMA:
        if verb != b"DROP":
            return Meaning()
        spelled = _spelled(found[2:])
        stale = frozenset(
            name
            for name in names
            if name[0].lower() in spelled or not (spelled.is_ascii or name[0].isascii())
        )
        return Meaning(stale=stale, reason="DROP DATABASE", look=True, views=True)
    if is_table:
        stale = _named(found, schema, names)
        if verb == b"ALTER" and _only_secondary(found):
            return Meaning(look=True)
        return Meaning(stale=stale, reason=f"{verb.decode()} TABLE", look=True)
    words = set(head)
    if words & set(_OTHERS):
        return Meaning(views=b"VIEW" in words)
    return _all(names, "a definition that is not understood")


def _opens(found: Sequence[Token]) -> bool:
    """CREATE TABLE ... SELECT: the statement is followed by its rows."""
    return len(found) > 2 and [t.text.upper() for t in found[-2:]] == [
        b"START",
        b"TRANSACTION",
    ]


def _only_secondary(found: Sequence[Token]) -> bool:
    """ALTER TABLE ... SECONDARY_LOAD or _UNLOAD, which stand alone."""
    words = [token for token in found if token.is_word(b"SECONDARY_LOAD")]
    words += [token for token in found if token.is_word(b"SECONDARY_UNLOAD")]
    return bool(words) and not any(token.is_symbol(b",") for token in found)


def _named(
    found: Sequence[Token], schema: str, names: frozenset[Name]
) -> frozenset[Name]:
    """The loaded tables that a statement names anywhere, in any letter case.

    A column of that name counts too: at worst a table is loaded again.
    """
    spelled = _spelled(found)
    lower = schema.lower()
    return frozenset(
        (s, t)
        for s, t in names
        if (t.lower() in spelled and (s.lower() == lower or s.lower() in spelled))
        or not (spelled.is_ascii or (s + t).isascii())
    )


class _Spelled(set[str]):
    """Identifiers in lower case; some in an unknown set unless they are ASCII."""

    is_ascii = True


def _spelled(found: Sequence[Token]) -> _Spelled:
    spelled = _Spelled()
    for token in found:
        name = token.name
        if token.text[:1] == b'"':  # an identifier under ANSI_QUOTES
            name = token.text[1:-1].decode("utf-8", "replace")
        if name is not None:
            spelled.add(name.lower())
            spelled.is_ascii &= token.text.isascii()
    return spelled
