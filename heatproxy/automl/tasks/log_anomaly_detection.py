"""Log anomaly detection: lines of a log in, stretches of it that are strange out.

The rows of the output are segments. Lines count in the order of the table, which is
that of its primary key.

Source: HeatWave User Guide, "Anomaly detection for logs"; Drain, as in ``logs.drain``.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.anomaly.judge import Judge, fit_judge, judge_from, judge_state
from heatproxy.automl.anomaly.labels import labels_of
from heatproxy.automl.anomaly.model import (
    anomaly_parts,
    decided,
    metric_for,
    scored,
    weight_of,
)
from heatproxy.automl.anomaly.space import Space
from heatproxy.automl.columns import is_text
from heatproxy.automl.drift import Drift
from heatproxy.automl.features import all_dropped, find_column, plain
from heatproxy.automl.json_columns import joined
from heatproxy.automl.logs.reader import LogReader
from heatproxy.automl.logs.segments import Segments
from heatproxy.automl.tasks.anomaly_detection import (
    CONTAMINATION,
    CONTAMINATION_OPTION,
    EXPERIMENTAL,
    LIMITS,
    check_target,
    kind_of,
    shown_options,
    spelled,
    supervision_of,
    training_params,
)
from heatproxy.automl.tasks.choice import (
    COLUMN_LISTS,
    MODEL_LISTS,
    column_of,
    feature_columns,
)
from heatproxy.automl.tasks.contract import BATCH_SIZE, Answers, Arrays, Order, Progress
from heatproxy.automl.tasks.metadata import SpecialFacts, Told
from heatproxy.errors import ml_error, not_supported, secondary_engine
from heatproxy.options import Flag, ListOf, Nested, Number, Options, Text

WINDOW = 10
_LOG_OPTIONS = Options(
    additional_masking_regex=ListOf(Text()),
    window_size=Number(1, whole=True),
    window_stride=Number(1, whole=True),
    log_source_column=Text(),
    embedding_model=Text(),
    keyword_model=Text(),
)


@dataclass(frozen=True, slots=True)
class LogModel(Told):
    """See SpecialModel."""

    log_column: str
    source_column: str | None
    window: int
    stride: int
    reader: LogReader
    space: Space
    judge: Judge
    facts: SpecialFacts

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """One row a segment: ``id``, ``parsed_log_segment``, ``ml_results``.

        Raises:
            MySQLError: 3877 ML003011 the columns, ML003073 topk; 1235 a summary.
        """
        asked = options.get("logad_options") or {}
        if asked.get("summarize_logs"):
            raise not_supported("logad_options summarize_logs, which needs an LLM")
        segments = self._segments(table)
        matrix, shown = self.reader.read(self._lines(table), segments)
        chances = self.judge.chances(
            self.space.points(matrix), weight_of(self.judge, options), threads
        )
        decisions = decided(self.judge, chances, options)
        text = joined(
            [
                '{"index_map": ',
                segments.index_maps(),
                ", ",
                *anomaly_parts(chances, decisions),
                "}",
            ]
        )
        columns = {
            "id": pa.array(np.arange(1, len(segments) + 1), pa.int32()),
            "parsed_log_segment": segments.texts(shown),
            "ml_results": text,
        }
        return Answers(pa.table(columns), own_rows=True)

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """One score over segments: one is an anomaly when a line of it is.

        Raises:
            MySQLError: 3877 ML003011 and ML003039 the columns, ML003019 and ML003020
                the metric, labels that are none.
        """
        name = metric_for(self.task_name, metric, target, options)
        truth = labels_of(column_of(table, target or ""), target or "")
        segments = self._segments(table)
        matrix, _ = self.reader.read(self._lines(table), segments)
        chances = self.judge.chances(
            self.space.points(matrix), weight_of(self.judge, options), threads
        )
        return scored(name, self.judge, segments.most(truth), chances, options)

    def _lines(self, table: pa.Table) -> pa.Array:
        return plain(self._column(table, self.log_column))

    def _segments(self, table: pa.Table) -> Segments:
        source = None
        if self.source_column is not None:
            source = plain(self._column(table, self.source_column))
        return Segments.of(source, table.num_rows, self.window, self.stride)

    def _column(self, table: pa.Table, name: str) -> pa.ChunkedArray:
        place = find_column(table.column_names, name)
        if place is None:
            raise ml_error(
                "ML003011",
                "Columns of provided data need to match those used for training. "
                f"Provided - {table.column_names} vs Trained - {[self.log_column]}",
            )
        return table.column(place)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        judge, arrays = judge_state(self.judge)
        state = {
            "facts": self.facts.state(),
            "log_column": self.log_column,
            "source_column": self.source_column,
            "window": self.window,
            "stride": self.stride,
            "reader": self.reader.state(),
            "space": self.space.state(),
            "judge": judge,
        }
        return state, arrays

    @classmethod
    def restore(cls, state: Mapping[str, Any], arrays: Arrays) -> "LogModel":
        """Any exception means that it cannot be read."""
        reader = LogReader.from_state(state["reader"])
        space = Space.from_state(state["space"], reader.width)
        window, stride = int(state["window"]), int(state["stride"])
        if not 1 <= stride <= window:
            raise ValueError("a window that leaves lines out")
        return cls(
            str(state["log_column"]),
            None if state["source_column"] is None else str(state["source_column"]),
            window,
            stride,
            reader,
            space,
            judge_from(state["judge"], arrays, space.dimensions),
            SpecialFacts.from_state(state["facts"]),
        )


@dataclass(frozen=True, slots=True)
class LogAnomalyDetection:
    """The task ``log_anomaly_detection``; see Specialist."""

    name: str = "log_anomaly_detection"
    by_row: bool = False

    @property
    def train_options(self) -> Options:
        return Options(
            contamination=CONTAMINATION_OPTION,
            experimental=EXPERIMENTAL,
            logad_options=Nested(_LOG_OPTIONS),
            **MODEL_LISTS,
            **COLUMN_LISTS,
        )

    @property
    def predict_options(self) -> Options:
        asked = Options(summarize_logs=Flag(), summary_threshold=Number(0, 1))
        return Options(
            **LIMITS,
            logad_options=Nested(asked),
            batch_size=BATCH_SIZE,
        )

    @property
    def score_options(self) -> Options:
        return Options(**LIMITS)

    def check(self, target: str | None, order: Order) -> None:
        """Refuse what can be refused before a row is read.

        Raises:
            MySQLError: 3877 ML006006, ML006016, ML003047, windows that leave lines
                out; 1235 an embedding model or a keyword model but tf-idf.
        """
        check_target(target, order)
        kind_of(order)
        _window(order)
        asked = order.values["logad_options"] or {}
        if asked.get("embedding_model") is not None:
            raise not_supported("logad_options embedding_model, which needs an LLM")
        if (asked.get("keyword_model") or "tf-idf").lower() != "tf-idf":
            raise not_supported(f"keyword_model {asked['keyword_model']}")

    def train(
        self,
        table: pa.Table,
        target: str | None,
        order: Order,
        progress: Progress,
        threads: int,
    ) -> LogModel:
        """Find templates, and fit a detector to the segments.

        Raises:
            MySQLError: 3877 ML001052 no lines, ML003039 no such column, columns that
                the task has no use for, labels that are none or too few.
        """
        started = time.monotonic()
        progress(0.0, "reading the columns")
        asked = order.values["logad_options"] or {}
        source = spelled(table, asked.get("log_source_column"))
        besides = [name for name in (target, source) if name is not None]
        log_column = _log_column(table, feature_columns(table, order.values, besides))
        if table.num_rows == 0:
            raise all_dropped()
        lines = plain(table.column(log_column))
        sources = None if source is None else plain(column_of(table, source))
        window, stride = _window(order)
        segments = Segments.of(sources, table.num_rows, window, stride)
        progress(0.1, "finding templates")
        masks = tuple(asked.get("additional_masking_regex") or ())
        reader = LogReader.fit(lines, masks, segments)
        matrix, _ = reader.read(lines, segments)
        drift = Drift.fit(matrix, ())
        space = Space.fit(matrix, drift)
        kind = kind_of(order)
        progress(0.5, f"fitting {kind.name}")
        supervision = supervision_of(table, target, order, segments.most)
        contamination = float(order.values["contamination"] or CONTAMINATION)
        points = space.points(matrix)
        judge = fit_judge(kind, points, contamination, supervision, threads)
        used = (log_column,) if source is None else (log_column, source)
        facts = SpecialFacts(
            task=self.name,
            algorithm_name=kind.shown,
            options=shown_options(order, judge),
            notes=order.notes,
            n_rows=table.num_rows,
            n_selected_rows=table.num_rows,
            columns=used,
            used=used,
            target=spelled(table, target),
            training_time=time.monotonic() - started,
            contamination=contamination,
            hyperparameters=judge.detector.settings,
            training_params=training_params(contamination, judge)
            | {"window_size": window, "window_stride": stride},
            drift={
                "mean": round(drift.mean, 4),
                "variance": round(drift.variance, 4),
            },
        )
        progress(1.0, "done")
        return LogModel(log_column, source, window, stride, reader, space, judge, facts)

    def restore(self, state: Mapping[str, Any], arrays: Arrays) -> LogModel:
        return LogModel.restore(state, arrays)


def _window(order: Order) -> tuple[int, int]:
    """Size and stride of segments. Raises: MySQLError 3877, lines would be left out."""
    asked = order.values["logad_options"] or {}
    size = int(asked.get("window_size") or WINDOW)
    stride = int(asked.get("window_stride") or min(WINDOW, size))
    if stride > size:
        raise secondary_engine(
            f"window_stride ({stride}) must not be larger than window_size ({size})."
        )
    return size, stride


def _log_column(table: pa.Table, columns: list[str]) -> str:
    """The one column of text; a key beside it is passed over.

    Raises:
        MySQLError: 3877, there is none or another, or a column of something else.
    """
    texts = [name for name in columns if is_text(plain(table.column(name)).type)]
    for name in columns:
        if name not in texts and not _is_key(plain(table.column(name))):
            raise secondary_engine(
                f"Column '{name}' is neither the log, its source, a label nor a key; "
                "name it in exclude_column_list."
            )
    if len(texts) != 1:
        raise secondary_engine(
            "The log_anomaly_detection task needs one column of log lines, and the "
            f"table has {texts}; name the others in exclude_column_list, or "
            "log_source_column in logad_options."
        )
    return texts[0]


def _is_key(column: pa.Array) -> bool:
    whole = pa.types.is_integer(column.type)
    return bool(whole and pc.count_distinct(column).as_py() == len(column))


LOG_ANOMALY_DETECTION = LogAnomalyDetection()
