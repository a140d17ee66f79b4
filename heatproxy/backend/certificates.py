"""What stands in DIR/tls: keys and certificates that heatproxy has made for itself.

DIR/tls/ca.pem           signs the certificate; clients may be given it to verify
DIR/tls/server-cert.pem  what clients see when no other certificate is set
DIR/tls/server-key.pem   its key
DIR/tls/private_key.pem  for passwords of clients without TLS; public_key.pem is its
                         other half, for mysql's --server-public-key-path

The names are mysqld's, and as there all is made on the first start and then kept.
"""

import ipaddress
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from heatproxy.backend.credentials import write_private
from heatproxy.wire.password_key import PasswordKey

VALID_DAYS = 3650
LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class TlsFolder:
    """Where the files of a data directory are."""

    path: Path

    @classmethod
    def of(cls, data_dir: Path) -> "TlsFolder":
        return cls(data_dir / "tls")

    @property
    def certificate(self) -> Path:
        return self.path / "server-cert.pem"

    @property
    def key(self) -> Path:
        return self.path / "server-key.pem"

    def prepare(self) -> None:
        """Make what is missing. Only one process at a time may do so."""
        self.path.mkdir(exist_ok=True, mode=0o700)
        if not (self.certificate.exists() and self.key.exists()):
            ca, certificate, key = self_signed()
            write_private(self.path / "ca.pem", ca)
            write_private(self.key, key)
            write_private(self.certificate, certificate)
        if not (self.path / "private_key.pem").exists():
            made = PasswordKey.new()
            write_private(self.path / "public_key.pem", made.public_pem.decode())
            write_private(self.path / "private_key.pem", made.to_pem().decode())

    def password_key(self) -> PasswordKey:
        """The key for passwords.

        Raises:
            ValueError: the file holds none.
            OSError: it cannot be read.
        """
        return PasswordKey.from_pem((self.path / "private_key.pem").read_bytes())


def self_signed() -> tuple[str, str, str]:
    """PEM texts of a new authority, a certificate that it has signed, and its key.

    The authority's own key is not kept: nobody can sign anything else with it.
    """
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _name("heatproxy_Auto_Generated_CA_Certificate")
    authority = (
        _builder(ca_name, ca_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName(name) for name in dict.fromkeys(_host_names())]
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in LOOPBACK]
    name = _name("heatproxy_Auto_Generated_Server_Certificate")
    certificate = (
        _builder(name, ca_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                authority_key.public_key()
            ),
            critical=False,
        )
        .add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.SubjectAlternativeName([*names, *addresses]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (
        authority.public_bytes(encoding).decode(),
        certificate.public_bytes(encoding).decode(),
        private.decode(),
    )


def _host_names() -> list[str]:
    own = socket.gethostname()
    return ["localhost", *([own] if own.isascii() and own else [])]


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
