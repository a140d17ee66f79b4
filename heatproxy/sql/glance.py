"""The glance that tells most statements from those worth a look, in one short loop.

Every packet of a client passes here, so it is compiled, by numba where that is
installed. It is never wrong when it says that a statement is MySQL's; whatever is
unusual it leaves to the prefilter, which knows more and takes longer.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from heatproxy.compiled import BYTES, NUMBERS, compiled, entry

# What a packet is: a COM_QUERY of another kind, one that reads, one that changes what
# the session is set to; a COM_STMT_EXECUTE; one that reads what RAPID holds; or LOOK
# closer, which is also said of all that is not one whole packet of these.
OTHER, READS, SETS, EXECUTES, LOADED, LOOK = range(6)
LONGEST_BYTES = 4096  # of a text that is worth a loop over all of it
_WORD_BYTES = 8
# Among the known words: it reads if there is a SELECT in it; it is looked at if one of
# the names is in it that are not RAPID's.
_INSERTS, _CHANGES = LOOK + 1, LOOK + 2
_SELECT = int.from_bytes(b"SELECT", "big")
_SEED, _PRIME = 0x4BF29CE484222325, 0x100000001B3

Words = Any  # int64 (2 * n_words,): the bytes of a word, then what it makes a statement
Names = (
    Any  # int64 (1 + 2 * n_slots,): n_slots - 1, then a name's hash, then what it is
)
Glance = Callable[[bytes, int, Words, Names], int]
Shape = Callable[[bytes, int], int]


def words(
    reads: Iterable[bytes],
    looked_at: Iterable[bytes],
    sets: Iterable[bytes] = (),
    inserts: Iterable[bytes] = (),
    changes: Iterable[bytes] = (),
) -> Words:
    """The first words that matter, as ``glance`` takes them.

    Longer ones than it reads are not needed: it says LOOK to all of these.
    """
    kinds = (
        *((reads, READS), (looked_at, LOOK), (sets, SETS)),
        *((inserts, _INSERTS), (changes, _CHANGES)),
    )
    known = [
        number
        for group, kind in kinds
        for word in sorted(group)
        if len(word) <= _WORD_BYTES
        for number in (int.from_bytes(word, "big"), kind)
    ]
    return np.array(known, np.int64)


def names(looked_at: Iterable[bytes], loaded: Iterable[bytes] = ()) -> Names:
    """The names that matter in what reads: those that make it LOOK, and LOADED.

    Each is one word, of letters, digits, ``_``, ``$`` and bytes from 0x80 on.
    """
    kinds = {**dict.fromkeys(loaded, LOADED), **dict.fromkeys(looked_at, LOOK)}
    slots = 16
    while slots < 4 * len(kinds):
        slots *= 2
    table = np.zeros(1 + 2 * slots, np.int64)
    table[0] = slots - 1
    for name, kind in kinds.items():
        hashed = _hash(name)
        slot = hashed & (slots - 1)
        while table[2 + 2 * slot] and table[1 + 2 * slot] != hashed:
            slot = (slot + 1) & (slots - 1)
        table[1 + 2 * slot] = hashed
        table[2 + 2 * slot] = max(kind, table[2 + 2 * slot])
    return table


def _hash(word: bytes) -> int:
    """FNV-1a of a word without regard to ASCII letter case, as ``look`` computes it."""
    hashed = _SEED
    for byte in word.upper():
        hashed = ((hashed ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return hashed - (hashed >> 63 << 64)


def look(packet: Any, start: Any, known: Any, named: Any) -> int:
    """What a packet is, by a text's first word, and by what stands behind it.

    That is ``;``, what begins with ``ml_``, ``rpd_`` or ``rapid_``, and names.
    ``start`` is where the text begins: 5, or 7 behind the two bytes that say that a
    COM_QUERY has no attributes.
    """
    end = len(packet)
    if end <= start or end - start > LONGEST_BYTES:
        return LOOK
    header = np.int64(0)
    for index in range(4):  # the last byte is the sequence id, which must be 0
        header |= np.int64(packet[index]) << (8 * index)
    if header != end - 4:
        return LOOK
    if packet[4] == 0x17:
        return EXECUTES
    if packet[4] != 0x03 or (start == 7 and (packet[5] != 0 or packet[6] != 1)):
        return LOOK
    at, word = start, np.int64(0)
    while at < end:
        letter = np.int64(packet[at]) & 0xDF  # in upper case, if it is one
        if letter < 0x41 or letter > 0x5A:
            break
        if at - start == _WORD_BYTES:
            return LOOK
        word = word << 8 | letter
        at += 1
    if at == start:
        return LOOK
    said: int = OTHER
    inserts = changes = False
    for index in range(0, len(known), 2):
        if known[index] == word:
            said = known[index + 1]
            if said == LOOK:
                return LOOK
            if said == _INSERTS:
                said, inserts = OTHER, True
            elif said == _CHANGES:
                said, changes = OTHER, True
            break
    if said == OTHER and not inserts and not changes:
        while at < end:
            if packet[at] == 0x3B:
                return LOOK
            at += 1
        return OTHER
    slots, found = named[0], said
    hashed, length, last = np.uint64(_SEED), 0, np.int64(0)
    while True:
        byte = np.int64(packet[at]) if at < end else np.int64(0)
        folded = byte & 0xDF if 0x61 <= byte <= 0x7A else byte
        if (
            0x41 <= folded <= 0x5A
            or 0x30 <= byte <= 0x39
            or byte == 0x5F
            or byte == 0x24
            or byte >= 0x80
        ):
            if byte == 0x5F:
                two, three, five = last & 0xFFFF, last & 0xFFFFFF, last & 0xFFFFFFFFFF
                if two == 0x4D4C or three == 0x525044 or five == 0x5241504944:
                    return LOOK  # ml_, rpd_, rapid_
            hashed = (hashed ^ np.uint64(folded)) * np.uint64(_PRIME)
            last = (last << 8 | folded) & 0xFFFFFFFFFFFF
            length += 1
        else:
            if length:
                if last & 0xFFFFFF == 0x525044 and (byte == 0x25 or byte == 0x5C):
                    return LOOK  # LIKE 'rpd%'
                if inserts and length == 6 and last == _SELECT:
                    said = found = max(found, READS)
                    inserts = False
                key = np.int64(hashed)
                slot = key & slots
                while named[2 + 2 * slot]:
                    if named[1 + 2 * slot] == key:
                        found = max(found, named[2 + 2 * slot])
                        break
                    slot = (slot + 1) & slots
                hashed, length, last = np.uint64(_SEED), 0, np.int64(0)
            if at >= end:
                break
            if byte == 0x3B:
                return LOOK
        at += 1
    if said == OTHER:  # an INSERT of values, whatever names are in it
        return LOOK if changes and found == LOOK else OTHER
    return found


def shape(packet: Any, start: Any) -> int:
    """A number for the text from ``start`` on, the same whatever its literals say.

    Lists of literals count as one. It is 0 of a text that is too long for a look.
    Of two texts with one number, one may be another statement: nothing but time may
    depend on it.
    """
    end = len(packet)
    if end - start > LONGEST_BYTES or end <= start:
        return 0
    hashed = np.uint64(_SEED)
    at = start
    in_word: Any = False
    gap = False  # what was written last; whether blanks were skipped
    literal = comma = False  # a literal was written last; and a comma is held back
    while at < end:
        byte = np.int64(packet[at])
        if byte == 0x20 or 0x09 <= byte <= 0x0D:
            gap = True
            at += 1
            continue
        is_digit = 0x30 <= byte <= 0x39
        if (is_digit and (gap or not in_word)) or byte == 0x27 or byte == 0x22:
            if is_digit:
                while at < end:
                    byte = np.int64(packet[at])
                    folded = byte & 0xDF
                    if not (
                        0x41 <= folded <= 0x5A or 0x30 <= byte <= 0x39 or byte == 0x2E
                    ):
                        break
                    at += 1
            else:
                quote = byte
                at += 1
                while at < end and packet[at] != quote:
                    if packet[at] == 0x5C:
                        at += 1
                    at += 1
                at += 1
            if not (literal and comma):
                hashed = (hashed ^ np.uint64(0x3F)) * np.uint64(_PRIME)
            in_word = gap = comma = False
            literal = True
            continue
        if literal and byte == 0x2C and not comma:
            comma = True
            gap = False
            at += 1
            continue
        if comma:
            hashed = (hashed ^ np.uint64(0x2C)) * np.uint64(_PRIME)
        folded = byte & 0xDF if 0x61 <= byte <= 0x7A else byte
        is_word = (
            is_digit
            or 0x41 <= folded <= 0x5A
            or byte == 0x5F
            or byte == 0x24
            or byte >= 0x80
        )
        if gap and in_word and is_word:
            hashed = (hashed ^ np.uint64(0x20)) * np.uint64(_PRIME)
        hashed = (hashed ^ np.uint64(byte)) * np.uint64(_PRIME)
        in_word, gap, literal, comma = is_word, False, byte == 0x3F, False
        at += 1
    return np.int64(hashed)  # type: ignore[return-value]


_look = compiled(look, f"int64({BYTES}, int64, {NUMBERS}, {NUMBERS})")
_shape = compiled(shape, f"int64({BYTES}, int64)")
# None where there is no compiler: in plain Python the prefilter is quicker.
glance: Glance | None = entry(_look) if _look is not look else None
shape_of: Shape | None = entry(_shape) if _shape is not shape else None
