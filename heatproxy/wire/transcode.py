"""Columns of text in another character set, as MySQL converts them.

Source: MySQL, ``copy_and_convert`` in ``sql-common/sql_string.cc``: what the other set
does not have becomes one question mark a character.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.errors import not_supported
from heatproxy.wire.charsets import (
    AS_UTF8,
    BASIC_PLANE,
    FOLDED,
    NUMBERED,
    PAIRS,
    PAIRS_LITTLE,
    WHOLE,
    CharacterSet,
)
from heatproxy.wire.native import (
    address_of,
    compile_once,
    is_compiled,
    kernel,
    load_i32,
    load_u8,
    signed,
    store_32,
)

SIGNATURE = "void(int64, int64, int64, int64, uint64[::1], int64, int64)"
LONGEST_TEXT_BYTES = 2**31 - 1  # Arrow's offsets are 32 bits
SLACK = 4  # bytes that the kernel may scribble over behind its target
FIRST_NUMBERED = 189_000  # of U+10000 among the four-byte codes of GB 18030
SURROGATES = 0xD800DC00  # the first pair
QUESTION_MARK = 0x3F


def warm_up() -> None:
    """Compile the kernel, or load it from the cache on disk."""
    compile_once(_transcode, SIGNATURE)


def is_ready() -> bool:
    """Whether nobody waits for the kernel any more."""
    return is_compiled(_transcode)


def transcoded(column: pa.Array, charset: CharacterSet) -> pa.Array:
    """A column of strings, Arrow (n_rows,), as binary in another character set.

    Raises:
        MySQLError: 1235, more than 2 GB come of it.
    """
    n_rows = len(column)
    if charset.keeps_ascii and pc.all(pc.string_is_ascii(column)).as_py() is not False:
        return column.cast(pa.binary())
    _, offsets, text = column.buffers()
    known = np.frombuffer(offsets, np.int32)
    first = int(known[column.offset])
    n_bytes = int(known[column.offset + n_rows]) - first
    if n_bytes * charset.growth > LONGEST_TEXT_BYTES:
        raise not_supported(f"2 GB of text in character set {charset.name}")
    target = np.empty(n_bytes * charset.growth + SLACK, np.uint8)
    ends = np.zeros(n_rows + 1, np.int32)
    warm_up()
    _transcode(
        address_of(known) + 4 * column.offset,
        text.address if text else 0,
        n_rows,
        charset.beyond,
        charset.codes,
        address_of(target),
        address_of(ends),
    )
    nulls = pa.py_buffer(null_bitmap(column)) if column.null_count else None
    buffers = [nulls, pa.py_buffer(ends), pa.py_buffer(target)]
    return pa.Array.from_buffers(pa.binary(), n_rows, buffers)


def null_bitmap(column: pa.Array) -> npt.NDArray[np.uint8]:
    """The validity of a column, or of a slice of one, as Arrow keeps it."""
    known = column.is_valid().to_numpy(zero_copy_only=False)
    return np.packbits(known, bitorder="little")


@kernel
def _transcode(
    offsets: int,
    text: int,
    n_rows: int,
    beyond: int,
    codes: npt.NDArray[np.uint64],
    target: int,
    ends: int,
) -> None:
    """Write ``n_rows`` texts of UTF-8 one behind the other, and where each ends."""
    place = 0
    for row in range(n_rows):
        position = text + load_i32(offsets + 4 * row)
        end = text + load_i32(offsets + 4 * row + 4)
        while position < end:
            first = load_u8(position)
            size = 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)
            if position + size > end:
                break  # not UTF-8, as what stands where a NULL is may be
            character = first & (0xFF >> size if size > 1 else 0x7F)
            for step in range(1, size):
                character = character << 6 | load_u8(position + step) & 0x3F
            position += size
            if character < BASIC_PLANE:
                code = signed(codes[character])
            else:
                code = _far(character, beyond, codes)
            store_32(target + place, code)
            place += code >> 32
        store_32(ends + 4 * row + 4, place)


@kernel
def _far(character: int, beyond: int, codes: npt.NDArray[np.uint64]) -> int:
    """A character beyond U+FFFF, as ``CharacterSet.codes`` has the others."""
    number = character - BASIC_PLANE
    pair = SURROGATES + (number >> 10 << 16 | number & 0x3FF)
    if beyond == AS_UTF8:
        code = 0xF0 | character >> 18
        code = code << 8 | 0x80 | character >> 12 & 0x3F
        code = code << 8 | 0x80 | character >> 6 & 0x3F
        code = code << 8 | 0x80 | character & 0x3F
    elif beyond == PAIRS:
        code = pair
    elif beyond == PAIRS_LITTLE:
        code = (pair & 0xFF00FF) << 8 | pair >> 8 & 0xFF00FF
    elif beyond == WHOLE:
        code = character
    elif beyond == NUMBERED:
        number += FIRST_NUMBERED
        left, right = number // 1260, number % 1260
        code = (0x81 + left // 10) << 24 | (0x30 + left % 10) << 16
        code |= (0x81 + right // 10) << 8 | (0x30 + right % 10)
    else:
        alike = beyond == FOLDED and character & 0xFFFF != 0
        return signed(codes[character & 0xFFFF if alike else QUESTION_MARK])
    code = (code & 0xFF00FF) << 8 | code >> 8 & 0xFF00FF
    return (code & 0xFFFF) << 16 | code >> 16 | 4 << 32
