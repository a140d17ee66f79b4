"""Functions and operators over many thousand values each: MySQL's text, every row.

And the proof that the comparison sees something: with a fault planted in the SQL that
the emitter wrote, it must find a difference.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlglot import exp

from heatproxy.engine import Trap
from heatproxy.sql import grammar
from heatproxy.sql.emitter.functions import FORMS, FUNCTIONS, NODES
from heatproxy.sql.translate import SessionFacts
from tests.sql.domain_cases import CASES
from tests.sql.domain_faults import FAULTS, LIBM
from tests.sql.domain_tables import script
from tests.sql.mysql_oracle import Oracle
from tests.sql.whole_answers import of_engine, of_mysql

pytestmark = pytest.mark.mysql
FEWER = 4_000  # rows to find a planted fault in


@pytest.fixture(scope="module")
def domains(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
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
    rows = of_mysql(domains, text)
    if of_engine(domains, text, rows) != rows.packets or rows.warnings:
        pytest.fail(domains.difference(text) or "the packets differ")
    assert domains.difference(f"{text} LIMIT 3") is None  # the columns' types too


@pytest.mark.parametrize("digits", [0, 1, 3, 6, 9, 12])
def test_quotients_have_as_many_digits_as_the_session_says(
    domains: Oracle, digits: int
) -> None:
    with _set(domains, f"div_precision_increment = {digits}"):
        facts = SessionFacts(div_precision_increment=digits)
        for items in ("i / k, d / k, 1 / k, u / 7, b / 3", "d / 7, (i + 1) / 0.3"):
            text = f"SELECT id, {items} FROM nums WHERE id < {FEWER} ORDER BY id"
            assert domains.difference(text, facts) is None
        text = "SELECT en, AVG(i), AVG(d), AVG(t) FROM nums GROUP BY en ORDER BY en"
        assert domains.difference(text, facts) is None
        domains.query("SET div_precision_increment = 4")
        assert digits == 4 or domains.difference(text, facts) is not None


def test_unsigned_numbers_are_subtracted_as_the_sql_mode_says(domains: Oracle) -> None:
    mode = "ONLY_FULL_GROUP_BY,NO_UNSIGNED_SUBTRACTION"
    with _set(domains, f"sql_mode = '{mode}'"):
        for items in ("u - 5, u - i, i - u, t - u", "du - 5, du - d, du - du, bu - 1"):
            text = f"SELECT id, {items} FROM nums WHERE id < {FEWER} ORDER BY id"
            assert domains.difference(text, SessionFacts(sql_mode=mode)) is None
    with pytest.raises(Trap):
        domains.difference("SELECT id, u - 500 FROM nums WHERE u < 99")


@pytest.mark.parametrize(("table", "expression", "old", "new"), FAULTS)
def test_a_planted_fault_is_found(
    domains: Oracle, table: str, expression: str, old: str, new: str
) -> None:
    text = f"SELECT {expression} FROM {table} WHERE id < {FEWER} ORDER BY id"
    head = domains.translate(text).sql.partition(" FROM ")[0]
    assert old in head

    def altered(sql: str) -> str:
        return head.replace(old, new) + sql[len(head) :]

    rows = of_mysql(domains, text)
    assert of_engine(domains, text, rows) == rows.packets
    assert of_engine(domains, text, rows, altered) != rows.packets


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


@contextmanager
def _set(domains: Oracle, what: str) -> Iterator[None]:
    name = what.partition(" ")[0]
    domains.query(f"SET {what}")
    try:
        yield
    finally:
        domains.query(f"SET {name} = DEFAULT")


def _nodes(expression: str) -> Iterator[exp.Expr]:
    return grammar.parse(f"SELECT {expression} FROM t").walk()
