"""Delta tables: their newest rows, partitions, and what is refused."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import deltalake
import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from heatproxy.lakehouse import reader
from heatproxy.lakehouse.dialect import parse_dialect
from heatproxy.lakehouse.policy import SourcePolicy
from heatproxy.lakehouse.request import FileLocation
from heatproxy.lakehouse.source import Source
from heatproxy.lakehouse.streams import DataFile
from heatproxy.objectstore import ObjectStore

DELTA = parse_dialect({"format": "delta"}, "t")
PEOPLE = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int32()),
        "name": ["ann", "bob", None],
        "town": ["a b", "a b", "y"],
    }
)
NEWEST = [
    {"id": 1, "name": "ann", "town": "a b"},
    {"id": 1, "name": "ann", "town": "a b"},
    {"id": 3, "name": None, "town": "y"},
]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A partitioned table of three versions: bob has gone, ann is there twice."""
    folder = tmp_path / "people"
    deltalake.write_deltalake(folder, PEOPLE, partition_by=["town"])
    deltalake.write_deltalake(folder, PEOPLE.slice(0, 1), mode="append")
    deltalake.DeltaTable(folder).delete("id = 2")
    return folder


def files_of(folder: Path) -> tuple[DataFile, ...]:
    """What a URI of the folder names."""
    policy = SourcePolicy(allowed_folders=(folder,))
    location = FileLocation(uri=f"file://{folder}/")
    with Source(policy) as source:
        return source.fetch([location], DELTA, lambda: False, lambda _: None)


def rows_of(policy: SourcePolicy, location: FileLocation) -> list[dict[str, object]]:
    """What is read of a table, in order."""
    with Source(policy) as source:
        files = source.fetch([location], DELTA, lambda: False, lambda _: None)
        columns = reader.infer(files, DELTA).columns
        table = reader.open_table(files, DELTA, columns).reader.read_all()
    return sorted(table.to_pylist(), key=str)


def objects_of(folder: Path) -> dict[str, bytes]:
    """The files of a table, by the names that they have in a bucket."""
    return {
        f"lake/people/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(files: tuple[DataFile, ...]) -> MySQLError:
    with pytest.raises(MySQLError) as caught:
        reader.infer(files, DELTA)
    return caught.value


def test_the_newest_version_is_read_with_its_partitions(people: Path) -> None:
    files = files_of(people)
    found = reader.infer(files, DELTA)
    assert [(c.name, c.type.sql()) for c in found.columns] == [
        *(("id", "int"), ("name", "varchar(3)"), ("town", "varchar(3)"))
    ]
    rows = reader.open_table(files, DELTA, found.columns).reader.read_all()
    assert sorted(rows.to_pylist(), key=str) == NEWEST


@pytest.mark.parametrize(
    "location",
    [{"prefix": "lake/people/"}, {"pattern": "lake/people/.*"}],
    ids=lambda given: next(iter(given)),
)
def test_a_table_is_read_over_http(people: Path, location: dict[str, str]) -> None:
    objects: dict[str, bytes | Path] = {"lake/other.parquet": b"PAR1"}
    with ObjectStore(objects | objects_of(people)) as store:
        host, port = store.address
        policy = SourcePolicy(allowed_hosts=(f"{host}:{port}",))
        where = FileLocation(par=store.bucket_url, **location)
        assert rows_of(policy, where) == NEWEST
        by_uri = FileLocation(uri=f"{store.bucket_url}lake/people/")
        assert rows_of(policy, by_uri) == NEWEST


def test_a_table_is_read_from_a_bucket(people: Path, s3: str) -> None:
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    client.create_bucket(Bucket="deltas")
    for name, body in objects_of(people).items():
        client.put_object(Bucket="deltas", Key=name, Body=body)
    client.close()
    host = urlsplit(s3).netloc
    policy = SourcePolicy(
        allowed_hosts=(host,), allowed_buckets=("s3://deltas",), s3_endpoint=s3
    )
    for where in (
        FileLocation(uri="s3://deltas/lake/people/"),
        FileLocation(bucket="deltas", prefix="lake/people/"),
    ):
        assert rows_of(policy, where) == NEWEST


def test_it_can_be_cancelled(people: Path) -> None:
    files = files_of(people)
    columns = reader.infer(files, DELTA).columns
    reading = reader.open_table(files, DELTA, columns, cancelled=lambda: True)
    with pytest.raises(MySQLError) as caught:
        reading.reader.read_all()
    assert caught.value.number == 1317


def test_a_folder_without_a_log_is_no_delta_table(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    error = refused(files_of(tmp_path))
    assert error.number == 6522
    assert "there are 0 folders" in error.message


def test_a_damaged_log_is_an_error(people: Path) -> None:
    for log in (people / "_delta_log").glob("*.json"):
        log.write_text("{")
    assert refused(files_of(people)).number == 6522


@pytest.mark.parametrize("place", ["../secret.parquet", "file:///etc/passwd"])
def test_a_log_that_names_other_places_is_refused(people: Path, place: str) -> None:
    (people.parent / "secret.parquet").write_bytes(b"PAR1")
    log = people / "_delta_log" / "00000000000000000003.json"
    log.write_text(
        '{"add": {"path": "' + place + '", "partitionValues": {"town": "y"},'
        ' "size": 4, "modificationTime": 0, "dataChange": true}}\n'
    )
    assert refused(files_of(people)).number == 6522


def test_without_deltalake_the_extra_is_named(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    error = refused(files_of(people))
    assert error.number == 1235
    assert "heatproxy[delta]" in error.message
