"""What a table of users or items says of each of them, as numbers of one width.

Such a table comes with the option ``user_metadata`` or ``item_metadata``; it has one
row for a user or item, under the name that the ratings know it by. Its other columns
are read as those of any training table: numbers around their mean, words as one of
each, sentences by TF-IDF. Who has no row is all zeros.

Source: HeatWave User Guide, "Train a Recommendation Model".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import (
    Feature,
    FloatArray,
    FreeText,
    from_state,
    is_number,
    is_text,
    to_state,
)
from heatproxy.automl.features import (
    MIN_ROWS_TO_CALL_UNIQUE,
    FeatureSet,
    find_column,
    fit_features,
    plain,
)
from heatproxy.automl.recommend.interactions import codes_in
from heatproxy.errors import MySQLError, not_supported, secondary_engine

USER_METADATA, ITEM_METADATA = "user_metadata", "item_metadata"
TABLE_NAME, ROWS = "table_name", "rows"  # of such an option, once it is read
MOST_WORDS = 256  # that all columns of words together are read as
FEWEST_WORDS = 8  # of one such column
MOST_DEVIATIONS = 5.0

WeightArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Described:
    """``names``, Arrow (n_rows,), none twice; ``vectors`` (n_rows, width) of them."""

    names: pa.Array
    vectors: WeightArray

    def of(self, known: pa.Array) -> WeightArray:
        """The vectors of known names (n_known, width); zeros where there is none."""
        places = codes_in(known, self.names)
        return np.where((places >= 0)[:, None], self.vectors[places], np.float32(0.0))


@dataclass(frozen=True, slots=True)
class Describer:
    """How the tables of one option are read: as the table of the training was.

    ``words`` is how many matrix columns each feature of words becomes, 0 of another;
    ``centres`` and ``scales`` (n_numbers,) are those of the features of numbers.
    """

    option: str
    key: str
    features: FeatureSet
    words: tuple[int, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]

    @property
    def width(self) -> int:
        """Of the vectors; one number says that there is a row at all."""
        return 1 + sum(self.words) + len(self.centres)

    @classmethod
    def fit(cls, table: pa.Table, key: str, option: str) -> "Describer":
        """``key`` is the column of the names, in the training table's spelling.

        Raises:
            MySQLError: 3877, the table has no such column, no rows, a name twice, or
                nothing to learn from; 1235, a column that cannot be read.
        """
        _, table = _named_rows(table, key, option)
        names = list(table.column_names)
        for name in names:
            kind = plain(table.column(name)).type
            if not (is_number(kind) or is_text(kind) or _is_moment(kind)):
                raise not_supported(f"column '{name}' of type {kind} in {option}")
        filled = table.filter(_somewhere_valid(table)) if names else table
        if not names or not filled.num_rows:
            raise _teaches_nothing(option)
        try:
            # a title of each is no key
            texts = [name for name in names if is_text(plain(table[name]).type)]
            found = fit_features(filled, names, texts)
        except MySQLError as problem:
            if problem.number == 1235:
                raise
            raise _teaches_nothing(option) from None
        read = (_as_sentences(one, filled) for one in found.used)
        used = tuple(one for one in read if one is not None)
        if not used:
            raise _teaches_nothing(option)
        features = FeatureSet(tuple(one.name for one in used), used)
        many = sum(one.is_categorical for one in used)
        room = max(FEWEST_WORDS, MOST_WORDS // max(many, 1))
        words = tuple(
            min(_levels(one), room) if one.is_categorical else 0 for one in used
        )
        matrix = _numbers_of(features, features.encode(filled))
        known = ~np.isnan(matrix)
        counts = np.maximum(known.sum(axis=0), 1)
        centres = np.where(known, matrix, 0.0).sum(axis=0) / counts
        apart = np.where(known, matrix - centres, 0.0)
        scales = np.sqrt((apart**2).sum(axis=0) / counts)
        scales = np.where(scales > 0, scales, 1.0)
        return cls(option, key, features, words, tuple(centres.tolist()), tuple(scales))

    def read(self, table: pa.Table) -> Described:
        """The rows of a table, of the training or another one with its columns.

        Raises:
            MySQLError: 3877, see ``fit``; ML003011 a column of the training is not
                there; ML003015 a value cannot be read as the training's were.
        """
        names, rows = _named_rows(table, self.key, self.option)
        matrix = self.features.encode(rows)
        parts = [np.ones((len(names), 1), np.float32)]
        numbers = _numbers_of(self.features, matrix)
        apart = (numbers - np.array(self.centres)) / np.array(self.scales)
        apart = np.clip(np.nan_to_num(apart), -MOST_DEVIATIONS, MOST_DEVIATIONS)
        parts.append(apart.astype(np.float32))
        for count, where in zip(self.words, self.features.slices(), strict=True):
            if count:
                parts.append(_one_of(matrix[:, where.start], count))
        return Described(names, np.concatenate(parts, axis=1))

    def state(self) -> dict[str, Any]:
        """As JSON values; ``restore`` is the inverse."""
        return {
            "option": self.option,
            "key": self.key,
            "used": [to_state(one) for one in self.features.used],
            "words": list(self.words),
            "centres": list(self.centres),
            "scales": list(self.scales),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Describer":
        """Any exception means that it cannot be read."""
        used = tuple(from_state(one) for one in state["used"])
        words = tuple(int(count) for count in state["words"])
        centres, scales = (
            tuple(float(number) for number in state[name])
            for name in ("centres", "scales")
        )
        features = FeatureSet(tuple(one.name for one in used), used)
        n_numbers = sum(one.width for one in used if not one.is_categorical)
        if len(words) != len(used) or not features.width > 0:
            raise ValueError("unsound words")
        if any(
            not 0 <= count <= MOST_WORDS or (count > 0) != one.is_categorical
            for count, one in zip(words, used, strict=True)
        ):
            raise ValueError("unsound words")
        if len(centres) != n_numbers or len(scales) != n_numbers:
            raise ValueError("unsound numbers")
        if not np.isfinite([*centres, *scales]).all() or not all(scales):
            raise ValueError("unsound numbers")
        return cls(
            str(state["option"]), str(state["key"]), features, words, centres, scales
        )


def table_of(options: Mapping[str, Any], option: str) -> pa.Table | None:
    """The table that an option names, which has been read; None without it."""
    asked = options.get(option)
    return None if asked is None else asked[ROWS]


def _named_rows(table: pa.Table, key: str, option: str) -> tuple[pa.Array, pa.Table]:
    """The names, and the other columns, of all rows that have a name.

    Raises:
        MySQLError: 3877, see ``Describer.fit``.
    """
    place = find_column(table.column_names, key)
    if place is None:
        raise secondary_engine(
            f"The table of {option} must have the column '{key}' of the ratings, and "
            f"has {', '.join(repr(name) for name in table.column_names)}."
        )
    names = plain(table.column(place))
    if not is_text(names.type) and not pa.types.is_null(names.type):
        raise secondary_engine(
            f"Column '{key}' of type {names.type} in the table of {option} must be "
            "CHAR or VARCHAR."
        )
    rest = table.remove_column(place)
    if names.null_count:
        given = pc.is_valid(names)
        names, rest = names.filter(given), rest.filter(given)
    if not len(names):
        raise secondary_engine(f"The table of {option} has no rows.")
    counts = pc.value_counts(names)
    again = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(again):
        raise secondary_engine(
            f"The table of {option} must have one row for each '{key}', and has "
            f"{again[0]['counts']} for '{again[0]['values']}'."
        )
    return names.cast(pa.string()), rest


def _teaches_nothing(option: str) -> MySQLError:
    return secondary_engine(
        f"The table of {option} has no column to learn from besides that of the names:"
        " all are constant or empty."
    )


def _is_moment(kind: pa.DataType) -> bool:
    types = pa.types
    tests = (types.is_timestamp, types.is_date, types.is_duration, types.is_null)
    return any(test(kind) for test in tests)


def _somewhere_valid(table: pa.Table) -> pa.Array:
    valid = pc.is_valid(plain(table.column(0)))
    for place in range(1, table.num_columns):
        valid = pc.or_(valid, pc.is_valid(plain(table.column(place))))
    return valid


def _as_sentences(feature: Feature, table: pa.Table) -> Feature | None:
    """A column of texts of which most stand there once is read by their words.

    Descriptions are short here, "Action|Comedy", and the rows few. None of a key.
    """
    column = plain(table.column(feature.name))
    if not feature.is_categorical or not is_text(column.type):
        return feature
    distinct = pc.count_distinct(column, mode="only_valid").as_py()
    if 2 * distinct <= len(column):
        return feature
    is_key = distinct == len(column) >= MIN_ROWS_TO_CALL_UNIQUE
    return FreeText.fit(feature.name, column) or (None if is_key else feature)


def _levels(feature: Feature) -> int:
    levels = len(getattr(feature, "levels", ()))
    return max(1, levels + bool(getattr(feature, "null_level", False)))


def _numbers_of(features: FeatureSet, matrix: FloatArray) -> FloatArray:
    """The matrix columns of all features but words (n_rows, n_numbers)."""
    wanted = np.ones(features.width, bool)
    wanted[list(features.categorical)] = False
    return matrix[:, wanted]


def _one_of(codes: FloatArray, count: int) -> WeightArray:
    """(n_rows, count): 1.0 where the code says; nothing for rare and new words."""
    return np.asarray(codes[:, None] == np.arange(count)[None, :], np.float32)
