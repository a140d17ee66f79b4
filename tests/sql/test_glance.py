"""A glance may send a statement on to the prefilter, but never past it."""

import random

import pytest

from heatproxy.sql import glance as module
from heatproxy.sql import prefilter
from heatproxy.sql.glance import EXECUTES, LOOK, OTHER, READS, words
from heatproxy.wire.packets import frame

KNOWN = words({b"SELECT", b"DO"}, {b"CALL", b"DROP", b"TRUNCATE", b"DEALLOCATE"})
PIECES = (
    *("SELECT", "with", "Call", "INSERT", "drop", "TRUNCATE", "PREPARE", "Kill", "SET"),
    *("SHOW WARNINGS", "get", "FLUSH", "@@warning_count", "load", "explain"),
    *("execute", "ML_", "ml_predict_row(", "sys.", "_row", "heatwave_", "`", "'", "%"),
    *(" ", " ", "\n", ";", "(", "/* c */", "/*! ", "*/", "-- x\n", "#", "@a", "é", "1"),
)


def packet(text: str) -> bytes:
    return frame(b"\3" + text.encode(), 0)


GLANCES = [pytest.param(module.look, id="plain")]
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
        ("INSERT INTO t VALUES ('ml_')", OTHER),
        ("INSERT INTO t VALUES (';')", LOOK),
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
    assert glance(packet(text), 5, KNOWN) == said
    assert glance(packet("\0\1" + text), 7, KNOWN) == said


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
    assert glance(bytes_, start, KNOWN) == said


def test_what_a_glance_lets_pass_the_prefilter_would_not_have_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefilter, "glance", None)
    chance = random.Random(3)  # noqa: S311
    slow, said = prefilter.Prefilter(), set()
    for _ in range(20_000):
        text = "".join(chance.choices(PIECES, k=chance.randrange(1, 7))).encode()
        seen = module.look(packet(text.decode()), 5, prefilter.FIRST_WORDS)
        said.add(seen)
        assert seen == LOOK or not slow.wants(text, several=True, named=True), text
    assert said == {OTHER, READS, LOOK}


def test_names_that_are_looked_after_are_looked_for() -> None:
    with_names = prefilter.Prefilter(["lake"], ["shore"])
    assert with_names.wants(b"SELECT * FROM lake")
    assert not with_names.wants(b"SELECT * FROM sea")
    assert with_names.wants(b"DROP TABLE lake")
