"""The first look at a statement: surely MySQL's, or worth the engine's attention.

It runs on every statement, in the relay, so it reads bytes and parses nothing. A wrong
"worth attention" costs a round trip to the engine process, which forwards what is
MySQL's. A wrong "MySQL's" is caught by the backend itself: the routines' stubs and the
sealed shells of Lakehouse tables refuse loudly (house, section 2), and what RAPID holds
MySQL holds too.
"""

import re
from collections.abc import Iterable

from heatproxy.sql.glance import LOADED, LOOK, glance, names, words

# Versioned comments (/*!) hold code and hints (/*+) hold meaning: neither is skipped.
_GAP = rb"(?:\s+|--(?:[^\S\n][^\n]*)?(?:\n|\Z)|#[^\n]*(?:\n|\Z)|/\*(?![!+]).*?\*/|%s)*+"
_FIRST_WORD = re.compile(_GAP % rb"[(;]" + rb"([A-Za-z]+)", re.DOTALL)
_SKIP = _GAP % rb"(?!)"
_ROUTINE_CALL = re.compile(
    rb"(?i)" + _SKIP + rb"(?:`?sys`?" + _SKIP + rb"\." + _SKIP + rb"|`sys\.)?"
    rb"`?(?:ml_|heatwave_|train_test_split|nl2ml|nl_sql|vector_store_load)",
    re.DOTALL,
)
_ROW_FUNCTIONS = (
    *(b"ml_predict_row", b"ml_explain_row"),
    *(b"ml_generate", b"ml_embed_row", b"sqml_"),
)
_SETS_TRANSACTION = re.compile(
    rb"(?i)" + _SKIP + rb"set\b" + _SKIP + rb"(?:transaction\b|@@`?transaction_)"
)
_ROUTINE_NAME = re.compile(
    rb"(?i)ml_|heatwave_|train_test_split|nl2ml|nl_sql|vector_store_load"
)
_LATER_WORD = re.compile(rb";" + _GAP % rb"\(" + rb"([A-Za-z]+)", re.DOTALL)
_PREPARE = re.compile(rb"(?i)\bprepare\b")
_MODEL = re.compile(rb"(?i)" + _SKIP + rb"model(?![0-9a-z_$\x80-\xff])", re.DOTALL)
_SECONDARY = re.compile(rb"(?i)secondary_")
_EXTERNAL = re.compile(rb"(?i)lakehouse|external")
_SELECT = re.compile(rb"(?i)\bselect\b")
# A statement without any of these names nothing of RAPID's own tables and variables.
MENTIONS = re.compile(
    rb"(?i)rpd[_%\\]|rapid_|hw_data_scanned|secondary_engine_execution_count"
    rb"|(?:global|session)_(?:status|variables)|stv_ml_model_info"
)
_STATUS = re.compile(rb"(?i)status|variables")
# What is asked of a name that PREPARE has given to a statement of ours.
OF_NAMES = frozenset([b"PREPARE", b"EXECUTE", b"DEALLOCATE"])
READS = frozenset(
    [b"SELECT", b"WITH", b"TABLE", b"VALUES", b"CREATE", b"DO", b"EXPLAIN"]
)
SETS = frozenset([b"SET", b"USE"])
INSERTS = frozenset([b"INSERT", b"REPLACE"])
OF_ROWS = frozenset([b"UPDATE", b"DELETE"])  # they may read a Lakehouse table
SHOWS = frozenset([b"SHOW", b"DESC", b"DESCRIBE"])
CHANGES = frozenset(
    [
        *(b"DROP", b"RENAME", b"ALTER", b"TRUNCATE"),
        *(b"ANALYZE", b"CHECK", b"CHECKSUM", b"OPTIMIZE", b"REPAIR"),
    ]
)
_ASKS_AFTER = re.compile(rb"(?i)found_rows|row_count|warning|error|diagnostics")
# Tables of information_schema that would show what Lakehouse tables are in MySQL.
_DICTIONARY = ("tables", "tables_extensions", "columns_extensions")
_LONGEST_WORD = 16
_PART = rb"[0-9A-Za-z_$\x80-\xff]"  # what a longer name would go on with
_PLAIN = re.compile(_PART + rb"+")

# Whatever ``_wants`` asks about must be among these, or a glance lets it pass.
FIRST_WORDS = words(
    READS - {b"CREATE"},
    {*CHANGES, *OF_NAMES, *SHOWS, b"CALL", b"CREATE", b"KILL", b"FLUSH"},
    SETS,
    INSERTS,
    OF_ROWS,
)
# Whole words that MENTIONS finds, and a table that explains why RAPID did not answer.
TRACE = "optimizer_trace"
_MENTIONED = (
    *("hw_data_scanned", "secondary_engine_execution_count", TRACE),
    *("global_status", "session_status", "global_variables", "session_variables"),
    *("enable_secondary_engine_statistics", "lakehouse", "external"),
)


class Prefilter:
    """Which statements go to the engine process, given the names it looks after."""

    def __init__(
        self,
        tables: Iterable[str] = (),
        schemas: Iterable[str] = (),
        loaded: Iterable[str] = (),
        functions: Iterable[str] = (),
        *,
        in_transactions: bool = False,
    ) -> None:
        """``tables`` are Lakehouse tables, ``schemas`` those that hold them.

        ``loaded`` are RAPID's tables and views, which MySQL can answer for as well:
        inside a transaction it does, unless ``in_transactions``. ``functions`` give
        predictions.
        """
        shells = set(tables)
        always, loaded = {*shells, *functions, TRACE}, set(loaded)
        if shells:
            always.update(_DICTIONARY)
        self.in_transactions = in_transactions
        self._shells = _any_of(shells)
        self._tables = _any_of(always)
        self._loaded = _any_of(loaded)
        self._schemas = _any_of(schemas)
        plain = {n.encode() for n in {*always, *_MENTIONED} if _is_plain(n)}
        self._names = names(plain, {n.encode() for n in loaded if _is_plain(n)})
        self._odd = _any_of(n for n in always | loaded if not _is_plain(n))

    def wants(
        self,
        text: bytes,
        *,
        several: bool = False,
        named: bool = False,
        loaded: bool = True,
    ) -> bool:
        """Whether the statement in ``text`` may be more than MySQL's.

        ``several``: the client may send several statements in one text; ``named``:
        SQL's PREPARE has given a name to a statement that is ours; ``loaded``: what
        only reads RAPID's tables counts.
        """
        if self._wants_first(text, named, loaded):
            return True
        return several and b";" in text and self._wants_later(text, named)

    def glance(self, packet: bytes, start: int) -> int:
        """What the first glance at a client's packet says of it.

        OTHER, READS and SETS are MySQL's alone for sure; ``wants`` may find so of
        others. LOADED is MySQL's too where nothing is to go to RAPID.
        """
        if glance is None:
            return LOOK
        seen = glance(packet, start, FIRST_WORDS, self._names)
        if self._odd is not None and seen <= LOADED and self._odd.search(packet, start):
            return LOOK
        return seen

    def _wants_first(self, text: bytes, named: bool, loaded: bool) -> bool:
        rest = text.find(b" ", 0, _LONGEST_WORD)
        word = text[:rest] if rest > 0 else b""
        if not word.isalpha():  # most statements begin with a word and a blank
            match = _FIRST_WORD.match(text)
            if match is None:
                return False
            word, rest = match[1], match.end()
        return self._wants(word.upper(), text, rest, named, loaded)

    def _wants_later(self, text: bytes, named: bool) -> bool:
        """Whether a statement behind the first may be ours.

        A semicolon in a string is taken for one, which costs time and no more. What is
        looked for in all of the text behind a word is looked for once.
        """
        looked: set[bytes] = set()
        for match in _LATER_WORD.finditer(text):
            word = match[1].upper()
            if word not in looked and self._wants(word, text, match.end(), named, True):
                return True
            if word != b"CALL":
                looked.add(word)
        return False

    def _wants(
        self, word: bytes, text: bytes, rest: int, named: bool, loaded: bool
    ) -> bool:
        """Whether a statement of this first word may be ours."""
        if word in READS or word in SETS:
            return (
                self._is_named(text, rest, loaded and word not in SETS)
                or _has_row_function(text)
                or _is_found(MENTIONS, text, rest)
                or (word == b"CREATE" and _is_found(_EXTERNAL, text, rest))
                or (word == b"CREATE" and _MODEL.match(text, rest) is not None)
            )
        if word in INSERTS:
            loaded = loaded and word != b"REPLACE"
            return _has_row_function(text) or (
                _is_found(_SELECT, text, rest)
                and (
                    self._is_named(text, rest, loaded)
                    or _is_found(MENTIONS, text, rest)
                )
            )
        if word in OF_ROWS:
            return self._is_named(text, rest, False) or _has_row_function(text)
        if word == b"CALL":
            return _ROUTINE_CALL.match(text, rest) is not None
        if word in SHOWS:
            if word == b"SHOW":
                return (
                    _is_found(_STATUS, text, rest)
                    or _is_found(MENTIONS, text, rest)
                    or _is_found(self._shells, text, rest)
                    or _MODEL.match(text, rest) is not None
                )
            explains = _is_found(_SELECT, text, rest)
            named_here = explains and self._is_named(text, rest, loaded)
            return (
                named_here or _has_row_function(text) or _is_found(MENTIONS, text, rest)
            )
        if word in CHANGES:
            return (
                _is_found(self._tables, text, rest)
                or _is_found(self._schemas, text, rest)
                or (word == b"ALTER" and _is_found(_SECONDARY, text, rest))
                or (word == b"DROP" and _MODEL.match(text, rest) is not None)
                or (named and _is_found(_PREPARE, text, rest))
            )
        if word in OF_NAMES:
            return named or (
                word == b"PREPARE"
                and (
                    b"@" in text
                    or self._is_named(text, rest, True)
                    or _is_found(_ROUTINE_NAME, text, rest)
                    or _is_found(MENTIONS, text, rest)
                )
            )
        return word == b"KILL" or (word == b"FLUSH" and _is_found(_STATUS, text, rest))

    def _is_named(self, text: bytes, rest: int, loaded: bool) -> bool:
        return _is_found(self._tables, text, rest) or (
            loaded and _is_found(self._loaded, text, rest)
        )


def sets_next_transaction(text: bytes, start: int = 0) -> bool:
    """Whether it says how the next transaction is to be, which may be one statement.

    Source: MySQL Reference Manual, "SET TRANSACTION Statement".
    """
    return _SETS_TRANSACTION.match(text, start) is not None


def asks_after(text: bytes) -> bool:
    """Whether a statement may ask what the one before it has left."""
    return _ASKS_AFTER.search(text) is not None


def _is_found(names: re.Pattern[bytes] | None, text: bytes, rest: int) -> bool:
    return names is not None and names.search(text, rest) is not None


def _has_row_function(text: bytes) -> bool:
    text = text.lower()  # ten times as quick as a search that minds no case
    return b"ml_" in text and any(name in text for name in _ROW_FUNCTIONS)


def _is_plain(name: str) -> bool:
    """Whether a name is one word that a glance finds wherever it stands."""
    return _PLAIN.fullmatch(name.encode()) is not None


def _any_of(names: Iterable[str]) -> re.Pattern[bytes] | None:
    """What finds any of the names, or None where there are none to find."""
    spelled = {spelling for n in names for spelling in (n, n.replace("`", "``"))}
    escaped = sorted(re.escape(name.encode()) for name in spelled)
    if not escaped:
        return None
    return re.compile(rb"(?i)(?<!%s)(?:%s)(?!%s)" % (_PART, b"|".join(escaped), _PART))
