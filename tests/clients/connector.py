"""MySQL Connector/Python, the implementation in Python: text and binary protocol."""

from collections.abc import Sequence
from typing import Any

import mysql.connector
from mysql.connector.constants import ClientFlag

from tests.clients.contract import (
    PATIENCE_S,
    Done,
    Login,
    LoginRefused,
    Outcome,
    Refusal,
    ResultSet,
    Skill,
    Statement,
)


class Connector:
    """Parameters go by COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_RESET."""

    skills = frozenset(
        [
            *(Skill.PARAMETERS, Skill.LOCAL_FILE),
            *(Skill.ZLIB, Skill.TLS, Skill.SOCKET),
        ]
    )

    def talk(self, login: Login, statements: Sequence[Statement]) -> list[Outcome]:
        assert login.compression in ("", "zlib")
        where: dict[str, Any] = {"host": login.host, "port": login.port}
        if login.socket:
            where = {"unix_socket": login.socket}
        try:
            connection = mysql.connector.connect(
                **where,
                **_tls(login),
                user=login.user,
                password=login.password,
                database=login.database or None,
                use_pure=True,
                autocommit=True,
                compress=bool(login.compression),
                allow_local_infile=True,
                client_flags=[ClientFlag.MULTI_STATEMENTS],
                read_timeout=PATIENCE_S,
                charset="utf8mb4",
            )
        except mysql.connector.Error as refused:
            raise LoginRefused(_refusal(refused)) from None
        try:
            return [_run(connection, statement) for statement in statements]
        finally:
            connection.shutdown()


def _tls(login: Login) -> dict[str, Any]:
    tls = login.tls
    if tls is None:
        return {"ssl_disabled": True}
    if tls.ca is None:
        return {"ssl_disabled": False}
    identity = {"ssl_verify_identity": tls.verify_name}
    return {"ssl_ca": str(tls.ca), "ssl_verify_cert": True, **identity}


def _run(connection: Any, statement: Statement) -> Outcome:
    parts: list[ResultSet | Done | Refusal] = []
    try:
        with connection.cursor(prepared=statement.parameters is not None) as cursor:
            if statement.parameters is None:
                cursor.execute(statement.sql)
            else:
                cursor.execute(statement.sql, statement.parameters)
            while True:
                parts.append(_part(cursor))
                if not cursor.nextset():
                    break
    except mysql.connector.Error as refused:
        parts.append(_refusal(refused))
    return tuple(parts)


def _part(cursor: Any) -> ResultSet | Done:
    if cursor.with_rows:
        rows = tuple(_row(row) for row in cursor.fetchall())
        return ResultSet(tuple(cursor.description), rows)
    return Done((cursor.rowcount, cursor.lastrowid, cursor.warning_count))


def _row(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(bytes(v) if isinstance(v, bytearray) else v for v in row)


def _refusal(problem: mysql.connector.Error) -> Refusal:
    return Refusal(problem.errno or 0, problem.sqlstate or "", problem.msg or "")
