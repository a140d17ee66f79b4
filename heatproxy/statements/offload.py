"""From a SELECT to what the engine is to run: asked, translated, checked, not yet run.

The client's session says what it is set to, MySQL what the statement costs, means and
is called; whatever speaks against the engine leaves the statement to MySQL. Only a
Lakehouse table MySQL cannot read: there it is an error by its name.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar, cast

from heatproxy import logs
from heatproxy.aftermath import Condition, conditions_of
from heatproxy.datatypes import quote_name
from heatproxy.errors import MySQLError, not_supported
from heatproxy.rapid.decision import (
    Cause,
    Refusal,
    Settings,
    of_cost,
    of_session,
)
from heatproxy.rapid.freshness import End
from heatproxy.rapid.history import Execution
from heatproxy.rapid.translator import NO_CONSTANTS, Translation, Untranslated
from heatproxy.session import Declined, Session
from heatproxy.sql import hints
from heatproxy.sql.emitter.values import Exactness, Policy, Unanswered
from heatproxy.sql.placeholders import filled, placeholders
from heatproxy.statements import Text, ansi
from heatproxy.statements.agreement import disagreement
from heatproxy.statements.bound import is_retyped
from heatproxy.statements.inquiry import Inquiry, has_created_tables
from heatproxy.statements.sources import follow_current, reads_shell
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import Status

T = TypeVar("T")

# Parsing holds the GIL: more at once would only make everybody else wait.
_TRANSLATING = ThreadPoolExecutor(2, "heatproxy-translate")
TRIES = 5  # while tables change under the statement
SETTLES_S = 0.02
SCAN_COST = 0.1  # of a row, where MySQL does not say; its own default
_NO_VIEW = 1345  # ER_VIEW_NO_EXPLAIN: may read, may not have it explained


class Unproven(MySQLError):
    """1235: why the engine does not answer a query of Lakehouse tables.

    MySQL may, over copies of them.
    """

    def __init__(self, refusal: Refusal) -> None:
        error = not_supported(f"{refusal.words}, in a query of Lakehouse tables")
        super().__init__(error.number, error.sqlstate, error.message)
        self.refusal = refusal


@dataclass(slots=True)
class Trial:
    """One statement that the engine may answer, and what is known of it by now.

    Times are in seconds. ``must``: MySQL cannot, for there is a Lakehouse table in it.
    """

    session: Session
    statement: Text
    text: str  # without hints, with stand-ins for its parameters
    hints: hints.Hints
    must: bool
    settings: Settings = field(default_factory=lambda: Settings({}, None))
    translation: Translation | None = None
    columns: Sequence[ColumnDefinition] = ()
    conditions: Sequence[Condition] = ()
    began: float = field(default_factory=time.perf_counter)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    translated_s: float = 0.0
    waited_s: float = 0.0
    ran_s: float = 0.0
    rows: int = 0
    read: tuple[str, ...] = ()  # the tables it reads, schema.table
    reads_loaded: bool = False  # one of them is RAPID's
    # what the engine must have to be fresh, as it was when the statement came
    end: "asyncio.Future[End | None] | None" = None
    inquiry: Inquiry = field(init=False)

    def __post_init__(self) -> None:
        self.inquiry = Inquiry(self.session, self.statement, self.hints)

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open, or would be with autocommit off."""
        both = Status.AUTOCOMMIT | Status.IN_TRANS
        return self.session.backend.status & both != Status.AUTOCOMMIT

    def note(self, refusal: Refusal | None = None) -> None:
        """Say that it has ended."""
        translation = self.translation
        loaded = () if translation is None else translation.loaded
        self.session.note(
            Execution(
                query_id=self.session.house.rapid.history.new_id(),
                connection_id=logs.connection.get() or 0,
                text=self.statement.own.decode("utf-8", "replace"),
                started=self.started,
                translate_ms=1000 * self.translated_s,
                wait_ms=1000 * self.waited_s,
                run_ms=1000 * self.ran_s,
                rows=self.rows,
                scanned_bytes=sum(table.bytes for table in loaded),
                tables=self.read,
                engine_sql=None if translation is None else translation.translated.sql,
                refusal=None if refusal is None else refusal.words,
                cause="" if refusal is None else refusal.cause.value,
            )
        )

    def declined(self, refusal: Refusal) -> Exception:
        """What to raise: the statement is MySQL's to answer, if it can."""
        if self.must:
            return Unproven(refusal)
        self.session.notes.explained = refusal
        self.note(refusal)
        if self.settings.engine == "FORCED" and self.reads_loaded:
            return refusal.error()
        return Declined(refusal.words, lasting=refusal.is_lasting)


def may_read(session: Session, statement: Text) -> bool:
    """Whether a table that the engine holds, or a view of one, may be in a statement.

    Says so without a look at more than the names in it.
    """
    house = session.house
    names = statement.names
    if names & house.names_over_shells():
        return True
    if not names & (house.rapid.tables.names | house.views_over_loaded()):
        return False
    both = Status.AUTOCOMMIT | Status.IN_TRANS
    is_open = session.backend.status & both != Status.AUTOCOMMIT
    return not is_open or house.config.rapid.offload_in_transactions


def names_shell(session: Session, statement: Text) -> bool:
    """Whether a Lakehouse table, or a view of one, may be in a statement."""
    return bool(statement.names & session.house.names_over_shells())


async def trial(session: Session, statement: Text, *, to_store: bool) -> Trial:
    """The statement, translated and checked; ``to_store``: its rows go into a table.

    Raises:
        Declined: it is MySQL's.
        MySQLError: MySQL's own; 3877, a Lakehouse table that is not loaded; 1235,
            what has no rule, of a Lakehouse table; 3877 or 3889 under FORCED.
    """
    made = await asked(session, statement)
    if to_store:
        made.settings = made.settings.of_rows_to_store()
    await weighed(made)
    await checked(made)
    return made


async def checked(made: Trial) -> None:
    """Have the statement in the engine's words, and MySQL's columns for it.

    Raises:
        Declined: it is MySQL's; and as ``trial``.
    """
    await _translated(made)
    await _described(made)


async def asked(session: Session, statement: Text) -> Trial:
    """The statement and what the session says to it.

    Raises:
        Declined: MySQL is to answer it.
    """
    escapes = session.backslash_escapes
    has_names = ansi.has_names(statement)
    plain = ansi.rewritten(session, statement) if has_names else statement
    text = _plain(plain, escapes)
    said = hints.read(statement.own, backslash_escapes=escapes)
    made = Trial(session, statement, text, said, must=False)
    rapid = session.house.rapid
    if rapid.freshness is not None and rapid.tables.names:
        made.end = rapid.freshness.asked()
    await made.inquiry.ask(text)
    made.settings = made.inquiry.settings
    if has_names:
        made.settings = ansi.translatable(made.settings)
    made.must = await _reads_shell(made)
    if limit := made.settings["max_execution_time"]:
        session.watch.limit(int(limit))
    if made.must:
        if oddity := made.settings.oddity():
            raise made.declined(Refusal(Cause.SESSION, oddity))
        return made
    if statement.binding is not None and not statement.binding.is_first:
        words = "a parameter of another type than before"
        raise made.declined(Refusal(Cause.RULE, words))
    in_transactions = session.house.config.rapid.offload_in_transactions
    refusal = of_session(
        made.settings, is_open=made.is_open, may_be_open=in_transactions
    )
    if refusal is not None:
        raise made.declined(refusal)
    return made


async def weighed(made: Trial) -> None:
    """Leave it to MySQL where that is cheap.

    Raises:
        Declined: its cost is not over the threshold, or MySQL has an error for it.
    """
    settings = made.settings
    if made.must or settings.engine == "FORCED" or settings.threshold == 0:
        return
    try:
        cost = await made.inquiry.cost()
    except MySQLError as problem:
        if problem.number != _NO_VIEW:
            raise Declined(problem.message) from None
        tables = made.session.house.rapid.tables.all()
        cost = SCAN_COST * sum(t.rows for t in tables if t.name in made.text)
    if refusal := of_cost(settings, cost):
        raise made.declined(refusal)


async def _reads_shell(made: Trial) -> bool:
    """Whether a Lakehouse table may be read: MySQL cannot then.

    The backend is asked whether those that are named still are: one that was dropped
    there behind our back, and another made in its place, is MySQL's.
    """
    session, statement = made.session, made.statement
    await follow_current(session, statement)
    if not names_shell(session, statement):
        return False
    work = partial(reads_shell, session.house, statement, made.settings.schema)
    return await _in_thread(made, work)


async def _in_thread(made: Trial, work: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    return await made.session.watch.step(loop.run_in_executor(_TRANSLATING, work))


async def _translated(made: Trial) -> None:
    """Have it in the engine's words.

    Raises:
        Declined: it has none.
    """
    session, text, settings = made.session, made.text, made.settings
    config = session.house.config.rapid
    policy = Policy(
        cast(Exactness, config.exactness),
        frozenset(map(str.upper, config.switched_off)),
    )
    translator = session.house.translator
    constants = NO_CONSTANTS
    tries = TRIES
    while made.translation is None:
        try:
            how = text, settings, policy, constants
            made.translation = translator.recalled(*how) or await _in_thread(
                made, partial(translator.translate, *how)
            )
        except Unanswered as unanswered:
            constants = {
                **constants,
                **await made.inquiry.constants(unanswered.texts),
            }
        except Untranslated as why:
            made.read = tuple(f"{t.schema}.{t.name}" for t in why.loaded)
            made.reads_loaded = bool(why.loaded)
            made.must = made.must or bool(why.shells)
            tries -= 1
            if why.unsettled and tries:
                await session.watch.step(asyncio.sleep(SETTLES_S))
                continue
            if made.must or settings.engine == "FORCED":
                await _require_right(made)
            raise made.declined(why.refusal) from None
    made.read = made.translation.names
    made.reads_loaded = bool(made.translation.loaded)
    made.must = made.must or bool(made.translation.shells)
    made.translated_s = time.perf_counter() - made.began


async def _described(made: Trial) -> None:
    """Have MySQL's own columns for it, and check that they are meant.

    Raises:
        Declined: MySQL has an error or a warning for it, or means something else.
    """
    backend, translation = made.session.backend, made.translation
    assert translation is not None
    columns = await _require_right(made)
    if backend.warnings:
        if translation.shells:
            made.conditions = await conditions_of(backend)
        if not made.must or (made.conditions and translation.loaded):
            words = "MySQL warns of the statement"
            raise made.declined(Refusal(Cause.WARNING, words))
    difference = disagreement(translation.translated.output, columns)
    if difference is not None:
        raise made.declined(Refusal(Cause.RULE, difference))
    if not made.must and is_retyped(made.statement, columns):
        words = "a parameter of another type than its value"
        raise made.declined(Refusal(Cause.RULE, words))
    await _require_no_temporary(made)
    made.columns = made.statement.described(columns)


async def _require_right(made: Trial) -> list[ColumnDefinition]:
    """The columns of a statement that MySQL has no error for.

    Raises:
        Declined: it has one, and says so itself.
        MySQLError: it has one, and cannot answer it.
    """
    try:
        return await made.inquiry.columns()
    except MySQLError as problem:
        if made.must:
            raise
        raise Declined(problem.message) from None


async def _require_no_temporary(made: Trial) -> None:
    """Leave to MySQL what a temporary table of the session may hide.

    Raises:
        Declined: there is one by the name of a table that is read.
    """
    assert made.translation is not None
    if not await made.inquiry.has_created():
        return
    loaded, shells = made.translation.loaded, made.translation.shells
    named = [(one.schema, one.name) for one in loaded]
    for schema, name in [*named, *((one.schema, one.table) for one in shells)]:
        if await hidden_by_temporary(made.session, schema, name):
            words = f"{schema}.{name} may be a temporary table"
            raise made.declined(Refusal(Cause.SESSION, words))


async def hidden_by_temporary(session: Session, schema: str, table: str) -> bool:
    """Whether a temporary table of the session may stand in front of a table."""
    if not await has_created_tables(session):
        return False
    name = f"{quote_name(schema)}.{quote_name(table)}"
    try:
        shown = (await session.backend.query(f"SHOW CREATE TABLE {name}")).texts()
    except MySQLError:
        shown = []
    if shown and len(shown[0]) > 2:  # of a view
        return False
    return not shown or not (shown[0][1] or "").startswith("CREATE TABLE")


def _plain(statement: Text, escapes: bool) -> str:
    """The statement without optimizer hints.

    One that is only being prepared has stand-ins for its parameters.
    """
    text = statement.own
    marks = placeholders(statement.tokens)
    if marks:
        begin = statement.tokens[0].start
        marks = [replace(mark, start=mark.start - begin) for mark in marks]
        text, _ = filled(text, marks, [b"1"] * len(marks))
    text = hints.without(text, backslash_escapes=escapes)
    first = statement.tokens[0]
    if first.is_word(b"TABLE"):
        text = b"SELECT * FROM " + text[len(first.text) :]
    return text.decode("utf-8", "surrogateescape")
