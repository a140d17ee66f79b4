"""A model's bytes as pieces of Base64 text, each small enough for a packet."""

import binascii
from collections.abc import Iterator
from pathlib import Path

from heatproxy.automl.model_bytes import ModelBytes, Spool, view_of

MOST_CHARACTERS = 4 << 20  # of one piece
_FEWEST_CHARACTERS = 1024
_AROUND = 4096  # bytes that a statement has beside its piece
_BLANKS = b" \t\r\n"  # TO_BASE64 breaks its lines


class NotBase64(Exception):
    """The pieces are not the Base64 text of anything."""


def piece_characters(max_allowed_packet: int) -> int:
    """How long a piece may be where a packet has so many bytes; a multiple of 4."""
    fits = min(MOST_CHARACTERS, max_allowed_packet - _AROUND)
    return max(fits, _FEWEST_CHARACTERS) // 4 * 4


def count(data: ModelBytes, characters: int) -> int:
    """How many pieces ``pieces`` makes."""
    return -(-len(data) // (characters // 4 * 3))


def pieces(data: ModelBytes, characters: int) -> Iterator[bytes]:
    """The pieces of so many characters, a multiple of 4; the last may be shorter.

    They need no quoting: as a literal of SQL a piece stands as it is.
    """
    step = characters // 4 * 3
    view = view_of(data)
    for start in range(0, len(data), step):
        yield binascii.b2a_base64(view[start : start + step], newline=False)


class Joined:
    """Pieces put together again, wherever the text was cut."""

    def __init__(self, folder: Path | None = None, expected_bytes: int = 0) -> None:
        self._data = Spool(folder, expected_bytes)
        self._rest = b""
        self._ended = False  # by padding

    def add(self, piece: bytes) -> None:
        """The next piece.

        Raises:
            NotBase64: it is none.
        """
        text = self._rest + piece.translate(None, _BLANKS)
        cut = len(text) // 4 * 4
        text, self._rest = (text, b"") if cut == len(text) else (text[:cut], text[cut:])
        if text and self._ended:
            raise NotBase64
        try:
            self._data.write(binascii.a2b_base64(text, strict_mode=True))
        except ValueError:
            raise NotBase64 from None
        self._ended = self._ended or text.endswith(b"=")

    def add_all(self, text: str) -> None:
        """All of the pieces in one text. Raises: see add."""
        for start in range(0, len(text), MOST_CHARACTERS):
            try:
                self.add(text[start : start + MOST_CHARACTERS].encode("ascii"))
            except UnicodeEncodeError:
                raise NotBase64 from None

    def __len__(self) -> int:
        return len(self._data)

    def data(self) -> ModelBytes:
        """All of the bytes.

        Raises:
            NotBase64: the text ends in the middle of a group of four.
        """
        if self._rest:
            raise NotBase64
        return self._data.done()
