"""MySQL and the engine side by side: the same tables and statement, two answers."""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.constants import CLIENT, FIELD_TYPE, FLAG

from heatproxy import datatypes
from heatproxy.datatypes import Column
from heatproxy.engine import DuckDB, KeyMaker, Trap
from heatproxy.rapid.keys import engine_column
from heatproxy.rapid.tables import LoadedColumn
from heatproxy.sql.collation import is_weighable
from heatproxy.sql.emitter.values import Constant, Unanswered
from heatproxy.sql.translate import (
    CollationWeights,
    EngineTable,
    SessionFacts,
    Translated,
    translate,
    weights_query,
)

COLLATIONS = ("utf8mb4_0900_ai_ci", "utf8mb4_general_ci")  # of literals, mostly
KINDS = {
    **dict.fromkeys((1, 2, 3, 8, 9), "int"),
    **dict.fromkeys((0, 246), "decimal"),
    **dict.fromkeys((15, 249, 250, 251, 252, 253, 254), "string"),
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.BIT: "bit",
    FIELD_TYPE.NULL: "null",
}
ER_DATA_OUT_OF_RANGE = 1690
Rows = list[tuple[str | None, ...]]


@dataclass
class Answer:
    """Rows as MySQL prints them, and MySQL's column definitions."""

    rows: Rows
    fields: Sequence[Any]
    warnings: int


class Oracle:
    """A schema of MySQL's whose tables the engine holds too."""

    def __init__(self, login: dict[str, str], schema: str, directory: Path) -> None:
        self.schema = schema
        self.mysql = pymysql.connect(
            **login,
            charset="utf8mb4",
            conv={},
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
            init_command="SET time_zone='+00:00'",
        )
        self.engine = DuckDB(directory / "engine.duckdb", "500MB", 2)
        self.tables: dict[str, EngineTable] = {}
        self.query(f"DROP SCHEMA IF EXISTS {schema}")
        self.query(f"CREATE SCHEMA {schema} DEFAULT CHARACTER SET utf8mb4")
        self.query(f"USE {schema}")
        self.weights = CollationWeights({})
        self.weigh(COLLATIONS)
        self.keys: KeyMaker | None = None  # with one, strings get key columns

    def close(self) -> None:
        self.query(f"DROP SCHEMA {self.schema}")
        self.mysql.close()
        self.engine.close()

    def query(self, text: str) -> Answer:
        with closing(self.mysql.cursor()) as cursor:
            cursor.execute(text)
            fields = cursor._result.fields if cursor.description else ()
            rows = [tuple(map(_text, row)) for row in cursor.fetchall() or ()]
            warnings = cursor._result.warning_count
            while cursor.nextset():
                pass
            return Answer(rows, fields, warnings)

    def take(self, table: str) -> None:
        """Load a table of MySQL's into the engine."""
        defined = self.query(
            "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME"
            f" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{self.schema}'"
            f" AND TABLE_NAME = '{table}' ORDER BY ORDINAL_POSITION"
        ).rows
        columns = [
            Column(name, datatypes.parse(kind), nullable == "YES")
            for name, kind, nullable, _ in defined
        ]
        # MySQL's text of a FLOAT is rounded to 6 digits
        listed = ", ".join(
            f"CAST({c.name} AS DOUBLE)" if c.type.name == "float" else c.name
            for c in columns
        )
        rows = self.query(f"SELECT {listed} FROM {table}").rows
        arrays = [
            pa.array([_parsed(row[n], column) for row in rows], column.type.arrow())
            for n, column in enumerate(columns)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, [c.name for c in columns])
        reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
        name = f"{self.schema}.{table}"
        collations = {str(name): collation for name, _, _, collation in defined}
        self.weigh(collation for collation in collations.values() if collation)
        facts = self.engine.load(
            name, columns, reader, collations=collations, keys=self.keys
        )
        self.tables[table] = EngineTable(
            self.schema,
            table,
            name,
            {
                column.name: engine_column(
                    LoadedColumn(
                        column.name,
                        column.type,
                        column.nullable,
                        collations[column.name],
                    ),
                    facts.texts.get(column.name),
                )
                for column in columns
            },
        )

    def weigh(self, collations: Iterable[str]) -> None:
        """Know the weights of these collations, as far as they have any."""
        new = {c for c in set(collations) - set(self.weights.keys) if is_weighable(c)}
        asked = {name: self.query(weights_query(name)).rows for name in sorted(new)}
        found = CollationWeights.from_rows(asked)  # type: ignore[arg-type]
        self.weights = CollationWeights({**self.weights.keys, **found.keys})

    def translate(self, text: str, session: SessionFacts | None = None) -> Translated:
        def resolve(schema: str | None, name: str) -> EngineTable | None:
            return self.tables.get(name) if schema == self.schema else None

        session, known = session or SessionFacts(), dict[str, Constant]()
        while True:
            session = replace(session, constants=dict(known))
            try:
                return translate(text, self.schema, resolve, self.weights, session)
            except Unanswered as asked:
                known |= {constant: self.constant(constant) for constant in asked.texts}

    def constant(self, text: str) -> Constant:
        """What MySQL says of a constant expression."""
        try:
            answer = self.query(f"SELECT {text}")
        except pymysql.Error as error:
            return Constant(None, 0, 0, 0, 0, False, problem=str(error.args[1]))
        field, value = answer.fields[0], answer.rows[0][0]
        return Constant(
            None if value is None else value.encode(),
            field.type_code,
            field.charsetnr,
            field.length,
            field.scale,
            bool(field.flags & FLAG.UNSIGNED),
            f"{answer.warnings} warnings" if answer.warnings else None,
        )

    def answer(
        self,
        translated: Translated,
        fields: Sequence[Any],
        altered: Callable[[str], str] = str,
    ) -> Rows:
        """The engine's rows, printed by MySQL's column definitions."""
        query = self.engine.run(altered(translated.sql))
        table = query.reader.read_all()
        columns = [
            [_printed(value, field) for value in column.to_pylist()]
            for column, field in zip(table.columns, fields, strict=True)
        ]
        return list(zip(*columns, strict=True)) if columns else []

    def difference(self, text: str, session: SessionFacts | None = None) -> str | None:
        """How the two answers differ, None if they don't. Raises Forward, Trap."""
        session = session or SessionFacts()
        translated = self.translate(text, session)
        try:
            mysql = self.query(text)
        except pymysql.Error as error:
            if error.args[0] != ER_DATA_OUT_OF_RANGE:
                raise
            self.engine.run(translated.sql).reader.read_all()  # must be a trap
            return f"MySQL fails: {error}"
        try:
            rows = self.answer(translated, mysql.fields)
        except Trap as trap:
            if "DECIMAL(18" not in str(trap):
                raise
            translated = self.translate(text, replace(session, wide_decimals=True))
            rows = self.answer(translated, mysql.fields)
        expected = mysql.rows
        if "ORDER BY" not in text.upper():
            expected, rows = sorted(expected, key=repr), sorted(rows, key=repr)
        if rows != expected:
            wrong = next(
                (
                    pair
                    for pair in zip(expected, rows, strict=False)
                    if len(set(pair)) > 1
                ),
                (len(expected), len(rows)),
            )
            return f"MySQL {wrong[0]} engine {wrong[1]}\n{translated.sql}"
        if mysql.warnings:
            return f"MySQL warns {mysql.warnings} times"
        for number, (field, column) in enumerate(
            zip(mysql.fields, translated.output, strict=True), 1
        ):
            kind = _kind(field)
            # in a temporary table MySQL turns YEAR() to INT
            if kind != column.kind and {kind, column.kind} != {"int", "year"}:
                return f"column {number}: MySQL {kind} translate {column.kind}"
            if kind in ("decimal", "double", "datetime") and (
                column.scale != (None if field.scale == 31 else field.scale)
            ):
                return f"column {number}: scale {field.scale} translate {column.scale}"
            unsigned = bool(field.flags & FLAG.UNSIGNED)
            if (
                kind == column.kind
                and kind in ("int", "decimal")
                and (unsigned != column.unsigned)
            ):
                return f"column {number}: unsigned {unsigned}"
        return None


@contextmanager
def tables(
    login: dict[str, str], schema: str, directory: Path, script: Path
) -> Iterator[Oracle]:
    """An Oracle whose tables a script makes; all are loaded."""
    oracle = Oracle(login, schema, directory)
    try:
        oracle.query(script.read_text())
        for (table,) in oracle.query("SHOW TABLES").rows:
            oracle.take(str(table))
        yield oracle
    finally:
        oracle.close()


def _kind(field: Any) -> str:
    if field.flags & FLAG.ENUM:
        return "enum"
    if field.flags & FLAG.SET:
        return "set"
    kind = KINDS[field.type_code]
    return "binary" if kind == "string" and field.charsetnr == 63 else kind


def _text(value: Any) -> str | None:
    return value.decode("latin1") if isinstance(value, bytes) else value


def _parsed(text: str | None, column: Column) -> Any:
    """A value of the text protocol in the column's Arrow type."""
    name = column.type.name
    if text is None or column.type.arrow() == pa.string():
        return text
    if column.type.arrow() == pa.binary():
        return text.encode("latin1")
    if name == "decimal":
        return Decimal(text)
    if name in ("float", "double"):
        return float(text)
    if name == "date":
        return datetime.date.fromisoformat(text)
    if name in ("datetime", "timestamp"):
        return datetime.datetime.fromisoformat(text)
    if name == "time":
        sign, clock = (-1, text[1:]) if text[0] == "-" else (1, text)
        hours, minutes, seconds = clock.split(":")
        micros = int(Decimal(seconds) * 1_000_000)
        return datetime.timedelta(
            microseconds=sign
            * (int(hours) * 3_600_000_000 + int(minutes) * 60_000_000 + micros)
        )
    return int(text)


def _printed(value: Any, field: Any) -> str | None:
    """An Arrow value as MySQL's text protocol has it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin1")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        if field.scale < 31:
            return f"{value:.{field.scale}f}"
        single = field.type_code == FIELD_TYPE.FLOAT
        return _shortest(f"{value:.6g}" if single else repr(value))
    if isinstance(value, datetime.datetime):
        text = value.replace(microsecond=0).isoformat(" ")
        return text + (
            f".{value.microsecond:06}"[: field.scale + 1] if field.scale else ""
        )
    if isinstance(value, datetime.timedelta):
        micros = abs(value) // datetime.timedelta(microseconds=1)
        seconds, micros = divmod(micros, 1_000_000)
        sign = "-" if value < datetime.timedelta(0) else ""
        text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return text + (f".{micros:06}"[: field.scale + 1] if field.scale else "")
    return str(value)


def _shortest(text: str) -> str:
    number = Decimal(text)
    if number == 0:
        return "-0" if text.startswith("-") else "0"
    sign, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)
    point = len(digits) + exponent
    if -14 <= point <= 15 or len(digits) > point > 0:
        return f"{number.normalize():f}"
    mantissa = "".join(map(str, digits))
    mantissa = mantissa[0] + ("." + mantissa[1:] if len(mantissa) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{point - 1}"
