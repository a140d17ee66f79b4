"""A key of OCI's: read from the file its tools keep, and used to sign requests.

Source: OCI, "SDK and CLI Configuration File", "Request Signatures" (version 1 of
draft-cavage-http-signatures-08).
"""

import base64
import configparser
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

NEEDED = ("tenancy", "user", "fingerprint", "key_file", "region")


class BadOciConfig(Exception):
    """The file cannot be used; the message says why and has no secret in it."""


@dataclass(frozen=True, slots=True)
class OciKey:
    """One profile's key."""

    key_id: str
    region: str
    private: RSAPrivateKey

    @classmethod
    def read(cls, path: Path, profile: str) -> "OciKey":
        """A profile of a configuration file.

        Raises:
            BadOciConfig: the file, the profile or its key cannot be read.
        """
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(path.read_text())
        except (OSError, UnicodeDecodeError):
            raise BadOciConfig(f"{path} cannot be read") from None
        except configparser.Error:
            raise BadOciConfig(f"{path} is no configuration file of OCI's") from None
        found = dict(parser.defaults())
        if profile != parser.default_section:
            if not parser.has_section(profile):
                raise BadOciConfig(f"{path} has no profile {profile}")
            found |= dict(parser.items(profile))
        missing = [name for name in NEEDED if not found.get(name)]
        if missing:
            raise BadOciConfig(f"profile {profile} lacks {', '.join(missing)}")
        who = "/".join(found[name] for name in NEEDED[:3])
        pass_phrase = found.get("pass_phrase")
        file = Path(found["key_file"]).expanduser()
        return cls(who, found["region"], _private(file, pass_phrase))

    def headers(self, url: str) -> list[tuple[bytes, bytes]]:
        """What a GET of the URL must carry; it is good for some minutes."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        date = formatdate(usegmt=True)
        signed = f"date: {date}\n(request-target): get {target}\nhost: {parts.netloc}"
        signature = self.private.sign(
            signed.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        text = (
            f'Signature version="1",keyId="{self.key_id}",algorithm="rsa-sha256",'
            'headers="date (request-target) host",'
            f'signature="{base64.b64encode(signature).decode()}"'
        )
        return [(b"Date", date.encode()), (b"Authorization", text.encode())]


def _private(path: Path, pass_phrase: str | None) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(
            path.read_bytes(), pass_phrase.encode() if pass_phrase else None
        )
    except OSError:
        raise BadOciConfig(f"{path} cannot be read") from None
    except (ValueError, TypeError):
        raise BadOciConfig(
            f"{path} is no private key, or for another pass phrase"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise BadOciConfig(f"{path} is no RSA key")
    return key
