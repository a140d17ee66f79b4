"""Tables of users and items: how they are read, kept, and refused."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.recommend.describing import Describer
from heatproxy.errors import MySQLError

N_ROWS = 30
FILMS: dict[str, Any] = {
    "film": [f"f{n}" for n in range(N_ROWS)],
    "minutes": [80 + n % 9 for n in range(N_ROWS)],
    "kind": [("war", "love", None)[n % 3] for n in range(N_ROWS)],
    "genres": [
        ("Action|War|" if n % 2 else "Love|Drama|") + f"N{n}" for n in range(N_ROWS)
    ],
    "always": ["x"] * N_ROWS,
}


def fitted(columns: dict[str, Any]) -> Describer:
    return Describer.fit(pa.table(columns), "FILM", "item_metadata")


def test_each_row_becomes_numbers_of_one_width() -> None:
    describer = fitted(FILMS)
    found = describer.read(pa.table(FILMS))
    assert found.vectors.shape == (N_ROWS, describer.width)
    assert np.isfinite(found.vectors).all()
    assert [feature.kind for feature in describer.features.used] == [
        *("numeric", "category", "text")
    ]
    # numbers are around their mean; there is one word of each column, and that of NULL
    minutes = found.vectors[:, 1]
    assert abs(minutes.mean()) < 1e-6
    assert abs(minutes.std() - 1.0) < 1e-5
    assert (found.vectors[:, -3:].sum(axis=1) == 1.0).all()


def test_rows_are_found_by_name_and_others_are_zeros() -> None:
    describer = fitted(FILMS)
    some = pa.table(FILMS).slice(3, 2)
    found = describer.read(some)
    vectors = found.of(pa.array(["f4", "f9", "f3"]))
    assert (vectors[1] == 0.0).all()
    np.testing.assert_array_equal(vectors[[2, 0]], found.vectors)


def test_what_was_never_seen_is_nothing_and_what_is_missing_is_refused() -> None:
    describer = fitted(FILMS)
    odd = {"FILM": ["new"], "Minutes": [9000], "kind": ["opera"], "genres": ["Ballet"]}
    (vector,) = describer.read(pa.table(odd)).vectors
    assert vector[1] == 5.0
    assert (vector[-3:] == 0.0).all()
    with pytest.raises(MySQLError, match="ML003011"):
        describer.read(pa.table({"film": ["new"], "kind": ["war"]}))
    with pytest.raises(MySQLError, match="ML003015"):
        describer.read(pa.table({**odd, "Minutes": ["long"]}))


def test_a_describer_is_kept_as_json() -> None:
    describer = fitted(FILMS)
    kept = Describer.restore(json.loads(json.dumps(describer.state())))
    assert kept.state() == describer.state()
    np.testing.assert_array_equal(
        kept.read(pa.table(FILMS)).vectors, describer.read(pa.table(FILMS)).vectors
    )
    for key, wrong in (
        ("words", [1]),
        ("words", [0, 10**9, 0]),
        ("centres", []),
        ("scales", [0.0] * len(describer.scales)),
        ("used", []),
    ):
        with pytest.raises(ValueError, match="unsound"):
            Describer.restore({**describer.state(), key: wrong})


def test_words_of_many_columns_have_limits() -> None:
    columns = {f"c{k}": [f"w{n * (k + 1) % 100}" for n in range(400)] for k in range(4)}
    describer = fitted({"film": [f"f{n}" for n in range(400)], **columns})
    assert max(describer.words) == 64


def test_rows_that_say_nothing_and_rows_without_a_name_do_no_harm() -> None:
    table = pa.table({"film": ["a", "b", None, "c"], "kind": ["x", "y", "x", None]})
    describer = Describer.fit(table, "film", "item_metadata")
    found = describer.read(table)
    assert found.names.to_pylist() == ["a", "b", "c"]
    assert found.vectors[2].tolist() == [1.0] + [0.0] * (describer.width - 1)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no column of names": (
        {"id": ["a"], "kind": ["x"]},
        "The table of item_metadata must have the column 'FILM' of the ratings,",
    ),
    "names that are numbers": (
        {"film": [1, 2], "kind": ["x", "y"]},
        "Column 'FILM' of type int64 in the table of item_metadata must be CHAR",
    ),
    "a name twice": (
        {"film": ["a", "b", "a"], "kind": ["x", "y", "z"]},
        "The table of item_metadata must have one row for each 'FILM', and has 2 for"
        " 'a'",
    ),
    "no rows": (
        {"film": pa.array([], pa.string()), "kind": pa.array([], pa.string())},
        "The table of item_metadata has no rows",
    ),
    "names alone": (
        {"film": ["a", "b"]},
        "The table of item_metadata has no column to learn from",
    ),
    "columns that never differ": (
        {"film": ["a", "b"], "kind": ["x", "x"], "none": pa.nulls(2)},
        "The table of item_metadata has no column to learn from",
    ),
    "bytes": (
        {"film": ["a", "b"], "poster": [b"x", b"y"]},
        "heatproxy doesn't yet support 'column 'poster' of type binary in"
        " item_metadata'",
    ),
}


@pytest.mark.parametrize(("columns", "text"), REFUSED.values(), ids=REFUSED)
def test_tables_that_cannot_be_read_are_refused(
    columns: dict[str, Any], text: str
) -> None:
    with pytest.raises(MySQLError) as caught:
        fitted(columns)
    assert caught.value.message.startswith(text)
    assert caught.value.number == (1235 if "yet" in text else 3877)
