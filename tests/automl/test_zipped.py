"""The zip of a stored model: what does not compress is left, and read in its place."""

import zipfile

import numpy as np
import pytest

from heatproxy.automl import model_bytes, zipped
from heatproxy.automl.model_bytes import FileBytes, ModelBytes, Spool, read
from heatproxy.automl.zipped import TooLarge, packed, unpacked

NOISE = np.random.default_rng(3).bytes(3 << 20)
TEXT = b"leaf_value=0.25 " * (200 << 10)  # 3 MB
FILES = {"noise": NOISE, "text": TEXT, "few": NOISE[:99]}
MOST = 1 << 30


def in_a_file(data: bytes) -> FileBytes:
    spool = Spool(None, model_bytes.MOST_IN_MEMORY + 1)
    spool.write(data)
    made = spool.done()
    assert isinstance(made, FileBytes)
    return made


def as_bytes(data: ModelBytes) -> bytes:
    with read(data) as file:
        return file.read()


def test_only_what_gets_smaller_is_compressed() -> None:
    data = packed(FILES)
    with zipfile.ZipFile(read(data)) as archive:
        kinds = {one.filename: one.compress_type for one in archive.infolist()}
        assert {name: archive.read(name) for name in FILES} == FILES
    deflated, stored = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED
    assert kinds == {"noise": stored, "text": deflated, "few": deflated}
    assert len(data) < 1.1 * len(NOISE)


@pytest.mark.parametrize("make", [bytes, in_a_file])
def test_unpacked_are_the_files(make: type[bytes]) -> None:
    found = unpacked(make(as_bytes(packed(FILES))), MOST)
    assert {name: bytes(content) for name, content in found.items()} == FILES


def test_what_is_not_compressed_is_not_copied() -> None:
    data = as_bytes(packed(FILES))
    noise = unpacked(data, MOST)["noise"]
    assert isinstance(noise, memoryview)
    assert noise.obj is data


@pytest.mark.parametrize("place", [0, 1, 33, 64])
def test_numbers_stand_where_numbers_may(place: int) -> None:
    data = as_bytes(packed(FILES, None, {"noise": place}))
    assert data.index(NOISE) % 64 == -place % 64
    assert unpacked(data, MOST)["noise"] == NOISE


@pytest.mark.parametrize("make", [bytes, in_a_file])
@pytest.mark.parametrize("name", ["noise", "text"])
def test_a_changed_byte_is_noticed(name: str, make: type[bytes]) -> None:
    whole = as_bytes(packed(FILES))
    data = bytearray(whole)
    with zipfile.ZipFile(read(whole)) as archive:
        entry = archive.getinfo(name)
    data[entry.header_offset + 30 + len(name) + entry.compress_size // 2] ^= 1
    with pytest.raises((zipfile.BadZipFile, zipped.zlib.error)):
        unpacked(make(bytes(data)), MOST)


def test_more_bytes_than_may_be_are_refused() -> None:
    with pytest.raises(TooLarge):
        unpacked(packed(FILES), 6 << 20)


def test_a_large_zip_and_what_is_in_it_wait_in_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_bytes, "MOST_IN_MEMORY", 1 << 20)
    data = packed(FILES)
    assert isinstance(data, FileBytes)
    found = unpacked(data, MOST)
    assert isinstance(found["text"], memoryview)
    assert {name: bytes(content) for name, content in found.items()} == FILES
