"""PyMySQL: a driver in Python that speaks the text protocol only."""

import ssl
from collections.abc import Sequence
from typing import Any

import pymysql
from pymysql.constants import CLIENT

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


class PyMySQL:
    """Each statement is one COM_QUERY."""

    skills = frozenset([Skill.LOCAL_FILE, Skill.TLS, Skill.SOCKET])

    def talk(self, login: Login, statements: Sequence[Statement]) -> list[Outcome]:
        assert not login.compression
        where = {"unix_socket": login.socket} if login.socket else {}
        try:
            connection = pymysql.connect(
                host=login.host,
                port=login.port,
                **where,
                user=login.user,
                password=login.password,
                database=login.database or None,
                autocommit=True,
                local_infile=True,
                client_flag=CLIENT.MULTI_STATEMENTS,
                max_allowed_packet=1 << 30,
                read_timeout=PATIENCE_S,
                ssl=_context(login),
                ssl_disabled=login.tls is None,
            )
        except pymysql.MySQLError as refused:
            raise LoginRefused(_refusal(refused)) from None
        try:
            return [_run(connection, statement) for statement in statements]
        finally:
            connection._force_close()


def _context(login: Login) -> ssl.SSLContext | None:
    if login.tls is None:
        return None
    context = ssl.create_default_context(cafile=login.tls.ca)
    context.check_hostname = login.tls.verify_name
    if login.tls.ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _run(connection: "pymysql.Connection[Any]", statement: Statement) -> Outcome:
    assert statement.parameters is None, "PyMySQL has no prepared statements"
    parts: list[ResultSet | Done | Refusal] = []
    try:
        connection.query(statement.sql)
        while True:
            result = connection._result
            if result.description:
                columns = tuple(result.description)
                parts.append(ResultSet(columns, tuple(result.rows)))
            else:
                parts.append(Done(_report(result)))
            if not result.has_next:
                break
            connection.next_result()
    except pymysql.MySQLError as refused:
        parts.append(_refusal(refused))
    return tuple(parts)


def _report(result: Any) -> tuple[Any, ...]:
    counts = (result.affected_rows, result.insert_id, result.warning_count)
    return (*counts, result.server_status, result.message)


def _refusal(problem: pymysql.MySQLError) -> Refusal:
    number, text = (*problem.args, "")[:2]
    return Refusal(number, getattr(problem, "sqlstate", ""), text)
