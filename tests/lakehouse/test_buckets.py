"""Buckets by heatproxy's own credentials: S3's protocol, and OCI's signatures."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from heatproxy.errors import MySQLError
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.oci import BadOciConfig, OciKey
from heatproxy.lakehouse.policy import SourcePolicy
from heatproxy.lakehouse.request import FileLocation
from heatproxy.lakehouse.source import Source
from tests.lakehouse.conftest import OBJECTS


def bodies(policy: SourcePolicy, location: FileLocation) -> list[bytes]:
    with Source(policy) as source:
        found = source.fetch([location], Dialect(), lambda: False, lambda _: None)
        return [file.path.read_bytes() for file in found]


def number(policy: SourcePolicy, location: FileLocation) -> int:
    with pytest.raises(MySQLError) as error:
        bodies(policy, location)
    assert "tests-secret" not in error.value.message
    assert "Signature" not in error.value.message
    return error.value.number


# --- S3 -----------------------------------------------------------------------------


def of_s3(endpoint: str, *buckets: str) -> SourcePolicy:
    host = urlsplit(endpoint).netloc
    return SourcePolicy(
        allowed_hosts=(host,), allowed_buckets=buckets, s3_endpoint=endpoint
    )


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        (FileLocation(uri="s3://bkt/a/1.csv"), [b"one"]),
        (FileLocation(uri="s3://bkt/a/"), [b"one", b"two"]),
        (FileLocation(uri="s3://bkt/a/*2.csv"), [b"two"]),
        (FileLocation(uri="s3://bkt/"), [b"odd", b"one", b"two", b"z"]),
        (FileLocation(bucket="bkt", region="eu-west-1", name="z"), [b"z"]),
        (FileLocation(bucket="bkt", prefix="a/"), [b"one", b"two"]),
        (FileLocation(bucket="bkt", prefix="a"), [b"odd", b"one", b"two"]),
        (FileLocation(bucket="bkt", pattern="a/[0-9]+.csv"), [b"one", b"two"]),
        (FileLocation(bucket="bkt", name="a b/\u00e4?.csv"), [b"odd"]),
    ],
)
def test_s3_objects_are_read_by_every_way_to_name_them(
    s3: str, location: FileLocation, wanted: list[bytes]
) -> None:
    assert bodies(of_s3(s3, "s3://bkt"), location) == wanted


def test_s3_refuses_what_is_not_allowed_or_not_there(s3: str) -> None:
    one = FileLocation(uri="s3://bkt/a/1.csv")
    assert number(of_s3(s3), one) == 6067
    assert number(of_s3(s3, "s3://other", "oci://bkt@x"), one) == 6067
    assert bodies(of_s3(s3, "s3://b*"), one) == [b"one"]
    allowed = of_s3(s3, "s3://*")
    assert number(allowed, FileLocation(uri="s3://bkt/none")) == 6068
    assert number(allowed, FileLocation(uri="s3://bkt/none/")) == 6068
    assert number(allowed, FileLocation(uri="s3://nobody/x/")) == 6128
    closed = SourcePolicy(allowed_buckets=("s3://*",), s3_endpoint=s3)
    assert number(closed, one) == 6128  # loopback is no public address


# --- OCI ----------------------------------------------------------------------------

REALM = "ocid1.tenancy.x/ocid1.user.y/11:22"


class Oci(http.server.BaseHTTPRequestHandler):
    """Object storage that serves only what is signed, checked by the public key."""

    def do_GET(self) -> None:
        server: SigningServer = self.server  # type: ignore[assignment]
        text = self.headers.get("Authorization", "")
        parts = dict(
            one.split("=", 1) for one in text.removeprefix("Signature ").split(",")
        )
        signed = (
            f"date: {self.headers['Date']}\n(request-target): get {self.path}\n"
            f"host: {self.headers['Host']}"
        )
        try:
            server.public.verify(
                base64.b64decode(parts["signature"].strip('"')),
                signed.encode(),
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
            assert parts["keyId"] == f'"{REALM}"'
        except (InvalidSignature, KeyError):
            self.send_error(401)
            return
        where = urlsplit(self.path)
        if where.path == "/n/ns/b/bkt/o/":
            prefix = parse_qs(where.query).get("prefix", [""])[0]
            names = sorted(name for name in OBJECTS if name.startswith(prefix))
            body = json.dumps({"objects": [{"name": name} for name in names]}).encode()
        else:
            body = OBJECTS[where.path.removeprefix("/n/ns/b/bkt/o/")]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class SigningServer(http.server.ThreadingHTTPServer):
    """It knows the key that requests are signed with."""

    public: rsa.RSAPublicKey


@pytest.fixture
def oci(tmp_path: Path) -> Iterator[SourcePolicy]:
    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    tenancy, user, fingerprint = REALM.split("/")
    (tmp_path / "config").write_text(
        f"[DEFAULT]\nuser={user}\nfingerprint={fingerprint}\ntenancy={tenancy}\n"
        f"region=eu-x-1\nkey_file={tmp_path}/key.pem\n[OTHER]\nregion=r\n"
    )
    server = SigningServer(("127.0.0.1", 0), Oci)
    server.public = key.public_key()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield SourcePolicy(
        allowed_hosts=("127.0.0.1",),
        allowed_buckets=("oci://bkt@ns",),
        oci_config=tmp_path / "config",
        oci_endpoint=f"http://127.0.0.1:{server.server_port}",
    )
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        (FileLocation(bucket="bkt", namespace="ns", region="r", name="z"), [b"z"]),
        (FileLocation(bucket="bkt", namespace="ns", prefix="a/"), [b"one", b"two"]),
        (FileLocation(uri="oci://bkt@ns/a/*1.csv"), [b"one"]),
    ],
)
def test_oci_buckets_are_read_with_signed_requests(
    oci: SourcePolicy, location: FileLocation, wanted: list[bytes]
) -> None:
    assert bodies(oci, location) == wanted


def test_an_oci_bucket_without_its_namespace_is_told_what_it_lacks(
    oci: SourcePolicy,
) -> None:
    with pytest.raises(MySQLError, match="write oci://BUCKET@NAMESPACE/"):
        bodies(oci, FileLocation(uri="oci://bkt/z"))


def test_oci_buckets_that_are_not_allowed_are_6067(oci: SourcePolicy) -> None:
    assert number(oci, FileLocation(uri="oci://bkt@other/z")) == 6067
    assert number(oci, FileLocation(uri="oci://other@ns/z")) == 6067


@pytest.mark.parametrize(
    ("config", "profile", "why"),
    [
        (None, "DEFAULT", "cannot be read"),
        ("no file of that kind", "DEFAULT", "no configuration file"),
        ("[DEFAULT]\nuser=x\n", "DEFAULT", "lacks tenancy, fingerprint, key_file"),
        ("[DEFAULT]\nuser=x\n", "OTHER", "no profile OTHER"),
    ],
)
def test_a_configuration_of_ocis_that_cannot_be_used_says_why(
    tmp_path: Path, config: str | None, profile: str, why: str
) -> None:
    path = tmp_path / "config"
    if config is not None:
        path.write_text(config)
    with pytest.raises(BadOciConfig, match=why):
        OciKey.read(path, profile)
