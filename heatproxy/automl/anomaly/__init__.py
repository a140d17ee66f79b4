"""Detectors of anomalies: which there are, and what each can do.

A detector looks at points of a space (see ``space``) and says how strange each is. It
is rebuilt from its arrays, which are plain numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from heatproxy.automl.anomaly.ensemble import NeighbourEnsemble
from heatproxy.automl.anomaly.local import LocalOutlierFactors
from heatproxy.automl.anomaly.principal import PrincipalAxes
from heatproxy.automl.columns import FloatArray

Arrays = Mapping[str, npt.NDArray[Any]]


class Detector(Protocol):
    """What knows normal points."""

    def strangeness(self, points: FloatArray, threads: int = 1) -> FloatArray:
        """Of each point (n_points,); at least 0, larger is stranger."""
        ...

    def arrays(self) -> dict[str, npt.NDArray[Any]]: ...

    @property
    def settings(self) -> dict[str, Any]:
        """What the catalog shows as hyperparameters."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A detector by HeatWave's name; ``shown`` is how the catalog spells it."""

    name: str
    shown: str
    fit: Callable[[FloatArray, int], Detector]
    restore: Callable[[Arrays, int], Detector]  # checks them for points so wide


# the first that a call leaves is the one that is fitted
KINDS: tuple[Kind, ...] = (
    Kind("GkNN", "GKNN", NeighbourEnsemble.fit, NeighbourEnsemble.restore),
    Kind("PCA", "PCA", PrincipalAxes.fit, PrincipalAxes.restore),
    Kind("GLOF", "GLOF", LocalOutlierFactors.fit, LocalOutlierFactors.restore),
)
