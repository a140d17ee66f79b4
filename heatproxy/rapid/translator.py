"""SELECTs as the engine's own, over the tables that it holds now, and a memory of them.

What is remembered is found by the exact text and by all that the session says of it;
it holds as long as every table it was made for is as it was then.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from heatproxy.backend.shells import Shell, Shells
from heatproxy.backend.weights import Weights
from heatproxy.engine import Engine
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.rapid.decision import Cause, Refusal, Settings, of_table
from heatproxy.rapid.keys import engine_column
from heatproxy.rapid.rapid import Rapid
from heatproxy.rapid.tables import LoadedTable
from heatproxy.rapid.translation import Translation, Untranslated
from heatproxy.rapid.views import Views
from heatproxy.sql.emitter.values import (
    Constant,
    EngineColumn,
    EngineTable,
    EngineView,
    Forward,
    Policy,
    SessionFacts,
    Unanswered,
)
from heatproxy.sql.hints import SWITCHES
from heatproxy.sql.translate import Translated, referenced_tables, translate

__all__ = ["NO_CONSTANTS", "Constants", "Translation", "Translator", "Untranslated"]
K = TypeVar("K")
V = TypeVar("V")

log = logging.getLogger(__name__)
REMEMBERED = 2000
NARROW = "DECIMAL(18"  # in DuckDB's words of an overflow
Constants = Mapping[str, Constant]
NO_CONSTANTS: Constants = {}


class Translator:
    """One for the engine process; its methods block, in any thread."""

    def __init__(
        self,
        engine: Engine,
        shells: Shells,
        weights: Weights,
        rapid: Rapid,
        views: Views,
    ) -> None:
        self._engine, self._shells, self._weights = engine, shells, weights
        self._rapid, self._tables, self._views = rapid, rapid.tables, views
        self._lock = threading.Lock()
        self._made: OrderedDict[object, _Entry] = OrderedDict()
        self._asked: OrderedDict[object, tuple[str, ...]] = OrderedDict()
        self._expected: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._wide: OrderedDict[object, None] = OrderedDict()  # by Translation.key
        self._facts: dict[str, tuple[int, EngineTable]] = {}

    def translate(
        self,
        text: str,
        settings: Settings,
        policy: Policy,
        constants: Constants = NO_CONSTANTS,
    ) -> Translation:
        """The SELECT in ``text``, which has no hints.

        Raises:
            Untranslated: it is MySQL's to answer.
            Unanswered: MySQL must evaluate constants first.
            MySQLError: 3877, a Lakehouse table that has not been loaded.
        """
        if (made := self.recalled(text, settings, policy, constants)) is not None:
            return made
        key = (text, settings.key, policy)
        wide = key in self._wide
        try:
            entry = self._translated(text, settings, policy, constants, wide)
        except Unanswered as asked:
            with self._lock:
                _put(self._asked, key, asked.texts)
                _put(self._expected, text, asked.texts)
            raise
        with self._lock:
            _put(self._made, (key, tuple(sorted(constants.items())), wide), entry)
        return entry.outcome(key)

    def recalled(
        self,
        text: str,
        settings: Settings,
        policy: Policy,
        constants: Constants = NO_CONSTANTS,
    ) -> Translation | None:
        """As ``translate``, but of what is remembered, and without blocking."""
        key = (text, settings.key, policy)
        if not constants and (texts := self._remembered_texts(key)):
            raise Unanswered(texts)
        whole = (key, tuple(sorted(constants.items())), key in self._wide)
        entry = self._remembered(whole)
        return None if entry is None else entry.outcome(key)

    def expected(self, text: str) -> tuple[str, ...]:
        """The constants that a text had when it was translated last."""
        with self._lock:
            return self._expected.get(text, ())

    def widened(self, translation: Translation, trap: str) -> bool:
        """Whether the text has another translation, which lacks this trap.

        18 digits are tried first for products; from here on they have 38.
        """
        with self._lock:
            if NARROW not in trap or translation.key in self._wide:
                return False
            _put(self._wide, translation.key, None)
        return True

    def reads_shell(self, text: str, schema: str | None) -> bool:
        """Whether a SELECT reads a Lakehouse table; False of what cannot be parsed."""
        try:
            tables = referenced_tables(text)
        except Forward:
            return False  # MySQL decides; the sealed shell refuses
        for named, name in tables:
            if self._shells.find(named or schema, name) is not None:
                return True
            view = self.view(named or schema, name)
            if view is not None and self.reads_shell(view.text, view.schema):
                return True
        return False

    def is_current(self, translation: Translation) -> bool:
        """Whether the tables and views are still as they were for it."""
        shells = zip(translation.shells, translation.loaded_at, strict=True)
        return (
            all(map(self._is_as_it_was, translation.loaded))
            and all(self._loaded_at(shell) == then for shell, then in shells)
            and all(
                self._views.find(view.schema, view.name) == view
                for view in translation.views
            )
        )

    def _loaded_at(self, shell: Shell) -> datetime | None:
        """What tells one load of a Lakehouse table from the next."""
        try:
            return self._engine.facts(shell.engine_name).loaded_at
        except KeyError:
            return None

    def _is_as_it_was(self, table: LoadedTable) -> bool:
        found = self._tables.find(table.schema, table.name)
        return (
            found is not None
            and found.engine_name == table.engine_name
            and found.version == table.version
            and found.status is table.status
        )

    def _remembered_texts(self, key: object) -> tuple[str, ...] | None:
        with self._lock:
            return self._asked.get(key)

    def _remembered(self, key: object) -> "_Entry | None":
        with self._lock:
            entry = self._made.get(key)
            if entry is None:
                return None
            self._made.move_to_end(key)
        if entry.shells or entry.views or entry.is_foreign:
            return None  # their state is not known here
        return entry if all(map(self._is_as_it_was, entry.loaded)) else None

    def _translated(
        self,
        text: str,
        settings: Settings,
        policy: Policy,
        constants: Constants,
        wide: bool,
    ) -> "_Entry":
        met = _Met(self)
        facts = SessionFacts(
            sql_mode=settings["sql_mode"],
            time_zone=settings.time_zone,
            div_precision_increment=int(settings["div_precision_increment"] or 4),
            collation_connection=settings["collation_connection"],
            group_concat_max_len=int(settings["group_concat_max_len"] or 1024),
            sql_select_limit=settings.select_limit,
            max_sort_length=int(settings["max_sort_length"] or 1024),
            switches=settings[SWITCHES],
            wide_decimals=wide,
            constants=constants,
            policy=policy,
        )
        try:
            weights = self._weights.of(self._collations(text, settings, met))
            made = translate(text, settings.schema, met.resolve, weights, facts)
        except Forward as reason:
            refusal = Refusal(Cause.RULE, str(reason) or "no rule")
            return met.entry(refusal)
        except UnicodeEncodeError:  # strings are told from others by their UTF-8
            return met.entry(Refusal(Cause.RULE, "a string that is no UTF-8"))
        except (Unanswered, Untranslated, MySQLError):
            raise
        except Exception as bug:  # a rule's own: no reason to fail the client
            log.exception("a SELECT could not be translated")
            return met.entry(Refusal(Cause.RULE, f"{type(bug).__name__} in a rule"))
        return met.entry(made)

    def _collations(self, text: str, settings: Settings, met: "_Met") -> set[str]:
        """All that may matter: those of every table of RAPID's, for they are known."""
        found = {settings["collation_connection"]}
        for loaded in self._tables.all():
            found |= {c.collation for c in loaded.columns if c.collation}
        if any(table in text for table in self._shells.tables):
            for schema, name in referenced_tables(text):
                table = met.resolve(schema or settings.schema, name)
                if isinstance(table, EngineTable):
                    columns = table.columns.values()
                    found |= {c.collation for c in columns if c.collation}
        return found

    # --- tables ---------------------------------------------------------------------

    def loaded_table(self, table: LoadedTable) -> EngineTable:
        """What the emitter must know of a table of RAPID's."""
        known = self._facts.get(table.engine_name)
        if known is not None and known[0] == table.version:
            return known[1]
        keys = self._rapid.keys
        texts = {} if keys is None else keys.texts(table)
        columns = {
            column.name: replace(
                engine_column(column, texts.get(column.name)), visible=column.visible
            )
            for column in table.columns
        }
        made = EngineTable(
            table.schema,
            table.name,
            table.engine_name,
            columns,
            unique=(table.primary_key,) if table.primary_key else (),
        )
        self._facts[table.engine_name] = table.version, made
        if len(self._facts) > REMEMBERED:
            self._facts.clear()
        return made

    def shell_table(self, shell: Shell) -> tuple[EngineTable, datetime]:
        """What the emitter must know of a Lakehouse table, and when it was loaded.

        Raises:
            MySQLError: 3877, it has not been loaded.
        """
        try:
            facts = self._engine.facts(shell.engine_name)
        except KeyError:
            raise secondary_engine("Table has not been loaded") from None
        collations = self._shells.collations(shell)
        columns = {}
        for column in facts.columns:
            text = facts.texts.get(column.name)
            columns[column.name] = EngineColumn(
                column.type,
                column.nullable,
                collations.get(column.name),
                ascii=text is not None and text.ascii,
                clean=text is not None and text.clean,
                alphabet=None if text is None else text.alphabet,
                blank_ended=text is None or text.blank_ended,
                longest=None if text is None else text.longest,
                values=None if text is None else text.values,
            )
        made = EngineTable(shell.schema, shell.table, shell.engine_name, columns)
        return made, facts.loaded_at

    def resolved(self, schema: str | None, name: str) -> Shell | LoadedTable | None:
        """The table of that name that the engine holds, or should."""
        return self._shells.find(schema, name) or self._tables.find(schema, name)

    def view(self, schema: str | None, name: str) -> EngineView | None:
        """The view of that name, as the backend has it now."""
        return self._views.find(schema, name)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What became of a text; ``is_foreign``: it names what is not held here."""

    result: Translated | Refusal
    loaded: tuple[LoadedTable, ...]
    shells: tuple[Shell, ...]
    views: tuple[EngineView, ...]
    loaded_at: tuple[datetime | None, ...]
    is_foreign: bool

    def outcome(self, key: object) -> Translation:
        """The translation. Raises Untranslated: there is none."""
        loaded, shells = self.loaded, self.shells
        if isinstance(self.result, Refusal):
            raise Untranslated(self.result, loaded, shells)
        return Translation(self.result, loaded, shells, self.views, self.loaded_at, key)


class _Met:
    """The tables that one translation has met; each is looked at once."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._loaded: dict[str, LoadedTable] = {}
        self._shells: dict[str, Shell] = {}
        self._loaded_at: dict[str, datetime] = {}  # by the shells' engine names
        self._known: dict[tuple[str | None, str], EngineTable | EngineView | None] = {}
        self._views: list[EngineView] = []
        self._is_foreign = False

    def entry(self, result: Translated | Refusal) -> _Entry:
        """What is to be remembered."""
        views = tuple(self._views)
        loaded, shells = self.loaded_tables, self.shell_tables
        loaded_at = tuple(self._loaded_at.get(one.engine_name) for one in shells)
        return _Entry(result, loaded, shells, views, loaded_at, self._is_foreign)

    @property
    def loaded_tables(self) -> tuple[LoadedTable, ...]:
        return tuple(self._loaded.values())

    @property
    def shell_tables(self) -> tuple[Shell, ...]:
        return tuple(self._shells.values())

    def resolve(self, schema: str | None, name: str) -> EngineTable | EngineView | None:
        """The table or view of a name, for the emitter.

        Raises:
            Untranslated: the table is one of RAPID's, but not to be read now.
        """
        key = (schema, name)
        if key not in self._known:
            self._known[key] = self._resolved(schema, name)
        return self._known[key]

    def _resolved(
        self, schema: str | None, name: str
    ) -> EngineTable | EngineView | None:
        translator = self._translator
        found = translator.resolved(schema, name)
        if isinstance(found, Shell):
            self._shells[found.engine_name] = found
            table, loaded_at = translator.shell_table(found)
            self._loaded_at[found.engine_name] = loaded_at
            return table
        if found is None:
            view = translator.view(schema, name)
            if view is None:
                self._is_foreign = True
            else:
                self._views.append(view)
            return view
        self._loaded[found.engine_name] = found
        if refusal := of_table(found):
            raise Untranslated(refusal, self.loaded_tables, self.shell_tables)
        if found.changing:
            words = f"Table {found.schema}.{found.name} is changing"
            raise Untranslated(
                Refusal(Cause.BEHIND, words),
                self.loaded_tables,
                self.shell_tables,
                unsettled=True,
            )
        try:
            return translator.loaded_table(found)
        except KeyError:
            refusal = Refusal(Cause.STALE, f"Table {schema}.{name} is being replaced")
            raise Untranslated(
                refusal, self.loaded_tables, self.shell_tables, unsettled=True
            ) from None


def _put(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
