"""How one column of a table becomes numbers: one small class a kind of column.

    Numeric   numbers as they are; NULL is NaN
    Elapsed   a TIME in seconds
    Moment    the parts of a date or time that vary: year, month, weekday, hour, ...
    Category  the rank of a value among the known ones, most frequent first
    FreeText  TF-IDF weights projected on a few directions

Every class reads what a JSON row may hold instead of the column's own type: numbers
and moments written as strings, numbers where words were trained. What cannot be read
is refused, a word that was never seen is NaN.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from heatproxy.errors import MySQLError, ml_error

FloatArray = npt.NDArray[np.float64]

_FEW = 2_000  # words that are looked through for each other
_FEW_ROWS = 16
MOMENT_PARTS = (
    "days",
    "year",
    "month",
    "day",
    "day_of_week",
    "day_of_year",
    "hour",
    "minute",
)
TEXT_TERMS, TEXT_DIRECTIONS, TEXT_FIT_ROWS = 2000, 16, 20_000
TEXT_WORDS = 64
TELLING = 3.0  # standard errors: of 2,000 terms that tell nothing about five get there


class Feature(Protocol):
    """One column of the training table that the model looks at."""

    kind: ClassVar[str]
    is_categorical: ClassVar[bool]

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int:
        """How many matrix columns it fills."""
        ...

    def encode(self, column: pa.Array) -> FloatArray:
        """The column, Arrow (n_rows,), as numbers (n_rows, width)."""
        ...


@dataclass(frozen=True, slots=True)
class Numeric:
    """Integers, decimals, floats, and strings that all hold numbers."""

    name: str
    kind: ClassVar[str] = "numeric"
    is_categorical: ClassVar[bool] = False
    width: ClassVar[int] = 1

    def encode(self, column: pa.Array) -> FloatArray:
        return _column(numbers(column, self.name))


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A TIME value, in seconds."""

    name: str
    kind: ClassVar[str] = "elapsed"
    is_categorical: ClassVar[bool] = False
    width: ClassVar[int] = 1

    def encode(self, column: pa.Array) -> FloatArray:
        if is_text(column.type):
            parsed = pd.to_timedelta(
                pd.Series(column.to_pylist(), dtype=object), errors="coerce"
            )
            seconds = parsed.dt.total_seconds().to_numpy(np.float64)
            if np.isnan(seconds).sum() > column.null_count:
                raise wrong_type(self.name, column.type, self.kind)
            return _column(seconds)
        if not (pa.types.is_duration(column.type) or pa.types.is_null(column.type)):
            raise wrong_type(self.name, column.type, self.kind)
        microseconds = column.cast(pa.duration("us")).cast(pa.int64())
        return _column(_floats(microseconds) / 1e6)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or a point in time, as those of its parts that vary in training."""

    name: str
    parts: tuple[str, ...]
    kind: ClassVar[str] = "moment"
    is_categorical: ClassVar[bool] = False

    @property
    def width(self) -> int:
        return len(self.parts)

    def encode(self, column: pa.Array) -> FloatArray:
        moments = moments_of(column, self.name)
        return np.column_stack([_part(moments, part) for part in self.parts])

    @classmethod
    def fit(cls, name: str, column: pa.Array) -> "Moment | None":
        """The parts that take more than one value; None when none does."""
        moments = moments_of(column, name)
        varying = tuple(part for part in MOMENT_PARTS if _varies(_part(moments, part)))
        return cls(name, varying) if varying else None


@dataclass(frozen=True, slots=True)
class Category:
    """Words from a list. NULL is a word of its own if training has seen it."""

    name: str
    levels: tuple[str, ...]
    null_level: bool
    kind: ClassVar[str] = "category"
    is_categorical: ClassVar[bool] = True
    width: ClassVar[int] = 1

    def encode(self, column: pa.Array) -> FloatArray:
        words = as_text(column)
        if len(column) * len(self.levels) <= _FEW:  # making an index takes longer
            return _column(np.array([self._code(w) for w in words.to_pylist()]))
        known = pa.array(self.levels, pa.string())
        codes = _floats(pc.index_in(words, value_set=known, skip_nulls=True))
        if self.null_level:
            codes[pc.is_null(words).to_numpy(zero_copy_only=False)] = len(self.levels)
        return _column(codes)

    def _code(self, word: str | None) -> float:
        if word is None and self.null_level:
            return float(len(self.levels))
        return float(self.levels.index(word)) if word in self.levels else np.nan

    @classmethod
    def fit(cls, name: str, column: pa.Array, min_count: int, most: int) -> "Category":
        """The at most ``most`` words seen ``min_count`` times or more."""
        counts = pc.value_counts(as_text(column).drop_null())
        words = np.array(counts.field("values").to_pylist(), dtype=object)
        times = counts.field("counts").to_numpy()
        order = sorted(range(len(words)), key=lambda i: (-times[i], words[i]))
        kept = [str(words[i]) for i in order if times[i] >= min_count][:most]
        return cls(name, tuple(kept), column.null_count > 0)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Sentences: TF-IDF weights of ``terms``, projected on ``directions``.

    Beside them the weights of the few ``words``, places in ``terms``, that tell most
    of what was to be learned: directions follow what varies, which may be all else.
    """

    name: str
    terms: tuple[str, ...]
    idf: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]  # (n_directions, n_terms)
    words: tuple[int, ...] = ()
    kind: ClassVar[str] = "text"
    is_categorical: ClassVar[bool] = False

    @property
    def width(self) -> int:
        return len(self.directions) + len(self.words)

    def encode(self, column: pa.Array) -> FloatArray:
        vectorizer = TfidfVectorizer(vocabulary=list(self.terms), sublinear_tf=True)
        vectorizer.idf_ = np.array(self.idf)
        weights = vectorizer.transform(_sentences(column))
        found = np.asarray(weights @ np.array(self.directions).T, dtype=np.float64)
        if not self.words:
            return found
        return np.hstack([found, weights[:, list(self.words)].toarray()])

    @classmethod
    def fit(
        cls, name: str, column: pa.Array, signals: FloatArray | None = None
    ) -> "FreeText | None":
        """None when no two rows share a word.

        ``signals`` (n_rows, any) are what is to be learned: a number, or 1 for the
        rows of each class.
        """
        sentences = _sentences(column[:TEXT_FIT_ROWS])
        vectorizer = TfidfVectorizer(
            max_features=TEXT_TERMS, min_df=2, sublinear_tf=True
        )
        try:
            weights = vectorizer.fit_transform(sentences)
        except ValueError:  # an empty vocabulary
            return None
        most = min(TEXT_DIRECTIONS, weights.shape[1] - 1, weights.shape[0] - 1)
        if most < 1:
            return None
        directions = TruncatedSVD(most, random_state=0).fit(weights).components_
        return cls(
            name,
            tuple(str(term) for term in vectorizer.get_feature_names_out()),
            tuple(float(weight) for weight in vectorizer.idf_),
            tuple(tuple(float(x) for x in row) for row in np.round(directions, 7)),
            () if signals is None else _telling(weights, signals[:TEXT_FIT_ROWS]),
        )


KINDS: tuple[type[Numeric | Elapsed | Moment | Category | FreeText], ...] = (
    Numeric,
    Elapsed,
    Moment,
    Category,
    FreeText,
)


def to_state(feature: Feature) -> dict[str, Any]:
    """The feature as JSON values; ``from_state`` is the inverse."""
    return {"kind": feature.kind, **asdict(feature)}  # type: ignore[call-overload]


def from_state(state: dict[str, Any]) -> Feature:
    """Raises: KeyError, TypeError or StopIteration when it is no feature's state."""
    fields = {key: _frozen(value) for key, value in state.items() if key != "kind"}
    kind = next(kind for kind in KINDS if kind.kind == state["kind"])
    return kind(**fields)


def numbers(column: pa.Array, name: str) -> FloatArray:
    """Any column as doubles, NULL as NaN.

    Raises:
        MySQLError: 3877 ML003015, a string that is not a number.
    """
    kind = column.type
    if is_text(kind):
        parsed = pd.to_numeric(
            pd.Series(column.to_pylist(), dtype=object), errors="coerce"
        ).to_numpy(np.float64)
        if np.isnan(parsed).sum() > column.null_count:
            raise wrong_type(name, kind, Numeric.kind)
        return _finite(parsed)
    if not is_number(kind) and not pa.types.is_null(kind):
        raise wrong_type(name, kind, Numeric.kind)
    if kind in (pa.int64(), pa.float64()) and len(column) <= _FEW_ROWS:
        values = [np.nan if v is None else float(v) for v in column.to_pylist()]
        return _finite(np.array(values, dtype=np.float64))
    return _finite(_floats(column.cast(pa.float64(), safe=False)))


def moments_of(column: pa.Array, name: str) -> pa.Array:
    """A column of dates, times or ISO 8601 strings as Arrow timestamps.

    Raises:
        MySQLError: 3877 ML003015, a string that is no date.
    """
    kind = column.type
    if is_text(kind):
        parsed = pd.to_datetime(
            pd.Series(column.to_pylist(), dtype=object),
            errors="coerce",
            format="ISO8601",
            utc=True,
        )
        if parsed.isna().sum() > column.null_count:
            raise wrong_type(name, kind, Moment.kind)
        return pa.array(parsed.dt.tz_localize(None)).cast(pa.timestamp("us"))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind):
        return column.cast(pa.timestamp("us"))
    raise wrong_type(name, kind, Moment.kind)


def as_text(column: pa.Array) -> pa.Array:
    """The values as MySQL would print them, near enough to tell them apart."""
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_number(kind: pa.DataType) -> bool:
    types = pa.types
    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    return any(test(kind) for test in tests)


def wrong_type(name: str, got: pa.DataType, trained: str) -> MySQLError:
    """ML003015: a value that a column of the trained kind cannot hold."""
    return ml_error(
        "ML003015",
        "The input column types do not match the column types of dataset which the "
        f"model was trained on. ['{name}: {got}'] vs ['{name}: {trained}']",
    )


def _column(values: FloatArray) -> FloatArray:
    return values.reshape(-1, 1)


def _floats(column: pa.Array) -> FloatArray:
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    return np.array(
        column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    )


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)


def _varies(values: FloatArray) -> bool:
    seen = values[~np.isnan(values)]
    return bool(len(seen)) and bool(seen.min() != seen.max())


def _part(moments: pa.Array, part: str) -> FloatArray:
    if part == "days":
        return _floats(moments.cast(pa.int64())) / 86_400e6
    return _floats(getattr(pc, part)(moments))


def _telling(weights: Any, signals: FloatArray) -> tuple[int, ...]:
    """The terms that go most with a signal, more than chance has it; in their order.

    ``weights`` is sparse, (n_rows, n_terms).
    """
    n_rows = len(signals)
    means = np.asarray(weights.mean(axis=0)).ravel()
    squares = np.asarray(weights.multiply(weights).mean(axis=0)).ravel()
    spreads = np.sqrt(np.maximum(squares - means**2, 1e-12))
    scaled = signals - signals.mean(axis=0)
    scaled /= np.maximum(scaled.std(axis=0), 1e-12)
    together = np.asarray(weights.T @ scaled) / n_rows / spreads[:, None]
    errors = np.abs(together).max(axis=1) * np.sqrt(n_rows)
    best = np.argsort(-errors, kind="stable")[:TEXT_WORDS]
    return tuple(sorted(int(place) for place in best if errors[place] > TELLING))


def _sentences(column: pa.Array) -> list[str]:
    words: list[str] = pc.fill_null(as_text(column), "").to_pylist()
    return words


def _frozen(value: Any) -> Any:
    return tuple(_frozen(member) for member in value) if type(value) is list else value
