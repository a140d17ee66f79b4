"""How a session's two legs are secured: settings made into TLS contexts and terms.

``reload`` takes changed settings and changed files; sessions that are under way keep
what they began with.
"""

import logging
import ssl

from heatproxy.backend.certificates import TlsFolder
from heatproxy.backend.reach import Leg
from heatproxy.backend.tls import VERSIONS, client_context
from heatproxy.config import Config, ConfigError, TlsConfig
from heatproxy.relay.tls import TlsLayer
from heatproxy.wire.login import BackendTls, Login, Terms

log = logging.getLogger(__name__)


class Security:
    """What the sessions of one relay process have of it in common.

    Raises:
        ConfigError: a file that the settings name cannot be used.
    """

    def __init__(self, config: Config, leg: Leg) -> None:
        self._folder = TlsFolder.of(config.data_dir)
        self._hostname = None if leg.socket is not None else leg.host
        self._unix, self._local = leg.socket is not None, leg.local
        try:
            self._key = self._folder.password_key()
        except (OSError, ValueError) as problem:
            raise ConfigError(f"the key for passwords: {problem}") from None
        self._to_backend = client_context(config.backend_tls)
        if self._unix:  # whose file permissions say who is there
            self._to_backend.check_hostname = False
            self._to_backend.verify_mode = ssl.CERT_NONE
        self._backend_tls = BackendTls(config.backend_tls.mode)
        self._to_clients = self._clients_context(config.tls)
        self._terms = self._made_terms(config)

    def reload(self, config: Config) -> bool:
        """Read the certificate of clients again; whether it can be used.

        If not, the one before stays.
        """
        try:
            context = self._clients_context(config.tls)
        except ConfigError as problem:
            log.error("the certificate before stays in use: %s", problem)
            return False
        self._to_clients = context
        self._terms = self._made_terms(config)
        return True

    def login(self) -> Login:
        """The login of a client that has just come."""
        return Login(self._terms)

    def client_layer(self) -> TlsLayer:
        """TLS for a client, which begins it."""
        assert self._to_clients is not None  # else it was not offered
        return TlsLayer(self._to_clients, server=True)

    def backend_layer(self) -> TlsLayer:
        """TLS for the backend, which we begin."""
        return TlsLayer(self._to_backend, server=False, hostname=self._hostname)

    def _made_terms(self, config: Config) -> Terms:
        return Terms(
            key=self._key,
            offers_tls=self._to_clients is not None,
            requires_tls=config.tls.require_secure_transport,
            backend_tls=self._backend_tls,
            backend_unix=self._unix,
            backend_local=self._local,
            compression=config.compression.algorithms,
        )

    def _clients_context(self, settings: TlsConfig) -> ssl.SSLContext | None:
        if not settings.enabled:
            if settings.require_secure_transport:
                raise ConfigError(
                    "tls.require_secure_transport asks for what tls.enabled forbids"
                )
            return None
        certificate, key = settings.certificate, settings.key
        if certificate is None and key is None:
            certificate, key = self._folder.certificate, self._folder.key
        if certificate is None:
            raise ConfigError("tls.key is set without tls.certificate")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = VERSIONS[settings.min_version]
        context.options |= ssl.OP_NO_RENEGOTIATION
        try:
            context.load_cert_chain(certificate, key, password=_no_passphrase)
            if settings.ca is not None:
                context.load_verify_locations(settings.ca)
                context.verify_mode = ssl.CERT_OPTIONAL
        except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError
            raise ConfigError(f"the certificate for clients: {problem}") from None
        return context


def _no_passphrase() -> str:
    """Called for an encrypted key; OpenSSL would ask on the terminal."""
    raise ValueError("tls.key has a passphrase, which nobody is here to type")
