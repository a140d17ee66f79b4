"""What a heatproxy that was killed had begun to make goes when another begins."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest

from heatproxy.backend.account import Address, ServiceAccount
from heatproxy.backend.shells import Shell, Shells
from heatproxy.datatypes import Column, MySQLType
from heatproxy.engine.duck import DuckDB
from heatproxy.house import House
from heatproxy.routines.unfinished import FOLDER, STAND_IN, clear
from tests.conftest import Server

pytestmark = pytest.mark.mysql

SCHEMA = "unfinished"
KEPT, NEW, OTHER = (f"t_{letter * 32}" for letter in "abc")
COLUMN = Column("a", MySQLType("int"), True)
# notes what it makes, and is killed while it makes it
DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from heatproxy.backend.shells import Shell
from heatproxy.routines.unfinished import unfinished

async def main():
    house = SimpleNamespace(config=SimpleNamespace(data_dir=Path(sys.argv[1])))
    twins = [Shell(sys.argv[2], name, "t", {}) for name in sys.argv[5:]]
    async with unfinished(house, sys.argv[3:5], twins):
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
def house(server: Server, tmp_path: Path) -> Iterator[House]:
    """The tests' backend, and an engine of its own."""
    login = server.login
    address = Address(login["user"], login["password"], server.backend_socket)
    with (
        closing(ServiceAccount(address)) as account,
        closing(DuckDB(tmp_path / "engine", "256MiB", 1)) as engine,
    ):
        account.query(f"DROP DATABASE IF EXISTS {SCHEMA}")
        account.query(f"CREATE DATABASE {SCHEMA}")
        config = SimpleNamespace(data_dir=tmp_path)
        made = SimpleNamespace(
            account=account, engine=engine, shells=Shells(account), config=config
        )
        yield cast(House, made)
        account.query(f"DROP DATABASE {SCHEMA}")


def make(house: House, table: str, engine_name: str) -> Shell:
    """A shell, and its row in the engine."""
    shell = Shell(SCHEMA, table, engine_name, {"file": []})
    for sql in shell.create("a int", backslash_escapes=True):
        house.account.query(sql)
    rows: Any = pa.RecordBatchReader.from_batches(
        pa.schema([("a", pa.int32())]), [pa.record_batch({"a": pa.array([1], "int32")})]
    )
    house.engine.load(engine_name, [COLUMN], rows)
    house.shells.refresh()
    return shell


def die(folder: Path, engine_names: tuple[str, str], *twins: str) -> None:
    arguments = [str(folder), SCHEMA, *engine_names, *twins]
    ended = subprocess.run([sys.executable, "-c", DIES, *arguments], check=False)
    assert ended.returncode == -signal.SIGKILL


def tables(house: House) -> list[str]:
    return [name for (name,) in house.account.query(f"SHOW TABLES FROM {SCHEMA}")]


def test_a_twin_that_was_left_goes_and_the_table_stays(
    house: House, tmp_path: Path
) -> None:
    twin = STAND_IN + NEW
    make(house, "t", KEPT)
    make(house, twin, NEW)
    make(house, STAND_IN + OTHER, OTHER)  # somebody else is making it
    die(tmp_path, (NEW, KEPT), twin, f"{STAND_IN}none")
    clear(house)
    assert sorted(tables(house)) == [STAND_IN + OTHER, "t"]
    assert house.engine.tables() == [KEPT, OTHER]
    assert not os.listdir(tmp_path / FOLDER)


def test_what_a_twin_stands_for_by_then_goes(house: House, tmp_path: Path) -> None:
    old = STAND_IN + KEPT
    make(house, old, KEPT)
    make(house, "t", NEW)
    die(tmp_path, (NEW, KEPT), f"{STAND_IN}none", old)
    clear(house)
    assert tables(house) == ["t"]
    assert house.engine.tables() == [NEW]


def test_a_note_names_no_other_tables(house: House, tmp_path: Path) -> None:
    make(house, "t", KEPT)
    house.account.query(f"CREATE TABLE {SCHEMA}.`{STAND_IN}mine` (a int)")
    die(tmp_path, (NEW, OTHER), "t", f"{STAND_IN}mine")
    clear(house)
    assert sorted(tables(house)) == [f"{STAND_IN}mine", "t"]


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"tables": 1})])
def test_a_note_that_was_not_written_whole_is_taken_away(
    house: House, tmp_path: Path, text: str
) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / NEW).write_text(text)
    clear(house)
    assert not os.listdir(tmp_path / FOLDER)
