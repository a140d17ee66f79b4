"""What ``bench predict`` measures on: bank-shaped rows in MySQL and a model of them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import pyarrow as pa
import pymysql

from heatproxy.automl import chunks
from heatproxy.automl.columns import FloatArray
from heatproxy.automl.model import Model
from heatproxy.automl.storage import from_bytes
from heatproxy.backend.account import Address
from heatproxy.backend.bulk import BulkReader
from heatproxy.backend.credentials import Credentials, read_option_file
from heatproxy.bench import BenchFailed, answers
from heatproxy.bench.stage import backend_socket, heatproxy
from heatproxy.datatypes import quote_name, quote_text
from heatproxy.demo_data import bank_marketing_csv

SCHEMA = "heatproxy_bench_predict"
TARGET = "y"
HANDLE = "heatproxy_bench"
DISTINCT_ROWS = 50_000
TRAINING_ROWS = 20_000
_TRAINED_BY = '{"task": "classification", "model_list": ["LGBMClassifier"]}'
_TABLE = (
    "age int, job varchar(20), marital varchar(10), education varchar(10),"
    " `default` varchar(3), balance int, housing varchar(3), loan varchar(3),"
    " contact varchar(10), day int, month varchar(3), duration int, campaign int,"
    " pdays int, previous int, poutcome varchar(10), y varchar(3)"
)
_LOAD = (
    f"LOAD DATA LOCAL INFILE {{file}} INTO TABLE {SCHEMA}.bank"
    " CHARACTER SET utf8mb4 FIELDS TERMINATED BY ';' ENCLOSED BY '\"' IGNORE 1 LINES"
    " ({columns})"
)


@dataclass(frozen=True, slots=True)
class Bank:
    """A running heatproxy with ``SCHEMA.bank`` and a loaded model of it."""

    account: Credentials
    port: int
    socket: str
    rows: int
    features: Sequence[str]
    model: Model

    def direct(self) -> Any:
        """A connection to the backend itself."""
        return answers.connect(unix_socket=self.socket, **self._login)

    def through(self) -> Any:
        """A connection to heatproxy."""
        return answers.connect(host="127.0.0.1", port=self.port, **self._login)

    @property
    def doors(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """How PyMySQL reaches the backend, and heatproxy."""
        return (
            {"unix_socket": self.socket, **self._login},
            {"host": "127.0.0.1", "port": self.port, **self._login},
        )

    @property
    def row_argument(self) -> str:
        """The JSON_OBJECT of a row's features."""
        pairs = [f"'{name}', {quote_name(name)}" for name in self.features]
        return f"JSON_OBJECT({', '.join(pairs)})"

    def matrix(self) -> FloatArray:
        """All rows as the model's estimator takes them (rows, width)."""
        account = self.account
        address = Address(account.user, account.password, self.socket)
        with closing(BulkReader(address)) as reader:
            batches = list(reader.select(f"SELECT * FROM {SCHEMA}.bank"))
        return self.model.features.encode(pa.Table.from_batches(batches))

    @property
    def _login(self) -> dict[str, str]:
        return {"user": self.account.user, "password": self.account.password}


@contextmanager
def opened(folder: Path, rows: int) -> Iterator[Bank]:
    """Start heatproxy on a folder of the bench's own, and make all of it.

    Raises:
        BenchFailed: heatproxy did not start, or MySQL refuses a statement.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    data_dir = folder / "data"
    with (
        heatproxy(data_dir, HEATPROXY_LOG_LEVEL="error") as (port, _),
        made(data_dir, port, rows) as bank,
    ):
        yield bank


@contextmanager
def made(data_dir: Path, port: int, rows: int) -> Iterator[Bank]:
    """The table and the model in a heatproxy that runs on a data directory.

    Raises:
        BenchFailed: MySQL refuses a statement.
    """
    account = read_option_file(data_dir / "client.cnf")
    where = backend_socket(data_dir)
    login = {"user": account.user, "password": account.password}
    with closing(answers.connect(unix_socket=where, **login)) as direct:
        try:
            with closing(
                answers.connect(unix_socket=where, **login, local_infile=True)
            ) as loading:
                features = _make(loading, data_dir, rows)
            through = answers.connect(host="127.0.0.1", port=port, **login)
            with closing(through):
                model = _train(through, account.user)
            yield Bank(account, port, where, rows, features, model)
        finally:
            run(direct, f"DROP DATABASE IF EXISTS {SCHEMA}")


def run(connection: Any, sql: str) -> answers.Answer:
    """A statement's answer.

    Raises:
        BenchFailed: it failed.
    """
    answer = answers.ask(connection, sql)
    if answer.error is not None:
        raise BenchFailed(f"{sql[:60]}: {answer.message}")
    return answer


def seconds(connection: Any, sql: str, turns: int, before: str | None = None) -> float:
    """How long a statement takes, the median; ``before`` is run before each."""
    taken = []
    for _ in range(turns):
        if before is not None:
            run(connection, before)
        began = time.perf_counter()
        run(connection, sql)
        taken.append(time.perf_counter() - began)
    return median(taken)


def _make(direct: Any, folder: Path, rows: int) -> list[str]:
    """The table of so many rows; the names of its features."""
    file = folder / "bank.csv"
    file.write_bytes(bank_marketing_csv(min(rows, DISTINCT_ROWS)))
    header = file.read_text().partition("\n")[0].replace('"', "")
    names = header.split(";")
    listed = ", ".join(map(quote_name, names))
    try:
        for sql in (
            f"DROP DATABASE IF EXISTS {SCHEMA}",
            f"CREATE DATABASE {SCHEMA}",
            f"CREATE TABLE {SCHEMA}.bank (id int AUTO_INCREMENT PRIMARY KEY, {_TABLE})",
            _LOAD.format(file=direct.escape(str(file)), columns=listed),
        ):
            run(direct, sql)
    except pymysql.Error as problem:
        raise BenchFailed(str(problem)) from problem
    finally:
        file.unlink()
    held = min(rows, DISTINCT_ROWS)
    while held < rows:
        more = min(held, rows - held)
        run(
            direct,
            f"INSERT INTO {SCHEMA}.bank ({listed}) SELECT {listed} FROM {SCHEMA}.bank"
            f" ORDER BY id LIMIT {more}",
        )
        held += more
    run(
        direct,
        f"CREATE TABLE {SCHEMA}.training SELECT {listed} FROM {SCHEMA}.bank"
        f" ORDER BY id LIMIT {TRAINING_ROWS}",
    )
    return [name for name in names if name != TARGET]


def _train(through: Any, user: str) -> Model:
    """A model of the rows, loaded; as stored in the catalog."""
    handle = f"'{HANDLE}'"
    run(through, "CALL sys.ML_CREATE_OR_UPGRADE_CATALOG()")
    catalog = quote_name(f"ML_SCHEMA_{user}")
    run(through, f"DELETE FROM {catalog}.MODEL_CATALOG WHERE model_handle = {handle}")
    run(through, f"SET @bench = {handle}")
    run(
        through,
        f"CALL sys.ML_TRAIN('{SCHEMA}.training', '{TARGET}',"
        f" CAST({quote_text(_TRAINED_BY)} AS JSON), @bench)",
    )
    run(through, f"CALL sys.ML_MODEL_LOAD({handle}, NULL)")
    pieces = run(
        through,
        f"SELECT model_object FROM {catalog}.model_object_catalog"
        f" WHERE model_handle = {handle} ORDER BY chunk_id",
    ).rows
    joined = chunks.Joined()
    for (piece,) in pieces:
        joined.add(piece or b"")
    return cast(Model, from_bytes(joined.data()))
