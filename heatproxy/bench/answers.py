"""A statement's whole answer, as the bytes of the text protocol."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE, FLAG

Row = tuple[bytes | None, ...]
_OFFLOADED = "SHOW STATUS LIKE 'Secondary_engine_execution_count'"
_BINARY = 63
_INTEGERS = (
    *(FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG),
    *(FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR),
)
_TEXTS = (
    *(FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING),
    *(FIELD_TYPE.TINY_BLOB, FIELD_TYPE.BLOB, FIELD_TYPE.MEDIUM_BLOB),
    FIELD_TYPE.LONG_BLOB,
)


@dataclass(frozen=True, slots=True)
class Field:
    """A column definition, as far as a plan of MySQL's has no say in it."""

    name: str
    type: int
    charset: int
    decimals: int | None
    unsigned: bool | None  # None: a YEAR, or YEAR() out of a temporary table
    flags: int

    @property
    def is_text(self) -> bool:
        return self.type == FIELD_TYPE.VAR_STRING and self.charset != _BINARY

    def agrees(self, other: "Field") -> bool:
        """Whether the two differ in nothing that a plan has no say in."""
        if self.unsigned is None or other.unsigned is None:
            return replace(self, unsigned=None) == replace(other, unsigned=None)
        return self == other

    @classmethod
    def of(cls, packet: Any) -> "Field":
        """From PyMySQL's. Integers, and texts, are one type each.

        A temporary table in MySQL's plan makes LONGLONG of LONG, INT of YEAR, BLOB of
        VAR_STRING, binary of a JSON's character set, and clears flags: PREPARE can't
        foresee it.
        """
        kind = packet.type_code
        is_year = kind == FIELD_TYPE.YEAR
        numeric = kind in (FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DOUBLE, FIELD_TYPE.FLOAT)
        temporal = kind in (FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.TIME)
        kind = FIELD_TYPE.LONGLONG if kind in _INTEGERS else kind
        kind = FIELD_TYPE.VAR_STRING if kind in _TEXTS else kind
        return cls(
            packet.name,
            kind,
            _BINARY if kind == FIELD_TYPE.JSON else packet.charsetnr,
            packet.scale if numeric or temporal else None,
            None if is_year else bool(packet.flags & FLAG.UNSIGNED),
            packet.flags & (FLAG.ENUM | FLAG.SET),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave; ``error`` is MySQL's number where it failed."""

    fields: Sequence[Field] = ()
    rows: Sequence[Row] = ()
    warnings: int = 0
    error: int | None = None
    message: str = ""


def ask(connection: Any, text: str) -> Answer:
    """A statement's answer, on a connection that ``connect`` made."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(text)
            rows = list(cursor.fetchall())
        except pymysql.MySQLError as problem:
            number, message = (*problem.args, "", "")[:2]
            return Answer(error=int(number), message=str(message))
        result = cursor._result
        fields = [Field.of(field) for field in getattr(result, "fields", ())]
        return Answer(fields, rows, result.warning_count)


def connect(**where: Any) -> Any:
    """A connection whose values are the bytes of the text protocol."""
    return pymysql.connect(
        **{"charset": "utf8mb4", "autocommit": True, **where},
        use_unicode=False,
        conv={},
        init_command="SET time_zone = '+00:00'",
    )


def offloaded(connection: Any) -> int:
    """How many statements of the session's were offloaded."""
    rows = ask(connection, _OFFLOADED).rows
    return int(rows[0][1] or 0) if rows else 0
