"""Texts that are stored as numbers of a dictionary, written out.

Files repeat short texts. Copying each in one or two machine instructions takes a
fraction of what a general take of variable length does.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit

from heatproxy.wire.native import (
    BLOCK_BYTES,
    address_of,
    copy_block,
    copy_bytes,
    load_i32,
    load_u8,
    store_32,
)

_MOST_BYTES = 2**31 - 1
_UNKNOWN = -1  # a number that is not in the dictionary, or too much text


def unfolded(array: pa.DictionaryArray) -> pa.Array:
    """The same values without a dictionary.

    Raises:
        pa.ArrowIndexError: a number is not in the dictionary.
    """
    kind, texts = array.type, array.dictionary
    is_usual = pa.types.is_string(texts.type) and pa.types.is_int32(kind.index_type)
    if not is_usual or texts.null_count or not len(texts) or not len(array):
        return array.dictionary_decode()
    numbers = array.indices
    valid, held = numbers.buffers()
    _, starts, data = texts.buffers()
    rows, size = len(array), 0 if data is None else data.size
    at = address_of(held) + 4 * numbers.offset
    from_ = address_of(starts) + 4 * texts.offset
    marks = address_of(valid) if valid is not None and array.null_count else 0
    offsets = pa.allocate_buffer(4 * (rows + 1))
    places = offsets.address
    total = _place(at, marks, numbers.offset, from_, len(texts), rows, places)
    if total == _UNKNOWN:
        return array.dictionary_decode()
    copied = pa.allocate_buffer(total + BLOCK_BYTES)
    if total:
        source = address_of(data)
        _copy(at, from_, source, size, rows, places, copied.address)
    kept = None
    if marks:
        good = numbers.is_valid().to_numpy(zero_copy_only=False)
        kept = pa.py_buffer(np.packbits(good, bitorder="little"))
    buffers = [kept, offsets, copied.slice(0, total)]
    return pa.Array.from_buffers(pa.string(), rows, buffers)


@njit(nogil=True, cache=True, error_model="numpy")
def _place(
    numbers: int, valid: int, bit: int, starts: int, texts: int, rows: int, offsets: int
) -> Any:
    """Write where each text will begin; their size together, or _UNKNOWN."""
    total = 0
    store_32(offsets, 0)
    for r in range(rows):
        is_null = False
        if valid:
            place = bit + r
            is_null = not (load_u8(valid + (place >> 3)) >> (place & 7)) & 1
        if not is_null:
            k = load_i32(numbers + 4 * r)
            if k < 0 or k >= texts:
                return _UNKNOWN
            total += load_i32(starts + 4 * k + 4) - load_i32(starts + 4 * k)
            if total > _MOST_BYTES:
                return _UNKNOWN
        store_32(offsets + 4 * (r + 1), total)
    return total


@njit(nogil=True, cache=True, error_model="numpy")
def _copy(
    numbers: int,
    starts: int,
    data: int,
    size: int,
    rows: int,
    offsets: int,
    copied: int,
) -> None:
    for r in range(rows):
        to = load_i32(offsets + 4 * r)
        length = load_i32(offsets + 4 * r + 4) - to
        if length:
            start = load_i32(starts + 4 * load_i32(numbers + 4 * r))
            if length <= BLOCK_BYTES and start + BLOCK_BYTES <= size:
                copy_block(copied + to, data + start)
            else:
                copy_bytes(copied + to, data + start, length)
