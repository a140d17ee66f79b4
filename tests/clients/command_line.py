"""How MySQL's and MariaDB's command-line clients are asked, and their answers read.

Both echo each statement (``-vv``), print rows as XML and say how many were affected, so
that outcomes are found again by the statements they follow. The password goes by the
environment.
"""

import html
import os
import re
import subprocess
from collections.abc import Sequence

from tests.clients.contract import (
    PATIENCE_S,
    Done,
    Login,
    LoginRefused,
    Outcome,
    Plain,
    Refusal,
    ResultSet,
    Statement,
)

COMMON = (
    *("--force", "--comments", "-vv", "--xml", "--binary-as-hex"),
    *("--local-infile=1", "--max-allowed-packet=1G"),
    "--default-character-set=utf8mb4",
)
_RULE = "--------------\n"
_ERROR = re.compile(
    r"^ERROR (?P<number>\d+) \((?P<state>\w{5})\)(?: at line (?P<line>\d+))?: "
    r"(?P<text>.*?)(?=\nERROR |\n?\Z)",
    re.MULTILINE | re.DOTALL,
)
_RESULT = re.compile(
    r'<\?xml version="1.0"\?>\n\n<resultset statement="[^"]*"[^>]*>(.*?)'
    r"</resultset>\n|^(Query OK.*(?:\n(?!\n).+)*)",
    re.MULTILINE | re.DOTALL,
)
_ROW = re.compile(r"<row>(.*?)</row>", re.DOTALL)
_FIELD = re.compile(
    r'<field name="([^"]*)"(?: xsi:nil="true" />|>(.*?)</field>)', re.DOTALL
)
_FIRST_LINE = 2  # behind DELIMITER


def where(login: Login) -> list[str]:
    """The options that say which server it is."""
    if login.socket:
        return [f"--socket={login.socket}", "--protocol=SOCKET"]
    return [f"--host={login.host}", f"--port={login.port}", "--protocol=TCP"]


def talk(
    command: Sequence[str], password: str, statements: Sequence[Statement]
) -> list[Outcome]:
    """Run a script of these statements, each on a line of its own."""
    script = ["DELIMITER //"]
    for statement in statements:
        assert "\n" not in statement.sql, "errors are told by their line"
        assert statement.parameters is None, "a command line has no parameters"
        script.append(f"{statement.sql} //")
    done = subprocess.run(
        [*command, *COMMON],
        input="\n".join(script).encode("utf-8", "surrogateescape") + b"\n",
        capture_output=True,
        env={**os.environ, "MYSQL_PWD": password, "LC_ALL": "C.UTF-8"},
        timeout=PATIENCE_S,
        check=False,
    )
    said, complained = (
        out.decode("utf-8", "surrogateescape") for out in (done.stdout, done.stderr)
    )
    errors = {
        int(found["line"] or 0): Refusal(
            int(found["number"]), found["state"], found["text"]
        )
        for found in _ERROR.finditer(complained)
    }
    if 0 in errors:
        raise LoginRefused(errors[0])
    if statements and _RULE not in said:
        raise AssertionError(f"exit {done.returncode}: {complained}")
    return [
        _outcome(answer, errors.get(_FIRST_LINE + index))
        for index, answer in enumerate(_answers(said, statements))
    ]


def _answers(said: str, statements: Sequence[Statement]) -> list[str]:
    """What was printed behind each statement's echo."""
    starts, position = [], 0
    for statement in statements:
        echo = f"{_RULE}{statement.sql}\n{_RULE}"
        begin = said.find(echo, position)
        if begin < 0:  # the session had ended by then
            begin = position = len(said)
        else:
            position = begin + len(echo)
        starts.append((begin, position))
    ends = [begin for begin, _ in starts[1:]] + [len(said)]
    return [said[at:end] for (_, at), end in zip(starts, ends, strict=True)]


def _outcome(answer: str, error: Refusal | None) -> Outcome:
    parts: list[ResultSet | Done | Refusal] = []
    for found in _RESULT.finditer(answer):
        if found[2] is not None:
            parts.append(Done((found[2].strip(),)))
            continue
        rows = [list(_FIELD.finditer(row)) for row in _ROW.findall(found[1])]
        names = [html.unescape(field[1]) for row in rows[:1] for field in row]
        values = tuple(tuple(_value(field[2]) for field in row) for row in rows)
        parts.append(ResultSet(tuple(names), values))
    if error is not None:
        parts.append(error)
    return tuple(parts)


def _value(text: str | None) -> Plain:
    return None if text is None else html.unescape(text)
