"""The query blocks of statements, found by their tokens."""

import pytest

from heatproxy.sql.lexer import tokens
from heatproxy.sql.predictions_blocks import Block, blocks, innermost

BLOCKS = {
    "SELECT a, b FROM t WHERE c GROUP BY d HAVING e ORDER BY f LIMIT 1": [
        {
            "LIST": "a, b",
            "FROM": "t",
            "WHERE": "c",
            "GROUP": "d",
            "HAVING": "e",
            "ORDER": "f",
            "LIMIT": "1",
        }
    ],
    "SELECT EXTRACT(DAY FROM x) FROM t": [
        {"LIST": "EXTRACT(DAY FROM x)", "FROM": "t"},
    ],
    "SELECT 1 UNION ALL (SELECT b FROM u) ORDER BY 1": [
        {"LIST": "1"},
        {"LIST": "b", "FROM": "u"},
    ],
    "SELECT a FROM (SELECT b FROM u) d WHERE EXISTS (SELECT 1)": [
        {
            "LIST": "a",
            "FROM": "(SELECT b FROM u) d",
            "WHERE": "EXISTS (SELECT 1)",
        },
        {"LIST": "b", "FROM": "u"},
        {"LIST": "1"},
    ],
    "INSERT INTO t (a) SELECT b FROM u ON DUPLICATE KEY UPDATE a = 1": [
        {"LIST": "b", "FROM": "u"},
    ],
    "UPDATE LOW_PRIORITY t JOIN u USING (id) SET a = 1 WHERE b LIMIT 2": [
        {"FROM": "t JOIN u USING (id)", "SET": "a = 1", "WHERE": "b", "LIMIT": "2"},
    ],
    "DELETE FROM t WHERE a = 1": [{"FROM": "t", "WHERE": "a = 1"}],
    "DELETE FROM t USING t JOIN u ON t.a = u.a": [{"FROM": "t JOIN u ON t.a = u.a"}],
    "SELECT a FROM t FOR UPDATE": [{"LIST": "a", "FROM": "t", "FOR": "UPDATE"}],
    "SET @a = (SELECT b FROM t)": [{"LIST": "b", "FROM": "t"}],
    "VALUES ROW(1)": [],
}


def told(text: str, block: Block) -> dict[str, str]:
    part = tokens(text.encode())
    return {
        name.decode(): text[part[first].start : part[end - 1].end]
        for name, (first, end) in block.clauses.items()
    }


@pytest.mark.parametrize(("text", "clauses"), BLOCKS.items(), ids=range(len(BLOCKS)))
def test_clauses_are_found(text: str, clauses: list[dict[str, str]]) -> None:
    found = blocks(tokens(text.encode()))
    assert [told(text, block) for block in found] == clauses


def test_a_block_knows_what_is_around_it() -> None:
    text = b"WITH c AS (SELECT 1), d (x) AS (SELECT 2 FROM c) SELECT (SELECT 3) FROM d"
    part = tokens(text)
    one, two, outer, three = blocks(part)
    assert [b.outer for b in (one, two, outer, three)] == [None, None, None, outer]
    assert [len(b.tables) for b in (one, two, outer, three)] == [0, 1, 2, 2]
    three_at = next(i for i, token in enumerate(part) if token.text == b"3")
    assert innermost([one, two, outer, three], three_at) is three
    assert outer.clause_at(three_at) == b"LIST"
