"""What MySQL says to a statement that the engine may answer, in one round trip.

The session's variables, the statement's cost, its constants and its columns are asked
for together, before it is known which of them will be needed. Only a clean answer is
used: where MySQL had an error or a warning, it is asked again in the old way, at the
place where that matters, and so is what nobody foresaw.
"""

from collections.abc import Mapping, Sequence

from heatproxy.backend.replies import Result
from heatproxy.backend.together import together
from heatproxy.errors import MySQLError
from heatproxy.rapid.decision import ASKS, Settings
from heatproxy.session import Session
from heatproxy.sql import hints
from heatproxy.sql.emitter.values import Constant
from heatproxy.statements import Text
from heatproxy.statements.constants import as_constants, asking, evaluate
from heatproxy.wire.columns import ColumnDefinition
from heatproxy.wire.packets import Status

_COUNTED = "SHOW SESSION STATUS WHERE Variable_name IN"
_CREATED, _COST = "Com_create_table", "Last_query_cost"

Answer = Result | MySQLError | None


class Inquiry:
    """MySQL's answers to one statement, got together or one by one."""

    def __init__(self, session: Session, statement: Text, said: hints.Hints) -> None:
        self.settings = Settings({}, None)
        self._session, self._statement, self._said = session, statement, said
        self._names = session.house.names_version
        self._texts: Sequence[str] = ()
        self._constants: Answer = None
        self._explained: Answer = None
        self._counts: Answer = None
        self._columns: list[ColumnDefinition] | MySQLError | None = None

    async def ask(self, text: str) -> None:
        """Ask what is likely to be needed; ``text`` is what will be translated.

        Raises:
            MySQLError: the session may ask nothing, or was killed.
        """
        session, backend = self._session, self._session.backend
        self._texts = session.house.translator.expected(text)
        counted, questions = [_CREATED], []
        if self._texts:
            questions.append(asking(self._texts))
        if is_weighed := self._is_weighed():
            counted.append(_COST)
            questions.append(self._explain())
        questions.append(_counting(counted))
        # Last, for it has one row: FOUND_ROWS() may be asked of an answer that has.
        questions.append(f"SELECT {ASKS}".encode())
        answers, self._columns = await together(backend, questions, self._statement.own)
        settings = answers.pop()
        if isinstance(settings, MySQLError):
            raise settings
        self._counts = answers.pop()
        if is_weighed:
            self._explained = answers.pop()
        if self._texts:
            self._constants = answers.pop()
        if backend.warnings:
            self._columns = None
        self.settings = Settings.of(settings.texts()[0], self._said)
        session.notes.is_weighed = _weighs(self.settings)

    async def cost(self) -> float:
        """What the statement costs MySQL, by its own estimate.

        Raises:
            MySQLError: the statement is wrong, or is not to be explained.
        """
        explained, counts = self._explained, self._counts
        if explained is None or isinstance(counts, MySQLError):
            await self._session.backend.query(self._explain())
            counts = await self._session.backend.query(_counting([_COST]))
        elif isinstance(explained, MySQLError):
            raise explained
        assert isinstance(counts, Result)
        return float(_by_name(counts).get(_COST) or 0)

    async def constants(self, texts: Sequence[str]) -> dict[str, Constant]:
        """What MySQL makes of constant expressions in the statement."""
        backend, found = self._session.backend, self._constants
        is_clean = isinstance(found, Result) and not found.warnings
        if isinstance(found, Result) and is_clean and tuple(texts) == self._texts:
            return as_constants(texts, found, self.settings)
        return await evaluate(backend, texts, self.settings)

    async def columns(self) -> list[ColumnDefinition]:
        """The columns of the statement, and what ``backend.warnings`` has to it.

        Raises:
            MySQLError: the statement is wrong, or not allowed.
        """
        is_current = self._names == self._session.house.names_version
        if isinstance(self._columns, list) and is_current:
            return self._columns
        return await self._session.backend.prepared_columns(self._statement.own)

    async def has_created(self) -> bool:
        """Whether the session has ever created a table; see ``has_created_tables``."""
        if isinstance(self._counts, Result):
            return _has_created(self._session, self._counts)
        return await has_created_tables(self._session)

    def _is_weighed(self) -> bool:
        """Whether the cost will matter, as far as can be told.

        It reads the tables, and so would begin a transaction with autocommit off.
        """
        both = Status.AUTOCOMMIT | Status.IN_TRANS
        if self._session.backend.status & both != Status.AUTOCOMMIT:
            return False
        return bool(self._said.variables) or self._session.notes.is_weighed

    def _explain(self) -> bytes:
        escapes = self._session.backslash_escapes
        own = hints.in_primary(self._statement.own, backslash_escapes=escapes)
        return b"EXPLAIN FORMAT=TREE " + own


async def has_created_tables(session: Session) -> bool:
    """Whether the session has ever created a table, and so perhaps a temporary one."""
    counts = await session.backend.query(_counting([_CREATED]))
    return _has_created(session, counts)


def _has_created(session: Session, counts: Result) -> bool:
    return _by_name(counts).get(_CREATED) != "0" or session.notes.counts_lost


def _counting(names: Sequence[str]) -> bytes:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"{_COUNTED} ({listed})".encode()


def _by_name(counts: Result) -> Mapping[str | None, str | None]:
    return {name: value for name, value in counts.texts()}


def _weighs(settings: Settings) -> bool:
    """Whether a statement's cost matters with these settings."""
    return settings.engine == "ON" and settings.threshold > 0
