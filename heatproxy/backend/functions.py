"""Prediction functions: stored functions of MySQL that stand for a model's predictions.

Each is a real function of its schema, so GRANT EXECUTE, PREPARE, views' definitions,
backups and information_schema.ROUTINES know it. Its comment says which model it is of:
so the backend's dictionary is the only register there is. Called past heatproxy it
calls ``sys.ML_PREDICT_ROW`` there.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heatproxy.backend.account import ServiceAccount
from heatproxy.datatypes import quote_name, quote_text

MARK = "heatproxy model "
_FIND = (
    "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_COMMENT"
    " FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION'"
    f" AND ROUTINE_COMMENT LIKE '{MARK}%'"
)


@dataclass(frozen=True, slots=True)
class ModelFunction:
    """A prediction function: its name, and the model whose predictions it gives.

    ``columns`` are the model's features in the order of the parameters, ``returns`` is
    what JSON_VALUE makes of a prediction.
    """

    schema: str
    name: str
    owner: str
    handle: str
    columns: tuple[str, ...]
    returns: str

    @property
    def qualified(self) -> str:
        return f"{quote_name(self.schema)}.{quote_name(self.name)}"

    def expression(self, arguments: Sequence[bytes], *, escapes: bool = True) -> bytes:
        """The prediction for these arguments, as SQL."""
        keys = [_literal(name, escapes).encode() for name in self.columns]
        pairs = b", ".join(
            key + b", " + argument
            for key, argument in zip(keys, arguments, strict=True)
        )
        handle = _literal(self.handle, escapes).encode()
        value = (
            b"JSON_VALUE(sys.ML_PREDICT_ROW(JSON_OBJECT("
            + pairs
            + b"), "
            + handle
            + b", NULL), '$.Prediction' RETURNING "
            + self.returns.encode()
            + b" ERROR ON ERROR)"
        )
        if not self.returns.startswith("CHAR"):
            return value
        # JSON's text is compared byte for byte, a function's by its collation
        return (
            b"CAST("
            + value
            + b" AS "
            + self.returns.encode()
            + b" CHARACTER SET utf8mb4)"
        )

    def create(
        self, types: Sequence[str], returns: str, *, escapes: bool, definer: str = ""
    ) -> str:
        """The CREATE statement; ``definer`` is an account as SQL writes it."""
        names = [quote_name(name) for name in parameter_names(self.columns)]
        parameters = ", ".join(
            f"{name} {kind}" for name, kind in zip(names, types, strict=True)
        )
        comment = _literal(self.comment, escapes)
        body = self.expression([name.encode() for name in names], escapes=escapes)
        by = f"DEFINER = {definer} " if definer else ""
        return (
            f"CREATE {by}FUNCTION {self.qualified} ({parameters}) RETURNS {returns}"
            f" DETERMINISTIC READS SQL DATA SQL SECURITY INVOKER COMMENT {comment}"
            f" RETURN {body.decode()}"
        )

    @property
    def comment(self) -> str:
        facts = {
            "owner": self.owner,
            "handle": self.handle,
            "columns": self.columns,
            "returns": self.returns,
        }
        return MARK + json.dumps(facts)  # of ASCII alone


def _literal(text: str, escapes: bool) -> str:
    """A string as SQL, to be read by people; ``escapes``: a backslash escapes there."""
    if not text.isascii() or not text.isprintable():
        return quote_text(text)
    text = text.replace("'", "''")
    return "'" + (text.replace("\\", "\\\\") if escapes else text) + "'"


def parameter_names(columns: Sequence[str]) -> list[str]:
    """Names that differ from each other and from every column of a table, perhaps."""
    return [f"p{place}_{name}"[:64].rstrip() for place, name in enumerate(columns, 1)]


def parsed(schema: str, name: str, comment: str) -> ModelFunction | None:
    """The function that a routine's comment tells of; None: it tells of none."""
    try:
        facts: Mapping[str, Any] = json.loads(comment.removeprefix(MARK))
        return ModelFunction(
            schema,
            name,
            str(facts["owner"]),
            str(facts["handle"]),
            tuple(map(str, facts["columns"])),
            str(facts["returns"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


class ModelFunctions:
    """What is known of the backend's prediction functions: their names.

    The names only say which statements to look at; what a name means is asked of the
    backend each time.
    """

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account
        self._watchers: list[Callable[[], None]] = []
        self.names: frozenset[str] = frozenset()
        self.version = 0

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call this whenever the names may have changed."""
        self._watchers.append(watcher)

    def refresh(self) -> None:
        """Look for the functions. Raises: pymysql.MySQLError. It blocks."""
        names = frozenset(str(name) for _, name, _ in self._account.query(_FIND))
        if names != self.names:
            self.names = names
            self.version += 1

    def tell(self) -> None:
        """Call the watchers."""
        for watcher in self._watchers:
            watcher()

    def find(self, schema: str, names: Sequence[str]) -> dict[str, ModelFunction]:
        """The prediction functions of these names there, by name in lower case.

        Raises:
            pymysql.MySQLError: the backend cannot be asked. It blocks.
        """
        listed = ", ".join(quote_text(name) for name in names)
        rows = self._account.query(
            f"{_FIND} AND ROUTINE_SCHEMA = {quote_text(schema)}"
            f" AND ROUTINE_NAME IN ({listed})"
        )
        found = [parsed(str(s), str(name), str(text)) for s, name, text in rows]
        return {one.name.lower(): one for one in found if one is not None}
