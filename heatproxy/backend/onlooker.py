"""What the server says of a client's session, asked past it: that knows what it did.

A statement of ours in the session itself would change what FOUND_ROWS(), ROW_COUNT()
and the diagnostics area tell of the client's own.

Source: MySQL Reference Manual, "The threads Table", "Performance Schema System
Variable Tables", "The prepared_statements_instances Table".
"""

from heatproxy.backend.account import ServiceAccount

_THREAD = "performance_schema.threads WHERE PROCESSLIST_ID"


def default_schema(account: ServiceAccount, thread_id: int) -> str | None:
    """The default schema of a session, None if it has none.

    Raises:
        pymysql.MySQLError: the account may not look, or cannot be reached.
        LookupError: there is no such session.
    """
    return _first(account, f"SELECT PROCESSLIST_DB FROM {_THREAD} = {thread_id}")


def result_metadata(account: ServiceAccount, thread_id: int) -> str | None:
    """A session's ``resultset_metadata``: FULL or NONE.

    Raises:
        pymysql.MySQLError: the account may not look, or cannot be reached.
        LookupError: there is no such session.
    """
    return _first(
        account,
        "SELECT VARIABLE_VALUE FROM performance_schema.variables_by_thread"
        " WHERE VARIABLE_NAME = 'resultset_metadata'"
        f" AND THREAD_ID = (SELECT THREAD_ID FROM {_THREAD} = {thread_id})",
    )


def prepared_text(
    account: ServiceAccount, thread_id: int, number: int, name: str = ""
) -> str | None:
    """The text of a session's prepared statement: by its number, or by its name.

    Raises:
        pymysql.MySQLError: the account may not look, or cannot be reached.
        LookupError: there is no such statement.
    """
    called = f"STATEMENT_ID = {number}"
    if name:
        called = f"LOWER(STATEMENT_NAME) = LOWER(_utf8mb4 X'{name.encode().hex()}')"
    return _first(
        account,
        "SELECT SQL_TEXT FROM performance_schema.prepared_statements_instances"
        f" WHERE {called} AND OWNER_OBJECT_TYPE IS NULL AND"
        f" OWNER_THREAD_ID = (SELECT THREAD_ID FROM {_THREAD} = {thread_id})",
    )


def _first(account: ServiceAccount, sql: str) -> str | None:
    for (value,) in account.query(sql):
        return None if value is None else str(value)
    raise LookupError("no such session, or no such statement of it")
