"""What became of a SELECT: its translation, or why the engine cannot answer it."""

from dataclasses import dataclass
from datetime import datetime

from heatproxy.backend.shells import Shell
from heatproxy.rapid.decision import Refusal
from heatproxy.rapid.tables import LoadedTable
from heatproxy.sql.emitter.values import EngineView
from heatproxy.sql.translate import Translated


@dataclass(frozen=True, slots=True)
class Translation:
    """A SELECT in the engine's words, and the tables as they were for it."""

    translated: Translated
    loaded: tuple[LoadedTable, ...]
    shells: tuple[Shell, ...]
    views: tuple[EngineView, ...] = ()
    loaded_at: tuple[datetime | None, ...] = ()  # each of ``shells``
    key: object = None  # the text and what its session says

    @property
    def names(self) -> tuple[str, ...]:
        """The tables it reads, schema.table."""
        return (
            *(f"{table.schema}.{table.name}" for table in self.loaded),
            *(f"{shell.schema}.{shell.table}" for shell in self.shells),
        )


class Untranslated(Exception):
    """The engine cannot answer; which tables it met before that was clear.

    ``unsettled``: a table is changing just now, so it may be worth another try.
    """

    def __init__(
        self,
        refusal: Refusal,
        loaded: tuple[LoadedTable, ...] = (),
        shells: tuple[Shell, ...] = (),
        *,
        unsettled: bool = False,
    ) -> None:
        super().__init__(refusal.words)
        self.refusal, self.loaded, self.shells = refusal, loaded, shells
        self.unsettled = unsettled
