"""The first look at a statement: surely MySQL's, or worth the engine's attention.

It runs on every statement, in the relay, so it reads bytes and parses nothing. A wrong
"worth attention" costs a round trip to the engine process, which forwards what is
MySQL's. A wrong "MySQL's" is caught by the backend itself: the routines' stubs and the
sealed shells of Lakehouse tables refuse loudly (house, section 2).
"""

import re
from collections.abc import Iterable

# Versioned comments (/*!) hold code and hints (/*+) hold meaning: neither is skipped.
_GAP = rb"(?:\s+|--(?:[^\S\n][^\n]*)?(?:\n|\Z)|#[^\n]*(?:\n|\Z)|/\*(?![!+]).*?\*/|%s)*+"
_FIRST_WORD = re.compile(_GAP % rb"[(;]" + rb"([A-Za-z]+)", re.DOTALL)
_SKIP = _GAP % rb"(?!)"
_ROUTINE_CALL = re.compile(
    rb"(?i)" + _SKIP + rb"(?:`?sys`?" + _SKIP + rb"\." + _SKIP + rb"|`sys\.)?"
    rb"`?(?:ml_|heatwave_|train_test_split|nl2ml)",
    re.DOTALL,
)
_ROW_FUNCTION = re.compile(rb"(?i)ml_(?:predict|explain)_row")
READS = frozenset([b"SELECT", b"WITH", b"TABLE", b"CREATE", b"SET", b"DO", b"EXPLAIN"])
CHANGES = frozenset(
    [
        *(b"DROP", b"RENAME", b"ALTER", b"TRUNCATE"),
        *(b"ANALYZE", b"CHECK", b"CHECKSUM", b"OPTIMIZE", b"REPAIR"),
    ]
)
_NOTHING = re.compile(rb"(?!)")
_PART = rb"[0-9A-Za-z_$\x80-\xff]"  # what a longer name would go on with


class Prefilter:
    """Which statements go to the engine process, given the names it looks after."""

    def __init__(self, tables: Iterable[str] = (), schemas: Iterable[str] = ()) -> None:
        """``tables`` are Lakehouse tables, ``schemas`` those that hold them."""
        self._tables = _any_of(tables)
        self._schemas = _any_of(schemas)

    def wants(self, text: bytes) -> bool:
        """Whether the statement in ``text`` may be more than MySQL's."""
        match = _FIRST_WORD.match(text)
        if match is None:
            return False
        word, rest = match[1].upper(), match.end()
        if word == b"CALL":
            return _ROUTINE_CALL.match(text, rest) is not None
        if word in READS:
            found = self._tables.search(text, rest) or _ROW_FUNCTION.search(text, rest)
            return found is not None
        if word in CHANGES:
            found = self._tables.search(text, rest) or self._schemas.search(text, rest)
            return found is not None
        return False


def _any_of(names: Iterable[str]) -> re.Pattern[bytes]:
    spelled = {spelling for n in names for spelling in (n, n.replace("`", "``"))}
    escaped = sorted(re.escape(name.encode()) for name in spelled)
    if not escaped:
        return _NOTHING
    return re.compile(rb"(?i)(?<!%s)(?:%s)(?!%s)" % (_PART, b"|".join(escaped), _PART))
