"""The scalar functions, operators and special forms that are known to be exact.

One enters with a case in tests/sql/exact.sql, a case over a large domain in
tests/sql/test_domains.py, and a planted fault that turns that case red.
"""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from heatproxy.sql.emitter import (
    bits,
    casts,
    charsets,
    choice,
    clocks,
    composed,
    dates,
    documents,
    formats,
    numbers,
    octets,
    patterns,
    rounding,
    search,
    shifts,
    strings,
)
from heatproxy.sql.emitter.choice import NULL, unify
from heatproxy.sql.emitter.numbers import Function, Rule
from heatproxy.sql.emitter.values import Forward

__all__ = ["FORMS", "FUNCTIONS", "NODES", "NULL", "require_arguments", "unify"]

NODES: Mapping[type[exp.Expr], tuple[Rule, Sequence[str]]] = {
    exp.Case: (choice.case, ("this", "ifs", "default")),
    **numbers.NODES,
    **bits.NODES,
    **casts.NODES,
    **strings.NODES,
    **search.NODES,
    **patterns.NODES,
    **dates.NODES,
    **shifts.NODES,
}
FORMS: Mapping[str, tuple[Rule, int, int]] = {  # the rule reads the nodes themselves
    "IF": (choice.if_function, 3, 3),
    **search.FORMS,
    **documents.FORMS,
    **composed.FORMS,
    **charsets.FORMS,
    **shifts.FORMS,
}
FUNCTIONS: Mapping[str, tuple[Function, int, int]] = {  # rule, fewest, most arguments
    "IFNULL": (choice.coalesce, 2, 2),
    "COALESCE": (choice.coalesce, 2, 99),
    "NULLIF": (choice.nullif, 2, 2),
    "GREATEST": (choice.greatest, 2, 99),
    "LEAST": (choice.least, 2, 99),
    **rounding.FUNCTIONS,
    **bits.FUNCTIONS,
    **strings.FUNCTIONS,
    **octets.FUNCTIONS,
    **search.FUNCTIONS,
    **patterns.FUNCTIONS,
    **dates.FUNCTIONS,
    **formats.FUNCTIONS,
    **clocks.FUNCTIONS,
    **documents.FUNCTIONS,
}


def require_arguments(name: str, node: exp.Expr, fewest: int, most: int) -> None:
    """Refuse a call with another number of arguments than its rule takes."""
    if not fewest <= len(node.expressions) <= most:
        raise Forward(f"{name}() with {len(node.expressions)} arguments")
