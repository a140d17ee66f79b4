"""A model's bytes in pieces of Base64, and pieces cut by somebody else."""

import base64
import tracemalloc

import pytest

from heatproxy.automl import model_bytes
from heatproxy.automl.chunks import (
    MOST_CHARACTERS,
    Joined,
    NotBase64,
    count,
    piece_characters,
    pieces,
)
from heatproxy.automl.model_bytes import FileBytes, ModelBytes

DATA = bytes(range(256)) * 9


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 767, 768, 769, 2304])
@pytest.mark.parametrize("characters", [4, 1024])
def test_pieces_put_together_are_the_bytes(length: int, characters: int) -> None:
    data = DATA[:length]
    cut = list(pieces(data, characters))
    assert len(cut) == count(data, characters)
    assert all(len(piece) <= characters for piece in cut)
    joined = Joined()
    for piece in cut:
        joined.add(piece)
    assert joined.data() == data


@pytest.mark.parametrize("size", [1, 2, 3, 5, 77])
def test_text_may_be_cut_anywhere_and_have_breaks_of_lines(size: int) -> None:
    text = base64.encodebytes(DATA)
    joined = Joined()
    for start in range(0, len(text), size):
        joined.add(text[start : start + size])
    assert joined.data() == DATA


BAD = [
    [b"AAA"],
    [b"AAAA", b"AA"],
    [b"****"],
    [b"AA==", b"AAAA"],
    [b"AA==AAAA"],
    [b"=AAA"],
    ["é===".encode(), b""],
    [b"A===", b""],
]


@pytest.mark.parametrize("cut", BAD, ids=repr)
def test_what_is_no_base64_is_refused(cut: list[bytes]) -> None:
    with pytest.raises(NotBase64):
        put_together(cut)


def put_together(cut: list[bytes]) -> ModelBytes:
    joined = Joined()
    for piece in cut:
        joined.add(piece)
    return joined.data()


def test_a_piece_fits_the_packet() -> None:
    assert piece_characters(64 << 20) == MOST_CHARACTERS
    assert piece_characters(1 << 20) == (1 << 20) - 4096
    assert piece_characters(10_001) == 5904  # a multiple of 4
    assert piece_characters(0) == 1024


def test_text_of_other_letters_is_refused_whole() -> None:
    with pytest.raises(NotBase64):
        Joined().add_all("AAAé")


def test_a_big_model_is_not_in_memory() -> None:
    data = DATA * (24 << 10)  # 54 MB
    tracemalloc.start()
    try:
        joined = Joined()
        for piece in pieces(data, 1 << 20):
            joined.add(piece)
        put = joined.data()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(put, FileBytes)
    assert put.view == data
    assert peak < 2.5 * model_bytes.MOST_IN_MEMORY
