"""Versioned comments, opened: their inside counts as if it stood alone.

SHOW CREATE TABLE and dumps write ``/*!80021 ENGINE_ATTRIBUTE='...' */``, which is to be
read again. Every token stays in its place.

Source: MySQL Reference Manual, "Comments".
"""

import re

NEWEST = 99_999  # as far as servers go that there are
OLDEST = 80_000  # from where on they go

_CREATES = re.compile(rb"(?i)\s*create\s+(?:external\s+)?table\b")
_LAKEHOUSE = re.compile(rb"(?i)\blakehouse\b|\bexternal\b")
_PREDICTS = re.compile(rb"(?i)\bml_(?:predict|explain)_row\b")
_VERSION = re.compile(rb"/\*!(\d{5,6})(?!\d)")


def _pieces(escapes: bool) -> re.Pattern[bytes]:
    plain = rb"%s(?:[^%s\\]|\\.|%s%s)*+(?:%s|\Z)"
    if not escapes:
        plain = rb"%s(?:[^%s]|%s%s)*+(?:%s|\Z)"
    texts = (plain % ((quote,) * 5) for quote in (b"'", b'"'))
    return re.compile(
        rb"`(?:[^`]|``)*+(?:`|\Z)|"
        + b"|".join(texts)
        + rb"|/\*(?![!]).*?\*/|--\s[^\n]*|#[^\n]*"
        + rb"|(?P<open>/\*!(?P<version>\d{5,6}(?!\d))?)|(?P<close>\*/)",
        re.DOTALL,
    )


_PIECES = {True: _pieces(True), False: _pieces(False)}


def creates_lakehouse(text: bytes) -> bool:
    """Whether a text may be CREATE TABLE of a Lakehouse table."""
    return bool(_CREATES.match(text) and _LAKEHOUSE.search(text))


def predicts(text: bytes) -> bool:
    """Whether a text may call a function of a row beside comments that any server
    reads; what is a comment from its first letter on is a dump's."""
    if text.lstrip().startswith(b"/*!") or not _PREDICTS.search(text):
        return False
    return all(int(version) <= OLDEST for version in _VERSION.findall(text))


def opened(text: bytes, *, backslash_escapes: bool = True) -> bytes:
    """The text without the marks of versioned comments that this server reads.

    One for newer servers than there are goes as a whole.
    """
    kept = bytearray(text)
    begun: list[int] = []  # from where on to blank at the end of each
    for match in _PIECES[backslash_escapes].finditer(text):
        if match["open"]:
            _blank(kept, *match.span())
            skipped = int(match["version"] or 0) > NEWEST
            begun.append(match.start() if skipped else -1)
        elif match["close"] and begun:
            start = begun.pop()
            _blank(kept, match.start() if start < 0 else start, match.end())
    return bytes(kept)


def _blank(text: bytearray, start: int, end: int) -> None:
    text[start:end] = b" " * (end - start)
