"""JSON text as MySQL writes it."""

import json
from contextlib import closing
from typing import Any

import pytest

from heatproxy.jsontext import NumberText, json_text, parse
from tests.asking import value
from tests.conftest import Server

DOCUMENTS = {
    "keys by length, then bytes": '{"bb": 1, "a": 2, "B": 3, "aa": 4}',
    "keys of other scripts": '{"ü": 1, "zz": 2, "z": 3, "日": 4, "aaa": 5}',
    "nested": '{"list": [1, {"bb": null, "a": true}, []], "o": {}}',
    "digits": "[1425.0, 0.10, 1.50, -0.0, 1, 12345678901234567890, 0.1]",
    "escapes": '"a\\"b\\\\c\\n\\t\\u0001 / ü 日 😀"',
    "an empty key": '{"": 1, "a": 2}',
}


@pytest.mark.mysql
@pytest.mark.parametrize(
    "document", [d for n, d in DOCUMENTS.items() if n != "digits"],
    ids=[n for n in DOCUMENTS if n != "digits"],
)  # fmt: skip
def test_documents_are_written_as_mysql_writes_them(
    server: Server, document: str
) -> None:
    with closing(server.connect_backend()) as backend:
        quoted = backend.escape(document)
        assert json_text(parse(document)) == value(
            backend, f"SELECT CAST(CAST({quoted} AS JSON) AS CHAR)"
        )


def test_numbers_keep_the_digits_they_came_with() -> None:
    assert json_text(parse(DOCUMENTS["digits"])) == DOCUMENTS["digits"]
    assert parse("1.50") == NumberText("1.50")
    assert parse("5") == 5


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_is_written_reads_back_the_same(document: str) -> None:
    assert json.loads(json_text(parse(document))) == json.loads(document)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((1, 2.5, None), "[1, 2.5, null]"),
        ({"b": (), "a": True}, '{"a": true, "b": []}'),
        (0.1 + 0.2, "0.30000000000000004"),
        ("\x7f\u2028", '"\x7f\u2028"'),
    ],
)
def test_python_values_become_json(given: Any, text: str) -> None:
    assert json_text(given) == text
