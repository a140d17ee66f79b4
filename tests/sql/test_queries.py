"""What a SELECT's clauses may not do: levels of exactness, settings, views, errors."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from heatproxy.engine import Trap
from heatproxy.sql.translate import (
    EngineTable,
    EngineView,
    Forward,
    Policy,
    SessionFacts,
    translate,
)
from tests.sql.mysql_oracle import Oracle

pytestmark = pytest.mark.mysql
HEATWAVE = SessionFacts(policy=Policy("heatwave"))
STRICT = SessionFacts(policy=Policy("strict"))
AI_CI = "utf8mb4_0900_ai_ci"


def rows(
    oracle: Oracle, text: str, session: SessionFacts | None = None
) -> list[object]:
    """The engine's rows, Python values."""
    sql = oracle.translate(text, session).sql
    return [
        tuple(row.values())
        for row in oracle.engine.run(sql).reader.read_all().to_pylist()
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id, (SELECT id FROM emp e WHERE e.dept_id = d.id) FROM dept d",
        "SELECT id FROM dept WHERE id = (SELECT dept_id FROM emp)",
        "SELECT id FROM emp HAVING id > (SELECT id FROM dept)",
    ],
)
def test_a_scalar_subquery_of_several_rows_stops_the_engine(
    oracle: Oracle, text: str
) -> None:
    with pytest.raises(Trap, match="More than one row"):
        rows(oracle, text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT GROUP_CONCAT(a ORDER BY id) FROM s",
        "SELECT region, GROUP_CONCAT(product ORDER BY id) FROM c GROUP BY region",
    ],
)
def test_a_long_concatenation_stops_the_engine(oracle: Oracle, text: str) -> None:
    with pytest.raises(Trap, match="group_concat_max_len"):
        rows(oracle, text, SessionFacts(group_concat_max_len=8))


@pytest.mark.parametrize("name", ["STD", "STDDEV_SAMP", "VAR_POP", "VARIANCE"])
def test_deviations_are_answered_at_heatwave_only(oracle: Oracle, name: str) -> None:
    text = f"SELECT {name}(qty) FROM c"
    with pytest.raises(Forward, match="the order of additions"):
        oracle.translate(text)
    ((found,),) = rows(oracle, text, HEATWAVE)  # type: ignore[misc]
    ((expected,),) = oracle.query(text).rows
    assert float(found) == pytest.approx(float(str(expected)), rel=1e-12)


def test_doubles_are_summed_at_heatwave_only(oracle: Oracle) -> None:
    text = "SELECT SUM(bonus), AVG(bonus) FROM emp"
    with pytest.raises(Forward, match="the order of additions"):
        oracle.translate(text)
    ((total, mean),) = rows(oracle, text, HEATWAVE)  # type: ignore[misc]
    ((expected, average),) = oracle.query(text).rows
    assert total == pytest.approx(float(str(expected)), rel=1e-12)
    assert mean == pytest.approx(float(str(average)), rel=1e-12)


@pytest.fixture
def unique(oracle: Oracle) -> Callable[[str], str]:
    """Translates at exactness strict, id being every table's unique column."""

    def sql(text: str) -> str:
        def resolve(schema: str | None, name: str) -> EngineTable | None:
            table = oracle.tables.get(name)
            return table and replace(table, unique=(("id",),))

        return translate(text, oracle.schema, resolve, oracle.weights, STRICT).sql

    return sql


@pytest.mark.parametrize(
    "text",
    [
        "SELECT qty FROM c ORDER BY id",
        "SELECT qty, id FROM c ORDER BY qty, id DESC",
        "SELECT e.name FROM emp e JOIN dept d ON e.dept_id = d.id ORDER BY d.id, e.id",
        "SELECT MAX(qty) FROM c",
        "SELECT qty, COUNT(*) FROM c GROUP BY qty ORDER BY qty",
        "SELECT qty, price FROM c ORDER BY price, qty",
        "SELECT DISTINCT qty FROM c ORDER BY qty",
        "SELECT qty FROM c UNION SELECT id FROM c ORDER BY 1",
        "SELECT id, RANK() OVER (ORDER BY qty) FROM c ORDER BY id",
    ],
)
def test_strict_answers_what_order_by_fixes(
    unique: Callable[[str], str], text: str
) -> None:
    assert unique(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM c",
        "SELECT id FROM c ORDER BY qty",
        "SELECT e.name FROM emp e JOIN dept d ON e.dept_id = d.id ORDER BY d.id",
        "SELECT e.name FROM emp e LEFT JOIN dept d ON d.id > 1 ORDER BY e.id, d.id",
        "SELECT qty, COUNT(*) FROM c GROUP BY qty ORDER BY COUNT(*)",
        "SELECT a FROM s ORDER BY a",
        "SELECT DISTINCT qty, id FROM c ORDER BY qty",
        "SELECT qty FROM c UNION SELECT id FROM c",
        "SELECT MAX(q) FROM (SELECT qty AS q FROM c ORDER BY region LIMIT 3) x",
        "SELECT id, ROW_NUMBER() OVER (ORDER BY qty) FROM c ORDER BY id",
        "SELECT a, COUNT(*) FROM s GROUP BY a ORDER BY a",
        "SELECT GROUP_CONCAT(qty ORDER BY region) FROM c",
        "SELECT region, COUNT(*) FROM c GROUP BY region WITH ROLLUP ORDER BY region",
    ],
)
def test_strict_refuses_what_sql_leaves_open(
    unique: Callable[[str], str], text: str
) -> None:
    with pytest.raises(Forward):
        unique(text)


@pytest.mark.parametrize(
    ("construct", "text"),
    [
        ("UPPER", "SELECT UPPER(region) FROM c"),
        ("SUM", "SELECT SUM(qty) FROM c"),
        ("SUM", "SELECT SUM(qty) OVER () FROM c"),
        ("GROUP_CONCAT", "SELECT GROUP_CONCAT(id ORDER BY id) FROM c"),
        ("OVER", "SELECT SUM(qty) OVER () FROM c"),
        ("RANK", "SELECT RANK() OVER (ORDER BY id) FROM c"),
        ("ROLLUP", "SELECT qty, COUNT(*) FROM c GROUP BY qty WITH ROLLUP"),
        ("DISTINCT", "SELECT DISTINCT qty FROM c"),
        ("UNION", "SELECT id FROM c UNION SELECT id FROM emp"),
        ("EXCEPT", "SELECT id FROM c EXCEPT SELECT id FROM emp"),
        ("WITH", "WITH w AS (SELECT id FROM c) SELECT id FROM w"),
        ("EXISTS", "SELECT id FROM c WHERE EXISTS (SELECT 1 FROM emp)"),
        ("SUBQUERY", "SELECT (SELECT MAX(id) FROM c) FROM emp"),
        ("IN_SUBQUERY", "SELECT id FROM c WHERE id IN (SELECT id FROM emp)"),
        ("ANY", "SELECT id FROM c WHERE id < ANY (SELECT id FROM emp)"),
        ("LATERAL", "SELECT c.id FROM c, LATERAL (SELECT c.id) x"),
        ("JOIN", "SELECT c.id FROM c JOIN emp ON c.id = emp.id"),
        ("HAVING", "SELECT id AS k FROM c HAVING k > 1"),
        ("ORDER", "SELECT id FROM c ORDER BY id"),
    ],
)
def test_what_is_switched_off_is_refused_by_its_name(
    oracle: Oracle, construct: str, text: str
) -> None:
    assert oracle.translate(text)
    session = SessionFacts(policy=Policy(switched_off=frozenset({construct})))
    with pytest.raises(Forward, match=f"^{construct}, which is switched off$"):
        oracle.translate(text, session)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SELECT id FROM c", 3),
        ("SELECT id FROM c LIMIT 5", 5),
        ("SELECT id FROM c UNION SELECT id FROM emp", 3),
        ("(SELECT id FROM c LIMIT 5)", 5),
        ("SELECT id FROM (SELECT id FROM c) x WHERE id > 4", 3),
        ("WITH w AS (SELECT id FROM c) SELECT id FROM w", 3),
        ("SELECT DISTINCT id FROM c", 3),
    ],
)
def test_sql_select_limit_limits_a_statement_without_limit(
    oracle: Oracle, text: str, count: int
) -> None:
    assert len(rows(oracle, text, SessionFacts(sql_select_limit=3))) == count
    oracle.query("SET sql_select_limit = 3")
    try:
        assert len(oracle.query(text).rows) == count
    finally:
        oracle.query("SET sql_select_limit = DEFAULT")


def test_ungrouped_columns_need_the_mode_that_forbids_the_others(
    oracle: Oracle,
) -> None:
    text = "SELECT id, name, COUNT(*) FROM emp GROUP BY id"
    assert oracle.translate(text)
    with pytest.raises(Forward, match="a column that is not grouped by"):
        oracle.translate(text, SessionFacts(sql_mode=""))


VIEWS = {
    "v_sum": "SELECT region, SUM(qty) AS q, AVG(price) p FROM c GROUP BY region",
    "v_text": "SELECT id, region, 'East' AS e FROM c WHERE region = 'east'",
    "v_of_view": "SELECT region, q FROM v_sum WHERE q > 10 ORDER BY q DESC",
}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM v_sum ORDER BY region",
        "SELECT v.region, v.p * 3 FROM v_sum v JOIN c USING (region) ORDER BY c.id",
        "SELECT id, e, e = region FROM v_text ORDER BY id",
        "SELECT MAX(q) FROM v_of_view",
        "SELECT region FROM v_of_view",
        "SELECT heat_engine_sql.v_sum.q FROM heat_engine_sql.v_sum ORDER BY 1",
    ],
)
def test_a_view_is_read_as_its_query(oracle: Oracle, text: str) -> None:
    views = {}
    for name, query in VIEWS.items():
        oracle.query(f"CREATE OR REPLACE VIEW {name} AS {query}")
        defined = oracle.query(
            "SELECT VIEW_DEFINITION, COLLATION_CONNECTION FROM information_schema.VIEWS"
            f" WHERE TABLE_SCHEMA = '{oracle.schema}' AND TABLE_NAME = '{name}'"
        ).rows[0]
        columns = tuple(str(row[0]) for row in oracle.query(f"DESCRIBE {name}").rows)
        views[name] = EngineView(
            oracle.schema, name, str(defined[0]), columns, str(defined[1])
        )

    def resolve(schema: str | None, name: str) -> EngineTable | EngineView | None:
        if schema != oracle.schema:
            return None
        return oracle.tables.get(name) or views.get(name)

    def translated(session: SessionFacts) -> str:
        return translate(text, oracle.schema, resolve, oracle.weights, session).sql

    mysql = oracle.query(text)
    found = oracle.engine.run(translated(SessionFacts())).reader.read_all()
    answer = [tuple(map(str, row.values())) for row in found.to_pylist()]
    assert answer == [tuple(map(str, row)) for row in mysql.rows]
    with pytest.raises(Forward, match=f"a view made under the collation {AI_CI}"):
        translated(SessionFacts(collation_connection="utf8mb4_bin"))


def test_a_limit_holds_over_an_outer_join_to_nothing(oracle: Oracle) -> None:
    text = "SELECT d.id FROM dept d LEFT JOIN emp e ON e.id = d.id AND e.id > 99"
    assert len(rows(oracle, f"{text} LIMIT 1")) == 1
    assert rows(oracle, f"SELECT id FROM dept WHERE EXISTS ({text}) ORDER BY id") == [
        (1,),
        (2,),
        (3,),
        (4,),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT region, product, SUM(qty) FROM c GROUP BY region, product WITH ROLLUP",
        "SELECT dept_id, COUNT(*) FROM emp GROUP BY dept_id WITH ROLLUP",
    ],
)
def test_totals_come_behind_their_groups_without_order_by(
    oracle: Oracle, text: str
) -> None:
    mysql = oracle.query(text)
    assert oracle.answer(oracle.translate(text), mysql.fields) == mysql.rows


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*) FROM (SELECT id, i / ti AS q FROM n) d",
        "SELECT id FROM (SELECT id, i / ti AS q FROM n) d ORDER BY id",
        "WITH d AS (SELECT id, i / ti AS q FROM n) SELECT id FROM d ORDER BY id",
        "SELECT q FROM (SELECT id, i / ti AS q FROM n) d WHERE id = 2",
    ],
)
def test_what_mysql_stores_is_evaluated_whole(oracle: Oracle, text: str) -> None:
    assert oracle.translate(text)  # MySQL merges it
    stored = SessionFacts(switches="index_merge=on,derived_merge=off")
    with pytest.raises(Forward, match="may warn"):
        oracle.translate(text, stored)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT DISTINCT a.i / a.ti FROM n a JOIN nothing e ON a.id = e.id",
        "SELECT RANK() OVER (ORDER BY a.i / a.ti) FROM n a JOIN nothing e USING (id)",
    ],
)
def test_what_the_hypergraph_optimizer_sorts_early_is_mysqls(
    oracle: Oracle, text: str
) -> None:
    assert oracle.translate(text)  # the other one sorts what is joined
    early = SessionFacts(switches="index_merge=on,hypergraph_optimizer=on")
    with pytest.raises(Forward, match="sorting by what may warn"):
        oracle.translate(text, early)
