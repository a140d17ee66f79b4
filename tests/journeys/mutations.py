"""Bytes that are nearly right: what becomes of real conversations on a bad day."""

import random
from collections.abc import Iterator

# Where numbers of the protocol change their meaning.
_NASTY = (0x00, 0x01, 0x7F, 0x80, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF)


class Chance(random.Random):
    """Random choices that are the same in every run."""

    def damaged(self, data: bytes) -> bytes:
        """The bytes with one to four faults."""
        for _ in range(self.choice((1, 1, 1, 2, 2, 3, 4))):
            data = self._with_fault(data)
        return data

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The same bytes, cut anywhere."""
        longest = self.choice((1, 3, 10, 100, 1 << 20))
        position = 0
        while position < len(data):
            size = self.randint(1, longest)
            yield data[position : position + size]
            position += size

    def _with_fault(self, data: bytes) -> bytes:
        at = self.randrange(len(data) + 1)
        end = min(len(data), at + self.choice((1, 1, 2, 3, 4, 8, 40)))
        kind = self.randrange(8)
        if kind == 0:
            return data[:at]
        if kind == 1:
            return data[:at] + data[end:]
        if kind == 2:
            return data[:at] + data[at:end] + data[at:]
        if kind == 3:
            return data[:at] + self.randbytes(self.choice((1, 2, 9, 300))) + data[at:]
        if kind == 4:
            return data[:at] + bytes([self.choice(_NASTY)] * (end - at)) + data[end:]
        if at == len(data):
            return data + b"\0"
        changed = bytearray(data)
        if kind == 5:
            changed[at] ^= 1 << self.randrange(8)
        elif kind == 6:
            changed[at] = self.choice(_NASTY)
        else:
            changed[at] = self.randrange(256)
        return bytes(changed)
