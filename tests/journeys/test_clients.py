"""Other people's clients: each hears from heatproxy what it hears from MySQL itself."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import run
from tests.clients import CLIENTS, client
from tests.clients.contract import (
    Client,
    Done,
    Login,
    LoginRefused,
    Outcome,
    Refusal,
    ResultSet,
    Skill,
    Statement,
)
from tests.conftest import Server
from tests.lakeside import external, load_call

pytestmark = pytest.mark.mysql

SCHEMA = "clients"
EDGES = (
    "CREATE TABLE y (id INT PRIMARY KEY, a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT,"
    " d BIGINT, e BIGINT UNSIGNED, f DECIMAL(65, 30), g FLOAT, h DOUBLE, i DATE,"
    " j TIME(6), k DATETIME(6), l TIMESTAMP(3) NULL, m YEAR, n CHAR(5), o VARBINARY(9),"
    " p TEXT, q BLOB, r ENUM('a', 'é'), s SET('x', 'y'), t JSON, u BIT(64), v GEOMETRY,"
    " w VECTOR(2))",
    "INSERT INTO y VALUES (1, -128, 65535, -8388608, -9223372036854775808,"
    " 18446744073709551615, -99999999999999999999999999999999999."
    "999999999999999999999999999999, 1.17549e-38, 1.7976931348623157e308,"
    " '9999-12-31', '-838:59:59', '9999-12-31 23:59:59.999999',"
    " '2038-01-19 03:14:07.499', 2155, 'é', X'00ff', REPEAT('日', 300), X'0001', 'é',"
    " 'x,y', '[1, null, \"é\"]', 0x8000000000000001,"
    " ST_GeomFromText('POINT(1 -2)'), TO_VECTOR('[1,-2.5]'))",
    "INSERT INTO y VALUES (2, 127, 0, 8388607, 9223372036854775807, 0, 0, -3.40282e38,"
    " 4.9e-324, '1000-01-01', '838:59:59', '1000-01-01', '1970-01-01 00:00:01', 1901,"
    " '', '', '', '', '', '', 'null', 0, NULL, NULL)",
    "INSERT INTO y (id) VALUES (3)",
    "SELECT id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p FROM y ORDER BY id",
    # of VECTOR itself PyMySQL knows nothing yet
    "SELECT id, q, r, s, t, u, v, HEX(w) FROM y ORDER BY id",
)
CONVERSATIONS = {
    "types at their edges": (
        "SET sql_mode = '', time_zone = '+00:00'",
        *EDGES,
        "SELECT NULL, TRUE, 1e0, -0e0, '', DATE'2024-02-29', TIME'-00:00:01.5', X'00'",
    ),
    "several results": (
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20))",
        "INSERT INTO t (a) VALUES ('one'), (NULL), ('três')",
        "CREATE PROCEDURE p(IN x INT, OUT y INT) BEGIN SELECT x AS first;"
        " SELECT * FROM t ORDER BY id; SET y = x + 1;"
        " UPDATE t SET a = 'p' WHERE id = x; END",
        "CALL p(2, @y)",
        "SELECT @y, ROW_COUNT()",
        "SELECT 1; SELECT a FROM t WHERE FALSE; UPDATE t SET a = NULL; SELECT nothing",
        "SELECT LAST_INSERT_ID(), FOUND_ROWS()",
    ),
    "errors": (
        "SELECT * FROM nowhere",
        "SELEC 1",
        "SELECT 'grüße' FROM `naïve`",
        "CREATE TABLE t (a INT PRIMARY KEY)",
        "INSERT INTO t VALUES (1), (1)",
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nein, 日', MYSQL_ERRNO = 30001",
        "SELECT 1 / 0, CAST('12abc' AS UNSIGNED)",
        "SHOW WARNINGS",
        "SELECT 'still here'",
    ),
    "transactions": (
        "CREATE TABLE t (a INT)",
        "BEGIN",
        "INSERT INTO t VALUES (1), (2)",
        "SELECT 'ml_predict_row', COUNT(*) FROM t",
        "ROLLBACK",
        "SELECT COUNT(*) FROM t",
    ),
    "large rows and many": (
        "SELECT REPEAT('x', 1000000) AS x, 'end'",
        "SELECT LENGTH(REPEAT('x', 17000000)), REPEAT('y', 17000000)",
        "SET cte_max_recursion_depth = 6000",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i <"
        " 5000) SELECT i, REPEAT('x', i % 50), i / 3 FROM n",
    ),
    "names like heatproxy's": (
        "SELECT 'sys.ML_PREDICT_ROW' AS ml_predict_row",
        "SELECT nothing, 'ml_explain_row'",
        "CALL ml_train(1)",
        "SELECT 1; SELECT 'ml_predict_row'; SELECT 2",
    ),
}


class Both:
    """The backend past heatproxy and through it, in an empty schema each time."""

    def __init__(self, server: Server) -> None:
        proxied = {"host": server.host, "port": server.port, "database": SCHEMA}
        self.server = server
        self.through = Login(**server.login, **proxied)  # type: ignore[arg-type]
        self.past = Login(**server.login, socket=server.backend_socket, database=SCHEMA)

    def talks(
        self, client: Client, statements: Sequence[Statement]
    ) -> tuple[list[Outcome], list[Outcome]]:
        said = []
        for login in (self.past, self.through):
            with closing(self.server.connect_backend()) as admin:
                run(admin, f"DROP DATABASE IF EXISTS {SCHEMA}")
                run(admin, f"CREATE DATABASE {SCHEMA}")
            said.append(client.talk(login, statements))
        return said[0], said[1]


@pytest.fixture(scope="module")
def both(server: Server) -> Iterator[Both]:
    yield Both(server)
    with closing(server.connect_backend()) as admin:
        run(admin, f"DROP DATABASE IF EXISTS {SCHEMA}")


def said(*statements: str) -> list[Statement]:
    return [Statement(sql) for sql in statements]


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_hears_the_same(both: Both, name: str, conversation: str) -> None:
    statements = said(*CONVERSATIONS[conversation])
    direct, proxied = both.talks(client(name), statements)
    for statement, expected, got in zip(statements, direct, proxied, strict=True):
        assert got == expected, statement
    assert any(isinstance(part, ResultSet) for outcome in direct for part in outcome)


PARAMETERS: tuple[Statement, ...] = (
    Statement("CREATE TABLE t (a BIGINT, b DOUBLE, c VARCHAR(300), d BLOB)"),
    Statement("INSERT INTO t VALUES (?, ?, ?, ?)", (1, 0.1, "naïve 日", b"\0\xff")),
    Statement("INSERT INTO t VALUES (?, ?, ?, ?)", (None, None, None, None)),
    Statement("INSERT INTO t VALUES (?, ?, ?, ?)", (-(2**31), -1e300, "", b"x" * 9000)),
    Statement("SELECT * FROM t WHERE a < ? OR a IS NULL ORDER BY a", (5,)),
    Statement("SELECT ?, 'ml_predict_row', ?", ("x", 2)),
    Statement("SELECT * FROM nowhere WHERE a = ?", (1,)),
    Statement("UPDATE t SET c = ?", ("y",)),
    Statement("SELECT COUNT(*), SUM(a) FROM t WHERE c = ?", ("y",)),
)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_prepares_the_same(both: Both, name: str) -> None:
    made = client(name)
    if Skill.PARAMETERS not in made.skills:
        pytest.skip(f"{name} has no prepared statements of the binary protocol")
    direct, proxied = both.talks(made, PARAMETERS)
    for statement, expected, got in zip(PARAMETERS, direct, proxied, strict=True):
        assert got == expected, statement
    (rows,) = direct[4]
    assert isinstance(rows, ResultSet)
    assert len(rows.rows) == 3


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_loads_the_same_file(both: Both, name: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.tsv"
    file.write_text("".join(f"{n}\tline {n}\n" for n in range(20_000)))
    load = f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE t"
    statements = said(
        "CREATE TABLE t (a INT, b VARCHAR(20))",
        f"{load} (a, b)",
        "SELECT COUNT(*), SUM(a), MAX(b) FROM t",
        load.replace("rows.tsv", "nowhere.tsv"),
    )
    direct, proxied = both.talks(client(name), statements)
    assert proxied[:3] == direct[:3]
    assert not isinstance(direct[1][0], Refusal)
    # without the file some clients end the session, some go on: as they did past us
    assert [type(part) for part in proxied[3]] == [type(part) for part in direct[3]]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_hears_why_it_may_not_come_in(both: Both, name: str) -> None:
    refusals = []
    for login in (both.past, both.through):
        wrong = Login(
            user=login.user,
            password="wrong",
            host=login.host,
            port=login.port,
            socket=login.socket,
        )
        with pytest.raises(LoginRefused) as caught:
            client(name).talk(wrong, said("SELECT 1"))
        refusals.append(caught.value.refusal)
    assert refusals[0].number == 1045
    assert refusals[1] == refusals[0]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_answered_by_heatproxy_itself(both: Both, name: str) -> None:
    """Loading and reading a Lakehouse table; what MySQL says of one of its own."""
    made, table = client(name), {"lake": (1, "one"), "own": (1, "one")}
    rows = "1,one\n2,\n3,três\n".encode()
    with (
        ObjectStore({"rows.csv": b"a,b\n" + rows}) as store,
        closing(both.server.connect()) as connection,
    ):
        run(connection, f"DROP DATABASE IF EXISTS {SCHEMA}")
        run(connection, f"CREATE DATABASE {SCHEMA}")
        call = load_call(connection, SCHEMA, {"lake": external(store.url("rows.csv"))})
        answers = made.talk(
            both.through,
            said(
                call,
                "CREATE TABLE own (a TINYINT, b VARCHAR(4))",
                "INSERT INTO own VALUES (1, 'one'), (2, NULL), (3, 'três')",
                *(f"SELECT a, b FROM {name} ORDER BY a" for name in table),
                *(f"SELECT COUNT(*) AS n, SUM(a) AS s FROM {name}" for name in table),
                "SELECT a + 1, nothing FROM lake",
                "SELECT 'and on'",
            ),
        )
    report, _, _, lake, own, lake_sum, own_sum, refused, last = answers
    assert any(isinstance(part, ResultSet) for part in report)
    assert not any(isinstance(part, Refusal) for part in report)
    assert values(lake) == values(own)
    assert values(lake_sum) == values(own_sum)
    assert isinstance(refused[0], Refusal)
    assert (refused[0].number, refused[0].sqlstate) == (1054, "42S22")
    assert values(last) == (("and on",),)
    assert not any(isinstance(part, Done) for part in last)


def values(outcome: Outcome) -> tuple[tuple[object, ...], ...]:
    """The rows of the only result set."""
    (only,) = outcome
    assert isinstance(only, ResultSet), only
    return only.rows
