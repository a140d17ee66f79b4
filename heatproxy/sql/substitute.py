"""Names that MySQL does not have, put into a statement as what it can compute.

A table becomes a common table expression at the head of the query that reads it, under
the very name that the statement gives it: aliases, joins, subqueries and columns stay
as they are written, only the schema in front goes. A system variable becomes an
expression. Every piece that is replaced bears a comment, which MySQL keeps in the names
that it makes of expressions: so a column can be shown as the client wrote it.

Source: MySQL Reference Manual, "WITH (Common Table Expressions)".
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from heatproxy.datatypes import quote_name
from heatproxy.sql.lexer import Kind, Token, closing

_BEGINS = (b"SELECT", b"WITH", b"TABLE", b"VALUES")
_SET_OPERATIONS = (b"UNION", b"EXCEPT", b"INTERSECT")
_HINT = re.compile(rb"/\*\+.*?\*/", re.DOTALL)
_SET_VAR = re.compile(rb"(?i)\bSET_VAR\s*\(\s*`?rapid_\w+`?\s*=[^)]*\)")
_VARIABLE = re.compile(r"@@(?:(?P<scope>[a-z_]+)\.)?(?P<name>[a-z_0-9.]+)\Z")


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a statement names a table: its tokens, the first with the schema's name."""

    schema: str  # in lower case, like ``table``
    table: str
    name: str  # as it is spelled
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class VariableMention:
    """Where a statement reads a system variable; ``scope`` is empty without one."""

    scope: str  # in lower case, like ``name``
    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Substituted:
    """A statement that MySQL can run, and each of its new pieces with what it was."""

    text: bytes
    pieces: tuple[tuple[str, str], ...] = ()

    def shown(self, name: str) -> str:
        """A column's name as it is in the client's text."""
        for piece, given in self.pieces:
            name = name.replace(piece, given)
        return name


Edit = tuple[int, int, bytes]  # from, to, and what stands there instead


def find_tables(
    part: Sequence[Token],
    tables: Mapping[str, Collection[str]],
    default_schema: str | None,
) -> list[Mention]:
    """Where a statement names one of ``tables``, by schema, all in lower case."""
    default = (default_schema or "").lower()
    known = {table for names in tables.values() for table in names}
    own = _own_expressions(part)
    found = []
    for index, token in enumerate(part):
        name = token.name
        if name is None or name.lower() not in known:
            continue
        schema = _name(part, index - 2) if _is_dot(part, index - 1) else None
        if schema is not None and not _is_dot(part, index - 3):
            if name.lower() in tables.get(schema.lower(), ()):
                mention = (schema.lower(), name.lower(), name, index - 2, index)
                found.append(Mention(*mention))
        elif _is_dot(part, index - 1) or name in own:
            continue
        elif name.lower() in tables.get(default, ()):
            found.append(Mention(default, name.lower(), name, index, index))
    return found


def find_variables(
    part: Sequence[Token], names: Collection[str]
) -> list[VariableMention]:
    """Where a statement has ``@@`` in front of one of ``names``, in lower case."""
    found = []
    for index, token in enumerate(part):
        if token.kind is not Kind.VARIABLE or not token.text.startswith(b"@@"):
            continue
        text, last = token.text.decode("utf-8", "replace").lower(), index
        following = part[index + 1] if index + 1 < len(part) else None
        if text.endswith(".") and following is not None and following.name is not None:
            text, last = text + following.name.lower(), index + 1
        match = _VARIABLE.match(text.replace("`", ""))
        if match is not None and match["name"] in names:
            found.append(
                VariableMention(match["scope"] or "", match["name"], index, last)
            )
    return found


def substituted(
    text: bytes,
    part: Sequence[Token],
    mentions: Sequence[Mention],
    bodies: Mapping[str, bytes],
    values: Iterable[tuple[VariableMention, bytes]] = (),
) -> Substituted | None:
    """The statement of these tokens of ``text`` with queries in place of tables.

    ``bodies`` has the query of each table mentioned, ``values`` an expression for each
    variable. None: a table stands where no query is, and is not to be read.
    """
    edits: list[Edit] = []
    pieces: list[tuple[str, str]] = []
    heads: dict[int, dict[str, bytes]] = {}  # by the token they stand in front of

    def replace(first: int, last: int, by: bytes) -> None:
        start, end = part[first].start, part[last].end
        piece = by + b"/*heatproxy %d*/" % len(pieces)
        pieces.append((piece.decode(), text[start:end].decode("utf-8", "replace")))
        edits.append((start, end, piece))

    for mention in mentions:
        begin = _query_of(part, mention.first)
        if begin is None:
            if mention.first != mention.last:
                return None
            continue  # not a table perhaps
        heads.setdefault(begin, {})[mention.name] = bodies[mention.table]
        if mention.first != mention.last:
            replace(mention.first, mention.last, part[mention.last].text)
    for variable, expression in values:
        inside = b"(" + expression + b"/*heatproxy %d*/)" % len(pieces)
        start, end = part[variable.first].start, part[variable.last].end
        pieces.append((inside.decode(), text[start:end].decode("utf-8", "replace")))
        edits.append((start, end, inside))
    for begin, queries in heads.items():
        edits.append(_head(part, begin, queries))
    start, end = part[0].start, part[-1].end
    return Substituted(_edited(text[:end], edits)[start:], tuple(pieces))


def blanked_hints(text: bytes, part: Sequence[Token]) -> bytes:
    """The text with blanks for the hints that set a variable of RAPID's.

    MySQL would warn of a name that it does not know. Every token stays in its place.
    """
    if b"/*+" not in text:
        return text
    spans = [(token.start, token.end) for token in part if token.kind is Kind.STRING]

    def blank(match: re.Match[bytes]) -> bytes:
        if any(start <= match.start() < end for start, end in spans):
            return match[0]
        left = _SET_VAR.sub(lambda one: b" " * len(one[0]), match[0])
        # MySQL warns of a comment for hints that has none, too
        return left if left[3:-2].strip() else b" " * len(left)

    return _HINT.sub(blank, text)


# --- tokens -------------------------------------------------------------------------


def _is_dot(part: Sequence[Token], index: int) -> bool:
    return index >= 0 and part[index].is_symbol(b".")


def _name(part: Sequence[Token], index: int) -> str | None:
    return part[index].name if index >= 0 else None


def _own_expressions(part: Sequence[Token]) -> set[str]:
    """The names that the statement's own WITH clauses give."""
    if not any(token.is_word(b"WITH") for token in part):
        return set()
    found = set()
    for index, token in enumerate(part[:-2]):
        behind = index + 1
        if token.name is not None and part[behind].is_symbol(b"("):
            behind = (closing(part, behind) or len(part)) + 1
        opens = behind + 1 < len(part) and part[behind + 1].is_symbol(b"(")
        if token.name is not None and opens and _words_at(part, behind, b"AS"):
            found.add(token.name)
    return found


def _words_at(part: Sequence[Token], index: int, *words: bytes) -> bool:
    return 0 <= index < len(part) and part[index].is_word(*words)


def _query_of(part: Sequence[Token], index: int) -> int | None:
    """The token that begins the outermost query around a token."""
    begin = _whole_query(part, index)
    if begin is not None:
        return begin
    for place, token in enumerate(part[:index]):
        if token.is_symbol(b"(") and _words_at(part, place + 1, *_BEGINS):
            end = closing(part, place)
            if end is None or end > index:
                return place + 1
    return None


def _whole_query(part: Sequence[Token], index: int) -> int | None:
    """Where the query begins that the statement is, or that it ends with."""
    first = 0
    if part[0].is_word(b"EXPLAIN", b"DESCRIBE", b"DESC"):
        stops = (*_BEGINS, b"INSERT", b"REPLACE", b"CREATE", b"UPDATE", b"DELETE")
        while first < len(part) and not (
            part[first].is_word(*stops) or part[first].is_symbol(b"(")
        ):
            first += 1
    if first == len(part):
        return None
    if part[first].is_word(*_BEGINS) or part[first].is_symbol(b"("):
        return first if first <= index else None
    if not part[first].is_word(b"INSERT", b"REPLACE", b"CREATE"):
        return None
    depth = 0
    for place in range(first + 1, index):
        token, before = part[place], part[place - 1]
        if depth == 0 and token.is_word(b"SELECT", b"WITH"):
            return place
        if (
            depth == 0
            and token.is_word(b"TABLE")
            and not before.is_word(b"CREATE", b"TEMPORARY")
        ):
            return place
        if depth == 0 and token.is_symbol(b"(") and _opens_query(part, place):
            return place
        depth += token.is_symbol(b"(") - token.is_symbol(b")")
    return None


def _opens_query(part: Sequence[Token], place: int) -> bool:
    """Whether the parenthesis is around a query and not around a value."""
    before = part[place - 1]
    if before.is_symbol(b"=") or before.is_symbol(b","):
        return False
    if before.is_word(b"VALUES", b"VALUE", b"ROW", *_SET_OPERATIONS):
        return False
    inner = place
    while inner < len(part) and part[inner].is_symbol(b"("):
        inner += 1
    return _words_at(part, inner, b"SELECT", b"WITH", b"TABLE")


def _head(part: Sequence[Token], begin: int, queries: Mapping[str, bytes]) -> Edit:
    """The WITH clause of a query, or what is put into the one that it has."""
    listed = b", ".join(
        quote_name(name).encode() + b" AS (" + query + b")"
        for name, query in queries.items()
    )
    if not part[begin].is_word(b"WITH"):
        place = part[begin].start
        return place, place, b"WITH " + listed + b" "
    if _words_at(part, begin + 1, b"RECURSIVE"):
        begin += 1
    place = part[begin].end
    return place, place, b" " + listed + b","


def _edited(text: bytes, edits: Iterable[Edit]) -> bytes:
    pieces = []
    position = 0
    for start, end, by in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [text[position:start], by]
        position = end
    return b"".join([*pieces, text[position:]])
