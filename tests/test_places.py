"""Addresses, URLs, folders and sizes as people write them."""

from pathlib import Path

import pytest

from heatproxy import places
from heatproxy.places import (
    Address,
    Backend,
    HostPort,
    MySQLUrl,
    Size,
    WrongUrl,
    parse_mysql_url,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://u:p@h:3307", MySQLUrl("u", "p", "h", 3307)),
        ("mysql://u@h", MySQLUrl("u", "", "h", 3306)),
        ("mysql://u:p%40%2F%3a%25@h/", MySQLUrl("u", "p@/:%", "h", 3306)),
        ("mysql://%C3%BC:a:b@[::1]:1", MySQLUrl("ü", "a:b", "::1", 1)),
    ],
)
def test_a_mysql_url_is_percent_decoded(url: str, expected: MySQLUrl) -> None:
    assert parse_mysql_url(url) == expected
    assert Backend().convert(url) == expected


@pytest.mark.parametrize(
    "url",
    ["mysql://u:sesame@h:x", "mysql://u:sesame/@h", "mysql://:sesame@h", "u:sesame@h"],
)
def test_the_password_of_a_wrong_url_is_not_repeated(url: str) -> None:
    with pytest.raises(WrongUrl) as caught:
        parse_mysql_url(url)
    assert "sesame" not in str(caught.value)
    assert "sesame" not in repr(parse_mysql_url("mysql://u:sesame@h"))


@pytest.mark.parametrize(
    ("text", "size"),
    [("256M", 256 << 20), ("4g", 4 << 30), ("1GiB", 1 << 30), ("512", 512), (7, 7)],
)
def test_sizes_are_bytes(text: str | int, size: int) -> None:
    assert Size("1").convert(text) == size


def test_a_share_is_of_the_memory_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    monkeypatch.setattr(places, "_CGROUP_LIMIT", tmp_path / "memory.max")
    assert Size("1").convert("25%") == 250_000
    (tmp_path / "memory.max").write_text("max\n")
    assert places.memory_bytes() > 1_000_000


def test_an_address_prints_as_it_was_written() -> None:
    for text in ("127.0.0.1:3307", "[::1]:3307", "db:1"):
        assert str(HostPort("").convert(text)) == text
    assert HostPort("").convert("db:1") == Address("db", 1)
