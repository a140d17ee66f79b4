"""The files of a table, brought to this machine.

A location becomes objects (by listing, where it names a prefix or a pattern), and
each object becomes a file in a temporary folder; local files stay where they are.

Source: HeatWave User Guide, "Lakehouse External Table JSON Syntax"; OCI Object
Storage API, ListObjects, as a pre-authenticated request answers it.
"""

import fnmatch
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlencode, urlsplit

from heatproxy.errors import MySQLError, interrupted
from heatproxy.lakehouse.buckets import Buckets
from heatproxy.lakehouse.catalogue import LH, Condition, failure, warning
from heatproxy.lakehouse.dialect import Dialect
from heatproxy.lakehouse.fetch import Authorise, Fetcher, Pause, nobody
from heatproxy.lakehouse.policy import SourcePolicy, redacted, refused
from heatproxy.lakehouse.records import Cancelled, Progress
from heatproxy.lakehouse.request import FileLocation
from heatproxy.lakehouse.streams import DataFile

LISTING_BYTES = 16 << 20
_GLOB = re.compile(r"[*?\[]")
_OBJECT = re.compile(
    r"/(?:p/[^/]*/)?n/(?P<namespace>[^/]+)/b/(?P<bucket>[^/]+)/o/(?P<name>.*)"
)


@dataclass(frozen=True, slots=True)
class Object:
    """One thing to fetch: a URL, or a path on this machine."""

    url: str
    path: Path | None = None
    region: str | None = None  # of an s3:// URL
    authorise: Authorise = nobody


class Source:
    """Fetches the files of external tables; a context manager.

    The fetched files are deleted when it closes.
    """

    def __init__(
        self,
        policy: SourcePolicy,
        folder: Path | None = None,
        pause: Pause | None = None,
    ) -> None:
        self._policy = policy
        self._fetcher = Fetcher(policy, pause)
        self._buckets = Buckets(policy)
        self._folder = Path(tempfile.mkdtemp(prefix="heatproxy-", dir=folder))
        self._count = 0
        self.warnings: list[Condition] = []

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def abort(self) -> None:
        """Wake a fetch that waits for its server; it asks ``cancelled`` then."""
        self._fetcher.abort()

    def close(self) -> None:
        self._fetcher.__exit__()
        shutil.rmtree(self._folder, ignore_errors=True)

    def fetch(
        self,
        files: Sequence[FileLocation],
        dialect: Dialect,
        cancelled: Cancelled,
        progress: Progress,
    ) -> tuple[DataFile, ...]:
        """Every object of every location, in order; one met before is left out.

        Raises:
            MySQLError: 6067, a bucket; 6128, what may not or cannot be read; 6068,
                a location without objects, unless its item or the dialect allows
                missing files; 1317.
        """
        found: list[DataFile] = []
        seen: set[str] = set()
        for location in files:
            allowed = location.allow_missing_files
            lenient = dialect.allow_missing_files if allowed is None else allowed
            before = len(found)
            objects = list(self._objects(location, cancelled))
            for one in objects:
                if one.url in seen:
                    shown = display_name(one.url)
                    self.warnings.append(warning(LH.DUPLICATE_FILE, shown))
                    continue
                seen.add(one.url)
                file = self._bring(one, location, cancelled, progress)
                if file is not None:
                    found.append(file)
                elif not lenient:
                    raise _nothing_at(redacted(one.url))
                if len(found) > self._policy.max_files:
                    raise refused(one.url, f"more than {self._policy.max_files} files")
            if len(found) == before and not objects and not lenient:
                raise _nothing_at(_named(location))
        return tuple(found)

    def _bring(
        self,
        one: Object,
        location: FileLocation,
        cancelled: Cancelled,
        progress: Progress,
    ) -> DataFile | None:
        if cancelled():
            raise interrupted()
        strict, shown = location.is_strict_mode, display_name(one.url)
        name = unquote(urlsplit(one.url).path)
        if one.path is not None:
            if not one.path.is_file():
                return None
            size = one.path.stat().st_size
            if size > self._policy.max_file_bytes:
                limit = self._policy.max_file_bytes
                raise refused(one.url, f"it is larger than {limit} bytes")
            progress(size)
            return DataFile(one.path, shown, size, strict, name)
        self._count += 1
        path = self._folder / str(self._count)
        url = one.url
        if url.startswith("s3://"):
            url = self._buckets.signed(url, one.region)
        size_or_none = self._fetcher.download(
            url, path, cancelled, progress, one.authorise
        )
        if size_or_none is None:
            return None
        return DataFile(path, shown, size_or_none, strict, name, is_fetched=True)

    def _objects(
        self, location: FileLocation, cancelled: Cancelled
    ) -> Iterator[Object]:
        named = location.par or location.uri or _bucket_url(location)
        url = self._policy.elsewhere(named) or named
        scheme, region, authorise = _scheme(url), location.region, nobody
        if scheme in ("oci", "s3"):
            self._buckets.require(url)
            if scheme == "oci":
                url = self._buckets.native(url, region)
                scheme, authorise = _scheme(url), self._buckets.authorise
        if scheme != "s3":
            self._policy.check_scheme(url)
        selected = _selection(location, url)
        if isinstance(selected, Object):
            local = scheme == "file"
            path = self._policy.local_path(selected.url) if local else None
            yield Object(selected.url, path, region, authorise)
        elif scheme == "file":
            yield from self._local(selected)
        else:
            for name in self._listing(selected, cancelled, region, authorise):
                yield Object(selected.base + quote(name), None, region, authorise)

    def _local(self, selected: "_Selection") -> Iterator[Object]:
        folder = self._policy.local_path(selected.base)
        if not folder.is_dir():
            return
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and selected.takes(name):
                url = selected.base + quote(name)
                yield Object(url, self._policy.inside(path, url))

    def _listing(
        self,
        selected: "_Selection",
        cancelled: Cancelled,
        region: str | None,
        authorise: Authorise,
    ) -> list[str]:
        """The names that are selected, sorted."""
        if _scheme(selected.base) != "s3":
            return self._pages(selected, cancelled, authorise)
        names: list[str] = []
        for name in self._buckets.names(selected.base, selected.prefix, region):
            if cancelled():
                raise interrupted()
            if selected.takes(name):
                names.append(name)
                self._limit(names, selected)
        return sorted(names)

    def _limit(self, names: list[str], selected: "_Selection") -> None:
        limit = self._policy.max_files
        if len(names) > limit:
            raise refused(selected.base, f"more than {limit} files")

    def _pages(
        self, selected: "_Selection", cancelled: Cancelled, authorise: Authorise
    ) -> list[str]:
        """Names under an ``/o/`` URL, sorted; it answers them in pages."""
        names: list[str] = []
        start = ""
        while True:
            query = {"fields": "name"}
            if selected.prefix:
                query["prefix"] = selected.prefix
            if start:
                query["start"] = start
            parts = urlsplit(selected.base)
            given = f"{parts.query}&" if parts.query else ""
            page = parts._replace(query=given + urlencode(query)).geturl()
            body = self._fetcher.read(page, LISTING_BYTES, cancelled, authorise)
            try:
                answer = json.loads(body or b"{}")
                found = [str(one["name"]) for one in answer.get("objects", [])]
                following = answer.get("nextStartWith") or ""
            except (ValueError, KeyError, TypeError, AttributeError):
                raise refused(selected.base, "it does not list objects") from None
            names += [name for name in found if selected.takes(name)]
            self._limit(names, selected)
            if not following or following == start:
                return sorted(names)
            start = following


@dataclass(frozen=True, slots=True)
class _Selection:
    """Some of the objects under ``base``, a URL that ends with a slash."""

    base: str
    prefix: str = ""
    pattern: re.Pattern[str] | None = None

    def takes(self, name: str) -> bool:
        if name.endswith("/") or not name.startswith(self.prefix):
            return False  # a folder's own entry is no file
        return self.pattern is None or self.pattern.fullmatch(name) is not None


def _selection(location: FileLocation, url: str) -> Object | _Selection:
    """One object by its URL, or a selection that needs a listing."""
    if location.name is not None:
        return Object(_folder_url(url) + quote(location.name))
    if location.prefix is not None:
        return _Selection(_folder_url(url), location.prefix)
    if location.pattern is not None:
        return _Selection(_folder_url(url), pattern=_expression(location.pattern, url))
    path = _path_of(url)
    if location.uri is not None and _GLOB.search(path):
        base, _, glob = _split_object(url)
        literal = _GLOB.split(glob)[0]
        return _Selection(base, literal, _expression(fnmatch.translate(glob), url))
    if path.endswith("/"):
        base, _, prefix = _split_object(url)
        return _Selection(base, prefix)
    return Object(url)


def _path_of(url: str) -> str:
    """A URL's path; what names objects of a bucket or folder has no query."""
    parts = urlsplit(url)
    of_bucket = parts.scheme in ("s3", "file") or _OBJECT.fullmatch(parts.path)
    if parts.query and of_bucket:
        return f"{parts.path}?{parts.query}"
    return parts.path


def _bucket_url(location: FileLocation) -> str:
    """A bucket by its own name, as rules of ``url_mapping`` may have it."""
    if location.namespace is None:
        return f"s3://{location.bucket}/"
    return f"oci://{location.bucket}@{location.namespace}/"


def _named(location: FileLocation) -> str:
    """A location as messages call it, with what it selects."""
    url = location.par or location.uri or _bucket_url(location)
    shown = url if _scheme(url) in ("oci", "s3") else redacted(url)
    return shown + (location.prefix or location.pattern or location.name or "")


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _folder_url(url: str) -> str:
    if not urlsplit(url).path.endswith("/"):
        raise refused(url, "with prefix, name or pattern the URL must end with /")
    return url


def _split_object(url: str) -> tuple[str, str, str]:
    """(base ending with a slash, "", decoded object name or glob) of a URL."""
    head, mark, name = url.partition("/o/")
    if mark and urlsplit(url).scheme.lower() != "file":
        return head + mark, "", unquote(name)
    glob = _GLOB.search(url)
    cut = url.rindex("/", 0, glob.start() if glob else len(url)) + 1
    return url[:cut], "", unquote(url[cut:])


def _expression(pattern: str, url: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as problem:
        raise refused(url, f"the pattern is not valid: {problem}") from None


def display_name(url: str) -> str:
    """What messages call an object: as HeatWave does for OCI, else its file name."""
    parts = urlsplit(url)
    found = _OBJECT.fullmatch(parts.path)
    if found and parts.scheme != "file":
        name, space = unquote(found["name"]), found["namespace"]
        return f"{{object: {name} in namespace: {space}, bucket: {found['bucket']}}}"
    return unquote(parts.path.rpartition("/")[2]) or redacted(url)


def _nothing_at(shown: str) -> MySQLError:
    return failure(LH.NO_FILES_FOUND, shown)
