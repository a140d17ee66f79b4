"""Avro object container files: columns from their schema, rows a block at a time.

Source: Apache Avro 1.12 Specification, "Object Container Files", "Logical Types";
HeatWave User Guide, "Avro Data Type Specifications".
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import fastavro
import pyarrow as pa
from fastavro.read import SchemaResolutionError

from heatproxy.errors import MySQLError, interrupted
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.dialect import BY_ORDER, Dialect
from heatproxy.lakehouse.inference import Inferred, require_rows
from heatproxy.lakehouse.layout import Layout, Warn
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.typed import Fitter, Lengths

CODECS = ("null", "deflate", "snappy")
_PHYSICAL = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "bytes": pa.binary(),
    "fixed": pa.binary(),
    "enum": pa.string(),
    "null": pa.string(),
}
_LOGICAL = {
    ("int", "date"): pa.date32(),
    ("int", "time-millis"): pa.time32("ms"),
    ("long", "time-micros"): pa.time64("us"),
    ("long", "timestamp-millis"): pa.timestamp("ms", "UTC"),
    ("long", "timestamp-micros"): pa.timestamp("us", "UTC"),
    ("long", "local-timestamp-millis"): pa.timestamp("ms"),
    ("long", "local-timestamp-micros"): pa.timestamp("us"),
}
Named = dict[str, Mapping[str, Any]]  # by full name, as fastavro tells it
_BROKEN = (ValueError, IndexError, KeyError, OverflowError, ArithmeticError, TypeError)


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    return dialect


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
    sampling: bool,
) -> Inferred:
    """Types from the files' schema; strings are as long as the longest value.

    Raises:
        MySQLError: 6072, files of different schemas; 6098, no rows; 6075 and 6078, a
            type that is none of MySQL's; those of reading; 1317.
    """
    lengths: Lengths | None = None
    places: dict[int, int] | None = {}
    rows = 0
    for file in files:
        with _open(file) as blocks:
            schema = _schema(blocks, file)
            lengths = lengths or Lengths(schema)
            places = lengths.places(schema, dialect, file.display)
            # a file of Avro names its columns: by order these are the same, too
            by_order = dialect.match_columns_by == BY_ORDER
            if places is None or (by_order and schema.names != lengths.schema.names):
                raise failure(LH.AVRO_HEADER_MISMATCH, file.display)
            for batch in _batches(blocks, schema, file, cancelled):
                rows += batch.num_rows
                for k in lengths.texts:
                    if k in places:
                        lengths.meet(k, batch.column(places[k]))
        progress(file.size_bytes)
    require_rows(rows)
    assert lengths is not None  # there are no rows without a file
    columns, warnings = lengths.columns("Avro")
    size = sum(file.size_bytes for file in files)
    return Inferred(columns, rows, size, warnings)


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    layout: Layout,
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The rows of all files.

    Raises:
        MySQLError: those of Fitter and of reading; 1317.
    """
    for file in files:
        with _open(file) as blocks:
            found = _schema(blocks, file)
            fitter = Fitter(file, found, dialect, layout, strict, warn)
            for batch in _batches(blocks, found, file, cancelled):
                yield fitter.fit(batch.select(fitter.fields))
        progress(file.size_bytes)


@contextmanager
def _open(file: DataFile) -> Iterator["fastavro.block_reader"]:
    with open(file.path, "rb") as stream:
        try:
            blocks = fastavro.block_reader(stream)
        except (*_BROKEN, EOFError, OSError):
            raise failure(LH.AVRO_CANNOT_PARSE_HEADER, file.display) from None
        if blocks.codec not in CODECS:
            why = f"only {', '.join(CODECS)} are read"
            raise failure(
                LH.AVRO_DECODING_ERR, file.display, f"codec {blocks.codec}", why
            )
        yield blocks


def _schema(blocks: "fastavro.block_reader", file: DataFile) -> pa.Schema:
    """The columns of a file's records."""
    written = blocks.writer_schema
    if not isinstance(written, Mapping) or written.get("type") != "record":
        raise failure(LH.AVRO_CANNOT_PARSE_HEADER, file.display)
    named: Named = {}
    fields = enumerate(written["fields"], 1)
    return pa.schema([_field(one, k, file, named) for k, one in fields])


def _field(
    one: Mapping[str, Any], index: int, file: DataFile, named: Named
) -> pa.Field:
    """A column; ``named`` are the types that those before it have defined."""
    kind, nullable = one["type"], False
    if isinstance(kind, list):
        others = [member for member in kind if member != "null"]
        if len(others) != 1 or len(kind) != 2:
            raise failure(LH.AVRO_INVALID_UNION, index, file.display)
        kind, nullable = others[0], True
    if isinstance(kind, Mapping) and "name" in kind:
        named[kind["name"]] = kind
    elif isinstance(kind, str):
        kind = named.get(kind, kind)
    physical = str(kind["type"] if isinstance(kind, Mapping) else kind)
    logical = str(kind.get("logicalType", "")) if isinstance(kind, Mapping) else ""
    if logical == "decimal" and physical in ("bytes", "fixed"):
        precision, scale = int(kind["precision"]), int(kind.get("scale", 0))
        arrow = (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale)
    elif logical == "uuid" and physical in ("string", "fixed"):
        arrow = pa.string()
    else:
        arrow = _LOGICAL.get((physical, logical), _PHYSICAL.get(physical))
    if arrow is None:
        raise failure(
            LH.AVRO_TYPE_CANNOT_CONVERT, index, file.display, physical, logical, "any"
        )
    return pa.field(one["name"], arrow, nullable or physical == "null")


def _batches(
    blocks: "fastavro.block_reader",
    schema: pa.Schema,
    file: DataFile,
    cancelled: Cancelled,
) -> Iterator[pa.RecordBatch]:
    """The records of each block, a list of Python values a column."""
    try:
        for block in blocks:
            if cancelled():
                raise interrupted()
            records: list[Any] = list(block)
            arrays = [_array(records, one) for one in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    except EOFError:
        raise failure(LH.AVRO_FILE_ENDS_UNEXPECTEDLY, file.display) from None
    except MySQLError:
        raise
    except (SchemaResolutionError, UnicodeDecodeError, *_BROKEN) as problem:
        text = str(problem)
        raise failure(LH.AVRO_DECODING_ERR, file.display, "data", text) from None


def _array(records: Sequence[Mapping[str, Any]], one: pa.Field) -> pa.Array:
    values = [record[one.name] for record in records]
    if pa.types.is_string(one.type):
        values = [None if value is None else _text(value) for value in values]
    return pa.array(values, one.type)


def _text(value: Any) -> str:
    """A string, or a UUID, which comes as an object or as its bytes."""
    return str(UUID(bytes=value) if isinstance(value, bytes) else value)
