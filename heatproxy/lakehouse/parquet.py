"""Parquet files: columns from their metadata, rows cast to the table's types.

Source: HeatWave User Guide, "Parquet Data Type Specifications".
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heatproxy.datatypes import Column, MySQLType
from heatproxy.errors import interrupted, not_supported
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.csv import Warn, arrow_schema
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.inference import (
    Inferred,
    column_names,
    require_rows,
    string_type,
)
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.streams import DataFile

ROWS_PER_BATCH = 1 << 16
_INTEGERS = {8: "tinyint", 16: "smallint", 32: "int", 64: "bigint"}


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    return dialect


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
) -> Inferred:
    """Types from the first file's schema; strings are as long as the longest value.

    Raises:
        MySQLError: 6088, files of different schemas; 6098, no rows; 1235, a nested
            or unknown type, by name.
    """
    schema: pa.Schema | None = None
    rows = 0
    lengths: dict[int, tuple[int, int]] = {}
    for file in files:
        with _open(file) as parquet:
            found = parquet.schema_arrow.remove_metadata()
            if schema is None:
                schema = found
            elif not schema.equals(found):
                raise failure(LH.PARQUET_SCHEMA_MISMATCH)
            rows += parquet.metadata.num_rows
            texts = [k for k, field in enumerate(schema) if _is_text(field.type)]
            _measure(parquet, schema, texts, lengths, cancelled)
        progress(file.size_bytes)
    require_rows(rows)
    if schema is None:  # no rows without a file
        raise AssertionError
    names, warnings = column_names(schema.names, len(schema))
    columns = tuple(
        # NaN becomes NULL, so a float may always be NULL
        Column(
            name,
            _type_of(field, lengths.get(k, (0, 0))),
            field.nullable or pa.types.is_floating(field.type),
        )
        for k, (name, field) in enumerate(zip(names, schema, strict=True))
    )
    size = sum(file.size_bytes for file in files)
    return Inferred(columns, rows, size, warnings)


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    columns: Sequence[Column],
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The rows of all files; columns are matched by their order.

    A value that does not fit is an error in every mode, for now.

    Raises:
        MySQLError: 6062, another number of columns; 6041, 6045, 6066, a value that
            does not fit; 1317.
    """
    schema = arrow_schema(columns)
    for file in files:
        with _open(file) as parquet:
            found = len(parquet.schema_arrow)
            if found != len(columns):
                raise failure(LH.COLUMN_MISMATCH_ERR, file.display, len(columns), found)
            for batch in parquet.iter_batches(ROWS_PER_BATCH):
                if cancelled():
                    raise interrupted()
                arrays = [
                    _cast(array, column, k, file.display)
                    for k, (array, column) in enumerate(
                        zip(batch.columns, columns, strict=True), 1
                    )
                ]
                yield pa.record_batch(arrays, schema=schema)
        progress(file.size_bytes)


def _open(file: DataFile) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file.path)
    except (pa.ArrowInvalid, OSError) as problem:
        raise failure(LH.PARQUET_OPEN_ERR, file.display, problem) from None


def _is_text(kind: pa.DataType) -> bool:
    while pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _measure(
    parquet: pq.ParquetFile,
    schema: pa.Schema,
    texts: Sequence[int],
    lengths: dict[int, tuple[int, int]],
    cancelled: Cancelled,
) -> None:
    """The longest value of each string column, in characters and in bytes."""
    if not texts:
        return
    names = [schema.field(k).name for k in texts]
    for batch in parquet.iter_batches(ROWS_PER_BATCH, columns=names):
        if cancelled():
            raise interrupted()
        for k, array in zip(texts, batch.columns, strict=True):
            plain = array.cast(pa.string())
            chars = pc.max(pc.utf8_length(plain)).as_py() or 0
            octets = pc.max(pc.binary_length(plain)).as_py() or 0
            before = lengths.get(k, (0, 0))
            lengths[k] = (max(before[0], chars), max(before[1], octets))


def _type_of(field: pa.Field, longest: tuple[int, int]) -> MySQLType:
    kind = field.type
    if _is_text(kind):
        return string_type(*longest)
    if pa.types.is_boolean(kind):
        return MySQLType("tinyint")
    if pa.types.is_integer(kind):
        unsigned = pa.types.is_unsigned_integer(kind)
        return MySQLType(_INTEGERS[kind.bit_width], unsigned=unsigned)
    if pa.types.is_floating(kind):
        return MySQLType("double" if kind.bit_width == 64 else "float")
    if pa.types.is_decimal(kind) and kind.precision <= 65 and 0 <= kind.scale <= 30:
        return MySQLType("decimal", precision=kind.precision, scale=kind.scale)
    if pa.types.is_date(kind):
        return MySQLType("date")
    if pa.types.is_timestamp(kind):
        digits = {"s": None, "ms": 3}.get(kind.unit, 6)
        return MySQLType("datetime", scale=digits)
    if pa.types.is_time(kind):
        return MySQLType("time", scale={"s": None, "ms": 3}.get(kind.unit, 6))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return MySQLType("longblob")
    raise not_supported(f"Parquet column {field.name} of type {kind}")


def _cast(array: Any, column: Column, index: int, where: str) -> pa.Array:
    target = column.type.arrow()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    detail = f" (`{column.name}` {column.type.sql()})"
    try:
        if pa.types.is_time(array.type):
            array = array.cast(pa.time64("us")).cast(pa.int64())
        elif pa.types.is_timestamp(array.type) and array.type.tz:
            array = array.cast(pa.timestamp("us", array.type.tz)).cast(
                pa.timestamp("us")
            )
        array = array.cast(target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        name = column.type.name
        raise failure(
            LH.BAD_VALUE, index, where, name, detail=f"{detail}: {problem}"
        ) from None
    if array.null_count and not column.nullable:
        raise failure(LH.COL_NOT_NULLABLE, index, where, detail=detail)
    most = column.type.length
    if most is not None and pa.types.is_string(target):
        longest = pc.max(pc.utf8_length(array)).as_py() or 0
        if longest > most:
            raise failure(LH.STRING_TOO_LONG, index, where, detail=detail)
    return array
