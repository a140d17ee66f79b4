"""The glance that tells most statements from those worth a look, in one short loop.

Every packet of a client passes here, so it is compiled, by numba where that is
installed. It is never wrong when it says that a statement is MySQL's; whatever is
unusual it leaves to the prefilter, which knows more and takes longer.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

# What a packet is: a COM_QUERY of another kind, one that reads, a COM_STMT_EXECUTE; or
# LOOK closer, which is also said of all that is not one whole packet of these.
OTHER, READS, EXECUTES, LOOK = range(4)
LONGEST_BYTES = 4096  # of a text that is worth a loop over all of it
_WORD_BYTES = 8

Words = Any  # int64 (1 + n_words,): how many are READS, these, then what is looked at
Glance = Callable[[bytes, int, Words], int]


def words(reads: Iterable[bytes], looked_at: Iterable[bytes]) -> Words:
    """The first words that matter, as ``glance`` takes them.

    Longer ones than it reads are not needed: it says LOOK to all of these.
    """
    first = sorted(word for word in reads if len(word) <= _WORD_BYTES)
    then = sorted(word for word in looked_at if len(word) <= _WORD_BYTES)
    numbers = [int.from_bytes(word, "big") for word in (*first, *then)]
    return np.array([len(first), *numbers], np.int64)


def look(packet: Any, start: Any, known: Any) -> int:
    """What a packet is, by a text's first word, and by ``;`` and ``ml_`` behind it.

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
    for index in range(1, len(known)):
        if known[index] == word:
            if index > known[0]:
                return LOOK
            said = READS
            break
    while at < end:
        byte = packet[at]
        if byte == 0x3B:
            return LOOK
        if byte == 0x5F and at - start >= 2 and said == READS:
            two = np.int64(packet[at - 2]) << 8 | np.int64(packet[at - 1])
            if two & 0xDFDF == 0x4D4C:  # ml_
                return LOOK
        at += 1
    return said


def _compiled() -> Glance | None:
    try:
        from numba import njit
    except ImportError:
        return None
    signature = "int64(Bytes(uint8, 1, 'C', readonly=True), int64, int64[::1])"
    made: Glance = njit(signature, cache=True)(look)
    return made


# None where there is no compiler: in plain Python the prefilter is quicker.
glance = _compiled()
