"""The kernel that prints MySQL's binary JSON as MySQL prints it.

Keys come in the order they are stored in, numbers with the digits MySQL gives them.
Of the values that JSON has no notation for, DECIMAL, dates and times are printed;
others (BLOB, BIT, spatial ones) are refused.

Source: MySQL, ``sql-common/json_binary.h`` and ``json_dom.cc``.
"""

import numpy as np
import numpy.typing as npt

from heatproxy.wire.digits import write_digits, write_number
from heatproxy.wire.doubles import write_double
from heatproxy.wire.native import (
    kernel,
    load_f64,
    load_i16,
    load_i32,
    load_i64,
    load_u8,
    load_u16,
    load_u32,
    store_8,
    store_16,
    store_32,
)

Int64s = npt.NDArray[np.int64]

ROW, USED = range(2)  # the fields of ``state``
DONE, GROW, REFUSED, BROKEN = range(4)

SIGNATURE = (
    "int64(int64[::1], int64[:, ::1], int64, int64, int64, int64, int64, int64, int64)"
)
DEPTH = 101
STACK_SHAPE = (DEPTH, 5)
SLACK = 160  # the longest value but a string, and what its kernels scribble

# The kinds of values.
SMALL_OBJECT, LARGE_OBJECT, SMALL_ARRAY, LARGE_ARRAY, LITERAL = range(5)
INT16, UINT16, INT32, UINT32, INT64, UINT64, DOUBLE, STRING = range(5, 13)
OPAQUE = 15
_DATE, _DATETIME, _TIMESTAMP, _TIME, _DECIMAL = 10, 12, 7, 11, 246

# The fields of a container's frame on the stack.
BASE, IS_OBJECT, LARGE, COUNT, NEXT = range(5)
QUOTE, BACKSLASH, MINUS, POINT, ZERO = 0x22, 0x5C, 0x2D, 0x2E, 0x30
_COMMA, _COLON = 0x202C, 0x203A  # with the blank behind
_LETTERS = np.zeros(32, np.int64)
_LETTERS[[8, 9, 10, 12, 13]] = list(b"btnfr")
_NULL, _TRUE, _FALS = (
    int.from_bytes(text, "little") for text in (b"null", b"true", b"fals")
)
_GROUP_BYTES = np.array([0, 1, 1, 2, 2, 3, 3, 4, 4, 4], np.int64)


@kernel
def write_json(
    state: Int64s,
    stack: Int64s,
    validity: int,
    offsets: int,
    data: int,
    count: int,
    target: int,
    capacity: int,
    ends: int,
) -> int:
    """Print ``count`` values, one behind the other; ``ends`` says where each ends."""
    while state[ROW] < count:
        row = state[ROW]
        used = state[USED]
        if load_u8(validity + (row >> 3)) >> (row & 7) & 1:
            start = data + load_i32(offsets + 4 * row)
            end = data + load_i32(offsets + 4 * row + 4)
            out = _print(stack, start, end, target + used, target + capacity)
            if out < 0:
                return -out
            used = out - target
        state[USED] = used
        state[ROW] = row + 1
        store_32(ends + 4 * row + 4, used)
    return DONE


@kernel
def _print(stack: Int64s, start: int, end: int, out: int, limit: int) -> int:
    """Print one value; the place behind it, or why not, negative."""
    if start == end:
        if out + SLACK > limit:
            return -GROW
        store_32(out, _NULL)
        return out + 4
    depth = 0
    kind = load_u8(start)
    place = start + 1
    while True:
        if out + SLACK > limit:
            return -GROW
        if kind <= LARGE_ARRAY:
            large = kind & 1
            wide = 4 if large else 2
            if place + 2 * wide > end or depth == DEPTH:
                return -BROKEN
            is_object = kind <= LARGE_OBJECT
            store_8(out, 0x7B if is_object else 0x5B)
            out += 1
            stack[depth, BASE] = place
            stack[depth, IS_OBJECT] = is_object
            stack[depth, LARGE] = large
            stack[depth, COUNT] = load_u32(place) if large else load_u16(place)
            stack[depth, NEXT] = 0
            depth += 1
        elif kind == STRING:
            size, place = _length(place, end)
            if size < 0 or size > end - place:
                return -BROKEN
            if out + 6 * size + SLACK > limit:
                return -GROW
            out = _quoted(out, place, size)
        elif kind == OPAQUE:
            if place + 2 > end:
                return -BROKEN
            kind = load_u8(place)
            size, place = _length(place + 1, end)
            if size < 0 or size > end - place:
                return -BROKEN
            if kind == _DECIMAL:
                if size < 2:
                    return -BROKEN
                out = _decimal(out, place)
            elif kind in (_DATE, _DATETIME, _TIMESTAMP, _TIME) and size == 8:
                out = _temporal(out, load_i64(place), kind)
            else:
                return -REFUSED
        else:
            size = 2
            if kind in (INT32, UINT32):
                size = 4
            elif kind in (INT64, UINT64, DOUBLE):
                size = 8
            elif kind == LITERAL:
                size = 1
            if kind > OPAQUE or place + size > end:
                return -BROKEN
            out = _scalar(out, kind, place)
            if out < 0:
                return out
        while depth and stack[depth - 1, NEXT] == stack[depth - 1, COUNT]:
            depth -= 1
            store_8(out, 0x7D if stack[depth, IS_OBJECT] else 0x5D)
            out += 1
            if out + SLACK > limit:
                return -GROW
        if depth == 0:
            return out
        frame = stack[depth - 1]
        base = frame[BASE]
        index = frame[NEXT]
        frame[NEXT] = index + 1
        if index:
            store_16(out, _COMMA)
            out += 2
        wide = 4 if frame[LARGE] else 2
        entry = base + 2 * wide
        if frame[IS_OBJECT]:
            key = entry + index * (wide + 2)
            if key + wide + 2 > end:
                return -BROKEN
            place = base + (load_u32(key) if frame[LARGE] else load_u16(key))
            size = load_u16(key + wide)
            if place + size > end:
                return -BROKEN
            if out + 6 * size + SLACK > limit:
                return -GROW
            out = _quoted(out, place, size)
            store_16(out, _COLON)
            out += 2
            entry += frame[COUNT] * (wide + 2)
        entry += index * (wide + 1)
        if entry + 1 + wide > end:
            return -BROKEN
        kind = load_u8(entry)
        place = entry + 1
        inline = LITERAL <= kind <= UINT16
        if frame[LARGE] and (kind in (INT32, UINT32)):
            inline = True
        if not inline:
            place = base + (load_u32(place) if frame[LARGE] else load_u16(place))
            if place >= end:
                return -BROKEN


@kernel
def _length(place: int, end: int) -> tuple[int, int]:
    """A length of seven bits a byte, and the place behind it; -1 if there is none."""
    size = 0
    for step in range(5):
        if place == end:
            return -1, place
        byte = load_u8(place)
        place += 1
        size |= (byte & 0x7F) << 7 * step
        if byte < 0x80:
            return size, place
    return -1, place


@kernel
def _quoted(out: int, place: int, size: int) -> int:
    store_8(out, QUOTE)
    out += 1
    for step in range(size):
        byte = load_u8(place + step)
        if byte >= 0x20 and byte != QUOTE and byte != BACKSLASH:
            store_8(out, byte)
            out += 1
            continue
        store_8(out, BACKSLASH)
        letter = byte if byte >= 0x20 else _LETTERS[byte]
        if letter:
            store_8(out + 1, letter)
            out += 2
            continue
        store_32(out + 1, 0x30303075)  # u000, the last two digits written again
        store_8(out + 4, ZERO + (byte >> 4))
        low = byte & 15
        store_8(out + 5, ZERO + low if low < 10 else 0x57 + low)
        out += 6
    store_8(out, QUOTE)
    return out + 1


@kernel
def _scalar(out: int, kind: int, place: int) -> int:
    if kind == LITERAL:
        literal = load_u8(place)
        if literal == 2:
            store_32(out, _FALS)
            store_8(out + 4, 0x65)
            return out + 5
        store_32(out, _TRUE if literal else _NULL)
        return out + 4
    if kind == DOUBLE:
        return _double(out, load_f64(place))
    number = 0
    if kind == INT16:
        number = load_i16(place)
    elif kind == UINT16:
        number = load_u16(place)
    elif kind == INT32:
        number = load_i32(place)
    elif kind == UINT32:
        number = load_u32(place)
    elif kind in (INT64, UINT64):
        number = load_i64(place)
    else:
        return -BROKEN
    if number < 0 and kind != UINT64:
        store_8(out, MINUS)
        out += 1
        number = -number
    return write_number(out, number)


@kernel
def _double(out: int, value: float) -> int:
    """A number that is seen to be one with a point."""
    end = write_double(out, value)
    if end < 0:
        return -REFUSED
    for place in range(out, end):
        byte = load_u8(place)
        if byte == POINT or byte == 0x65:
            return end
    store_16(end, ZERO << 8 | POINT)
    return end + 2


@kernel
def _decimal(out: int, place: int) -> int:
    """A DECIMAL without the zeros before it."""
    precision = load_u8(place)
    scale = load_u8(place + 1)
    place += 2
    negative = load_u8(place) < 0x80
    if negative:
        store_8(out, MINUS)
        out += 1
    first = True
    for part in range(2):
        digits = scale if part else precision - scale
        started = part == 1
        if started and digits:
            store_8(out, POINT)
            out += 1
        for group in range(digits // 9 + 1):
            count = digits % 9 if group == (digits // 9 if part else 0) else 9
            number = 0
            for _step in range(_GROUP_BYTES[count]):
                byte = load_u8(place)
                place += 1
                if first:
                    byte ^= 0x80
                    first = False
                if negative:
                    byte ^= 0xFF
                number = number << 8 | byte
            if started:
                out = write_digits(out, number, count)
            elif number:
                out = write_number(out, number)
                started = True
        if not started:
            store_8(out, ZERO)
            out += 1
    return out


@kernel
def _temporal(out: int, packed: int, kind: int) -> int:
    """A date or time between quotes; times have six digits behind the point."""
    store_8(out, QUOTE)
    out += 1
    if packed < 0:
        store_8(out, MINUS)
        out += 1
        packed = -packed
    clock = packed >> 24
    if kind != _TIME:
        days = clock >> 17
        clock &= 0x1FFFF
        out = write_digits(out, (days >> 5) // 13, 4)
        store_8(out, MINUS)
        out = write_digits(out + 1, (days >> 5) % 13, 2)
        store_8(out, MINUS)
        out = write_digits(out + 1, days & 31, 2)
        if kind != _DATE:
            store_8(out, 0x20)
            out += 1
    if kind != _DATE:
        hours = clock >> 12
        out = write_digits(out, hours, 3 if hours > 99 else 2)
        store_8(out, 0x3A)
        out = write_digits(out + 1, clock >> 6 & 63, 2)
        store_8(out, 0x3A)
        out = write_digits(out + 1, clock & 63, 2)
        store_8(out, POINT)
        out = write_digits(out + 1, packed & 0xFFFFFF, 6)
    store_8(out, QUOTE)
    return out + 1
