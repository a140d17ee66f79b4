"""DuckDB as the engine: one file in the data directory, no network, no other files.

Rows come and go as Arrow. TIME, which DuckDB has no type for, is held as BIGINT
microseconds. Every query has a cursor of its own.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from heatproxy.datatypes import Column
from heatproxy.engine import changes
from heatproxy.engine.facts import Ending, KeyMaker, Listen, Memory, TableFacts, Trap
from heatproxy.engine.incoming import Counted, held_type
from heatproxy.engine.keyed import text_facts, with_keys
from heatproxy.engine.repeated import Bound, Repeated
from heatproxy.engine.scan import TextScan
from heatproxy.engine.stop import STOPS_WITHIN_S, Stop
from heatproxy.engine.yielding import started_yielding
from heatproxy.errors import interrupted, not_supported

BATCH_ROWS = 65_536
_TRAPS = (
    duckdb.OutOfRangeException,
    duckdb.ConversionException,
    duckdb.InvalidInputException,
)


class DuckQuery:
    """One query on its own cursor; see engine.Query."""

    def __init__(
        self,
        repeated: Repeated,
        sql: str,
        parameters: Sequence[Any],
        listen: Listen | None = None,
    ) -> None:
        self._repeated = repeated
        # A late ``cancel`` must not meet the next one on this cursor.
        self._lock = threading.Lock()
        self._bound: Bound | None = None
        self._cancelled = threading.Event()
        if listen is not None:
            listen(self.cancel)
        self._bound = bound = repeated.take(sql)
        try:
            with self._errors():
                relation = bound.relation
                if relation is None or parameters:
                    params = list(parameters) or None
                    relation = bound.cursor.sql(sql, params=params)
                    bound.relation = None if parameters else relation
                if self._cancelled.is_set():
                    raise interrupted()
                rows = relation.to_arrow_reader(BATCH_ROWS)
        except BaseException:
            self.close()
            raise
        schema = pa.schema([_travelling(field) for field in rows.schema])
        self.reader = pa.RecordBatchReader.from_batches(
            schema, self._batches(rows, schema)
        )

    def cancel(self) -> None:
        """Stop it; safe from any thread, and harmless when it has ended."""
        self._cancelled.set()
        with self._lock, contextlib.suppress(duckdb.Error):
            if self._bound is not None:
                self._bound.cursor.interrupt()

    def close(self) -> None:
        """Give back the cursor; rows not read are lost."""
        if (bound := self._let_go()) is not None:
            bound.close()

    def _let_go(self) -> Bound | None:
        with self._lock:
            bound, self._bound = self._bound, None
        return bound

    def _batches(
        self, rows: pa.RecordBatchReader, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        while True:
            with self._errors():
                if self._cancelled.is_set():
                    raise interrupted()
                try:
                    batch = rows.read_next_batch()
                except StopIteration:
                    break
            yield _restored(batch, schema)
        del rows
        if (bound := self._let_go()) is not None:
            self._repeated.give_back(bound)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """DuckDB's errors as Trap and MySQLError 1317."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as problem:
            text = str(problem)
            if self._cancelled.is_set() or "INTERRUPT" in text:
                raise interrupted() from None
            # reading Arrow turns DuckDB's error classes into their text
            if isinstance(problem, _TRAPS) or any(mark in text for mark in _MARKS):
                raise Trap(text.partition("\n")[0]) from None
            raise


_MARKS = ("Out of Range Error", "Conversion Error", "Invalid Input Error")


class DuckDB:
    """An Engine in one DuckDB file. ``memory_limit`` is DuckDB's, such as '4GB'."""

    def __init__(self, path: Path, memory_limit: str, threads: int) -> None:
        self._lock = threading.Lock()  # one load or drop at a time
        connect = partial(
            duckdb.connect,
            str(path),
            config={
                "memory_limit": memory_limit,
                "threads": threads,
                "temp_directory": f"{path}.spill",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                # a table name must never find a variable of this program
                "python_enable_replacements": False,
                "preserve_insertion_order": True,
            },
        )
        self._connection = started_yielding(connect)
        # after the start: the file itself and its spill directory stay allowed
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        self._connection.execute("CREATE SCHEMA IF NOT EXISTS heatproxy")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS heatproxy.facts (name VARCHAR, facts VARCHAR)"
        )
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS heatproxy.rapid (name VARCHAR, origin VARCHAR)"
        )
        changes.prepare(self._connection)
        self._repeated = Repeated(self._connection)

    def load(
        self,
        name: str,
        columns: Sequence[Column],
        rows: pa.RecordBatchReader,
        listen: Listen | None = None,
        *,
        ending: Callable[[], Ending] | None = None,
        collations: Mapping[str, str | None] | None = None,
        keys: KeyMaker | None = None,
    ) -> TableFacts:
        """Hold ``rows`` as table ``name``, replacing one of that name, or fail whole.

        Source columns are taken by position and must have their MySQLType's Arrow
        type or one that casts to it without loss. With ``ending`` the name must be
        new: nobody's turn is awaited, and other tables change meanwhile. With
        ``keys`` the columns that need them, in their ``collations``, get key columns.

        Raises:
            MySQLError: 1235, a type that can't be held, or a name that differs
                from a table's in letter case only.
            pa.ArrowInvalid: a value that does not fit its column; and whatever
                reading ``rows`` raised, as it was.
        """
        if len(rows.schema) != len(columns):
            raise ValueError(f"{len(rows.schema)} columns of rows for {len(columns)}")
        defined = ", ".join(
            f"{_quoted(column.name)} {column.type.duckdb()}" for column in columns
        )
        schema = pa.schema([(f"c{n}", held_type(c)) for n, c in enumerate(columns)])
        stop = Stop()
        if listen is not None:
            listen(stop.ask)
        turn = self._turn(stop) if ending is None else contextlib.nullcontext()
        with turn, stop.errors():
            if ending is None:
                self._require_own(name)
            with self._writing() as cursor:
                stop.interrupts(cursor)
                if ending is None:
                    cursor.execute(f"DROP TABLE IF EXISTS {_quoted(name)}")
                cursor.execute(f"CREATE TABLE {_quoted(name)} ({defined})")
                counted = Counted(rows, schema, TextScan(columns))
                cursor.register("loading", counted.reader)
                try:
                    cursor.execute(f"INSERT INTO {_quoted(name)} SELECT * FROM loading")
                except duckdb.Error:
                    if counted.problem is not None:
                        raise counted.problem from None
                    raise
                cursor.unregister("loading")
                if ending is not None:
                    columns = _end(cursor, name, columns, ending())
                texts = text_facts(cursor, name, columns, counted.scan, counted.rows)
                if keys is not None:
                    texts = with_keys(texts, cursor, name, collations or {}, keys)
                facts = TableFacts(
                    counted.rows,
                    counted.bytes,
                    datetime.now(UTC),
                    tuple(columns),
                    texts,
                )
                if ending is None:
                    _forget(cursor, name)
                cursor.execute(
                    "INSERT INTO heatproxy.facts VALUES (?, ?)", [name, facts.to_json()]
                )
        return facts

    def _require_own(self, name: str) -> None:
        for other in self.tables():
            if other != name and other.lower() == name.lower():
                raise not_supported("tables whose names differ in letter case only")

    def drop(self, name: str) -> None:
        """Forget the table; no error if there is none."""
        if name not in self.tables():  # what failed to load: nobody's turn is awaited
            return
        with self._lock, self._writing() as cursor:
            if name in self.tables():
                cursor.execute(f"DROP TABLE IF EXISTS {_quoted(name)}")
                _forget(cursor, name)

    def tables(self) -> list[str]:
        """The names of the tables it holds, sorted."""
        with self._connection.cursor() as cursor:
            found = cursor.execute("SELECT name FROM heatproxy.facts ORDER BY name")
            return [name for (name,) in found.fetchall()]

    def origins(self) -> dict[str, str]:
        """The ``origin`` of each table that was loaded with an ending, by name."""
        with self._connection.cursor() as cursor:
            found = cursor.execute("SELECT name, origin FROM heatproxy.rapid")
            return dict(found.fetchall())

    def apply(self) -> changes.Changes:
        """Begin a transaction that changes tables; nobody's turn is awaited."""
        return changes.Changes(self._connection)

    def remembered(self) -> tuple[str, dict[str, str]]:
        """Where the follower of changes was, and for each table by its name."""
        return changes.remembered(self._connection)

    def facts(self, name: str) -> TableFacts:
        """What is known of a table. Raises KeyError if it is not held."""
        with self._connection.cursor() as cursor:
            found = cursor.execute(
                "SELECT facts FROM heatproxy.facts WHERE name = ?", [name]
            ).fetchone()
        if found is None:
            raise KeyError(name)
        return TableFacts.from_json(found[0])

    def read(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        listen: Listen | None = None,
    ) -> DuckQuery:
        """All rows of a table, each column in its MySQLType's Arrow type."""
        held = {column.name: column for column in self.facts(name).columns}
        listed = ", ".join(
            f"to_microseconds({_quoted(wanted)}) AS {_quoted(wanted)}"
            if held[wanted].type.name == "time"
            else _quoted(wanted)
            for wanted in (held if columns is None else columns)
        )
        return self.run(f"SELECT {listed} FROM {_quoted(name)}", listen=listen)

    def run(
        self, sql: str, parameters: Sequence[Any] = (), listen: Listen | None = None
    ) -> DuckQuery:
        """Answer one SELECT in DuckDB's SQL; an INTERVAL comes back as a duration.

        Raises:
            Trap: error() was called, or a number overflowed.
        """
        return DuckQuery(self._repeated, sql, parameters, listen)

    def memory(self) -> Memory:
        """How much it holds, and has moved to disk for want of memory."""
        with self._connection.cursor() as cursor:
            held, spilled = _one_row(
                cursor,
                "SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT,"
                " coalesce(sum(temporary_storage_bytes), 0)::BIGINT"
                " FROM duckdb_memory()",
            )
        return Memory(held, spilled)

    def close(self) -> None:
        """Let go of the file."""
        self._repeated.close()
        self._connection.close()

    @contextlib.contextmanager
    def _turn(self, stop: Stop) -> Iterator[None]:
        """Be the one that writes; whoever waits for that can be stopped too."""
        while not self._lock.acquire(timeout=STOPS_WITHIN_S):
            stop.check()
        try:
            stop.check()
            yield
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._connection.cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
                cursor.commit()
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    cursor.rollback()
                raise


def _travelling(field: pa.Field) -> pa.Field:
    """The Arrow type in which DuckDB's column leaves."""
    if field.type == pa.month_day_nano_interval():
        return pa.field(field.name, pa.duration("us"))
    return field


def _restored(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        array
        if array.type == field.type
        else pa.array(
            [
                None
                if value is None
                else value.days * 86_400_000_000 + value.nanoseconds // 1000
                for value in array.to_pylist()
            ],
            field.type,
        )
        for array, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _one_row(cursor: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = cursor.execute(sql).fetchone()
    assert row is not None
    return row


def _end(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[Column],
    ending: Ending,
) -> Sequence[Column]:
    """Do as the ending says; the columns that are left."""
    for left_out in ending.left_out:
        cursor.execute(f"ALTER TABLE {_quoted(name)} DROP COLUMN {_quoted(left_out)}")
    cursor.execute("INSERT INTO heatproxy.rapid VALUES (?, ?)", [name, ending.origin])
    return [column for column in columns if column.name not in ending.left_out]


def _forget(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    cursor.execute("DELETE FROM heatproxy.facts WHERE name = ?", [name])
    cursor.execute("DELETE FROM heatproxy.rapid WHERE name = ?", [name])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
