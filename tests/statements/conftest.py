"""One Lakehouse table in schema ``lake``, and the same rows in InnoDB beside it."""

import csv
import datetime
import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from heatproxy.objectstore import ObjectStore
from tests.asking import rows, run
from tests.conftest import Server
from tests.lakeside import external, load
from tests.rawclient import RawClient

Connection = Any
Connect = Callable[..., RawClient]
Both = tuple[Connection, Connection]
COLUMNS = "id,grp,n,price,x,day,moment,name,note,word"
ROWS = 200


@dataclass(frozen=True)
class Lake:
    """Where the table ``t`` is: in files behind heatproxy, and in InnoDB."""

    schema: str
    twin: str
    store: ObjectStore


def lines(count: int = ROWS, seed: int = 3) -> list[list[str]]:
    """Rows as a CSV has them; empty is NULL."""
    random = np.random.default_rng(seed)
    begin = datetime.datetime(2023, 12, 20, 23, 59, 50)
    found = []
    for number in range(1, count + 1):
        moment = begin + datetime.timedelta(seconds=int(random.integers(0, 40_000_000)))
        found.append(
            [
                str(number),
                str(int(random.integers(1, 6))),
                "" if random.random() < 0.2 else str(int(random.integers(-900, 900))),
                f"{random.integers(0, 100_000) / 100:.2f}",
                f"{random.normal():.6e}",
                str(moment.date()),
                str(moment),
                str(random.choice(["ann", "Bob", "carl", "Dora", "eve ", "x-1"])),
                "" if random.random() < 0.3 else str(random.choice(["a", "B", "c d"])),
                str(random.choice(["été", "Größe", "plain", "日本"])),
            ]
        )
    return found


def csv_bytes(count: int = ROWS) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS.split(","))
    writer.writerows(lines(count))
    return text.getvalue().encode()


@pytest.fixture(scope="session")
def lake(server: Server) -> Iterator[Lake]:
    with (
        ObjectStore({"t.csv": csv_bytes()}) as store,
        closing(server.connect()) as client,
        closing(server.connect_backend()) as backend,
    ):
        run(client, "DROP DATABASE IF EXISTS lake", "DROP DATABASE IF EXISTS twin")
        load(client, "lake", {"t": external(store.url("t.csv"))})
        described = rows(client, "DESCRIBE lake.t")
        columns = ", ".join(
            f"{name} {kind} {'NULL' if null == 'YES' else 'NOT NULL'}"
            for name, kind, null, *_ in described
        )
        run(backend, "CREATE DATABASE twin", f"CREATE TABLE twin.t ({columns})")
        with backend.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO twin.t VALUES ({', '.join(['%s'] * len(described))})",
                [[value or None for value in line] for line in lines()],
            )
        yield Lake("lake", "twin", store)
        run(client, "DROP DATABASE lake", "DROP DATABASE twin")


@pytest.fixture
def client(server: Server, lake: Lake) -> Iterator[Connection]:
    """A session of admin in the schema of the Lakehouse table."""
    with closing(server.connect(database=lake.schema)) as connection:
        yield connection


@pytest.fixture
def backend(server: Server, lake: Lake) -> Iterator[Connection]:
    """A session past heatproxy, in the schema of the InnoDB table."""
    with closing(server.connect_backend(database=lake.twin)) as connection:
        yield connection


@pytest.fixture
def proxied(server: Server) -> Connect:
    def connect(capabilities: int = 0, **options: Any) -> RawClient:
        where = {"host": server.host, "port": server.port}
        return RawClient(capabilities, **where, **server.login, **options)

    return connect


@pytest.fixture
def direct(server: Server) -> Connect:
    def connect(capabilities: int = 0, **options: Any) -> RawClient:
        return RawClient(capabilities, **server.backend_login, **options)

    return connect


@pytest.fixture
def files(client: Connection, lake: Lake) -> Iterator[ObjectStore]:
    """The object store, and an empty schema ``hand`` to make tables in."""
    lake.store.objects["hand.csv"] = b"1,x\n2,yy\n"
    run(client, "DROP DATABASE IF EXISTS hand", "CREATE DATABASE hand", "USE hand")
    yield lake.store
    run(client, "DROP DATABASE IF EXISTS hand")


# --- InnoDB's table and views beside the Lakehouse table, in both schemas ------------

_INNO = (
    "DROP TABLE IF EXISTS inno, made",
    "DROP VIEW IF EXISTS seen, named",
    "CREATE TABLE inno (id INT PRIMARY KEY AUTO_INCREMENT, v INT, s VARCHAR(20))",
    "INSERT INTO inno VALUES (1, 10, 'a'), (3, 30, NULL), (7, 70, 'c'), (300, 1, 'd')",
    "CREATE VIEW seen AS SELECT * FROM t",
    "CREATE VIEW named (i, w) AS SELECT id, CONCAT(word, '!') FROM seen WHERE id < 50",
)


@pytest.fixture(scope="module")
def sea(server: Server, lake: Lake) -> Iterator[Lake]:
    """The lake, with an InnoDB table and views beside it, in both schemas."""
    with (
        closing(server.connect(database=lake.schema)) as client,
        closing(server.connect_backend(database=lake.twin)) as backend,
    ):
        run(client, *_INNO)
        run(backend, *_INNO)
        yield lake
        gone = "DROP TABLE inno", "DROP VIEW seen, named"
        run(client, *gone)
        run(backend, *gone)


@pytest.fixture
def both(server: Server, sea: Lake) -> Iterator[Both]:
    """Sessions through heatproxy and past it, whose values come as text."""
    with (
        closing(server.connect(database=sea.schema, conv={})) as through,
        closing(server.connect_backend(database=sea.twin, conv={})) as past,
    ):
        yield through, past


@pytest.fixture
def undone(both: Both) -> Iterator[Both]:
    """Both sessions, whose InnoDB tables are as they were before."""
    for connection in both:
        run(connection, *_INNO[:1], *_INNO[2:4])
    yield both
    for connection in both:
        run(connection, "SET autocommit = 1", *_INNO[:1], *_INNO[2:4])
