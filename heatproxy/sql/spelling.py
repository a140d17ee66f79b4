"""Spellings that sqlglot's tree would lose, written in a way that it keeps.

``column -> 'path'`` becomes JSON_EXTRACT, since sqlglot rewrites the path; the
amount of an INTERVAL is put in parentheses, since sqlglot forgets whether it was
a number or a string; REAL becomes DOUBLE, which sqlglot takes for FLOAT.
"""

from collections.abc import Iterator, Sequence

from sqlglot.tokenizer_core import Token, TokenType

ARROWS = (TokenType.ARROW, TokenType.DARROW)


def respelled(tokens: Sequence[Token], mark: str) -> list[Token]:
    """The tokens of one statement; ``mark`` opens the name of a function."""
    return list(_intervals(_arrows(tokens, mark)))


def _arrows(tokens: Sequence[Token], mark: str) -> list[Token]:
    written: list[Token] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.token_type not in ARROWS or position + 1 == len(tokens):
            written.append(_plain(token))
            position += 1
            continue
        begin = _column_begin(written)
        column, path = written[begin:], tokens[position + 1]
        opened = _like(token, TokenType.L_PAREN, "(")
        closed = _like(path, TokenType.R_PAREN, ")")
        call = [_like(token, TokenType.VAR, mark + "JSON_EXTRACT"), opened, *column]
        call += [_like(token, TokenType.COMMA, ","), path, closed]
        if token.token_type == TokenType.DARROW:
            outer = _like(token, TokenType.VAR, mark + "JSON_UNQUOTE")
            call = [outer, opened, *call, closed]
        written[begin:] = call
        position += 2
    return written


def _column_begin(written: Sequence[Token]) -> int:
    """Where the column reference (a, a.b, a.b.c) at the end begins."""
    begin = len(written) - 1
    while begin >= 2 and written[begin - 1].token_type == TokenType.DOT:
        begin -= 2
    return max(begin, 0)


def _intervals(tokens: Sequence[Token]) -> Iterator[Token]:
    position = 0
    while position < len(tokens):
        token = tokens[position]
        yield token
        position += 1
        if token.token_type != TokenType.INTERVAL:
            continue
        amount = list(_amount(tokens[position : position + 2]))
        if amount:
            yield _like(amount[0], TokenType.L_PAREN, "(")
            yield from amount
            yield _like(amount[-1], TokenType.R_PAREN, ")")
            position += len(amount)


def _amount(following: Sequence[Token]) -> Iterator[Token]:
    """The literal, with its minus sign, that stands behind INTERVAL, if one does."""
    for token in following:
        kind = token.token_type
        if kind in (TokenType.NUMBER, TokenType.STRING):
            yield token
            return
        if kind != TokenType.DASH or following[-1].token_type != TokenType.NUMBER:
            return
        yield token


def _plain(token: Token) -> Token:
    if token.token_type == TokenType.FLOAT and token.text.upper() == "REAL":
        return _like(token, TokenType.DOUBLE, "DOUBLE")
    return token


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(
        kind, text, token.line, token.col, token.start, token.end, token.comments
    )
