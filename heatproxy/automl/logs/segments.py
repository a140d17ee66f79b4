"""Stretches of a log: so many lines of one source, one after the other."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import FloatArray
from heatproxy.automl.json_columns import joined

CodeArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segments:
    """``rows`` (n,) are the places of the lines, those of a segment together;
    ``starts`` (n_segments + 1,) where each begins in it. A line may be in several."""

    rows: CodeArray
    starts: CodeArray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def of(
        cls, sources: pa.Array | None, n_rows: int, size: int, stride: int
    ) -> "Segments":
        """Of lines in table order; ``sources`` (n_rows,) tells whose each is."""
        groups = [np.arange(n_rows)]
        if sources is not None:
            codes = sources.dictionary_encode(null_encoding="encode").indices
            of_row = codes.to_numpy(zero_copy_only=False)
            order = np.argsort(of_row, kind="stable")
            groups = np.split(order, np.flatnonzero(np.diff(of_row[order])) + 1)
        parts: list[CodeArray] = []
        for group in groups:
            # the last stretch may be short, but none is only a part of another
            last = max(len(group) - size, 0)
            begins = [*range(0, last, stride), -(-last // stride) * stride]
            parts += [group[at : at + size] for at in begins if at < len(group)]
        lengths = [len(part) for part in parts]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.concatenate(parts) if parts else np.zeros(0)
        return cls(rows.astype(np.int64), starts)

    def most(self, of_lines: FloatArray) -> FloatArray:
        """The largest of each segment's lines (n_segments,), NaN passed over."""
        if not len(self):
            return np.zeros(0)
        return np.asarray(np.fmax.reduceat(of_lines[self.rows], self.starts[:-1]))

    def mean(self, of_lines: FloatArray) -> FloatArray:
        """The mean of each segment's lines (n_segments,)."""
        if not len(self):
            return np.zeros(0)
        sums = np.add.reduceat(of_lines[self.rows], self.starts[:-1])
        return np.asarray(sums / np.diff(self.starts))

    def texts(self, lines: pa.Array) -> pa.Array:
        """The lines of each segment, one below the other (n_segments,)."""
        offsets = pa.array(self.starts, pa.int32())
        lists = pa.ListArray.from_arrays(offsets, lines.take(pa.array(self.rows)))
        return pc.binary_join(lists, "\n")

    def index_maps(self) -> pa.Array:
        """``[1, 2]``: the places of each segment's lines, counted from 1."""
        numbers = pa.array(self.rows + 1).cast(pa.string())
        lists = pa.ListArray.from_arrays(pa.array(self.starts, pa.int32()), numbers)
        return joined(["[", pc.binary_join(lists, ", "), "]"])
