"""A model's prediction function: made in MySQL, and noted in the model's metadata."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql

from heatproxy.automl.catalog import Catalog, Entry
from heatproxy.backend.functions import ModelFunction
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.dialects import types
from heatproxy.dialects.shown import handle_of
from heatproxy.errors import MySQLError, not_supported, secondary_engine
from heatproxy.session import Session
from heatproxy.sql.create_model import CreateModel

DIALECT = "redshift"
_NEEDS_SUPER = 1419  # the binary log is on, and its owner trusts nobody
_TASKS = ("classification", "regression", "clustering")  # of one answer a row


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model and its function are to be."""

    schema: str
    name: str
    function_schema: str
    function: str

    @property
    def handle(self) -> str:
        return handle_of(self.schema, self.name)


class Making:
    """The function while what it predicts by is being made."""

    def __init__(
        self,
        session: Session,
        function: ModelFunction,
        parameters: Sequence[str],
        returns: str,
    ) -> None:
        self.done = False
        self._session, self._function = session, function
        self._parameters, self._returns = parameters, returns

    async def __aenter__(self) -> "Making":
        session, function = self._session, self._function
        given = self._parameters, self._returns
        escapes = session.backslash_escapes
        try:
            await session.backend.query(function.create(*given, escapes=escapes))
        except MySQLError as refused:
            if refused.number != _NEEDS_SUPER:
                raise
            await self._as_heatproxy()
        return self

    async def _as_heatproxy(self) -> None:
        """Where only SUPER may create functions: the caller may otherwise, by now."""
        (account,) = await self._session.backend.evaluate([b"CURRENT_USER()"])
        user, _, host = (account or "").rpartition("@")
        definer = f"{quote_name(user)}@{quote_name(host)}"
        function = self._function
        creation = function.create(
            self._parameters, self._returns, escapes=True, definer=definer
        )
        grant = (
            f"GRANT EXECUTE, ALTER ROUTINE ON FUNCTION {function.qualified}"
            f" TO {definer}"
        )
        query = self._session.house.account.query
        try:
            await asyncio.to_thread(query, creation)
            await asyncio.to_thread(query, grant)
        except pymysql.MySQLError as problem:
            number, text = problem.args[0], str(problem.args[-1])
            raise MySQLError(int(number), "HY000", text) from None

    async def __aexit__(self, *problem: object) -> None:
        functions = self._session.house.functions
        if not self.done:
            await self._session.undo(
                f"DROP FUNCTION IF EXISTS {self._function.qualified}"
            )
        await asyncio.to_thread(functions.refresh)
        functions.tell()


async def register(
    session: Session,
    catalog: Catalog,
    wanted: CreateModel,
    place: Place,
    entry: Entry,
) -> None:
    """Give a model of the catalog a name and a function of declared types.

    Raises:
        MySQLError: 3877, the types are not as many as its columns, or are missing.
    """
    columns = tuple(map(str, entry.metadata.get("column_names") or ()))
    if wanted.parameters is None or wanted.returns is None:
        raise secondary_engine(
            "CREATE MODEL: FUNCTION needs its parameters' types and RETURNS for a model"
            " that is not trained here."
        )
    if len(columns) != len(wanted.parameters):
        raise secondary_engine(
            f"CREATE MODEL: FUNCTION has {len(wanted.parameters)} parameters and the"
            f" model '{entry.handle}' {len(columns)} columns."
        )
    if entry.metadata.get("task") not in _TASKS:
        raise not_supported(f"a function of a model for {entry.metadata.get('task')}")
    returns = types.returned(wanted.returns)
    function = ModelFunction(
        place.function_schema,
        place.function,
        catalog.owner,
        entry.handle,
        columns,
        returns.converted,
    )
    names = [types.name_of(kind) for kind in wanted.parameters]
    said = quote_text(json.dumps(said_of(wanted, place, names)))
    kept = f"UPDATE {catalog.models} SET model_metadata = JSON_SET(model_metadata,"
    async with Making(session, function, wanted.parameters, returns.declared) as making:
        await session.backend.query(
            f"{kept} '$.{DIALECT}', CAST({said} AS JSON))"
            f" WHERE model_handle = {quote_text(entry.handle)}"
        )
        making.done = True


def said_of(
    wanted: CreateModel, place: Place, parameters: Sequence[str]
) -> dict[str, Any]:
    """What the catalog keeps of the statement, for SHOW MODEL and DROP MODEL."""
    return {
        "schema": place.schema,
        "name": place.name,
        "function_schema": place.function_schema,
        "function": place.function,
        "query": "",
        "types": list(parameters),
        "model_type": (wanted.model_type or "auto").lower(),
        "iam_role": wanted.iam_role,
        "s3_bucket": wanted.settings.get("S3_BUCKET"),
        "endpoint": wanted.endpoint is not None,
    }
