"""Predictions for the rows of a SELECT, made at once.

MySQL is asked for the arguments of all rows in place of the calls. Expressions around
a call are given back to MySQL, with the answers as rows of a JSON_TABLE. A shape that
this would answer differently from a function called row by row is refused by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from pymysql.constants import FIELD_TYPE

from heatproxy.answer import in_charset
from heatproxy.backend.connection import Result
from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, not_supported
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import RowFunction
from heatproxy.session import Cancel, Session
from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Kind, Token, find_word, split_at_commas, text_of
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import layout, read_lenenc

BAD_FIELD = 1054
ROWS_AT_ONCE = 1000  # of wrapped values given back to MySQL in one statement
_END_OF_ITEMS = (
    *(b"FROM", b"INTO", b"WHERE", b"GROUP", b"HAVING", b"WINDOW", b"ORDER", b"LIMIT"),
    *(b"UNION", b"EXCEPT", b"INTERSECT", b"FOR", b"LOCK"),
)
_MODIFIERS = (
    *(b"ALL", b"HIGH_PRIORITY", b"STRAIGHT_JOIN", b"SQL_SMALL_RESULT"),
    *(b"SQL_BIG_RESULT", b"SQL_BUFFER_RESULT", b"SQL_NO_CACHE"),
)
_COUNTING = (b"DISTINCT", b"DISTINCTROW", b"SQL_CALC_FOUND_ROWS")
_AGGREGATES = (
    *(b"COUNT", b"SUM", b"AVG", b"MIN", b"MAX", b"GROUP_CONCAT", b"ANY_VALUE"),
    *(b"JSON_ARRAYAGG", b"JSON_OBJECTAGG", b"BIT_AND", b"BIT_OR", b"BIT_XOR"),
    *(b"STD", b"STDDEV", b"STDDEV_POP", b"STDDEV_SAMP"),
    *(b"VARIANCE", b"VAR_POP", b"VAR_SAMP"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a select list: its tokens, its calls, how many columns it gives."""

    tokens: Sequence[Token]
    calls: tuple[RoutineCall, ...]
    columns: int = 1

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def outside(self) -> list[Token]:
        """Its tokens outside of its calls."""
        return [
            token
            for token in self.tokens
            if not any(call.start <= token.start < call.end for call in self.calls)
        ]

    @property
    def alias(self) -> str | None:
        """The name at its end, if one may be there."""
        last = self.tokens[-1]
        if last.kind is Kind.STRING:
            return last.text[1:-1].decode("utf-8", "replace")
        return last.name


def function_of(call: RoutineCall) -> RowFunction:
    """The declared function that a call is of."""
    function = ROUTINES[call.name]
    assert isinstance(function, RowFunction)
    return function


def all_arguments(call: RoutineCall) -> list[bytes]:
    """Those given, and NULL for each that older scripts leave out."""
    missing = len(function_of(call).parameters) - len(call.arguments)
    return [*call.arguments, *[b"NULL"] * missing]


def as_text(call: RoutineCall) -> list[bytes]:
    """The arguments as expressions whose text is their value; JSON checked by MySQL."""
    parameters = function_of(call).parameters
    return [
        b"CAST((" + text + b"\n) AS JSON)" if parameter.type == "JSON" else text
        for parameter, text in zip(parameters, all_arguments(call), strict=True)
    ]


def replaced(
    text: bytes, calls: Sequence[RoutineCall], by: Sequence[bytes], offset: int = 0
) -> bytes:
    """The text with each call replaced; it begins at ``offset`` of the statement."""
    pieces = []
    position = 0
    for call, replacement in zip(calls, by, strict=True):
        pieces += [text[position : call.start - offset], replacement]
        position = call.end - offset
    return b"".join([*pieces, text[position:]])


async def row_by_row(
    session: Session,
    text: bytes,
    part: Sequence[Token],
    calls: Sequence[RoutineCall],
    definitions: Sequence[ColumnDefinition],
) -> list[list[bytes | None]]:
    """The rows of a SELECT of these columns whose list has these calls.

    Values are packed as the answer's rows have them.

    Raises:
        MySQLError: from MySQL, from the function; 1235, a shape with no rule.
    """
    items, rest = _select_items(part, calls, len(definitions))
    for item in items:
        if item.calls:
            _refuse_other_rows(item)
    _refuse_order(items, rest)
    collect = []
    for item in items:
        arguments = [a for call in item.calls for a in as_text(call)]
        collect += [
            b"HEX(CAST((" + a + b"\n) AS CHAR CHARACTER SET utf8mb4))"
            for a in arguments
        ] or [text_of(text, item.tokens)]
    asked = await session.backend.packed(
        b"SELECT " + b", ".join(collect) + b" " + text_of(text, rest),
        binary=session.answer.binary,
    )
    if not asked.rows:
        return []
    answered: list[Sequence[bytes | None]] = []
    kinds: list[int] = []
    position = 0
    for item in items:
        if not item.calls:
            end = position + item.columns
            places = range(position, end)
            answered += await session.off_loop(partial(_columns, asked.rows, places))
            kinds += [column.type for column in asked.columns[position:end]]
            position = end
            continue
        values = []
        for call in item.calls:
            end = position + len(function_of(call).parameters)
            places = range(position, end)
            rows = await session.off_loop(partial(_arguments, asked.rows, places))
            values.append(await function_of(call).run(session, rows))
            position = end
        around, kind = await _around(session, text, item, values)
        answered.append(around)
        kinds.append(kind)
    if session.answer.binary:
        require_layout(kinds, definitions)
    return await session.off_loop(partial(_rows, answered))


def require_layout(
    kinds: Sequence[int], definitions: Sequence[ColumnDefinition]
) -> None:
    """Raise where binary rows would be packed otherwise than their columns say."""
    for kind, definition in zip(kinds, definitions, strict=True):
        if layout(kind) != layout(definition.type):
            raise not_supported(
                f"the type of {definition.name} in a prepared statement"
            )


# These go over all rows, for which nobody else must wait.


def _columns(
    rows: Sequence[Sequence[bytes | None]], places: Sequence[int], cancel: Cancel
) -> list[list[bytes | None]]:
    """Those columns of the rows."""
    return [[row[place] for row in rows] for place in cancel.between(places)]


def _arguments(
    rows: Sequence[Sequence[bytes | None]], places: Sequence[int], cancel: Cancel
) -> list[tuple[str | None, ...]]:
    """The arguments of one call for each row."""
    return [
        tuple(_unhex(row[place]) for place in places) for row in cancel.between(rows)
    ]


def _rows(
    columns: Sequence[Sequence[bytes | None]], cancel: Cancel
) -> list[list[bytes | None]]:
    """The rows of these columns."""
    return [list(row) for row in cancel.between(zip(*columns, strict=True))]


def _unhex(value: bytes | None) -> str | None:
    """The text in a packed string of hexadecimal digits, in any character set."""
    if value is None:
        return None
    _, begin = read_lenenc(value, 0)
    return bytes.fromhex(value[begin:].replace(b"\0", b"").decode()).decode()


# --- the shape of the SELECT --------------------------------------------------------


def _select_items(
    part: Sequence[Token], calls: Sequence[RoutineCall], width: int
) -> tuple[list[Item], Sequence[Token]]:
    """The select list, and the statement's tokens behind it."""
    first = 1
    while first < len(part) and part[first].is_word(*_MODIFIERS, *_COUNTING):
        if part[first].is_word(*_COUNTING):
            word = part[first].text.upper().decode()
            raise not_supported(f"sys.{calls[0].name} in a SELECT {word}")
        first += 1
    if find_word(part, b"UNION", b"EXCEPT", b"INTERSECT") is not None:
        raise not_supported(f"sys.{calls[0].name} in a UNION of rows")
    end = find_word(part, *_END_OF_ITEMS, start=first)
    listed, rest = part[first:end], part[end:] if end is not None else ()
    if any(call.start > listed[-1].start for call in calls):
        raise not_supported(f"sys.{calls[0].name} over rows outside of the select list")
    items = []
    for words in split_at_commas(listed):
        start, stop = words[0].start, words[-1].end
        inside = tuple(call for call in calls if start <= call.start < stop)
        star = words[-1].is_symbol(b"*")
        items.append(Item(words, inside, columns=0 if star else 1))
    stars = [index for index, item in enumerate(items) if item.columns == 0]
    if len(stars) > 1:
        raise not_supported("several * beside a prediction")
    for index in stars:
        items[index] = replace(items[index], columns=width - len(items) + 1)
    return items, rest


def _refuse_other_rows(item: Item) -> None:
    """Raise for a call whose rows are not those of the SELECT itself."""
    name = f"sys.{item.calls[0].name}"
    words = item.outside
    if any(word.is_word(b"SELECT") for word in words):
        raise not_supported(f"{name} over rows in a subquery")
    for word, following in pairwise(words):
        if word.is_word(*_AGGREGATES) and following.is_symbol(b"("):
            raise not_supported(f"{name} over rows in an aggregate function")
    if any(word.is_word(b"OVER") for word in words):
        raise not_supported(f"{name} over rows in a window function")


def _refuse_order(items: Sequence[Item], rest: Sequence[Token]) -> None:
    """Raise for clauses that name a prediction, or a column by its place."""
    begin = find_word(rest, b"GROUP", b"HAVING", b"ORDER")
    if begin is None:
        return
    aliases = {(item.alias or "").lower() for item in items if item.calls}
    if any(token.name and token.name.lower() in aliases for token in rest[begin:]):
        raise not_supported("ordering or filtering by a prediction of the same SELECT")
    for word in (b"GROUP", b"ORDER"):
        start = find_word(rest, word)
        if start is None:
            continue
        end = find_word(rest, *_END_OF_ITEMS, start=start + 1)
        for member in split_at_commas(rest[start + 2 : end]):
            if member[0].kind is Kind.NUMBER:
                raise not_supported("ORDER BY or GROUP BY a place beside a prediction")


# --- the expressions around a call --------------------------------------------------


async def _around(
    session: Session,
    text: bytes,
    item: Item,
    values: Sequence[Sequence[str | None]],
) -> tuple[list[bytes | None], int]:
    """What the expression around the calls makes of their values; its type."""
    if len(item.calls) == 1 and _is_call_alone(item):
        charset = await session.backend.scalar("SELECT @@character_set_results")
        packed = await session.off_loop(partial(_all_packed, values[0], charset))
        return packed, FIELD_TYPE.JSON
    names = [f"heatproxy_rows.heatproxy_r{i}".encode() for i in range(len(item.calls))]
    whole = text_of(text, item.tokens)
    expression = replaced(whole, item.calls, names, item.start)
    answered: list[bytes | None] = []
    kind = FIELD_TYPE.NULL
    for start in range(0, len(values[0]), ROWS_AT_ONCE):
        part = [column[start : start + ROWS_AT_ONCE] for column in values]
        found = await _evaluate_over(session, expression, part)
        answered += [row[0] for row in found.rows]
        kind = found.columns[0].type
    return answered, kind


def _all_packed(
    values: Sequence[str | None], charset: str | None, cancel: Cancel
) -> list[bytes | None]:
    return in_charset(list(cancel.between(values)), charset)


def _is_call_alone(item: Item) -> bool:
    """Whether the item is a call, and a name for it perhaps."""
    rest = item.outside
    if rest and rest[0].is_word(b"AS"):
        rest = rest[1:]
    begins = item.calls[0].start == item.start
    return begins and (not rest or (len(rest) == 1 and item.alias is not None))


async def _evaluate_over(
    session: Session, expression: bytes, values: Sequence[Sequence[str | None]]
) -> Result:
    listed = [
        "[" + ", ".join("null" if v is None else v for v in row) + "]"
        for row in zip(*values, strict=True)
    ]
    document = quote_text("[" + ", ".join(listed) + "]").encode()
    paths = "".join(
        f", heatproxy_r{i} JSON PATH '$[{i}]'" for i in range(len(values))
    ).encode()
    try:
        return await session.backend.packed(
            b"SELECT " + expression + b" FROM JSON_TABLE(" + document + b", '$[*]'"
            b" COLUMNS (heatproxy_i FOR ORDINALITY" + paths + b")) AS heatproxy_rows"
            b" ORDER BY heatproxy_rows.heatproxy_i",
            binary=session.answer.binary,
        )
    except MySQLError as problem:
        if problem.number != BAD_FIELD:
            raise
        raise not_supported(
            "an expression that mixes a prediction with columns of the same row"
        ) from None
