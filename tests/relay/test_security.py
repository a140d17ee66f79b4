"""Settings become certificates and terms; what cannot be used is refused by name."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from heatproxy.backend.certificates import TlsFolder, self_signed
from heatproxy.backend.reach import Leg
from heatproxy.backend.tls import client_context
from heatproxy.config import Config, ConfigError, load
from heatproxy.relay.security import Security
from heatproxy.relay.tls import TlsLayer

REMOTE = Leg(host="192.0.2.7")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    TlsFolder.of(tmp_path).prepare()
    return tmp_path


def config(data_dir: Path, **settings: Any) -> Config:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    return load(None, {"data_dir": data_dir, **given}, {})


def certificate(folder: Path, name: str = "own") -> dict[str, Path]:
    """Settings for another certificate than heatproxy's own."""
    _, *texts = self_signed()
    paths = {"tls__certificate": folder / f"{name}.pem", "tls__key": folder / "key.pem"}
    for path, text in zip(paths.values(), texts, strict=True):
        path.write_text(text)
    return paths


def seen_by_a_client(security: Security) -> bytes:
    """The certificate that a handshake shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client, server = TlsLayer(context, server=False), security.client_layer()
    said = client.send(b"")
    while said:
        _, answer = server.receive(said)
        _, said = client.receive(answer)
    found = client._tls.getpeercert(binary_form=True)
    assert found is not None
    return found


def in_file(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def test_without_settings_it_is_the_one_made_here(data_dir: Path) -> None:
    security = Security(config(data_dir), REMOTE)
    assert seen_by_a_client(security) == in_file(TlsFolder.of(data_dir).certificate)


def test_a_certificate_that_is_set_is_shown(data_dir: Path) -> None:
    settings = certificate(data_dir)
    security = Security(config(data_dir, **settings), REMOTE)
    assert seen_by_a_client(security) == in_file(settings["tls__certificate"])


def test_a_changed_file_is_shown_from_then_on(data_dir: Path) -> None:
    settings = certificate(data_dir)
    given = config(data_dir, **settings)
    security = Security(given, REMOTE)
    before = seen_by_a_client(security)
    certificate(data_dir)  # renewed in place
    assert seen_by_a_client(security) == before
    assert security.reload(given)
    after = seen_by_a_client(security)
    assert after == in_file(settings["tls__certificate"])
    assert after != before


@pytest.mark.parametrize("name", ["tls__certificate", "tls__key"])
def test_a_bad_file_leaves_the_one_before_in_use(
    data_dir: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = certificate(data_dir)
    given = config(data_dir, **settings)
    security = Security(given, REMOTE)
    before = seen_by_a_client(security)
    settings[name].write_text("half of a cert")
    assert not security.reload(given)
    assert seen_by_a_client(security) == before
    assert "stays in use" in caplog.text


def test_other_settings_hold_from_then_on(data_dir: Path) -> None:
    security = Security(config(data_dir), REMOTE)
    under_way = security.login()
    assert security.reload(config(data_dir, tls__require_secure_transport=True))
    assert security.login()._terms.requires_tls
    assert not under_way._terms.requires_tls
    assert security.reload(config(data_dir, tls__enabled=False))
    assert not security.login()._terms.offers_tls


def locked_key(folder: Path) -> dict[str, Path]:
    settings = certificate(folder)
    key = serialization.load_pem_private_key(settings["tls__key"].read_bytes(), None)
    settings["tls__key"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    return settings


def test_a_key_that_asks_for_a_passphrase_asks_nobody(data_dir: Path) -> None:
    with pytest.raises(ConfigError, match="passphrase"):
        Security(config(data_dir, **locked_key(data_dir)), REMOTE)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such certificate": ({"tls__certificate": "/nowhere.pem"}, "certificate for"),
    "a key for nothing": ({"tls__key": "/nowhere.pem"}, "without tls.certificate"),
    "no such authority": ({"tls__ca": "/nowhere.pem"}, "certificate for clients"),
    "TLS is to be had and not offered": (
        {"tls__enabled": False, "tls__require_secure_transport": True},
        "forbids",
    ),
    "an authority that nobody asks": (
        {"backend_tls__ca": "/nowhere.pem"},
        "verify is none",
    ),
    "no such authority of the backend": (
        {"backend_tls__ca": "/nowhere.pem", "backend_tls__verify": "ca"},
        "backend_tls.ca cannot be used",
    ),
}


@pytest.mark.parametrize(("settings", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(
    data_dir: Path, settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        Security(config(data_dir, **settings), REMOTE)


def test_without_its_key_for_passwords_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the key for passwords"):
        Security(config(tmp_path), REMOTE)


def test_a_certificate_of_a_client_is_asked_for_where_one_may_be_verified(
    data_dir: Path,
) -> None:
    ca = TlsFolder.of(data_dir).path / "ca.pem"
    security = Security(config(data_dir, tls__ca=ca), REMOTE)
    assert seen_by_a_client(security)  # one without a certificate comes in


@pytest.mark.parametrize(
    ("verify", "mode", "named"),
    [
        ("none", ssl.CERT_NONE, False),
        ("ca", ssl.CERT_REQUIRED, False),
        ("identity", ssl.CERT_REQUIRED, True),
    ],
)
def test_the_backends_certificate_is_verified_as_far_as_set(
    data_dir: Path, verify: str, mode: ssl.VerifyMode, named: bool
) -> None:
    context = client_context(config(data_dir, backend_tls__verify=verify).backend_tls)
    assert (context.verify_mode, context.check_hostname) == (mode, named)
