"""A model's bytes as pieces of Base64 text, each small enough for a packet."""

import base64
import io
from collections.abc import Iterator

MOST_CHARACTERS = 4 << 20  # of one piece
_FEWEST_CHARACTERS = 1024
_AROUND = 4096  # bytes that a statement has beside its piece
_BLANKS = str.maketrans("", "", " \t\r\n")  # TO_BASE64 breaks its lines


class NotBase64(Exception):
    """The pieces are not the Base64 text of anything."""


def piece_characters(max_allowed_packet: int) -> int:
    """How long a piece may be where a packet has so many bytes; a multiple of 4."""
    fits = min(MOST_CHARACTERS, max_allowed_packet - _AROUND)
    return max(fits, _FEWEST_CHARACTERS) // 4 * 4


def count(data: bytes, characters: int) -> int:
    """How many pieces ``pieces`` makes."""
    return -(-len(data) // (characters // 4 * 3))


def pieces(data: bytes, characters: int) -> Iterator[str]:
    """The pieces of so many characters, a multiple of 4; the last may be shorter.

    They need no quoting: as a literal of SQL a piece stands as it is.
    """
    step = characters // 4 * 3
    view = memoryview(data)
    for start in range(0, len(data), step):
        yield base64.b64encode(view[start : start + step]).decode()


class Joined:
    """Pieces put together again, wherever the text was cut."""

    def __init__(self) -> None:
        self._data = io.BytesIO()  # its value is given without another copy of it
        self._rest = ""
        self._ended = False  # by padding

    def add(self, piece: str) -> None:
        """The next piece.

        Raises:
            NotBase64: it is none.
        """
        text = self._rest + piece.translate(_BLANKS)
        whole = len(text) // 4 * 4
        text, self._rest = text[:whole], text[whole:]
        if text and self._ended:
            raise NotBase64
        try:
            self._data.write(base64.b64decode(text.encode("ascii"), validate=True))
        except ValueError:
            raise NotBase64 from None
        self._ended = self._ended or text.endswith("=")

    def __len__(self) -> int:
        return self._data.tell()

    def data(self) -> bytes:
        """All of the bytes.

        Raises:
            NotBase64: the text ends in the middle of a group of four.
        """
        if self._rest:
            raise NotBase64
        return self._data.getvalue()
