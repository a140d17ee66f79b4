"""Calls of functions that predict, spelled so that MySQL takes the statement.

MySQL has ``->`` and ``->>`` behind columns only, and older scripts leave arguments out.

Source: MySQL Reference Manual, "Functions That Search JSON Values".
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Kind, Token

Edit = tuple[int, int, bytes]  # what stands from here to there becomes this

AGGREGATES = (
    *(b"COUNT", b"SUM", b"AVG", b"MIN", b"MAX", b"GROUP_CONCAT", b"ANY_VALUE"),
    *(b"JSON_ARRAYAGG", b"JSON_OBJECTAGG", b"BIT_AND", b"BIT_OR", b"BIT_XOR"),
    *(b"STD", b"STDDEV", b"STDDEV_POP", b"STDDEV_SAMP", b"GROUPING"),
    *(b"VARIANCE", b"VAR_POP", b"VAR_SAMP", b"ST_COLLECT"),
)
_ARROWS = {
    b"->": b"JSON_EXTRACT(%s, %s)",
    b"->>": b"JSON_UNQUOTE(JSON_EXTRACT(%s, %s))",
}


@dataclass(frozen=True, slots=True)
class Spelled:
    """A statement's own text as MySQL takes it, and what was written otherwise."""

    text: bytes
    changes: tuple[tuple[bytes, bytes], ...]  # as it was given, as it is spelled

    def shown(self, name: str) -> str:
        """A column's name with the calls in it as they were given."""
        for given, spelled in self.changes:
            name = name.replace(spelled.decode(), given.decode(), 1)
        return name


def spelled(
    text: bytes,
    part: Sequence[Token],
    calls: Sequence[RoutineCall],
    arity: Callable[[RoutineCall], int],
) -> Spelled:
    """The statement with all arguments in each call, and functions for arrows."""
    edits, changes = [], []
    for call in calls:
        whole = text[call.start : call.end]
        missing = arity(call) - len(call.arguments)
        if missing > 0:
            whole = whole[:-1] + b", NULL" * missing + b")"
        end = call.end
        behind = [token for token in part if token.start >= end]
        while len(behind) > 1 and behind[1].kind is Kind.STRING:
            form = _ARROWS.get(behind[0].text)
            if form is None or behind[0].kind is not Kind.SYMBOL:
                break
            whole = form % (whole, behind[1].text)
            end = behind[1].end
            behind = behind[2:]
        given = text[call.start : end]
        if whole != given:
            edits.append((call.start, end, whole))
            changes.append((given, whole))
    return Spelled(edited(text, part[0].start, part[-1].end, edits), tuple(changes))


def replaced(
    text: bytes, calls: Sequence[RoutineCall], by: Sequence[bytes], offset: int = 0
) -> bytes:
    """The text with each call replaced; it begins at ``offset`` of the statement."""
    edits = [
        (call.start - offset, call.end - offset, piece)
        for call, piece in zip(calls, by, strict=True)
    ]
    return edited(text, 0, len(text), edits)


def edited(text: bytes, start: int, end: int, edits: Collection[Edit]) -> bytes:
    """The text between two places with the edits that lie there.

    Of one inside of another only the outer one is made.
    """
    pieces, position = [], start
    for first, last, piece in sorted(edits, key=lambda e: (e[0], e[1] > e[0], -e[1])):
        if first < position or last > end:
            continue
        pieces += [text[position:first], piece]
        position = last
    return b"".join([*pieces, text[position:end]])


def conjuncts(part: Sequence[Token]) -> list[Sequence[Token]]:
    """The conditions that AND joins at the level of the tokens; one if OR is there."""
    ends, depth, between = [], 0, 0
    for index, token in enumerate(part):
        if token.is_symbol(b"(") or token.is_word(b"CASE"):
            depth += 1
        elif token.is_symbol(b")") or token.is_word(b"END"):
            depth -= 1
        elif depth == 0 and token.is_word(b"BETWEEN"):
            between += 1
        elif depth == 0 and (token.is_word(b"AND") or token.is_symbol(b"&&")):
            if between:
                between -= 1
            else:
                ends.append(index)
        elif depth == 0 and (token.is_word(b"OR", b"XOR") or token.is_symbol(b"||")):
            return [part]
    found, start = [], 0
    for end in [*ends, len(part)]:
        if end > start:
            found.append(part[start:end])
        start = end + 1
    return found


def key_of(value: bytes) -> bytes:
    """What an answer is found by: the digest of the arguments' text."""
    return b"UNHEX(SHA2(" + value + b", 256))"


def answered(found: bytes, value: bytes) -> bytes:
    missing = b"CAST(CONCAT('no answer of heatproxy to ', " + value + b") AS JSON)"
    return b"IFNULL(" + found + b", " + missing + b")"
