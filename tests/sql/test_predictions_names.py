"""Names for the columns of a table that is made of predictions."""

from heatproxy.sql.calls import find_calls
from heatproxy.sql.lexer import tokens
from heatproxy.sql.predictions import edited
from heatproxy.sql.predictions_names import named, query_of_table

CALL = b"sys.ML_PREDICT_ROW(a, 'm', NULL)"


def test_where_the_query_of_a_table_begins() -> None:
    for text, word in (
        (b"CREATE TABLE t AS SELECT 1", b"SELECT"),
        (b"CREATE TABLE t (a int) WITH c AS (SELECT 1) SELECT * FROM c", b"WITH"),
        (b"CREATE TABLE t (SELECT 1)", b"("),
    ):
        part = tokens(text)
        begin = query_of_table(part)
        assert begin is not None
        assert part[begin].text == word
    assert query_of_table(tokens(b"SELECT 1")) is None


def test_a_column_without_a_name_gets_the_one_of_its_text() -> None:
    text = b"CREATE TABLE t AS SELECT x.*, " + CALL + b", " + CALL + b" p FROM x"
    part = tokens(text)
    calls = find_calls(text, part, {"ML_PREDICT_ROW"})
    names = ["a", "b", CALL.decode(), "p"]
    edits = named(text, part, calls, names, ["a", "b", "short", "p"])
    assert edits is not None
    assert edited(text, 0, len(text), edits) == text.replace(
        CALL + b",", CALL + b" AS `short`,"
    )
    assert named(text, part, calls, names, ["a", "b", "x" * 65, "p"]) is None
