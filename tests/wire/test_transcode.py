from dataclasses import replace

import pyarrow as pa
import pytest

from heatproxy.errors import MySQLError
from heatproxy.wire.charsets import named
from heatproxy.wire.transcode import transcoded

MIXED = ["é", None, "", "a😀b", "plain", "日"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("latin1", [b"\xe9", None, b"", b"a?b", b"plain", b"?"]),
        ("ascii", [b"?", None, b"", b"a?b", b"plain", b"?"]),
        ("utf8mb3", ["é".encode(), None, b"", b"a?b", b"plain", "日".encode()]),
        ("utf8mb4", [None if t is None else t.encode() for t in MIXED]),
        (
            "utf16",
            [None if t is None else t.encode("utf_16_be") for t in MIXED],
        ),
        ("gbk", [b"\xa8\xa6", None, b"", b"a?b", b"plain", b"\xc8\xd5"]),
    ],
)
def test_what_a_set_does_not_have_is_one_question_mark(name, expected):
    column = transcoded(pa.array(MIXED), named(name))
    assert column.type == pa.binary()
    assert column.to_pylist() == expected


@pytest.mark.parametrize("texts", [[], [None, None], ["a", "b"], ["", ""]])
@pytest.mark.parametrize("name", ["latin1", "utf32"])
def test_columns_with_nothing_to_replace_are_only_written_anew(texts, name):
    column = pa.array(texts, pa.string())
    codec = {"latin1": "latin1", "utf32": "utf_32_be"}[name]
    expected = [None if text is None else text.encode(codec) for text in texts]
    assert transcoded(column, named(name)).to_pylist() == expected


@pytest.mark.parametrize("start", range(5))
def test_a_slice_is_written_from_its_own_rows(start):
    column = pa.array(["é", None, "ß", "日本", None, "x"])
    part = transcoded(column.slice(start, 2), named("latin1"))
    whole = transcoded(column, named("latin1"))
    assert part.to_pylist() == whole.to_pylist()[start : start + 2]


def test_bytes_that_stand_where_a_null_is_do_no_harm():
    offsets = pa.array([0, 1, 2, 3], pa.int32()).buffers()[1]
    text = pa.py_buffer(b"a\xf0\xe9")  # beginnings of characters without their ends
    buffers = [pa.py_buffer(b"\x01"), offsets, text]
    column = pa.Array.from_buffers(pa.string(), 3, buffers)
    assert transcoded(column, named("utf16")).to_pylist() == [b"\0a", None, None]


def test_more_than_arrow_can_hold_is_refused():
    charset = replace(named("utf32"), growth=2**31)
    with pytest.raises(MySQLError, match="utf32") as error:
        transcoded(pa.array(["x"]), charset)
    assert error.value.number == 1235
