"""JSON documents of files, in MySQL's words; every expectation was seen on 9.7.4."""

import pytest

from heatproxy.lakehouse.documents import canonical


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (' {"b":1,"aa" : 2,"a":3,\t"a":[1,2]}\r', '{"a": [1, 2], "b": 1, "aa": 2}'),
        (
            '{"é":1,"zz":2,"z":{"y":1,"b":null}}',
            '{"z": {"b": null, "y": 1}, "zz": 2, "é": 1}',
        ),
        ('"a\\tb\\"\\\\\\b\\f\\u0001\\/"', '"a\\tb\\"\\\\\\b\\f\\u0001/"'),
        ('"\\ud83d\\ude00\\u00e9"', '"\U0001f600é"'),
        ("[true,false,null,{},[]]", "[true, false, null, {}, []]"),
        ("[2.50,1.0,0.0,-0,-0.0]", "[2.5, 1.0, 0.0, 0, -0.0]"),
        (
            "[1e2,1E+5,1e14,1e15,1e20]",
            "[100.0, 100000.0, 100000000000000.0, 1e15, 1e20]",
        ),
        ("[1e-5,123e-7,1e-15,1e-16]", "[0.00001, 0.0000123, 0.000000000000001, 1e-16]"),
        (
            "[1234567890123456.7,1234567890123450.0]",
            "[1234567890123456.8, 1.23456789012345e15]",
        ),
        ("[5e-324,1e-400,1.5e300]", "[5e-324, 0.0, 1.5e300]"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("-9223372036854775809", "-9.223372036854776e18"),
        ("[" * 100 + "]" * 100, "[" * 100 + "]" * 100),
    ],
)
def test_a_document_is_written_as_mysql_writes_it(text: str, shown: str) -> None:
    assert canonical(text) == shown
    assert canonical(shown) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1,]", "Expecting value"),
        ("{a}", "Expecting property name"),
        ("01", "Extra data"),
        ("NaN", "NaN is no JSON value"),
        ("[-Infinity]", "-Infinity is no JSON value"),
        ('"\x01"', "Invalid control character"),
        ('"\\ud800"', "surrogates not allowed"),
        ("1e400", "Number too big"),
        ("9" * 5000, "Number too big"),
        ("[" * 101 + "]" * 101, "maximum depth"),
        ("[" * 100_000, "maximum depth"),
        ("[1234567890123456789," + "[" * 100_000, "maximum depth"),
    ],
)
def test_what_mysql_does_not_take_is_none(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        canonical(text)
