"""What is so of every specialist: options say what they take, no rows teach nothing."""

import io
import json
import zipfile
from typing import Any

import pyarrow as pa
import pytest

from heatproxy.automl.special_storage import SPECIAL
from heatproxy.automl.storage import from_bytes
from heatproxy.automl.tasks import SPECIALISTS
from heatproxy.automl.tasks.contract import Order, Specialist
from heatproxy.errors import MySQLError
from heatproxy.options import BadOption, Options
from tests.automl.conftest import quietly

KINDS = ("train_options", "predict_options", "score_options")
DECLARED = [
    pytest.param(getattr(one, kind), key, id=f"{one.name}-{kind}-{key}")
    for one in SPECIALISTS
    for kind in KINDS
    for key in getattr(one, kind).declared
]
NAMES = [one.name for one in SPECIALISTS]
# what each needs to begin, on a table with these columns
COLUMNS = {"day": pa.date32(), "a": pa.float64(), "t": pa.string(), "u": pa.string()}
NEEDS: dict[str, dict[str, Any]] = {
    "forecasting": {"datetime_index": "day", "endogenous_variables": ["a"]},
    "topic_modeling": {"document_column": "t"},
    "recommendation": {"users": "u", "items": "t"},
}
TARGETS = {"recommendation": "a"}


@pytest.mark.parametrize(("options", "key"), DECLARED)
@pytest.mark.parametrize("wrong", [[{"x": [1]}], [[[]]]], ids=["objects", "lists"])
def test_an_option_refuses_what_it_is_not(
    options: Options, key: str, wrong: Any
) -> None:
    assert options.declared[key].describe()
    with pytest.raises((BadOption, MySQLError)):
        options.check({key: wrong})


@pytest.mark.parametrize("specialist", SPECIALISTS, ids=NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_option_that_there_is_not_is_refused(
    specialist: Specialist, kind: str
) -> None:
    with pytest.raises(BadOption, match="no_such_option"):
        getattr(specialist, kind).check({"no_such_option": 1})


@pytest.mark.parametrize("specialist", SPECIALISTS, ids=NAMES)
def test_a_table_without_rows_is_refused_in_heatwaves_way(
    specialist: Specialist,
) -> None:
    values = specialist.train_options.check(NEEDS.get(specialist.name, {}))
    order = Order(specialist.name, values, values)
    empty = pa.table({n: pa.array([], kind) for n, kind in COLUMNS.items()})
    if specialist.name == "log_anomaly_detection":
        empty = empty.select(["t"])
    with pytest.raises(MySQLError) as problem:
        specialist.train(empty, TARGETS.get(specialist.name), order, quietly, 1)
    assert (problem.value.number, problem.value.sqlstate) == (3877, "HY000")


@pytest.mark.parametrize("name", NAMES)
def test_the_state_of_something_else_cannot_be_read(name: str) -> None:
    whole = {"version": 1, "task": name, "state": {"clock": {}, "facts": {}}}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(SPECIAL, json.dumps(whole))
    with pytest.raises(MySQLError, match="cannot be read") as problem:
        from_bytes(out.getvalue())
    assert problem.value.number == 3877
