"""What heatproxy signs for itself is made once, is private, and is then kept."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from heatproxy.backend.certificates import TlsFolder

NAMES = {
    "ca.pem",
    "server-cert.pem",
    "server-key.pem",
    "private_key.pem",
    "public_key.pem",
}


def contents(folder: TlsFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.path.iterdir()}


def test_all_is_made_once(tmp_path: Path) -> None:
    folder = TlsFolder.of(tmp_path)
    folder.prepare()
    first = contents(folder)
    assert first.keys() == NAMES
    folder.prepare()
    assert contents(folder) == first


@pytest.mark.parametrize("name", ["server-cert.pem", "server-key.pem"])
def test_half_of_it_is_made_anew(tmp_path: Path, name: str) -> None:
    """A killed process may have left the key without its certificate."""
    folder = TlsFolder.of(tmp_path)
    folder.prepare()
    first = contents(folder)
    (folder.path / name).unlink()
    folder.prepare()
    second = contents(folder)
    changed = {found for found in NAMES if first[found] != second[found]}
    assert changed == {"ca.pem", "server-cert.pem", "server-key.pem"}


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    folder = TlsFolder.of(tmp_path)
    folder.prepare()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()}
    assert modes == {0o600}


def test_the_authority_signed_it_for_ten_years(tmp_path: Path) -> None:
    folder = TlsFolder.of(tmp_path)
    folder.prepare()
    ca, certificate = (
        x509.load_pem_x509_certificate(contents(folder)[name])
        for name in ("ca.pem", "server-cert.pem")
    )
    certificate.verify_directly_issued_by(ca)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    assert left > timedelta(days=3640)


def test_the_key_for_passwords_is_that_of_the_file(tmp_path: Path) -> None:
    folder = TlsFolder.of(tmp_path)
    folder.prepare()
    public = contents(folder)["public_key.pem"]
    assert folder.password_key().public_pem == public
    (folder.path / "private_key.pem").write_text("no key")
    with pytest.raises(ValueError, match=r".+"):
        folder.password_key()
