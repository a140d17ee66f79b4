"""TLS of connections to the backend: what is asked of its certificate."""

import ssl

from heatproxy.config import BackendTlsConfig, ConfigError

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def client_context(settings: BackendTlsConfig) -> ssl.SSLContext:
    """How heatproxy opens TLS to a backend.

    Raises:
        ConfigError: the file of authorities cannot be used, or nothing would use it.
    """
    verify = settings.verify
    if settings.ca is not None and verify == "none":
        raise ConfigError(
            "backend_tls.ca is set, but backend_tls.verify is none: ca verifies who "
            "signed the backend's certificate, identity also whom it is for"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify == "identity"
    context.verify_mode = ssl.CERT_NONE if verify == "none" else ssl.CERT_REQUIRED
    context.minimum_version = VERSIONS[settings.min_version]
    if verify != "none":
        try:
            if settings.ca is not None:
                context.load_verify_locations(settings.ca)
            else:
                context.load_default_certs()
        except OSError as problem:  # ssl.SSLError is one
            raise ConfigError(f"backend_tls.ca cannot be used: {problem}") from None
    return context
