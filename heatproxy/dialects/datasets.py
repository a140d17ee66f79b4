"""sqml_load_dataset: a well-known data set as a table.

scikit-learn carries them; nothing is fetched.

Source: Datasette ML, "SQL functions"; scikit-learn, "Toy datasets".
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn import datasets

from heatproxy.backend.insert import insert_rows
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.routines.arguments import table_name
from heatproxy.session import Session

LOADERS = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
}
TARGET, ROW = "target", "rowid"
_MARK = "sqml dataset "  # in the comment of a table that may be made anew


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set: ``values`` (n_rows, n_features), and a ``target`` (n_rows,)."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    values: npt.NDArray[np.float64]
    target: npt.NDArray[np.float64]

    @property
    def rows(self) -> pa.Table:
        columns = {
            name: pa.array(self.values[:, place])
            for place, name in enumerate(self.names)
        }
        return pa.table({**columns, TARGET: pa.array(self.target)})


def dataset_named(name: str) -> Dataset:
    """The data set of that name. Raises: MySQLError 3877, there is none."""
    loader = LOADERS.get(name.lower())
    if loader is None:
        known = ", ".join(LOADERS)
        given = name or "name"
        raise secondary_engine(f"sqml_load_dataset: {given} is none of {known}")
    found: Any = loader()
    values = np.asarray(found.data, np.float64)
    target = np.asarray(found.target, np.float64)
    classes = tuple(map(str, found.get("target_names", ())))
    return Dataset(tuple(map(str, found.feature_names)), classes, values, target)


async def load(session: Session, name: str | None, table: str | None = None) -> str:
    """Make the table, anew if such a call has made it; what there is to say of it.

    The rows' numbers are an invisible column, as in SQLite.

    Raises:
        MySQLError: 1050, there is a table of that name that is somebody's own; 3877,
            no such data set; MySQL's own.
    """
    found = await session.off_loop(lambda _: dataset_named(name or ""))
    title = table or f"dataset_{(name or '').lower()}"
    schema, place = await table_name(session, title, "table")
    quoted = f"{quote_name(schema)}.{quote_name(place)}"
    comment = await session.backend.scalar(
        "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA ="
        f" {quote_text(schema)} AND TABLE_NAME = {quote_text(place)}"
    )
    if comment is not None:
        if not comment.startswith(_MARK):
            raise MySQLError(1050, "42S01", f"Table '{place}' already exists")
        await session.backend.query(f"DROP TABLE {quoted}")
    columns = [f"{quote_name(one)} DOUBLE NOT NULL" for one in (*found.names, TARGET)]
    key = f"{quote_name(ROW)} BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY INVISIBLE"
    await session.backend.query(
        f"CREATE TABLE {quoted} ({', '.join([*columns, key])})"
        f" COMMENT = '{_MARK}{(name or '').lower()}'"
    )
    try:
        await session.backend.query("START TRANSACTION")
        await insert_rows(session.backend, quoted, found.rows)
        await session.backend.query("COMMIT")
    except BaseException:
        await session.undo(f"DROP TABLE IF EXISTS {quoted}")
        raise
    told: dict[str, Any] = {"table": title, "feature_names": found.names}
    if found.classes:
        told["target_names"] = found.classes
    return json.dumps({**told, "size": len(found.target)}, ensure_ascii=False)
