"""Several statements in one packet, with ours among them.

They run in their order; one that fails ends it. Statements that are surely MySQL's go
to it together, as they stand; for all others it is decided when it is their turn, as
those before them may have made a table, a variable or a prepared statement.

Source: MySQL Reference Manual, "Multiple Statement Execution Support".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heatproxy.errors import MySQLError
from heatproxy.session import Declined, Session
from heatproxy.sql.lexer import Token, tokens
from heatproxy.sql.prefilter import sets_next_transaction
from heatproxy.statements import Handler, Text, Work
from heatproxy.statements.offload import may_read, names_shell
from heatproxy.statements.sealed import SEALED, refusal

# A statement that may be ours, as far as its bytes say.
Wants = Callable[[bytes], bool]

_AT_THE_END = re.compile(rb"[;\s]+\Z")  # what MySQL takes off a packet
# CREATE and ALTER of these have statements of their own inside.
_PROGRAMS = (b"PROCEDURE", b"FUNCTION", b"TRIGGER", b"EVENT", b"LIBRARY")
_HEAD_TOKENS = 16  # of CREATE OR REPLACE DEFINER = u@h AGGREGATE ... FUNCTION


@dataclass(frozen=True, slots=True)
class Segment:
    """A text between semicolons: its tokens, and where it is in the packet's text."""

    tokens: Sequence[Token]
    start: int
    end: int


def segments(text: bytes, *, backslash_escapes: bool, start: int = 0) -> list[Segment]:
    """The statements of a packet's text, from ``start`` on.

    One that defines a program reaches to the end of the text: where the program ends
    is MySQL's to say.

    Raises:
        MySQLError: 1235, there is a versioned comment.
    """
    trimmed = _AT_THE_END.sub(b"", text)
    found = tokens(trimmed[start:], backslash_escapes=backslash_escapes)
    parts: list[Segment] = []
    first = 0
    begin = start
    for index, token in enumerate(found):
        if token.is_symbol(b";"):
            if defines_a_program(found[first:index]):
                return [*parts, Segment(found[first:], begin, len(trimmed))]
            parts.append(Segment(found[first:index], begin, start + token.start))
            first, begin = index + 1, start + token.end
    return [*parts, Segment(found[first:], begin, len(trimmed))]


def defines_a_program(part: Sequence[Token]) -> bool:
    """Whether it is CREATE or ALTER of a procedure, function, trigger or event."""
    if not part or not part[0].is_word(b"CREATE", b"ALTER"):
        return False
    for token in part[1:_HEAD_TOKENS]:
        if token.is_word(b"TABLE", b"VIEW", b"DATABASE", b"SCHEMA", b"INDEX", b"USER"):
            return False
        if token.is_word(*_PROGRAMS):
            return True
    return False


async def answer(session: Session, find: Handler, wants: Wants, text: bytes) -> bool:
    """Answer a packet of several statements; False, and nothing done: it is MySQL's.

    Raises:
        MySQLError: of the statement that failed; those before it have their answers.
    """
    reply, escapes = session.answer, session.backslash_escapes
    left = segments(text, backslash_escapes=escapes)
    if not any(wants(text[part.start : part.end]) for part in left):
        return False
    sets_transaction = False  # the one before, for this one
    while left:
        part = left[0]
        work = None
        own = text[part.start : part.end]
        if part.tokens and wants(own):
            statement = _statement(session, own)
            if statement and not (sets_transaction and _is_rapids(session, statement)):
                work = await find(session, statement)
        sets_transaction = False
        if work is not None and await _has_answered(session, work, len(left) > 1):
            left, session.next_transaction = left[1:], ()
        elif len(left) == 1 and not part.tokens:  # a comment at the end
            reply.more, left = False, []
            await reply.ok()
        else:
            count = _mysqls(left, text, wants)
            last = left[count - 1]
            piece = text[part.start : last.end]
            own = text[last.start : last.end]
            sets_transaction = sets_next_transaction(own)
            left = left[count:]
            reply.more = bool(left)
            try:
                await session.relay(piece)
            except MySQLError as error:
                if error.number != SEALED:
                    raise
                raise refusal(session.house.shells, piece, error) from None
            session.next_transaction = (own,) if sets_transaction else ()
        if left and session.backslash_escapes != escapes:
            escapes = session.backslash_escapes
            left = segments(text, backslash_escapes=escapes, start=left[0].start)
    return True


async def _has_answered(session: Session, work: Work, more: bool) -> bool:
    """Whether the statement's answer is out; if not, it is MySQL's after all."""
    session.answer.more = more
    try:
        await work.run()
    except Declined:
        return False
    return True


def _statement(session: Session, own: bytes) -> Text | None:
    try:
        found = tokens(own, backslash_escapes=session.backslash_escapes)
    except MySQLError:  # a versioned comment: MySQL decides what it says
        return None
    return Text(own, found)


def _is_rapids(session: Session, statement: Text) -> bool:
    """Whether the engine might answer what MySQL can answer too."""
    return may_read(session, statement) and not names_shell(session, statement)


def _mysqls(left: Sequence[Segment], text: bytes, wants: Wants) -> int:
    """How many of the statements left go to MySQL together; the first one does."""
    if not left[0].tokens:  # MySQL has an error for it, which ends all
        return len(left)
    count = 1
    while count < len(left):
        before, part = left[count - 1], left[count]
        if before.tokens[0].is_word(b"SET"):  # it may change how text is read
            break
        if not part.tokens:
            return len(left)
        if wants(text[part.start : part.end]):
            break
        count += 1
    return count
