"""A model's bytes: in memory while they are few, else in a file that processes share.

The file has no name: it goes with the last process that has it open. Another process
is told where it is and maps it, so that a large model is in memory once, and in pages
that the system may take back, however many processes use it.
"""

import io
import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import IO, Any

MOST_IN_MEMORY = 16 << 20
_FILES = "/proc/{}/fd/{}"  # by the numbers of a process and of a file it has open


class FileBytes:
    """Bytes in a file without a name.

    ``is_sound``: they have been compared with their checksums.
    """

    def __init__(self, file: IO[bytes], folder: Path | None = None) -> None:
        """``folder`` is where files like this one are made; the system's when None."""
        file.flush()
        self.folder = folder
        self.is_sound = False
        self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._map = mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._map)

    def startswith(self, beginning: bytes) -> bool:
        return self._map[: len(beginning)] == beginning

    @property
    def view(self) -> memoryview:
        """All of them; what is not looked at is not in memory."""
        return memoryview(self._map)

    def opened(self) -> IO[bytes]:
        """The file from its beginning, for whoever reads it in order."""
        return open(_FILES.format("self", self._descriptor), "rb")

    def __reduce__(self) -> tuple[Any, ...]:
        path = _FILES.format(os.getpid(), self._descriptor)
        return _of_another, (path, self.folder, self.is_sound)


ModelBytes = bytes | FileBytes


class Spool:
    """Takes bytes in order; they wait in a file as soon as they are many."""

    def __init__(self, folder: Path | None = None, expected_bytes: int = 0) -> None:
        """``expected_bytes``, where it is known, saves writing some of them twice."""
        self._folder = folder
        self._out: IO[bytes] = io.BytesIO()
        self._is_file = False
        self._size = 0
        if expected_bytes > MOST_IN_MEMORY:
            self._to_file()

    @property
    def file(self) -> IO[bytes]:
        """What they are written to, for whoever writes out of order."""
        return self._out

    def __len__(self) -> int:
        return self._size

    def write(self, data: bytes) -> int:
        self._size += len(data)
        if not self._is_file and self._size > MOST_IN_MEMORY:
            self._to_file()
        return self._out.write(data)

    def done(self) -> ModelBytes:
        """All that was written."""
        if isinstance(self._out, io.BytesIO):
            return self._out.getvalue()  # which makes no copy
        with self._out:
            return FileBytes(self._out, self._folder)

    def _to_file(self) -> None:
        if not os.path.isdir("/proc/self/fd"):  # elsewhere than on Linux
            return
        held = self._out
        self._out = _file(self._folder)
        weakref.finalize(self, self._out.close)
        self._is_file = True
        if isinstance(held, io.BytesIO):
            self._out.write(held.getbuffer())


def view_of(data: ModelBytes) -> memoryview:
    return data.view if isinstance(data, FileBytes) else memoryview(data)


def folder_of(data: ModelBytes) -> Path | None:
    """Where files are made for what is made of these bytes."""
    return data.folder if isinstance(data, FileBytes) else None


def read(data: ModelBytes) -> IO[bytes]:
    """A file that has them."""
    return data.opened() if isinstance(data, FileBytes) else io.BytesIO(data)


def _file(folder: Path | None) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)


def _of_another(path: str, folder: Path | None, is_sound: bool) -> FileBytes:
    with open(path, "rb") as file:
        data = FileBytes(file, folder)
    data.is_sound = is_sound
    return data
