"""What a statement has begun to make, noted so that a killed heatproxy leaves nothing.

Each note is a file beside the engine's own: the names under which rows are on their way
into the engine, and the tables that stand in for another for a moment. Who begins to
make something writes it, who has ended takes it away; those that a new process finds
are of the one that was killed.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from heatproxy.backend.shells import Shell, Shells
from heatproxy.house import House

log = logging.getLogger(__name__)

FOLDER = "unfinished"
STAND_IN = "heatproxy "  # what the names of tables begin with that stand in for others


@asynccontextmanager
async def unfinished(
    house: House, engine_names: Sequence[str], stand_ins: Sequence[Shell] = ()
) -> AsyncIterator[None]:
    """Note what is being made, until this ends.

    Args:
        engine_names: of rows that are on their way in, or may have to go.
        stand_ins: tables that are to be there for a moment only.
    """
    path = house.config.data_dir / FOLDER / engine_names[0]
    note = {
        "engine_names": list(engine_names),
        "tables": [[shell.schema, shell.table] for shell in stand_ins],
    }
    await asyncio.to_thread(_write, path, json.dumps(note))
    try:
        yield
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def clear(house: House) -> None:
    """Take away what a killed process has left. It blocks."""
    folder = house.config.data_dir / FOLDER
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        try:
            note = json.loads(path.read_text())
            tables = [(str(schema), str(table)) for schema, table in note["tables"]]
            engine_names = [str(name) for name in note["engine_names"]]
        except (ValueError, KeyError, TypeError):  # it was killed while it wrote
            tables, engine_names = [], []
        _drop_tables(house, tables)
        house.shells.refresh()
        for name in set(engine_names) - house.shells.engine_names:
            house.engine.drop(name)
        path.unlink()


def _drop_tables(house: House, tables: Sequence[tuple[str, str]]) -> None:
    shells: Shells = house.shells
    for schema, table in tables:
        found = shells.find(schema, table)
        if found is not None and table.startswith(STAND_IN):
            log.warning("%s: a statement was killed; it is dropped", found.name)
            house.account.query(f"DROP TABLE {found.name}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
