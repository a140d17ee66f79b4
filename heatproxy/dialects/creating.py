"""CREATE MODEL: a query's rows, a training as ML_TRAIN does it, a prediction function.

The function is made in MySQL before the training, so that a name that is taken, or a
privilege that is missing, costs nobody an hour; it goes again when the training fails.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from heatproxy.automl.catalog import Catalog
from heatproxy.automl.features import find_column
from heatproxy.automl.orders import parse_options
from heatproxy.backend.functions import ModelFunction
from heatproxy.datatypes import quote_name
from heatproxy.dialects import brought, orders, types
from heatproxy.dialects.making import DIALECT, Making, Place, register, said_of
from heatproxy.dialects.shown import find
from heatproxy.errors import MySQLError, secondary_engine
from heatproxy.routines.models import no_such_model
from heatproxy.routines.train import learn
from heatproxy.session import Cancel, Session
from heatproxy.sql.create_model import CreateModel
from heatproxy.sql.lexer import tokens
from heatproxy.statements import Text
from heatproxy.statements.predicting.sources import readable
from heatproxy.wire.columns import ColumnDefinition

_MAY_TRAIN = b"CALL sys.ML_TRAIN(NULL, NULL, NULL, @heatproxy)"
_NO_SUCH_FUNCTION, _NO_SCHEMA = 1305, 1046
_OTHER_ARITY, _MAY_NOT = 1318, 1370  # of a stored function of that name
GRACE_S = 2.0  # behind which a training that does not end by itself is ended
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class Source:
    """What is learned from: the query as SQL and as SHOW MODEL has it, its columns."""

    query: bytes
    columns: list[ColumnDefinition]
    table: tuple[str, str] | None = None

    async def read(self, session: Session) -> pa.Table:
        """The rows, Arrow (n_rows, n_columns)."""
        if self.table is not None:  # it may be a Lakehouse table
            shell = await session.find_shell(*self.table)
            if shell is not None:
                return await session.read_table(*self.table)
        words = tokens(self.query, backslash_escapes=session.backslash_escapes)
        async with readable(session, Text(self.query, words)) as text:
            return await session.backend.read_table(text)


async def create(session: Session, wanted: CreateModel) -> list[str]:
    """Make the model and its function; what there is to note of it.

    Raises:
        MySQLError: 3877 ML006017, there is such a model; 1304, such a function; 1046,
            no schema; 1235, what is not supported; ML_TRAIN's, and MySQL's own.
    """
    await session.backend.prepared_columns(_MAY_TRAIN)
    user = await session.user()
    catalog = Catalog(session.backend, user, session.generation)
    place = await _place(session, wanted)
    if await find(catalog, place.schema, place.name) is not None:
        if wanted.if_not_exists:
            return [f"Model '{wanted.name[1]}' already exists"]
        raise secondary_engine(f"Model '{wanted.name[1]}' already exists")
    await _require_free(session, place.function)
    if wanted.file is not None:
        return await brought.create(session, catalog, wanted, place)
    if wanted.endpoint is not None:
        return await _over_another(session, catalog, wanted, place)
    return await _trained(session, catalog, wanted, place)


async def _place(session: Session, wanted: CreateModel) -> Place:
    default = await session.schema()
    schema = wanted.name[0] or default
    if schema is None:
        raise MySQLError(1046, "3D000", "No database selected")
    return Place(
        schema,
        wanted.name[1],
        wanted.function[0] or default or schema,
        wanted.function[1],
    )


async def _require_free(session: Session, function: str) -> None:
    """Refuse the name of a function that MySQL itself has."""
    name = function if _WORD.fullmatch(function) else quote_name(function)
    try:
        await session.backend.prepared_columns(f"SELECT {name}()".encode())
    except MySQLError as problem:
        free = (_NO_SUCH_FUNCTION, _NO_SCHEMA, _OTHER_ARITY, _MAY_NOT)
        if problem.number in free:
            return
    raise secondary_engine(f"CREATE MODEL: {function} is a function of MySQL's own.")


# --- a model that is trained ----------------------------------------------------------


async def _trained(
    session: Session, catalog: Catalog, wanted: CreateModel, place: Place
) -> list[str]:
    bounds = orders.check(wanted)
    source = await _source(session, wanted, place)
    target = _target(source.columns, wanted.target)
    features = [c for c in source.columns if c is not target]
    _check_types(wanted, features)
    rows = await source.read(session)
    name = None if target is None else target.name
    orders.check_columns(wanted, [column.name for column in features])
    plan, rows, sampled = await session.off_loop(
        partial(_planned, wanted, name, rows, bounds.max_cells)
    )
    returns = _returns(wanted, plan, target)
    function = ModelFunction(
        place.function_schema,
        place.function,
        catalog.owner,
        place.handle,
        tuple(column.name for column in features),
        returns.converted,
    )
    parameters = [types.parameter_type(column) for column in features]
    said = {
        DIALECT: {
            **said_of(wanted, place, [types.type_name(column) for column in features]),
            "query": source.query.decode("utf-8", "replace"),
            "problem": plan.problem,
            "objective": plan.objective,
            "max_runtime": bounds.max_runtime_s,
        }
    }

    async def read() -> pa.Table:
        return rows

    options = dict(plan.options)
    if "MAX_RUNTIME" in wanted.settings and target is not None:
        options["max_runtime_s"] = bounds.max_runtime_s
    checked = parse_options(options)
    table = f"{place.schema}.{place.name}"
    async with Making(session, function, parameters, returns.declared) as making:
        try:
            await learn(
                *(session, catalog, place.handle, read, name, checked, table, said),
                most_s=bounds.max_runtime_s + GRACE_S,
            )
        except TimeoutError:
            raise secondary_engine(
                f"CREATE MODEL: the training took longer than MAX_RUNTIME"
                f" {bounds.max_runtime_s} seconds"
            ) from None
        making.done = True
    return [*plan.notes, *([sampled] if sampled else [])]


def _planned(
    wanted: CreateModel,
    target: str | None,
    rows: pa.Table,
    max_cells: int,
    cancel: Cancel,
) -> tuple[orders.Plan, pa.Table, str | None]:
    """What is to be trained, on which of the rows, and a note if not on all."""
    label = None if target is None else rows.column(target)
    return orders.plan(wanted, target, label), *orders.sampled(rows, max_cells)


async def _source(session: Session, wanted: CreateModel, place: Place) -> Source:
    """What FROM names. Raises: MySQLError 1060, a column's name comes twice."""
    table = None
    if wanted.query is not None:
        query = wanted.query
    elif wanted.table is not None:
        table = (
            (wanted.table[0] or await session.schema() or place.schema),
            (wanted.table[1]),
        )
        query = f"SELECT * FROM {quote_name(table[0])}.{quote_name(table[1])}".encode()
    else:
        raise secondary_engine("CREATE MODEL: FROM must say what to learn from.")
    columns = await session.backend.prepared_columns(query)
    seen = set()
    for column in columns:
        if column.name.lower() in seen:
            text = f"Duplicate column name '{column.name}'"
            raise MySQLError(1060, "42S21", text)
        seen.add(column.name.lower())
    return Source(query, columns, table)


def _target(
    columns: Sequence[ColumnDefinition], wanted: str | None
) -> ColumnDefinition | None:
    """The column to predict. Raises: MySQLError 1054, there is none of that name."""
    if wanted is None:
        return None
    place = find_column([column.name for column in columns], wanted)
    if place is None:
        raise MySQLError(1054, "42S22", f"Unknown column '{wanted}' in 'TARGET'")
    return columns[place]


def _check_types(wanted: CreateModel, features: Sequence[ColumnDefinition]) -> None:
    """The types in FUNCTION (...) are those of the query; their number must be."""
    if wanted.parameters is not None and len(wanted.parameters) != len(features):
        raise secondary_engine(
            f"CREATE MODEL: FUNCTION has {len(wanted.parameters)} types and the query"
            f" {len(features)} columns besides the TARGET."
        )


def _returns(
    wanted: CreateModel, plan: orders.Plan, target: ColumnDefinition | None
) -> types.Returned:
    if wanted.returns is not None:
        return types.returned(wanted.returns)
    if target is None:
        return types.returned("BIGINT")
    if plan.task == orders.REGRESSION:
        return types.NUMBER
    return types.returned_of(target)


# --- a model of the catalog that gets a function --------------------------------------


async def _over_another(
    session: Session, catalog: Catalog, wanted: CreateModel, place: Place
) -> list[str]:
    """SAGEMAKER 'handle': a model that stands in the catalog already."""
    endpoint = wanted.endpoint or ""
    entry = await catalog.find(endpoint)
    if entry is None or not entry.ready:
        raise no_such_model(endpoint)
    if entry.metadata.get(DIALECT):
        raise secondary_engine(f"Model '{endpoint}' has a function already")
    notes = orders.check_brought(wanted)
    await register(session, catalog, wanted, place, entry)
    return ["SAGEMAKER names a model of the model catalog, by its handle", *notes]
