"""Which SELECTs have their predictions put into the rows on their way."""

import pytest

from heatproxy.sql.calls import find_calls
from heatproxy.sql.lexer import tokens
from heatproxy.statements.predicting.plain import (
    PREDICTION,
    TEXT,
    VALUE,
    WHOLE,
    Plain,
    fields_of,
    plain,
)

CALL = "sys.ML_PREDICT_ROW(JSON_OBJECT('a', a), @m, NULL)"


def found(sql: str) -> Plain | None:
    text = sql.replace("F", CALL).encode()
    part = tokens(text)
    calls = find_calls(text, part, {"ML_PREDICT_ROW"})
    return plain(text, part, calls, escapes=True)


FORMS = {
    "F": WHOLE,
    "F p": WHOLE,
    "F AS `p q`": WHOLE,
    "JSON_EXTRACT(F, '$.Prediction') x": PREDICTION,
    "JSON_UNQUOTE(JSON_EXTRACT(F, '$.Prediction'))": TEXT,
    "JSON_VALUE(F, '$.Prediction' RETURNING SIGNED ERROR ON ERROR) AS v": VALUE,
}


@pytest.mark.parametrize(("item", "form"), FORMS.items(), ids=FORMS)
def test_an_item_is_a_call_or_its_prediction(item: str, form: str) -> None:
    made = found(f"select SQL_NO_CACHE id, {item}, t.* from t where b = 1 order by id")
    assert made is not None
    assert [i.form for i in made.items if i.call is not None] == [form]
    assert made.head == b"select SQL_NO_CACHE "
    assert made.rest == b"from t where b = 1 order by id"


OTHERS = [
    "select distinct F from t",
    "select SQL_CALC_FOUND_ROWS F from t",
    "select max(b), F from t",
    "select F, row_number() over () from t",
    "select F + 1 from t",
    "select concat(F, F) from t",
    "select JSON_EXTRACT(F, '$.other') from t",
    "select F from t where F = 1",
    "select F from t group by a",
    "select F from t for update",
    "select F into @x from t",
    "select F from t union select 1",
    "select F p from t order by p",
    "select id, F from t order by 1",
    "select (select F from t)",
    "select @x := F from t",
    "select sys.ML_PREDICT_ROW(a, b, NULL) from t",
    "insert into u select F from t",
]


@pytest.mark.parametrize("sql", OTHERS)
def test_what_is_computed_of_a_prediction_is_mysqls(sql: str) -> None:
    assert found(sql) is None


FIELDS = {
    "JSON_OBJECT('a', a, 'b c', t.`b`)": [("a", b"a"), ("b c", b"t.`b`")],
    "JSON_OBJECT('a', a + 1 * (b - 2.5))": [("a", b"a + 1 * (b - 2.5)")],
    "JSON_OBJECT('a', a, 'a', b)": None,
    "JSON_OBJECT('a', f(a))": None,
    "JSON_OBJECT('a', a > 1)": None,
    "JSON_OBJECT('a', TRUE)": None,
    "JSON_OBJECT('a', NOT a)": None,
    "JSON_OBJECT('a', 'text')": None,
    "JSON_OBJECT(k, a)": None,
    "JSON_OBJECT('a\\n', a)": None,
    "JSON_OBJECT()": None,
    "row": None,
}


@pytest.mark.parametrize(("text", "fields"), FIELDS.items(), ids=FIELDS)
def test_a_json_object_of_columns_is_never_built(
    text: str, fields: list[tuple[str, bytes]] | None
) -> None:
    assert fields_of(text.encode(), tokens(text.encode())) == fields
