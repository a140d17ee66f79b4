"""A SELECT's text as sqlglot's tree, with no opinion of sqlglot's about functions.

Every ``name(`` but a few special syntaxes is marked before parsing, so that it
stays a name with arguments instead of becoming another dialect's function. No
class of sqlglot is changed. Texts that sqlglot reads wrongly are refused first.
"""

import re
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from heatproxy.sql.emitter.values import Forward
from heatproxy.sql.spelling import respelled

MARK = "fn "  # no name written without back-ticks holds a blank
ODD_MODES = (
    "ANSI_QUOTES",
    "PIPES_AS_CONCAT",
    "NO_BACKSLASH_ESCAPES",
    "HIGH_NOT_PRECEDENCE",
    "REAL_AS_FLOAT",
    "PAD_CHAR_TO_FULL_LENGTH",
    "TIME_TRUNCATE_FRACTIONAL",
    "ANSI",
)
_SYNTAX = ("CAST", "CONVERT", "EXTRACT", "GROUP_CONCAT", "SUBSTRING", "SUBSTR", "TRIM")
_KEYWORD_FUNCTIONS = (
    *("LEFT", "RIGHT", "IF", "REPLACE", "MOD", "INSERT", "TRUNCATE", "FORMAT"),
    *("DATE", "TIME", "TIMESTAMP", "YEAR", "CHARSET", "COLLATION"),
)
_REFUSED = {
    TokenType.PARAMETER: "a user variable",
    TokenType.SESSION_PARAMETER: "a system variable",
    TokenType.COLON_EQ: "a user variable",
    TokenType.INTO: "INTO",
    TokenType.HINT: "an optimizer hint",
    TokenType.INTRODUCER: "a character set introducer",
    TokenType.NATIONAL_STRING: "a national string",
    TokenType.HEX_STRING: "a hexadecimal literal",
    TokenType.BIT_STRING: "a bit literal",
    TokenType.PLACEHOLDER: "a parameter marker",
    # MySQL warns that these are deprecated
    TokenType.DPIPE: "the operator ||",
    TokenType.DAMP: "the operator &&",
}
_JOINING = (
    *(TokenType.INNER, TokenType.CROSS, TokenType.LEFT, TokenType.RIGHT),
    *(TokenType.OUTER, TokenType.NATURAL, TokenType.FULL),
)
# an introducer that changes nothing
_PLAIN = "_UTF8MB4", "utf8mb4_0900_ai_ci", TokenType.STRING
_TABLE = (TokenType.SELECT, "SELECT"), (TokenType.STAR, "*"), (TokenType.FROM, "FROM")
_AFTER_A_NAME = (None, TokenType.COMMA, TokenType.DOT, TokenType.FROM, TokenType.ALIAS)
# what tells MySQL how to go about a SELECT, not what it says
MODIFIERS = (
    *("STRAIGHT_JOIN", "HIGH_PRIORITY", "SQL_SMALL_RESULT", "SQL_BIG_RESULT"),
    *("SQL_BUFFER_RESULT", "SQL_NO_CACHE"),
)
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LOST_COMMENT = re.compile(r"--(?!\s|$)|/\*(?:(?!\*/).)*/\*", re.DOTALL)
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_COMPARISONS = (
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.NullSafeEQ,
    exp.Is,
    exp.Like,
    exp.Escape,
    exp.In,
    exp.Between,
    exp.RegexpLike,
)


def parse(text: str, sql_mode: str = "", collation: str = "") -> exp.Query:
    """The tree of one SELECT. ``collation`` is that of a plain string literal.

    Raises:
        Forward: another kind of statement, a mode or spelling that sqlglot does
            not read as MySQL does, or a text it cannot parse.
    """
    for mode in sql_mode.upper().split(","):
        if mode in ODD_MODES:
            raise Forward(f"sql_mode {mode}")
    if "/*!" in text or "/*+" in text:
        raise Forward("a versioned comment or hint")
    if _LOST_COMMENT.search(text):
        raise Forward("a comment that MySQL reads differently")
    mysql = MySQL()
    try:
        tokens = list(_mark(_stripped(mysql.tokenize(text), collation), text))
        opening = (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN)
        if not tokens or tokens[0].token_type not in opening:
            raise Forward("a statement other than SELECT")
        trees = mysql.parser().parse(respelled(tokens, MARK), text)
    except (SqlglotError, RecursionError) as problem:
        raise Forward("a statement sqlglot cannot parse") from problem
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise Forward("more than one statement, or none")
    tree = trees[0]
    for node in list(tree.find_all(exp.Expr)):
        _unmark(node)
        _refuse_chains(node)
    return tree


def function_name(node: exp.Expr) -> str | None:
    """The upper-case name of a marked function call, None for anything else."""
    if isinstance(node, exp.Anonymous) and str(node.this).startswith(MARK):
        return str(node.this).removeprefix(MARK).upper()
    return None


def referenced_tables(text: str) -> list[tuple[str | None, str]]:
    """The (schema or None, name) of every table a SELECT reads, in order, once.

    Raises:
        Forward: as parse().
    """
    found: dict[tuple[str | None, str], None] = {}
    for table in parse(text).find_all(exp.Table):
        schema = table.text("db") or None
        if schema is None and _is_cte(table):
            continue
        if table.text("this"):
            found[schema, table.text("this")] = None
    return list(found)


def _stripped(tokens: list[Token], collation: str) -> list[Token]:
    """The tokens without words that change no result; TABLE t as a SELECT."""
    kept: list[Token] = []
    opening = False  # behind SELECT
    for token, following in zip(tokens, [*tokens, None][1:], strict=True):
        kind, word = token.token_type, token.text.upper()
        after = None if following is None else following.token_type
        if opening and word in MODIFIERS and after not in _AFTER_A_NAME:
            continue
        if opening and word == "DISTINCTROW":
            token = _like(token, TokenType.DISTINCT, "DISTINCT")
        opening = kind == TokenType.SELECT or (
            opening and word in ("DISTINCT", "DISTINCTROW", "ALL")
        )
        if not kept and kind == TokenType.TABLE:
            kept += [_like(token, written, text) for written, text in _TABLE]
            continue
        if (word, collation, after) == _PLAIN and kind == TokenType.INTRODUCER:
            continue
        kept.append(token)
    return kept


def _mark(tokens: list[Token], text: str) -> Iterator[Token]:
    before = None
    for token, following in zip(tokens, [*tokens, None][1:], strict=True):
        kind = token.token_type
        if kind == TokenType.JOIN and before not in _JOINING:
            # else sqlglot takes it for a comma
            yield _like(token, TokenType.INNER, "INNER")
        before = kind
        if kind in _REFUSED:
            raise Forward(_REFUSED[kind])
        if kind == TokenType.NOT and token.text == "!":
            raise Forward("the operator !")
        if kind == TokenType.NUMBER and not _NUMBER.fullmatch(token.text):
            raise Forward("a number in scientific or odd notation")
        if kind == TokenType.VAR and token.text[:1].isdigit():
            raise Forward("a name that begins with a digit")
        if kind == TokenType.STRING:
            yield _like(token, kind, _string(text[token.start : token.end + 1]))
            continue
        name = token.text.upper()
        if (
            following is not None
            and following.token_type == TokenType.L_PAREN
            and name not in _SYNTAX
            and (kind == TokenType.VAR or name in _KEYWORD_FUNCTIONS)
            and kind != TokenType.IDENTIFIER
        ):
            token = _like(token, TokenType.VAR, MARK + token.text)
        yield token


def _like(token: Token, kind: TokenType, text: str) -> Token:
    return Token(
        kind, text, token.line, token.col, token.start, token.end, token.comments
    )


def _string(raw: str) -> str:
    """The value of a string literal as MySQL reads it, quotes included in ``raw``."""
    quote = raw[:1]
    if len(raw) < 2 or quote not in ("'", '"') or raw[-1] != quote:
        raise Forward("a string literal sqlglot cuts elsewhere")
    value, position = [], 1
    while position < len(raw) - 1:
        char, following = raw[position], raw[position + 1]
        position += 1
        if char == quote:
            if following != quote or position == len(raw) - 1:
                raise Forward("a string literal sqlglot cuts elsewhere")
            position += 1
        elif char == "\\":
            if position == len(raw) - 1:
                raise Forward("a string literal sqlglot cuts elsewhere")
            # \% and \_ keep their backslash: they matter to LIKE only
            char = _ESCAPES.get(following, following)
            if following in "%_":
                char = "\\" + following
            position += 1
        value.append(char)
    return "".join(value)


def _unmark(node: exp.Expr) -> None:
    """A name before a column list, as in WITH c (a), is no function."""
    if isinstance(node, exp.Identifier) and str(node.this).startswith(MARK):
        node.set("this", str(node.this).removeprefix(MARK))


def _refuse_chains(node: exp.Expr) -> None:
    """sqlglot binds = and <> looser than < and >; MySQL does not."""
    if not isinstance(node, _COMPARISONS):
        return
    for child in node.iter_expressions():
        inner = child.this if isinstance(child, exp.Not) else child
        escaped = isinstance(node, exp.Escape) and isinstance(child, exp.Like)
        if isinstance(inner, _COMPARISONS) and not escaped:
            raise Forward("a comparison of a comparison without parentheses")


def _is_cte(table: exp.Table) -> bool:
    """Whether a name without schema is a CTE that is visible at this place."""
    name, inner = table.text("this").lower(), None
    node: exp.Expr | None = table
    while node is not None:
        clause = node.args.get("with_")
        if clause is None:
            ctes, recursive = [], False
        else:
            ctes, recursive = clause.expressions, bool(clause.args.get("recursive"))
        for cte in ctes:
            if cte is inner and not recursive:
                break
            if cte.alias.lower() == name:
                return True
        if isinstance(node, exp.CTE):
            inner = node
        node = node.parent
    return False
