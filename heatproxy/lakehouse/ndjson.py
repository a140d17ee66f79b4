"""Newline-delimited JSON: one column of type JSON, one value a line.

Source: HeatWave User Guide, "Lakehouse JSON": a single JSON column is the only
valid schema.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from heatproxy.datatypes import Column, MySQLType
from heatproxy.errors import MySQLError
from heatproxy.lakehouse.catalogue import LH, failure, warning
from heatproxy.lakehouse.convert import convert
from heatproxy.lakehouse.dialect import AUTO, Dialect
from heatproxy.lakehouse.documents import canonical
from heatproxy.lakehouse.fields import Reader
from heatproxy.lakehouse.inference import Inferred, require_rows
from heatproxy.lakehouse.layout import Layout, Warn
from heatproxy.lakehouse.records import Cancelled, Progress, chunks
from heatproxy.lakehouse.sample import Sample, can_be_sampled
from heatproxy.lakehouse.streams import DataFile
from heatproxy.lakehouse.temporal import NO_OPS
from heatproxy.lakehouse.tokens import NULL, QUOTED

_BLANKS = " \t\r\n"
_TEXT = Column("col_1", MySQLType("longtext"), nullable=True)


def resolve(files: Sequence[DataFile], dialect: Dialect) -> Dialect:
    """A dialect in which a line is one field; a blank before a line end is JSON's."""
    record = "\n" if dialect.record_delimiter == AUTO else dialect.record_delimiter
    return replace(
        dialect,
        field_delimiter="",
        record_delimiter=record,
        quotation_marks="",
        escape_character="",
    )


def infer(
    files: Sequence[DataFile],
    dialect: Dialect,
    cancelled: Cancelled,
    progress: Progress,
    sampling: bool,
) -> Inferred:
    """One JSON column; the values are checked when they are read."""
    rows, size = 0, sum(file.size_bytes for file in files)
    columns = (Column("col_1", MySQLType("json"), True),)
    by_sample = sampling and can_be_sampled(files)
    stood = 0
    for file in files:
        if by_sample:
            sample = Sample(file, dialect, 1, 1.0, cancelled)
            for chunk, stored in sample:
                rows += int(np.count_nonzero(chunk.lens))
                stood += stored
            if rows and not sample.is_whole:
                return Inferred(columns, rows * size // stood, size)
            continue
        for chunk in chunks(file, dialect, 1, cancelled, progress):
            rows += int(np.count_nonzero(chunk.lens))
    require_rows(rows)
    return Inferred(columns, rows, size)


def batches(
    files: Sequence[DataFile],
    dialect: Dialect,
    layout: Layout,
    strict: bool,
    warn: Warn,
    cancelled: Cancelled,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    """The lines that are not empty; what is not JSON is 6121, or NULL if lenient.

    Raises:
        MySQLError: 6131, the columns are not one JSON column; 6121; 1317.
    """
    columns = layout.columns
    if len(columns) != 1 or columns[0].type.name != "json":
        raise MySQLError(
            6131,
            "HY000",
            "Invalid json file format schema: a single column of type JSON is needed",
        )
    schema = layout.schema()
    reader = Reader(0, _TEXT, NO_OPS)
    for file in files:
        given = (file.is_strict_mode, dialect.is_strict_mode, strict)
        strictly = next(mode for mode in given if mode is not None)
        for chunk in chunks(file, dialect, 1, cancelled, progress):
            # the bare word NULL is no SQL NULL here, but text that is not JSON
            chunk.flags[:] = (chunk.flags & ~np.uint8(NULL)) | QUOTED
            lines, _ = convert(chunk, reader)
            kept: list[str | None] = []
            for row, line in enumerate(lines.to_pylist()):
                if not (line or "").strip(_BLANKS):
                    continue
                try:
                    kept.append(canonical(line))
                except ValueError as problem:
                    values = (1, chunk.where(row), f"Invalid JSON text: {problem}")
                    if strictly or not columns[0].nullable:
                        raise failure(LH.JSON_PARSING, *values) from None
                    warn(warning(LH.JSON_PARSING, *values))
                    kept.append(None)
            yield pa.record_batch([pa.array(kept, pa.string())], schema=schema)
