"""A MySQL SELECT over loaded tables as DuckDB SQL that gives MySQL's very answer.

sqlglot parses, the emitter writes; what has no rule raises Forward, so that MySQL
answers. Some rows can't be computed as MySQL does (a division by zero with its
warning, an overflow with its error): there the SQL calls error(), the engine
raises Trap, and the caller forwards or refuses. The caller must also have
prepared the statement on the backend: MySQL checks names, ONLY_FULL_GROUP_BY and
grants, and its column definitions must agree with ``output``.
"""

from dataclasses import dataclass

from sqlglot.errors import SqlglotError

from heatproxy.sql import grammar
from heatproxy.sql.collation import CollationWeights, weights_query
from heatproxy.sql.emitter import constants, lacking
from heatproxy.sql.emitter.queries import Emitter, Resolve
from heatproxy.sql.emitter.relations import Scope, Wanted
from heatproxy.sql.emitter.summands import settled
from heatproxy.sql.emitter.values import (
    Constant,
    EngineColumn,
    EngineTable,
    EngineView,
    Forward,
    OutputColumn,
    Policy,
    SessionFacts,
    Unanswered,
    Value,
)
from heatproxy.sql.grammar import referenced_tables

__all__ = [
    "CollationWeights",
    "Constant",
    "EngineColumn",
    "EngineTable",
    "EngineView",
    "Forward",
    "OutputColumn",
    "Policy",
    "Resolve",
    "SessionFacts",
    "Translated",
    "Unanswered",
    "referenced_tables",
    "translate",
    "weights_query",
]


@dataclass(frozen=True, slots=True)
class Translated:
    """DuckDB SQL, the columns it gives, the tables it reads.

    A TIME column leaves as an INTERVAL, which the engine hands on as a duration.
    """

    sql: str
    output: tuple[OutputColumn, ...]
    tables: tuple[EngineTable, ...]


def translate(
    text: str,
    schema: str | None,
    resolve: Resolve,
    collations: CollationWeights,
    settings: SessionFacts,
) -> Translated:
    """The DuckDB SQL of one SELECT.

    Raises:
        Forward: something in it has no rule; the message names it.
        Unanswered: MySQL must first be asked what constants in it are.
    """
    tree = grammar.parse(text, settings.sql_mode, settings.collation_connection)
    constants.require(tree, settings)
    emitter = Emitter(schema, resolve, collations, settings)
    try:
        relation = emitter.query(tree, Scope(), Wanted(top=True, ordered=True))
    except (RecursionError, SqlglotError) as problem:
        raise Forward("a statement nested too deep") from problem
    if not emitter.tables:
        raise Forward("a SELECT without a table")
    emitter.unread.require_read(relation.sql)
    lacking.require_kept(tree, emitter.views)
    output = tuple(_output(value) for _, value in relation.columns)
    sql = settled(relation.sql)
    return Translated(sql, output, tuple(emitter.tables.values()))


def _output(value: Value) -> OutputColumn:
    scale = None if value.is_approximate else value.scale
    return OutputColumn(value.kind, value.unsigned, value.precision, scale)
