"""Models that are loaded: decoded and at hand, so that a row costs no reading."""

from collections.abc import Iterator
from dataclasses import dataclass

from heatproxy.automl.catalog import Entry
from heatproxy.automl.model import Model
from heatproxy.automl.model_bytes import ModelBytes
from heatproxy.automl.tasks.contract import SpecialModel


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory: whose it is, its catalog row when it was read, its bytes."""

    owner: str
    entry: Entry
    data: ModelBytes
    model: Model | SpecialModel


class LoadedModels:
    """The models each user has loaded, by handle; of this process alone."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Loaded] = {}

    def get(self, user: str, handle: str) -> Loaded | None:
        return self._models.get((user, handle))

    def put(self, user: str, loaded: Loaded) -> None:
        self._models[user, loaded.entry.handle] = loaded

    def drop(self, user: str, handle: str) -> None:
        """Forget it; harmless when it was not loaded."""
        self._models.pop((user, handle), None)

    def of(self, user: str) -> Iterator[Loaded]:
        """What one user has loaded."""
        return (model for (who, _), model in self._models.items() if who == user)

    @property
    def users(self) -> list[str]:
        return sorted({user for user, _ in self._models})
