"""A big model goes to the catalog and back in pieces: no packet holds all of it."""

import tracemalloc
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from heatproxy.automl import chunks
from heatproxy.automl.catalog import Catalog
from heatproxy.automl.model_bytes import view_of
from heatproxy.backend.connection import BackendConnection
from tests.backend.legs import connection_to
from tests.conftest import Server

pytestmark = pytest.mark.mysql

MODEL = bytes(range(256)) * (64 << 10)  # 16 MB
PACKET = 1 << 20


@pytest_asyncio.fixture
async def backend(server: Server) -> AsyncIterator[BackendConnection]:
    async with connection_to(server) as made:
        yield made
        await made.query("DROP DATABASE IF EXISTS `ML_SCHEMA_big one`")


async def test_a_model_larger_than_a_packet_is_stored_and_read(
    backend: BackendConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    characters = chunks.piece_characters(PACKET)
    monkeypatch.setattr(chunks, "MOST_CHARACTERS", characters)
    catalog = Catalog(backend, "big one")
    await catalog.ensure()
    tracemalloc.start()
    try:
        await catalog.save("big", {"task": "classification"}, MODEL)
        _, while_saved = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        entry = await catalog.find("big")
        assert entry is not None
        read = await catalog.object_of(entry)
        _, while_read = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert view_of(read) == MODEL
    assert while_saved < len(MODEL)  # beside the model itself
    assert while_read < 2 * len(MODEL)
    longest = await backend.scalar(
        f"SELECT MAX(LENGTH(model_object)) FROM {catalog.objects}"
    )
    count = await backend.scalar(f"SELECT COUNT(*) FROM {catalog.objects}")
    assert int(longest or 0) <= PACKET
    assert int(count or 0) == entry.metadata["chunks"] > len(MODEL) // PACKET


async def test_a_row_is_known_again_until_anything_of_it_changes(
    backend: BackendConnection,
) -> None:
    catalog = Catalog(backend, "big one")
    await catalog.ensure()
    await catalog.save("k", {"task": "é", "target_column_name": "y"}, b"abc")
    entry = await catalog.find("k")
    assert entry is not None
    (account,) = await backend.evaluate([b"CURRENT_USER()"])
    user = (account or "").rpartition("@")[0]
    assert await catalog.still_has(entry, user)
    assert not await catalog.still_has(entry, "somebody")
    assert not await Catalog(backend, "nobody").still_has(entry, user)
    for change in ("build_timestamp = 1", "model_metadata = '{}'"):
        await backend.query(f"UPDATE {catalog.models} SET {change}")
        assert not await catalog.still_has(entry, user)
        entry = await catalog.find("k")
        assert entry is not None
        assert await catalog.still_has(entry, user)
