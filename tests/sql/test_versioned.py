"""Versioned comments: what is in them counts, in its place."""

import pytest

from heatproxy.sql.versioned import creates_lakehouse, opened, predicts


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a /*!80021 b */ c", "a          b    c"),
        ("a /*! b */ c", "a     b    c"),
        ("a /*!999999 b */ c", "a                c"),
        ("'/*!80021 b */' `/*! b */`", "'/*!80021 b */' `/*! b */`"),
        ("a /* /*! b */ c", "a /* /*! b */ c"),
        ("a -- /*! b\n/*! c */", "a -- /*! b\n    c   "),
        ("/*!50100 x='*/' */", "         x='*/'   "),
    ],
)
def test_every_token_stays_in_its_place(text: str, read: str) -> None:
    found = opened(text.encode()).decode()
    assert found == read
    assert len(found) == len(text)


def test_a_backslash_escapes_where_the_session_says_so() -> None:
    text = rb"'\' /*! ' */ b"
    assert opened(text) == text
    assert opened(text, backslash_escapes=False) == rb"'\'     ' */ b"


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (b"create table t (a int) /*!50100 engine=Lakehouse */", True),
        (b"CREATE EXTERNAL TABLE t (a int)", True),
        (b"CREATE TABLE t (a int) /*! ENGINE=InnoDB */", False),
        (b"SELECT 1 /*! lakehouse */", False),
    ],
)
def test_only_lakehouse_tables_are_of_interest(text: bytes, may: bool) -> None:
    assert creates_lakehouse(text) is may


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (b"SELECT /*! a, */ sys.ML_PREDICT_ROW(b, c, NULL)->>'$.d' FROM e", True),
        (b"SELECT sys.ml_explain_row(b, c, NULL) /*!50000 AS f */ FROM e", True),
        (b"SELECT sys.ML_PREDICT_ROW(b, c, NULL) /*!99999 AS f */ FROM e", False),
        (b"SELECT a /*! , b */ FROM e", False),
        (b"/*!50001 CREATE VIEW v AS SELECT sys.ML_PREDICT_ROW(b, c, NULL) */", False),
    ],
)
def test_comments_beside_predictions_are_opened_if_all_servers_read_them(
    text: bytes, may: bool
) -> None:
    assert predicts(text) is may
