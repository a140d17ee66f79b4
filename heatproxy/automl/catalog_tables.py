"""The two tables of a model catalog: how they are made, and made like new.

They are plain tables on the backend, made on the caller's own connection. Columns and
their order are those of HeatWave 9.5 (reference, section 6.2); DESCRIBE has not been
seen as text, so that types are chosen here.

Source: HeatWave User Guide, "The Model Catalog".
"""

from heatproxy.backend.connection import BackendConnection
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.errors import MySQLError

MODELS, OBJECTS = "MODEL_CATALOG", "model_object_catalog"
UPPER_OBJECTS = "MODEL_OBJECT_CATALOG"  # how Oracle's REST service spells it
_DENIED = 1142

_COLUMNS = {
    "model_id": "int NOT NULL AUTO_INCREMENT",
    "model_handle": "varchar(255) NOT NULL",
    "model_type": "varchar(255) DEFAULT NULL",
    "task": "varchar(255) DEFAULT NULL",
    "model_object": "longtext",
    "model_owner": "varchar(255) DEFAULT NULL",
    "build_timestamp": "int DEFAULT NULL",
    "target_column_name": "varchar(255) DEFAULT NULL",
    "train_table_name": "varchar(255) DEFAULT NULL",
    "column_names": "json DEFAULT NULL",
    "model_explanation": "json DEFAULT NULL",
    "last_accessed": "int DEFAULT NULL",
    "model_object_size": "int unsigned DEFAULT NULL",  # bytes, 4 GB at most
    "notes": "varchar(1024) DEFAULT NULL",
    "model_metadata": "json DEFAULT NULL",
}
_MODEL_CATALOG = ", ".join(
    [f"{name} {kind}" for name, kind in _COLUMNS.items()]
    + ["PRIMARY KEY (model_id)", "UNIQUE KEY model_handle (model_handle)"]
)
_OBJECT_CATALOG = (
    "chunk_id int NOT NULL, model_handle varchar(255) NOT NULL, model_object longtext,"
    " PRIMARY KEY (model_handle, chunk_id)"
)
_FOREIGN_KEY = (
    f", FOREIGN KEY (model_handle) REFERENCES {MODELS} (model_handle)"
    " ON DELETE CASCADE ON UPDATE CASCADE"
)
_AS = "DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"


async def make(backend: BackendConnection, schema: str) -> None:
    """Create what is missing of the schema and its tables."""
    present = await backend.scalar(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
        f"{quote_text(schema)} AND TABLE_TYPE = 'BASE TABLE'"
        f" AND TABLE_NAME IN ('{MODELS}', '{OBJECTS}')"
    )
    if present == "2":
        return
    models, objects = _named(schema, MODELS), _named(schema, OBJECTS)
    await backend.query(f"CREATE DATABASE IF NOT EXISTS {quote_name(schema)} {_AS}")
    await backend.query(f"CREATE TABLE IF NOT EXISTS {models} ({_MODEL_CATALOG}) {_AS}")
    made = f"CREATE TABLE IF NOT EXISTS {objects} ({_OBJECT_CATALOG}"
    # HeatWave asks for no REFERENCES privilege: without it, saving a model cleans up
    if not await _if_allowed(backend, f"{made}{_FOREIGN_KEY}) {_AS}"):
        await backend.query(f"{made}) {_AS}")
    if await backend.scalar("SELECT @@lower_case_table_names") == "0":
        await _if_allowed(
            backend,
            f"CREATE OR REPLACE SQL SECURITY INVOKER VIEW"
            f" {_named(schema, UPPER_OBJECTS)} AS SELECT * FROM {objects}",
        )


async def upgrade(backend: BackendConnection, schema: str) -> None:
    """Make a catalog, or add to one of an older version what it lacks.

    Objects that stand in the catalog itself, as before 9.0.0, move to their own table.
    """
    await make(backend, schema)
    found = await backend.query(
        "SELECT LOWER(COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA ="
        f" {quote_text(schema)} AND TABLE_NAME = '{MODELS}'"
    )
    present = {name for (name,) in found.texts()}
    models, objects = _named(schema, MODELS), _named(schema, OBJECTS)
    missing = [
        f"ADD COLUMN {n} {kind}" for n, kind in _COLUMNS.items() if n not in present
    ]
    if missing:
        await backend.query(f"ALTER TABLE {models} {', '.join(missing)}")
    if "model_object" not in present:
        return
    if (
        await backend.scalar(
            f"SELECT COUNT(*) FROM {models} WHERE model_object IS NOT NULL"
        )
        == "0"
    ):
        return
    await backend.query("START TRANSACTION")
    try:
        await backend.query(
            f"INSERT IGNORE INTO {objects} (chunk_id, model_handle, model_object)"
            f" SELECT 1, model_handle, model_object FROM {models}"
            " WHERE model_object IS NOT NULL"
        )
        await backend.query(
            f"UPDATE {models} SET model_object = NULL WHERE model_object IS NOT NULL"
        )
        await backend.query("COMMIT")
    except BaseException:
        await backend.query("ROLLBACK")
        raise


async def _if_allowed(backend: BackendConnection, sql: str) -> bool:
    """Run a statement that a user with HeatWave's own grants may not be allowed."""
    try:
        await backend.query(sql)
    except MySQLError as problem:
        if problem.number != _DENIED:
            raise
        return False
    return True


def _named(schema: str, table: str) -> str:
    return f"{quote_name(schema)}.{table}"
