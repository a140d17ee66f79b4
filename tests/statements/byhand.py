"""Statements that make Lakehouse tables by hand, in both forms of their DDL."""

import json

from heatproxy.objectstore import ObjectStore

FORMAT = "FILE_FORMAT=(FORMAT csv FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n')"


def attribute(store: ObjectStore, name: str = "hand.csv", **dialect: object) -> str:
    """ENGINE_ATTRIBUTE of one CSV file, as it stands in a string literal."""
    marks = {"field_delimiter": ",", "record_delimiter": "\n"}
    text = json.dumps({"file": [{"par": store.url(name)}], "dialect": marks | dialect})
    return text.replace("\\", "\\\\")


def files_of(store: ObjectStore, *names: str) -> str:
    """The FILES clause."""
    return "FILES=(" + ", ".join(f"URI='{store.url(name)}'" for name in names) + ")"


def with_attribute(store: ObjectStore, columns: str = "a int, b varchar(2)") -> str:
    """CREATE TABLE t ... ENGINE=lakehouse."""
    return (
        f"CREATE TABLE t ({columns}) ENGINE=lakehouse SECONDARY_ENGINE=RAPID"
        f" ENGINE_ATTRIBUTE='{attribute(store)}'"
    )


def with_clauses(
    store: ObjectStore, columns: str = "a int, b varchar(2)", options: str = ""
) -> str:
    """CREATE EXTERNAL TABLE t."""
    return (
        f"CREATE EXTERNAL TABLE t ({columns}) {FORMAT}"
        f" {files_of(store, 'hand.csv')} {options}"
    )
