"""SELECTs that are translated twice: once with few digits, then with many."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from heatproxy.bench.answers import ask, offloaded
from tests.conftest import Server
from tests.differential.held import Held, of_script

pytestmark = pytest.mark.mysql
PRODUCT = "SELECT a * b, a * b * 2 FROM products ORDER BY id"


@pytest.fixture(scope="module")
def held(server: Server) -> Iterator[Held]:
    columns = "id INT PRIMARY KEY, a DECIMAL(10,2) NOT NULL, b DECIMAL(14,6) NOT NULL"
    rows = "(1, 1.50, 2.000001), (2, 99999999.99, 99999999.999999)"
    script = f"CREATE TABLE products ({columns}); INSERT INTO products VALUES {rows}"
    with of_script(server, "heat_wide_products", script) as schema:
        yield schema


def test_a_product_of_more_than_18_digits_is_computed_again_with_38(held: Held) -> None:
    direct, through = held.ways
    with closing(direct(held.schema)) as mysql, closing(through(held.schema)) as ours:
        ask(ours, "SET SESSION secondary_engine_cost_threshold = 0")
        expected = ask(mysql, PRODUCT)
        for times in (1, 2, 3):
            assert ask(ours, PRODUCT).rows == expected.rows
            assert offloaded(ours) == times
