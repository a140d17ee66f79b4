"""``sys.ML_PREDICT_ROW`` and its like inside a statement.

MySQL computes everything but the function itself. Where the arguments are constants,
the call is replaced by its value and MySQL runs the statement. Where they come from the
rows of a SELECT, MySQL is asked for the arguments of those rows, all predictions are
made at once, and expressions around a call are given back to MySQL to compute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, not_supported
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import RowFunction
from heatproxy.session import Session
from heatproxy.sql.calls import RoutineCall, find_calls
from heatproxy.sql.lexer import (
    Token,
    find_word,
    split_at_commas,
    text_of,
    tokens,
)
from heatproxy.statements import Text, Work
from heatproxy.wire.columns import ColumnDefinition

BAD_FIELD = 1054
NEEDS_A_ROW = (BAD_FIELD, 1109)  # unknown column, unknown table
ROWS_AT_ONCE = 1000  # of wrapped values given back to MySQL in one statement
FUNCTIONS = frozenset(
    name for name, routine in ROUTINES.items() if isinstance(routine, RowFunction)
)
_END_OF_ITEMS = (
    *(b"FROM", b"INTO", b"WHERE", b"GROUP", b"HAVING", b"WINDOW", b"ORDER", b"LIMIT"),
    *(b"UNION", b"EXCEPT", b"INTERSECT", b"FOR", b"LOCK"),
)
_SELECT_MODIFIERS = (b"ALL", b"HIGH_PRIORITY", b"SQL_NO_CACHE")


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a select list: its text, its calls, how many columns it gives."""

    text: bytes
    calls: tuple[RoutineCall, ...]
    start: int
    columns: int = 1


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a statement that calls one of FUNCTIONS in ``sys``."""
    found = find_calls(statement.text, statement.tokens, FUNCTIONS)
    unqualified_is_ours = False
    if any(call.schema is None for call in found):
        unqualified_is_ours = (await session.schema() or "").lower() == "sys"
    calls = [
        call
        for call in found
        if (call.schema.lower() == "sys" if call.schema else unqualified_is_ours)
    ]
    return partial(_answer, session, statement, calls) if calls else None


async def _answer(
    session: Session, statement: Text, calls: Sequence[RoutineCall]
) -> None:
    """Give the client the statement's answer.

    Raises:
        MySQLError: from MySQL, from the function, or 1235 where the calls stand.
    """
    text, part = statement.text, statement.tokens
    for call in calls:
        if len(call.arguments) not in _function(call).arities:
            raise _wrong_arity(call)
    columns: list[ColumnDefinition] = []
    if part[0].is_word(b"SELECT") and find_word(part, b"INTO") is None:
        columns = await _columns(session, text, calls)
    rows: Sequence[Sequence[bytes | None]]
    values = await _constants(session, calls)
    if values is not None:
        rewritten = _replaced(text, calls, [_json_literal(v) for v in values])
        if not columns:
            await session.relay(rewritten)
            return
        rows = (await session.backend.query(rewritten)).rows
    elif columns:
        rows = await _row_by_row(session, text, part, calls, len(columns))
    else:
        raise not_supported(
            f"sys.{calls[0].name} over rows in a statement other than a plain SELECT"
        )
    await session.answer.text_rows(columns, rows)


def _function(call: RoutineCall) -> RowFunction:
    function = ROUTINES[call.name]
    assert isinstance(function, RowFunction)
    return function


def _wrong_arity(call: RoutineCall) -> MySQLError:
    expected = len(_function(call).parameters)
    return MySQLError(
        1318,
        "42000",
        f"Incorrect number of arguments for FUNCTION sys.{call.name};"
        f" expected {expected}, got {len(call.arguments)}",
    )


def _all_arguments(call: RoutineCall) -> list[bytes]:
    missing = len(_function(call).parameters) - len(call.arguments)
    return [*call.arguments, *[b"NULL"] * missing]


async def _columns(
    session: Session, text: bytes, calls: Sequence[RoutineCall]
) -> list[ColumnDefinition]:
    """The columns of a SELECT, named by its own text.

    MySQL prepares it with the arguments that older scripts leave out.
    """
    given = [text[call.start : call.end] for call in calls]
    whole = []
    for call, short in zip(calls, given, strict=True):
        missing = len(_all_arguments(call)) - len(call.arguments)
        whole.append(short[:-1] + b", NULL" * missing + b")")
    columns = await session.backend.prepared_columns(_replaced(text, calls, whole))
    for short, long in zip(given, whole, strict=True):
        columns = [
            replace(c, name=c.name.replace(long.decode(), short.decode()))
            for c in columns
        ]
    return columns


def _replaced(
    text: bytes, calls: Sequence[RoutineCall], by: Sequence[bytes], offset: int = 0
) -> bytes:
    """The text with each call replaced; it begins at ``offset`` of the statement."""
    pieces = []
    position = 0
    for call, replacement in zip(calls, by, strict=True):
        pieces += [text[position : call.start - offset], replacement]
        position = call.end - offset
    return b"".join([*pieces, text[position:]])


def _json_literal(value: str | None) -> bytes:
    if value is None:
        return b"CAST(NULL AS JSON)"
    return b"CAST(" + quote_text(value).encode() + b" AS JSON)"


def _as_text(call: RoutineCall) -> list[bytes]:
    """The arguments as expressions whose text is their value; JSON checked by MySQL."""
    parameters = _function(call).parameters
    return [
        b"CAST((" + text + b"\n) AS JSON)" if parameter.type == "JSON" else text
        for parameter, text in zip(parameters, _all_arguments(call), strict=True)
    ]


async def _constants(
    session: Session, calls: Sequence[RoutineCall]
) -> list[str | None] | None:
    """The value of each call, or None when an argument needs the rows of a table."""
    values: list[str | None] = []
    for call in calls:
        try:
            arguments = await session.backend.evaluate(_as_text(call))
        except MySQLError as problem:
            if problem.number in NEEDS_A_ROW:
                return None
            raise
        values += await _function(call).run(session, [tuple(arguments)])
    return values


# --- over the rows of a SELECT ------------------------------------------------------


async def _row_by_row(
    session: Session,
    text: bytes,
    part: Sequence[Token],
    calls: Sequence[RoutineCall],
    width: int,
) -> list[list[bytes | None]]:
    items, rest = _select_items(text, part, calls, width)
    collect = []
    for item in items:
        arguments = [a for call in item.calls for a in _as_text(call)]
        collect += [
            b"HEX(CAST((" + a + b"\n) AS CHAR CHARACTER SET utf8mb4))"
            for a in arguments
        ] or [item.text]
    try:
        asked = await session.backend.query(
            b"SELECT " + b", ".join(collect) + b" " + rest
        )
    except MySQLError as problem:
        if problem.number == BAD_FIELD:  # ORDER BY or HAVING names the prediction
            raise not_supported(
                "ordering or filtering by a prediction of the same SELECT"
            ) from None
        raise
    columns: list[tuple[bytes | None, ...]]
    columns = list(zip(*asked.rows, strict=True)) if asked.rows else []
    answered: list[Sequence[bytes | None]] = []
    position = 0
    for item in items if columns else ():
        if not item.calls:
            answered += columns[position : position + item.columns]
            position += item.columns
            continue
        values = []
        for call in item.calls:
            end = position + len(_function(call).parameters)
            rows = [
                tuple(_unhex(value) for value in row)
                for row in zip(*columns[position:end], strict=True)
            ]
            values.append(await _function(call).run(session, rows))
            position = end
        answered.append(await _around(session, item, values))
    return [list(row) for row in zip(*answered, strict=True)]


def _unhex(value: bytes | None) -> str | None:
    return None if value is None else bytes.fromhex(value.decode()).decode()


def _select_items(
    text: bytes, part: Sequence[Token], calls: Sequence[RoutineCall], width: int
) -> tuple[list[Item], bytes]:
    """The select list, and the statement's text behind it."""
    first = 1
    while first < len(part) and part[first].is_word(*_SELECT_MODIFIERS):
        first += 1
    if find_word(part, b"UNION", b"EXCEPT", b"INTERSECT") is not None or (
        part[first].is_word(b"DISTINCT", b"DISTINCTROW")
    ):
        raise not_supported(f"sys.{calls[0].name} in a DISTINCT or UNION of rows")
    end = find_word(part, *_END_OF_ITEMS, start=first)
    listed, rest = part[first:end], part[end:] if end is not None else ()
    if any(call.start > listed[-1].start for call in calls):
        raise not_supported(f"sys.{calls[0].name} over rows outside of the select list")
    items = []
    for tokens_of_item in split_at_commas(listed):
        start, stop = tokens_of_item[0].start, tokens_of_item[-1].end
        inside = tuple(call for call in calls if start <= call.start < stop)
        star = tokens_of_item[-1].is_symbol(b"*")
        items.append(Item(text[start:stop], inside, start, columns=0 if star else 1))
    return _with_star_widths(items, width), text_of(text, rest)


def _with_star_widths(items: list[Item], width: int) -> list[Item]:
    stars = [index for index, item in enumerate(items) if item.columns == 0]
    if len(stars) > 1:
        raise not_supported("several * beside a prediction")
    for index in stars:
        item = items[index]
        width_here = width - len(items) + 1
        items[index] = Item(item.text, item.calls, item.start, width_here)
    return items


async def _around(
    session: Session, item: Item, values: Sequence[Sequence[str | None]]
) -> list[bytes | None]:
    """What the expression around the calls makes of their values, row by row."""
    whole = text_of(item.text, tokens(item.text))
    only = item.calls[0]
    bare = only.start == item.start and only.end - only.start == len(whole)
    if len(item.calls) == 1 and (bare or _is_alias_of(item, only)):
        return [None if v is None else v.encode() for v in values[0]]
    expression = _without_alias(
        _replaced(
            item.text,
            item.calls,
            [f"heatproxy_rows.r{i}".encode() for i in range(len(item.calls))],
            item.start,
        )
    )
    answered: list[bytes | None] = []
    for start in range(0, len(values[0]), ROWS_AT_ONCE):
        part = [column[start : start + ROWS_AT_ONCE] for column in values]
        answered += await _evaluate_over(session, expression, part)
    return answered


def _is_alias_of(item: Item, call: RoutineCall) -> bool:
    """Whether the item is the call and a name for it."""
    if call.start != item.start:
        return False
    rest = tokens(item.text[call.end - item.start :])
    if rest and rest[0].is_word(b"AS"):
        rest = rest[1:]
    return len(rest) == 1 and rest[0].name is not None


def _without_alias(expression: bytes) -> bytes:
    found = tokens(expression)
    as_word = find_word(found, b"AS")
    return expression if as_word is None else expression[: found[as_word].start]


async def _evaluate_over(
    session: Session, expression: bytes, values: Sequence[Sequence[str | None]]
) -> list[bytes | None]:
    rows = [
        "[" + ", ".join("null" if v is None else v for v in row) + "]"
        for row in zip(*values, strict=True)
    ]
    document = quote_text("[" + ", ".join(rows) + "]").encode()
    paths = ", ".join(f"r{i} JSON PATH '$[{i}]'" for i in range(len(values)))
    try:
        result = await session.backend.query(
            b"SELECT " + expression + b" FROM JSON_TABLE(" + document + b", '$[*]'"
            b" COLUMNS (i FOR ORDINALITY, " + paths.encode() + b")) AS heatproxy_rows"
            b" ORDER BY heatproxy_rows.i"
        )
    except MySQLError as problem:
        if problem.number != BAD_FIELD:
            raise
        raise not_supported(
            "an expression that mixes a prediction with columns of the same row"
        ) from None
    return [row[0] for row in result.rows]
