"""Declared options: a constraint tests a value, converts it and describes itself.

The JSON argument of a routine is checked against one ``Options`` value, so that
"must be a number greater than 0 and less than 0.5" is never typed by hand, and one
test can make a wrong value for every option there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class BadOption(Exception):
    """A value that its constraint refuses; the message says what is allowed."""


class Constraint(Protocol):
    """What one option may be."""

    @property
    def default(self) -> Any: ...

    def convert(self, value: Any) -> Any:
        """The value in its own type. Raises BadOption."""
        ...

    def describe(self) -> str:
        """What is allowed, to follow the words "must be"."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Any string, or a number taken as its text."""

    default: str | None = None

    def convert(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadOption(self.describe())
        return str(value)

    def describe(self) -> str:
        return "a string"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a closed list of words, whatever their letter case."""

    choices: Sequence[str]
    default: str | None = None

    def convert(self, value: Any) -> str:
        for choice in self.choices:
            if isinstance(value, str) and value.lower() == choice.lower():
                return choice
        raise BadOption(self.describe())

    def describe(self) -> str:
        return "one of " + ", ".join(self.choices)


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean; 0, 1 and the words true and false are taken too."""

    default: bool | None = None

    def convert(self, value: Any) -> bool:
        word = str(value).lower()
        if word in ("true", "1"):
            return True
        if word in ("false", "0"):
            return False
        raise BadOption(self.describe())

    def describe(self) -> str:
        return "true or false"


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds; a string that holds one is taken too."""

    low: float | None = None
    high: float | None = None
    whole: bool = False
    inclusive: bool = True
    default: float | None = None

    def convert(self, value: Any) -> float | int:
        try:
            if isinstance(value, bool):
                raise ValueError
            number = int(str(value)) if self.whole else float(value)
        except (TypeError, ValueError):
            raise BadOption(self.describe()) from None
        if not self._within(number):
            raise BadOption(self.describe())
        return number

    def _within(self, number: float) -> bool:
        if self.inclusive:
            low_ok = self.low is None or number >= self.low
            return low_ok and (self.high is None or number <= self.high)
        low_ok = self.low is None or number > self.low
        return low_ok and (self.high is None or number < self.high)

    def describe(self) -> str:
        kind = "an integer" if self.whole else "a number"
        below, above = ("at least", "at most") if self.inclusive else ("above", "below")
        bounds = [
            f"{word} {bound:g}"
            for word, bound in ((below, self.low), (above, self.high))
            if bound is not None
        ]
        return " ".join([kind, " and ".join(bounds)]).strip()


@dataclass(frozen=True, slots=True)
class Named:
    """A name, or an object that has nothing but it under ``key``."""

    key: str
    default: str | None = None

    def convert(self, value: Any) -> str:
        if isinstance(value, dict) and set(value) == {self.key}:
            value = value[self.key]
        if not isinstance(value, str):
            raise BadOption(self.describe())
        return value

    def describe(self) -> str:
        return f'a string or {{"{self.key}": a string}}'


@dataclass(frozen=True, slots=True)
class AnyJson:
    """A value whose own reader checks it."""

    default: Any = None

    def convert(self, value: Any) -> Any:
        return value

    def describe(self) -> str:
        return "JSON"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A JSON array whose members all satisfy one constraint."""

    member: Constraint
    default: tuple[Any, ...] | None = None

    def convert(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise BadOption(self.describe())
        return [self.member.convert(member) for member in value]

    def describe(self) -> str:
        return f"a JSON array, each member {self.member.describe()}"


@dataclass(frozen=True, slots=True)
class Nested:
    """A JSON object with declared keys of its own."""

    options: "Options"
    default: dict[str, Any] | None = None

    def convert(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadOption(self.describe())
        return self.options.check(value)

    def describe(self) -> str:
        return "a JSON object with the keys " + ", ".join(self.options.declared)


class Options:
    """The keys a JSON object may have, each with its constraint."""

    def __init__(self, **declared: Constraint) -> None:
        self.declared: Mapping[str, Constraint] = declared

    def check(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Every declared key with its given or default value.

        A key given as JSON null counts as not given.

        Raises:
            BadOption: an unknown key, or a value its constraint refuses. The
                message names the key, what was got and what is allowed.
        """
        given = given or {}
        if not isinstance(given, Mapping):
            raise BadOption("the options must be a JSON object")
        for key in given:
            if key not in self.declared:
                known = ", ".join(self.declared)
                raise BadOption(f"unknown option '{key}': known are {known}")
        values = {}
        for key, constraint in self.declared.items():
            value = given.get(key)
            if value is None:
                values[key] = constraint.default
                continue
            try:
                values[key] = constraint.convert(value)
            except BadOption as problem:
                raise BadOption(
                    f"option '{key}' must be {problem}, not {value!r}"
                ) from None
        return values
