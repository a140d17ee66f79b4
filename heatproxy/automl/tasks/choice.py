"""What the lists of a call leave: models, and columns to learn from."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from heatproxy.automl.features import all_dropped, find_column
from heatproxy.errors import MySQLError, ml_error, secondary_engine
from heatproxy.options import Constraint, ListOf, Text

MODEL_LISTS: Mapping[str, Constraint] = {
    "model_list": ListOf(Text()),
    "exclude_model_list": ListOf(Text()),
}
COLUMN_LISTS: Mapping[str, Constraint] = {
    "include_column_list": ListOf(Text()),
    "exclude_column_list": ListOf(Text()),
}


def models_left(
    task: str, known: Sequence[str], values: Mapping[str, Any]
) -> list[str]:
    """The models, in the order of ``known``, that the two lists leave.

    Raises:
        MySQLError: 3877, a name that is no model of the task; ML003047, none is left.
    """
    wanted, unwanted = values["model_list"] or (), values["exclude_model_list"] or ()
    spelled = {name.lower(): name for name in known}
    for name in (*wanted, *unwanted):
        if name.lower() not in spelled:
            raise secondary_engine(
                f"'{name}' is not a model of the {task} task: known are "
                f"{', '.join(known)}"
            )
    left = {name.lower() for name in wanted} or set(spelled)
    left -= {name.lower() for name in unwanted}
    if not left:
        raise ml_error(
            "ML003047",
            "All supported models are excluded, but at least one model should be "
            "included.",
        )
    return [name for name in known if name.lower() in left]


def feature_columns(
    table: pa.Table, values: Mapping[str, Any], besides: Sequence[str] = ()
) -> list[str]:
    """The columns to learn from, in table order: all but ``besides`` and the excluded.

    Raises:
        MySQLError: 3877, ML003039 a column that the table has not; one that is both
            included and excluded; ML001052 none is left.
    """
    names = table.column_names
    include = values["include_column_list"] or ()
    exclude = values["exclude_column_list"] or ()
    require_columns(names, (*besides, *include, *exclude))
    included = {find_column(names, name) for name in include}
    excluded = {find_column(names, name) for name in exclude}
    if included & excluded:
        both = [names[place] for place in included & excluded if place is not None]
        raise secondary_engine(
            "include_column_list and exclude_column_list must not share columns, but "
            f"both name {', '.join(repr(name) for name in sorted(both))}"
        )
    gone = excluded | {find_column(names, name) for name in besides}
    left = [name for place, name in enumerate(names) if place not in gone]
    if not left:
        raise all_dropped()
    return left


def require_columns(names: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises: MySQLError 3877 ML003039, the table has not all of these columns."""
    missing = sorted({name for name in wanted if find_column(names, name) is None})
    if missing:
        raise missing_columns(missing)


def missing_columns(missing: Sequence[str]) -> MySQLError:
    listed = ", ".join(repr(name) for name in missing)
    return ml_error(
        "ML003039",
        "Not all user specified columns are present in the input table - missing "
        f"columns are {{{listed}}}.",
    )


def column_of(table: pa.Table, name: str) -> pa.ChunkedArray:
    """A column by name, whatever letter case. Raises: MySQLError 3877 ML003039."""
    place = find_column(table.column_names, name)
    if place is None:
        raise missing_columns([name])
    return table.column(place)
