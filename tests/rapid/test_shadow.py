"""When two answers to one statement are the same, as far as SQL says."""

import pytest

from heatproxy.rapid.shadow import Verdict, compare, is_chosen

EQUAL, DIFFERENT, OPEN = Verdict.EQUAL, Verdict.DIFFERENT, Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("ours", "theirs", "limited", "grouped", "verdict"),
    [
        ([b"a", b"b"], [b"a", b"b"], False, False, EQUAL),
        ([b"a", b"b"], [b"b", b"a"], False, False, EQUAL),
        ([b"a", b"a"], [b"a", b"b"], False, False, DIFFERENT),
        ([b"a"], [b"a", b"a"], True, True, DIFFERENT),
        ([b"a", b"b"], [b"a", b"c"], True, False, OPEN),
        ([b"a", b"B"], [b"A", b"b"], False, False, DIFFERENT),
        ([b"a", b"B"], [b"A", b"b"], False, True, OPEN),
        ([b"a", b"1.0"], [b"A", b"1.00"], False, True, DIFFERENT),
        ([], [], False, False, EQUAL),
    ],
)
def test_rows_are_compared_as_sql_determines_them(
    ours: list[bytes],
    theirs: list[bytes],
    limited: bool,
    grouped: bool,
    verdict: Verdict,
) -> None:
    assert compare(ours, theirs, is_limited=limited, is_grouped=grouped) is verdict


def test_none_or_all_are_chosen_where_the_share_says_so() -> None:
    assert not any(is_chosen(0) for _ in range(100))
    assert all(is_chosen(1) for _ in range(100))
