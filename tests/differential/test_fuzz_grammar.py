"""The fuzzer's grammar has all that the emitter has rules for."""

import random
import re
from typing import Any

import pytest

from heatproxy.sql import grammar
from heatproxy.sql.emitter import aggregates, block, functions, windows
from heatproxy.sql.emitter.values import Forward
from tests.differential.fuzz_queries import Queries
from tests.differential.fuzz_tables import Tables

NAMES = {
    "forms": functions.FORMS,
    "functions": functions.FUNCTIONS,
    "aggregates": aggregates.AGGREGATES,
    "windows": windows._FUNCTIONS,
}
# literals beside each other, which no grammar need make
UNMADE = {"Concat"}


class Listed(Queries):
    """The grammar, which notes all that it might have chosen."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance, Tables(chance))
        self.seen: set[str] = set()

    def one(self, *choices: Any) -> Any:
        self.seen.update(str(choice) for choice in choices)
        return super().one(*choices)


@pytest.fixture(scope="module")
def listed() -> Listed:
    made = Listed(random.Random(1))  # noqa: S311 - test data
    for _ in range(300):
        made.query()
    return made


@pytest.mark.parametrize("table", NAMES)
def test_the_grammar_makes_each_function_that_has_a_rule(
    listed: Listed, table: str
) -> None:
    words = {word for text in listed.seen for word in re.findall(r"[A-Z_0-9]+", text)}
    assert not {name.upper() for name in NAMES[table]} - words


def test_the_grammar_makes_each_operator_that_has_a_rule(listed: Listed) -> None:
    wanted, made = {kind.__name__ for kind in block.NODES} - UNMADE, set[str]()
    for text in sorted(listed.seen)[::2]:
        if wanted <= made:
            break
        if re.search(r"\b[ab]\.\w", text) and "SELECT" not in text:
            try:
                tree = grammar.parse(f"SELECT {text} FROM r a", "", "utf8mb4_bin")
            except Forward:
                continue  # a part of an expression
            made |= {type(node).__name__ for node in tree.walk()}
    assert not wanted - made
