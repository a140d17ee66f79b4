"""The zip that a stored model is: what compresses is compressed, the rest is left.

Numbers that a network has learned hardly get smaller, and compressing gigabytes of
them takes minutes. A file that stands in the zip as it is need not be copied to be
read.
"""

import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from heatproxy.automl.model_bytes import (
    FileBytes,
    ModelBytes,
    Spool,
    folder_of,
    read,
    view_of,
)

Content = bytes | memoryview

_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip need not tell when it was made
_AT_ONCE = 1 << 20
_LARGE = 1 << 20  # bytes: from here on it is looked whether compressing pays
_HUGE = 64 << 20  # from here on compressing must be quick
_SAMPLES, _SAMPLE_BYTES = 8, 32 << 10
_PAYS = 0.85  # of the size
_LOCAL_BYTES = 30  # what stands before a file's name
_LOCAL_LENGTHS = struct.Struct("<HH")  # of the name and of what follows it
_LENGTHS_AT = 26
_EXTRA = struct.Struct("<HH")  # whose, and how many bytes follow
_FILLING = 0xD935  # as the zips of Android have it
_NUMBERS_AT = 64  # and its multiples


class TooLarge(Exception):
    """Its files are larger than they may be."""


def packed(
    files: Mapping[str, Content],
    folder: Path | None = None,
    numbers_at: Mapping[str, int] | None = None,
) -> ModelBytes:
    """A zip of these files; ``unpacked`` is the inverse.

    Where a file is not compressed, its byte of ``numbers_at`` is at a place of the zip
    where numbers may begin.
    """
    out = Spool(folder, sum(map(len, files.values())))
    with zipfile.ZipFile(out.file, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            pays = len(content) < _LARGE or _pays(content)
            entry.compress_type = zipfile.ZIP_DEFLATED if pays else zipfile.ZIP_STORED
            if not pays:
                begins = out.file.tell() + _LOCAL_BYTES + len(name.encode())
                entry.extra = _filling(begins + (numbers_at or {}).get(name, 0))
            level = 1 if len(content) > _HUGE else None
            archive.writestr(entry, content, compresslevel=level)
    return out.done()


def unpacked(data: ModelBytes, most_bytes: int) -> dict[str, Content]:
    """The files by their names, compared with their checksums.

    A large one that is not compressed is where it was. Bytes of a file are compared
    once, whichever process does it.

    Raises:
        TooLarge: they have more bytes than so many.
    """
    with read(data) as file, zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > most_bytes:
            raise TooLarge
        found = {e.filename: _content(archive, e, data) for e in archive.infolist()}
    if isinstance(data, FileBytes):
        data.is_sound = True
    return found


def _content(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, data: ModelBytes
) -> Content:
    """What ``archive.read`` gives, which holds a large file four times over."""
    if entry.compress_type == zipfile.ZIP_STORED and entry.file_size > _LARGE:
        return _in_place(entry, data)
    out = Spool(folder_of(data), entry.file_size)
    with archive.open(entry) as content:
        shutil.copyfileobj(content, out, _AT_ONCE)
    done = out.done()
    return done.view if isinstance(done, FileBytes) else done


def _in_place(entry: zipfile.ZipInfo, data: ModelBytes) -> memoryview:
    view = view_of(data)
    start = entry.header_offset
    lengths = view[start + _LENGTHS_AT : start + _LOCAL_BYTES]
    start += _LOCAL_BYTES + sum(_LOCAL_LENGTHS.unpack(lengths))
    content = view[start : start + entry.file_size]
    is_sound = isinstance(data, FileBytes) and data.is_sound
    if len(content) != entry.file_size or (
        not is_sound and zlib.crc32(content) != entry.CRC
    ):
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {entry.filename!r}")
    return content


def _filling(place: int) -> bytes:
    """What in front of such a place makes it one where numbers may begin."""
    count = -(place + _EXTRA.size) % _NUMBERS_AT
    return _EXTRA.pack(_FILLING, count) + bytes(count)


def _pays(content: Content) -> bool:
    """Whether pieces of it get clearly smaller."""
    step = max(len(content) // _SAMPLES, _SAMPLE_BYTES)
    pieces = [
        bytes(content[start : start + _SAMPLE_BYTES])
        for start in range(0, len(content), step)
    ]
    size = sum(len(zlib.compress(piece, 1)) for piece in pieces)
    return size < _PAYS * sum(map(len, pieces))
