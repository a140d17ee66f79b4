"""Keys made of MySQL's own weights."""

import pytest

from heatproxy.sql.collation import (
    PAD_SPACE,
    PRINTABLE,
    CollationWeights,
    weights_query,
)
from tests.sql.mysql_oracle import Oracle


def by_code_point(text: str) -> bytes:
    return text.encode()


def test_a_collation_without_all_weights_has_no_key() -> None:
    weights = {char: char.encode() for char in PRINTABLE[1:]}
    assert not CollationWeights.build({"utf8mb4_bin": weights}).keys


def test_weights_of_several_lengths_have_no_key() -> None:
    weights = {char: char.encode() * (1 + (char == "a")) for char in PRINTABLE}
    assert not CollationWeights.build({"utf8mb4_bin": weights}).keys


def test_padding_needs_the_blank_to_be_first() -> None:
    weights = {char: bytes((200 - ord(char),)) for char in PRINTABLE}
    assert not CollationWeights.build({"utf8mb4_bin": weights}).keys


def test_an_unknown_collation_is_left_out_and_never_asked_for() -> None:
    weights = {char: char.encode() for char in PRINTABLE}
    assert not CollationWeights.build({"utf8mb4_es_trad_0900_ai_ci": weights}).keys
    with pytest.raises(ValueError, match="trad"):
        weights_query("utf8mb4_es_trad_0900_ai_ci")


@pytest.mark.mysql
@pytest.mark.parametrize("collation", PAD_SPACE)
def test_every_pair_of_characters_is_ordered_as_mysql_orders_it(
    oracle: Oracle, collation: str
) -> None:
    """95 x 95 pairs, each with a letter before and a blank behind the second."""
    charset = collation.partition("_")[0]
    oracle.query("DROP TABLE IF EXISTS pairs")
    oracle.query(
        f"CREATE TABLE pairs (id INT, x VARCHAR(4), y VARCHAR(4)) CHARACTER SET"
        f" {charset} COLLATE {collation}"
    )
    oracle.query(
        "INSERT INTO pairs WITH RECURSIVE p AS (SELECT 32 AS c UNION ALL"
        " SELECT c + 1 FROM p WHERE c < 126) SELECT a.c * 1000 + b.c,"
        f" CONCAT('k', CHAR(a.c USING {charset})),"
        f" CONCAT('K', CHAR(b.c USING {charset}), IF(a.c % 2, ' ', '')) FROM p a, p b"
    )
    try:
        oracle.take("pairs")
        text = "SELECT id, x = y, x < y, y < x, x <= y FROM pairs ORDER BY id"
        assert oracle.difference(text) is None
    finally:
        oracle.query("DROP TABLE pairs")
        oracle.tables.pop("pairs", None)
        oracle.engine.drop(f"{oracle.schema}.pairs")
