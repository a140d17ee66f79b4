"""The RSA key under which a password travels over a connection that is not secure.

The server's end of caching_sha2_password and sha256_password, where heatproxy stands
for the server, and the client's end, where it stands for the client.

Source: MySQL Source Code Documentation, "caching_sha2_password", "sha256_password".
"""

from itertools import cycle

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from heatproxy.errors import ProtocolError

KEY_BITS = 2048  # as mysqld's own
_OAEP = padding.OAEP(
    # the protocol fixes SHA-1 here
    mgf=padding.MGF1(algorithm=hashes.SHA1()),  # noqa: S303
    algorithm=hashes.SHA1(),  # noqa: S303
    label=None,
)


class PasswordKey:
    """A key pair; ``public_pem`` is what a client asks for."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private
        self.public_pem = private.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )

    @classmethod
    def new(cls) -> "PasswordKey":
        """Another key; this takes a tenth of a second or more."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS))

    @classmethod
    def from_pem(cls, pem: bytes) -> "PasswordKey":
        """The key of a PEM file without a passphrase.

        Raises:
            ValueError: it holds no such RSA key.
        """
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (TypeError, UnsupportedAlgorithm) as problem:
            raise ValueError(str(problem)) from None
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("it is not an RSA key")
        return cls(private)

    def to_pem(self) -> bytes:
        """The private key, as a file of it holds it."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def decrypt(self, wrapped: bytes, scramble: bytes) -> bytes:
        """The password, NUL at its end, out of its RSA and XOR wrapping.

        Raises:
            ProtocolError: it was wrapped for another key, or is no wrapped password.
        """
        try:
            mixed = self._private.decrypt(wrapped, _OAEP)
        except ValueError:
            raise ProtocolError("the encrypted password cannot be read") from None
        return _mixed(mixed, scramble)


def encrypt(password: bytes, scramble: bytes, public_pem: bytes) -> bytes:
    """A password, NUL at its end, wrapped for the owner of a public key.

    Raises:
        ProtocolError: that is no RSA key, or too short a one for this password.
    """
    try:
        key = serialization.load_pem_public_key(public_pem)
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("no RSA key")
        return key.encrypt(_mixed(password, scramble), _OAEP)
    except (ValueError, UnsupportedAlgorithm):
        raise ProtocolError("the backend's key cannot take the password") from None


def _mixed(password: bytes, scramble: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(password, cycle(scramble), strict=False))
