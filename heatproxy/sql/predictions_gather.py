"""The arguments of calls, asked of MySQL for all rows at once, and calls looked up.

``Rewriting`` goes through the calls of a statement in the order in which their rows
come to be. For each it says what SELECT gives the arguments of every row that MySQL
may ask about, and puts a look-up of the answer in the call's place. What the SELECT
has too much of is never looked up; what it lacks MySQL finds out: ``MISSING``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import Kind, Token
from heatproxy.sql.predictions import (
    AGGREGATES,
    Edit,
    answered,
    conjuncts,
    edited,
    key_of,
)
from heatproxy.sql.predictions_blocks import (
    Block,
    Span,
    blocks,
    innermost,
    is_member,
    main_block,
)
from heatproxy.sql.predictions_early import (
    OUTER,
    Early,
    derived,
    is_implicit,
    joins,
    may_guard,
    named,
    on,
)

KEY, ANSWER = b"heatproxy_k", b"heatproxy_r"
MISSING = 3141  # ER_INVALID_JSON_TEXT_IN_PARAM: what the statement then fails with
_NO_LIMIT = (b"GROUP", b"HAVING", b"WINDOW")
_DISTINCT = (b"DISTINCT", b"DISTINCTROW")


@dataclass(frozen=True, slots=True)
class Asked:
    """Calls of one text in one place of a block; ``index`` is of the first's token."""

    calls: tuple[RoutineCall, ...]
    block: Block
    clause: bytes
    index: int


@dataclass(slots=True)
class Rewriting:
    """A statement under way from its calls to look-ups of their answers."""

    text: bytes
    part: Sequence[Token]
    calls: Sequence[RoutineCall]
    _edits: list[Edit] = field(default_factory=list)
    _open: list[RoutineCall] = field(default_factory=list)  # with no look-up yet
    _joins: dict[Block, list[bytes]] = field(default_factory=dict)
    _blocks: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._blocks = blocks(self.part)
        self._open = list(self.calls)

    def asked(self) -> Iterator[Asked]:
        """The calls in the order in which they can be answered."""
        for block in self._blocks:
            if block.outer is None:
                yield from self._of_block(block)

    def repeated(self) -> list[Token]:
        """The tokens of what may be evaluated a second time to have the arguments."""
        outermost = [b.clauses.get(b"LIST") for b in self._blocks if b.outer is None]
        first, end = next((span for span in reversed(outermost) if span), (0, 0))
        listed = self.part[first:end]
        inside = [
            t for t in listed if any(c.start <= t.start < c.end for c in self.calls)
        ]
        return [*self.part[:first], *inside, *self.part[end:]]

    @property
    def left(self) -> bool:
        """Whether some calls are in no block."""
        return bool(self._open)

    def statement(self) -> bytes:
        """The statement with what stands for its calls by now."""
        return self._between(0, len(self.part))

    # --- what is asked ---------------------------------------------------------------

    def gathers(self, asked: Asked, value: bytes) -> list[bytes]:
        """SELECTs of this value for the rows of the calls, the best one first.

        One may fail for the names in it (1054); then the next is to be tried.
        """
        found = []
        if asked.clause == b"FROM":
            froms = [b" FROM " + table for table in self._tables(asked.block)]
            for tables in (*froms, self._from(asked.block)):
                found.append(self._select(asked.block, value, tables))
            found += self._of_outer(asked.block, value)
            return [self._headed(asked.block, select) for select in found]
        tables = self._from(asked.block)
        rest = tables + self._where(asked.block, loose=self._may_be_early(asked))
        if self._is_aggregated(asked.index, asked.calls[0]):
            rest += self._clause(asked.block, b"GROUP", b" GROUP BY ")
        limited = self._limited(asked, tables)
        if limited is not None:
            found.append(b"SELECT " + value + b" AS heatproxy_a" + limited)
        found.append(select := self._select(asked.block, value, rest))
        # more rows than are needed: what correlates the block is left out
        is_inner = asked.block.outer is not None and tables
        loose = [self._select(asked.block, value, tables)] if is_inner else []
        if asked.clause == b"WHERE":  # it may be looked at behind the call
            found += loose
        if asked.block.in_from:  # what follows has open calls
            found += [*loose, *self._of_outer(asked.block, value)]
        outer, number = asked.block.outer, 0
        while outer is not None:
            name = b"heatproxy_o%d" % number
            around = self._from(outer)
            around = around + b", " if around else b" FROM "
            rows = around + b"LATERAL (" + select + b") AS " + name + self._where(outer)
            select = b"SELECT DISTINCT " + name + b".*" + rows
            found.append(select)
            outer, number = outer.outer, number + 1
        found += loose
        return [self._headed(asked.block, select) for select in found]

    def _of_outer(self, block: Block, value: bytes) -> Iterator[bytes]:
        """SELECTs for rows of the blocks around it alone."""
        while (outer := block.outer) is not None:
            for table in self._tables(outer):
                yield self._select(outer, value, b" FROM " + table)
            if not block.in_from:
                yield self._select(outer, value, self._from(outer) + self._where(outer))
            block = outer

    def _select(self, block: Block, value: bytes, rest: bytes) -> bytes:
        return b"SELECT DISTINCT " + value + b" AS heatproxy_a" + rest

    def _headed(self, block: Block, select: bytes) -> bytes:
        if not block.tables:
            return select
        listed = b", ".join(self._between(*span) for span in block.tables)
        word = b"WITH RECURSIVE " if block.recursive else b"WITH "
        return word + listed + b" " + select

    def _from(self, block: Block) -> bytes:
        """Its tables, joined without the conditions that have open calls."""
        span = block.clauses.get(b"FROM")
        if span is None or self.part[span[0]].is_word(b"DUAL"):
            return b""
        edits = []
        for condition in on(self.part, span):
            edits += self._neutral(condition)
        return b" FROM (" + self._between(*span, edits) + b")"

    def _where(self, block: Block, *, loose: bool = False) -> bytes:
        span = block.clauses.get(b"WHERE")
        if span is None:
            return b""
        return b" WHERE " + self._between(*span, self._neutral(span, loose=loose))

    def _neutral(self, span: Span, *, loose: bool = False) -> list[Edit]:
        """TRUE for each condition that has a call whose answers are not known yet.

        ``loose``: and for each that ``_guarded`` has not.
        """
        edits = []
        for condition in conjuncts(self.part[span[0] : span[1]]):
            start, end = condition[0].start, condition[-1].end
            is_open = any(start <= call.start < end for call in self._open)
            if is_open or (loose and not may_guard(condition, self.calls)):
                edits.append((start, end, b"TRUE"))
        return edits

    # --- conditions that MySQL may come to behind a call -----------------------------

    def _may_be_early(self, asked: Asked) -> bool:
        """Whether MySQL may look at a call before other conditions of its block: in
        WHERE, and in what it takes out of a block into the one around."""
        if self._is_aggregated(asked.index, asked.calls[0]):
            return False
        inner = asked.block is not main_block(self._blocks)
        return asked.clause == b"WHERE" or (asked.clause == b"LIST" and inner)

    def _guarded(self, asked: Asked, expression: bytes) -> bytes:
        """The expression for rows alone that the other conditions let through."""
        if not self._may_be_early(asked):
            return expression
        spans = [asked.block.clauses.get(b"WHERE", (0, 0))]
        tables = asked.block.clauses.get(b"FROM", (0, 0))
        outer = (*OUTER, b"SELECT")
        if not any(token.is_word(*outer) for token in self.part[slice(*tables)]):
            spans += on(self.part, tables)
        listed = list(self._guards(spans))
        if not listed:
            return expression
        return b"IF(" + b" AND ".join(listed) + b", " + expression + b", NULL)"

    def _guards(self, spans: Iterable[Span]) -> Iterator[bytes]:
        for start, stop in spans:
            for condition in conjuncts(self.part[start:stop]):
                if may_guard(condition, self.calls):
                    text = self.text[condition[0].start : condition[-1].end]
                    yield b"(" + text + b"\n)"

    def early(self, asked: Asked) -> Early | None:
        """The rows that MySQL may come to before all is joined; None: no others."""
        block = asked.block
        span = block.clauses.get(b"FROM", (0, 0))
        words = self.part[slice(*span)]
        in_from = asked.clause == b"FROM"
        if not joins(words) or not (in_from or self._may_be_early(asked)):
            return None
        explicit = all(
            may_guard(condition, self.calls)
            for start, stop in on(self.part, span)
            for condition in conjuncts(self.part[start:stop])
        )
        if explicit and not is_implicit(words):
            return None
        where = () if in_from else (block.clauses.get(b"WHERE", (0, 0)),)
        inner = [self._between(*one) for one in derived(self.part, span)]
        return Early(
            self._headed(block, b""),
            (*self._tables(block), *inner),
            tuple(self._guards(where)),
            any(word.is_word(*OUTER) for word in words),
            any(word.is_word(b"LATERAL") for word in words),
        )

    def _clause(self, block: Block, name: bytes, words: bytes) -> bytes:
        span = block.clauses.get(name)
        return b"" if span is None else words + self._between(*span)

    def _limited(self, asked: Asked, tables: bytes) -> bytes | None:
        """The rows with the LIMIT of the block, where the calls are for those alone."""
        block = asked.block
        clauses = block.clauses
        if b"LIMIT" not in clauses or asked.clause not in (b"LIST", b"SET"):
            return None
        if any(name in clauses for name in _NO_LIMIT) or is_member(self.part, block):
            return None
        listed = clauses.get(b"LIST", (0, 0))
        order = clauses.get(b"ORDER", (0, 0))
        words = self.part[listed[0] : listed[1]]
        if any(t.is_word(*AGGREGATES, *_DISTINCT, b"OVER") for t in words):
            return None
        if any(self._has_open(span) for span in (order, clauses.get(b"WHERE", (0, 0)))):
            return None
        before = order[0]
        if order[1] and any(
            self.part[i].kind is Kind.NUMBER
            and (i == before or self.part[i - 1].is_symbol(b","))
            for i in range(*order)
        ):
            return None
        return (
            tables
            + self._where(block)
            + self._clause(block, b"ORDER", b" ORDER BY ")
            + self._clause(block, b"LIMIT", b" LIMIT ")
        )

    def _has_open(self, span: Span) -> bool:
        tokens = self.part[span[0] : span[1]]
        return bool(tokens) and any(
            tokens[0].start <= call.start < tokens[-1].end for call in self._open
        )

    def _is_aggregated(self, index: int, call: RoutineCall) -> bool:
        while index < len(self.part) and self.part[index].start < call.end:
            if self.part[index].is_word(*AGGREGATES, b"OVER"):
                return True
            index += 1
        return False

    def _tables(self, block: Block) -> list[bytes]:
        """The tables that it names, each with its alias."""
        return [self._between(*s) for s in named(self.part, self._blocks, block)]

    # --- what stands for a call ------------------------------------------------------

    def joins(self, asked: Asked) -> bool:
        """Whether the answers are to be a column of the block: one of its clauses
        must see that two calls are the same."""
        clauses, block = asked.block.clauses, asked.block
        if asked.clause == b"FROM" or b"FROM" not in clauses or b"LIST" not in clauses:
            return False
        if self._is_aggregated(asked.index, asked.calls[0]):
            return False
        words = self.part[clauses[b"LIST"][0] : clauses[b"LIST"][1]]
        is_distinct = bool(words) and words[0].is_word(*_DISTINCT)
        groups = self._has_call(block, b"GROUP")
        return groups or (is_distinct and self._has_call(block, b"ORDER"))

    def _has_call(self, block: Block, clause: bytes) -> bool:
        first, end = block.clauses.get(clause, (0, 0))
        words = self.part[first:end]
        return bool(words) and any(
            words[0].start <= call.start < words[-1].end for call in self.calls
        )

    def look_up(
        self, asked: Asked, call: RoutineCall, value: bytes, table: bytes
    ) -> None:
        """Have the answer in this table stand for one of the calls."""
        found = (
            b"(SELECT "
            + ANSWER
            + b" FROM "
            + table
            + b" WHERE "
            + KEY
            + b" = "
            + key_of(value)
            + b")"
        )
        self.settle(call, self._guarded(asked, answered(found, value)))

    def join(self, asked: Asked, value: bytes, table: bytes) -> None:
        """Have a column of this table, joined to the block's, stand for the calls."""
        added = self._joins.setdefault(asked.block, [])
        name = b"heatproxy_j%d" % sum(map(len, self._joins.values()))
        on = name + b"." + KEY + b" = " + key_of(value)
        added.append(b" LEFT JOIN " + table + b" AS " + name + b" ON " + on)
        for call in asked.calls:
            self.settle(call, answered(name + b"." + ANSWER, value))

    def settle(self, call: RoutineCall, expression: bytes) -> None:
        """Have an expression stand for a call."""
        self._open.remove(call)
        self._edits.append((call.start, call.end, expression))

    # --- the parts of the text -------------------------------------------------------

    def _of_block(self, block: Block) -> Iterator[Asked]:
        inner = [b for b in self._blocks if b.outer is block]
        phases: tuple[list[Block], ...] = ([], [], [])
        for one in inner:
            phases[_phase(block.clause_at(one.span[0]))].append(one)
        own: dict[tuple[int, bytes, bytes], list[tuple[int, RoutineCall]]] = {}
        for index, call in self._placed(block):
            clause = block.clause_at(index) or b"LIST"
            text = self.text[call.start : call.end]
            place = b"FROM" if clause == b"FROM" else b""
            key = (_phase(clause), place, text)
            own.setdefault(key, []).append((index, call))
        for phase, below in enumerate(phases):
            for one in below:
                yield from self._of_block(one)
            for (of, _, _), members in own.items():
                if of == phase:
                    index = members[0][0]
                    calls = tuple(call for _, call in members)
                    clause = block.clause_at(index) or b"LIST"
                    yield Asked(calls, block, clause, index)

    def _placed(self, block: Block) -> Iterator[tuple[int, RoutineCall]]:
        """The open calls of a block itself, each with the index of its first token."""
        starts = {call.start: call for call in self._open}
        for index in range(*block.span):
            call = starts.get(self.part[index].start)
            if call is not None and innermost(self._blocks, index) is block:
                yield index, call

    def _between(self, first: int, end: int, more: Sequence[Edit] = ()) -> bytes:
        """The text of these tokens with what stands for the calls in it."""
        if first >= end:
            return b""
        start, stop = self.part[first].start, self.part[end - 1].end
        return edited(self.text, start, stop, [*more, *self._edits, *self._joined()])

    def _joined(self) -> Iterator[Edit]:
        for block, added in self._joins.items():
            first, end = block.clauses[b"FROM"]
            start, stop = self.part[first].start, self.part[end - 1].end
            yield start, start, b"("
            yield stop, stop, b")" + b"".join(added)


def _phase(clause: bytes | None) -> int:
    return {b"FROM": 0, b"WHERE": 1}.get(clause or b"", 2)
