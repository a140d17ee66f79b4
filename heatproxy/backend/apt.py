"""A private apt: packages from the machine's own mirror, the system left alone.

apt-get runs as any user on lists, caches and a sources file in a directory of ours,
so that apt itself checks signatures and hashes. The mirror and its keys are those
the machine is set up with; no host name is written here.

Source: sources.list(5), apt.conf(5), apt-get(8).
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from heatproxy.backend.progress import Progress

ETC = Path("/etc/apt")
KEYRINGS = Path("/usr/share/keyrings")
RELEASES = ("stable", "oldstable", "testing", "unstable", "sid")
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S+\s+\S+.*)")
_PRINTED = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>\d+)")
_STATUS = re.compile(r"dlstatus:\d+:(?P<percent>[\d.]+):")
_SECRET = re.compile(r"(?<=//)[^/@\s]+@")
_OURS = {"types", "uris", "suites", "components", "architectures", "enabled", "targets"}


class AptError(Exception):
    """apt-get can't do it here; the message says what it was asked and answered."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where packages come from: one stanza of a deb822 sources file."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()  # Signed-By, Trusted and the like

    def stanza(self) -> str:
        """The source in deb822 form, asking for the package index only."""
        fields = [
            ("Types", "deb"),
            ("URIs", " ".join(self.uris)),
            ("Suites", " ".join(self.suites)),
            ("Components", " ".join(self.components)),
            ("Targets", "Packages"),
            *self.options,
        ]
        return "".join(f"{name}: {value}\n" for name, value in fields)


@dataclass(frozen=True, slots=True)
class Package:
    """One package that apt chose; ``size`` in bytes."""

    name: str
    size: int


def machine_sources(etc: Path = ETC) -> list[Source]:
    """Every binary source the machine is set up with, in either format."""
    parts = etc / "sources.list.d"
    found: list[Source] = []
    for file in [etc / "sources.list", *sorted(parts.glob("*.list"))]:
        found += _one_line_sources(_text(file))
    for file in sorted(parts.glob("*.sources")):
        found += _deb822_sources(_text(file))
    return found


def mysql_archives(
    sources: Sequence[Source], release: dict[str, str], keyrings: Path = KEYRINGS
) -> list[list[Source]]:
    """Sets of sources that may carry MySQL, the likeliest first.

    Debian's stable releases have no MySQL, but sid has, on the same mirror. Ubuntu
    has it in the release itself.

    Args:
        release: the fields of os-release.
    """
    family = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    codename = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    if "ubuntu" in family:
        wanted = (codename, f"{codename}-updates", f"{codename}-security")
        # a PPA has the release's name but no -updates or -security beside it
        archives = {s.uris for s in sources if set(s.suites) & set(wanted[1:])} or {
            s.uris for s in sources
        }
        suites = [
            (s, tuple(name for name in s.suites if name in wanted))
            for s in sources
            if s.uris in archives and "main" in s.components
        ]
        found = [
            replace(s, suites=names, components=("main", "universe"))
            for s, names in suites
            if names
        ]
        keyed = [_with_key(s, keyrings, "ubuntu") for s in found]
        return [list(dict.fromkeys(keyed))] if keyed else []
    if "debian" in family:
        # a derivative's own codename is not Debian's, so any plain suite will do there
        plain = {codename, *RELEASES}
        found = [
            replace(s, suites=("sid",), components=("main",))
            for s in sources
            if "main" in s.components and plain & set(s.suites)
        ]
        keyed = [_with_key(s, keyrings, "debian") for s in found]
        return [[s] for s in sorted(dict.fromkeys(keyed), key=_is_other_vendor)]
    return []


class PrivateApt:
    """apt-get with everything it reads and writes below ``root``."""

    def __init__(self, root: Path, sources: Sequence[Source], notify: Progress) -> None:
        self._root = root
        self._notify = notify
        for name in ("lists/partial", "cache/archives/partial", "state", "sources"):
            (root / name).mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)  # a mirror's URI may hold a password
        text = "\n".join(source.stanza() for source in sources)
        (root / "sources" / "machine.sources").write_text(text)
        # the machine's hooks would run other programs on its real lists
        (root / "apt.conf").write_text("#clear APT::Update;\n#clear DPkg;\n")
        architecture = _output(["dpkg", "--print-architecture"]).strip()
        options = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": root / "sources",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": root / "state",
            "Dir::State::lists": root / "lists",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": root / "cache",
            "Dir::Log": root / "state",
            "APT::Architecture": architecture,
            "APT::Architectures::": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # root only: _apt can't enter ``root``
            "APT::Update::Error-Mode": "any",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::GzipIndexes": "true",
            "Acquire::Languages": "none",
            "Acquire::Retries": "1",
        }
        self._command = ["apt-get", "-c", str(root / "apt.conf")]
        self._command += [f"-o{name}={value}" for name, value in options.items()]

    def update(self) -> None:
        """Fetch the package lists. Raises AptError."""
        self._run(["update"], self._root, "Reading the list of packages")

    def resolve(self, names: Sequence[str]) -> list[Package]:
        """The packages and all they depend on, as on an empty machine.

        Raises:
            AptError: one is not in the archive, or its dependencies are not.
        """
        arguments = ["install", "-y", "--print-uris", *names]
        printed = _output([*self._command, *arguments])
        found = [match for match in map(_PRINTED.match, printed.splitlines()) if match]
        return [Package(m["file"].partition("_")[0], int(m["size"])) for m in found]

    def download(self, packages: Sequence[Package], into: Path) -> list[Path]:
        """Fetch the packages' files, hashes checked by apt. Raises AptError."""
        into.mkdir(parents=True, exist_ok=True)
        megabytes = sum(package.size for package in packages) / 1e6
        text = f"Downloading {len(packages)} packages ({megabytes:.0f} MB)"
        self._run(["download", *(package.name for package in packages)], into, text)
        return sorted(into.glob("*.deb"))

    def _run(self, arguments: list[str], folder: Path, text: str) -> None:
        reading, writing = os.pipe()
        command = [*self._command, f"-oAPT::Status-Fd={writing}", *arguments]
        with (
            tempfile.TemporaryFile("w+") as said,
            os.fdopen(reading) as status,
            self._notify.bar(text) as advance,
        ):
            try:
                process = subprocess.Popen(  # noqa: S603
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    pass_fds=(writing,),
                    env=_environment(),
                )
            except FileNotFoundError as problem:
                raise AptError(f"{problem.filename} is not on PATH") from None
            finally:
                os.close(writing)
            with process:
                for match in filter(None, map(_STATUS.match, status)):
                    advance(float(match["percent"]) / 100)
            if process.returncode:
                said.seek(0)
                raise AptError(_complaint(f"apt-get {arguments[0]}", said.read()))
            advance(1.0)


def unpack(package: Path, into: Path) -> None:
    """Lay a package's files out below a folder; none of its scripts runs."""
    _output(["dpkg-deb", "-x", str(package), str(into)])


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:  # absent, or not ours to read
        return ""


def _one_line_sources(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None or match["rest"].startswith("cdrom:"):
            continue
        uri, suite, *components = match["rest"].split()
        pairs = (option.partition("=") for option in (match["options"] or "").split())
        options = tuple((name, value) for name, _, value in pairs)
        yield Source((uri,), (suite,), tuple(components), _kept(options))


def _deb822_sources(text: str) -> Iterator[Source]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", lines):
        # a continuation line belongs to the field above it, its line break too
        fields = re.findall(r"^(\S+?):[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.M)
        by_name = {name.lower(): value for name, value in fields}
        if by_name.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" in by_name.get("types", "").split():
            uris, suites, components = (
                tuple(by_name.get(name, "").split())
                for name in ("uris", "suites", "components")
            )
            yield Source(uris, suites, components, _kept(tuple(fields)))


def _kept(options: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What is said of a mirror beyond what we choose ourselves."""
    return tuple(
        (name, value)
        for name, value in options
        if name.lower() not in _OURS and name.lower() != "arch"
    )


def _with_key(source: Source, keyrings: Path, vendor: str) -> Source:
    """Name the vendor's keyring when the machine names none and has one."""
    if any(name.lower() in ("signed-by", "trusted") for name, _ in source.options):
        return source
    for keyring in sorted(keyrings.glob(f"{vendor}-archive-keyring.*")):
        return replace(source, options=(*source.options, ("Signed-By", str(keyring))))
    return source


def _is_other_vendor(source: Source) -> bool:
    """False first: a mirror of Debian itself keeps it in a folder of that name."""
    return not any(urlsplit(u).path.rstrip("/").endswith("debian") for u in source.uris)


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            env=_environment(),
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as problem:
        raise AptError(f"{problem.filename} is not on PATH") from None
    if done.returncode:
        what = " ".join([command[0], *(c for c in command[1:] if c[0] != "-")][:4])
        raise AptError(_complaint(what, done.stderr or done.stdout))
    return done.stdout


def _complaint(what: str, said: str) -> str:
    """apt's own errors, without the passwords that a mirror's address may hold."""
    lines = [line for line in said.splitlines() if re.match(r"(E|Err|W):", line)]
    text = "; ".join(lines[-4:] or said.strip().splitlines()[-2:])
    return _SECRET.sub("", f"{what}: {text}")
