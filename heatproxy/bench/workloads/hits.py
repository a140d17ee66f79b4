"""Rows of ClickBench's ``hits``, made up: few values often, many seldom, as in life."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from heatproxy.datatypes import INTEGERS

Array = np.ndarray[Any, Any]

_ASCII = "news weather Google map train hotel cheap flights bank radio film Film car"
_UNICODE = (
    "новости погода Google карта Поезд hôtel Straße strasse café Cafe 天気 ニュース"
    " にゅーす ångström Ångstrom Øre øre ﬁlm film 😀 😁 ёлка елка"
)
_KNOWN = {  # the constants of the queries, each met now and then
    "UserID": 435090932899640449,
    "RefererHash": 3594120000172545465,
    "URLHash": 2868770270353813622,
    "CounterID": 62,
}
_FIRST_SECOND = 1372636800  # 2013-07-01, UTC
_SECONDS = 31 * 86_400
_DAY = 86_400


def rows(
    columns: Mapping[str, str], n_rows: int, *, unicode: bool, seed: int = 1
) -> pa.Table:
    """The table, Arrow (n_rows, n_columns).

    Args:
        columns: MySQL's type of each column, by its name.
        unicode: texts beyond ASCII, with letters that a collation takes for others.
    """
    random = np.random.default_rng(seed)
    words = (_UNICODE if unicode else _ASCII).split()
    moments = _FIRST_SECOND + np.sort(random.integers(0, _SECONDS, n_rows))
    made = {
        name: _column(name, kind, random, words, moments, n_rows)
        for name, kind in columns.items()
    }
    return pa.table(made)


def _column(
    name: str, kind: str, random: Any, words: list[str], moments: Array, n_rows: int
) -> pa.Array:
    if name == "WatchID":
        return pa.array(random.permutation(n_rows).astype(np.int64) + 4 * 10**18)
    if name == "EventDate":
        return pa.array((moments // _DAY).astype(np.int32)).cast(pa.date32())
    if kind == "timestamp":
        return pa.array(moments).cast(pa.timestamp("s"))
    if name in ("URL", "Referer", "OriginalURL", "SocialSourcePage"):
        return pa.array(_addresses(random, words, n_rows, empty=name != "URL"))
    if name in ("Title", "SearchPhrase"):
        return pa.array(_phrases(random, words, n_rows, name == "SearchPhrase"))
    if name == "MobilePhoneModel":
        models = ["", "", "", "iPhone", "iPad", "N8", "Galaxy", "nexus"]
        return pa.array(random.choice(models, n_rows))
    if kind == "char(1)":
        return pa.array(random.choice(list("ABCDE"), n_rows))
    if kind not in INTEGERS:
        return pa.array(random.choice(["", "", "a", "b c", words[0]], n_rows))
    return pa.array(_integers(name, kind, random, n_rows))


def _integers(name: str, kind: str, random: Any, n_rows: int) -> Array:
    """Numbers; those of some columns are few, and known ones are among them."""
    if name in ("UserID", "RefererHash", "URLHash", "FUniqID"):
        pool = random.integers(-(2**62), 2**62, max(4, n_rows // 20))
    elif name in ("ClientIP", "RemoteIP", "IPNetworkID", "HID"):
        pool = random.integers(-(2**31), 2**31, max(4, n_rows // 10))
    elif name in ("RegionID", "CounterID"):
        pool = random.integers(1, 400, 60)
    elif name in ("ResolutionWidth", "WindowClientWidth", "WindowClientHeight"):
        pool = np.array([0, 320, 640, 768, 1024, 1280, 1366, 1920])
    elif name == "TraficSourceID":
        pool = np.array([-1, 0, 1, 2, 3, 6])
    elif name.startswith(("Is", "DontCount")):
        pool = np.array([0, 0, 0, 1])
    else:
        pool = np.array([0, 0, 0, 0, 1, 2, 3, 7, 30])
    weights = 1 / (1 + np.arange(len(pool)))
    chosen: Array = random.choice(pool, n_rows, p=weights / weights.sum())
    if name in _KNOWN:
        share = 0.3 if name == "CounterID" else 0.05
        chosen = np.where(random.random(n_rows) < share, _KNOWN[name], chosen)
    return chosen.astype(f"int{INTEGERS[kind]}")


def _phrases(random: Any, words: list[str], n_rows: int, often_empty: bool) -> Array:
    first, second = random.choice(words, (2, n_rows))
    joined = np.char.add(np.char.add(first, " "), second)
    short = np.where(random.random(n_rows) < 0.5, first, joined)
    empty = random.random(n_rows) < (0.6 if often_empty else 0.05)
    return np.where(empty, "", short)


def _addresses(random: Any, words: list[str], n_rows: int, empty: bool) -> Array:
    hosts = ["www.example.com", "example.org", "www.google.com", "maps.google.de"]
    host = random.choice(hosts, n_rows, p=[0.5, 0.3, 0.1, 0.1])
    scheme = random.choice(["http://", "https://"], n_rows)
    path = np.char.add("/", random.choice(words, n_rows))
    page = np.char.add("?page=", random.integers(0, 50, n_rows).astype(str))
    full = np.char.add(np.char.add(scheme, host), np.char.add(path, page))
    return np.where(random.random(n_rows) < (0.5 if empty else 0.01), "", full)
