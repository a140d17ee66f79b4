"""A sample of a large file's records: its beginning, and blocks all over it.

A block is taken only where nothing in it could be part of a quoted field, so that each
of its lines is a record. What the sample does not show, the load finds out.
"""

from collections.abc import Iterator, Sequence

from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.records import Cancelled, Chunk, chunks, records_in
from heatproxy.lakehouse.streams import DataFile, packing

READ_WHOLE_BYTES = 16 << 20  # up to which everything is looked at
HEAD_BYTES = 4 << 20
BLOCK_BYTES = 256 << 10
BLOCKS = 24
_LATIN = ("utf-8", "ascii")


def can_be_sampled(files: Sequence[DataFile], dialect: Dialect) -> bool:
    """Whether there is much of it, and places in it can be found without unpacking."""
    return (
        sum(file.size_bytes for file in files) > READ_WHOLE_BYTES
        and dialect.codec in _LATIN
        and all(packing(file) is None for file in files)
    )


def sampled(
    file: DataFile, dialect: Dialect, columns: int, share: float, cancelled: Cancelled
) -> Iterator[tuple[Chunk, int]]:
    """Chunks of the file, and how many bytes of it each stands for.

    Args:
        share: of all the sample, what this file may have.
    """
    seen = 0
    for chunk in chunks(file, dialect, columns, cancelled, lambda _: None):
        end = chunk.base + int(chunk.row_at[-1])
        yield chunk, max(end - seen, 1)
        seen = end
        if seen >= HEAD_BYTES * share:
            break
    count = max(int(BLOCKS * share), 1)
    room = file.size_bytes - BLOCK_BYTES
    if room <= seen:
        return
    marks = {mark.encode() for mark in (dialect.quotation_marks,) if mark}
    if dialect.escape_character:
        marks.add(dialect.escape_character.encode())
    record = dialect.record_delimiter.encode()
    with file.path.open("rb") as raw:
        for k in range(1, count + 1):
            at = seen + (room - seen) * k // count
            raw.seek(at)
            data = raw.read(BLOCK_BYTES)
            first, last = data.find(record), data.rfind(record)
            if first == last or any(mark in data for mark in marks):
                continue
            lines = data[first + len(record) : last + len(record)]
            for chunk in records_in(lines, file, dialect, columns):
                yield chunk, len(lines)
