"""Buckets that heatproxy opens with credentials of its own: S3 and compatible, OCI.

Whoever may load files can then read what those credentials can, so each bucket must be
allowed by a setting. S3's keys are looked for where its own tools look: the
environment, a role of the machine's. OCI's are in the file that its tools keep.

Source: AWS Signature Version 4, "Authenticating Requests: Using Query Parameters";
OCI, "SDK and CLI Configuration File".
"""

import fnmatch
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from heatproxy.lakehouse.catalogue import LH, failure
from heatproxy.lakehouse.fetch import Headers
from heatproxy.lakehouse.oci import BadOciConfig, OciKey
from heatproxy.lakehouse.policy import SourcePolicy, port_of, refused

SIGNED_FOR = timedelta(hours=12)  # longer than a file may take
LIST_AT_ONCE = 1000
DEFAULT_REGION = "us-east-1"


class Buckets:
    """What a policy lets scripts name as oci://BUCKET@NAMESPACE/ or s3://BUCKET/."""

    def __init__(self, policy: SourcePolicy) -> None:
        self._policy = policy
        self._stores: dict[tuple[str, str], S3Store] = {}

    def require(self, url: str) -> None:
        """Raises MySQLError 6067 for a bucket that no setting allows; 6128."""
        bucket = url.partition("://")[2].partition("/")[0]
        if url.startswith("oci://") and not bucket.partition("@")[2]:
            raise refused(url, "write oci://BUCKET@NAMESPACE/")
        name = f"{urlsplit(url).scheme.lower()}://{bucket}"
        allowed = self._policy.allowed_buckets
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed):
            why = " (lakehouse.allowed_buckets does not have it)"
            raise failure(
                LH.RESOURCE_PRINCIPAL_BUCKET_ERR, bucket.partition("@")[0], detail=why
            )

    # --- OCI ------------------------------------------------------------------------

    def native(self, url: str, region: str | None) -> str:
        """The URL at OCI's own API of what ``oci://BUCKET@NAMESPACE/NAME`` names.

        Raises:
            MySQLError: 6067, there are no credentials for it.
        """
        place, _, name = url[6:].partition("/")
        bucket, _, namespace = place.partition("@")
        key = self._oci
        if key is None:
            why = " (lakehouse.oci_config is not set)"
            raise failure(LH.RESOURCE_PRINCIPAL_BUCKET_ERR, bucket, detail=why)
        base = self._policy.oci_endpoint.replace("{region}", region or key.region)
        where = f"n/{quote(namespace)}/b/{quote(bucket)}/o"
        return f"{base}/{where}/{quote(unquote(name), safe='/*?[]')}"

    def authorise(self, url: str) -> Headers:
        """The headers with which OCI serves a GET of a URL of ``native``'s."""
        assert self._oci is not None
        return self._oci.headers(url)

    @cached_property
    def _oci(self) -> OciKey | None:
        path = self._policy.oci_config
        if path is None:
            return None
        try:
            return OciKey.read(path, self._policy.oci_profile)
        except BadOciConfig as problem:
            raise refused("oci://", f"lakehouse.oci_config: {problem}") from None

    # --- S3 -------------------------------------------------------------------------

    def names(self, base: str, prefix: str, region: str | None) -> Iterator[str]:
        """The objects under ``s3://BUCKET/FOLDER/``, relative to it, sorted by S3.

        Raises:
            MySQLError: 6128, it cannot be listed.
        """
        bucket, folder = _split(base)
        try:
            pages = obstore.list(
                self._store(bucket, region),
                prefix=folder + prefix.rpartition("/")[0] or None,
                chunk_size=LIST_AT_ONCE,
            )
            for page in pages:
                for one in page:
                    yield str(one["path"]).removeprefix(folder)
        except BaseError as problem:
            raise refused(base, f"it cannot be listed: {_spoken(problem)}") from None

    def signed(self, url: str, region: str | None) -> str:
        """A URL at which anybody may GET ``s3://BUCKET/NAME`` for a while."""
        bucket, name = _split(url)
        store = self._store(bucket, region)
        try:
            return str(obstore.sign(store, "GET", unquote(name), SIGNED_FOR))
        except BaseError as problem:
            why = f"there are no credentials for it: {_spoken(problem)}"
            raise refused(url, why) from None

    def _store(self, bucket: str, region: str | None) -> S3Store:
        policy = self._policy
        region = region or policy.s3_region or DEFAULT_REGION
        endpoint = policy.s3_endpoint or None
        if endpoint is not None:
            self._policy.check_scheme(endpoint)
            parts = urlsplit(endpoint)
            policy.addresses(parts.hostname or "", port_of(endpoint))
        if (bucket, region) not in self._stores:
            self._stores[bucket, region] = S3Store(
                bucket,
                endpoint=endpoint,
                region=region,
                client_options={
                    "allow_http": "http" in policy.allowed_schemes,
                    "timeout": timedelta(seconds=policy.timeout_s),
                },
                retry_config={"max_retries": 3},
            )
        return self._stores[bucket, region]


def _split(url: str) -> tuple[str, str]:
    """The bucket, and what is behind it."""
    bucket, _, rest = url.partition("://")[2].partition("/")
    return bucket, rest


def _spoken(problem: BaseError) -> str:
    """The error's first words: what follows may hold a signed URL."""
    return str(problem).split("\n", 1)[0].split(" - ", 1)[0][:120]
