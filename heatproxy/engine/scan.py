"""What characters a table's strings are made of: a look at each byte on its way in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.datatypes import Column
from heatproxy.engine.facts import TextFacts
from heatproxy.wire.native import (
    address_of,
    compile_once,
    kernel,
    load_i32,
    load_i64,
    load_u8,
    store_8,
)

FEW = 64  # values that are remembered one by one
FEW_CHARACTERS = 2000  # in all of these together
_BLANK_ENDED = 256  # behind the flags of the 256 bytes
_SIZE = 257
_PRINTABLE = range(0x20, 0x7F)


class TextScan:
    """Looks at the string columns of a table, batch by batch."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = {c.name: _Scan() for c in columns if c.type.is_string}
        self._places = [n for n, c in enumerate(columns) if c.type.is_string]

    def add(self, arrays: Sequence[pa.Array]) -> None:
        """Look at a batch: the arrays of all columns, in order."""
        for place, scan in zip(self._places, self._columns.values(), strict=True):
            scan.add(arrays[place])

    def facts(self) -> dict[str, TextFacts]:
        """Of each string column; ``clean`` only where the characters prove it."""
        return {name: scan.facts() for name, scan in self._columns.items()}


def facts_after(
    before: Mapping[str, TextFacts], added: pa.Table
) -> Mapping[str, TextFacts]:
    """The facts once rows were added, found by column name; ``before`` if the same."""
    after = dict(before)
    for name, facts in before.items():
        if name in added.column_names:
            scan = _Scan()
            for chunk in added.column(name).chunks:
                scan.add(chunk)
            after[name] = merged(facts, scan.facts())
    return before if after == before else after


def merged(facts: TextFacts, added: TextFacts) -> TextFacts:
    """The facts of a column of which some values were added."""
    alphabet = None
    if facts.alphabet is not None and added.alphabet is not None:
        alphabet = "".join(sorted({*facts.alphabet, *added.alphabet}))
    values = None
    if facts.values is not None and added.values is not None:
        values = _few({*facts.values, *added.values})
    together = replace(
        facts,
        ascii=facts.ascii and added.ascii,
        longest=max(facts.longest, added.longest),
        alphabet=alphabet,
        blank_ended=facts.blank_ended or added.blank_ended,
        values=values,
    )
    if not facts.ascii and not facts.clean:
        return together
    same = added.values is not None and set(added.values) <= set(facts.values or ())
    return replace(together, clean=(facts.clean and same) or is_clean(together))


def is_clean(facts: TextFacts) -> bool:
    """Whether the facts prove that no two values differ in case or blanks only."""
    if not facts.ascii:
        return False
    if facts.values is not None:
        folded = {value.lower().rstrip(" ") for value in facts.values}
        return len(folded) == len(facts.values)
    if facts.alphabet is None or facts.blank_ended:
        return False
    return len(set(facts.alphabet.lower())) == len(facts.alphabet)


class _Scan:
    """Of one column."""

    def __init__(self) -> None:
        self._seen = np.zeros(_SIZE, np.uint8)
        self._longest = 0
        self._values: set[str] | None = set()

    def add(self, texts: pa.Array) -> None:
        if not len(texts):
            return
        if pa.types.is_dictionary(texts.type) or pa.types.is_string_view(texts.type):
            texts = texts.cast(pa.large_string())
        if self._values is not None:
            found = pc.unique(texts)
            kept = None
            if len(found) <= FEW + 1:
                texts = found  # nothing else is in them
                kept = _few({*self._values, *found.drop_null().to_pylist()})
            self._values = None if kept is None else set(kept)
        self._look_at(texts)

    def _look_at(self, texts: pa.Array) -> None:
        compile_once(_look, f"int64({', '.join(['int64'] * 5)})")
        width = 8 if pa.types.is_large_string(texts.type) else 4
        _, offsets, data = texts.buffers()
        if data is not None and data.size:
            longest = _look(
                address_of(offsets) + width * texts.offset,
                width,
                address_of(data),
                len(texts),
                address_of(self._seen),
            )
            self._longest = max(self._longest, longest)

    def facts(self) -> TextFacts:
        seen = {byte for byte in range(256) if self._seen[byte]}
        found = TextFacts(
            ascii=seen <= set(_PRINTABLE),
            clean=False,
            longest=self._longest,
            alphabet="".join(chr(byte) for byte in sorted(seen) if byte < 0x80),
            blank_ended=bool(self._seen[_BLANK_ENDED]),
            values=None if self._values is None else tuple(sorted(self._values)),
        )
        return replace(found, clean=is_clean(found))


def _few(values: set[str]) -> tuple[str, ...] | None:
    if len(values) > FEW or sum(map(len, values)) > FEW_CHARACTERS:
        return None
    return tuple(sorted(values))


@kernel
def _look(offsets: int, width: int, data: int, count: int, seen: int) -> int:
    """Flag each byte and a blank at an end; the longest text in characters."""
    longest = beyond = 0
    last = offsets + width * count
    start = load_i32(offsets) if width == 4 else load_i64(offsets)
    end = load_i32(last) if width == 4 else load_i64(last)
    for at in range(data + start, data + end):
        byte = load_u8(at)
        beyond |= byte
        store_8(seen + byte, 1)
    for row in range(count):
        at = offsets + width * (row + 1)
        end = load_i32(at) if width == 4 else load_i64(at)
        size = end - start
        if size and load_u8(data + end - 1) == 0x20:
            store_8(seen + _BLANK_ENDED, 1)
        if beyond >= 0x80 and size > longest:
            size = 0
            for at in range(data + start, data + end):
                size += (load_u8(at) & 0xC0) != 0x80
        longest = max(longest, size)
        start = end
    return longest
