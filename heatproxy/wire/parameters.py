"""The parameters of COM_STMT_EXECUTE: decoded, and written as SQL literals.

A literal has the type that MySQL gives the parameter: an integer is a BIGINT, a string
is in the client's character set, a BLOB is binary.

Source: MySQL Source Code Documentation, "COM_STMT_EXECUTE", "Binary Protocol Value".
"""

import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pymysql.constants import FIELD_TYPE

from heatproxy.errors import (
    ProtocolError,
    malformed_packet,
    not_supported,
    out_of_range,
    wrong_arguments,
)
from heatproxy.wire.packets import (
    VECTOR,
    Capability,
    lenenc,
    lenenc_bytes,
    read_lenenc,
)

EXECUTE = "mysqld_stmt_execute"
UNSIGNED = 0x8000  # in the two bytes of a parameter's type
BOOLEAN = 244  # named by the protocol, refused by the server

_INTEGERS = {
    FIELD_TYPE.TINY: "b",
    FIELD_TYPE.SHORT: "h",
    FIELD_TYPE.LONG: "i",
    FIELD_TYPE.LONGLONG: "q",
}
_FLOATS = {FIELD_TYPE.FLOAT: "f", FIELD_TYPE.DOUBLE: "d"}
_FIXED = {kind: struct.calcsize(code) for kind, code in (_INTEGERS | _FLOATS).items()}
# How many bytes a value of the type may have.
_TEMPORAL = {
    FIELD_TYPE.DATE: (0, 4),
    FIELD_TYPE.DATETIME: (0, 4, 7, 11, 13),
    FIELD_TYPE.TIMESTAMP: (0, 4, 7, 11, 13),
    FIELD_TYPE.TIME: (0, 8, 12),
}
_MOMENTS = (FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP)
_DECIMALS = (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL)
_BINARY = (
    *(FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB),
    *(FIELD_TYPE.BLOB, VECTOR),
)
_TEXTS = (
    *(FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING),
    FIELD_TYPE.JSON,
)
_PIECEMEAL = range(FIELD_TYPE.TINY_BLOB, FIELD_TYPE.STRING + 1)  # may be long data
_LEADING_NUMBER = re.compile(rb"\s*([+-]?\d+)")
_LONGEST_HOURS = 838
_MOST, _LEAST = 2**64 - 1, 2**63  # of BIGINT: UNSIGNED, and below zero
EXACT_DIGITS = 15  # as many of a DECIMAL are the same DOUBLE everywhere


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type as the packet codes it, and its value.

    ``value`` is None for NULL; strings and temporal values come without their length.
    """

    type: int
    value: bytes | None

    @property
    def kind(self) -> int:
        """The type without the sign."""
        return self.type & 0xFF


def decode(
    payload: bytes,
    capabilities: int,
    count: int,
    types: Sequence[int] | None,
    long_data: Mapping[int, bytes | bytearray],
) -> list[Parameter]:
    """The ``count`` parameters of a COM_STMT_EXECUTE.

    ``types`` are those bound before, if any were; ``long_data`` was sent ahead. Query
    attributes, which come behind the parameters, are left where they are.

    Raises:
        MySQLError: 1835, the packet ends too early; 1210, a type that the server does
            not take, or none at all.
    """
    try:
        return _decode(payload, capabilities, count, types, long_data)
    except (ProtocolError, IndexError):
        raise malformed_packet() from None


def bound_types(payload: bytes, capabilities: int, count: int) -> bool:
    """Whether a COM_STMT_EXECUTE of so many parameters says what their types are."""
    position, sent = 10, count
    try:
        if capabilities & Capability.QUERY_ATTRIBUTES:
            sent, position = read_lenenc(payload, position)
        return bool(count and payload[position + (sent + 7) // 8])
    except (ProtocolError, IndexError):
        return False


def sent_types(payload: bytes, capabilities: int, count: int) -> tuple[int, ...] | None:
    """The types that a COM_STMT_EXECUTE of ``count`` parameters binds, or None."""
    if not bound_types(payload, capabilities, count):
        return None
    try:
        sent, position = count, 10
        if capabilities & Capability.QUERY_ATTRIBUTES:
            sent, position = read_lenenc(payload, position)
        position += (sent + 7) // 8 + 1
        types, _ = _types(payload, capabilities, position, sent)
    except (ProtocolError, IndexError):
        return None
    return tuple(types[:count])


def kind_of(bound: int) -> int:
    """The type that stands for all types of parameters that are the same to MySQL.

    Both are as the packet codes them, with the sign.
    """
    kind = bound & 0xFF
    if kind in _INTEGERS:
        kind = int(FIELD_TYPE.LONGLONG)
        return kind | bound & UNSIGNED
    for same in (_FLOATS, _DECIMALS, _BINARY, _TEXTS, _MOMENTS):
        if kind in same:
            return int(max(same))
    return kind


def _types(
    payload: bytes, capabilities: int, position: int, sent: int
) -> tuple[list[int], int]:
    """The types that a packet binds, and the position behind them."""
    found = []
    for _ in range(sent):
        found.append(payload[position] | payload[position + 1] << 8)
        position += 2
        if capabilities & Capability.QUERY_ATTRIBUTES:
            length, position = read_lenenc(payload, position)
            position += length
    return found, position


def _decode(
    payload: bytes,
    capabilities: int,
    count: int,
    types: Sequence[int] | None,
    long_data: Mapping[int, bytes | bytearray],
) -> list[Parameter]:
    if len(payload) < 10:
        raise malformed_packet()
    if not count:
        return []
    position, sent = 10, count
    if capabilities & Capability.QUERY_ATTRIBUTES:
        sent, position = read_lenenc(payload, position)
        if sent < count:
            raise malformed_packet()
    nulls = payload[position : position + (sent + 7) // 8]
    position += len(nulls) + 1
    if payload[position - 1]:
        bound, position = _types(payload, capabilities, position, sent)
        types = bound[:count]
    if types is None:
        raise wrong_arguments(EXECUTE)
    parameters = []
    for index, kind in enumerate(types):
        value: bytes | None
        if index in long_data:
            if kind & 0xFF not in _PIECEMEAL:
                raise malformed_packet()
            value = bytes(long_data[index])
        elif nulls[index // 8] >> (index % 8) & 1:
            value = None
        else:
            value, position = _value(payload, position, kind & 0xFF)
        parameters.append(Parameter(kind, value))
    return parameters


def _value(payload: bytes, position: int, kind: int) -> tuple[bytes, int]:
    """A value without its length, and the position behind it."""
    if kind in _FIXED:
        length = _FIXED[kind]
    elif kind in _TEMPORAL:
        length, position = payload[position], position + 1
        if length not in _TEMPORAL[kind]:
            raise malformed_packet()
    elif kind in _DECIMALS or kind in _TEXTS or kind in _BINARY:
        length, position = read_lenenc(payload, position)
    elif kind == BOOLEAN:
        raise malformed_packet()
    else:
        raise wrong_arguments(EXECUTE)
    end = position + length
    if end > len(payload):
        raise malformed_packet()
    return payload[position:end], end


def encode(
    statement_id: bytes, capabilities: int, parameters: Sequence[Parameter]
) -> bytes:
    """A COM_STMT_EXECUTE with these parameters, their types and no cursor."""
    head = b"\x17" + statement_id + b"\x00" + (1).to_bytes(4, "little")
    if not parameters:
        return head
    named = capabilities & Capability.QUERY_ATTRIBUTES
    nulls = bytearray((len(parameters) + 7) // 8)
    types, values = [], []
    for index, parameter in enumerate(parameters):
        types.append(parameter.type.to_bytes(2, "little") + (b"\x00" if named else b""))
        if parameter.value is None:
            nulls[index // 8] |= 1 << index % 8
        elif parameter.kind in _FIXED:
            values.append(parameter.value)
        else:
            values.append(lenenc_bytes(parameter.value))
    count = lenenc(len(parameters)) if named else b""
    return b"".join((head, count, bytes(nulls), b"\x01", *types, *values))


# --- literals -----------------------------------------------------------------------


def literal(parameter: Parameter, *, backslash_escapes: bool) -> bytes:
    """The parameter as an SQL expression.

    Raises:
        MySQLError: 1690, no such date or time; 1235, a value with no literal.
    """
    kind, value = parameter.kind, parameter.value
    if value is None:
        return b"NULL"
    if kind in _INTEGERS:
        return _signed(str(_integer(parameter)))
    if kind in _FLOATS:
        return _float(struct.unpack("<" + _FLOATS[kind], value)[0])
    if kind in _DECIMALS:
        return _decimal(value)
    if kind == FIELD_TYPE.TIME:
        return _time(value)
    if kind in _TEMPORAL:
        return _moment(kind, value)
    if kind in _BINARY:
        return b"X'" + value.hex().encode() + b"'"
    return text_literal(value, backslash_escapes=backslash_escapes)


def limit_literal(parameter: Parameter) -> bytes:
    """The parameter as LIMIT and OFFSET take it.

    Raises:
        MySQLError: 1690, it is negative; 1210, it is no number of rows.
    """
    if parameter.value is None:
        return b"0"
    if parameter.kind in _INTEGERS:
        number = _integer(parameter)
        if number < 0:
            raise out_of_range("SIGNED INTEGER value", EXECUTE)
        return str(number).encode()
    if parameter.kind in _TEXTS or parameter.kind in _BINARY:
        match = _LEADING_NUMBER.match(parameter.value)
        number = max(int(match[1]), -_LEAST) if match else 0
        return str(min(number, _MOST) & _MOST).encode()  # a negative one is a large one
    raise wrong_arguments(EXECUTE)


def text_literal(value: bytes, *, backslash_escapes: bool) -> bytes:
    """A string in the character set of the statement that it is put in."""
    value = value.replace(b"'", b"''")
    if backslash_escapes:
        value = value.replace(b"\\", b"\\\\").replace(b"\0", b"\\0")
    return b"'" + value + b"'"


def _integer(parameter: Parameter) -> int:
    code = _INTEGERS[parameter.kind]
    assert parameter.value is not None
    if parameter.type & UNSIGNED:
        code = code.upper()
    number: int = struct.unpack("<" + code, parameter.value)[0]
    return number


def _signed(text: str) -> bytes:
    """A number, in parentheses where a minus could meet another sign."""
    return (f"({text})" if text.startswith("-") else text).encode()


def _float(number: float) -> bytes:
    if not math.isfinite(number):
        raise not_supported(f"the parameter {number}")
    text = repr(number)
    digits = sum(map(str.isdigit, text))
    if "e" not in text and digits <= EXACT_DIGITS and (number or text[0] != "-"):
        return f"CAST({text} AS DOUBLE)".encode()  # the engine reads no exponents
    return _signed(text if "e" in text else text + "e0")


def _decimal(value: bytes) -> bytes:
    try:
        number = Decimal(value.decode("ascii").strip())
        if not number.is_finite():
            raise ValueError
    except (InvalidOperation, ValueError):
        raise not_supported("a DECIMAL parameter that is no number") from None
    text = format(number, "f")
    if "." in text:
        return _signed(text)
    return f"CAST({text} AS DECIMAL({len(text.lstrip('-'))},0))".encode()


def _moment(kind: int, value: bytes) -> bytes:
    """DATE, DATETIME or TIMESTAMP."""
    if not any(value):
        raise not_supported("a zero date as a parameter")
    filled = value + bytes(13 - len(value))
    year, month, day, hour, minute, second, micro, offset = struct.unpack(
        "<HBBBBBIh", filled
    )
    fits = month <= 12 and day <= 31 and hour <= 23 and minute <= 59 and second <= 59
    if not fits or year > 9999 or micro > 999_999:
        name = "DATE" if kind == FIELD_TYPE.DATE else "DATETIME"
        raise out_of_range(f"{name} value", "set_parameter_value")
    text = f"{year:04}-{month:02}-{day:02}"
    if kind == FIELD_TYPE.DATE:
        return f"DATE'{text}'".encode()
    text += f" {hour:02}:{minute:02}:{second:02}"
    if micro:
        text += f".{micro:06}"
    if len(value) == 13:
        text += f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}"
        text += f":{abs(offset) % 60:02}"
    return f"TIMESTAMP'{text}'".encode()


def _time(value: bytes) -> bytes:
    filled = value + bytes(12 - len(value))
    negative, days, hour, minute, second, micro = struct.unpack("<BIBBBI", filled)
    hours = days * 24 + hour
    fits = hours <= _LONGEST_HOURS and minute <= 59 and second <= 59
    if not fits or micro > 999_999:
        raise out_of_range("TIME value", "set_parameter_value")
    text = f"{'-' if negative else ''}{hours:02}:{minute:02}:{second:02}"
    return f"TIME'{text}{f'.{micro:06}' if micro else ''}'".encode()
