"""Where a statement reads tables, found by its tokens alone.

A statement of any kind, whether a parser of ours knows it or not, can so be given other
tables to read. What is overlooked keeps its name, and what is no table is never given
another: of a Lakehouse table MySQL refuses either (1814, 1054), so that a mistake here
is an error and never another answer.

Source: MySQL Reference Manual, "JOIN Clause", "WITH (Common Table Expressions)".
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from heatproxy.sql.lexer import Kind, Token, closing, find_word

_QUERIES = (b"SELECT", b"WITH", b"TABLE", b"VALUES")
_CHANGES = (b"UPDATE", b"DELETE")
# What ends a list of tables.
_ENDS = (
    *(b"WHERE", b"GROUP", b"HAVING", b"WINDOW", b"ORDER", b"LIMIT", b"QUALIFY"),
    *(b"UNION", b"EXCEPT", b"INTERSECT", b"FOR", b"LOCK", b"INTO", b"SET", b"VALUES"),
)
# What may stand behind a table that has no alias.
_BEHIND = (
    *(b"JOIN", b"INNER", b"CROSS", b"LEFT", b"RIGHT", b"NATURAL", b"STRAIGHT_JOIN"),
    *(b"ON", b"USING", b"USE", b"IGNORE", b"FORCE", b"PARTITION", b"TABLESAMPLE"),
    *_ENDS,
)
_HINTS = (b"USE", b"IGNORE", b"FORCE")
_OF_TABLES = (b"CREATE", b"TEMPORARY", b"EXTERNAL")
_OPTIONS = (b"SELECT", b"ALL", b"DISTINCT", b"DISTINCTROW", b"STRAIGHT_JOIN")


@dataclass(frozen=True, slots=True)
class Reference:
    """A table that is read: its name, and the tokens of that.

    ``bare``: it is TABLE's, and can have no alias.
    """

    schema: str | None
    name: str
    first: int
    last: int
    has_alias: bool
    bare: bool = False


@dataclass(slots=True)
class _Level:
    """What is being read inside a pair of parentheses."""

    queries: bool = False  # a FROM would be that of a query
    in_list: bool = False  # of tables
    expects: bool = False  # a table is to come
    bare: bool = False


def verb(part: Sequence[Token]) -> bytes:
    """What a statement does: its first word, or that behind its WITH or EXPLAIN."""
    at = 0
    words = (*_QUERIES[:1], *_QUERIES[2:], *_CHANGES, b"INSERT", b"REPLACE")
    if part[0].is_word(b"EXPLAIN", b"DESC", b"DESCRIBE", b"WITH"):
        at = find_word(part, *words, start=1) or 0
    return part[at].text.upper() if part[at].kind is Kind.WORD else b"SELECT"


def references(part: Sequence[Token]) -> list[Reference]:
    """The tables that a statement reads, in order; what it only writes is left out."""
    return _Reader(part).read()


def expressions(part: Sequence[Token]) -> set[str]:
    """The names, in lower case, that the statement's own WITH clauses give."""
    found: set[str] = set()
    if not any(token.is_word(b"WITH") for token in part):
        return found
    for index, token in enumerate(part[:-2]):
        behind = index + 1
        if token.name is not None and part[behind].is_symbol(b"("):
            behind = (closing(part, behind) or len(part)) + 1
        opens = behind + 1 < len(part) and part[behind + 1].is_symbol(b"(")
        if token.name is not None and opens and part[behind].is_word(b"AS"):
            found.add(token.name.lower())
    return found


def columns_read(
    part: Sequence[Token], columns: Iterable[str], *, besides: Collection[str] = ()
) -> list[str] | None:
    """Which of a table's columns a statement may read; None: all of them, by ``*``.

    ``besides`` are names in lower case that are read as well.
    """
    for index, token in enumerate(part):
        if token.is_symbol(b"*") and _is_all(part, index):
            return None
        before = part[index - 1] if index else None
        if token.is_word(b"NATURAL") or _is_table(token, before):
            return None
    names = {t.name.lower() for t in part if t.name is not None} | set(besides)
    return [column for column in columns if column.lower() in names]


def replaced(
    text: bytes,
    part: Sequence[Token],
    by: Iterable[tuple[Reference, bytes]],
    derived: Collection[tuple[str | None, str]] = (),
) -> bytes:
    """The statement of these tokens of ``text`` with other tables in place of some.

    Each bears the name that the statement's columns are qualified with. Those of
    ``derived``, schema and name, are queries then, which have no schema.
    """
    edits = [(*span, b"") for span in _schemas(part, derived)]
    for reference, table in by:
        first, last = part[reference.first], part[reference.last]
        if not (reference.has_alias or reference.bare):
            table += b" AS " + last.text
        edits.append((first.start, last.end, table))
    pieces, position = [], part[0].start
    for start, end, piece in sorted(edits):
        pieces += [text[position:start], piece]
        position = end
    return b"".join([*pieces, text[position : part[-1].end]])


def _schemas(
    part: Sequence[Token], tables: Collection[tuple[str | None, str]]
) -> Iterator[tuple[int, int]]:
    """Where the schema of ``schema.table.column`` stands, of these tables."""
    for index, token in enumerate(part[:-4]):
        dots = part[index + 1].is_symbol(b".") and part[index + 3].is_symbol(b".")
        if dots and (token.name, part[index + 2].name) in tables:
            yield token.start, part[index + 2].start


class _Reader:
    """One pass over a statement."""

    def __init__(self, part: Sequence[Token]) -> None:
        self._part = part
        self._levels = [_Level()]
        self._found: list[Reference] = []
        self._may_change = part[0].is_word(
            *_CHANGES, b"WITH", b"EXPLAIN", b"DESC", b"DESCRIBE"
        )

    def read(self) -> list[Reference]:
        index = 0
        while index < len(self._part):
            index = self._step(index)
        return self._found

    def _step(self, index: int) -> int:
        """Read a token, and more; the index behind them."""
        token, level = self._part[index], self._levels[-1]
        if token.is_symbol(b"("):
            is_list = level.expects and not self._is(index + 1, *_QUERIES)
            level.expects = False
            self._levels.append(_Level(in_list=is_list, expects=is_list))
        elif token.is_symbol(b")"):
            if len(self._levels) > 1:
                self._levels.pop()
        elif token.is_symbol(b","):
            level.expects = level.in_list
        elif index and self._part[index - 1].is_symbol(b"."):
            pass
        elif token.kind is Kind.WORD and (behind := self._keyword(index, level)):
            return behind
        elif level.expects and token.name is not None:
            return self._table(index, level)
        return index + 1

    def _keyword(self, index: int, level: _Level) -> int:
        """Take a word that opens or ends a list of tables; 0 if it is none."""
        token = self._part[index]
        before = self._part[index - 1] if index else None
        if token.is_word(b"SELECT"):
            level.queries, level.in_list, level.expects = True, False, False
        elif token.is_word(b"FROM"):
            if not level.queries:
                return index + 1  # EXTRACT(DAY FROM x)
            level.in_list = level.expects = True
        elif token.is_word(b"JOIN", b"STRAIGHT_JOIN"):
            level.expects = level.in_list
        elif _is_table(token, before):
            level.in_list, level.expects, level.bare = False, True, True
        elif self._may_change and self._changes(index, level):
            return self._change(index, level)
        elif token.is_word(*_HINTS) and self._is(index + 1, b"INDEX", b"KEY"):
            opening = index
            while not self._part[opening].is_symbol(b"("):
                opening += 1
                if opening == len(self._part):
                    return opening
            return (closing(self._part, opening) or len(self._part)) + 1
        elif token.is_word(*_ENDS):
            level.in_list = level.expects = False
        elif token.is_word(b"ON") and self._is(index + 1, b"DUPLICATE"):
            level.in_list = level.expects = False
        elif token.is_word(b"LATERAL"):
            pass
        elif level.expects and token.is_word(b"JSON_TABLE"):
            level.expects = False
        elif level.expects and token.is_word(b"OJ"):
            return index + 1 if before is not None and before.is_symbol(b"{") else 0
        else:
            return 0
        return index + 1

    def _changes(self, index: int, level: _Level) -> bool:
        """Whether the statement is an UPDATE or DELETE from this word on."""
        is_first = len(self._levels) == 1 and not level.queries
        return is_first and self._part[index].is_word(*_CHANGES)

    def _change(self, index: int, level: _Level) -> int:
        """Read up to the list of tables; the index where that begins."""
        self._may_change = False
        level.queries = True
        is_update = self._part[index].is_word(b"UPDATE")
        index += 1
        while self._is(index, b"LOW_PRIORITY", b"QUICK", b"IGNORE"):
            index += 1
        if is_update:
            level.in_list = level.expects = True
            return index
        if self._is(index, b"FROM"):
            # only with USING does what follows not name what rows go from
            stops = (b"USING", b"WHERE", b"ORDER", b"LIMIT")
            end = find_word(self._part, *stops, start=index)
            level.in_list = level.expects = end is not None and self._is(end, b"USING")
            return len(self._part) if end is None else end + level.in_list
        return find_word(self._part, b"FROM", start=index) or len(self._part)

    def _table(self, index: int, level: _Level) -> int:
        """Note a table; the index behind its name."""
        part, last = self._part, index
        schema, name = None, part[index].name or ""
        if index + 2 < len(part) and part[index + 1].is_symbol(b"."):
            second = part[index + 2].name
            if second is not None:
                schema, name, last = name, second, index + 2
        after = part[last + 1] if last + 1 < len(part) else None
        has_alias = after is not None and (
            after.kind in (Kind.NAME, Kind.STRING)
            or (after.kind is Kind.WORD and not after.is_word(*_BEHIND))
        )
        self._found.append(Reference(schema, name, index, last, has_alias, level.bare))
        level.expects = level.bare = False
        return last + 1

    def _is(self, index: int, *words: bytes) -> bool:
        return index < len(self._part) and self._part[index].is_word(*words)


def _is_table(token: Token, before: Token | None) -> bool:
    """Whether it is the TABLE that reads one."""
    if not token.is_word(b"TABLE"):
        return False
    return before is None or not (before.is_word(*_OF_TABLES) or before.is_symbol(b"."))


def _is_all(part: Sequence[Token], index: int) -> bool:
    """Whether ``*`` stands for columns, and does not multiply or count."""
    before = part[index - 1] if index else None
    if before is None or before.is_symbol(b".") or before.is_symbol(b","):
        return True
    if before.is_symbol(b"("):
        return not (index > 1 and part[index - 2].is_word(b"COUNT"))
    if before.kind is Kind.WORD:
        return before.is_word(*_OPTIONS) or before.text.upper().startswith(b"SQL_")
    return False
