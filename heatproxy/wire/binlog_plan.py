"""The kernel that reduces rows events to what they change in the end.

Of many changes of a row only its state before the first and after the last of them
count. A row is known by its key: the bytes of its key columns, as the binlog has them.

With a key that is unique, what is there is taken away once and the last image is put
in its place. Without one the key is the whole row, and rows are counted: what was
added can be taken away again, any of those that are equal.

``columns`` of shape (n_columns, 8) say how long each column's bytes are.

Source: MySQL Source Code Documentation, "Rows_event".
"""

import numpy as np
import numpy.typing as npt

from heatproxy.wire.binlog_walk import (
    BODY,
    BODY_END,
    EXACT,
    INSERT,
    OPERATION,
    SLOT,
    UPDATE,
    hash_of,
)
from heatproxy.wire.native import (
    copy_bytes,
    kernel,
    load_u8,
    load_u16,
    load_u32,
    store_8,
)

Int64s = npt.NDArray[np.int64]

# The fields of ``columns``: the others are ``binlog_rows``'s. A value has WIDTH bytes,
# or PREFIX bytes that say how many.
PREFIX, WIDTH, IN_KEY, KIND, DIGITS, OUT_VALIDITY, OUT_VALUES, OUT_DATA = range(8)

# The fields of ``state``. REMOVED and ADDED count rows, KEYS entries, HEAP key bytes;
# CHECKED is whether every removed row must be found,
# REPEATS how often a key came that was there, or went that was not.
EVENT, AT, REMOVED, ADDED, KEYS, HEAP, CHECKED, REPEATS = range(8)

# The fields of a key's entry. LAST is the row that was added last, -1 for none.
HASH, KEY, LENGTH, LAST = range(4)

# Why the kernel returned. PARTIAL: an event has not all columns; WIDE: not so many.
DONE, GROW, PARTIAL, WIDE, BROKEN = range(5)

SIGNATURE = (
    "int64(int64[::1], int64[:, ::1], int64, int64, int64[:, ::1], boolean,"
    " int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], int64, int64)"
)
REHASH_SIGNATURE = "void(int64[::1], int64[:, ::1], int64)"
MEASURE_SIGNATURE = "void(int64[::1], int64, int64[:, ::1], int64[::1])"


@kernel
def plan(
    state: Int64s,
    events: Int64s,
    n_events: int,
    slot: int,
    columns: Int64s,
    unique: bool,
    removed: Int64s,
    added: Int64s,
    table: Int64s,
    entries: Int64s,
    heap: int,
    heap_bytes: int,
) -> int:
    """Go through a slot's events; ``removed`` and ``added`` are images' addresses.

    ``added`` of shape (n, 2) has beside the address the row with the same key that
    was added before, or -2 when the row is gone again.
    """
    width = columns.shape[0]
    bitmap = (width + 7) >> 3
    while state[EVENT] < n_events:
        event = state[EVENT]
        if events[event, SLOT] != slot:
            state[EVENT] += 1
            continue
        operation = events[event, OPERATION]
        end = events[event, BODY_END]
        position = state[AT]
        if position == 0:
            body = events[event, BODY]
            position = body + 8 + load_u16(body + 8)
            if position + 3 > end:
                return BROKEN
            count = load_u8(position)
            position += 1
            if count == 0xFC:
                count = load_u16(position)
                position += 2
            if count != width:
                return WIDE
            for _ in range(1 + (operation == UPDATE)):
                if position + bitmap > end:
                    return BROKEN
                for column in range(width):
                    if not load_u8(position + (column >> 3)) >> (column & 7) & 1:
                        return PARTIAL
                position += bitmap
            state[AT] = position
        exact = events[event, EXACT] != 0
        while position < end:
            if (
                state[REMOVED] + 2 > removed.shape[0]
                or state[ADDED] + 2 > added.shape[0]
                or state[KEYS] + 2 > entries.shape[0]
                or state[HEAP] + 2 * (end - position + 2 * width + 8) > heap_bytes
            ):
                return GROW
            for image in range(1 + (operation == UPDATE)):
                adds = operation == INSERT or image == 1
                following = _key(position, end, columns, heap + state[HEAP], state)
                if following < 0:
                    return BROKEN
                entry, is_new = _entry(state, table, entries, heap)
                last = entries[entry, LAST]
                if adds:
                    if is_new and unique and not exact:
                        removed[state[REMOVED]] = position
                        state[REMOVED] += 1
                    if unique and last >= 0:
                        added[last, 1] = -2
                        last = -1
                        state[REPEATS] += exact
                    row = state[ADDED]
                    added[row, 0] = position
                    added[row, 1] = last
                    entries[entry, LAST] = row
                    state[ADDED] = row + 1
                elif last >= 0:
                    entries[entry, LAST] = added[last, 1]
                    added[last, 1] = -2
                elif is_new or not unique:
                    removed[state[REMOVED]] = position
                    state[REMOVED] += 1
                elif exact:
                    state[REPEATS] += 1
                position = following
            state[CHECKED] &= exact
            state[AT] = position
        if position != end:
            return BROKEN
        state[EVENT] += 1
        state[AT] = 0
    return DONE


@kernel
def _key(position: int, end: int, columns: Int64s, heap: int, state: Int64s) -> int:
    """Copy a row's key; ``state[AT]`` is its length then. The place behind the row."""
    width = columns.shape[0]
    nulls = position
    position += (width + 7) >> 3
    if position > end:
        return -1
    used = 0
    for column in range(width):
        null = load_u8(nulls + (column >> 3)) >> (column & 7) & 1
        size = 0
        if not null:
            size = columns[column, WIDTH]
            prefix = columns[column, PREFIX]
            if prefix:
                if position + prefix > end:
                    return -1
                size = size_of(position, prefix)
                position += prefix
            if size > end - position:
                return -1
        if columns[column, IN_KEY]:
            # what follows is told apart from other keys by its length
            store_8(heap + used, 1 - null)
            used += 1
            if columns[column, PREFIX]:
                store_8(heap + used, size & 0xFF)
                store_8(heap + used + 1, size >> 8 & 0xFF)
                store_8(heap + used + 2, size >> 16 & 0xFF)
                store_8(heap + used + 3, size >> 24)
                used += 4
            copy_bytes(heap + used, position, size)
            used += size
        position += size
    state[AT] = used
    return position


@kernel
def size_of(position: int, prefix: int) -> int:
    """The number of bytes that a value's prefix says."""
    if prefix == 1:
        return load_u8(position)
    if prefix == 2:
        return load_u16(position)
    if prefix == 3:
        return load_u16(position) | load_u8(position + 2) << 16
    return load_u32(position)


@kernel
def _entry(
    state: Int64s, table: Int64s, entries: Int64s, heap: int
) -> tuple[int, bool]:
    """The entry of the key that has just been copied, and whether it is new."""
    key = state[HEAP]
    length = state[AT]
    code = hash_of(heap + key, heap + key + length)
    mask = table.shape[0] - 1
    index = (code ^ (code >> 32)) & mask
    while table[index] != 0:
        entry = table[index] - 1
        if entries[entry, HASH] == code and entries[entry, LENGTH] == length:
            known = heap + entries[entry, KEY]
            place = 0
            while place < length and load_u8(known + place) == load_u8(
                heap + key + place
            ):
                place += 1
            if place == length:
                return entry, False
        index = (index + 1) & mask
    entry = state[KEYS]
    table[index] = entry + 1
    entries[entry, HASH] = code
    entries[entry, KEY] = key
    entries[entry, LENGTH] = length
    entries[entry, LAST] = -1
    state[KEYS] = entry + 1
    state[HEAP] += length
    return entry, True


@kernel
def rehash(table: Int64s, entries: Int64s, count: int) -> None:
    """Fill a larger ``table`` with the entries that there are."""
    mask = table.shape[0] - 1
    for entry in range(count):
        code = entries[entry, HASH]
        index = (code ^ (code >> 32)) & mask
        while table[index] != 0:
            index = (index + 1) & mask
        table[index] = entry + 1


@kernel
def measure(rows: Int64s, count: int, columns: Int64s, sizes: Int64s) -> None:
    """Add up the bytes of each column whose values differ in length."""
    width = columns.shape[0]
    for row in range(count):
        nulls = rows[row]
        position = nulls + ((width + 7) >> 3)
        for column in range(width):
            if load_u8(nulls + (column >> 3)) >> (column & 7) & 1:
                continue
            size = columns[column, WIDTH]
            prefix = columns[column, PREFIX]
            if prefix:
                size = size_of(position, prefix)
                position += prefix
                sizes[column] += size
            position += size
