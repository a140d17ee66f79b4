"""The ``model_metadata`` of a specialist's model: the keys that every task has.

Source: HeatWave User Guide, "Model metadata", version 9.5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FORMAT = "HWMLv2.0"

# the same for every classifier and regressor of the reference
TRAINING_PARAMS: Mapping[str, Any] = {
    "recommend": "ratings",
    "force_use_X": False,
    "recommend_k": 3,
    "remove_seen": True,
    "ranking_topk": 10,
    "lsa_components": 100,
    "ranking_threshold": 1,
    "feedback_threshold": 1,
}


@dataclass(frozen=True, slots=True)
class SpecialFacts:
    """What a training noted down, as JSON values all of it.

    ``columns`` are the feature columns in table order, ``used`` those that the model
    looks at. ``training_params`` replace or join the ones that all tasks share.
    """

    task: str
    algorithm_name: str
    options: dict[str, Any]
    notes: str | None
    n_rows: int
    n_selected_rows: int
    columns: tuple[str, ...]
    used: tuple[str, ...]
    target: str | None
    training_time: float  # seconds
    training_score: float | None = None
    optimization_metric: str | None = None
    quality: str | None = None
    contamination: float | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    training_params: dict[str, Any] = field(default_factory=dict)
    drift: dict[str, float] | None = None  # mean and variance

    def state(self) -> dict[str, Any]:
        """As JSON values; ``from_state`` is the inverse."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "SpecialFacts":
        """Raises: TypeError when it is no such state."""
        lists: Sequence[str] = ("columns", "used")
        return cls(**{**state, **{name: tuple(state[name]) for name in lists}})


class Told:
    """A model of which the catalog says what its training noted down."""

    __slots__ = ()

    facts: SpecialFacts

    @property
    def task_name(self) -> str:
        return self.facts.task

    def metadata(
        self,
        *,
        build_timestamp: int,
        train_table_name: str,
        chunks: int = 1,
        status: str = "Ready",
    ) -> dict[str, Any]:
        """The ``model_metadata`` of the catalog."""
        return special_metadata(
            self.facts,
            build_timestamp=build_timestamp,
            train_table_name=train_table_name,
            chunks=chunks,
            status=status,
        )


def special_metadata(
    facts: SpecialFacts,
    *,
    build_timestamp: int,
    train_table_name: str,
    chunks: int = 1,
    status: str = "Ready",
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The metadata; its floats are FLOATs widened. ``extra`` has the last word."""
    return {
        "task": facts.task,
        "notes": facts.notes,
        "chunks": chunks,
        "format": FORMAT,
        "n_rows": facts.n_rows,
        "status": status,
        "options": facts.options,
        "n_columns": len(facts.columns),
        "column_names": list(facts.columns),
        "contamination": float32(facts.contamination),
        "model_quality": facts.quality,
        "training_time": float32(facts.training_time),
        "algorithm_name": facts.algorithm_name,
        "training_score": float32(facts.training_score),
        "build_timestamp": build_timestamp,
        "hyperparameters": facts.hyperparameters,
        "n_selected_rows": facts.n_selected_rows,
        "training_params": {**TRAINING_PARAMS, **facts.training_params},
        "train_table_name": train_table_name,
        "model_explanation": {},
        "n_selected_columns": len(facts.used),
        "target_column_name": facts.target,
        "optimization_metric": facts.optimization_metric,
        "selected_column_names": sorted(facts.used),
        "training_drift_metric": facts.drift,
        **(extra or {}),
    }


def float32(value: float | None) -> float | None:
    """A number as MySQL's FLOAT holds it, in double precision."""
    return None if value is None else float(np.float32(value))
