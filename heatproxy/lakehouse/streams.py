"""A file on this machine as a stream of UTF-8 bytes, whatever it is packed in.

Source: HeatWave User Guide, dialect keys ``compression`` and ``encoding``.
"""

import bz2
import codecs
import gzip
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

import pyarrow as pa

from heatproxy.errors import MySQLError
from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.dialect import Dialect

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # without members
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
# big endian as MySQL's charsets are, but where a byte order mark says otherwise
_WIDE = {
    "utf-16-be": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-32-be": (codecs.BOM_UTF32_LE, "utf-32-le"),
}
# MySQL's latin1 is Windows-1252 with the five holes filled by control characters
_LATIN1 = "".join(
    bytes([code]).decode("cp1252", "replace").replace("\ufffd", chr(code))
    for code in range(256)
)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One object of a table: where it is now, and what messages call it."""

    path: Path
    display: str  # without any secret of its URL
    size_bytes: int  # as stored, so of the packed file
    is_strict_mode: bool | None = None
    name: str = ""  # of the object: its whole path
    is_fetched: bool = False  # into a folder of ours, where nobody else changes it


class TextStream:
    """UTF-8 bytes of one file: unpacked, recoded, checked, without its BOM."""

    def __init__(self, file: DataFile, dialect: Dialect) -> None:
        self._file = file
        self._stored = file.path.open("rb")
        try:
            self._raw = _unpacked(self._stored, file, dialect.compression)
        except BaseException:
            self._stored.close()
            raise
        self._decode = _decoder(dialect)
        self._first = True
        self._given = 0

    def __enter__(self) -> "TextStream":
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()
        self._stored.close()

    @property
    def stored_bytes(self) -> int:
        """How much of the file as it is stored has been read."""
        return self._stored.tell()

    def read(self, limit_bytes: int) -> bytes | None:
        """Some bytes, seldom more than ``limit_bytes``; None at the end.

        Raises:
            MySQLError: 6061, the bytes are not text in the dialect's encoding; 6445,
                the packed file is damaged.
        """
        while True:
            try:
                raw = self._raw.read(limit_bytes)
            except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as problem:
                raise _not_extracted(self._file, str(problem)) from None
            try:
                text = self._decode(raw, not raw)
            except UnicodeDecodeError as problem:
                before = problem.object[: problem.start]
                sound = before.decode(problem.encoding, "replace")
                self._given += len(sound.encode())
                raise self._damaged(
                    f"Bytes that are not in the dialect's encoding: {problem.reason}"
                ) from None
            if self._first and text:
                self._first = False
                if text[:3] == codecs.BOM_UTF8:
                    text = text[3:]
            self._given += len(text)
            if text:
                return text
            if not raw:
                return None

    def _damaged(self, what: str) -> MySQLError:
        return failure(
            LH.CSV_PARSING_ERR, self._file.display, self._given, what.rstrip(".")
        )


def packing(file: DataFile) -> str | None:
    """What the file is packed with, by its first bytes."""
    with file.path.open("rb") as start:
        head = start.read(4)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def _unpacked(stored: BinaryIO, file: DataFile, compression: str | None) -> IO[bytes]:
    """The file's own bytes; no ``compression`` given means the same as auto.

    Raises:
        MySQLError: 6445, not packed as the dialect says, a damaged archive, or one
            that has not exactly one file.
    """
    found = packing(file)
    if compression not in (None, "auto", found):
        raise _not_extracted(file, f"it is not {compression}")
    if found == "gzip":
        return gzip.open(stored)  # type: ignore[return-value]
    if found == "bzip2":
        return bz2.open(stored)
    if found == "zip":
        return _only_member(stored, file)
    if found == "zstd":  # which HeatWave does not read
        return cast(IO[bytes], pa.CompressedInputStream(stored, "zstd"))
    return stored


def _only_member(stored: BinaryIO, file: DataFile) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(stored)
        members = [info for info in archive.infolist() if not info.is_dir()]
        if len(members) != 1:
            raise _not_extracted(file, f"it has {len(members)} files")
        return archive.open(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as problem:
        # damaged, packed in a way that is not known here, or encrypted
        raise _not_extracted(file, str(problem)) from None


def _not_extracted(file: DataFile, why: str) -> MySQLError:
    detail = f" ({why.rstrip('.')})"
    return failure(LH.DECOMPRESSION_ERR, file.display, detail=detail)


def _decoder(dialect: Dialect) -> Callable[[bytes, bool], bytes]:
    """A function from raw bytes (and whether they end here) to UTF-8 bytes."""
    if dialect.encoding == "latin1":
        return lambda raw, _: (
            raw
            if raw.isascii()
            else codecs.charmap_decode(raw, "strict", _LATIN1)[0].encode()
        )
    if dialect.codec in _WIDE:
        return _by_byte_order(dialect.codec)
    decoder = codecs.getincrementaldecoder(dialect.codec)()
    if dialect.codec == "utf-8":

        def checked(raw: bytes, final: bool) -> bytes:
            if raw.isascii() and not decoder.getstate()[0]:
                return raw
            return decoder.decode(raw, final).encode()

        return checked
    return lambda raw, final: decoder.decode(raw, final).encode()


def _by_byte_order(codec: str) -> Callable[[bytes, bool], bytes]:
    """Decodes as the mark at the file's beginning says, otherwise as ``codec``."""
    mark, other = _WIDE[codec]
    head = b""
    decoder: codecs.IncrementalDecoder | None = None

    def decode(raw: bytes, final: bool) -> bytes:
        nonlocal head, decoder
        if decoder is None:
            head += raw
            if len(head) < len(mark) and not final:
                return b""
            raw = head
            found = other if head.startswith(mark) else codec
            decoder = codecs.getincrementaldecoder(found)()
        return decoder.decode(raw, final).encode()

    return decode
