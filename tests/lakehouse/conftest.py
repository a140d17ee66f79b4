"""Files to read, made on the spot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from heatproxy.lakehouse.streams import DataFile

MakeFile = Callable[..., DataFile]


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """``make_file(content, name)`` writes a file and returns it as fetched."""

    def make(content: bytes | str, name: str = "t.csv") -> DataFile:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(data)
        return DataFile(path, name, len(data))

    return make
