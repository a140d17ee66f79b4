"""Encodings and packings of text files."""

import bz2
import gzip
import io
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from heatproxy.lakehouse import streams
from heatproxy.lakehouse.dialect import CHARSETS, parse_dialect

MakeFile = Callable[..., streams.DataFile]


def whole(file: streams.DataFile, dialect: dict, step: int = 5) -> str:
    parts = []
    with streams.TextStream(file, parse_dialect(dialect, "t")) as stream:
        while (part := stream.read(step)) is not None:
            parts.append(part)
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin1", "naïve €uro “quoted”"),
        ("utf8mb4", "größe 𝄞 日本"),
        ("utf16", "größe 日本"),
        ("utf16le", "größe 日本"),
        ("cp1251", "привет"),
        ("koi8r", "привет"),
        ("sjis", "日本語"),
        ("gbk", "中文"),
        ("euckr", "한국어"),
        ("latin2", "zażółć"),
    ],
)
def test_text_in_this_encoding_reads_as_written(
    make_file: MakeFile, encoding: str, text: str
) -> None:
    file = make_file(text.encode(CHARSETS[encoding]))
    assert whole(file, {"encoding": encoding}) == text


def test_latin1_bytes_that_windows_1252_lacks_are_control_characters(
    make_file: MakeFile,
) -> None:
    assert whole(make_file(b"a\x81b"), {"encoding": "latin1"}) == "a\x81b"


@pytest.mark.parametrize("encoding", ["utf8mb4", "utf16", "utf16le"])
def test_a_byte_order_mark_is_no_text(make_file: MakeFile, encoding: str) -> None:
    file = make_file("\ufeffabc".encode(CHARSETS[encoding]))
    assert whole(file, {"encoding": encoding}, step=1) == "abc"


@pytest.mark.parametrize("step", [1, 3, 99])
@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("utf16", "utf-16-le"),
        ("utf16", "utf-16-be"),
        ("ucs2", "utf-16-le"),
        ("utf32", "utf-32-le"),
        ("utf32", "utf-32-be"),
    ],
)
def test_a_byte_order_mark_says_which_order_it_is(
    make_file: MakeFile, encoding: str, codec: str, step: int
) -> None:
    file = make_file("\ufeff1,größe\n".encode(codec))
    assert whole(file, {"encoding": encoding}, step) == "1,größe\n"


def test_text_shorter_than_a_byte_order_mark_is_damaged(make_file: MakeFile) -> None:
    assert whole(make_file(b""), {"encoding": "utf32"}) == ""
    with pytest.raises(MySQLError) as error:
        whole(make_file(b"\xff"), {"encoding": "utf16"})
    assert error.value.number == 6061


def test_bytes_that_are_not_utf8_are_an_error_with_their_place(
    make_file: MakeFile,
) -> None:
    with pytest.raises(MySQLError, match=r"t\.csv at byte offset.*encoding") as error:
        whole(make_file(b"abcdefghij\xff\n"), {})
    assert error.value.number == 6061


def test_text_that_ends_inside_a_character_is_an_error(make_file: MakeFile) -> None:
    with pytest.raises(MySQLError):
        whole(make_file("aé".encode()[:-1]), {})


def packed(kind: str, data: bytes) -> bytes:
    if kind == "gzip":
        return gzip.compress(data)
    if kind == "bzip2":
        return bz2.compress(data)
    if kind == "zstd":
        return bytes(pa.compress(data, "zstd", asbytes=True))
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("inner.csv", data)
    return memory.getvalue()


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zip", "zstd"])
@pytest.mark.parametrize("compression", [None, "auto", "given"])
def test_a_packed_file_is_unpacked(
    make_file: MakeFile, kind: str, compression: str | None
) -> None:
    file = make_file(packed(kind, b"1,2\n3,4\n"))
    given = kind if compression == "given" else compression
    assert whole(file, {"compression": given}) == "1,2\n3,4\n"


def test_a_file_not_packed_as_the_dialect_says_is_refused(make_file: MakeFile) -> None:
    with pytest.raises(MySQLError, match="not gzip"):
        whole(make_file("1,2\n"), {"compression": "gzip"})


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd"])
def test_a_packed_file_cut_short_is_an_error(make_file: MakeFile, kind: str) -> None:
    data = packed(kind, b"1,2\n" * 9999)
    with pytest.raises(MySQLError) as error:
        whole(make_file(data[: len(data) // 2]), {}, step=1 << 20)
    assert error.value.number == 6445
