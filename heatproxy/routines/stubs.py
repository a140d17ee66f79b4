"""The SQL of the stubs in ``sys``, which ask heatproxy from inside the backend.

A call at top level through heatproxy is answered there; its stub only hands the OUT
values on. Any other call (in a stored program, a view, a session that goes
straight to MySQL) runs the stub's body, on the caller's session and with the rights of
its invoker. No table is written and nothing is logged, so transactions, read-only
servers, GTIDs and triggers are of no account:

- The caller puts its request into a user variable and takes the lock of a free *seat*,
  for which heatproxy looks all the time. ``HELPER``, the one routine with heatproxy's
  rights, reads what heatproxy answered, a variable of heatproxy's session whose name
  only the caller and heatproxy know.
- The lock of the seat's *desk* is the turn: heatproxy holds it while it works, the
  caller while it does what it was told. Locks only wake; what counts are the numbers of
  the messages. Whoever dies loses the locks, and the other one notices.
- A function is answered with a value. A procedure is told statements, which it prepares
  and executes: whatever reads or writes for the caller does so as the caller.
- Nothing here is secret: MySQL shows the bodies of ``sys`` to everybody. That a stub
  speaks, so that CURRENT_USER and the rights that it found are true, heatproxy knows by
  performance_schema: the session waits in a statement of that stub (``WAITS``). That
  heatproxy answers, the stub knows by the account of the session that does.
"""

from collections.abc import Sequence

from heatproxy.datatypes import quote_name

STUB_VERSION = "heatproxy 7"
HELPER = "heatproxy_inside"
HERE, DESK, SEAT = "heatproxy.here", "heatproxy.desk.", "heatproxy.seat."
REQUEST = "heatproxy.request"
SITS = "heatproxy.seat"  # the request's nonce and the number of its seat
SEATS = 64  # names that callers look for
NONCE_DIGITS, NUMBER_DIGITS = 32, 6
SEAT_WAIT_S, SILENT_S = 10, 20
WAITS = "SELECT GET_LOCK(hp_name, hp_step) INTO hp_got"  # a stub, for its turn
DONE = "@`heatproxy.done`"  # says to a stub that its routine has run

AWAY = "sys.{} runs in heatproxy, which is not here (or inside.enabled is off)"
BUSY = "sys.{}: all inside.callers of heatproxy are busy, try again"
GONE = "sys.{}: heatproxy went away, or performance_schema does not show the call"
SILENT = "sys.{}: heatproxy does not answer"
UNSEEN = "sys.{}: performance_schema does not show this session (an event, or off)"
STATES = ("42000", "42S01", "42S02", "42S22", "23000", "3D000", "70100", "40001")

Named = tuple[str, str, str]  # direction, name and type of a parameter


def helper() -> str:
    """The CREATE statement of what reads an answer.

    It reads what has a nonce for a name, of sessions of heatproxy's account: nobody
    reads the requests of others by it, and nobody else answers. An empty text: there
    is no such session. (In a stored program PS_THREAD_ID does not become NULL again.)
    """
    return (
        f"CREATE FUNCTION sys.{HELPER}"
        " (desk BIGINT UNSIGNED, name VARCHAR(64) CHARACTER SET utf8mb4)"
        " RETURNS LONGTEXT CHARACTER SET utf8mb4"
        f" READS SQL DATA SQL SECURITY DEFINER COMMENT '{STUB_VERSION}' BEGIN"
        " DECLARE hp_thread BIGINT UNSIGNED;"
        f" IF desk <> CONNECTION_ID() AND CHAR_LENGTH(name) <> {NONCE_DIGITS}"
        " THEN RETURN NULL; END IF;"
        " IF desk <> CONNECTION_ID() AND NOT EXISTS"
        " (SELECT 1 FROM performance_schema.processlist WHERE ID = desk"
        " AND CAST(CURRENT_USER() AS BINARY) = CAST(CONCAT(USER, '@',"
        " SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) AS BINARY))"
        " THEN RETURN ''; END IF;"
        " SET hp_thread = PS_THREAD_ID(desk);"
        " RETURN (SELECT CONVERT(VARIABLE_VALUE USING utf8mb4)"
        " FROM performance_schema.user_variables_by_thread"
        " WHERE THREAD_ID = hp_thread"
        " AND VARIABLE_NAME = CONCAT('heatproxy.', name)); END"
    )


def function_stub(name: str, parameters: Sequence[Named]) -> str:
    """The CREATE statement of a function's stub."""
    listed = ", ".join(f"{quote_name(one)} {kind}" for _, one, kind in parameters)
    return (
        f"CREATE FUNCTION sys.{quote_name(name)} ({listed}) RETURNS JSON"
        f" READS SQL DATA SQL SECURITY INVOKER COMMENT '{STUB_VERSION}' BEGIN"
        f" {_asking(name, parameters)}"
        " CASE hp_kind WHEN 'A' THEN LEAVE hp_talk;"
        " WHEN 'N' THEN SET hp_answer = NULL; LEAVE hp_talk;"
        f" WHEN 'P' THEN {_RIGHTS} ELSE {_FAIL} {_NEXT}"
        f" {_END} RETURN CAST(hp_answer AS JSON); END"
    )


def procedure_stub(name: str, parameters: Sequence[Named]) -> str:
    """The CREATE statement of a procedure's stub."""
    listed = ", ".join(
        f"{direction} {quote_name(one)} {kind}" for direction, one, kind in parameters
    )
    return (
        f"CREATE PROCEDURE sys.{quote_name(name)} ({listed})"
        f" MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '{STUB_VERSION}' BEGIN"
        f" IF {DONE} IS NULL THEN BEGIN {_asking(name, parameters)}"
        " CASE hp_kind WHEN 'D' THEN LEAVE hp_talk;"
        f" WHEN 'P' THEN {_RIGHTS}"
        " WHEN 'T' THEN START TRANSACTION; SET hp_kind = 'k';"
        " WHEN 'B' THEN ROLLBACK; SET hp_kind = 'k';"
        f" WHEN 'E' THEN {_FAIL} ELSE {_EXECUTE} {_NEXT}"
        f" {_END} END; END IF;"
        f" SET {DONE} = NULL; {_handing_on(parameters)} END"
    )


def out_variable(index: int) -> str:
    """The session's variable that a stub takes an OUT value from."""
    return f"@`heatproxy.{index}`"


def _handing_on(parameters: Sequence[Named]) -> str:
    """The statements that give the OUT parameters their values, and keep none."""
    values = [
        f"SET {quote_name(name)} = {out_variable(index)};"
        f" SET {out_variable(index)} = NULL;"
        for index, (direction, name, _) in enumerate(parameters)
        if direction != "IN"
    ]
    return " ".join(values)


def _signal(text: str, number: str = "3877", state: str = "HY000") -> str:
    return (
        f"SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = {text};"
    )


def _asking(name: str, parameters: Sequence[Named]) -> str:
    """From the declarations to an answer, whose kind and text are to be looked at.

    It ends inside the loop ``hp_talk``.
    """
    given = [
        f"CAST({quote_name(one)} AS CHAR CHARACTER SET utf8mb4)"
        for direction, one, _ in parameters
        if direction != "OUT"
    ]

    def fail(text: str) -> str:
        return _signal(f"'{text.format(name)}'")

    return (
        f"{_DECLARATIONS}"
        f" IF IS_USED_LOCK('{HERE}') IS NULL THEN {fail(AWAY)} END IF;"
        " SET hp_nonce = LOWER(HEX(RANDOM_BYTES(16)));"
        " SET hp_text = CONCAT('q', LPAD(hp_number, 6, '0'), JSON_OBJECT("
        f"'routine', '{name}', 'account', CURRENT_USER(),"
        " 'roles', CONVERT(CURRENT_ROLE() USING utf8mb4),"  # may be binary
        " 'thread', PS_CURRENT_THREAD_ID(),"
        f" 'arguments', JSON_ARRAY({', '.join(given)})));"
        f" hp_talk: LOOP {_SAY} IF hp_desk IS NULL THEN"
        f" IF sys.{HELPER}(CONNECTION_ID(), 'request') IS NULL THEN {fail(UNSEEN)}"
        f" END IF; {_TAKE_A_SEAT % fail(BUSY)}"
        " ELSE SET hp_turn = 0; DO RELEASE_LOCK(hp_name); END IF;"
        f" {_WAIT % (fail(GONE), fail(SILENT))}"
        " SET hp_kind = LEFT(hp_answer, 1);"
        f" SET hp_answer = SUBSTR(hp_answer, {NUMBER_DIGITS + 2});"
    )


_TEXT = "LONGTEXT CHARACTER SET utf8mb4"
_DECLARATIONS = (
    f"DECLARE hp_text, hp_answer, hp_message, hp_beat {_TEXT};"
    " DECLARE hp_nonce, hp_name VARCHAR(64) CHARACTER SET utf8mb4;"
    " DECLARE hp_desk, hp_owner BIGINT UNSIGNED;"
    " DECLARE hp_seat, hp_number, hp_turn, hp_sits, hp_got, hp_errno INT DEFAULT 0;"
    " DECLARE hp_step, hp_waited, hp_silent DOUBLE DEFAULT 0;"
    " DECLARE hp_kind CHAR(1) CHARACTER SET utf8mb4;"
    " DECLARE hp_state CHAR(5) CHARACTER SET utf8mb4;"
    f" DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SET @`{REQUEST}` = NULL;"
    " IF hp_turn THEN DO RELEASE_LOCK(hp_name); END IF;"
    f" IF hp_sits THEN DO RELEASE_LOCK(CONCAT('{SEAT}', hp_seat)); END IF;"
    " RESIGNAL; END;"
)
_SAY = f"SET @`{REQUEST}` = CONCAT(hp_nonce, hp_text);"
_TAKE_A_SEAT = (
    "hp_search: LOOP SET hp_seat = 0;"
    f" WHILE hp_seat < {SEATS} DO"
    f" SET hp_name = CONCAT('{DESK}', hp_seat);"
    " SET hp_owner = IS_USED_LOCK(hp_name);"
    " IF hp_owner IS NOT NULL AND"
    f" IS_USED_LOCK(CONCAT('{SEAT}', hp_seat)) IS NULL THEN"
    f" SET hp_sits = GET_LOCK(CONCAT('{SEAT}', hp_seat), 0);"
    " IF hp_sits AND IS_USED_LOCK(hp_name) <=> hp_owner THEN"
    f" SET hp_desk = hp_owner, @`{SITS}` = CONCAT(hp_nonce, hp_seat);"
    " LEAVE hp_search; END IF;"
    f" IF hp_sits THEN SET hp_sits = 0; DO RELEASE_LOCK(CONCAT('{SEAT}', hp_seat));"
    " END IF; END IF; SET hp_seat = hp_seat + 1; END WHILE;"
    f" IF hp_waited > {SEAT_WAIT_S} THEN %s END IF;"
    " DO SLEEP(0.01); SET hp_waited = hp_waited + 0.01; END LOOP;"
)
_WAIT = (
    "SET hp_step = 0.05, hp_waited = 0, hp_silent = 0, hp_beat = NULL;"
    f" hp_wait: LOOP {WAITS};"
    " IF hp_got THEN SET hp_turn = 1;"
    f" SET hp_answer = sys.{HELPER}(hp_desk, hp_nonce);"
    " IF SUBSTR(hp_answer, 2, 6) = LPAD(hp_number, 6, '0') THEN LEAVE hp_wait; END IF;"
    " SET hp_turn = 0; DO RELEASE_LOCK(hp_name);"
    " DO SLEEP(0.002); SET hp_silent = hp_silent + 0.002;"
    " ELSE SET hp_silent = hp_silent + hp_step; SET hp_step = LEAST(1, hp_step * 2);"
    f" SET hp_answer = sys.{HELPER}(hp_desk, hp_nonce);"
    " IF NOT (hp_answer <=> hp_beat) THEN SET hp_silent = 0; END IF;"
    " SET hp_beat = hp_answer; END IF;"
    " IF hp_answer = '' THEN %s END IF;"
    f" IF hp_silent > {SILENT_S} THEN %s END IF; END LOOP;"
    " SET hp_number = hp_number + 1;"
)
_RIGHTS = (  # qualified: routines have parameters called table_name
    "SET hp_kind = 'r', hp_message = (SELECT JSON_ARRAYAGG(hp_c.COLUMN_NAME)"
    " FROM information_schema.COLUMNS AS hp_c"
    " WHERE hp_c.TABLE_SCHEMA = JSON_UNQUOTE(JSON_EXTRACT(hp_answer, '$[0]'))"
    " AND hp_c.TABLE_NAME = JSON_UNQUOTE(JSON_EXTRACT(hp_answer, '$[1]'))"
    " AND FIND_IN_SET('select', hp_c.PRIVILEGES));"
)
_EXECUTE = (
    "SET @`heatproxy.statement` = hp_answer; SET @`heatproxy.rows` = NULL;"
    " SET hp_errno = 0; BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION"
    " GET DIAGNOSTICS CONDITION 1 hp_errno = MYSQL_ERRNO,"
    " hp_state = RETURNED_SQLSTATE, hp_message = MESSAGE_TEXT;"
    " PREPARE `heatproxy` FROM @`heatproxy.statement`;"
    " IF hp_kind <> 'C' THEN EXECUTE `heatproxy`;"
    " SET hp_message = ROW_COUNT(); END IF;"
    " DEALLOCATE PREPARE `heatproxy`; END;"
    " IF hp_errno THEN"
    " SET hp_kind = 'e', hp_message = JSON_ARRAY(hp_errno, hp_state, hp_message);"
    " ELSEIF hp_kind = 'R' THEN SET hp_kind = 'r', hp_message = @`heatproxy.rows`;"
    " ELSE SET hp_kind = 'k'; END IF;"
)
_FAIL = (
    "SET hp_errno = JSON_EXTRACT(hp_answer, '$[0]'),"
    " hp_state = JSON_UNQUOTE(JSON_EXTRACT(hp_answer, '$[1]')),"
    " hp_message = LEFT(JSON_UNQUOTE(JSON_EXTRACT(hp_answer, '$[2]')), 128);"
    " CASE hp_state "
    + " ".join(
        f"WHEN '{state}' THEN {_signal('hp_message', 'hp_errno', state)}"
        for state in STATES
    )
    + f" ELSE {_signal('hp_message', 'hp_errno')} END CASE;"
)
_NEXT = (
    f"END CASE; SET hp_text = CONCAT(hp_kind, LPAD(hp_number, {NUMBER_DIGITS}, '0'),"
    " COALESCE(hp_message, '')); END LOOP;"
)
_END = (
    f"SET @`{REQUEST}` = NULL;"  # heatproxy sees by it that the answer was taken
    " SET hp_turn = 0; DO RELEASE_LOCK(hp_name);"
    f" SET hp_sits = 0; DO RELEASE_LOCK(CONCAT('{SEAT}', hp_seat));"
)
