"""Keys of ASCII texts, made of their characters' weights without asking MySQL.

A key is what ``collation.key_of`` makes of MySQL's WEIGHT_STRING. Texts with a
character that is not among collation.SAFE, and those for which padding is not simply
a matter of trailing blanks, are left to be asked for.
"""

import numpy as np
import pyarrow as pa

from heatproxy.sql.collation import SAFE, CollationKey
from heatproxy.wire.native import (
    address_of,
    compile_once,
    copy_bytes,
    kernel,
    load_i64,
    load_u8,
    store_8,
    store_64,
)

_WIDEST = 8  # bytes of a character's weight on one level
_UNSAFE, _PLAIN, _BLANK = 0, 1, 2


class AsciiWeigher:
    """Makes the keys of one collation."""

    def __init__(self, key: CollationKey) -> None:
        """Raises ValueError: the collation's weights don't add up."""
        if not key.adds_up:
            raise ValueError("the weights of this collation don't add up")
        self._kinds = np.zeros(256, np.uint8)
        self._lengths = np.zeros((key.levels, 256), np.uint8)
        self._weights = np.zeros((key.levels, 256, _WIDEST), np.uint8)
        self._levels = key.levels
        self._blank = key.blank or b""
        for char in SAFE:
            levels, place = key.weights[char], ord(char)
            if max(map(len, levels)) > _WIDEST or levels[0] < self._blank:
                continue
            self._kinds[place] = _PLAIN
            for level, weight in enumerate(levels):
                self._lengths[level, place] = len(weight)
                self._weights[level, place, : len(weight)] = list(weight)
        if self._blank:
            self._kinds[ord(" ")] = _BLANK

    def keys(self, texts: pa.Array) -> tuple[pa.Array, np.ndarray]:
        """Of LargeString (n): LargeBinary (n), and the places (m,) left to be asked.

        Those are null in the keys, as nulls are.
        """
        compile_once(_measure, f"int64({', '.join(['int64'] * 7)})")
        compile_once(_write, f"void({', '.join(['int64'] * 9)})")
        count = len(texts)
        _, offsets, data = texts.buffers()
        at = address_of(offsets) + 8 * texts.offset if count else 0
        text = address_of(data) if data is not None and data.size else 0
        lengths = np.zeros(count, np.int64)
        blank = np.frombuffer(self._blank or b"\0", np.uint8)
        sized, weighed = address_of(self._lengths), address_of(self._weights)
        kinds, found = address_of(self._kinds), address_of(lengths)
        if count:
            _measure(at, text, count, kinds, sized, self._levels, found)
        known = texts.is_valid().to_numpy(zero_copy_only=False)
        asked = np.flatnonzero((lengths < 0) & known)
        kept = known & (lengths >= 0)
        end = len(self._blank)
        sizes = np.where(kept, lengths + end, 0)
        places = np.zeros(count + 1, np.int64)
        np.cumsum(sizes, out=places[1:])
        written = np.empty(max(int(places[-1]), 1), np.uint8)
        if count:
            starts, shape = address_of(places), self._levels * 256 + end
            to = address_of(written)
            _write(
                at, text, count, address_of(sizes), starts, sized, weighed, shape, to
            )
        if end:
            ends = places[1:][kept]
            for place in range(end):
                written[ends - end + place] = blank[place]
        validity = pa.py_buffer(np.packbits(kept, bitorder="little"))
        buffers = [validity, pa.py_buffer(places), pa.py_buffer(written)]
        return pa.Array.from_buffers(pa.large_binary(), count, buffers), asked


@kernel
def _measure(
    offsets: int,
    data: int,
    count: int,
    kinds: int,
    lengths: int,
    levels: int,
    sizes: int,
) -> int:
    """Each key's length, without the blank at its end; -1 where MySQL is asked."""
    asked = 0
    for row in range(count):
        start = load_i64(offsets + 8 * row)
        end = load_i64(offsets + 8 * row + 8)
        while end > start and load_u8(kinds + load_u8(data + end - 1)) == _BLANK:
            end -= 1
        size = 2 * (levels - 1)
        for at in range(start, end):
            char = load_u8(data + at)
            if load_u8(kinds + char) == _UNSAFE:
                size = -1
                asked += 1
                break
            for level in range(levels):
                size += load_u8(lengths + 256 * level + char)
        store_64(sizes + 8 * row, size)
    return asked


@kernel
def _write(
    offsets: int,
    data: int,
    count: int,
    sizes: int,
    places: int,
    lengths: int,
    weights: int,
    shape: int,
    target: int,
) -> None:
    """The weights of each text whose size is not 0; ``shape``: levels * 256 + end."""
    levels, end_size = shape >> 8, shape & 255
    for row in range(count):
        size = load_i64(sizes + 8 * row) - end_size
        if size <= 0:
            continue
        start = load_i64(offsets + 8 * row)
        end = load_i64(offsets + 8 * row + 8)
        to = target + load_i64(places + 8 * row)
        stop = to + size
        for level in range(levels):
            if level:
                store_8(to, 0)
                store_8(to + 1, 0)
                to += 2
            for at in range(start, end):
                char = load_u8(data + at)
                wide = load_u8(lengths + 256 * level + char)
                if to + wide > stop:  # the blanks that were cut off
                    break
                copy_bytes(to, weights + _WIDEST * (256 * level + char), wide)
                to += wide
