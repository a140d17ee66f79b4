"""What RAPID remembers of queries, and of the tables they read."""

from dataclasses import replace

from heatproxy.rapid.rapid import Rapid
from heatproxy.rapid.tables import LoadedTable, LoadStatus
from tests.rapid.test_rpd_rows import QUERY, REFUSED

ORDERS = LoadedTable(1, "shop", "orders", "e1", status=LoadStatus.AVAILABLE, version=4)


def test_a_query_is_counted_by_the_tables_that_it_read() -> None:
    rapid = Rapid()
    rapid.tables.put(ORDERS)
    both = replace(QUERY, tables=("shop.orders", "shop.orders", "lake.t"))
    for query in (both, replace(both, query_id=10)):
        rapid.note(query)
    table = rapid.tables.find("shop", "orders")
    assert table is not None
    assert (table.queries, table.last_queried) == (2, QUERY.started)
    assert table.version == 4  # what was translated stays right
    assert rapid.uses == {"lake.t": (2, QUERY.started)}
    assert (rapid.history.offloaded, rapid.history.not_offloaded) == (2, 0)


def test_a_query_that_mysql_answered_read_nothing_here() -> None:
    rapid = Rapid()
    rapid.tables.put(ORDERS)
    rapid.note(REFUSED)
    table = rapid.tables.find("shop", "orders")
    assert table is not None
    assert table.queries == 0
    assert (rapid.history.offloaded, rapid.history.not_offloaded) == (0, 1)
    assert rapid.history.latest() == (REFUSED,)


def test_tables_are_counted_by_status() -> None:
    rapid = Rapid()
    rapid.tables.put(ORDERS)
    rapid.tables.put(replace(ORDERS, name="b", engine_name="e2"))
    stale = replace(ORDERS, name="c", engine_name="e3", status=LoadStatus.STALE)
    rapid.tables.put(stale)
    gauges = rapid.gauges()
    assert (gauges["rapid_tables:avail"], gauges["rapid_tables:stale"]) == (2, 1)
