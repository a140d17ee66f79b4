"""Predictions in every place of a statement, compared with the two-step way.

Two steps are: predict into a table by ML_PREDICT_TABLE, then ask that table.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import Rows, refusal, result_sets, rows, run, value
from tests.automl.conftest import customers
from tests.conftest import Server
from tests.rawclient import RawClient, execute, prepare
from tests.routines.conftest import BY_BAYES, fill

pytestmark = pytest.mark.mysql

Connection = Any
SCHEMA = "anywhere"
OF_ROW = "JSON_OBJECT('age', {0}age, 'job', {0}job, 'balance', {0}balance)"


def predicted(table: str = "") -> str:
    """The call for the rows of a table by this alias."""
    return f"sys.ML_PREDICT_ROW({OF_ROW.format(table and table + '.')}, @m, NULL)"


P = predicted() + "->>'$.Prediction'"
P_OF = {name: predicted(name) + "->>'$.Prediction'" for name in "abpq"}


@pytest.fixture(scope="module")
def schema(server: Server) -> Iterator[str]:
    with closing(server.connect()) as admin:
        run(
            admin,
            f"DROP DATABASE IF EXISTS {SCHEMA}",
            f"CREATE DATABASE {SCHEMA}",
            f"USE {SCHEMA}",
            "CREATE TABLE customers"
            " (age int, job varchar(10), balance double, y varchar(3))",
        )
        fill(admin, "customers", customers())
        run(
            admin,
            "CREATE TABLE people (id int PRIMARY KEY AUTO_INCREMENT) AS"
            " SELECT age, job, balance FROM customers WHERE age IS NOT NULL LIMIT 12",
            "UPDATE people SET age = NULL WHERE id = 3",
            "INSERT INTO people (age, job, balance) SELECT age, job, balance"
            " FROM people WHERE id < 4",
            "CREATE TABLE loose AS SELECT * FROM people",  # without a key
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG"
            f" WHERE model_handle = '{SCHEMA}'",
            f"SET @m = '{SCHEMA}'",
            f"CALL sys.ML_TRAIN('{SCHEMA}.customers', 'y', {BY_BAYES}, @m)",
            f"CALL sys.ML_PREDICT_TABLE('{SCHEMA}.people', @m, '{SCHEMA}.e', NULL)",
            f"CREATE VIEW answered AS SELECT id, {P} p FROM people".replace(
                P,
                f"JSON_UNQUOTE(JSON_EXTRACT({predicted()}, '$.Prediction'))",
            ).replace("@m", f"'{SCHEMA}'"),
        )
        yield SCHEMA
        run(admin, f"DROP DATABASE {SCHEMA}")


@pytest.fixture
def client(server: Server, schema: str) -> Iterator[Connection]:
    with closing(server.connect(database=schema)) as connection:
        run(connection, f"SET @m = '{SCHEMA}'")
        yield connection


# Ours, and the same of the table ``e``, where the predictions are a column.
QUERIES = {
    "select list": (
        f"SELECT id, {P} FROM people ORDER BY id",
        "SELECT id, Prediction FROM e ORDER BY id",
    ),
    "an expression": (
        f"SELECT id, CONCAT(job, ' ', UPPER({P}), id) FROM people ORDER BY id",
        "SELECT id, CONCAT(job, ' ', UPPER(Prediction), id) FROM e ORDER BY id",
    ),
    "CAST and CASE": (
        f"SELECT id, CASE {P} WHEN 'yes' THEN CAST(age AS CHAR) ELSE 'n' END"
        " FROM people"
        " ORDER BY id",
        "SELECT id, CASE Prediction WHEN 'yes' THEN CAST(age AS CHAR) ELSE 'n' END"
        " FROM e ORDER BY id",
    ),
    "the probability": (
        f"SELECT id, {predicted()}->'$.ml_results.probabilities.yes' FROM people"
        " ORDER BY id LIMIT 4",
        "SELECT id, JSON_EXTRACT(ml_results, '$.probabilities.yes') FROM e ORDER BY id"
        " LIMIT 4",
    ),
    "WHERE": (
        f"SELECT id FROM people WHERE {P} = 'yes' AND id BETWEEN 2 AND 9 ORDER BY id",
        "SELECT id FROM e WHERE Prediction = 'yes' AND id BETWEEN 2 AND 9 ORDER BY id",
    ),
    "WHERE with OR": (
        f"SELECT id FROM people WHERE id = 1 OR {P} = 'no' ORDER BY id",
        "SELECT id FROM e WHERE id = 1 OR Prediction = 'no' ORDER BY id",
    ),
    "WHERE and select list": (
        f"SELECT id, {P} p FROM people WHERE {P} = 'no' ORDER BY id DESC LIMIT 2",
        "SELECT id, Prediction p FROM e WHERE Prediction = 'no'"
        " ORDER BY id DESC LIMIT 2",
    ),
    "GROUP BY": (
        f"SELECT {P}, COUNT(*), MAX(age) FROM people GROUP BY {P} ORDER BY 1",
        "SELECT Prediction, COUNT(*), MAX(age) FROM e GROUP BY Prediction ORDER BY 1",
    ),
    "GROUP BY an alias WITH ROLLUP": (
        f"SELECT {P} AS p, COUNT(*) FROM people GROUP BY p WITH ROLLUP",
        "SELECT Prediction AS p, COUNT(*) FROM e GROUP BY p WITH ROLLUP",
    ),
    "HAVING": (
        f"SELECT job FROM people GROUP BY job HAVING MAX({P}) = 'yes' ORDER BY job",
        "SELECT job FROM e GROUP BY job HAVING MAX(Prediction) = 'yes' ORDER BY job",
    ),
    "an alias in HAVING": (
        f"SELECT id, {P} AS p FROM people HAVING p = 'yes' ORDER BY id",
        "SELECT id, Prediction AS p FROM e HAVING p = 'yes' ORDER BY id",
    ),
    "an aggregate": (
        f"SELECT SUM({P} = 'yes'), COUNT(DISTINCT {P}) FROM people",
        "SELECT SUM(Prediction = 'yes'), COUNT(DISTINCT Prediction) FROM e",
    ),
    "ORDER BY": (
        f"SELECT id FROM people ORDER BY {P} DESC, id LIMIT 5",
        "SELECT id FROM e ORDER BY Prediction DESC, id LIMIT 5",
    ),
    "ORDER BY an alias and a place": (
        f"SELECT id, {P} AS p FROM people ORDER BY 2, id DESC, p",
        "SELECT id, Prediction AS p FROM e ORDER BY 2, id DESC, p",
    ),
    "DISTINCT": (
        f"SELECT DISTINCT {P} FROM people ORDER BY {P}",
        "SELECT DISTINCT Prediction FROM e ORDER BY Prediction",
    ),
    "JOIN": (
        f"SELECT a.id, b.id FROM people a JOIN people b ON {P_OF['a']} <> {P_OF['b']}"
        " AND a.id < 5 ORDER BY 1, 2",
        "SELECT a.id, b.id FROM e a JOIN e b ON a.Prediction <> b.Prediction"
        " AND a.id < 5 ORDER BY 1, 2",
    ),
    "LEFT JOIN": (
        f"SELECT a.id, b.id FROM people a LEFT JOIN people b ON b.id = a.id + 1 AND"
        f" {P_OF['b']} = 'yes' WHERE a.id < 9 ORDER BY 1",
        "SELECT a.id, b.id FROM e a LEFT JOIN e b ON b.id = a.id + 1 AND"
        " b.Prediction = 'yes' WHERE a.id < 9 ORDER BY 1",
    ),
    "a subquery": (
        f"SELECT id FROM people WHERE age > (SELECT AVG(q.age) FROM people q WHERE"
        f" {P_OF['q']} = 'yes') ORDER BY id",
        "SELECT id FROM e WHERE age > (SELECT AVG(q.age) FROM e q WHERE"
        " q.Prediction = 'yes') ORDER BY id",
    ),
    "a correlated subquery": (
        f"SELECT p.id, (SELECT COUNT(*) FROM people q WHERE {P_OF['q']} = {P_OF['p']})"
        " FROM people p ORDER BY p.id",
        "SELECT p.id, (SELECT COUNT(*) FROM e q WHERE q.Prediction = p.Prediction)"
        " FROM e p ORDER BY p.id",
    ),
    "a derived table": (
        f"SELECT d.p, COUNT(*) FROM (SELECT id, {P} AS p FROM people WHERE id > 2) d"
        " GROUP BY d.p ORDER BY 1",
        "SELECT d.p, COUNT(*) FROM (SELECT id, Prediction AS p FROM e WHERE id > 2) d"
        " GROUP BY d.p ORDER BY 1",
    ),
    "WITH": (
        f"WITH c AS (SELECT id, {P} AS p FROM people), d AS (SELECT * FROM c WHERE"
        " p = 'no') SELECT COUNT(*), MIN(id) FROM d",
        "WITH c AS (SELECT id, Prediction AS p FROM e), d AS (SELECT * FROM c WHERE"
        " p = 'no') SELECT COUNT(*), MIN(id) FROM d",
    ),
    "rows of WITH": (
        f"WITH c AS (SELECT * FROM people WHERE id < 6) SELECT id, {P} FROM c"
        " ORDER BY id",
        "WITH c AS (SELECT * FROM e WHERE id < 6) SELECT id, Prediction FROM c"
        " ORDER BY id",
    ),
    "UNION": (
        f"SELECT {P} p FROM people UNION SELECT 'x' UNION ALL (SELECT {P} FROM people"
        " ORDER BY id LIMIT 2) ORDER BY p",
        "SELECT Prediction p FROM e UNION SELECT 'x' UNION ALL (SELECT Prediction"
        " FROM e"
        " ORDER BY id LIMIT 2) ORDER BY p",
    ),
    "a window": (
        f"SELECT id, COUNT(*) OVER (PARTITION BY {P} ORDER BY id) FROM people"
        " ORDER BY id",
        "SELECT id, COUNT(*) OVER (PARTITION BY Prediction ORDER BY id) FROM e"
        " ORDER BY id",
    ),
    "a function of a window": (
        f"SELECT id, LAG({P}) OVER (ORDER BY id) FROM people ORDER BY id",
        "SELECT id, LAG(Prediction) OVER (ORDER BY id) FROM e ORDER BY id",
    ),
    "arguments that are aggregates": (
        "SELECT job, sys.ML_PREDICT_ROW(JSON_OBJECT('age', MAX(age), 'job', job,"
        " 'balance', MIN(balance)), @m)->>'$.age' FROM people GROUP BY job"
        " ORDER BY job",
        "SELECT job, CAST(MAX(age) AS CHAR) FROM e GROUP BY job ORDER BY job",
    ),
    "JSON_VALUE": (
        f"SELECT id, JSON_VALUE({predicted()}, '$.Prediction' RETURNING CHAR(9)"
        " ERROR ON ERROR) FROM people ORDER BY id",
        "SELECT id, Prediction FROM e ORDER BY id",
    ),
    "a lock": (
        f"SELECT id, {P} FROM people WHERE id = 4 FOR UPDATE",
        "SELECT id, Prediction FROM e WHERE id = 4 FOR UPDATE",
    ),
    "WHERE before another condition": (
        f"SELECT COUNT(*) FROM loose WHERE {P} = 'yes' AND id < 6",
        "SELECT COUNT(*) FROM e WHERE Prediction = 'yes' AND id < 6",
    ),
    "WHERE before a subquery": (
        f"SELECT COUNT(*) FROM loose WHERE {P} = 'no' AND id IN (SELECT id - 3 FROM e)",
        "SELECT COUNT(*) FROM e WHERE Prediction = 'no' AND id IN"
        " (SELECT id - 3 FROM people)",
    ),
    "WHERE before a join": (
        "SELECT STRAIGHT_JOIN COUNT(*) FROM loose a JOIN people b ON a.id * 2 = b.id"
        f" WHERE {P_OF['a']} = 'yes' AND b.id < 9",
        "SELECT COUNT(*) FROM e a WHERE a.Prediction = 'yes' AND a.id * 2 < 9",
    ),
    "a derived table that is asked for some": (
        f"SELECT COUNT(*) FROM (SELECT {P} p FROM loose WHERE id > 7) d WHERE p = 'no'",
        "SELECT COUNT(*) FROM e WHERE Prediction = 'no' AND id > 7",
    ),
    "EXISTS": (
        "SELECT COUNT(*) FROM people o WHERE o.id < 7 AND EXISTS (SELECT 1 FROM loose q"
        f" WHERE {P_OF['q']} = 'yes' AND q.id = o.id)",
        "SELECT COUNT(*) FROM e WHERE id < 7 AND Prediction = 'yes'",
    ),
    "texts that differ by their letter case": (
        "SELECT id, sys.ML_PREDICT_ROW(JSON_OBJECT('age', age, 'job',"
        " IF(id % 2, UPPER(job), job), 'balance', balance), @m)->>'$.job' FROM loose"
        f" WHERE {P} <> 'x' ORDER BY id",
        "SELECT id, IF(id % 2, UPPER(job), job) FROM e ORDER BY id",
    ),
    "a versioned comment": (
        f"SELECT /*! id, */ {P} FROM people WHERE id < 4 /*!50000 ORDER BY 1 DESC */",
        "SELECT id, Prediction FROM e WHERE id < 4 ORDER BY 1 DESC",
    ),
    "LATERAL by a prediction": (
        f"SELECT a.id, d.n FROM people a, LATERAL (SELECT COUNT(*) n FROM people b"
        f" WHERE {P_OF['b']} = {P_OF['a']} AND b.id < a.id) d ORDER BY a.id",
        "SELECT a.id, d.n FROM e a, LATERAL (SELECT COUNT(*) n FROM e b"
        " WHERE b.Prediction = a.Prediction AND b.id < a.id) d ORDER BY a.id",
    ),
    "a join by what is around it": (
        f"SELECT p.id FROM people p WHERE 3 < (SELECT COUNT(*) FROM people a JOIN"
        f" people b ON b.id = a.id + 1 AND {P_OF['b']} = {P_OF['p']}) ORDER BY 1",
        "SELECT p.id FROM e p WHERE 3 < (SELECT COUNT(*) FROM e a JOIN"
        " e b ON b.id = a.id + 1 AND b.Prediction = p.Prediction) ORDER BY 1",
    ),
    "no rows": (
        f"SELECT id, {P} FROM people WHERE id > 1000",
        "SELECT id, Prediction FROM e WHERE id > 1000",
    ),
}


@pytest.mark.parametrize(("ours", "two_steps"), QUERIES.values(), ids=QUERIES)
def test_a_query_answers_as_one_of_the_predicted_table(
    client: Connection, ours: str, two_steps: str
) -> None:
    assert rows(client, ours) == rows(client, two_steps)
    (count,) = rows(client, "SELECT FOUND_ROWS()")[0]
    assert count == len(rows(client, two_steps))


CHANGES = {
    "INSERT": (
        f"INSERT INTO w (id, s) SELECT id + 100, {P} FROM people WHERE id < 5",
        "INSERT INTO w (id, s) SELECT id + 100, Prediction FROM e WHERE id < 5",
    ),
    "INSERT of values": (
        "INSERT INTO w (id, s) VALUES (200, sys.ML_PREDICT_ROW(@row, @m)->>'$.job')",
        "INSERT INTO w (id, s) VALUES (200, 'nurse')",
    ),
    "INSERT with ON DUPLICATE KEY": (
        f"INSERT INTO w (id, s) SELECT id, {P} FROM people WHERE id < 5"
        " ON DUPLICATE KEY UPDATE s = VALUES(s)",
        "INSERT INTO w (id, s) SELECT id, Prediction FROM e WHERE id < 5"
        " ON DUPLICATE KEY UPDATE s = VALUES(s)",
    ),
    "REPLACE": (
        f"REPLACE INTO w (id, s) SELECT id, {P} FROM people WHERE id > 10",
        "REPLACE INTO w (id, s) SELECT id, Prediction FROM e WHERE id > 10",
    ),
    "UPDATE": (
        f"UPDATE w SET s = {P} WHERE id < 9 ORDER BY id DESC LIMIT 3",
        "UPDATE w SET s = (SELECT Prediction FROM e WHERE e.id = w.id) WHERE id < 9"
        " ORDER BY id DESC LIMIT 3",
    ),
    "UPDATE of two tables": (
        f"UPDATE w JOIN people p USING (id) SET w.s = {P_OF['p']} WHERE p.id > 8",
        "UPDATE w JOIN e p USING (id) SET w.s = p.Prediction WHERE p.id > 8",
    ),
    "DELETE": (
        f"DELETE FROM w WHERE {P} = 'yes'",
        "DELETE FROM w WHERE id IN (SELECT id FROM e WHERE Prediction = 'yes')",
    ),
    "DELETE by a subquery": (
        f"DELETE FROM w WHERE id IN (SELECT id FROM people WHERE {P} = 'no')",
        "DELETE FROM w WHERE id IN (SELECT id FROM e WHERE Prediction = 'no')",
    ),
}


@pytest.mark.parametrize(("ours", "two_steps"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_what_it_is_by_the_predicted_table(
    client: Connection, ours: str, two_steps: str
) -> None:
    seen = []
    run(client, 'SET @row = \'{"age": 61, "job": "nurse", "balance": 0.5}\'')
    for sql in (ours, two_steps):
        run(
            client,
            "DROP TABLE IF EXISTS w, logged",
            "CREATE TABLE w (id int PRIMARY KEY, age int, job varchar(10),"
            " balance double, s varchar(10))",
            "INSERT INTO w SELECT *, 'old' FROM people",
            "CREATE TABLE logged (n int)",
            "CREATE TRIGGER w_u AFTER UPDATE ON w FOR EACH ROW"
            " INSERT INTO logged VALUES (NEW.id)",
        )
        with client.cursor() as cursor:
            affected = cursor.execute(sql)
        counted = value(client, "SELECT ROW_COUNT()")
        seen.append(
            (
                affected,
                counted,
                rows(client, "SELECT * FROM w ORDER BY id"),
                rows(client, "SELECT * FROM logged ORDER BY n"),
            )
        )
    assert seen[0] == seen[1]


def test_a_table_is_made_of_predictions(client: Connection) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS made",
        f"CREATE TABLE made AS SELECT id, {P} AS p, {predicted()} j FROM people",
    )
    assert rows(client, "SELECT id, p FROM made ORDER BY id") == rows(
        client, "SELECT id, Prediction FROM e ORDER BY id"
    )
    assert [row[1] for row in rows(client, "DESCRIBE made")] == [
        "int",
        "longtext",
        "json",
    ]


def test_predictions_go_into_variables(client: Connection) -> None:
    run(client, f"SELECT {P} INTO @v FROM people WHERE id = 2")
    found = rows(client, f"SELECT @x := {P} FROM people WHERE id = 2")
    run(client, f"SET @y = (SELECT {P} FROM people WHERE id = 2)")
    expected = value(client, "SELECT Prediction FROM e WHERE id = 2")
    assert found == [(expected,)]
    assert rows(client, "SELECT @v, @x, @y") == [(expected,) * 3]


def test_a_column_is_named_by_the_text_of_its_own(client: Connection) -> None:
    for sql in (
        f"SELECT {P} FROM people LIMIT 1",
        f"SELECT {P} FROM people WHERE {P} <> '' ORDER BY {P} LIMIT 1",
        f"SELECT {P} FROM people GROUP BY {P}",
    ):
        (found,) = result_sets(client, sql)
        assert found.columns == (P,)


def test_uncommitted_rows_are_predicted_in_their_transaction(
    client: Connection, server: Server
) -> None:
    asked = f"SELECT COUNT(*) FROM people WHERE {P} IN ('yes', 'no')"
    before = value(client, asked)
    run(
        client,
        "START TRANSACTION",
        "INSERT INTO people (age, job, balance) VALUES (33, 'pilot', 0.25)",
    )
    assert value(client, asked) == before + 1
    with closing(server.connect(database=SCHEMA)) as other:
        run(other, f"SET @m = '{SCHEMA}'")
        assert value(other, asked) == before
    run(client, "ROLLBACK")
    assert value(client, asked) == before


def test_a_view_of_predictions_is_asked_as_a_table(client: Connection) -> None:
    assert rows(client, "SELECT id, p FROM answered WHERE id < 3 ORDER BY id") == rows(
        client, "SELECT id, Prediction FROM e WHERE id < 3 ORDER BY id"
    )


SHORT = f"sys.ML_PREDICT_ROW({OF_ROW.format('')}, '{SCHEMA}')->>'$.Prediction'"
DEFINED = {
    "view": (
        "VIEW defined AS SELECT id, {} p FROM people",
        "SELECT id, p FROM defined",
    ),
    "function": (
        "FUNCTION defined(wanted int) RETURNS text READS SQL DATA"
        " RETURN (SELECT {} FROM people WHERE id = wanted)",
        "SELECT id, defined(id) FROM people",
    ),
    "procedure": (
        "PROCEDURE defined() BEGIN SET @s = 1; SELECT id, {} FROM people ORDER BY id;"
        " END",
        "CALL defined()",
    ),
}


@pytest.mark.parametrize("kind", DEFINED)
def test_a_definition_may_take_the_prediction_as_a_query_does(
    client: Connection, kind: str
) -> None:
    definition, asked = DEFINED[kind]
    run(client, f"CREATE {definition.format(SHORT)}")
    try:
        found = sorted(result_sets(client, asked)[0].rows)
    finally:
        run(client, f"DROP {kind} defined")
    assert found == rows(client, "SELECT id, Prediction FROM e ORDER BY id")


def test_a_session_with_locked_tables_predicts(client: Connection) -> None:
    run(client, "LOCK TABLES people READ")
    try:
        found = [rows(client, f"SELECT id, {P} FROM people WHERE id = 2")]
        found.append(rows(client, f"SELECT id, {P} p FROM people HAVING id = 2"))
    finally:
        run(client, "UNLOCK TABLES")
    assert found == [rows(client, "SELECT id, Prediction FROM e WHERE id = 2")] * 2


def test_parameters_may_stand_in_every_argument(
    client: Connection, server: Server, schema: str
) -> None:
    call = (
        "sys.ML_PREDICT_ROW(JSON_OBJECT('age', age, 'job', job, ?, balance), ?, ?)"
        "->>'$.Prediction'"
    )
    for rest in (
        "WHERE id > ? ORDER BY id",
        f"WHERE id > ? AND {P} <> 'x' ORDER BY id",
    ):
        sql = f"SELECT id, {call} FROM people {rest}".replace("@m", f"'{SCHEMA}'")
        run(
            client,
            f"SET @k = 'balance', @h = '{SCHEMA}', @o = NULL, @i = 9",
            f'PREPARE s FROM "{sql}"',
        )
        expected = rows(client, "SELECT id, Prediction FROM e WHERE id > 9 ORDER BY id")
        assert rows(client, "EXECUTE s USING @k, @h, @o, @i") == expected


@pytest.mark.parametrize(
    "also", ["", f" AND {P} <> 'x'"], ids=["streamed", "looked up"]
)
def test_the_binary_protocol_has_the_same_rows(
    server: Server, schema: str, also: str
) -> None:
    ours = f"SELECT id, balance, {P} FROM people WHERE id > ?{also} ORDER BY id"
    two_steps = "SELECT id, balance, Prediction FROM e WHERE id > ? ORDER BY id"
    where = {"host": server.host, "port": server.port, **server.login}
    seen = []
    with RawClient(0, **where, database=schema) as client:
        client.query(f"SET @m = '{SCHEMA}'")
        for sql in (ours, two_steps):
            head = client.run(prepare(sql))[0].payload
            number = int.from_bytes(head[1:5], "little")
            reply = client.run(execute(number, (0x08, (7).to_bytes(8, "little"))))
            count = reply[0].payload
            assert count == b"\x03"
            packets = [packet.payload for packet in reply[1:]]
            seen.append([p for p in packets if p[:1] == b"\0"])
    assert len(seen[0]) == 8
    assert seen[0] == seen[1]


def test_a_statement_sees_rows_of_a_rapid_table(client: Connection) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS fast",
        "CREATE TABLE fast (id int PRIMARY KEY, age int, job varchar(10),"
        " balance double) SECONDARY_ENGINE=RAPID",
        "INSERT INTO fast SELECT * FROM people",
        "ALTER TABLE fast SECONDARY_LOAD",
    )
    expected = rows(client, "SELECT Prediction, COUNT(*) FROM e GROUP BY 1 ORDER BY 1")
    different = (
        f"SELECT COUNT(*) FROM fast p WHERE NOT EXISTS (SELECT 1 FROM fast q"
        f" WHERE q.job = p.job AND {P_OF['q']} <> {P_OF['p']})"
    )
    counts = set()
    for mode in ("ON", "FORCED"):
        run(client, f"SET use_secondary_engine = {mode}")
        asked = f"SELECT {P}, COUNT(*) FROM fast GROUP BY 1 ORDER BY 1"
        assert rows(client, asked) == expected
        counts.add(value(client, different))
    assert len(counts) == 1
    run(client, "SET use_secondary_engine = ON", "DROP TABLE fast")


def test_explain_says_who_predicts(client: Connection) -> None:
    for sql, words in {
        f"SELECT id, {P} FROM people": "a batch of rows at a time",
        f"SELECT id FROM people WHERE {P} = 'yes'": "in one batch, which MySQL looks",
        f"SELECT id FROM people WHERE {P} = 'a' AND RAND() < 2": "one row after the",
        "SELECT sys.ML_PREDICT_ROW('{}', @m)": "once, before",
    }.items():
        assert rows(client, f"EXPLAIN FORMAT=TREE {sql}")
        notes = [text for level, _, text in shown(client) if level == "Note"]
        assert any(words in text for text in notes), notes


def shown(client: Connection) -> Rows:
    return rows(client, "SHOW WARNINGS")


def test_rows_that_are_other_ones_every_time_are_asked_for_one_by_one(
    client: Connection,
) -> None:
    assert rows(
        client,
        f"SELECT id FROM people WHERE {P} = 'yes' AND RAND() < 2 AND id < 4"
        " ORDER BY id",
    ) == rows(
        client, "SELECT id FROM e WHERE Prediction = 'yes' AND id < 4 ORDER BY id"
    )


def test_no_temporary_table_stays(client: Connection) -> None:
    run(client, f"SELECT COUNT(*) FROM people WHERE {P} = 'yes'")
    (found,) = rows(
        client,
        "SELECT COUNT(*) FROM information_schema.INNODB_TEMP_TABLE_INFO"
        " WHERE NAME LIKE '%heatproxy_rows%'",
    )
    assert found == (0,)


def test_the_models_error_is_the_statements(client: Connection) -> None:
    given = "sys.ML_PREDICT_ROW(JSON_OBJECT('age', age), @m, NULL)"
    for sql in (
        f"SELECT {given} FROM people",
        f"SELECT id FROM people WHERE {given}->>'$.Prediction' = 'a'",
        f"UPDATE people SET job = {given}->>'$.Prediction'",
    ):
        number, text = refusal(client, sql)
        assert (number, "ML003011" in text) == (3877, True)
    (number, text) = refusal(
        client, f"SELECT {P.replace('@m', repr('nope'))} FROM people"
    )
    assert (number, "ML006018" in text) == (3877, True)


def test_doubles_decimals_and_texts_are_echoed_as_in_json(client: Connection) -> None:
    run(
        client,
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (id int PRIMARY KEY, age int, job varchar(10),"
        " balance double,"
        " d decimal(8,3), n decimal(9,0), f float, u bigint unsigned, t text)",
        "INSERT INTO odd VALUES (1, 4, 'a\"b', 1e15, 1.50, 7, 0.1, 1, 'é\\\\\\n'),"
        " (2, NULL, NULL, 1.5e-16, NULL, NULL, NULL, 2, NULL),"
        " (3, -1, '', 0, 0, 0, 1e20, 18446744073709551615, ''),"
        " (4, 9, 'x', 123456.789, -0.5, -3, -2.5, 3, '日本')",
    )
    given = "JSON_OBJECT('age', age, 'job', job, 'balance', balance{})"
    for more in (
        ", 'd', d, 'n', n, 'f', f, 't', t",
        ", 'sum', age + d * 2",
        ", 'u', u",
    ):
        asked = given.format(more)
        found = rows(
            client,
            f"SELECT id, CAST(CAST({asked} AS CHAR) AS JSON),"
            f" JSON_REMOVE(sys.ML_PREDICT_ROW({asked}, @m, NULL),"
            f" '$.Prediction', '$.ml_results'), sys.ML_PREDICT_ROW({asked}, @m, NULL)"
            " FROM odd ORDER BY id",
        )
        streamed = rows(
            client, f"SELECT sys.ML_PREDICT_ROW({asked}, @m, NULL) FROM odd ORDER BY id"
        )
        for (_, row, echo, whole), (text,) in zip(found, streamed, strict=True):
            assert (row, whole) == (echo, text)
            assert json.loads(whole)["Prediction"] in ("yes", "no")
