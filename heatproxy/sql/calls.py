"""CALLs and function calls of our routines, found in a statement's text."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from heatproxy.sql.lexer import (
    Token,
    closing,
    qualified_name,
    split_at_commas,
    text_of,
)


@dataclass(frozen=True, slots=True)
class RoutineCall:
    """A call: the routine, the texts of its arguments, and where it stands."""

    schema: str | None
    name: str
    arguments: tuple[bytes, ...]
    start: int
    end: int
    starts: tuple[int, ...] = field(default=(), compare=False)  # of the arguments


def parse_call(text: bytes, part: Sequence[Token]) -> RoutineCall | None:
    """The CALL that a statement is, or None.

    ``CALL `sys.heatwave_load`(...)``, one quoted identifier, is what PyMySQL's
    ``callproc`` sends; it is taken as the name it means.
    """
    if not part or not part[0].is_word(b"CALL"):
        return None
    named = qualified_name(part, 1)
    if named is None:
        return None
    schema, name, index = named
    if schema is None and name.lower().startswith("sys."):
        schema, name = "sys", name[4:]
    if index == len(part):
        return RoutineCall(schema, name, (), part[0].start, part[-1].end)
    end = closing(part, index) if part[index].is_symbol(b"(") else None
    if end != len(part) - 1:
        return None
    inner = part[index + 1 : end]
    return RoutineCall(
        schema,
        name,
        _arguments(text, inner),
        part[0].start,
        part[-1].end,
        tuple(argument[0].start for argument in split_at_commas(inner) if argument),
    )


def find_calls(
    text: bytes, part: Sequence[Token], names: Collection[str]
) -> list[RoutineCall]:
    """The outermost calls ``sys.name(...)`` of these functions, in text order.

    ``names`` are in upper case. An unqualified name counts too: whether the session
    is in ``sys`` is for the caller to ask.
    """
    calls = []
    index = 0
    while index < len(part):
        call, index = _call_at(text, part, index, names)
        if call is not None:
            calls.append(call)
    return calls


def _call_at(
    text: bytes, part: Sequence[Token], index: int, names: Collection[str]
) -> tuple[RoutineCall | None, int]:
    """The call that begins at ``index``, if one does, and where to look next."""
    named = qualified_name(part, index)
    if named is None:
        return None, index + 1
    schema, name, opening = named
    is_call = opening < len(part) and part[opening].is_symbol(b"(")
    if name.upper() not in names or not is_call:
        return None, opening
    end = closing(part, opening)
    if end is None:
        return None, opening
    arguments = _arguments(text, part[opening + 1 : end])
    start = part[index].start
    return RoutineCall(schema, name.upper(), arguments, start, part[end].end), end + 1


def _arguments(text: bytes, inner: Sequence[Token]) -> tuple[bytes, ...]:
    return tuple(text_of(text, part) for part in split_at_commas(inner))
