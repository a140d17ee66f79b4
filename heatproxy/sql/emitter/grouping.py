"""GROUP BY and DISTINCT: the keys of the groups, and what a group shows of its rows.

What a SELECT computes of its groups is collected here as it is met. It stands in
the block's SQL as a mark, which becomes the expression itself, or a column of a
subquery that groups: under ROLLUP, for windows, and for subqueries about groups.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from heatproxy.sql.emitter.compare import equal_keys
from heatproxy.sql.emitter.relations import Source, elsewhere, quoted
from heatproxy.sql.emitter.values import (
    Context,
    Forward,
    Value,
    decimal,
    trap,
    unable,
)

_NAME = re.compile(r't\d+\."[^"]+"')  # of a table's column


@dataclass(slots=True)
class Grouping:
    """The groups of one block.

    ``keys`` are GROUP BY's expressions by their SQL before grouping. ``first`` is
    what takes one row's value of a group, with {} for the expression. ``stored``
    means that MySQL writes the groups to a temporary table, and so rounds AVG.
    """

    name: str
    first: str
    rollup: bool = False
    keys: dict[str, Value] = field(default_factory=dict)
    stored: bool = False
    apart: bool = False  # the groups must be a subquery
    _listed: dict[str, str] = field(default_factory=dict)  # key's SQL: GROUP BY's
    _exports: dict[str, int] = field(default_factory=dict)

    def group_by(self, ctx: Context, value: Value) -> None:
        """Add a GROUP BY expression.

        Raises:
            Forward: its groups can't be told exactly.
        """
        if value.mixed:
            raise Forward("grouping by a CASE whose branches differ in scale")
        if value.kind == "year" and "(" not in value.sql:
            raise Forward("grouping by YEAR")  # 0000 is shown as 0 or as 0000
        if self.rollup and value.kind == "enum":
            # stored with the sums it is text, and sorts as that
            raise Forward("ROLLUP of ENUM")
        if self.rollup and value.sql in self.keys:
            raise Forward("ROLLUP of one expression twice")
        if is_constant(value):
            if self.rollup:
                raise Forward("ROLLUP of a constant")
            self._listed[value.sql] = f"CAST({value.sql} AS VARCHAR)"
            self.keys[value.sql] = value
            return
        require_groupable([*self.keys.values(), value])
        (key,) = equal_keys(ctx, [value])
        if key != value.sql and ctx.session.policy.exactness == "strict":
            raise Forward("grouping strings that differ only in letter case or blanks")
        self._listed[value.sql] = key
        self.keys[value.sql] = value

    def know(
        self,
        sources: Sequence[Source],
        is_several: bool,
        warns: Callable[[str], bool],
    ) -> None:
        """Tell groups by columns as they are, where a group has one row of their table.

        It has where the primary key is among what is grouped by: whatever is equal in
        a group is then the same. Of a key of strings MySQL may look at the beginnings.

        Raises:
            Forward: MySQL may sort by a key, and warn, before it leaves rows out.
        """
        if is_several and any(map(warns, self.keys)):
            raise Forward("grouping by what may warn, of several tables")
        for source in () if self.rollup else sources:
            begin = f"{source.alias}."
            own = [sql for sql in self.keys if _NAME.fullmatch(sql)]
            for columns in source.unique:
                keys = [self.keys.get(begin + quoted(column)) for column in columns]
                if all(key is not None and key.kind != "string" for key in keys):
                    self._listed.update({o: o for o in own if o.startswith(begin)})

    def shown(self, sql: str) -> Value:
        """A GROUP BY expression, as its group shows it."""
        value, key = self.keys[sql], self._listed[sql]
        if is_constant(value):
            return value
        one = self._of_rows(sql) if key == sql else self._one_of(sql, key)
        weight = None
        if value.key is not None:
            same = key == value.key
            weight = self._export(value.key if same else self._one_of(value.key, key))
        shown = elsewhere(value, self._export(one), weight)
        return replace(shown, nullable=value.nullable or self.rollup)

    def dependent(self, value: Value) -> Value:
        """A column that the GROUP BY expressions determine."""
        if self.rollup:
            raise Forward("a column that is not grouped by, under ROLLUP")
        key = None if value.key is None else self._export(self.first.format(value.key))
        shown = elsewhere(value, self._export(self.first.format(value.sql)), key)
        return replace(shown, nullable=True)

    def computed(self, value: Value) -> Value:
        """An aggregate's Value in the SELECT around the groups."""
        if self.stored and value.hidden is not None:
            value = decimal(value.sql, value.precision, value.scale)
        key = None if value.key is None else self._export(value.key)
        return elsewhere(value, self._export(value.sql), key)

    def level(self, keys: Sequence[str]) -> Value:
        """GROUPING() of some keys, by their SQL."""
        if not self.rollup or not set(keys) <= set(self.keys):
            raise Forward("GROUPING() in this place")
        listed = ", ".join(self._listed[key] for key in keys)
        return Value(self._export(f"grouping({listed})"), "int", 19, nullable=False)

    def mentioned(self, sql: str) -> bool:
        """Whether an expression's SQL holds something of these groups."""
        return f"\0{self.name}." in sql

    def holds(self, text: str) -> bool:
        """Whether the text stands in anything computed of the groups."""
        return any(text in sql for sql in self._exports)

    def clause(self) -> str:
        if not self.keys:
            return ""
        listed = ", ".join(dict.fromkeys(self._listed.values()))
        return f"GROUP BY ROLLUP({listed})" if self.rollup else f"GROUP BY {listed}"

    def query(self, rows: str) -> str:
        """The subquery that groups ``rows``, which is FROM and WHERE."""
        exports = ", ".join(f"{sql} AS x{n}" for sql, n in self._exports.items())
        return " ".join(filter(None, ("SELECT", exports or "1", rows, self.clause())))

    def resolved(self, sql: str) -> str:
        """The SQL with its marks of these groups replaced."""
        if not self.mentioned(sql):
            return sql
        if not self.apart:
            return self.spelled(sql)
        return re.sub(f"\0{self.name}\\.(\\d+)\0", rf"{self.name}.x\1", sql)

    def spelled(self, sql: str) -> str:
        """The SQL with the expressions themselves for its marks of these groups."""
        expressions = {n: text for text, n in self._exports.items()}
        pattern = f"\0{self.name}\\.(\\d+)\0"
        return re.sub(pattern, lambda mark: expressions[int(mark.group(1))], sql)

    def _one_of(self, sql: str, key: str) -> str:
        one = self.first.format(sql)
        if not self.rollup:
            return one
        # MySQL shows the last row of a group that it has sorted, whichever that is
        differ = f"min({sql}) <> max({sql})"
        one = unable(differ, "ROLLUP of strings that differ in letter case", one)
        return f"CASE WHEN grouping({key}) = 0 THEN {one} END"

    def _of_rows(self, sql: str) -> str:
        """What a group shows of an expression, where there are rows.

        MySQL totals none too, and may show the expression of a row without values.
        """
        if not self.rollup or _NAME.fullmatch(sql):
            return sql
        return trap("count(*) = 0", "ROLLUP of no rows", sql)

    def _export(self, sql: str) -> str:
        place = self._exports.setdefault(sql, len(self._exports) + 1)
        return f"\0{self.name}.{place}\0"


def require_groupable(values: Sequence[Value]) -> None:
    """Refuse a CHAR with characters of several bytes beside other columns.

    MySQL may hash them with all their blanks, and so tell apart what is equal: how
    many there are depends on the bytes before them.
    """
    for value in values if len(values) > 1 else ():
        padded = value.text is not None and value.text.padded
        if padded and not value.ascii and "_0900_" in (value.collation or ""):
            raise Forward("grouping by CHAR that is not ASCII, and by others")


def is_constant(value: Value) -> bool:
    return value.literal is not None or value.sql.isdigit()
