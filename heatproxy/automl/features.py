"""Which columns of a table a model looks at, and the matrix they make.

The reference drops columns that are constant, mostly unique or more than 20 %
missing. Here only columns that can teach nothing are dropped: constant ones, empty
ones, keys. A column with many NULLs stays, as every estimator takes NULL and that a
value is missing often says something. ``include_column_list`` overrules the rest.

Source: HeatWave User Guide, "Prepare data for AutoML".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import (
    Category,
    Elapsed,
    Feature,
    FloatArray,
    FreeText,
    Moment,
    Numeric,
    as_text,
    is_number,
    is_text,
    moments_of,
    numbers,
)
from heatproxy.errors import MySQLError, ml_error, not_supported

_KEY_NAME = re.compile(r"(?i:(.*_)?(id|rowid|uuid|guid|index))|.*[a-z](Id|ID)")
MOST_LEVELS = 1000
MOSTLY_UNIQUE = 0.95
MIN_ROWS_TO_CALL_UNIQUE = 20
WORDS_IN_A_SENTENCE = 4


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The columns of a model: all of them by name, and how the useful ones encode.

    ``columns`` are in training order and must all be given for a prediction;
    ``used`` are those whose values reach the estimator.
    """

    columns: tuple[str, ...]
    used: tuple[Feature, ...]

    @property
    def width(self) -> int:
        return sum(feature.width for feature in self.used)

    @property
    def numeric_names(self) -> frozenset[str]:
        """What is a number, in lower case: texts given for it are read."""
        numeric = (one for one in self.used if isinstance(one, Numeric))
        return frozenset(one.name.lower() for one in numeric)

    @property
    def categorical(self) -> tuple[int, ...]:
        """The matrix columns that hold codes of categories."""
        starts = self.slices()
        return tuple(
            where.start
            for feature, where in zip(self.used, starts, strict=True)
            if feature.is_categorical
        )

    def slices(self) -> list[slice]:
        """The matrix columns of each used feature."""
        ends = np.cumsum([feature.width for feature in self.used]).tolist()
        return [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]

    def select(self, table: pa.Table) -> list[pa.Array]:
        """The used columns of a table, whatever letter case it spells them in.

        Raises:
            MySQLError: 3877 ML003011, the table lacks a column of the training.
        """
        places = _places(table.column_names)
        if any(_find(places, name) is None for name in self.columns):
            raise ml_error(
                "ML003011",
                "Columns of provided data need to match those used for training. "
                f"Provided - {table.column_names} vs Trained - {list(self.columns)}",
            )
        return [
            plain(table.column(_find(places, feature.name))) for feature in self.used
        ]

    def encode(self, table: pa.Table) -> FloatArray:
        """The table, Arrow (n_rows, any), as a matrix (n_rows, width).

        Raises:
            MySQLError: 3877 ML003011 a column is missing, ML003015 a value cannot be
                read as what the column was trained on.
        """
        arrays = self.select(table)
        matrix = np.empty((table.num_rows, self.width))
        for feature, where, column in zip(
            self.used, self.slices(), arrays, strict=True
        ):
            matrix[:, where] = feature.encode(column)
        return matrix


def fit_features(
    table: pa.Table,
    columns: Sequence[str],
    keep: Iterable[str] = (),
    signals: FloatArray | None = None,
) -> FeatureSet:
    """Decide what each of ``columns`` is; those in ``keep`` are never dropped as keys.

    ``signals`` (n_rows, any), where something is to be learned: a number, or 1 for the
    rows of each class.

    Raises:
        MySQLError: 3877 ML001051 a row is all NULL, ML001052 no column is useful;
            1235 a column of bytes.
    """
    arrays = {name: plain(table.column(name)) for name in columns}
    _refuse_empty_rows(arrays)
    kept = {name.lower() for name in keep}
    found: list[Feature] = []
    keys: list[Feature] = []
    for name, column in arrays.items():
        feature, is_key = _recognise(name, column, signals)
        if feature is not None:
            dropped = is_key and name.lower() not in kept
            (keys if dropped else found).append(feature)
    # a table of nothing but keys is still a table somebody wants to learn from
    used = tuple(found or keys)
    if not used:
        raise all_dropped()
    return FeatureSet(tuple(columns), used)


def all_dropped() -> MySQLError:
    return ml_error(
        "ML001052",
        "All columns are dropped. They are constant, mostly unique, or have a lot of "
        "missing values!",
    )


def plain(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One array of a plain type: no chunks, dictionaries or long-string offsets."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    return column


def find_column(names: Sequence[str], wanted: str) -> int | None:
    """The place of a column by name; its own spelling wins over another case."""
    return _find(_places(names), wanted)


def _recognise(
    name: str, column: pa.Array, signals: FloatArray | None
) -> tuple[Feature | None, bool]:
    """What a column is (None: nothing to learn from), and whether it is a key."""
    kind = column.type
    if column.null_count == len(column):
        return None, False
    if pa.types.is_duration(kind):
        return (Elapsed(name) if _distinct(column) > 1 else None), False
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Moment.fit(name, column), False
    if is_number(kind):
        return _recognise_number(name, column)
    if is_text(kind):
        return _recognise_text(name, column, signals)
    raise not_supported(
        f"column '{name}' of type {kind} in training; name it in exclude_column_list"
    )


def _recognise_number(name: str, column: pa.Array) -> tuple[Feature | None, bool]:
    distinct = _distinct(column)
    if distinct < 2 and not column.null_count:
        return None, False
    unique = distinct == len(column) >= MIN_ROWS_TO_CALL_UNIQUE
    whole = pa.types.is_integer(column.type)
    return Numeric(name), unique and whole and bool(_KEY_NAME.fullmatch(name))


def _recognise_text(
    name: str, column: pa.Array, signals: FloatArray | None
) -> tuple[Feature | None, bool]:
    values = pc.unique(column.drop_null())
    if len(values) < 2 and not column.null_count:
        return None, False
    if _holds_numbers(values, name):
        return _recognise_number(name, column)
    if _holds_moments(values, name):
        return Moment.fit(name, column), False
    n_valid = len(column) - column.null_count
    if len(values) > n_valid / 2 and _looks_written(values):
        return FreeText.fit(name, column, signals), False
    unique = len(values) >= max(MOSTLY_UNIQUE * n_valid, MIN_ROWS_TO_CALL_UNIQUE)
    # a word seen once in a long table teaches nothing but its own row
    min_count = 1 if len(column) < 200 or unique else 2
    category = Category.fit(name, column, min_count, MOST_LEVELS)
    if len(category.levels) + category.null_level < 2 and min_count == 1:
        return None, False
    return category, unique


def _holds_numbers(values: pa.Array, name: str) -> bool:
    if pc.any(pc.match_substring_regex(values, "^ *0[0-9]")).as_py():
        return False  # codes such as 00501, where the zeros count
    try:
        numbers(values, name)
    except MySQLError:
        return False
    return True


def _holds_moments(values: pa.Array, name: str) -> bool:
    if not pc.all(pc.match_substring_regex(values, r"^\d{4}-\d{2}-\d{2}")).as_py():
        return False
    try:
        moments_of(values, name)
    except MySQLError:
        return False
    return True


def _looks_written(values: pa.Array) -> bool:
    spaces = pc.count_substring_regex(values[:1000], r"\w\s+\w")
    return bool(pc.mean(spaces).as_py() >= WORDS_IN_A_SENTENCE - 1)


def _distinct(column: pa.Array) -> int:
    return int(pc.count_distinct(column, mode="only_valid").as_py())


def _refuse_empty_rows(arrays: dict[str, pa.Array]) -> None:
    live = [column for column in arrays.values() if column.null_count < len(column)]
    if not live:
        raise all_dropped()
    nulls = np.ones(len(live[0]), dtype=bool)
    for column in live:
        nulls &= pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False)
    if nulls.any():
        raise ml_error(
            "ML001051",
            "One or more rows contain all NaN values. Imputation is not possible on "
            "such rows.",
        )


def _places(names: Sequence[str]) -> dict[str, int]:
    exact = {name: place for place, name in reversed(list(enumerate(names)))}
    folded = {name.lower(): place for name, place in exact.items()}
    return folded | exact


def _find(places: dict[str, int], wanted: str) -> int | None:
    return places.get(wanted, places.get(wanted.lower()))


__all__ = [
    "FeatureSet",
    "all_dropped",
    "as_text",
    "find_column",
    "fit_features",
    "plain",
]
