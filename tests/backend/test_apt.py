"""The sources that are read from a machine, and a real apt-get on a local archive."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from heatproxy.backend.apt import (
    AptError,
    PrivateApt,
    Source,
    machine_sources,
    mysql_archives,
    unpack,
)
from heatproxy.backend.progress import Silent

DEBIAN = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
UBUNTU = {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_CODENAME": "noble"}
MINT = {
    "ID": "linuxmint",
    "ID_LIKE": "ubuntu debian",
    "VERSION_CODENAME": "wilma",
    "UBUNTU_CODENAME": "noble",
}
needs_apt = pytest.mark.skipif(
    not all(map(shutil.which, ("apt-get", "dpkg", "dpkg-deb"))),
    reason="needs apt-get and dpkg",
)


def sources_in(etc: Path, **files: str) -> list[Source]:
    (etc / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (etc / "sources.list.d" / f"{stem}.{ending}").write_text(text)
    return machine_sources(etc)


def test_both_formats_of_sources_say_the_same(tmp_path: Path) -> None:
    one_line = sources_in(
        tmp_path / "a",
        debian_list="# comment\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror/debian bookworm main  # x\n"
        "deb-src http://mirror/debian bookworm main\n"
        "deb cdrom:[Disc]/ bookworm main\n",
    )
    deb822 = sources_in(
        tmp_path / "b",
        debian_sources="Types: deb deb-src\n# comment\nURIs: http://mirror/debian\n"
        "Suites: bookworm\nComponents: main\nArchitectures: amd64\n"
        "signed-by: /k.gpg\n\n"
        "Types: deb\nURIs: http://other/debian\nSuites: sid\nComponents: main\n"
        "Enabled: no\n\n"
        "Types: deb-src\nURIs: http://src/debian\nSuites: sid\nComponents: main\n",
    )
    assert one_line == deb822
    assert one_line == [
        Source(
            ("http://mirror/debian",),
            ("bookworm",),
            ("main",),
            (("signed-by", "/k.gpg"),),
        )
    ]


def test_a_key_written_into_the_sources_is_passed_on_whole(tmp_path: Path) -> None:
    key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END-----"
    text = (
        "Types: deb\nURIs: http://mirror/debian\nSuites: sid\nComponents: main\n"
        f"Signed-By:{key}\n"
    )
    [source] = sources_in(tmp_path, debian_sources=text)
    assert f"Signed-By: {key}\n" in source.stanza()


def test_debian_is_asked_for_sid_on_its_own_mirror(tmp_path: Path) -> None:
    sources = [
        Source(("http://vendor/apt",), ("bookworm",), ("main",)),
        Source(("http://mirror/debian/",), ("bookworm", "bookworm-updates"), ("main",)),
        Source(("http://mirror/debian-security",), ("bookworm-security",), ("main",)),
        Source(("http://vendor/node",), ("nodistro",), ("main",)),
        Source(("http://docker/linux/debian",), ("bookworm",), ("stable",)),
    ]
    (tmp_path / "debian-archive-keyring.gpg").touch()
    archives = mysql_archives(sources, DEBIAN, tmp_path)
    key = (("Signed-By", str(tmp_path / "debian-archive-keyring.gpg")),)
    assert archives == [
        [Source(("http://mirror/debian/",), ("sid",), ("main",), key)],
        [Source(("http://vendor/apt",), ("sid",), ("main",), key)],
    ]


@pytest.mark.parametrize("release", [UBUNTU, MINT], ids=["ubuntu", "mint"])
def test_ubuntu_is_asked_for_its_own_release(
    release: dict[str, str], tmp_path: Path
) -> None:
    signed = (("Signed-By", "/k.gpg"),)
    archive, security = ("http://mirror/ubuntu",), ("http://security/ubuntu",)
    sources = [
        Source(
            archive, ("noble", "noble-updates", "noble-backports"), ("main",), signed
        ),
        Source(security, ("noble-security",), ("main", "universe"), signed),
        Source(("http://ppa/someone/ubuntu",), ("noble",), ("main",), signed),
    ]
    both = ("main", "universe")
    assert mysql_archives(sources, release, tmp_path) == [
        [
            Source(archive, ("noble", "noble-updates"), both, signed),
            Source(security, ("noble-security",), both, signed),
        ]
    ]


def test_other_systems_have_no_archive(tmp_path: Path) -> None:
    sources = [Source(("http://mirror/debian",), ("sid",), ("main",))]
    assert mysql_archives(sources, {"ID": "fedora"}, tmp_path) == []


def make_package(pool: Path, name: str, depends: str = "") -> str:
    """Build a package that holds one file; returns its entry in Packages."""
    tree = pool / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share" / name).write_text(f"this is {name}\n")
    control = (
        f"Package: {name}\nVersion: 1:2.0-1\nArchitecture: all\n"
        f"Maintainer: nobody <nobody@example.com>\nDescription: {name}\n"
    )
    control += f"Depends: {depends}\n" if depends else ""
    (tree / "DEBIAN/control").write_text(control)
    file = pool / f"{name}_2.0-1_all.deb"
    subprocess.run(["dpkg-deb", "-b", tree, file], check=True, capture_output=True)
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    place = f"Filename: pool/{file.name}\nSize: {len(content)}\nSHA256: {digest}\n"
    return control + place + "\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    root = tmp_path / "archive"
    index = root / "dists/sid/main/binary-all"
    index.mkdir(parents=True)
    pool = root / "pool"
    pool.mkdir()
    native = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    ).stdout.strip()
    packages = make_package(pool, "server", "library (>= 1), perl")
    packages += make_package(pool, "library") + make_package(pool, "perl")
    (root / f"dists/sid/main/binary-{native}").mkdir()
    (root / f"dists/sid/main/binary-{native}/Packages").write_text(packages)
    digest = hashlib.sha256(packages.encode()).hexdigest()
    (root / "dists/sid/Release").write_text(
        f"Suite: sid\nCodename: sid\nArchitectures: {native}\nComponents: main\n"
        "Date: Sat, 01 Nov 2025 00:00:00 UTC\n"
        f"SHA256:\n {digest} {len(packages)} main/binary-{native}/Packages\n"
    )
    return root


def local(archive: Path, *options: tuple[str, str]) -> Source:
    return Source((f"file:{archive}",), ("sid",), ("main",), options)


TRUSTED = ("Trusted", "yes")


@needs_apt
def test_packages_come_with_what_they_depend_on(archive: Path, tmp_path: Path) -> None:
    apt = PrivateApt(tmp_path / "apt", [local(archive, TRUSTED)], Silent())
    apt.update()
    packages = apt.resolve(["server"])
    assert sorted(package.name for package in packages) == ["library", "perl", "server"]
    wanted = [package for package in packages if package.name != "perl"]
    files = apt.download(wanted, tmp_path / "debs")
    for file in files:
        unpack(file, tmp_path / "prefix")
    unpacked = sorted(file.name for file in (tmp_path / "prefix/usr/share").iterdir())
    assert unpacked == ["library", "server"]


@needs_apt
def test_a_package_that_was_tampered_with_is_refused(
    archive: Path, tmp_path: Path
) -> None:
    apt = PrivateApt(tmp_path / "apt", [local(archive, TRUSTED)], Silent())
    apt.update()
    packages = apt.resolve(["library"])
    file = archive / "pool/library_2.0-1_all.deb"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(AptError, match="apt-get download"):
        apt.download(packages, tmp_path / "debs")


@needs_apt
def test_an_archive_without_a_signature_is_refused(
    archive: Path, tmp_path: Path
) -> None:
    apt = PrivateApt(tmp_path / "apt", [local(archive)], Silent())
    with pytest.raises(AptError, match="is not signed"):
        apt.update()


@needs_apt
def test_a_missing_package_is_named(archive: Path, tmp_path: Path) -> None:
    apt = PrivateApt(tmp_path / "apt", [local(archive, TRUSTED)], Silent())
    apt.update()
    with pytest.raises(AptError, match="mysql-server-core"):
        apt.resolve(["mysql-server-core"])


@needs_apt
def test_a_mirrors_password_is_not_in_the_error(tmp_path: Path) -> None:
    source = Source(("http://me:sesame@127.0.0.1:1/debian",), ("sid",), ("main",))
    apt = PrivateApt(tmp_path / "apt", [source], Silent())
    with pytest.raises(AptError) as caught:
        apt.update()
    assert "127.0.0.1:1" in str(caught.value)
    assert "sesame" not in str(caught.value)
