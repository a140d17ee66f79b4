"""A glance may send a statement on to the prefilter, but never past it."""

import random

import numpy as np
import pytest

from heatproxy.sql import glance as module
from heatproxy.sql import prefilter
from heatproxy.sql.glance import (
    EXECUTES,
    LOADED,
    LOOK,
    OTHER,
    READS,
    SETS,
    Names,
    Words,
    names,
    words,
)
from heatproxy.wire.packets import frame

KNOWN = words(
    {b"SELECT", b"DO"},
    {b"CALL", b"DROP", b"TRUNCATE", b"DEALLOCATE"},
    {b"SET"},
    {b"INSERT"},
    {b"UPDATE"},
)
NAMES = names([b"lake", "t\u00e4ble".encode()], [b"orders", b"Line_Item", b"select_1"])
PIECES = (
    *("lake", "Orders", "orders2", "SELECT", "rpd_nodes", "rapid_x", " global_status "),
    *(
        "USE",
        "DESC",
        "flush status",
        "session_id",
        "select",
        "insert",
        " optimizer_trace ",
    ),
    *(
        "SELECT",
        "with",
        "Call",
        "INSERT",
        "UPDATE",
        "delete",
        "drop",
        "TRUNCATE",
        "PREPARE",
        "Kill",
        "SET",
    ),
    *("SHOW WARNINGS", "get", "FLUSH", "@@warning_count", "load", "explain"),
    *("execute", "ML_", "ml_predict_row(", "sys.", "_row", "heatwave_", "`", "'", "%"),
    *(" ", " ", "\n", ";", "(", "/* c */", "/*! ", "*/", "-- x\n", "#", "@a", "é", "1"),
)


def packet(text: str) -> bytes:
    return frame(b"\3" + text.encode(), 0)


def plainly(packet: bytes, start: int, known: Words, named: Names) -> int:
    """The glance without its compiler, whose numbers overflow on purpose."""
    with np.errstate(over="ignore"):
        return module.look(packet, start, known, named)


GLANCES = [pytest.param(plainly, id="plain")]
if module.glance is not None:
    GLANCES.append(pytest.param(module.glance, id="compiled"))


@pytest.mark.parametrize("glance", GLANCES)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 1", READS),
        ("SELECT(1)", READS),
        ("Do 1", READS),
        ("SELECT 'HTML_' FROM t", LOOK),
        ("SELECT Ml_x", LOOK),
        ("SELECT m_l_x, _ml", READS),
        ("REPLACE INTO t VALUES ('ml_')", OTHER),
        ("REPLACE INTO t VALUES (';')", LOOK),
        ("INSERT INTO t VALUES (';')", LOOK),
        ("INSERT INTO orders VALUES (1)", OTHER),
        ("INSERT INTO lake VALUES (1)", OTHER),
        ("INSERT INTO t SELECT a FROM b", READS),
        ("INSERT INTO t SELECT a FROM orders", LOADED),
        ("INSERT INTO orders(a) (select 1)", LOADED),
        ("INSERT INTO t SELECT a FROM lake", LOOK),
        ("SELECT * FROM orders", LOADED),
        ("UPDATE orders SET a = 1", OTHER),
        ("UPDATE orders JOIN Lake SET a = 1", LOOK),
        ("UPDATE t SET a = ';'", LOOK),
        ("UPDATE t SET a = (SELECT 1 FROM lakes)", OTHER),
        ("SELECT ORDERS.a FROM `Orders`", LOADED),
        ("SELECT a FROM line_item", LOADED),
        ("SELECT a FROM line_items", READS),
        ("SELECT a FROM xline_item, orders$, order", READS),
        ("SELECT a FROM orders, LAKE", LOOK),
        ("SELECT 1 FROM t\u00e4ble", LOOK),
        ("SELECT 1 FROM t\u00e4ble2", READS),
        ("DO 1=select_1", LOADED),
        ("BEGIN orders", OTHER),
        ("SET a = 1", SETS),
        ("SET @a = (SELECT 1 FROM lake)", LOOK),
        ("SELECT * FROM rpd_nodes", LOOK),
        ("SELECT @@rapid_x", LOOK),
        ("SELECT 'RPD%'", LOOK),
        ("SELECT session_id, global_id FROM t", READS),
        ("BEGIN", OTHER),
        ("b", OTHER),
        ("TRUNCATE t", LOOK),
        ("CALL p()", LOOK),
        ("SAVEPOINT a", LOOK),
        ("DEALLOCATE PREPARE s", LOOK),
        (" SELECT 1", LOOK),
        ("(SELECT 1)", LOOK),
        ("/* x */ BEGIN", LOOK),
        ("", LOOK),
        ("1", LOOK),
        ("\u00c9", LOOK),
        ("INSERT " + "x" * 5000, LOOK),
    ],
    ids=str,
)
def test_a_statement_is_known_by_its_first_word(
    glance: module.Glance, text: str, said: int
) -> None:
    assert glance(packet(text), 5, KNOWN, NAMES) == said
    assert glance(packet("\0\1" + text), 7, KNOWN, NAMES) == said


@pytest.mark.parametrize("glance", GLANCES)
@pytest.mark.parametrize(
    ("bytes_", "start", "said"),
    [
        (b"\x05\0\0\0\x17abcd", 5, EXECUTES),
        (b"\x05\0\0\0\x17abcd", 7, EXECUTES),
        (b"\x05\0\0\1\x17abcd", 5, LOOK),
        (b"\x06\0\0\0\x17abcd", 5, LOOK),
        (b"\x04\0\0\0\x17abcd", 5, LOOK),
        (b"\x05\0\0\0\x16do 1", 5, LOOK),
        (b"\x05\0\0\0\x03do 1", 5, READS),
        (b"\x05\0\0\0\x03do 1", 7, LOOK),
        (b"\x08\0\0\0\x03\1\1do 1 ", 7, LOOK),
        (b"\x01\0\0\0\x03", 5, LOOK),
        (b"\x01\0\0\0\x03", 7, LOOK),
        (b"\x01\0", 5, LOOK),
        (b"", 5, LOOK),
    ],
)
def test_only_one_whole_packet_is_known(
    glance: module.Glance, bytes_: bytes, start: int, said: int
) -> None:
    assert glance(bytes_, start, KNOWN, NAMES) == said


def test_what_a_glance_lets_pass_the_prefilter_would_not_have_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefilter, "glance", None)
    chance = random.Random(3)  # noqa: S311
    slow, said = prefilter.Prefilter(["lake"], ["shore"], ["orders"]), set()
    for _ in range(20_000):
        text = "".join(chance.choices(PIECES, k=chance.randrange(1, 7))).encode()
        seen = plainly(packet(text.decode()), 5, prefilter.FIRST_WORDS, slow._names)
        said.add(seen)
        wants = slow.wants(text, several=True, named=True, loaded=seen == LOADED)
        assert seen in (LOOK, LOADED) or not wants, text
    assert said == {OTHER, READS, SETS, LOADED, LOOK}


def test_names_that_are_looked_after_are_looked_for() -> None:
    with_names = prefilter.Prefilter(["lake"], ["shore"])
    assert with_names.wants(b"SELECT * FROM lake")
    assert not with_names.wants(b"SELECT * FROM sea")
    assert with_names.wants(b"DROP TABLE lake")


SHAPES = [
    [
        "SELECT a FROM t WHERE id = 5",
        "SELECT a  FROM t\nWHERE id=77 ",
        "SELECT a FROM t WHERE id='x\\'y'",
        "SELECT a FROM t WHERE id = 1.5e10",
        "SELECT a FROM t WHERE id = ?",
    ],
    ["SELECT a FROM t WHERE id IN (1,2,3)", "SELECT a FROM t WHERE id IN ('a', \"b\")"],
    ["SELECT a FROM t WHERE id = a"],
    ["SELECT a FROM t1 WHERE id = 5"],
    ["SELECT a FROM t2 WHERE id = 5"],
    ["SELECT a, 1, b FROM t", "SELECT a, 2 ,b FROM t"],
    ["SELECT a, 1 b FROM t"],
    ["SELECT a FROM t WHERE id > 5"],
    ["SELECT ab FROM t WHERE id > 5"],
    ["SELECT a b FROM t WHERE id > 5"],
]


def shape(text: str) -> int:
    with np.errstate(over="ignore"):
        said = module.shape(text.encode(), 0)
        if module.shape_of is not None:
            assert module.shape_of(text.encode(), 0) == said
        return int(said)


def test_a_shape_is_of_all_but_the_literals() -> None:
    shapes = [{shape(text) for text in texts} for texts in SHAPES]
    assert all(len(same) == 1 for same in shapes)
    assert len(set().union(*shapes)) == len(SHAPES)


def test_a_long_text_has_no_shape() -> None:
    assert shape("SELECT " + "x" * 5000) == 0
    assert shape("") == 0


def test_many_names_are_found_each() -> None:
    many = [f"name_{number}".encode() for number in range(3000)]
    table = names(many[::2], many[1::2])
    for number in (0, 1, 2, 777, 1500, 2999):
        seen = plainly(packet(f"SELECT 1 FROM Name_{number}"), 5, KNOWN, table)
        assert seen == (LOADED if number % 2 else LOOK)
    assert plainly(packet("SELECT 1 FROM name_3000"), 5, KNOWN, table) == READS
