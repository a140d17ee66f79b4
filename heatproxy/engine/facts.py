"""What the engine knows of a loaded table, and how a query may fail on its rows."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from heatproxy import datatypes
from heatproxy.datatypes import Column


class Trap(Exception):
    """Rows on which the engine can't answer as MySQL does; the message says why.

    Nothing is wrong with the engine: the statement is MySQL's to answer.
    """


# Takes what ends a piece of work, before it begins.
Listen = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a table when its rows are in: asked for before they are kept.

    Columns in ``left_out`` go again; ``origin`` is remembered with the rows.
    """

    left_out: Collection[str]
    origin: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What an engine holds in memory, and what it has moved to disk for want of it."""

    held_bytes: int
    spilled_bytes: int


@dataclass(frozen=True, slots=True)
class TextFacts:
    """Of a string column: what its text allows (see analytics, "Decide by the data").

    ``ascii``: only bytes 0x20 to 0x7E. ``clean``: ascii, and no two values differ
    in nothing but letter case or trailing blanks. ``longest`` in characters.
    ``alphabet``: all ASCII characters met, sorted, or None if nobody looked;
    ``blank_ended``: whether a value may end in a blank; ``values``: all there are,
    when they are few. ``keyed``: the engine's table has its ``key_column``.
    """

    ascii: bool
    clean: bool
    longest: int
    alphabet: str | None = None
    blank_ended: bool = True
    values: tuple[str, ...] | None = None
    keyed: bool = False


def key_column(column: str) -> str:
    """The engine's hidden column of collation keys, beside one of MySQL's."""
    return f"{column}\x01key"


class Unkeyable(Exception):
    """A text of which no key can be made: how it compares depends on MySQL's plan."""


class KeyMaker(Protocol):
    """Makes collation keys: blobs that compare as MySQL's texts do."""

    def needs_key(self, collation: str, facts: TextFacts) -> bool:
        """Whether no expression over the texts compares them as MySQL does."""
        ...

    def keys(self, collation: str, texts: pa.Array) -> pa.Array:
        """Of String (n): LargeBinary (n), null where the text is.

        Raises:
            Unkeyable: one of the texts can have no key.
            MySQLError: 3877, MySQL can't be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A loaded table. ``bytes`` is the size of its Arrow rows, ``loaded_at`` is UTC."""

    rows: int
    bytes: int
    loaded_at: datetime
    columns: tuple[Column, ...]
    texts: Mapping[str, TextFacts]

    def to_json(self) -> str:
        """As from_json reads it."""
        return json.dumps(
            {
                "rows": self.rows,
                "bytes": self.bytes,
                "loaded_at": self.loaded_at.isoformat(),
                "columns": [
                    {"name": c.name, "type": c.type.sql(), "nullable": c.nullable}
                    for c in self.columns
                ],
                "texts": {name: asdict(facts) for name, facts in self.texts.items()},
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "TableFacts":
        """The facts that to_json wrote."""
        kept = json.loads(text)
        return cls(
            rows=kept["rows"],
            bytes=kept["bytes"],
            loaded_at=datetime.fromisoformat(kept["loaded_at"]),
            columns=tuple(
                Column(c["name"], datatypes.parse(c["type"]), c["nullable"])
                for c in kept["columns"]
            ),
            texts={name: _text_facts(facts) for name, facts in kept["texts"].items()},
        )


def _text_facts(kept: dict[str, Any]) -> TextFacts:
    values = kept.get("values")
    return TextFacts(**{**kept, "values": None if values is None else tuple(values)})
