"""The demo's rows look like the data set they stand for, and can be learned from."""

import csv
import io

import pytest

from heatproxy.demo_data import bank_marketing_csv

HEADER = (
    '"age";"job";"marital";"education";"default";"balance";"housing";"loan";"contact"'
    ';"day";"month";"duration";"campaign";"pdays";"previous";"poutcome";"y"'
)
WORDS = {
    "job": "admin. unknown unemployed management housemaid entrepreneur student "
    "blue-collar self-employed retired technician services",
    "marital": "married divorced single",
    "education": "unknown secondary primary tertiary",
    "default": "yes no",
    "housing": "yes no",
    "loan": "yes no",
    "contact": "unknown telephone cellular",
    "month": "jan feb mar apr may jun jul aug sep oct nov dec",
    "poutcome": "unknown other failure success",
    "y": "yes no",
}
NUMBERS = {
    "age": (18, 95),
    "balance": (-8019, 102_127),
    "day": (1, 31),
    "duration": (0, 4918),
    "campaign": (1, 63),
    "pdays": (-1, 871),
    "previous": (0, 275),
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    text = bank_marketing_csv().decode()
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def test_text_is_quoted_and_numbers_are_bare() -> None:
    header, first, *rest = bank_marketing_csv(10).decode().split("\n")
    assert header == HEADER
    assert len(rest) == 10
    assert rest[-1] == ""
    names = HEADER.replace('"', "").split(";")
    for name, field in zip(names, first.split(";"), strict=True):
        assert field.startswith('"') == (name in WORDS)


@pytest.mark.parametrize("column", WORDS)
def test_every_word_of_a_column_occurs(rows: list[dict[str, str]], column: str) -> None:
    assert {row[column] for row in rows} == set(WORDS[column].split())


@pytest.mark.parametrize("column", NUMBERS)
def test_numbers_keep_to_their_range(rows: list[dict[str, str]], column: str) -> None:
    low, high = NUMBERS[column]
    values = [int(row[column]) for row in rows]
    assert low <= min(values) < max(values) <= high


def test_only_clients_called_before_have_an_outcome(rows: list[dict[str, str]]) -> None:
    for row in rows:
        never = row["poutcome"] == "unknown"
        assert (row["pdays"] == "-1") is never
        assert (row["previous"] == "0") is never


def test_about_one_in_nine_says_yes_more_after_long_calls(
    rows: list[dict[str, str]],
) -> None:
    def share(chosen: list[dict[str, str]]) -> float:
        return sum(row["y"] == "yes" for row in chosen) / len(chosen)

    assert 0.10 < share(rows) < 0.13
    assert share([row for row in rows if int(row["duration"]) > 500]) > 0.3
    assert share([row for row in rows if int(row["duration"]) < 100]) < 0.02
    assert share([row for row in rows if row["poutcome"] == "success"]) > 0.25


def test_the_seed_decides() -> None:
    assert bank_marketing_csv(50, seed=7) == bank_marketing_csv(50, seed=7)
    assert bank_marketing_csv(50, seed=7) != bank_marketing_csv(50, seed=8)
