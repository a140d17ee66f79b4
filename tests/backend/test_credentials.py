"""Passwords survive their option files, and nobody else reads them."""

from pathlib import Path

import pytest

from heatproxy.backend.credentials import (
    Credentials,
    new,
    option_file,
    read_option_file,
    write_private,
)


@pytest.mark.parametrize(
    "password",
    ["", "plain", "a#b", " blanks ", 'qu"ote', "back\\slash\\n", "a=b;c", "é'", '"x"'],
)
def test_a_password_reads_back_as_it_was_written(password: str, tmp_path: Path) -> None:
    path = tmp_path / "client.cnf"
    client = {"user": "admin", "password": password}
    write_private(path, option_file({"client": client, "mysql": {"password": "no"}}))
    assert read_option_file(path) == Credentials("admin", password)


def test_a_private_file_is_the_owners_alone_even_over_an_open_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "client.cnf"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["client.cnf"]


def test_a_file_without_a_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.cnf").write_text("[client]\nuser=admin\n[mysql]\npassword=p\n")
    with pytest.raises(ValueError, match="no user and password"):
        read_option_file(tmp_path / "x.cnf")


def test_passwords_are_long_different_and_not_printed() -> None:
    one, other = new("admin"), new("admin")
    assert len(one.password) == 32
    assert one.password != other.password
    assert one.password not in repr(one)
