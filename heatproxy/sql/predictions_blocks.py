"""The query blocks of a statement: where each one's clauses are, and what is around it.

They are found by the tokens alone. A block that is overlooked or cut wrongly gives
other rows to predict for, which is found out, and never another answer.

Source: MySQL Reference Manual, "SELECT Statement", "WITH (Common Table Expressions)".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from heatproxy.sql.lexer import Token, closing

Span = tuple[int, int]  # of tokens: the first, and the one behind the last

_CLAUSES = {
    b"FROM": 1,
    b"USING": 1,
    b"SET": 1,
    b"WHERE": 1,
    b"GROUP": 2,
    b"HAVING": 1,
    b"WINDOW": 1,
    b"ORDER": 2,
    b"LIMIT": 1,
    b"INTO": 1,
    b"FOR": 1,
    b"LOCK": 1,
}
_JOINING = (b"UNION", b"EXCEPT", b"INTERSECT")
_CHANGES = (b"UPDATE", b"DELETE")
_MODIFIERS = (b"LOW_PRIORITY", b"QUICK", b"IGNORE")
_NOT_OF_QUERIES = (b"ROLLUP", b"QUERY", b"CHECK", b"PARSER", b"VALIDATION")


@dataclass(eq=False, slots=True)
class Block:
    """One SELECT, UPDATE or DELETE, from its first word on.

    ``clauses`` are without the words that open them, ``LIST`` is what a SELECT selects.
    ``tables`` are the definitions of WITH that it may read, ``recursive``: some of them
    may read themselves.
    """

    span: Span
    outer: "Block | None"
    tables: tuple[Span, ...] = ()
    recursive: bool = False
    clauses: Mapping[bytes, Span] = field(default_factory=dict)

    def clause_at(self, index: int) -> bytes | None:
        """The clause that a token of it is in."""
        for name, (first, end) in self.clauses.items():
            if first <= index < end:
                return name
        return None

    @property
    def in_from(self) -> bool:
        """Whether it stands in the FROM clause of the block around it."""
        outer = self.outer
        return outer is not None and outer.clause_at(self.span[0]) == b"FROM"


def blocks(part: Sequence[Token]) -> list[Block]:
    """The blocks of a statement in the order of the text, outer before inner."""
    found: list[Block] = []
    _group(part, (0, len(part)), None, (), False, found)
    return sorted(found, key=lambda block: block.span[0])


def main_block(found: Sequence[Block]) -> Block | None:
    """The first that is in no other one and in no definition of WITH."""
    inside = [span for block in found for span in block.tables]
    for block in found:
        at = block.span[0]
        if block.outer is None and not any(f <= at < e for f, e in inside):
            return block
    return None


def innermost(found: Sequence[Block], index: int) -> Block | None:
    """The block that a token is in itself."""
    inside = [b for b in found if b.span[0] <= index < b.span[1]]
    return max(inside, key=lambda block: block.span[0], default=None)


def is_member(part: Sequence[Token], block: Block) -> bool:
    """Whether it is a member of a UNION, whose LIMIT is not its own."""
    before = block.span[0] - 1
    return before >= 0 and part[before].is_word(*_JOINING, b"ALL", b"DISTINCT")


def selects_all(part: Sequence[Token], block: Block) -> bool:
    """Whether its columns are ``*``."""
    first, end = block.clauses[b"LIST"]
    words = part[first:end]
    opening = (b"DISTINCT", b"DISTINCTROW", b"SELECT", b"ALL")
    return any(
        token.is_symbol(b"*")
        and (
            index == 0
            or words[index - 1].is_symbol(b",")
            or words[index - 1].is_word(*opening)
        )
        for index, token in enumerate(words)
    )


def end_of_condition(part: Sequence[Token], start: int, end: int) -> int:
    """Where the condition behind an ON ends."""
    depth = 0
    for index in range(start, end):
        token = part[index]
        depth += token.is_symbol(b"(") - token.is_symbol(b")")
        joins = token.is_word(
            *(b"JOIN", b"INNER", b"CROSS", b"LEFT", b"RIGHT", b"NATURAL"),
            *(b"STRAIGHT_JOIN", b"ON"),
        )
        is_function = index + 1 < end and part[index + 1].is_symbol(b"(")
        if depth < 0 or (depth == 0 and token.is_symbol(b",")):
            return index
        if (
            depth == 0
            and joins
            and not (is_function and token.is_word(b"LEFT", b"RIGHT"))
        ):
            return index
    return end


def _group(
    part: Sequence[Token],
    span: Span,
    outer: Block | None,
    tables: tuple[Span, ...],
    recursive: bool,
    found: list[Block],
) -> None:
    """Take what stands in a pair of parentheses, or the whole statement."""
    index, end = span
    while index < end:
        token = part[index]
        if token.is_symbol(b"("):
            close = min(closing(part, index) or end, end)
            _group(part, (index + 1, close), outer, tables, recursive, found)
            index = close + 1
        elif _opens_with(part, index, end):
            index, own, is_recursive = _with(
                part, (index + 1, end), outer, tables, recursive, found
            )
            tables, recursive = tables + own, recursive or is_recursive
        elif _opens_block(part, index, span):
            stop = _end_of_block(part, index, end)
            block = Block((index, stop), outer, tables, recursive)
            block.clauses = _clauses(part, block.span)
            found.append(block)
            for inner in _parentheses(part, (index + 1, stop)):
                _group(part, inner, block, tables, recursive, found)
            index = stop
        else:
            index += 1


def _opens_with(part: Sequence[Token], index: int, end: int) -> bool:
    is_with = part[index].is_word(b"WITH") and index + 1 < end
    return is_with and not part[index + 1].is_word(*_NOT_OF_QUERIES)


def _opens_block(part: Sequence[Token], index: int, span: Span) -> bool:
    token, before = part[index], part[index - 1] if index else None
    if before is not None and before.is_symbol(b"."):
        return False
    if token.is_word(b"SELECT"):
        return True
    is_whole = span == (0, len(part))
    behind_key = before is not None and before.is_word(b"KEY", b"ON", b"FOR")
    return is_whole and token.is_word(*_CHANGES) and not behind_key


def _with(
    part: Sequence[Token],
    span: Span,
    outer: Block | None,
    tables: tuple[Span, ...],
    recursive: bool,
    found: list[Block],
) -> tuple[int, tuple[Span, ...], bool]:
    """Take a list of definitions: what is behind it, they, whether it is RECURSIVE."""
    index, end = span
    is_recursive = part[index].is_word(b"RECURSIVE")
    index += is_recursive
    own: tuple[Span, ...] = ()
    while index < end:
        first, body = index, index + 1
        if body < end and part[body].is_symbol(b"("):
            body = (closing(part, body) or end) + 1
        body += 1  # AS
        if body >= end or not part[body].is_symbol(b"("):
            break
        close = min(closing(part, body) or end, end)
        seen = tables + own
        _group(
            part,
            (body + 1, close),
            outer,
            seen,
            recursive or is_recursive,
            found,
        )
        own = (*own, (first, close + 1))
        index = close + 1
        if index >= end or not part[index].is_symbol(b","):
            break
        index += 1
    return index, own, is_recursive


def _end_of_block(part: Sequence[Token], start: int, end: int) -> int:
    for index in _level(part, (start + 1, end)):
        token = part[index]
        if token.is_word(*_JOINING):
            return index
        follows = index + 1 < end and part[index + 1].is_word(b"DUPLICATE")
        if follows and token.is_word(b"ON"):
            return index
    return end


def _clauses(part: Sequence[Token], span: Span) -> dict[bytes, Span]:
    first, end = span
    opening = part[first]
    begins: list[tuple[bytes, int, int]] = []  # name, its word, what is behind it
    if opening.is_word(b"SELECT"):
        begins.append((b"LIST", first, first + 1))
    elif opening.is_word(b"UPDATE"):
        behind = first + 1
        while behind < end and part[behind].is_word(*_MODIFIERS):
            behind += 1
        begins.append((b"FROM", first, behind))
    seen = {name for name, _, _ in begins}
    for index in _level(part, (first + 1, end)):
        token = part[index]
        if index and part[index - 1].is_symbol(b"."):
            continue
        for name, words in _CLAUSES.items():
            if not token.is_word(name) or name in seen:
                continue
            if name == b"USING" and not opening.is_word(b"DELETE"):
                continue  # of a JOIN
            if name == b"SET" and not opening.is_word(b"UPDATE"):
                continue
            if name == b"FOR" and part[index - 1].is_word(b"INDEX", b"KEY"):
                continue
            seen.add(name)
            begins.append((name, index, index + words))
    found: dict[bytes, Span] = {}
    for place, (name, _, behind) in enumerate(begins):
        stop = begins[place + 1][1] if place + 1 < len(begins) else end
        found[name] = (min(behind, stop), stop)
    if b"USING" in found:
        found[b"FROM"] = found.pop(b"USING")
    return found


def _level(part: Sequence[Token], span: Span) -> Iterator[int]:
    """The tokens between the parentheses of a span."""
    index, end = span
    while index < end:
        if part[index].is_symbol(b"("):
            index = closing(part, index) or end
        else:
            yield index
        index += 1


def _parentheses(part: Sequence[Token], span: Span) -> Iterator[Span]:
    index, end = span
    while index < end:
        if part[index].is_symbol(b"("):
            close = min(closing(part, index) or end, end)
            yield index + 1, close
            index = close
        index += 1
