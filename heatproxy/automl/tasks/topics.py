"""Topic modeling: what documents are about, as tags.

There is one model, and it takes no list of models and has no metric.

Source: HeatWave User Guide, "Train a Topic Model".
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from heatproxy.automl.columns import is_text
from heatproxy.automl.features import all_dropped, find_column, plain
from heatproxy.automl.tags import Tagger
from heatproxy.automl.tasks.contract import BATCH_SIZE, Answers, Arrays, Order, Progress
from heatproxy.automl.tasks.metadata import SpecialFacts, Told
from heatproxy.errors import MySQLError, ml_error, secondary_engine
from heatproxy.options import Number, Options, Text

ALGORITHM = "TfidfTopicModel"  # HeatWave's own name for it is not known
TAGS = 10


@dataclass(frozen=True, slots=True)
class TopicModel(Told):
    """A vocabulary of tags, and the column whose documents it was taken from."""

    column: str
    tagger: Tagger
    facts: SpecialFacts

    def predict(
        self, table: pa.Table, options: Mapping[str, Any], threads: int = 1
    ) -> Answers:
        """``{"predictions": {"tags": ["dangerous", "join force"]}}`` of each row.

        Raises:
            MySQLError: 3877 ML003011, the column is missing; the column has no text.
        """
        place = find_column(table.column_names, self.column)
        if place is None:
            raise ml_error(
                "ML003011",
                "Columns of provided data need to match those used for training. "
                f"Provided - {table.column_names} vs Trained - {[self.column]}",
            )
        documents = _documents(plain(table.column(place)), self.column)
        most = int(options.get("topk") or TAGS)
        texts = [
            json.dumps({"predictions": {"tags": tags}}, ensure_ascii=False)
            for tags in self.tagger.tagged(documents, most)
        ]
        return Answers(pa.table({"ml_results": pa.array(texts, pa.string())}))

    def score(
        self,
        table: pa.Table,
        target: str | None,
        metric: str,
        options: Mapping[str, Any],
        threads: int = 1,
    ) -> float:
        """Raises: MySQLError 3877 ML003020, always: no answer is known."""
        raise ml_error(
            "ML003020",
            f"Unsupported scoring metric ({metric}) for task ({self.task_name}).",
        )

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """See SpecialModel."""
        values = {
            "column": self.column,
            "tags": self.tagger.tags,
            "facts": self.facts.state(),
        }
        return values, {"weights": self.tagger.weights}


@dataclass(frozen=True, slots=True)
class TopicModeling:
    """The task ``topic_modeling``; see Specialist."""

    name: str = "topic_modeling"
    by_row: bool = True

    @property
    def train_options(self) -> Options:
        return Options(document_column=Text())

    @property
    def predict_options(self) -> Options:
        return Options(
            topk=Number(1, whole=True),
            batch_size=BATCH_SIZE,
        )

    @property
    def score_options(self) -> Options:
        return Options()

    def check(self, target: str | None, order: Order) -> None:
        """Raises: MySQLError 3877, no document_column; ML006006, a target."""
        if target:
            raise ml_error(
                "ML006006", "target_column_name should be NULL or empty string."
            )
        if not order.values["document_column"]:
            raise secondary_engine(
                "ML_TRAIN: document_column must be given for topic_modeling."
            )

    def train(
        self,
        table: pa.Table,
        target: str | None,
        order: Order,
        progress: Progress,
        threads: int,
    ) -> TopicModel:
        """Take the vocabulary of a column.

        Raises:
            MySQLError: those of check; 3877 ML003039 no such column, ML001052 no rows
                or no word that two documents share; the column has no text, or NULLs.
        """
        started = time.monotonic()
        progress(0.0, "reading the documents")
        self.check(target, order)
        wanted = str(order.values["document_column"])
        place = find_column(table.column_names, wanted)
        if place is None:
            raise ml_error(
                "ML003039",
                "Not all user specified columns are present in the input table - "
                f"missing columns are {{{wanted!r}}}.",
            )
        name = table.column_names[place]
        if table.num_rows == 0:
            raise all_dropped()
        column = plain(table.column(place))
        if column.null_count:
            raise _nulls(name)
        documents = _documents(column, name)
        progress(0.2, "counting words")
        tagger = Tagger.fit(documents)
        if not tagger.tags:
            raise all_dropped()
        progress(1.0, "done")
        facts = SpecialFacts(
            task=self.name,
            algorithm_name=ALGORITHM,
            options=order.shown(),
            notes=order.notes,
            n_rows=table.num_rows,
            n_selected_rows=table.num_rows,
            columns=(name,),
            used=(name,),
            target=None,
            training_time=time.monotonic() - started,
            hyperparameters={"n_tags": len(tagger.tags)},
        )
        return TopicModel(name, tagger, facts)

    def restore(self, state: Mapping[str, Any], arrays: Arrays) -> TopicModel:
        """See Specialist."""
        weights = np.array(arrays["weights"], dtype=np.float64)
        return TopicModel(
            str(state["column"]),
            Tagger.from_state(state["tags"], weights),
            SpecialFacts.from_state(state["facts"]),
        )


def _documents(column: pa.Array, name: str) -> list[str]:
    """The documents; NULL is one without words."""
    if not is_text(column.type) and not pa.types.is_null(column.type):
        raise secondary_engine(
            f"The document_column '{name}' of type {column.type} is not text."
        )
    texts: list[str] = pc.fill_null(column.cast(pa.string()), "").to_pylist()
    return texts


def _nulls(name: str) -> MySQLError:
    return secondary_engine(
        f"The document_column '{name}' has NULL values, which text must not have."
    )


TOPIC_MODELING = TopicModeling()
