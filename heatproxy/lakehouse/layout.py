"""Which field of a file is which column of its table.

Source: HeatWave User Guide, "Lakehouse External Table JSON Syntax":
``match_columns_by``, ``allow_missing_columns``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from heatproxy.datatypes import Column
from heatproxy.lakehouse.catalogue import LH, Condition, failure
from heatproxy.lakehouse.dialect import BY_ORDER, Dialect

_NO_FLAGS: frozenset[int] = frozenset()


class Warn(Protocol):
    """Takes a warning; ``times`` says how many like it there are."""

    def __call__(self, condition: Condition, times: int = 1) -> None: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table, and which of them are loaded.

    ``exact``: they were inferred from a sample, so every value must be one that
    inference would have given the same type; those in ``unseen`` had no value there.
    """

    columns: tuple[Column, ...]
    left_out: frozenset[int] = _NO_FLAGS  # NOT SECONDARY: in the files, not loaded
    exact: bool = False
    unseen: frozenset[int] = _NO_FLAGS

    @property
    def loaded(self) -> tuple[int, ...]:
        """The places of the columns that are loaded."""
        return tuple(k for k in range(len(self.columns)) if k not in self.left_out)

    def schema(self) -> pa.Schema:
        """The Arrow types in which the loaded columns travel."""
        return arrow_schema([self.columns[k] for k in self.loaded])


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow types in which these columns travel."""
    return pa.schema(
        [
            pa.field(column.name, column.type.arrow(), column.nullable)
            for column in columns
        ]
    )


def fields_of(
    names: Sequence[str],
    dialect: Dialect,
    file_names: Sequence[str | None] | None,
    where: str,
) -> tuple[int | None, ...]:
    """For each column its field in a file, from 0; None: the file lacks it.

    Args:
        names: of the table's columns.
        file_names: of the file's fields; None where it says none.
        where: what messages call the file.

    Raises:
        MySQLError: 6515, a column that the file lacks and must not; 6516, a name that
            it has twice.
    """
    if dialect.match_columns_by == BY_ORDER or file_names is None:
        return tuple(range(len(names)))
    folds = dialect.match_columns_by == "name_case_insensitive"
    places: dict[str, int] = {}
    for place, given in enumerate(file_names):
        if given is not None:
            name = given.lower() if folds else given
            if name in places:
                raise failure(LH.COL_NAME_DUPLICATE, where, detail=f" (`{given}`)")
            places[name] = place
    found = tuple(places.get(name.lower() if folds else name) for name in names)
    if None in found and not dialect.allow_missing_columns:
        place = found.index(None)
        detail = f" (`{names[place]}`)"
        raise failure(LH.COL_NAME_MISSING, place + 1, where, detail=detail)
    return found
