"""GkNN: what is far from its nearest neighbours, near and wide.

Five experts look at different scales: the distance to the nearest of a few rows, over
many draws of 8 and of 16 rows, sees what is strange to the whole table, groups of
anomalies among it; the distances to the 5th and to the 100th neighbour and the local
outlier factor see what is strange where it is. Which of them is right depends on the
table. Each says how rare its number is among the training's, and the three that agree
best with all the others about the strangest rows decide: the loudest of the three.

Source: Sugiyama and Borgwardt, "Rapid Distance-Based Outlier Detection via Sampling";
Ramaswamy, Rastogi, Shim, "Efficient Algorithms for Mining Outliers from Large Data
Sets"; Breunig and others, as in ``local``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from heatproxy.automl.anomaly.local import LocalOutlierFactors
from heatproxy.automl.anomaly.neighbours import (
    SEED,
    distances,
    nearest,
    nearest_of_samples,
    some,
)
from heatproxy.automl.anomaly.rank import Rarity
from heatproxy.automl.columns import FloatArray

EXPERTS = ("wide8", "wide16", "near5", "near100", "local20")
SAMPLES, SIZES = 64, (8, 16)
NEAR, FAR, LOCAL = 5, 100, 20
DECIDE = 3
RANKED_ROWS = 20_000
STRANGEST = 0.95  # the share of rows below which agreement does not matter


@dataclass(frozen=True, slots=True)
class NeighbourEnsemble:
    """``samples`` (n_samples, size, dimensions) for each size; ``local`` has the rows
    that neighbours are looked for among; ``ranks`` one of each expert; ``deciding``
    are their places."""

    samples: tuple[FloatArray, ...]
    local: LocalOutlierFactors
    ranks: tuple[Rarity, ...]
    deciding: tuple[int, ...]

    @classmethod
    def fit(cls, points: FloatArray, threads: int) -> "NeighbourEnsemble":
        """From the training's points (n_points, dimensions)."""
        random = np.random.default_rng(SEED)
        samples = []
        for size in SIZES:
            count = min(size, len(points))
            rows = [
                random.choice(len(points), count, replace=False) for _ in range(SAMPLES)
            ]
            samples.append(points[np.array(rows)])
        local = LocalOutlierFactors.fit(points, threads, (LOCAL,))
        unranked = cls(tuple(samples), local, (), tuple(range(len(EXPERTS))))
        ranked = some(points, RANKED_ROWS)
        opinions = unranked._opinions(ranked, unranked.deciding, threads)
        ranks = tuple(Rarity.fit(opinion) for opinion in opinions)
        heard = [
            rank.of(opinion) for rank, opinion in zip(ranks, opinions, strict=True)
        ]
        order = np.argsort(-_agreement(heard), kind="stable")[:DECIDE]
        deciding = tuple(sorted(int(place) for place in order))
        return cls(unranked.samples, local, ranks, deciding)

    @property
    def settings(self) -> dict[str, Any]:
        return {"max_anomaly_cluster_size": FAR}

    def strangeness(self, points: FloatArray, threads: int = 1) -> FloatArray:
        """What the loudest of those that decide says of each point (n_points,)."""
        if not len(points):
            return np.zeros(0)
        opinions = self._opinions(points, self.deciding, threads)
        heard = [
            self.ranks[place].of(opinion)
            for place, opinion in zip(self.deciding, opinions, strict=True)
        ]
        return np.asarray(np.max(heard, axis=0))

    def _opinions(
        self, points: FloatArray, experts: Sequence[int], threads: int
    ) -> list[FloatArray]:
        """What each of these experts says of each point (n_points,), in own units."""
        rows = self.local.rows
        alone = len(rows) < 2
        near = [min(number, max(len(rows) - 1, 1)) for number in (NEAR, FAR)]
        far: FloatArray = np.zeros((len(points), 2))
        if EXPERTS.index("local20") in experts and not alone:
            every, places = nearest(points, rows, near[1], threads)
            far = every[:, [number - 1 for number in near]]
            local = self.local.factors(every, places)[0]
        elif max(experts) >= len(SIZES) and not alone:
            far = distances(points, rows, near, threads)
        found = []
        for expert in experts:
            match EXPERTS[expert]:
                case "near5":
                    found.append(far[:, 0])
                case "near100":
                    found.append(far[:, 1])
                case "local20":
                    found.append(np.zeros(len(points)) if alone else local)
                case _:
                    sample = self.samples[expert]
                    found.append(nearest_of_samples(points, sample, threads))
        return found

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        found = {f"local_{name}": a for name, a in self.local.arrays().items()}
        found |= {f"samples_{i}": array for i, array in enumerate(self.samples)}
        found |= {f"ranks_{i}": rank.table() for i, rank in enumerate(self.ranks)}
        return found | {"deciding": np.array(self.deciding, np.int64)}

    @classmethod
    def restore(
        cls, arrays: Mapping[str, npt.NDArray[Any]], dimensions: int
    ) -> "NeighbourEnsemble":
        """Raises: ValueError or KeyError, they are none for points so wide."""
        local = LocalOutlierFactors.restore(
            {
                name.removeprefix("local_"): array
                for name, array in arrays.items()
                if name.startswith("local_")
            },
            dimensions,
        )
        samples = tuple(
            arrays[f"samples_{place}"].astype(float, copy=False)
            for place in range(len(SIZES))
        )
        for sample in samples:
            if sample.ndim != 3 or sample.shape[2] != dimensions or not sample.size:
                raise ValueError("samples of another space")
        ranks = tuple(
            Rarity.from_table(arrays[f"ranks_{place}"]) for place in range(len(EXPERTS))
        )
        deciding = tuple(int(place) for place in arrays["deciding"])
        if not deciding or not all(0 <= place < len(EXPERTS) for place in deciding):
            raise ValueError("experts that there are not")
        return cls(samples, local, ranks, deciding)


def _agreement(heard: Sequence[FloatArray]) -> FloatArray:
    """How well each tells the rows that the others find strangest (n_experts,)."""
    found = []
    for place, own in enumerate(heard):
        others = np.mean([h for i, h in enumerate(heard) if i != place], axis=0)
        strange = others > np.quantile(others, STRANGEST)
        telling = 0.5
        if strange.any() and not strange.all():
            telling = float(roc_auc_score(strange, own))
        found.append(telling)
    return np.array(found)
