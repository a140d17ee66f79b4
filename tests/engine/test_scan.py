"""What is known of a table's strings, and how changes may break it."""

import pyarrow as pa
import pytest

from heatproxy.datatypes import Column, parse
from heatproxy.engine.facts import TableFacts, TextFacts
from heatproxy.engine.scan import FEW, TextScan, facts_after

COLUMNS = [Column("n", parse("int")), Column("x", parse("varchar(50)"))]


def scanned(*batches: list[str | None], kind: pa.DataType | None = None) -> TextFacts:
    scan = TextScan(COLUMNS)
    for texts in batches:
        numbers = pa.array(range(len(texts)), pa.int32())
        scan.add([numbers, pa.array(texts, kind or pa.string())])
    return scan.facts()["x"]


@pytest.mark.parametrize(
    ("texts", "ascii_only", "alphabet", "blank_ended", "longest"),
    [
        ([], True, "", False, 0),
        (["ab", None, "ba c"], True, " abc", False, 4),
        (["ab "], True, " ab", True, 3),
        (["é", "b"], False, "b", False, 1),
        (["a\tb"], False, "\tab", False, 3),
        (["\x7f"], False, "\x7f", False, 1),
        (["日本語", ""], False, "", False, 3),
        (["😀 "], False, " ", True, 2),
        (["a\0"], False, "\0a", False, 2),
    ],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_each_character_is_seen(
    texts: list[str | None],
    ascii_only: bool,
    alphabet: str,
    blank_ended: bool,
    longest: int,
    kind: pa.DataType,
) -> None:
    found = scanned(texts, kind=kind)
    assert found.ascii is ascii_only
    assert found.alphabet == alphabet
    assert found.blank_ended is blank_ended
    assert found.longest == longest


def test_a_slice_is_looked_at_and_nothing_around_it() -> None:
    scan = TextScan(COLUMNS[1:])
    scan.add([pa.array(["Z", "ab", None, "Y "]).slice(1, 2)])
    assert scan.facts()["x"].alphabet == "ab"
    assert scan.facts()["x"].blank_ended is False


@pytest.mark.parametrize(
    ("texts", "clean"),
    [
        (["Anna", "Bob"], True),
        (["Anna", "anna"], False),
        (["Anna", "Anna "], False),
        (["Open", "pending"], True),  # few values, though p and P are both met
        ([f"{n}" for n in range(500)], True),  # no letters
        ([f"Item {n}" for n in range(500)], True),  # each in one letter case
        ([f"Iteim {n}" for n in range(500)], False),  # I and i: not proved
        ([f"{n} " for n in range(500)], False),
        (["é"], False),
    ],
)
def test_clean_is_what_the_characters_or_the_few_values_prove(
    texts: list[str], clean: bool
) -> None:
    assert scanned(texts).clean is clean


def test_batches_add_up() -> None:
    found = scanned(["ab"], ["B", None], ["c "])
    assert (found.alphabet, found.blank_ended) == (" Babc", True)
    assert found.values == ("B", "ab", "c ")
    many = [[f"v{n}" for n in range(start, start + 40)] for start in (0, 40)]
    assert len(scanned(*many[:1]).values or ()) == 40
    assert FEW < 80
    assert scanned(*many).values is None


def added(*texts: str | None) -> pa.Table:
    return pa.table({"n": pa.array(range(len(texts))), "x": pa.array(texts)})


def test_facts_stay_the_same_object_while_nothing_breaks_them() -> None:
    before = {"x": scanned(["ab", "ba"])}
    assert facts_after(before, added("ab", None)) is before
    assert facts_after(before, added()) is before
    assert facts_after(before, pa.table({"other": ["é"]})) is before


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("é", {"ascii", "clean", "values", "alphabet"}),
        ("AB", {"clean", "values", "alphabet"}),
        ("ab ", {"clean", "values", "alphabet", "blank_ended", "longest"}),
        ("aa", {"values"}),
        ("abc", {"values", "alphabet", "longest"}),
    ],
)
def test_a_row_that_is_added_breaks_what_it_contradicts(
    text: str, broken: set[str]
) -> None:
    before = {"x": scanned(["ab", "ba"])}
    after = facts_after(before, added(text))
    assert after is not before
    names = ("ascii", "clean", "values", "alphabet", "blank_ended", "longest")
    changed = {n for n in names if getattr(after["x"], n) != getattr(before["x"], n)}
    assert changed == broken - ({"alphabet"} if text == "é" else set())


def test_clean_by_counting_is_lost_with_the_first_new_value() -> None:
    counted = TextFacts(True, True, 4, "Iabi", blank_ended=False)
    assert not facts_after({"x": counted}, added("a"))["x"].clean


def test_a_key_column_stays_when_rows_are_added() -> None:
    keyed = TextFacts(False, False, 4, "ab", keyed=True)
    assert facts_after({"x": keyed}, added("日本語日本語"))["x"].keyed


def test_facts_of_files_written_before_are_read_as_unknown() -> None:
    kept = (
        '{"rows": 1, "bytes": 1, "loaded_at": "2026-01-01T00:00:00+00:00", "columns":'
        ' [], "texts": {"x": {"ascii": true, "clean": true, "longest": 3}}}'
    )
    found = TableFacts.from_json(kept).texts["x"]
    assert found.alphabet is None
    assert found.blank_ended
    assert not found.keyed


def test_facts_survive_the_file() -> None:
    found = scanned(['a\n"\\', "é"])
    table = TableFacts.from_json(
        '{"rows": 1, "bytes": 1, "loaded_at": "2026-01-01T00:00:00+00:00",'
        ' "columns": [], "texts": {}}'
    )
    written = TableFacts(
        table.rows, table.bytes, table.loaded_at, table.columns, {"x": found}
    )
    assert TableFacts.from_json(written.to_json()).texts == {"x": found}
