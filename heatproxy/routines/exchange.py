"""ML_MODEL_EXPORT and ML_MODEL_IMPORT: a model as rows of a table, and back.

An export is copied by MySQL itself, chunk by chunk; an import reads one chunk at a time
and never needs a packet of the model's size. What was exported is imported byte for
byte. A model in ONNX format comes as Base64 text or as such a table.

Source: HeatWave User Guide, "ML_MODEL_EXPORT", "ML_MODEL_IMPORT", "Share a Model".
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heatproxy.automl import chunks
from heatproxy.automl.catalog import Catalog
from heatproxy.automl.model_bytes import ModelBytes
from heatproxy.automl.work import import_job
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError, ml_error
from heatproxy.routines.arguments import option_object, require_absent, table_name
from heatproxy.routines.described import require_not_towers
from heatproxy.routines.models import no_such_model
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

_NO_COLUMN = 1054


async def export(
    session: Session, model_handle: str | None, output_table: str | None
) -> Outcome:
    """Copy a model's chunks and metadata into a new table.

    A model without an object, of a training that failed, is one row of chunk_id 0.

    Raises:
        MySQLError: 1050, the table exists; 3877 ML006018, no such model; MySQL's own.
    """
    if model_handle is None:
        raise ml_error("ML006020", "model_handle cannot be Null.")
    catalog = Catalog(session.backend, await session.user())
    schema, table = await table_name(session, output_table, "output_table_name")
    entry = await catalog.find(model_handle)
    if entry is None:
        raise no_such_model(model_handle)
    require_not_towers(entry.metadata, "ML_MODEL_EXPORT")
    await catalog.upgrade()
    await require_absent(session, schema, table)
    name = f"{quote_name(schema)}.{quote_name(table)}"
    await session.backend.query(
        f"CREATE TABLE {name} (chunk_id INT AUTO_INCREMENT PRIMARY KEY,"
        " model_object LONGTEXT DEFAULT NULL, model_metadata JSON)"
        " DEFAULT CHARSET=utf8mb4"
    )
    handle = quote_text(model_handle)
    metadata = (
        f"(SELECT model_metadata FROM {catalog.models} WHERE model_handle = {handle})"
    )
    try:
        await session.backend.query("START TRANSACTION")
        copied = await session.backend.query(
            f"INSERT INTO {name} (chunk_id, model_object, model_metadata)"
            f" SELECT chunk_id, model_object, IF(chunk_id = 1, {metadata}, NULL)"
            f" FROM {catalog.objects} WHERE model_handle = {handle}"
        )
        if not copied.affected_rows:
            await session.backend.query(
                f"INSERT INTO {name} (model_metadata) SELECT {metadata}"
            )
            await session.backend.query(f"UPDATE {name} SET chunk_id = 0")
        await session.backend.query("COMMIT")
    except BaseException:
        await session.undo(f"DROP TABLE IF EXISTS {name}")
        raise
    return Outcome()


async def import_model(
    session: Session,
    model_object: str | None,
    model_metadata: str | None,
    model_handle: str | None,
) -> Outcome:
    """Add a model to the catalog, from Base64 text or from a table.

    Raises:
        MySQLError: 3877 ML006017, the handle is taken; ML004001 to ML004006, an ONNX
            model or what is said of it; MySQL's own.
    """
    user = await session.user()
    catalog = Catalog(session.backend, user, session.generation)
    said: Mapping[str, Any] = option_object(model_metadata, "ML_MODEL_IMPORT")
    if model_handle and await catalog.find(model_handle) is not None:
        raise ml_error(
            "ML006017",
            f"model_handle {model_handle} already exists in the Model_Catalog.",
        )
    if model_object is None:
        data, said = await _from_table(session, catalog, said)
    else:
        folder = session.house.config.data_dir
        data = await session.off_loop(lambda _: _decoded(model_object, folder))
    now = time.time()
    stored, metadata = await session.in_worker(import_job, data, said, int(now))
    require_not_towers(metadata, "ML_MODEL_IMPORT")
    table = metadata.get("train_table_name") or "imported"
    handle = model_handle or session.generation.handle(table, user, now)
    await catalog.upgrade()
    await catalog.save(handle, metadata, stored)
    return Outcome(out=(quote_text(handle),))


def _decoded(text: str, folder: Path) -> ModelBytes:
    joined = chunks.Joined(folder)
    try:
        joined.add_all(text)
        data = joined.data()
    except chunks.NotBase64:
        data = b""
    if not data:
        raise ml_error("ML004001", "The model_object is not Base64 text of a model.")
    return data


async def _from_table(
    session: Session, catalog: Catalog, said: Mapping[str, Any]
) -> tuple[ModelBytes, dict[str, Any]]:
    """The bytes in a table as ML_MODEL_EXPORT makes it, and the metadata of chunk 1.

    ``said`` names the table by ``schema`` and ``table``; its own metadata win.
    """
    schema, table = said.get("schema"), said.get("table")
    if not isinstance(schema, str) or not isinstance(table, str):
        raise ml_error(
            "ML006022",
            "model_object is NULL: model_metadata must name a table of chunks by its"
            " 'schema' and 'table'.",
        )
    name = f"{quote_name(schema)}.{quote_name(table)}"
    first = f"FROM {name} WHERE chunk_id = 1"
    try:
        await session.backend.prepared_columns(
            f"SELECT chunk_id, model_object, model_metadata FROM {name}".encode()
        )
    except MySQLError as problem:
        if problem.number != _NO_COLUMN:
            raise
        raise ml_error(
            "ML006022",
            f"The table {schema}.{table} must have the columns chunk_id, model_object"
            " and model_metadata.",
        ) from None
    if await session.backend.scalar(f"SELECT COUNT(*) {first}") != "1":
        raise ml_error(
            "ML006022",
            f"The table {schema}.{table} must have exactly one row with chunk_id = 1.",
        )
    (metadata,) = await session.backend.evaluate(
        [f"(SELECT CAST(model_metadata AS JSON) {first})".encode()]
    )
    try:
        own = json.loads(metadata) if metadata is not None else {}
    except ValueError:
        own = None
    if not isinstance(own, dict):
        raise ml_error("ML006022", "The model_metadata of chunk 1 is no JSON object.")
    data = await catalog.read_chunks(name, "TRUE", session.house.config.data_dir)
    if data is None:
        raise ml_error(
            "ML004001",
            f"The chunks of {schema}.{table} are not Base64 text of a model.",
        )
    chunk_count = await session.backend.scalar(f"SELECT COUNT(*) FROM {name}")
    if own.get("chunks") not in (None, int(chunk_count or 0)):
        raise ml_error(
            "ML006022",
            f"The model_metadata of chunk 1 have chunks = {own['chunks']}, and"
            f" {schema}.{table} has {chunk_count} rows.",
        )
    return data, own


ML_MODEL_EXPORT = Procedure(
    "ML_MODEL_EXPORT",
    needs("IN model_handle VARCHAR(255)", "IN output_table_name VARCHAR(255)"),
    run=export,
)
ML_MODEL_IMPORT = Procedure(
    "ML_MODEL_IMPORT",
    needs(
        "IN model_object LONGTEXT",
        "IN model_metadata JSON",
        "INOUT model_handle VARCHAR(255)",
    ),
    run=import_model,
)
