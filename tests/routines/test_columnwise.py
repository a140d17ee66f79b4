"""Numbers of columns as MySQL writes them in JSON."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.automl import results
from heatproxy.jsontext import double_text
from heatproxy.routines.columnwise import ColumnPredictor, as_stored, echoed
from heatproxy.routines.rows import Answerer, grouped
from heatproxy.session import Cancel
from tests.automl.conftest import customers, fit

# As MySQL 9.7.4 prints JSON_ARRAY of them.
DOUBLES = {
    0.0: "0.0",
    1.0: "1.0",
    -2.5: "-2.5",
    0.1 + 0.2: "0.30000000000000004",
    1e14: "100000000000000.0",
    1e15: "1e15",
    1.2345678901234567e15: "1234567890123456.8",
    1.2345678901234567e16: "1.2345678901234568e16",
    9.87654321e13: "98765432100000.0",
    1.5e-15: "0.0000000000000015",
    1.5e-16: "1.5e-16",
    1e-300: "1e-300",
    1.5e300: "1.5e300",
    100000.0: "100000.0",
    1e-4: "0.0001",
    12345678901234.566: "12345678901234.566",
}


@pytest.mark.parametrize(("value", "text"), DOUBLES.items())
def test_a_double_is_written_as_mysql_does(value: float, text: str) -> None:
    assert double_text(value) == text
    assert echoed(pa.array([value, None, value])).to_pylist() == [text, "null", text]


COLUMNS: list[tuple[pa.Array, list[Any]]] = [
    (pa.array([1, None, -3], pa.int16()), ["1", "null", "-3"]),
    (pa.array(['a"b\\\n', None, "é"]), ['"a\\"b\\\\\\n"', "null", '"é"']),
    (pa.array([Decimal("1.50"), None, Decimal("-7.00")]), ["1.5", "null", "-7.0"]),
    (pa.array([Decimal(5), None], pa.decimal128(9, 0)), ["5", "null"]),
    (pa.array([0.1, None], pa.float32()), ["0.10000000149011612", "null"]),
    (pa.array([-0.0]), ["-0.0"]),
]


@pytest.mark.parametrize(("column", "texts"), COLUMNS, ids=range(len(COLUMNS)))
def test_a_column_is_echoed_as_json(column: pa.Array, texts: list[str]) -> None:
    assert echoed(column).to_pylist() == texts


def test_numbers_of_an_answer_are_as_mysql_has_stored_them() -> None:
    given = '{"a": 1.500, "bb": [1e20, 2], "c": {"d": 0.00}, "e": "1.50"}'
    assert as_stored(given) == (
        '{"a": 1.5, "c": {"d": 0.0}, "e": "1.50", "bb": [1e20, 2]}'
    )


def test_texts_that_a_model_reads_as_numbers_are_echoed_as_row_by_row() -> None:
    model = fit(customers(60), "y", model_list=["GaussianNB"])
    given = pa.table(
        {
            "Age": ["61", " 30.50", None],
            "job": ["nurse", "7", None],
            "balance": [0.5, 1e-7, None],
        }
    )
    echo = {
        name: echoed(given.column(name).combine_chunks()) for name in given.column_names
    }
    found = ColumnPredictor(model, 1).answers(given, echo).rows().to_pylist()
    texts = [
        "{" + ", ".join(f'"{name}": {echo[name][place]}' for name in echo) + "}"
        for place in range(len(given))
    ]
    (group,) = grouped([(text, "m", None) for text in texts])
    answerer = Answerer(
        lambda rows: results.prediction_results(model, model.predict(rows)),
        numeric=model.numeric_names,
    )
    assert found == [text for _, text in group.answers(answerer, 9, Cancel())]
    assert '"Age": 30.5,' in found[1]
    assert '"job": "7",' in found[1]
