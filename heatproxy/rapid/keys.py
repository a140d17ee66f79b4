"""Collation keys of RAPID's tables: made at load, and kept right under changes."""

import threading
from collections.abc import Mapping

import duckdb
import pyarrow as pa
import pymysql

from heatproxy.backend.weights import Weights
from heatproxy.engine import DuckDB
from heatproxy.engine.facts import TextFacts, Unkeyable, key_column
from heatproxy.engine.keyed import lacking, with_keys, write_texts
from heatproxy.engine.scan import facts_after
from heatproxy.errors import secondary_engine
from heatproxy.rapid.tables import LoadedColumn, LoadedTable, LoadedTables
from heatproxy.rapid.weigh import AsciiWeigher
from heatproxy.sql.collation import PRINTABLE, CollationKey, is_weighable, key_of
from heatproxy.sql.emitter.values import EngineColumn

LONGEST = 1000  # characters; a column with longer texts gets no keys
REMEMBERED = 20_000  # keys of texts that MySQL was asked for


class Keys:
    """Makes keys, and remembers the facts of the tables that changes go to."""

    def __init__(self, weights: Weights, engine: DuckDB, tables: LoadedTables) -> None:
        self._weights, self._engine, self._tables = weights, engine, tables
        self._weighers: dict[str, AsciiWeigher] = {}
        self._asked: dict[tuple[str, str], bytes] = {}
        # by engine name: what holds for each table, what will when its transaction
        # is committed, and those whose facts are not in the engine's file yet
        self._facts: dict[str, Mapping[str, TextFacts]] = {}
        self._keyed: dict[str, Mapping[str, TextFacts]] = {}
        self._unwritten: set[str] = set()
        self._lock = threading.Lock()

    def needs_key(self, collation: str, facts: TextFacts) -> bool:
        """Whether no expression over the texts compares and orders them."""
        if facts.longest > LONGEST or not is_weighable(collation):
            return False
        rule = self._rule(collation)
        if rule is None:
            return False
        alphabet = PRINTABLE if facts.alphabet is None else facts.alphabet
        if not facts.ascii and not rule.bytewise:
            return True
        return not rule.decides(alphabet) or rule.order("x", alphabet) is None

    def keys(self, collation: str, texts: pa.Array) -> pa.Array:
        """Of String (n): LargeBinary (n), null where the text is.

        Raises:
            Unkeyable: one of the texts can have no key.
            MySQLError: 3877, MySQL can't be asked, or has no weights for a text.
        """
        rule = self._rule(collation)
        if rule is None:
            raise secondary_engine(f"No keys can be made in collation {collation}")
        texts = texts.cast(pa.large_string())
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        if rule.adds_up:
            if collation not in self._weighers:
                self._weighers[collation] = AsciiWeigher(rule)
            known, places = self._weighers[collation].keys(texts)
            if not len(places):
                return known
        else:
            known = pa.nulls(len(texts), pa.large_binary())
            places = texts.is_valid().to_numpy(zero_copy_only=False).nonzero()[0]
        unknown = texts.take(pa.array(places))
        encoded = unknown.dictionary_encode()
        asked = self._ask(collation, rule, encoded.dictionary.to_pylist())
        answers = pa.array(asked, pa.large_binary()).take(encoded.indices)
        indices = pa.array(range(len(texts)), pa.int64()).to_numpy().copy()
        indices[places] = len(texts) + pa.array(range(len(places))).to_numpy()
        return pa.concat_arrays([known, answers]).take(pa.array(indices))

    def texts(self, table: LoadedTable) -> Mapping[str, TextFacts]:
        """The facts a translation may rely on. Note the table's version first."""
        return self._facts_of(table.engine_name)

    def extend(self, table: LoadedTable, added: pa.Table) -> pa.Table:
        """Rows that are about to be inserted, with the key columns of their table.

        If the facts of its text no longer hold, the table's version grows, and it is
        ``changing``. Call ``before_commit`` in the transaction that inserts the rows,
        and when that has ended ``committed`` or ``forget``.

        Raises:
            MySQLError: 3877, MySQL can't be asked for weights, or a row has a text
                that can have no key: the table must be loaded again.
        """
        name = table.engine_name
        before = self._facts_of(name)
        after = facts_after(before, added)
        if after is not before:
            with self._lock:
                self._facts[name] = after
                self._unwritten.add(name)
            self._bump(table, changing=True)
        collations = _collations(table)
        for column, found in after.items():
            collation = collations.get(column)
            if found.keyed and collation and column in added.column_names:
                try:
                    keys = self.keys(collation, added.column(column))
                except Unkeyable as problem:
                    raise secondary_engine(f"{problem}, in column {column}") from None
                added = added.append_column(key_column(column), keys)
        return added

    def before_commit(
        self, cursor: duckdb.DuckDBPyConnection, table: LoadedTable
    ) -> None:
        """Add the key columns that have become necessary, and write down the facts.

        Raises:
            MySQLError: as ``extend``.
        """
        name = table.engine_name
        if name not in self._unwritten:
            return
        collations = _collations(table)
        texts = self._facts_of(name)
        if lacking(texts, collations, self):
            texts = with_keys(texts, cursor, name, collations, self)
            with self._lock:
                self._keyed[name] = texts
        write_texts(cursor, name, texts)

    def committed(self, table: LoadedTable) -> None:
        """The transaction is kept: what it changed may be relied on from now on."""
        name = table.engine_name
        with self._lock:
            if name not in self._unwritten:
                return
            self._unwritten.discard(name)
            self._facts[name] = self._keyed.pop(name, self._facts[name])
        self._bump(table, changing=False)

    def forget(self, table: LoadedTable) -> None:
        """A transaction with the table's changes was undone, or the table is gone."""
        with self._lock:
            changed = table.engine_name in self._unwritten
            self._unwritten.discard(table.engine_name)
            self._keyed.pop(table.engine_name, None)
            self._facts.pop(table.engine_name, None)
        if changed:
            self._bump(table, changing=False)

    def _bump(self, table: LoadedTable, changing: bool) -> None:
        current = self._tables.find(table.schema, table.name) or table
        version = current.version + 1
        self._tables.change(table, version=version, changing=changing)

    def _facts_of(self, engine_name: str) -> Mapping[str, TextFacts]:
        with self._lock:
            found = self._facts.get(engine_name)
            if found is None:
                found = self._engine.facts(engine_name).texts
                self._facts[engine_name] = found
        return found

    def _rule(self, collation: str) -> CollationKey | None:
        try:
            return self._weights.of([collation]).keys.get(collation)
        except pymysql.MySQLError as problem:
            raise _unasked(collation) from problem

    def _ask(self, collation: str, rule: CollationKey, texts: list[str]) -> list[bytes]:
        with self._lock:
            held = {t: self._asked.get((collation, t)) for t in texts}
        new = [text for text in texts if held[text] is None]
        if new:
            try:
                weights = self._weights.weigh(collation, new)
            except (pymysql.MySQLError, ValueError) as problem:
                raise _unasked(collation) from problem
            pairs = zip(new, weights, strict=True)
            try:
                made = [key_of(text, weight, rule.blank) for text, weight in pairs]
            except ValueError as problem:
                raise Unkeyable(str(problem)) from None
            held.update(zip(new, made, strict=True))
            with self._lock:
                if len(self._asked) + len(new) > REMEMBERED:
                    self._asked.clear()
                if len(new) <= REMEMBERED:
                    self._asked.update({(collation, text): held[text] for text in new})  # type: ignore[misc]
        return [key for text in texts if (key := held[text]) is not None]


def engine_column(column: LoadedColumn, texts: TextFacts | None) -> EngineColumn:
    """What a translation must know of a loaded column."""
    return EngineColumn(
        column.type,
        column.nullable,
        column.collation,
        ascii=texts is not None and texts.ascii,
        clean=texts is not None and texts.clean,
        key=key_column(column.name) if texts is not None and texts.keyed else None,
        refusal=column.refusal,
        alphabet=None if texts is None else texts.alphabet,
        blank_ended=texts is None or texts.blank_ended,
        longest=None if texts is None else texts.longest,
        values=None if texts is None else texts.values,
        visible=column.visible,
    )


def _collations(table: LoadedTable) -> Mapping[str, str | None]:
    return {column.name: column.collation for column in table.columns}


def _unasked(collation: str) -> Exception:
    return secondary_engine(f"The backend gave no weights of collation {collation}")
