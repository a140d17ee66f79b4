"""What all sessions of the engine process share."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from heatproxy.automl.loaded import LoadedModels
from heatproxy.automl.operations import Operations
from heatproxy.backend.account import ServiceAccount
from heatproxy.backend.functions import ModelFunctions
from heatproxy.backend.shells import Shells
from heatproxy.backend.weights import Weights
from heatproxy.config import Config
from heatproxy.engine import Engine
from heatproxy.ledger import Ledger
from heatproxy.rapid.rapid import Rapid
from heatproxy.rapid.translator import Translator
from heatproxy.rapid.views import Views
from heatproxy.watch import Watches

T = TypeVar("T")
Hears = Callable[[float, str], None]  # how far a job is, of 1, and what it does

FEWEST_TURNS = 4  # queries that the engine has at the same time


class Jobs(Protocol):
    """Processes that learning runs in; cancelling the call ends the process."""

    def warm_up(self) -> None: ...

    async def run(
        self,
        function: Callable[..., T],
        *args: Any,
        hears: Hears | None = None,
        most_s: float | None = None,
    ) -> T: ...


@dataclass(slots=True)
class House:
    """What all sessions of the engine process share; ``config`` changes on SIGHUP."""

    config: Config
    engine: Engine
    account: ServiceAccount
    watches: Watches
    shells: Shells
    weights: Weights
    trainings: Jobs  # few at a time: each takes all it is given
    jobs: Jobs
    models: LoadedModels
    rapid: Rapid = field(default_factory=Rapid)
    operations: Operations = field(default_factory=Operations)
    ledger: Ledger = field(default_factory=Ledger)
    views: Views = field(init=False)
    functions: ModelFunctions = field(init=False)
    translator: Translator = field(init=False)
    turns: asyncio.Semaphore = field(init=False)  # of queries in the engine

    def __post_init__(self) -> None:
        self.views = Views(self.account)
        self.functions = ModelFunctions(self.account)
        self.translator = Translator(
            self.engine, self.shells, self.weights, self.rapid, self.views
        )
        threads = self.config.engine.threads or os.cpu_count() or 1
        self.turns = asyncio.Semaphore(max(FEWEST_TURNS, 2 * threads))

    @property
    def names_version(self) -> tuple[int, ...]:
        """What changes whenever ``filter_names`` may."""
        versions = self.shells.version, self.rapid.tables.version, self.views.version
        return *versions, self.functions.version

    def filter_names(self) -> tuple[set[str], set[str], set[str], frozenset[str]]:
        """What statements are filtered by: see Prefilter."""
        loaded = self.rapid.tables.names | self.views_over_loaded()
        functions = self.functions.names
        return self.names_over_shells(), self.shells.schemas, loaded, functions

    def views_over_loaded(self) -> set[str]:
        """The names of the views that read tables of RAPID's."""
        return self.views.over((t.schema, t.name) for t in self.rapid.tables.all())

    def names_over_shells(self) -> set[str]:
        """The names of Lakehouse tables, and of the views that read them."""
        shells = self.shells.all()
        views = self.views.over((shell.schema, shell.table) for shell in shells)
        return {shell.table for shell in shells} | views


async def follow_shells(house: House) -> None:
    """Look at the shells again, drop the data of those that have gone, tell the relays.

    Data whose shell was never seen stays: another backend's, or one that the account
    may not look at just now.
    """

    def follow() -> None:
        before = house.shells.engine_names
        house.shells.refresh()
        for name in before - house.shells.engine_names:
            house.engine.drop(name)

    await asyncio.to_thread(follow)
    house.shells.tell()
