"""Predictions at every place beside every kind of join, compared with two steps.

Two steps are: predict into a table by ML_PREDICT_TABLE, then ask that table. Each
pair of a join and a place takes one kind of tables and one way of asking, in turn.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import Rows, rows, run, value
from tests.automl.conftest import customers
from tests.conftest import Server
from tests.lakeside import external, load
from tests.routines.conftest import BY_BAYES, fill

pytestmark = pytest.mark.mysql

Connection = Any
SCHEMA = "crossed"
A_COLUMNS, B_COLUMNS = "id, age, job, balance, born", "id, years, job, funds, birth"
OF_A = "'age', a.age, 'job', a.job, 'balance', a.balance, 'born', a.born"
OF_B = "'age', b.years, 'job', b.job, 'balance', b.funds, 'born', b.birth"
CALL = "sys.ML_PREDICT_ROW(JSON_OBJECT({}), @m, NULL)->>'$.Prediction'"
KINDS = {  # the tables a and b of each
    "InnoDB": ("ia", "ib"),
    "RAPID": ("ra", "rb"),
    "Lakehouse": ("la", "lb"),
    "views": ("va", "vb"),
    "Lakehouse and InnoDB": ("la", "ib"),
}
JOINS = {
    "comma": "{A} a, {B} b",
    "inner": "{A} a JOIN {B} b ON a.id = b.id",
    "natural": "{A} a NATURAL JOIN {B} b",
    "using": "{A} a JOIN {B} b USING (id)",
    "left": "{A} a LEFT JOIN {B} b ON b.id = a.id",
    "right using": "{A} a RIGHT JOIN {B} b USING (id, job)",
    "natural left": "{A} a NATURAL LEFT JOIN {B} b",
    "natural right": "{A} a NATURAL RIGHT JOIN {B} b",
    "left by a prediction": "{A} a LEFT JOIN {B} b ON b.id = a.id AND PB = 'yes'",
    "right by a prediction": "{A} a RIGHT JOIN {B} b ON b.id = a.id AND PA = 'yes'",
    "by two predictions": "{A} a JOIN {B} b ON PA = PB AND b.id = a.id",
    "by predictions or else": "{A} a JOIN {B} b ON b.id = a.id OR (PA = PB AND"
    " b.id < 7)",
    "nested": "{A} a LEFT JOIN ({B} b JOIN {B} c ON c.id = b.id + 1 AND PB = 'yes')"
    " ON b.id = a.id",
    "two of them": "{A} a LEFT JOIN {B} b ON b.id = a.id LEFT JOIN {A} c ON"
    " c.id = b.id + 1 AND PB = 'no'",
    "a derived table": "(SELECT PA p, a.* FROM {A} a) a JOIN {B} b ON b.id = a.id"
    " AND p = PB",
    "lateral": "{A} a JOIN LATERAL (SELECT * FROM {B} x WHERE x.id = a.id + 1) b",
}
PLACES = {
    "list": "SELECT a.id, b.id, PA, CASE PB WHEN 'yes' THEN 1 ELSE 2 END FROM {F}",
    "WHERE": "SELECT a.id, b.id FROM {F} WHERE PB = 'yes' AND b.id < 12",
    "WHERE of one table": "SELECT a.id, b.id FROM {F} WHERE PA = 'no' AND a.id > 2",
    "OR": "SELECT a.id, b.id FROM {F} WHERE a.id < 3 OR NOT (PA <> PB XOR a.id = 6)",
    "GROUP BY": "SELECT PB p, COUNT(*) FROM {F} GROUP BY p WITH ROLLUP",
    "HAVING": "SELECT a.job, COUNT(*) FROM {F} GROUP BY a.job HAVING MAX(PB) = 'yes'",
    "ORDER BY": "SELECT a.id, b.id FROM {F} ORDER BY PB, PA DESC, a.id, b.id LIMIT 5",
    "RANK": "SELECT a.id, b.id, RANK() OVER (ORDER BY PB), DENSE_RANK() OVER w"
    " FROM {F} WINDOW w AS (PARTITION BY a.job ORDER BY PA)",
    "IN": "SELECT a.id, b.id FROM {F} WHERE PB IN (SELECT PB FROM {B} b"
    " WHERE b.id < 6)",
    "EXISTS": "SELECT a.id FROM {A} a WHERE EXISTS (SELECT 1 FROM {B} b"
    " WHERE b.id = a.id + 1 AND PB = PA)",
    "WITH": "WITH c AS (SELECT a.id i, b.id j, PB p FROM {F}) SELECT x.i, y.j FROM c x"
    " JOIN c y ON x.i = y.i AND x.p = y.p",
    "EXCEPT": "SELECT a.id, PB FROM {F} EXCEPT SELECT a.id, PA FROM {F}",
    "INSERT": "INSERT INTO w (i, p) SELECT a.id, PB FROM {F}",
    "UPDATE": "UPDATE w JOIN ({F}) ON w.i = a.id SET w.p = PA WHERE b.id IS NOT NULL",
    "DELETE": "DELETE FROM w WHERE i IN (SELECT a.id FROM {F} WHERE PB = 'no')",
}
STEP = 3  # of the places, those that a join is tried at
CHANGES = ("INSERT", "UPDATE", "DELETE")
FILLED = "INSERT INTO w (i, p) SELECT id, '-' FROM ia"


def ours(sql: str, kind: str) -> str:
    """The statement with calls, over the tables of a kind."""
    a, b = KINDS[kind]
    sql = re.sub(
        r"\bPA\b", CALL.format(OF_A), re.sub(r"\bPB\b", CALL.format(OF_B), sql)
    )
    return sql.replace("{A}", a).replace("{B}", b)


def two_steps(sql: str) -> str:
    """The same of the predicted tables; what is predicted for no row is ``@none``."""
    for alias in "ab":
        predicted = f"IF({alias}.id IS NULL, @none, {alias}.p{alias})"
        sql = re.sub(rf"\bP{alias.upper()}\b", predicted, sql)
    return sql.replace("{A}", "ea").replace("{B}", "eb")


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Connection]:
    """A session in a schema with the tables of all kinds, and ``ea`` and ``eb``."""
    with closing(server.connect()) as made:
        run(
            made,
            f"DROP DATABASE IF EXISTS {SCHEMA}",
            f"CREATE DATABASE {SCHEMA}",
            f"USE {SCHEMA}",
            "CREATE TABLE customers"
            " (age int, job varchar(10), balance double, y varchar(3))",
        )
        fill(made, "customers", customers())
        run(
            made,
            "ALTER TABLE customers ADD born date",
            "UPDATE customers SET born ="
            " '1950-01-01' + INTERVAL CRC32(balance) % 20000 DAY",
            "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()",
            f"SET @m = '{SCHEMA}'",
            "DELETE FROM ML_SCHEMA_admin.MODEL_CATALOG WHERE model_handle = @m",
            f"CALL sys.ML_TRAIN('{SCHEMA}.customers', 'y', {BY_BAYES}, @m)",
            "CREATE TABLE ia (id int PRIMARY KEY, age int, job varchar(10),"
            " balance double, born date)",
            "INSERT INTO ia SELECT ROW_NUMBER() OVER (), d.* FROM (SELECT age, job,"
            " balance, born FROM customers LIMIT 12) d",
            "UPDATE ia SET job = NULL WHERE id = 4",
            "CREATE TABLE ib (id int PRIMARY KEY, years int, job varchar(10),"
            " funds double, birth date)",
            "INSERT INTO ib SELECT id + 3, age + 20, IF(id % 3, job, 'nurse'), balance,"
            " born FROM ia",
            "CREATE TABLE bb AS SELECT id, years age, job, funds balance, birth born"
            " FROM ib",
            "CREATE TABLE w (i int, p varchar(9))",
        )
        for name, source, columns in (("a", "ia", A_COLUMNS), ("b", "ib", B_COLUMNS)):
            predicted = "ia" if name == "a" else "bb"
            run(
                made,
                f"CREATE TABLE r{name} LIKE {source}",
                f"ALTER TABLE r{name} SECONDARY_ENGINE=RAPID",
                f"INSERT INTO r{name} SELECT * FROM {source}",
                f"ALTER TABLE r{name} SECONDARY_LOAD",
                f"CREATE VIEW v{name} AS SELECT * FROM {source}",
                f"CALL sys.ML_PREDICT_TABLE('{SCHEMA}.{predicted}', @m,"
                f" '{SCHEMA}.o{name}', NULL)",
                f"CREATE TABLE e{name} AS SELECT {columns.replace(' job', ' t.job')},"
                f" Prediction p{name} FROM {source} t JOIN"
                f" (SELECT id, Prediction FROM o{name}) o USING (id)",
            )
        _load(made)
        nothing = re.sub(r"a\.\w+", "NULL", CALL.format(OF_A))
        none = value(made, f"SELECT {nothing}")
        run(made, f"SET @none = '{none}'")
        yield made
        run(made, f"DROP DATABASE {SCHEMA}")


def _load(client: Connection) -> None:
    """The rows of ``ia`` and ``ib`` as Lakehouse tables."""
    files = {}
    for name, columns in (("a", A_COLUMNS), ("b", B_COLUMNS)):
        lines = [columns.replace(" ", "")]
        for row in rows(client, f"SELECT * FROM i{name} ORDER BY id"):
            lines.append(",".join("\\N" if v is None else str(v) for v in row))
        files[f"{name}.csv"] = ("\n".join(lines) + "\n").encode()
    with ObjectStore(files) as store:
        tables = {f"l{name}": external(store.url(f"{name}.csv")) for name in "ab"}
        load(client, SCHEMA, tables)


def _asked(client: Connection, sql: str, *, changes: bool) -> Rows:
    if not changes:
        return sorted(rows(client, sql), key=repr)
    run(client, "TRUNCATE w", FILLED, sql)
    return sorted(rows(client, "SELECT * FROM w"), key=repr)


def _prepared(client: Connection, sql: str, *, changes: bool) -> Rows:
    if changes:
        run(client, "TRUNCATE w", FILLED)
    with client.cursor() as cursor:
        cursor.execute("SET @text = %s", (sql,))
    run(client, "PREPARE s FROM @text")
    if changes:
        run(client, "EXECUTE s")
        return sorted(rows(client, "SELECT * FROM w"), key=repr)
    return sorted(rows(client, "EXECUTE s"), key=repr)


def _uncommitted(client: Connection, sql: str, *, changes: bool) -> Rows:
    """In a transaction with one more row; TRUNCATE would end it."""
    run(client, "START TRANSACTION")
    try:
        for table, columns in (("ia", A_COLUMNS), ("ra", A_COLUMNS), ("ea", "")):
            listed = (columns or f"{A_COLUMNS}, pa").removeprefix("id, ")
            run(client, f"INSERT INTO {table} SELECT 13, {listed} FROM {table} LIMIT 1")
        if not changes:
            return sorted(rows(client, sql), key=repr)
        run(client, "DELETE FROM w", FILLED, sql)
        return sorted(rows(client, "SELECT * FROM w"), key=repr)
    finally:
        run(client, "ROLLBACK")


WAYS: dict[str, Callable[..., Rows]] = {
    "text": _asked,
    "prepared": _prepared,
    "uncommitted": _uncommitted,
}


def _refused_by_name(problem: pymysql.MySQLError, kind: str) -> bool:
    """Whether it says that MySQL cannot have it of copies of Lakehouse tables."""
    number, text = problem.args
    return number == 1235 and "Lakehouse" in kind and "Lakehouse" in text


@pytest.mark.parametrize("join", JOINS)
def test_a_prediction_is_what_it_is_in_two_steps(client: Connection, join: str) -> None:
    turn = list(JOINS).index(join)
    different = []
    for number in range(turn % STEP, len(PLACES), STEP):
        place = list(PLACES)[number]
        kind = list(KINDS)[(turn + number // STEP) % len(KINDS)]
        way = list(WAYS)[(turn // STEP + number) % len(WAYS)]
        if way == "uncommitted" and "Lakehouse" in kind:
            way = "text"  # its tables have no such rows
        sql = PLACES[place].replace("{F}", JOINS[join])
        ask, changes = WAYS[way], place in CHANGES
        try:
            found = ask(client, ours(sql, kind), changes=changes)
        except pymysql.MySQLError as problem:
            if not _refused_by_name(problem, kind):
                different.append((place, kind, way, str(problem)))
            continue
        if found != ask(client, two_steps(sql), changes=changes):
            different.append((place, kind, way, "other rows"))
    assert different == []
