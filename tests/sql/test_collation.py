"""Rules and keys made of MySQL's own weights."""

import random
from collections.abc import Mapping
from functools import cmp_to_key

import duckdb
import pytest

from heatproxy.sql.collation import (
    PRINTABLE,
    SAFE,
    CollationKey,
    CollationWeights,
    key_of,
    key_query,
    pads_space,
    weights_query,
)
from tests.sql.mysql_oracle import Oracle

COLLATIONS = (
    "utf8mb4_0900_ai_ci",
    "utf8mb4_0900_as_cs",
    "utf8mb4_0900_bin",
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "utf8mb4_bin",
    "utf8mb3_general_ci",
    "latin1_swedish_ci",
    "latin1_german1_ci",
    "ascii_general_ci",
    "utf8mb4_et_0900_ai_ci",
    "utf8mb4_tr_0900_ai_ci",
)


def weights(**others: bytes) -> dict[str, bytes]:
    """Of a made-up collation: each character weighs its code, but for some."""
    known = {char: bytes((0, ord(char))) for char in SAFE}
    names = {f"c{ord(char):02x}": char for char in SAFE}
    known |= {names[name]: weight for name, weight in others.items()}
    return known | {
        one + other: known[one] + known[other] for one in SAFE for other in SAFE
    }


def rule(known: Mapping[str, bytes], name: str = "utf8mb4_made_ci") -> CollationKey:
    return CollationWeights.build({name: known}).keys[name]


def test_a_collation_without_all_weights_has_no_rule() -> None:
    known = weights()
    del known["zz"]
    assert rule(known).fold is None
    del known["z"]
    assert not CollationWeights.build({"utf8mb4_made_ci": known}).keys


def test_padding_needs_weights_of_one_width() -> None:
    known = weights(c61=b"\0a\0a")
    assert not CollationWeights.build({"utf8mb4_made_ci": known}).keys


def test_padding_needs_the_blank_to_be_alone() -> None:
    known = weights(c09=b"\0 ")
    assert not CollationWeights.build({"utf8mb4_made_ci": known}).keys


def test_two_characters_that_weigh_as_one_leave_no_rule_but_the_key() -> None:
    known = weights()
    known["ch"] = b"\0\x99"
    found = rule(known)
    assert not found.decides("ab")
    assert found.order("x", "ab") is None
    assert found.key("ab") is None


def test_weights_that_cannot_be_told_apart_leave_no_expression() -> None:
    """In "ab" and "c" the same weights would follow each other."""
    known = weights(c63=b"\0a\0b")
    found = rule(known, "utf8mb4_made_0900_ai_ci")
    assert not found.decides("abc")
    assert found.key("c") == b"\0a\0b"


def test_a_collation_of_uneven_widths_is_never_asked_for() -> None:
    with pytest.raises(ValueError, match="gbk"):
        weights_query("gbk_chinese_ci")


@pytest.mark.parametrize("alphabet", [PRINTABLE, "aB-, ", "xyz.:", "A~b!Q9", "_- #"])
def test_as_few_characters_as_can_be_move(alphabet: str) -> None:
    """Weights in reverse: all but one must move, and the order is still right."""
    known = weights(**{f"c{ord(c):02x}": bytes((1, 200 - ord(c))) for c in SAFE})
    found = rule(known, "utf8mb4_made_0900_as_cs")
    order = found.order("x", alphabet)
    assert order is not None
    rows = duckdb.sql(
        f"SELECT x FROM (SELECT unnest(?) AS x) ORDER BY {order}",
        params=[list(set(alphabet))],
    ).fetchall()
    assert [x for (x,) in rows] == sorted(set(alphabet), reverse=True)


def padded_less(one: list[int], other: list[int]) -> int:
    """How padding compares: with blanks (5) behind the shorter one, for ever."""
    width = max(len(one), len(other))
    left, right = (text + [5] * (width - len(text)) for text in (one, other))
    return (left > right) - (left < right)


@pytest.mark.parametrize("seed", range(20))
def test_keys_of_padded_texts_compare_as_if_padded_for_ever(seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311 - test data
    texts = [
        [pick.choice((0, 2, 4, 5, 5, 6, 9)) for _ in range(pick.randint(0, 6))]
        for _ in range(150)
    ]
    blank = b"\0\5"

    def key(text: list[int]) -> bytes:
        written = "".join(" " if one == 5 else chr(97 + one) for one in text)
        return key_of(written, b"".join(bytes((0, one)) for one in text), blank)

    for one in texts:
        for other in texts:
            left, right = key(one), key(other)
            assert (left > right) - (left < right) == padded_less(one, other)
    assert sorted(texts, key=cmp_to_key(padded_less))[0] == min(texts, key=key)


def test_a_weight_of_uneven_width_has_no_key() -> None:
    with pytest.raises(ValueError, match="uneven"):
        key_of("a", b"abc", b"\0 ")


def test_a_text_that_ends_in_what_weighs_as_a_blank_has_no_key() -> None:
    """MySQL sorts it like one that ends in a blank, but hashes it like none."""
    assert key_of("a  ", b"\0a\0 \0 ", b"\0 ") == b"\0a\0 "
    with pytest.raises(ValueError, match="weighs as a blank"):
        key_of("a\xa0 ", b"\0a\0 \0 ", b"\0 ")


@pytest.mark.mysql
def test_mysql_pads_where_its_names_say_so(oracle: Oracle) -> None:
    rows = oracle.query(
        "SELECT COLLATION_NAME, PAD_ATTRIBUTE FROM information_schema.COLLATIONS"
    ).rows
    assert len(rows) > 200
    for name, pad in rows:
        assert pads_space(str(name)) == (pad == "PAD SPACE"), name


@pytest.mark.mysql
@pytest.mark.parametrize("collation", COLLATIONS)
def test_every_pair_of_characters_is_ordered_as_mysql_orders_it(
    oracle: Oracle, collation: str
) -> None:
    """95 x 95 pairs, each with a letter before and a blank behind the second.

    The collation's keys must say the same of all 100 characters.
    """
    charset = collation.partition("_")[0]
    oracle.weigh([collation])
    found = oracle.weights.keys[collation]
    pairs = [(one, other) for one in SAFE for other in SAFE]
    texts = [f"k{one}" for one in SAFE] + [
        f"K{one} " if ord(one) % 2 else f"K{one}" for one in SAFE
    ]
    rows = oracle.query(key_query(collation, texts)).rows
    for text, (_, weight) in zip(texts, rows, strict=True):
        made = key_of(text, (weight or "").encode("latin1"), found.blank)
        assert found.key(text) == made
    cases = "SELECT a.n, b.n, a.v = b.v, a.v < b.v FROM "
    listed = [
        ", ".join(
            f"ROW({n}, _utf8mb4 X'{t.encode().hex()}')" for n, t in enumerate(part)
        )
        for part in (texts[: len(SAFE)], texts[len(SAFE) :])
    ]
    values = [
        f"(SELECT column_0 AS n, CONVERT(column_1 USING {charset}) COLLATE {collation}"
        f" AS v FROM (VALUES {rows}) AS t)"
        for rows in listed
    ]
    answers = oracle.query(f"{cases} {values[0]} AS a JOIN {values[1]} AS b").rows
    assert len(answers) == len(pairs)
    for one, other, equal, less in answers:
        left, right = texts[int(one or 0)], texts[len(SAFE) + int(other or 0)]
        keys = found.key(left), found.key(right)
        assert None not in keys
        assert (keys[0] == keys[1]) == (equal == "1"), (left, right)
        assert (keys[0] < keys[1]) == (less == "1"), (left, right)  # type: ignore[operator]
