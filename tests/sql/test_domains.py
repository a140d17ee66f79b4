"""Functions and operators over many thousand values each: MySQL's text, every row.

And the proof that the comparison sees something: with a fault planted in the SQL that
the emitter wrote, it must find a difference.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlglot import exp

from heatproxy.sql import grammar
from heatproxy.sql.emitter.functions import FORMS, FUNCTIONS, NODES
from tests.sql.domain_cases import CASES, FAULTS, LIBM
from tests.sql.domain_tables import script
from tests.sql.mysql_oracle import Oracle

pytestmark = pytest.mark.mysql


@pytest.fixture(scope="module")
def domains(
    server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Oracle]:
    directory = tmp_path_factory.mktemp("domains")
    oracle = Oracle(server.backend_login, "heat_engine_domains", directory)
    try:
        for statement in script():
            oracle.query(statement)
        for (table,) in oracle.query("SHOW TABLES").rows:
            oracle.take(str(table))
        yield oracle
    finally:
        oracle.close()


@pytest.mark.parametrize(("table", "expressions"), CASES)
def test_every_row_is_as_mysql_prints_it(
    domains: Oracle, table: str, expressions: str
) -> None:
    text = f"SELECT {expressions} FROM {table} ORDER BY id"
    assert domains.difference(text) is None


@pytest.mark.parametrize(("table", "expression", "old", "new"), FAULTS)
def test_a_planted_fault_is_found(
    domains: Oracle, table: str, expression: str, old: str, new: str
) -> None:
    text = f"SELECT {expression} FROM {table} ORDER BY id"
    translated = domains.translate(text)
    head, found, _ = translated.sql.partition(" FROM ")
    assert old in head
    mysql = domains.query(text)
    assert domains.answer(translated, mysql.fields) == mysql.rows
    faulty = domains.answer(
        translated, mysql.fields, lambda sql: head.replace(old, new) + sql[len(head) :]
    )
    assert faulty != mysql.rows


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *FORMS} - {*LIBM}))
def test_every_function_has_a_planted_fault(name: str) -> None:
    assert name in {
        grammar.function_name(node)
        for _, expression, _, _ in FAULTS
        for node in _nodes(expression)
    }


@pytest.mark.parametrize("kind", sorted(NODES, key=str))
def test_every_operator_has_a_planted_fault(kind: type[exp.Expr]) -> None:
    found = [n for _, expression, _, _ in FAULTS for n in _nodes(expression)]
    assert any(type(node) is kind for node in found)


def _nodes(expression: str) -> Iterator[exp.Expr]:
    return grammar.parse(f"SELECT {expression} FROM t").walk()
