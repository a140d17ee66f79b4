"""A sample of a large file's records: its beginning, and blocks all over it.

A block is taken only where nothing in it could be part of a quoted field, so that each
of its lines is a record. What the sample does not show, the load finds out.
"""

from collections.abc import Iterator, Sequence

from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.records import Cancelled, Chunk, chunks, records_in
from heatproxy.lakehouse.streams import DataFile, packing

READ_WHOLE_BYTES = 16 << 20  # of text, up to which everything is looked at
HEAD_BYTES = 4 << 20
HEAD_FIELDS = 1 << 20  # that are looked at together
BLOCK_BYTES = 256 << 10
BLOCKS = 24
_LATIN = ("utf-8", "ascii")


def can_be_sampled(files: Sequence[DataFile]) -> bool:
    """Whether there is much of it, or may be, once it is unpacked."""
    size = sum(file.size_bytes for file in files)
    return size > READ_WHOLE_BYTES or any(packing(file) for file in files)


class Sample:
    """Chunks of one file, each with how many of its stored bytes it stands for.

    Blocks all over it are taken where places in it can be found without unpacking or
    recoding what is before them; of others more of the beginning.
    """

    def __init__(
        self,
        file: DataFile,
        dialect: Dialect,
        columns: int,
        share: float,
        cancelled: Cancelled,
    ) -> None:
        """``share`` of all the sample is what this file may have."""
        self._file, self._dialect = file, dialect
        self._columns, self._cancelled = columns, cancelled
        self._share = share
        self.is_whole = True  # it was so little that all of it was seen
        self._stored = 0

    def __iter__(self) -> Iterator[tuple[Chunk, int]]:
        has_places = self._dialect.codec in _LATIN and packing(self._file) is None
        most = (HEAD_BYTES if has_places else READ_WHOLE_BYTES) * self._share
        seen = stood = 0
        rows = max(64, HEAD_FIELDS // self._columns)
        head = chunks(
            self._file,
            self._dialect,
            self._columns,
            self._cancelled,
            self._progress,
            rows,
        )
        for chunk in head:
            seen = chunk.base + int(chunk.row_at[-1])
            stored = seen if has_places else self._stored
            yield chunk, max(stored - stood, 1)
            stood = stored
            if seen >= most:
                self.is_whole = False
                break
        if has_places:
            yield from self._blocks(seen)

    def _progress(self, size_bytes: int) -> None:
        self._stored += size_bytes

    def _blocks(self, seen: int) -> Iterator[tuple[Chunk, int]]:
        """Records from places all over the rest of the file."""
        file, dialect = self._file, self._dialect
        count = max(int(BLOCKS * self._share), 1)
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
                for chunk in records_in(lines, file, dialect, self._columns):
                    yield chunk, len(lines)
