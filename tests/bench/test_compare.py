"""Two answers are told to be the same exactly where SQL leaves open how they differ."""

import pytest
from pymysql.constants import FIELD_TYPE

from heatproxy.bench.answers import Answer, Field
from heatproxy.bench.compare import Same, compare

INT = Field("n", FIELD_TYPE.LONGLONG, 63, None, False, 0)
TEXT = Field("s", FIELD_TYPE.VAR_STRING, 255, None, False, 0)
ORDERED = "SELECT n, s FROM t ORDER BY n"
LIMITED = "SELECT n, s FROM t ORDER BY n LIMIT 2"
ALL_ROWS = [(b"1", b"a"), (b"2", b"b"), (b"2", b"c"), (b"2", b"d")]


def look(text: str) -> Answer:
    """MySQL, as far as it is asked here: every letter weighs what its capital does."""
    if "WEIGHT_STRING" in text:
        return Answer(rows=[(bytes.fromhex(text.split("0x")[1].split()[0]).upper(),)])
    return Answer([INT, TEXT], ALL_ROWS)


@pytest.mark.parametrize(
    ("text", "mysql", "ours", "same"),
    [
        (ORDERED, [(b"1", b"a")], [(b"1", b"a")], Same.EXACT),
        (ORDERED, [(b"1", b"a")], [(b"1", None)], Same.WRONG),
        (ORDERED, [(b"1", b"a")], [(b"1.0", b"a")], Same.WRONG),
        (ORDERED, [(b"1", b"a")], [(b"1", b"a"), (b"1", b"a")], Same.WRONG),
        (ORDERED, ALL_ROWS[1:3], ALL_ROWS[2:0:-1], Same.ORDER),
        (ORDERED, ALL_ROWS[:2], ALL_ROWS[1::-1], Same.WRONG),
        ("SELECT n, s FROM t", ALL_ROWS[:2], ALL_ROWS[1::-1], Same.ORDER),
        ("SELECT n, s FROM t ORDER BY 1", ALL_ROWS[:2], ALL_ROWS[1::-1], Same.WRONG),
        ("SELECT n, s FROM t ORDER BY 2, 1", ALL_ROWS[:2], ALL_ROWS[1::-1], Same.WRONG),
        (ORDERED, [(b"1", b"a")], [(b"1", b"A")], Same.MEMBER),
        (LIMITED, ALL_ROWS[:2], [ALL_ROWS[0], ALL_ROWS[3]], Same.TIES),
        (LIMITED, ALL_ROWS[:2], [ALL_ROWS[0], (b"2", b"x")], Same.WRONG),
        (LIMITED, ALL_ROWS[:2], ALL_ROWS[1:3], Same.WRONG),
        (LIMITED, ALL_ROWS[1:3], [ALL_ROWS[1], ALL_ROWS[1]], Same.WRONG),
        (ORDERED, ALL_ROWS[:2], [ALL_ROWS[0], ALL_ROWS[3]], Same.WRONG),
    ],
)
def test_rows_are_compared_as_far_as_they_are_determined(
    text: str,
    mysql: list[tuple[bytes | None, ...]],
    ours: list[tuple[bytes | None, ...]],
    same: Same,
) -> None:
    fields = [INT, TEXT]
    verdict = compare(text, Answer(fields, mysql), Answer(fields, ours), look)
    assert verdict.same is same, verdict


@pytest.mark.parametrize(
    "ours",
    [
        Answer([TEXT], []),
        Answer([INT], [], warnings=1),
        Answer([INT], [], error=1690),
        Answer([INT, INT], []),
    ],
)
def test_columns_warnings_and_errors_must_be_mysqls(ours: Answer) -> None:
    verdict = compare("SELECT n FROM t", Answer([INT], []), ours, look)
    assert verdict.same is Same.WRONG


def test_the_same_error_is_the_same_answer() -> None:
    failed = Answer(error=1690, message="out of range")
    other = Answer(error=1690, message="said otherwise")
    assert compare("SELECT n FROM t", failed, other, look).same is Same.EXACT


def test_a_year_has_no_sign_to_compare() -> None:
    year = Field("n", FIELD_TYPE.LONGLONG, 63, None, None, 0)
    for other in (INT, year):
        verdict = compare("SELECT n FROM t", Answer([other]), Answer([year]), look)
        assert verdict.same is Same.EXACT


def test_what_mysql_gives_up_on_says_nothing() -> None:
    verdict = compare("SELECT 1", Answer(error=3024), Answer([INT]), look)
    assert verdict.same is Same.UNKNOWN


@pytest.mark.parametrize(
    ("kind", "same"), [(FIELD_TYPE.DOUBLE, Same.ORDER), (FIELD_TYPE.STRING, Same.WRONG)]
)
def test_the_two_zeros_of_a_double_stand_in_any_order(kind: int, same: Same) -> None:
    fields = [Field("x", kind, 63, 31, False, 0)]
    mysql = Answer(fields, [(b"-0",), (b"0",), (b"1",)])
    ours = Answer(fields, [(b"0",), (b"-0",), (b"1",)])
    assert compare("SELECT x FROM t ORDER BY x", mysql, ours, look).same is same
    wrong = Answer(fields, [(b"0",), (b"0",), (b"1",)])
    verdict = compare("SELECT x FROM t ORDER BY x", mysql, wrong, look)
    assert verdict.same is Same.WRONG
