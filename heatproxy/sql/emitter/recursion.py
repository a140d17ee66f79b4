"""Recursive CTEs: a seed, and a step that is taken until it gives no more rows.

The seed's columns say the types. MySQL fails on a value that they cannot hold, and on
too many steps; here that is a trap. A hidden column counts the steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from heatproxy.sql.emitter.relations import (
    Cte,
    Queries,
    Relation,
    Scope,
    Wanted,
    only,
    renamed,
)
from heatproxy.sql.emitter.values import Forward, Unanswered, Value, plain, trap

_STEP = "\0step"  # the hidden column
_MOST = "@@cte_max_recursion_depth"
_WANTED = Wanted(stored=True, bare=True)
_LARGEST = {3: 2**7, 5: 2**15, 8: 2**23, 10: 2**31}  # by the digits of an integer
_INT = 2**31  # a literal's type


@dataclass(frozen=True, slots=True)
class Walk:
    """One recursive CTE: its name, the emitter's for it, those of its columns."""

    queries: Queries
    ctes: Mapping[str, Cte]
    name: str
    alias: str
    names: Sequence[str]

    def written(self, node: exp.Expr) -> tuple[str, Cte]:
        """The SQL of its query, and what may be read from.

        Raises:
            Forward: it is no plain seed and step, or gives what is not known exactly.
            Unanswered: MySQL must be asked how many steps it takes.
        """
        if not isinstance(node, exp.Union) or node.args.get("distinct"):
            raise Forward("a recursive CTE that is no UNION ALL")
        only(node, "this", "expression", "distinct")
        step = node.expression
        if not isinstance(step, exp.Select) or _reads(node.this, self.name):
            raise Forward("a recursive CTE of several steps")
        only(step, "expressions", "from_", "joins", "where")
        seed = self.queries.query(node.this, Scope(self.ctes), _WANTED)
        column = exp.column(exp.to_identifier(_STEP, quoted=True))
        step.set("expressions", [*step.expressions, column])
        columns = [_stored(plain(value)) for _, value in seed.columns]
        walked, sides = self._step(step, seed, columns)
        pairs = zip(columns, walked.columns, strict=False)  # not that of the steps
        if any(column.ascii and not value.ascii for column, (_, value) in pairs):
            columns = [replace(value, ascii=False) for value in columns]
            walked, sides = self._step(step, seed, columns)
        first = [_cast(f"c{n}", value) for n, value in enumerate(columns, 1)]
        most = self._most()
        count = len(columns) + 1
        odd = trap(f"c{count} + 2 > {most}", "so many steps", "TRUE")
        sql = (
            f"SELECT {_listed([*first, '0'])} FROM ({seed.sql}) AS s UNION ALL"
            f" SELECT {_listed([*sides, f'c{count} + 1'])} FROM ({walked.sql}) AS s"
            f" WHERE {odd}"
        )
        return sql, self._cte(seed, columns)

    def _step(
        self, step: exp.Select, seed: Relation, columns: Sequence[Value]
    ) -> tuple[Relation, list[str]]:
        ctes = {**self.ctes, self.name: self._cte(seed, columns)}
        walked = self.queries.query(step, Scope(ctes), _WANTED)
        if len(walked.columns) != len(columns) + 1:
            raise Forward("a recursive CTE whose step has other columns")
        values = [plain(value) for _, value in walked.columns]
        sides = [
            _fitted(f"c{n}", column, value)
            for n, (column, value) in enumerate(zip(columns, values, strict=False), 1)
        ]
        return walked, sides

    def _cte(self, seed: Relation, columns: Sequence[Value]) -> Cte:
        named = [name for name, _ in seed.columns]
        found = tuple(zip(named, columns, strict=True))
        counted = (_STEP, Value(f"c{len(columns) + 1}", "int", 10))
        whole = (*renamed(found, self.names), counted)
        return Cte(self.alias, whole, frozenset((_STEP,)))

    def _most(self) -> int:
        answer = self.queries.session.constants.get(_MOST)
        if answer is None:
            raise Unanswered((_MOST,))
        if answer.problem is not None or answer.text is None:
            raise Forward("a recursive CTE of unknown depth")
        return int(answer.text)


def _stored(value: Value) -> Value:
    """A column as the seed makes it: NULL may stand in each, and no more is known."""
    if value.kind == "string":
        longest = value.precision
        if value.literal is not None:
            longest = len(value.literal)
        if not longest:
            raise Forward("a recursive CTE of texts of unknown length")
        return Value(
            "", "string", longest, collation=value.collation, ascii=value.ascii
        )
    if value.kind == "int" and not value.wide:
        most = _INT if value.literal is not None else _largest(value.precision)
        digits = len(str(most)) if most else 19
        return Value("", "int", digits, unsigned=value.unsigned)
    if value.kind in ("decimal", "double", "date", "datetime", "timestamp"):
        kind = Value("", value.kind, value.precision, value.scale)
        return replace(kind, unsigned=value.unsigned)
    raise Forward(f"a recursive CTE of {value.kind.upper()}")


def _fitted(sql: str, column: Value, value: Value) -> str:
    """A value of the step in the seed's type, where that has room for it."""
    if value.kind == "null":
        return _cast("NULL", column)
    if value.kind != column.kind and (column.kind, value.kind) != ("decimal", "int"):
        raise Forward(f"a recursive CTE of {column.kind} and {value.kind}")
    if column.kind == "string":
        if column.collation != value.collation and value.literal is None:
            raise Forward("a recursive CTE of a mix of collations")
        long = f"length({sql}) > {column.precision}"
        return trap(long, "a text too long for its column", sql)
    if value.scale > column.scale:
        raise Forward("a recursive CTE whose step has more fraction digits")
    if column.kind == "int":
        most = _largest(column.precision)
        low = 0 if column.unsigned else -most
        wide = f"CAST({sql} AS HUGEINT)"
        odd = f"{wide} >= {most} OR {wide} < {low}"
        return trap(odd, "an integer that its column cannot hold", _cast(sql, column))
    if column.kind == "decimal" and column.unsigned:
        raise Forward("a recursive CTE of DECIMAL UNSIGNED")
    return _cast(sql, column)  # which fails where there is no room


def _cast(sql: str, column: Value) -> str:
    held = {
        "string": "VARCHAR",
        "int": "BIGINT",
        "double": "DOUBLE",
        "date": "DATE",
        "decimal": f"DECIMAL({min(column.precision, 38)},{column.scale})",
    }.get(column.kind, "TIMESTAMP")
    return f"CAST({sql} AS {held})"


def _largest(digits: int) -> int:
    """What the integers of a column of so many digits are below."""
    return next((most for size, most in _LARGEST.items() if digits <= size), 2**63)


def _listed(sqls: Sequence[str]) -> str:
    return ", ".join(f"{sql} AS c{n}" for n, sql in enumerate(sqls, 1))


def _reads(node: exp.Expr, name: str) -> bool:
    return any(table.name.lower() == name for table in node.find_all(exp.Table))
