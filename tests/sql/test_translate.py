"""Every statement of exact.sql must be MySQL's very answer; the rest is refused."""

from pathlib import Path

import pytest

from heatproxy.datatypes import parse
from heatproxy.engine import Trap
from heatproxy.sql.emitter.aggregates import AGGREGATES, APPROXIMATE
from heatproxy.sql.emitter.functions import FORMS, FUNCTIONS
from heatproxy.sql.emitter.values import Policy
from heatproxy.sql.translate import (
    CollationWeights,
    EngineColumn,
    EngineTable,
    Forward,
    SessionFacts,
    translate,
)
from tests.sql.mysql_oracle import Oracle

HERE = Path(__file__).parent
pytestmark = pytest.mark.mysql


def statements(file: str) -> list[tuple[str, str]]:
    """(comment before it, statement); a line that begins with a blank goes on."""
    found: list[tuple[str, str]] = []
    comment = ""
    for line in (HERE / file).read_text().splitlines():
        if line.startswith("-- "):
            comment = line[3:]
        elif line.startswith(" "):
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}")
        elif line:
            found.append((comment, line))
    return found


EXACT = [
    *statements("exact.sql"),
    *statements("exact_functions.sql"),
    *statements("queries.sql"),
]
REFUSED = statements("refusals.sql")
TRAPPED = [*statements("traps.sql"), *statements("trap_functions.sql")]


@pytest.mark.parametrize("text", [text for _, text in EXACT])
def test_the_engine_answers_as_mysql_does(oracle: Oracle, text: str) -> None:
    assert oracle.difference(text) is None


@pytest.mark.parametrize(("reason", "text"), REFUSED)
def test_what_has_no_rule_is_refused_by_name(
    oracle: Oracle, reason: str, text: str
) -> None:
    with pytest.raises(Forward) as refusal:
        oracle.translate(text)
    assert str(refusal.value) == reason


@pytest.mark.parametrize(("reason", "text"), TRAPPED)
def test_rare_rows_stop_the_engine(oracle: Oracle, reason: str, text: str) -> None:
    query = oracle.translate(text).sql
    with pytest.raises(Trap) as trap:
        oracle.engine.run(query).reader.read_all()
    assert reason in str(trap.value)


@pytest.mark.parametrize(
    "name", sorted({*FUNCTIONS, *FORMS, *AGGREGATES} - APPROXIMATE)
)
def test_every_function_of_the_list_has_an_exact_case(name: str) -> None:
    assert any(f"{name}(" in text for _, text in EXACT)


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (SessionFacts(sql_mode="ANSI_QUOTES"), "sql_mode ANSI_QUOTES"),
        (SessionFacts(sql_mode="X,PIPES_AS_CONCAT"), "sql_mode PIPES_AS_CONCAT"),
    ],
)
def test_an_odd_session_is_refused(
    oracle: Oracle, session: SessionFacts, reason: str
) -> None:
    with pytest.raises(Forward, match=reason):
        oracle.translate("SELECT id FROM n", session)


def test_a_timestamp_is_not_read_under_a_named_zone(oracle: Oracle) -> None:
    berlin = SessionFacts(time_zone="Europe/Berlin")
    assert oracle.translate("SELECT id FROM t", berlin)
    with pytest.raises(Forward, match="a time zone that is no fixed offset"):
        oracle.translate("SELECT ts FROM t", berlin)


@pytest.mark.parametrize("zone", ["+02:00", "-03:30", "+14:00"])
def test_a_fixed_offset_moves_timestamps(oracle: Oracle, zone: str) -> None:
    text = (
        "SELECT ts, HOUR(ts), UNIX_TIMESTAMP(ts), UNIX_TIMESTAMP(dt), DATE(ts) = d,"
        " FROM_UNIXTIME(id * 86399) FROM t WHERE ts > '1970-01-01 09:00:00' ORDER BY id"
    )
    translated = oracle.translate(text, SessionFacts(time_zone=zone))
    oracle.query(f"SET time_zone = '{zone}'")
    try:
        mysql = oracle.query(text)
    finally:
        oracle.query("SET time_zone = '+00:00'")
    assert oracle.answer(translated, mysql.fields) == mysql.rows


@pytest.mark.parametrize(
    ("text", "session"),
    [
        ("SELECT DAYNAME(d) FROM t", SessionFacts(lc_time_names="de_DE")),
        ("SELECT DATE_FORMAT(d, '%b') FROM t", SessionFacts(lc_time_names="de_DE")),
        ("SELECT FROM_UNIXTIME(id) FROM t", SessionFacts(time_zone="Europe/Berlin")),
    ],
)
def test_what_the_session_says_otherwise_is_refused(
    oracle: Oracle, text: str, session: SessionFacts
) -> None:
    assert oracle.translate(text)
    with pytest.raises(Forward):
        oracle.translate(text, session)


def test_weeks_begin_as_the_session_says(oracle: Oracle) -> None:
    monday = oracle.translate(
        "SELECT WEEK(d) FROM t", SessionFacts(default_week_format=3)
    )
    assert monday.sql == oracle.translate("SELECT WEEK(d, 3) FROM t").sql


def test_the_level_heatwave_takes_what_libm_computes(oracle: Oracle) -> None:
    facts = SessionFacts(policy=Policy("heatwave"))
    sql = oracle.translate("SELECT POW(z, 2), LN(z + 9) FROM n", facts).sql
    assert oracle.engine.run(sql).reader.read_all().num_rows == 12


def test_products_are_tried_in_18_digits_first(oracle: Oracle) -> None:
    text = "SELECT d * d * d FROM n WHERE id = 5"
    with pytest.raises(Trap, match="DECIMAL\\(18"):
        oracle.engine.run(oracle.translate(text).sql).reader.read_all()
    wide = oracle.translate(text, SessionFacts(wide_decimals=True)).sql
    assert oracle.engine.run(wide).reader.read_all().num_rows == 1


def test_a_column_of_no_usable_type_refuses_only_its_readers() -> None:
    columns = {
        "id": EngineColumn(parse("int")),
        "wide": EngineColumn(parse("decimal(50,2)")),
    }
    table = EngineTable("db", "t", "db.t", columns)

    def sql(text: str) -> str:
        weights = CollationWeights({})
        return translate(text, "db", lambda *_: table, weights, SessionFacts()).sql

    assert sql("SELECT id FROM t")
    with pytest.raises(Forward, match="more than 38 digits"):
        sql("SELECT wide FROM t")


def test_the_tables_read_are_reported(oracle: Oracle) -> None:
    text = "WITH q AS (SELECT id FROM n) SELECT q.id FROM q JOIN s ON s.id = q.id"
    found = oracle.translate(text).tables
    assert [table.engine_name for table in found] == [
        "heat_engine_sql.n",
        "heat_engine_sql.s",
    ]
