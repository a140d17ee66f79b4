"""The model catalog: ML_SCHEMA_<user>.MODEL_CATALOG and the objects beside it.

Plain tables on the backend, made and read on the caller's own connection, so that
grants, scripts that SELECT or DELETE, and backups work as on any table. A model's
bytes are kept as Base64 text in chunks that fit a packet.

Source: HeatWave User Guide, "The Model Catalog".
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatproxy.automl import catalog_tables, chunks
from heatproxy.automl.catalog_tables import MODELS, OBJECTS
from heatproxy.automl.generations import NEW, Generation
from heatproxy.automl.model_bytes import ModelBytes
from heatproxy.backend.connection import BackendConnection
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError, ml_error

NOTES_CHARACTERS = 1024
_ABSENT = (1049, 1146)  # no such schema, no such table


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
    digest: str = ""  # of the last three, as the backend has them

    @property
    def task(self) -> str:
        return str(self.metadata.get("task"))

    @property
    def ready(self) -> bool:
        return self.metadata.get("status") == "Ready"


class Catalog:
    """One user's catalog, on the caller's connection."""

    def __init__(
        self, backend: BackendConnection, owner: str, generation: Generation = NEW
    ) -> None:
        """``owner`` is a user's name without its host.

        Raises:
            MySQLError: 3877, the name has a period: HeatWave has no catalog for it.
        """
        if "." in owner:
            raise ml_error("ML006001", f"user name '{owner}' must not have a period.")
        self.owner = owner
        self.schema = f"ML_SCHEMA_{owner}"
        self._backend = backend
        self._generation = generation
        self._models = f"{quote_name(self.schema)}.{MODELS}"
        self._objects = f"{quote_name(self.schema)}.{OBJECTS}"

    @property
    def models(self) -> str:
        """The table of the models, as SQL names it."""
        return self._models

    @property
    def objects(self) -> str:
        """The table of the models' bytes, as SQL names it."""
        return self._objects

    async def ensure(self) -> None:
        """Create what is missing of the schema and its tables."""
        await catalog_tables.make(self._backend, self.schema)

    async def upgrade(self) -> None:
        """Make the catalog, or add to an older one what it lacks."""
        await catalog_tables.upgrade(self._backend, self.schema)

    async def find(self, handle: str) -> Entry | None:
        """The model of that handle, or None.

        Raises:
            MySQLError: 1142, the caller may not read this catalog.
        """
        found = await self._entries(f"WHERE model_handle = {quote_text(handle)}")
        return found[0] if found else None

    async def still_has(self, entry: Entry, user: str) -> bool:
        """Whether the session is this user's and reads the row as it was: one question.

        False, too, where that cannot be told.
        """
        texts = ("target_column_name", "train_table_name", "model_metadata")
        listed = ", ".join(f"CONVERT({text} USING utf8mb4)" for text in texts)
        try:
            found = await self._backend.query(
                "SELECT HEX(CONVERT(CURRENT_USER() USING utf8mb4)), model_id,"
                " build_timestamp, model_object_size,"
                f" SHA2(CONCAT_WS('|', {listed}), 256) FROM {self._models}"
                f" WHERE model_handle = {quote_text(entry.handle)}"
            )
        except MySQLError as problem:
            if problem.is_kill:
                raise
            return False
        for account, *facts in found.texts():
            name = bytes.fromhex(account or "").decode().rpartition("@")[0]
            known = (entry.model_id, entry.build_timestamp, entry.object_size)
            return name == user and facts == [*map(str, known), entry.digest]
        return False

    async def all(self) -> list[Entry]:
        """Every model, the oldest first. Raises: see find."""
        return await self._entries("ORDER BY model_id")

    async def _entries(self, which: str) -> list[Entry]:
        """None where there is no catalog yet."""
        try:
            rows = await self._rows(
                "model_id, model_handle, build_timestamp, model_object_size,"
                " target_column_name, train_table_name, model_metadata",
                f"{self._models} {which}",
            )
        except MySQLError as problem:
            if problem.number in _ABSENT:
                return []
            raise
        return [
            Entry(
                int(model_id or 0),
                handle or "",
                int(built or 0),
                int(size or 0),
                target,
                table,
                json.loads(metadata or "{}"),
                _digest(target, table, metadata),
            )
            for model_id, handle, built, size, target, table, metadata in rows
        ]

    def deletion(self, handle: str) -> str:
        """The statement that deletes a model."""
        return f"DELETE FROM {self._models} WHERE model_handle = {quote_text(handle)}"

    async def object_of(self, entry: Entry, folder: Path | None = None) -> ModelBytes:
        """The model's bytes; ``folder`` is where many of them wait.

        Raises:
            MySQLError: 3877, the chunks are not what the metadata say.
        """
        model = await self.read_chunks(
            self._objects,
            f"model_handle = {quote_text(entry.handle)}",
            folder,
            entry.object_size,
        )
        if model is None or len(model) != entry.object_size:
            raise ml_error(
                "ML003025", f"The model object of '{entry.handle}' is damaged."
            )
        return model

    async def read_chunks(
        self,
        table: str,
        where: str,
        folder: Path | None = None,
        expected_bytes: int = 0,
    ) -> ModelBytes | None:
        """The bytes in the chunks of a quoted table's rows, read one at a time.

        None: there are none, or they are not Base64.
        """
        numbers = await self._backend.query(
            f"SELECT chunk_id FROM {table} WHERE {where} ORDER BY chunk_id"
        )
        joined = chunks.Joined(folder, expected_bytes)
        try:
            for (number,) in numbers.texts():
                # a character string would come in the session's character set
                found = await self._backend.query(
                    f"SELECT CAST(model_object AS BINARY) FROM {table}"
                    f" WHERE {where} AND chunk_id = {int(number or 0)}"
                )
                for (piece,) in found.rows:
                    await asyncio.to_thread(joined.add, piece or b"")
            return joined.data() if len(joined) else None
        except chunks.NotBase64:
            return None

    async def save(
        self,
        handle: str,
        metadata: dict[str, Any],
        model: ModelBytes = b"",
    ) -> None:
        """Add a model: its row and its chunks, or neither.

        Raises:
            MySQLError: 1062, the handle is taken; the backend's own.
        """
        size = await self._piece_characters()
        metadata = self._generation.metadata(metadata)
        metadata["chunks"] = chunks.count(model, size)
        notes = metadata.get("notes")
        values = {
            "model_handle": handle,
            "model_type": metadata.get("algorithm_name"),
            "task": metadata.get("task"),
            "model_owner": self.owner,
            "build_timestamp": str(metadata.get("build_timestamp") or int(time.time())),
            "target_column_name": metadata.get("target_column_name"),
            "train_table_name": metadata.get("train_table_name"),
            "column_names": json.dumps(
                self._generation.column_names(metadata.get("column_names"))
            ),
            "model_explanation": json.dumps(metadata.get("model_explanation") or {}),
            "model_object_size": str(len(model)),
            "notes": notes[:NOTES_CHARACTERS] if notes else None,
            "model_metadata": json.dumps(metadata),
        }
        if self._generation.is_old:
            values["last_accessed"] = values["build_timestamp"]
        literals = ", ".join(_literal(value) for value in values.values())
        await self._forget_orphans()
        await self._backend.query("START TRANSACTION")
        try:
            await self._backend.query(
                f"INSERT INTO {self._models} ({', '.join(values)}) VALUES ({literals})"
            )
            await self._write_chunks(handle, model, size)
            await self._backend.query("COMMIT")
        except BaseException:
            await self._backend.query("ROLLBACK")
            raise

    async def replace(
        self, handle: str, metadata: dict[str, Any], model: ModelBytes
    ) -> None:
        """A model explained anew: its explanation, metadata and bytes."""
        size = await self._piece_characters()
        metadata = self._generation.metadata(metadata)
        metadata["chunks"] = chunks.count(model, size)
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
            await self._write_chunks(handle, model, size)
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

    async def _piece_characters(self) -> int:
        allowed = await self._backend.scalar("SELECT @@max_allowed_packet")
        return chunks.piece_characters(int(allowed or 0))

    async def _write_chunks(self, handle: str, model: ModelBytes, size: int) -> None:
        into = f"INSERT INTO {self._objects} (chunk_id, model_handle, model_object)"
        for number, piece in enumerate(chunks.pieces(model, size), 1):
            values = f"{into} VALUES ({number}, {quote_text(handle)}, '"
            await self._backend.query(b"%b%b')" % (values.encode(), piece))

    async def _rows(self, columns: str, rest: str) -> list[tuple[str | None, ...]]:
        """Rows as text that no character set of the session has changed."""
        listed = ", ".join(
            f"CAST(CONVERT({column.strip()} USING utf8mb4) AS BINARY)"
            for column in columns.split(",")
        )
        result = await self._backend.query(f"SELECT {listed} FROM {rest}")
        return [
            tuple(None if value is None else value.decode() for value in row)
            for row in result.rows
        ]


def _digest(*texts: str | None) -> str:
    """What MySQL's SHA2 says of those that are not NULL."""
    present = "|".join(text for text in texts if text is not None)
    return hashlib.sha256(present.encode()).hexdigest()


def _literal(value: str | None) -> str:
    return "NULL" if value is None else quote_text(value)
