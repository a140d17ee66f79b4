"""Bytes of a model that wait in a file, which other processes read where it is."""

import os
from pathlib import Path

import pytest

from heatproxy.automl import model_bytes
from heatproxy.automl.model_bytes import FileBytes, Spool, folder_of, read, view_of
from heatproxy.jobs import JobProcesses

PART = bytes(range(256)) * 16


@pytest.fixture(autouse=True)
def few_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_bytes, "MOST_IN_MEMORY", 3 * len(PART))


def spooled(parts: int, folder: Path | None = None, expected: int = 0) -> Spool:
    spool = Spool(folder, expected)
    for _ in range(parts):
        spool.write(PART)
    return spool


@pytest.mark.parametrize("expected", [0, 100 * len(PART)])
@pytest.mark.parametrize("parts", [1, 3, 4, 9])
def test_what_was_written_is_read_wherever_it_waits(parts: int, expected: int) -> None:
    spool = spooled(parts, expected=expected)
    data = spool.done()
    assert isinstance(data, FileBytes) == (parts > 3 or expected > 0)
    assert len(data) == len(spool) == parts * len(PART)
    assert view_of(data) == PART * parts
    assert data.startswith(PART[:4])
    assert not data.startswith(PART[1:5])
    with read(data) as first, read(data) as second:  # each has a place of its own
        first.read(5)
        assert second.read() == PART * parts


def test_a_file_has_no_name_and_its_makers_folder(tmp_path: Path) -> None:
    data = spooled(5, tmp_path).done()
    assert folder_of(data) == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_files_are_closed_with_what_holds_them() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        spooled(5).done()
        spooled(5)  # given up before its end
    assert len(os.listdir("/proc/self/fd")) == before


def turned(data: FileBytes) -> FileBytes:
    """The same bytes the other way round, in a file of this process."""
    assert isinstance(data, FileBytes)
    spool = Spool(data.folder, len(data))
    spool.write(bytes(data.view[::-1]))
    made = spool.done()
    assert isinstance(made, FileBytes)
    return made


async def test_another_process_reads_them_and_gives_others_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, model_bytes.MOST_IN_MEMORY + 1)
    spool.write(PART * (5 << 10))  # more than 16 MB
    data = spool.done()
    found = await JobProcesses(1).run(turned, data)
    assert isinstance(found, FileBytes)
    assert found.view == view_of(data)[::-1]  # its maker is gone
    assert found.folder == tmp_path
