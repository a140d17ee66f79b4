"""CREATE MODEL, as Amazon Redshift ML has it: from tokens to what it asks for.

Clauses behind the name may stand in any order, each once. Nothing of it is MySQL's:
MySQL knows no MODEL.

Source: Amazon Redshift Database Developer Guide, "CREATE MODEL".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from heatproxy.errors import MySQLError
from heatproxy.sql.lexer import (
    Kind,
    Token,
    closing,
    qualified_name,
    split_at_commas,
    text_of,
)

CREATE, SHOW, DROP = b"CREATE", b"SHOW", b"DROP"
_NEAR_CHARACTERS = 80
# A type that is one word in Redshift and takes a length in MySQL.
_TEXTS = {"VARCHAR": "VARCHAR(4096)", "CHAR": "CHAR(255)", "TEXT": "TEXT"}
_SPELLED = {"SUPER": "JSON", "BOOL": "BOOLEAN", "TIMESTAMP": "DATETIME(6)"}
Name = tuple[str | None, str]  # a schema, where there is one, and what is in it


@dataclass(frozen=True, slots=True)
class CreateModel:
    """What the statement says; ``source`` is one of a query, a table, a file."""

    name: Name
    function: Name
    query: bytes | None = None
    table: Name | None = None
    file: str | None = None
    endpoint: str | None = None  # of SAGEMAKER
    target: str | None = None
    parameters: tuple[str, ...] | None = None  # types
    returns: str | None = None
    iam_role: str | None = None
    auto: bool | None = None
    model_type: str | None = None  # in upper case, like problem_type
    problem_type: str | None = None
    objective: str | None = None
    preprocessors: str | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    if_not_exists: bool = False


def is_of_models(words: Sequence[Token]) -> bool:
    """Whether a statement is CREATE, SHOW or DROP MODEL."""
    return (
        len(words) > 1
        and words[0].is_word(CREATE, SHOW, DROP)
        and words[1].is_word(b"MODEL")
    )


def parse_create_model(text: bytes, words: Sequence[Token]) -> CreateModel:
    """What a CREATE MODEL asks for.

    Raises:
        MySQLError: 1064, where it goes on as no such statement does.
    """
    return _Reader(text, words).statement()


def parse_model_name(text: bytes, words: Sequence[Token]) -> tuple[Name | None, bool]:
    """The model that SHOW MODEL or DROP MODEL names, None for ALL; IF EXISTS.

    Raises:
        MySQLError: 1064.
    """
    reader = _Reader(text, words)
    reader.place = 2
    if words[0].is_word(SHOW) and reader.takes(b"ALL"):
        reader.require_end()
        return None, False
    if_exists = words[0].is_word(DROP) and reader.takes(b"IF", b"EXISTS")
    name = reader.name()
    reader.require_end()
    return name, if_exists


class _Reader:
    """Goes through the tokens; every step raises 1064 where it finds something else."""

    def __init__(self, text: bytes, words: Sequence[Token]) -> None:
        self._text, self._words = text, words
        self.place = 2

    def statement(self) -> CreateModel:
        if_not_exists = self.takes(b"IF", b"NOT", b"EXISTS")
        found: dict[str, object] = {"name": self.name()}
        while self.place < len(self._words):
            start = self.place
            word = self._word()
            clause = _CLAUSES.get(word)
            if clause is None:
                self._fail(start)
            for key, value in clause(self).items():
                if key in found:
                    self._fail(start)
                found[key] = value
        if "function" not in found:
            self._fail(self.place)
        return CreateModel(**found, if_not_exists=if_not_exists)  # type: ignore[arg-type]

    # --- steps ------------------------------------------------------------------------

    def takes(self, *keywords: bytes) -> bool:
        """Go past these keywords if they are next."""
        found = self._words[self.place : self.place + len(keywords)]
        if len(found) == len(keywords) and all(
            token.is_word(word) for token, word in zip(found, keywords, strict=True)
        ):
            self.place += len(keywords)
            return True
        return False

    def name(self) -> Name:
        named = qualified_name(self._words, self.place)
        if named is None:
            self._fail(self.place)
        schema, name, self.place = named
        return schema, name

    def require_end(self) -> None:
        if self.place < len(self._words):
            self._fail(self.place)

    def _next(self) -> Token:
        if self.place >= len(self._words):
            self._fail(self.place)
        token = self._words[self.place]
        self.place += 1
        return token

    def _word(self) -> str:
        token = self._next()
        if token.kind is not Kind.WORD:
            self._fail(self.place - 1)
        return token.text.decode("utf-8", "replace").upper()

    def value(self) -> str:
        """A string's inside, or a word or number as it stands."""
        token = self._next()
        if token.kind is Kind.STRING:
            return string_of(token)
        if token.kind not in (Kind.WORD, Kind.NUMBER, Kind.NAME):
            self._fail(self.place - 1)
        return token.name if token.name is not None else token.text.decode()

    def _inside(self) -> Sequence[Token]:
        """The tokens between the parentheses that are next."""
        opening = self.place
        is_open = opening < len(self._words) and self._words[opening].is_symbol(b"(")
        end = closing(self._words, opening) if is_open else None
        if end is None:
            self._fail(opening)
        self.place = end + 1
        return self._words[opening + 1 : end]

    def _fail(self, place: int) -> NoReturn:
        start = self._words[place].start if place < len(self._words) else None
        near = b"" if start is None else self._text[start : self._words[-1].end]
        shown = near.decode("utf-8", "replace")[:_NEAR_CHARACTERS]
        raise MySQLError(
            1064,
            "42000",
            "You have an error in your SQL syntax; check README's table of dialects"
            f" for the right syntax of CREATE MODEL to use near '{shown}'",
        )

    # --- clauses ----------------------------------------------------------------------

    def source(self) -> dict[str, object]:
        here = self._words[self.place] if self.place < len(self._words) else None
        if here is not None and here.kind is Kind.STRING:
            return {"file": self.value()}
        if here is None or not here.is_symbol(b"("):
            return {"table": self.name()}
        inside = self._inside()
        if not inside:
            self._fail(self.place - 1)
        return {"query": text_of(self._text, inside)}

    def function(self) -> dict[str, object]:
        name = self.name()
        if self.place < len(self._words) and self._words[self.place].is_symbol(b"("):
            inside = self._inside()
            types = tuple(self._type(part) for part in split_at_commas(inside))
            return {"function": name, "parameters": types}
        return {"function": name}

    def returns(self) -> dict[str, object]:
        start = self.place
        self._word()
        if self.place < len(self._words) and self._words[self.place].is_symbol(b"("):
            self._inside()
        return {"returns": self._type(self._words[start : self.place])}

    def _type(self, part: Sequence[Token]) -> str:
        """A MySQL type; those that only Redshift has in MySQL's words."""
        if not part or any(_is_no_type(token) for token in part):
            self._fail(self.place - 1)
        text = " ".join(token.text.decode() for token in part).upper()
        text = text.replace(" (", "(").replace("( ", "(").replace(" )", ")")
        text = text.replace("CHARACTER VARYING", "VARCHAR").replace(" ,", ",")
        return _TEXTS.get(text) or _SPELLED.get(text, text)

    def problem_type(self) -> dict[str, object]:
        return {"problem_type": self.value().upper()}

    def model_type(self) -> dict[str, object]:
        return {"model_type": self.value().upper()}

    def auto(self) -> dict[str, object]:
        word = self._word()
        if word not in ("ON", "OFF"):
            self._fail(self.place - 1)
        return {"auto": word == "ON"}

    def hyperparameters(self) -> dict[str, object]:
        if not self.takes(b"DEFAULT"):
            self._fail(self.place)
        if not self.takes(b"EXCEPT"):
            return {"hyperparameters": {}}
        return {"hyperparameters": self._pairs(lower=True)}

    def settings(self) -> dict[str, object]:
        return {"settings": self._pairs(lower=False)}

    def _pairs(self, *, lower: bool) -> dict[str, str]:
        """Names and values; ``=`` may stand between them."""
        pairs = {}
        start = self.place
        for part in split_at_commas(self._inside()):
            words = [token for token in part if not token.is_symbol(b"=")]
            if len(words) != 2 or words[0].name is None:
                self._fail(start)
            key, value = words
            name = key.text.decode("utf-8", "replace")
            shown = (
                string_of(value)
                if value.kind is Kind.STRING
                else value.text.decode("utf-8", "replace")
            )
            pairs[name.lower() if lower else name.upper()] = shown
        return pairs


def _plain(key: str) -> Callable[[_Reader], dict[str, object]]:
    return lambda reader: {key: reader.value()}


_CLAUSES: Mapping[str, Callable[[_Reader], dict[str, object]]] = {
    "FROM": _Reader.source,
    "TARGET": _plain("target"),
    "FUNCTION": _Reader.function,
    "RETURNS": _Reader.returns,
    "SAGEMAKER": _plain("endpoint"),
    "IAM_ROLE": _plain("iam_role"),
    "AUTO": _Reader.auto,
    "MODEL_TYPE": _Reader.model_type,
    "PROBLEM_TYPE": _Reader.problem_type,
    "OBJECTIVE": _plain("objective"),
    "PREPROCESSORS": _plain("preprocessors"),
    "HYPERPARAMETERS": _Reader.hyperparameters,
    "SETTINGS": _Reader.settings,
}


def string_of(token: Token) -> str:
    """What a string literal holds: quotes that are doubled, or behind a backslash."""
    quote = token.text[:1]
    text = token.text[1:-1].replace(quote * 2, quote)
    return re.sub(rb"\\([\\'\"])", rb"\1", text).decode("utf-8", "replace")


def _is_no_type(token: Token) -> bool:
    if token.kind is Kind.SYMBOL:
        return token.text not in (b"(", b")", b",")
    return token.kind not in (Kind.WORD, Kind.NUMBER)
