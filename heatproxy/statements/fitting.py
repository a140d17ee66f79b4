"""Rows of the engine in the Arrow types of MySQL's column definitions."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.engine import Trap
from heatproxy.wire.columns import (
    BINARY_CHARSET,
    ColumnDefinition,
    is_text,
    result_type,
)


def schema_of(columns: Sequence[ColumnDefinition]) -> pa.Schema:
    """What ``fit`` makes, its columns named c0, c1, ..."""
    return pa.schema([(f"c{i}", result_type(c)) for i, c in enumerate(columns)])


def fit(
    batch: pa.RecordBatch, columns: Sequence[ColumnDefinition], schema: pa.Schema
) -> pa.RecordBatch:
    """The rows as ``schema``, that of these columns.

    Raises:
        Trap: a value that its column cannot have, or text that would go out
            unconverted from a character set nobody has told us.
    """
    arrays = []
    for array, definition, field in zip(batch.columns, columns, schema, strict=True):
        if pa.types.is_string(array.type) and not _is_known(array, definition):
            raise Trap("a character_set_results of binary for more than ASCII")
        try:
            arrays.append(array.cast(field.type))
        except pa.ArrowInvalid:
            raise Trap(f"a value that {definition.name} cannot have") from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _is_known(array: pa.Array, definition: ColumnDefinition) -> bool:
    """Whether the bytes that the text goes out as are the right ones."""
    if definition.charset != BINARY_CHARSET or not is_text(definition):
        return True
    return pc.all(pc.string_is_ascii(array)).as_py() is not False
