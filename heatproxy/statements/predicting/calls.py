"""What a call in a statement is of: its function, its arguments, whether they vary."""

from collections.abc import Sequence

from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import RowFunction
from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Kind, Token, tokens

FUNCTIONS = frozenset(
    name for name, routine in ROUTINES.items() if isinstance(routine, RowFunction)
)
_CONSTANT = (
    *(b"NULL", b"TRUE", b"FALSE", b"JSON_OBJECT", b"JSON_ARRAY"),
    *(b"CAST", b"AS", b"JSON", b"CHAR", b"CONCAT"),
)
# Functions whose second evaluation is not like the first, or is felt elsewhere.
_ONCE = (
    *(b"RAND", b"UUID", b"UUID_SHORT", b"RANDOM_BYTES", b"SYSDATE", b"SLEEP"),
    *(b"GET_LOCK", b"RELEASE_LOCK", b"RELEASE_ALL_LOCKS", b"BENCHMARK"),
    *(b"LAST_INSERT_ID", b"NAME_CONST", b"SOURCE_POS_WAIT"),
)


def function_of(call: RoutineCall) -> RowFunction:
    """The declared function that a call is of."""
    function = ROUTINES[call.name]
    assert isinstance(function, RowFunction)
    return function


def arity_of(call: RoutineCall) -> int:
    """How many arguments MySQL takes for it, those of its stub."""
    return len(function_of(call).parameters)


def as_text(call: RoutineCall) -> list[bytes]:
    """The arguments as expressions whose text is their value; JSON checked by MySQL."""
    parameters = function_of(call).parameters
    return [
        _as_json(text) if parameter.type == "JSON" else text
        for parameter, text in zip(parameters, call.arguments, strict=True)
    ]


def is_constant(argument: bytes, *, escapes: bool) -> bool:
    """Whether an argument has no name in it: it is the same for every row."""
    return all(
        token.kind is not Kind.NAME
        and (token.kind is not Kind.WORD or token.is_word(*_CONSTANT))
        for token in tokens(argument, backslash_escapes=escapes)
    )


def is_evaluated_once(part: Sequence[Token]) -> bool:
    """Whether something in a text must not be evaluated a second time."""
    for index, token in enumerate(part[:-1]):
        if token.is_symbol(b":="):
            return True
        if token.is_word(*_ONCE) and part[index + 1].is_symbol(b"("):
            return True
    return False


def value_of(call: RoutineCall, *, escapes: bool) -> tuple[bytes, list[int]]:
    """The varying arguments as one text of JSON, and which those are.

    Two rows have the same text where the function is called with the same arguments.
    """
    varying = [
        place
        for place, argument in enumerate(call.arguments)
        if not is_constant(argument, escapes=escapes)
    ]
    texts = as_text(call)
    members = [
        texts[place]
        if function_of(call).parameters[place].type == "JSON"
        else b"CAST((" + texts[place] + b"\n) AS CHAR CHARACTER SET utf8mb4)"
        for place in varying
    ]
    listed = b", ".join(members)
    value = b"CAST(JSON_ARRAY(" + listed + b") AS CHAR CHARACTER SET utf8mb4)"
    return value, varying


def _as_json(text: bytes) -> bytes:
    return b"CAST((" + text + b"\n) AS JSON)"
