"""The demo's object store answers a PAR as the real one does."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from heatproxy.objectstore import ObjectStore

CONTENT = bytes(range(100))
BASE = "/p/to%2Fken/n/ns/b/bucket/o"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    file = tmp_path / "on_disk"
    file.write_bytes(CONTENT)
    objects: dict[str, bytes | Path] = {
        "data/a b+é.csv": b"hello",
        "data/bytes": CONTENT,
        "data/file": file,
        "empty": b"",
    }
    with ObjectStore(
        objects, token="to/ken", namespace="ns", bucket="bucket"
    ) as running:
        yield running


def request(
    store: ObjectStore, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(*store.address, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def listed(store: ObjectStore, query: str) -> dict[str, object]:
    status, _, body = request(store, f"{BASE}/?{query}")
    assert status == 200
    found: dict[str, object] = json.loads(body)
    return found


def test_an_object_is_at_its_url(store: ObjectStore) -> None:
    url = store.url("data/a b+é.csv")
    host, port = store.address
    assert host == "127.0.0.1"
    assert url == f"http://{host}:{port}{BASE}/data/a%20b%2B%C3%A9.csv"
    status, headers, body = request(store, url.removeprefix(f"http://{host}:{port}"))
    assert (status, body) == (200, b"hello")
    assert headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("name", ["data/bytes", "data/file"])
@pytest.mark.parametrize(
    ("wanted", "status", "start", "stop"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=90-", 206, 90, 100),
        ("bytes=-5", 206, 95, 100),
        ("bytes=-500", 200, 0, 100),
        ("bytes=95-500", 206, 95, 100),
        ("bytes=0-99", 200, 0, 100),
        ("bytes=9-3", 200, 0, 100),
        ("bytes=0-1,5-6", 200, 0, 100),
        ("lines=0-1", 200, 0, 100),
    ],
)
def test_a_range_is_that_part_of_the_object(
    store: ObjectStore, name: str, wanted: str, status: int, start: int, stop: int
) -> None:
    for method, body in (("GET", CONTENT[start:stop]), ("HEAD", b"")):
        answer = request(store, f"{BASE}/{name}", method, Range=wanted)
        assert (answer[0], answer[2]) == (status, body)
        assert answer[1]["Content-Length"] == str(stop - start)
        if status == 206:
            assert answer[1]["Content-Range"] == f"bytes {start}-{stop - 1}/100"


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=-0"])
def test_a_range_outside_the_object_is_refused(store: ObjectStore, wanted: str) -> None:
    status, headers, _ = request(store, f"{BASE}/data/file", Range=wanted)
    assert (status, headers["Content-Range"]) == (416, "bytes */100")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{BASE}/none", "ObjectNotFound"),
        ("/p/other/n/ns/b/bucket/o/empty", "BucketNotFound"),
        ("/", "BucketNotFound"),
    ],
)
def test_what_is_not_there_is_404(store: ObjectStore, path: str, code: str) -> None:
    status, _, body = request(store, path)
    assert (status, json.loads(body)["code"]) == (404, code)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["data/a b+é.csv", "data/bytes", "data/file", "empty"]),
        ("prefix=data/b", ["data/bytes"]),
        ("prefix=data%2Fa%20b", ["data/a b+é.csv"]),
        ("prefix=zzz", []),
        ("start=data/file", ["data/file", "empty"]),
        ("end=data/file", ["data/a b+é.csv", "data/bytes"]),
    ],
)
def test_the_bucket_lists_its_objects(
    store: ObjectStore, query: str, names: list[str]
) -> None:
    assert listed(store, query) == {
        "objects": [{"name": name} for name in names],
        "prefixes": [],
    }


def test_a_long_listing_goes_on_where_it_says(store: ObjectStore) -> None:
    first = listed(store, "limit=3&fields=name,size")
    assert first["objects"][2] == {"name": "data/file", "size": 100}  # type: ignore[index]
    assert first["nextStartWith"] == "empty"
    second = listed(store, f"limit=3&start={first['nextStartWith']}")
    assert second == {"objects": [{"name": "empty"}], "prefixes": []}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "delimiter=/"])
def test_a_listing_it_cannot_make_is_refused(store: ObjectStore, query: str) -> None:
    assert request(store, f"{BASE}/?{query}")[0] == 400


def test_it_is_read_only(store: ObjectStore) -> None:
    assert request(store, f"{BASE}/empty", "PUT")[0] == 501
    assert request(store, f"{BASE}/empty", "HEAD")[1]["Content-Length"] == "0"


def test_stopping_ends_connections_that_are_kept_alive(tmp_path: Path) -> None:
    store = ObjectStore({"a": b"x"})
    store.start()
    connection = http.client.HTTPConnection(*store.address, timeout=30)
    for _ in range(2):  # two requests on one connection
        connection.request("GET", store.path + "/a")
        assert connection.getresponse().read() == b"x"
    store.stop()
    store.stop()
    connection.request("GET", store.path + "/a")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        connection.getresponse()
    connection.close()
    with pytest.raises(RuntimeError, match="not been started"):
        store.url("a")
