"""The models of a catalog as SHOW MODEL and stv_ml_model_info show them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heatproxy.automl.catalog import Catalog, Entry
from heatproxy.datatypes import quote_text
from heatproxy.errors import MySQLError, secondary_engine

INFO = "stv_ml_model_info"
_TEXT = "CHAR(%d) CHARACTER SET utf8mb4"
_DENIED = (1142, 1044)
READY, FAILED = "READY", "FAILED"


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of the caller's, however it was made."""

    schema: str
    name: str
    owner: str
    state: str


def handle_of(schema: str, name: str) -> str:
    """The handle of a model that CREATE MODEL makes."""
    return f"{schema}.{name}"


async def find(catalog: Catalog, schema: str | None, name: str) -> Entry | None:
    """The caller's model of that name in a schema, or of that handle."""
    entries = await _entries(catalog)
    for entry in entries:
        told = entry.metadata.get("redshift") or {}
        if (told.get("schema"), told.get("name")) == (schema, name):
            return entry
    handles = (handle_of(schema or "", name), name)
    return next((entry for entry in entries if entry.handle in handles), None)


async def _entries(catalog: Catalog) -> list[Entry]:
    """None for who has trained nothing, and may not see that there is no catalog."""
    try:
        return await catalog.all()
    except MySQLError as refused:
        if refused.number in _DENIED:
            return []
        raise


def no_such_model(name: str) -> MySQLError:
    return secondary_engine(f"Model '{name}' does not exist")


async def models(catalog: Catalog) -> list[Listed]:
    """All models of the catalog, the oldest first."""
    return [_listed(catalog.owner, entry) for entry in await _entries(catalog)]


def _listed(owner: str, entry: Entry) -> Listed:
    told: Mapping[str, Any] = entry.metadata.get("redshift") or {}
    return Listed(
        str(told.get("schema") or (entry.train_table or "").partition(".")[0]),
        str(told.get("name") or entry.handle),
        owner,
        _state(str(entry.metadata.get("status"))),
    )


def all_query(listed: Sequence[Listed]) -> bytes:
    """SHOW MODEL ALL: `Schema Name`, `Model Name`."""
    rows = [(one.schema, one.name) for one in listed]
    return _query((("Schema Name", 128), ("Model Name", 255)), rows)


def info_query(listed: Sequence[Listed]) -> bytes:
    """The rows of stv_ml_model_info."""
    columns = (
        *(("schema_name", 128), ("user_name", 128), ("model_name", 255)),
        *(("life_cycle", 20), ("is_refreshable", 0), ("model_state", 128)),
    )
    rows = [(one.schema, one.owner, one.name, "", "0", one.state) for one in listed]
    return _query(columns, rows)


async def one_query(catalog: Catalog, schema: str | None, name: str) -> bytes:
    """SHOW MODEL: what is known of one model, as `Key` and `Value`.

    Raises:
        MySQLError: 3877, there is no such model.
    """
    entry = await find(catalog, schema, name)
    if entry is None:
        raise no_such_model(name)
    return _query((("Key", 64), ("Value", 4096)), _facts(catalog.owner, entry))


def _facts(owner: str, entry: Entry) -> list[tuple[str, str]]:
    metadata = entry.metadata
    told: Mapping[str, Any] = metadata.get("redshift") or {}
    table = (entry.train_table or "").partition(".")
    created = time.strftime("%a, %d.%m.%Y %H:%M:%S", time.gmtime(entry.build_timestamp))
    score = metadata.get("training_score")
    metric = metadata.get("optimization_metric") or "score"
    columns = [str(name) for name in metadata.get("column_names") or ()]
    return [
        ("Model Name", str(told.get("name") or entry.handle)),
        ("Schema Name", str(told.get("schema") or table[0])),
        ("Owner", owner),
        ("Creation Time", created),
        ("Model State", _state(str(metadata.get("status")))),
        *([] if score is None else [(f"validation:{metric}", f"{score:.6f}")]),
        ("Estimated Cost", "0.000000"),
        ("", ""),
        ("TRAINING DATA:", ""),
        ("Query", str(told.get("query", f"SELECT * FROM {entry.train_table}"))),
        ("Target Column", (entry.target or "").upper()),
        ("", ""),
        ("PARAMETERS:", ""),
        ("Model Type", str(told.get("model_type") or "auto")),
        ("Problem Type", str(told.get("problem") or metadata.get("task"))),
        ("Objective", str(told.get("objective") or metric)),
        ("AutoML Job Name", entry.handle),
        ("Algorithm", str(metadata.get("algorithm_name"))),
        ("Function Name", str(told.get("function") or "")),
        ("Function Parameters", " ".join(columns)),
        ("Function Parameter Types", " ".join(told.get("types") or ())),
        ("IAM Role", str(told.get("iam_role") or "")),
        ("S3 Bucket", str(told.get("s3_bucket") or "")),
        ("Max Runtime", str(told.get("max_runtime") or "")),
    ]


def _state(status: str | None) -> str:
    return READY if status == "Ready" else FAILED


def _query(columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]) -> bytes:
    """A query that gives these rows; a column of no characters is a whole number."""
    selects = [
        ", ".join(
            f"{_value(text, width)} AS `{name}`"
            for text, (name, width) in zip(row, columns, strict=True)
        )
        for row in rows
    ]
    if not selects:
        nothing = ", ".join(f"{_value('0', w)} AS `{name}`" for name, w in columns)
        return f"SELECT {nothing} FROM DUAL WHERE FALSE".encode()
    return " UNION ALL ".join(f"SELECT {listed}" for listed in selects).encode()


def _value(text: str, width: int) -> str:
    if not width:
        return f"CAST({text} AS SIGNED)"
    return f"CAST({quote_text(text)} AS {_TEXT % width})"
