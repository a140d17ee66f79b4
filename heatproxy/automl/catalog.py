"""The model catalog: ML_SCHEMA_<user>.MODEL_CATALOG and the objects beside it.

Plain tables on the backend, made and read on the caller's own connection, so that
grants, scripts that SELECT or DELETE, and backups work as on any table. A model's
bytes are kept as Base64 text in chunks that fit a packet.

Source: HeatWave User Guide, "The Model Catalog".
"""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heatproxy.backend.connection import BackendConnection
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError, ml_error

CHUNK_CHARACTERS = 4 << 20  # of Base64; twice that as hexadecimal digits on the wire
NOTES_CHARACTERS = 1024
_ABSENT = (1049, 1146)  # no such schema, no such table
_DENIED = 1142

# The physical order is that of HeatWave 9.5 (reference, section 6.2).
_MODEL_CATALOG = """
  model_id int NOT NULL AUTO_INCREMENT,
  model_handle varchar(255) NOT NULL,
  model_type varchar(255) DEFAULT NULL,
  task varchar(255) DEFAULT NULL,
  model_object longtext,
  model_owner varchar(255) DEFAULT NULL,
  build_timestamp int DEFAULT NULL,
  target_column_name varchar(255) DEFAULT NULL,
  train_table_name varchar(255) DEFAULT NULL,
  column_names json DEFAULT NULL,
  model_explanation json DEFAULT NULL,
  last_accessed int DEFAULT NULL,
  model_object_size int DEFAULT NULL,
  notes varchar(1024) DEFAULT NULL,
  model_metadata json DEFAULT NULL,
  PRIMARY KEY (model_id),
  UNIQUE KEY model_handle (model_handle)
"""
_OBJECT_CATALOG = """
  chunk_id int NOT NULL,
  model_handle varchar(255) NOT NULL,
  model_object longtext,
  PRIMARY KEY (model_handle, chunk_id)
"""
_FOREIGN_KEY = """
  , FOREIGN KEY (model_handle) REFERENCES MODEL_CATALOG (model_handle)
    ON DELETE CASCADE ON UPDATE CASCADE
"""
_AS = "DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model's row."""

    model_id: int
    handle: str
    build_timestamp: int
    object_size: int
    target: str | None
    train_table: str | None
    metadata: Mapping[str, Any]

    @property
    def task(self) -> str:
        return str(self.metadata.get("task"))

    @property
    def ready(self) -> bool:
        return self.metadata.get("status") == "Ready"


class Catalog:
    """One user's catalog, on the caller's connection."""

    def __init__(self, backend: BackendConnection, owner: str) -> None:
        """``owner`` is a user's name without its host.

        Raises:
            MySQLError: 3877, the name has a period: HeatWave has no catalog for it.
        """
        if "." in owner:
            raise ml_error("ML006001", f"user name '{owner}' must not have a period.")
        self.owner = owner
        self.schema = f"ML_SCHEMA_{owner}"
        self._backend = backend
        self._models = f"{quote_name(self.schema)}.MODEL_CATALOG"
        self._objects = f"{quote_name(self.schema)}.model_object_catalog"

    async def ensure(self) -> None:
        """Create what is missing of the schema and its tables."""
        present = await self._backend.scalar(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
            f"{quote_text(self.schema)}"
            " AND TABLE_NAME IN ('MODEL_CATALOG', 'model_object_catalog')"
        )
        if present == "2":
            return
        schema = quote_name(self.schema)
        objects = f"CREATE TABLE IF NOT EXISTS {self._objects} ({_OBJECT_CATALOG}"
        for sql in (
            f"CREATE DATABASE IF NOT EXISTS {schema} {_AS}",
            f"CREATE TABLE IF NOT EXISTS {self._models} ({_MODEL_CATALOG}) {_AS}",
        ):
            await self._backend.query(sql)
        try:
            await self._backend.query(f"{objects}{_FOREIGN_KEY}) {_AS}")
        except MySQLError as problem:
            if problem.number != _DENIED:
                raise
            # HeatWave asks for no REFERENCES privilege: save() cleans up instead
            await self._backend.query(f"{objects}) {_AS}")

    async def find(self, handle: str) -> Entry | None:
        """The model of that handle, or None.

        Raises:
            MySQLError: 1142, the caller may not read this catalog.
        """
        try:
            rows = await self._rows(
                "model_id, build_timestamp, model_object_size, target_column_name,"
                " train_table_name, model_metadata",
                f"{self._models} WHERE model_handle = {quote_text(handle)}",
            )
        except MySQLError as problem:
            if problem.number in _ABSENT:
                return None
            raise
        if not rows:
            return None
        model_id, built, size, target, table, metadata = rows[0]
        return Entry(
            int(model_id or 0),
            handle,
            int(built or 0),
            int(size or 0),
            target,
            table,
            json.loads(metadata or "{}"),
        )

    async def object_of(self, entry: Entry) -> bytes:
        """The model's bytes.

        Raises:
            MySQLError: 3877, the chunks are not what the metadata say.
        """
        chunks = await self._rows(
            "model_object",
            f"{self._objects} WHERE model_handle = {quote_text(entry.handle)}"
            " ORDER BY chunk_id",
        )
        text = "".join(chunk or "" for (chunk,) in chunks)
        try:
            model = base64.b64decode(text, validate=True)
        except ValueError:
            model = b""
        if not model or len(model) != entry.object_size:
            raise ml_error(
                "ML003025", f"The model object of '{entry.handle}' is damaged."
            )
        return model

    async def save(
        self,
        handle: str,
        metadata: dict[str, Any],
        model: bytes = b"",
    ) -> None:
        """Add a model: its row and its chunks, or neither.

        Raises:
            MySQLError: 1062, the handle is taken; the backend's own.
        """
        text = base64.b64encode(model).decode()
        chunks = _chunks(text)
        metadata = {**metadata, "chunks": len(chunks)}
        notes = metadata.get("notes")
        values = {
            "model_handle": handle,
            "model_type": metadata.get("algorithm_name"),
            "task": metadata.get("task"),
            "model_owner": self.owner,
            "build_timestamp": str(metadata.get("build_timestamp") or int(time.time())),
            "target_column_name": metadata.get("target_column_name"),
            "train_table_name": metadata.get("train_table_name"),
            "column_names": json.dumps(metadata.get("column_names") or []),
            "model_explanation": json.dumps(metadata.get("model_explanation") or {}),
            "model_object_size": str(len(model)),
            "notes": notes[:NOTES_CHARACTERS] if notes else None,
            "model_metadata": json.dumps(metadata),
        }
        literals = ", ".join(_literal(value) for value in values.values())
        await self._forget_orphans()
        await self._backend.query("START TRANSACTION")
        try:
            await self._backend.query(
                f"INSERT INTO {self._models} ({', '.join(values)}) VALUES ({literals})"
            )
            await self._write_chunks(handle, chunks)
            await self._backend.query("COMMIT")
        except BaseException:
            await self._backend.query("ROLLBACK")
            raise

    async def replace(
        self, handle: str, metadata: dict[str, Any], model: bytes
    ) -> None:
        """A model explained anew: its explanation, metadata and bytes."""
        chunks = _chunks(base64.b64encode(model).decode())
        metadata = {**metadata, "chunks": len(chunks)}
        explanation = json.dumps(metadata.get("model_explanation") or {})
        where = f"WHERE model_handle = {quote_text(handle)}"
        await self._backend.query("START TRANSACTION")
        try:
            await self._backend.query(
                f"UPDATE {self._models} SET model_object_size = {len(model)},"
                f" model_explanation = {_literal(explanation)},"
                f" model_metadata = {_literal(json.dumps(metadata))} {where}"
            )
            await self._backend.query(f"DELETE FROM {self._objects} {where}")
            await self._write_chunks(handle, chunks)
            await self._backend.query("COMMIT")
        except BaseException:
            await self._backend.query("ROLLBACK")
            raise

    async def _forget_orphans(self) -> None:
        """Delete chunks whose model is gone; where the foreign key is, there are none.

        They are looked for without a lock: several trainings may end at a time.
        """
        orphans = await self._rows(
            "objects.model_handle",
            f"{self._objects} AS objects LEFT JOIN {self._models} AS models"
            " ON models.model_handle = objects.model_handle"
            " WHERE models.model_handle IS NULL",
        )
        for handle in {handle for (handle,) in orphans if handle is not None}:
            await self._backend.query(
                f"DELETE FROM {self._objects} WHERE model_handle = {quote_text(handle)}"
            )

    async def _write_chunks(self, handle: str, chunks: list[str]) -> None:
        for number, chunk in enumerate(chunks, 1):
            await self._backend.query(
                f"INSERT INTO {self._objects} (chunk_id, model_handle, model_object)"
                f" VALUES ({number}, {quote_text(handle)}, '{chunk}')"
            )

    async def _rows(self, columns: str, rest: str) -> list[tuple[str | None, ...]]:
        """Rows as text that no character set of the session has changed."""
        listed = ", ".join(
            f"HEX(CONVERT({column.strip()} USING utf8mb4))"
            for column in columns.split(",")
        )
        result = await self._backend.query(f"SELECT {listed} FROM {rest}")
        return [
            tuple(None if v is None else bytes.fromhex(v).decode() for v in row)
            for row in result.texts()
        ]


def _chunks(text: str) -> list[str]:
    """Base64 needs no quoting, so a chunk is a literal as it stands."""
    size = CHUNK_CHARACTERS
    return [text[start : start + size] for start in range(0, len(text), size)]


def _literal(value: str | None) -> str:
    return "NULL" if value is None else quote_text(value)
