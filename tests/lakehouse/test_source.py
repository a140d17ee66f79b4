"""Fetching: what may be reached, what is found there, what survives a bad network."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from heatproxy.errors import MySQLError
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.hosts import host_allowed
from heatproxy.lakehouse.policy import SourcePolicy, redacted
from heatproxy.lakehouse.request import FileLocation
from heatproxy.lakehouse.source import Source
from heatproxy.lakehouse.streams import DataFile
from heatproxy.places import UrlRule

BODY = bytes(range(256)) * 1000
BUCKET = "/p/SECRET/n/ns/b/bkt/o/"


class Store(http.server.BaseHTTPRequestHandler):
    """An object store with the faults that tests ask for."""

    protocol_version = "HTTP/1.1"
    objects = ("a/1.csv", "a/2.csv", "b c.csv", "a/")

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        log: list[tuple[str, str]] = self.server.log  # type: ignore[attr-defined]
        log.append((self.path, self.headers.get("Range", "")))
        count = sum(1 for seen, _ in log if urlsplit(seen).path == path)
        if path == BUCKET:
            self._list()
        elif path.startswith(BUCKET):
            self._send(200, path.removeprefix(BUCKET).encode())
        elif path == "/drops":
            self._drop(count)
        elif path == "/changes":
            self._change(count)
        elif path == "/busy" and count < 3:
            self._send(503, b"later")
        elif path.startswith("/to/"):
            self._send(302, b"", Location=path.removeprefix("/to/"))
        elif path == "/flaky":
            self._flaky(count)
        elif path == "/gone":
            self._send(404, b"no")
        elif path == "/denied":
            self._send(403, b"no")
        else:
            self._send(200, BODY)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _list(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        prefix, start = query.get("prefix", [""])[0], query.get("start", [""])[0]
        names = sorted(n for n in self.objects if n.startswith(prefix) and n >= start)
        answer = {"objects": [{"name": name} for name in names[:2]]}
        if len(names) > 2:
            answer["nextStartWith"] = names[2]
        self._send(200, json.dumps(answer).encode())

    def _drop(self, count: int) -> None:
        """Ends every answer after 100,000 bytes; the tag stays the same."""
        wanted = self.headers.get("Range")
        have = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        assert not wanted or self.headers["If-Range"] == '"v1"'
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(BODY) - have))
        if wanted:
            last = len(BODY) - 1
            self.send_header("Content-Range", f"bytes {have}-{last}/{len(BODY)}")
        self.end_headers()
        self.wfile.write(BODY[have : have + 100_000])
        self.close_connection = True

    def _flaky(self, count: int) -> None:
        """Never whole, and without a tag: now more of it, now less."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: 1000 + 1000 * (count % 2)])
        self.close_connection = True

    def _change(self, count: int) -> None:
        """The first answer breaks; then the object is another one, sent whole."""
        body = BODY if count == 1 else BODY[::-1]
        self.send_response(200)
        self.send_header("ETag", f'"v{count}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000] if count == 1 else body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def store() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.log = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def listed(store: http.server.ThreadingHTTPServer, **more: object) -> SourcePolicy:
    return SourcePolicy(allowed_hosts=(f"127.0.0.1:{store.server_port}",), **more)


def at(store: http.server.ThreadingHTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{store.server_port}{path}"


def fetch(
    policy: SourcePolicy, *locations: FileLocation, dialect: Dialect | None = None
) -> tuple[list[bytes], tuple[DataFile, ...], list[int]]:
    pauses: list[float] = []
    with Source(policy, pause=pauses.append) as source:
        found = source.fetch(
            locations, dialect or Dialect(), lambda: False, lambda _: None
        )
        bodies = [file.path.read_bytes() for file in found]
        warnings = [one.number for one in source.warnings]
    assert not any(file.path.exists() for file in found if "heatproxy-" in str(file))
    return bodies, found, warnings


def error_of(policy: SourcePolicy, location: FileLocation) -> MySQLError:
    with pytest.raises(MySQLError) as error:
        fetch(policy, location)
    return error.value


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:a9fe:a9fe::1", False),
    ],
)
def test_an_address_is_public_or_not(address: str, public: bool) -> None:
    assert host_allowed("x", 443, address, ["*"]) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:9/x",
        "http://[::ffff:127.0.0.1]:9/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://localhost:9/x",
        "ftp://example.com/x",
        "gopher://example.com/x",
        "file:///etc/passwd",
        "file://host/etc/passwd",
        "http:///x",
        "http://[bad/x",
        "http://bücher.example/x",
        "http://a b/x",
        "http://h:99999/x",
        "x",
    ],
)
def test_a_location_that_is_not_allowed_is_6128_without_a_request(url: str) -> None:
    error = error_of(SourcePolicy(), FileLocation(par=url))
    assert (error.number, error.sqlstate) == (6128, "HY000")
    assert error.message.startswith("Unable to access the following data locations: ")


def test_a_redirect_is_checked_like_the_url_itself(
    store: http.server.ThreadingHTTPServer,
) -> None:
    for target in ("http://169.254.169.254/x", "file:///etc/passwd", "http://[::1]/"):
        error = error_of(listed(store), FileLocation(par=at(store, f"/to/{target}")))
        assert error.number == 6128


def test_a_redirect_to_an_allowed_place_is_followed(
    store: http.server.ThreadingHTTPServer,
) -> None:
    bodies, _, _ = fetch(listed(store), FileLocation(par=at(store, "/to//whole")))
    assert bodies == [BODY]


def test_a_listed_host_may_be_private_but_not_at_another_port(
    store: http.server.ThreadingHTTPServer,
) -> None:
    policy = SourcePolicy(allowed_hosts=(f"127.0.0.1:{store.server_port + 1}",))
    assert error_of(policy, FileLocation(par=at(store, "/x"))).number == 6128
    assert not store.log  # type: ignore[attr-defined]


def test_a_dropped_connection_is_taken_up_where_it_broke(
    store: http.server.ThreadingHTTPServer,
) -> None:
    bodies, found, _ = fetch(listed(store), FileLocation(par=at(store, "/drops")))
    assert bodies == [BODY]
    assert found[0].size_bytes == len(BODY)
    ranges = [wanted for _, wanted in store.log]  # type: ignore[attr-defined]
    assert ranges == ["", "bytes=100000-", "bytes=200000-"]


def test_an_object_that_changed_meanwhile_starts_again(
    store: http.server.ThreadingHTTPServer,
) -> None:
    bodies, _, _ = fetch(listed(store), FileLocation(par=at(store, "/changes")))
    assert bodies == [BODY[::-1]]


def test_a_busy_server_is_asked_again(store: http.server.ThreadingHTTPServer) -> None:
    bodies, _, _ = fetch(listed(store), FileLocation(par=at(store, "/busy")))
    assert bodies == [BODY]


def test_a_server_that_never_finishes_is_given_up(
    store: http.server.ThreadingHTTPServer,
) -> None:
    error = error_of(listed(store), FileLocation(par=at(store, "/flaky")))
    assert (error.number, "connection broke" in error.message) == (6128, True)
    assert len(store.log) <= 6  # type: ignore[attr-defined]


def test_a_refusal_is_final_and_shows_no_token(
    store: http.server.ThreadingHTTPServer,
) -> None:
    error = error_of(listed(store), FileLocation(par=at(store, "/denied?token=SECRET")))
    assert "403" in error.message
    assert "SECRET" not in error.message
    assert len(store.log) == 1  # type: ignore[attr-defined]


def test_a_missing_file_is_6068_unless_it_may_be_missing(
    store: http.server.ThreadingHTTPServer,
) -> None:
    url = at(store, "/gone")
    assert error_of(listed(store), FileLocation(par=url)).number == 6068
    assert (
        fetch(listed(store), FileLocation(par=url, allow_missing_files=True))[0] == []
    )
    lenient = Dialect(allow_missing_files=True)
    assert fetch(listed(store), FileLocation(par=url), dialect=lenient)[0] == []
    strict = FileLocation(par=url, allow_missing_files=False)
    with pytest.raises(MySQLError):  # the item's word comes before the dialect's
        fetch(listed(store), strict, dialect=lenient)


def test_an_object_over_the_limit_is_refused(
    store: http.server.ThreadingHTTPServer,
) -> None:
    policy = listed(store, max_file_bytes=1000)
    error = error_of(policy, FileLocation(par=at(store, "/whole")))
    assert "larger than 1000 bytes" in error.message


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({}, ["a/1.csv", "a/2.csv", "b c.csv"]),
        ({"prefix": "a/"}, ["a/1.csv", "a/2.csv"]),
        ({"name": "b c.csv"}, ["b%20c.csv"]),
        ({"pattern": r".*/[12]\.csv"}, ["a/1.csv", "a/2.csv"]),
        ({"pattern": "a"}, None),
    ],
)
def test_a_bucket_url_is_listed_page_by_page(
    store: http.server.ThreadingHTTPServer, selector: dict, names: list[str] | None
) -> None:
    location = FileLocation(par=at(store, BUCKET), **selector)
    if names is None:
        error = error_of(listed(store), location)
        assert error.number == 6068
        assert error.message.endswith("/o/a.")  # what was selected
        return
    bodies, found, _ = fetch(listed(store), location)
    assert [body.decode().replace("%20", " ") for body in bodies] == [
        name.replace("%20", " ") for name in names
    ]
    assert all("SECRET" not in file.display for file in found)
    assert found[0].display.endswith("in namespace: ns, bucket: bkt}")


@pytest.mark.parametrize(
    ("tail", "count"),
    [("a/", 2), ("a/*.csv", 2), ("*", 3), ("a/1.csv", 1), ("a/?.csv", 2), ("?/1*", 1)],
)
def test_a_uri_is_a_prefix_a_glob_or_one_object(
    store: http.server.ThreadingHTTPServer, tail: str, count: int
) -> None:
    bodies, _, _ = fetch(listed(store), FileLocation(uri=at(store, BUCKET + tail)))
    assert len(bodies) == count


def test_an_object_named_twice_is_read_once_with_a_warning(
    store: http.server.ThreadingHTTPServer,
) -> None:
    one = FileLocation(par=at(store, "/whole"))
    bodies, _, warnings = fetch(listed(store), one, one)
    assert (len(bodies), warnings) == (1, [6070])


@pytest.mark.parametrize(
    "location",
    [
        FileLocation(bucket="b", namespace="n", region="r", name="x"),
        FileLocation(uri="oci://b@n/x"),
    ],
)
def test_buckets_are_refused_by_name(location: FileLocation) -> None:
    error = error_of(SourcePolicy(), location)
    assert error.number == 6067
    assert "buckets: b." in error.message
    assert "lakehouse.allowed_buckets" in error.message


PAR_OF_A_LAB = "https://objectstorage.eu-x-1.oraclecloud.com/p/T0ken/n/ns/b/bkt/o/"
PLACES = ("https://objectstorage.*.oraclecloud.com/p/*/n/ns/b/bkt/o/", "oci://bkt@ns/")


@pytest.mark.parametrize(
    "location",
    [
        FileLocation(par=PAR_OF_A_LAB + "a.csv"),
        FileLocation(par=PAR_OF_A_LAB, name="a.csv"),
        FileLocation(par=PAR_OF_A_LAB, prefix="a"),
        FileLocation(bucket="bkt", namespace="ns", region="r", name="a.csv"),
        FileLocation(bucket="bkt", namespace="ns", pattern="a.*"),
        FileLocation(uri="oci://bkt@ns/a.csv"),
        FileLocation(uri="oci://bkt@ns/*.csv"),
    ],
)
def test_what_a_script_names_can_be_elsewhere(
    tmp_path: Path, location: FileLocation
) -> None:
    (tmp_path / "a.csv").write_text("1,2\n")
    rules = tuple(UrlRule(place, f"file://{tmp_path}/") for place in PLACES)
    policy = SourcePolicy(allowed_folders=(tmp_path,), url_mapping=rules)
    bodies, _, _ = fetch(policy, location)
    assert bodies == [b"1,2\n"]


def test_where_a_rule_leads_the_policy_holds(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2\n")
    rule = UrlRule("oci://bkt@ns/", f"file://{tmp_path}/")
    here = SourcePolicy(allowed_folders=(tmp_path / "x",), url_mapping=(rule,))
    assert error_of(here, FileLocation(uri="oci://bkt@ns/a.csv")).number == 6128
    inside = SourcePolicy(allowed_folders=(tmp_path,), url_mapping=(rule,))
    assert error_of(inside, FileLocation(uri="oci://other@ns/a.csv")).number == 6067
    assert error_of(inside, FileLocation(uri="oci://bkt@ns/../a.csv")).number == 6128


def test_local_files_are_read_inside_an_allowed_folder_only(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "a b.csv").write_bytes(b"1")
    (outside / "s.csv").write_bytes(b"2")
    (inside / "link.csv").symlink_to(outside / "s.csv")
    policy = SourcePolicy(allowed_folders=(inside,))
    good = FileLocation(par=f"file://{inside}/a%20b.csv")
    assert fetch(policy, good)[0] == [b"1"]
    for bad in ("link.csv", "../out/s.csv", "%2e%2e/out/s.csv", "*.csv"):
        assert (
            error_of(policy, FileLocation(uri=f"file://{inside}/{bad}")).number == 6128
        )
    (inside / "link.csv").unlink()
    assert fetch(policy, FileLocation(uri=f"file://{inside}/*.csv"))[0] == [b"1"]
    assert fetch(policy, FileLocation(par=f"file://{inside}/", prefix="a"))[0] == [b"1"]
    missing = FileLocation(par=f"file://{inside}/none.csv")
    assert error_of(policy, missing).number == 6068


def test_a_url_is_shown_without_its_secrets() -> None:
    url = "https://u:pw@h.com:1/p/TOKEN/n/ns/b/bkt/o/x.csv?sig=S#F"
    assert redacted(url) == "https://h.com:1/p/.../n/ns/b/bkt/o/x.csv"
