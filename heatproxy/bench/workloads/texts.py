"""The .sql files beside this: statements under ``-- name:`` lines, one each."""

from collections.abc import Mapping
from importlib import resources

_NAME = "-- name: "


def statements(file: str) -> Mapping[str, str]:
    """The statements of a file of this package, by their names, in order."""
    return blocks((resources.files(__package__) / file).read_text("utf-8"))


def blocks(text: str) -> Mapping[str, str]:
    """The statements of a text, by the names above them, in order."""
    found: dict[str, str] = {}
    for block in ("\n" + text).split("\n" + _NAME)[1:]:
        name, _, statement = block.partition("\n")
        found[name.strip()] = statement.strip().rstrip(";")
    return found
