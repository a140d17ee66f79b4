"""The SQL of the stubs in ``sys``, which ask heatproxy from inside the backend.

A call at top level through heatproxy is answered there; its stub only hands the OUT
values on. Any other call (in a stored program, a view, a session that goes
straight to MySQL) runs the stub's body, on the caller's session and with the rights of
its invoker. No table is written and nothing is logged, so transactions, read-only
servers, GTIDs and triggers are of no account:

- The caller puts its request into a user variable and takes the lock of a free *seat*,
  for which heatproxy looks all the time. ``HELPER``, the one routine with heatproxy's
  rights, finds the seat, and reads what heatproxy answered: a variable of heatproxy's
  session whose name only the caller and heatproxy know.
- MySQL shows nobody the variables of an event. Called from one, a stub speaks by the
  names of locks that it takes, 66 bytes in each: see ``_IN_A_NAME``.
- The lock of the seat's *desk* is the turn: heatproxy holds it while it works, the
  caller while it does what it was told. Locks only wake; what counts are the numbers of
  the messages. Whoever dies loses the locks, and the other one notices.
- The names of seats and desks are random, and new with each desk; ``HELPER`` alone
  reads the list, from a variable of heatproxy's, and takes a seat for nobody but a
  stub. So nobody keeps callers out by taking the locks first, but who may read
  performance_schema.
- A function is answered with a value. A procedure is told statements, which it prepares
  and executes: whatever reads or writes for the caller does so as the caller.
- Nothing here is secret: MySQL shows the bodies of ``sys`` to everybody. That a stub
  speaks, so that CURRENT_USER and the rights that it found are true, heatproxy knows by
  performance_schema: the session waits in a statement of that stub (``WAITS``). That
  heatproxy answers, the stub knows by the account of the session that does.
"""

from collections.abc import Sequence

from heatproxy.datatypes import quote_name

STUB_VERSION = "heatproxy 9"
HELPER = "heatproxy_inside"
HERE, DESK, SEAT = "heatproxy.here", "heatproxy.desk.", "heatproxy.seat."
DESKS = "heatproxy.desks"  # of heatproxy: number and name of each, joined, and a dot
REQUEST = "heatproxy.request"
SITS = "heatproxy.seat"  # the request's nonce and the name of its seat
SAYS = "hp."  # begins the name of a lock: nonce, seat and length in bytes of a message
NONCE_DIGITS, NUMBER_DIGITS = 32, 6
DESK_DIGITS, NAME_DIGITS = 20, 16  # of a session's number, of a desk's name
PREFIX_DIGITS, PIECE_BYTES = 16, 66  # of the nonce and of a message, in a lock's name
PORTION = 16_384  # characters that a stub says at a time by the names of locks
SEAT_WAIT_S, SILENT_S = 10, 20
SITTING = f"SELECT sys.{HELPER}(0, hp_nonce) INTO hp_seat"  # a stub, for a seat
WAITS = (  # a stub, for its turn; what it takes here is no older than this statement
    "SELECT IF(hp_says IS NULL, 0, GET_LOCK(hp_says, 0)), GET_LOCK(hp_name, hp_step)"
    " INTO hp_held, hp_got"
)
DONE = "@`heatproxy.done`"  # says to a stub that its routine has run

AWAY = "sys.{} runs in heatproxy, which is not here (or inside.enabled is off)"
BUSY = "sys.{}: all inside.callers of heatproxy are busy, try again"
GONE = "sys.{}: heatproxy went away, or performance_schema does not show the call"
SILENT = "sys.{}: heatproxy does not answer"
UNSEEN = "sys.{}: performance_schema does not show this call (off, or nested too deep)"
STATES = ("42000", "42S01", "42S02", "42S22", "23000", "3D000", "70100", "40001")

Named = tuple[str, str, str]  # direction, name and type of a parameter


def helper() -> str:
    """The CREATE statement of what finds a seat and reads an answer.

    It reads what has a nonce for a name, of sessions of heatproxy's account: nobody
    reads the requests of others by it, and nobody else answers. An empty text: there
    is no such session. (In a stored program PS_THREAD_ID does not become NULL again.)

    ``desk`` 0: number and name of the desk at which the caller sits from now on, NULL
    when all are taken, ``x`` when it does not show that a stub is the caller.
    """
    return (
        f"CREATE FUNCTION sys.{HELPER}"
        " (desk BIGINT UNSIGNED, name VARCHAR(64) CHARACTER SET utf8mb4)"
        " RETURNS LONGTEXT CHARACTER SET utf8mb4"
        f" READS SQL DATA SQL SECURITY DEFINER COMMENT '{STUB_VERSION}' BEGIN"
        " DECLARE hp_thread, hp_here BIGINT UNSIGNED;"
        " DECLARE hp_user, hp_name VARCHAR(64) CHARACTER SET utf8mb4;"
        f" DECLARE hp_desks {_TEXT};"
        " SET hp_user = LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1"
        " - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)));"
        f" IF desk = 0 THEN {_FIND_A_SEAT} END IF;"
        f" IF desk <> CONNECTION_ID() AND CHAR_LENGTH(name) <> {NONCE_DIGITS}"
        " THEN RETURN NULL; END IF;"
        f" IF desk <> CONNECTION_ID() AND NOT {_OURS.format('desk')}"
        " THEN RETURN ''; END IF;"
        " SET hp_thread = PS_THREAD_ID(desk);"
        f" RETURN {_VALUE.format('name')}; END"
    )


def function_stub(name: str, parameters: Sequence[Named]) -> str:
    """The CREATE statement of a function's stub.

    DETERMINISTIC: otherwise MySQL refuses it in the ORDER BY of a window (3587).
    """
    listed = ", ".join(f"{quote_name(one)} {kind}" for _, one, kind in parameters)
    return (
        f"CREATE FUNCTION sys.{quote_name(name)} ({listed}) RETURNS JSON DETERMINISTIC"
        f" READS SQL DATA SQL SECURITY INVOKER COMMENT '{STUB_VERSION}' BEGIN"
        f" {_asking(name, parameters)}"
        " CASE hp_kind WHEN 'A' THEN LEAVE hp_talk;"
        " WHEN 'N' THEN SET hp_answer = NULL; LEAVE hp_talk;"
        " WHEN 'M' THEN SET hp_kind = hp_meant;"
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
        " WHEN 'M' THEN SET hp_kind = hp_meant;"
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
        " SET hp_nonce = LOWER(HEX(RANDOM_BYTES(16)));"
        f" SET @`{REQUEST}` = hp_nonce;"
        f" SET hp_hidden = sys.{HELPER}(CONNECTION_ID(), 'request') IS NULL;"
        " SET hp_kind = 'q', hp_message = JSON_OBJECT("
        f"'routine', '{name}', 'account', CURRENT_USER(),"
        " 'roles', CONVERT(CURRENT_ROLE() USING utf8mb4),"  # may be binary
        " 'thread', PS_CURRENT_THREAD_ID(),"
        f" 'arguments', JSON_ARRAY({', '.join(given)}));"
        f" {_TAKE_A_SEAT % (fail(AWAY), fail(UNSEEN), fail(BUSY))}"
        f" hp_talk: LOOP {_SAY}"
        " IF hp_turn THEN SET hp_turn = 0; DO RELEASE_LOCK(hp_name); END IF;"
        f" {_WAIT % (fail(GONE), fail(SILENT))}"
        " SET hp_kind = LEFT(hp_answer, 1);"
        f" SET hp_answer = SUBSTR(hp_answer, {NUMBER_DIGITS + 2});"
    )


_TEXT = "LONGTEXT CHARACTER SET utf8mb4"
# It stays as it is in lower case: three hexadecimal digits are a character, U+5xxx.
_IN_A_NAME = (
    f"CONCAT(LEFT(hp_nonce, {PREFIX_DIGITS}), LPAD(HEX(hp_piece), 4, '0'),"
    " CONVERT(CAST(UNHEX(REGEXP_REPLACE(HEX(RPAD(SUBSTR(hp_bytes,"
    f" hp_piece * {PIECE_BYTES} + 1, {PIECE_BYTES}), {PIECE_BYTES}, ' ')), '...',"
    " '5$0')) AS CHAR CHARACTER SET utf16) USING utf8mb4))"
)
_EACH_PIECE = (
    f"SET hp_piece = 0; WHILE hp_piece * {PIECE_BYTES} < LENGTH(hp_bytes) DO"
    f" DO {{}}; SET hp_piece = hp_piece + 1; END WHILE;"
)
_LET_GO = (
    _EACH_PIECE.format(f"RELEASE_LOCK({_IN_A_NAME})")
    + " IF hp_held THEN SET hp_held = 0; DO RELEASE_LOCK(hp_says); END IF;"
)
_DECLARATIONS = (
    f"DECLARE hp_text, hp_answer, hp_message, hp_beat {_TEXT};"
    " DECLARE hp_bytes LONGBLOB;"
    " DECLARE hp_nonce, hp_name, hp_seat, hp_says VARCHAR(64) CHARACTER SET utf8mb4;"
    " DECLARE hp_desk BIGINT UNSIGNED;"
    " DECLARE hp_number, hp_turn, hp_sits, hp_got, hp_held, hp_hidden, hp_piece,"
    " hp_errno INT DEFAULT 0;"
    " DECLARE hp_step, hp_waited, hp_silent DOUBLE DEFAULT 0;"
    " DECLARE hp_kind, hp_meant CHAR(1) CHARACTER SET utf8mb4;"
    " DECLARE hp_state CHAR(5) CHARACTER SET utf8mb4;"
    f" DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SET @`{REQUEST}` = NULL; {_LET_GO}"
    " IF hp_turn THEN DO RELEASE_LOCK(hp_name); END IF;"
    f" IF hp_sits THEN DO RELEASE_LOCK(CONCAT('{SEAT}', hp_seat)); END IF;"
    " RESIGNAL; END;"
)
_SAY = (
    "SET hp_meant = hp_kind, hp_text = COALESCE(hp_message, '');"
    f" IF hp_hidden AND CHAR_LENGTH(hp_text) > {PORTION} THEN"
    f" SET hp_kind = 'm', hp_message = SUBSTR(hp_text, {PORTION + 1}),"
    f" hp_text = LEFT(hp_text, {PORTION}); END IF;"
    f" SET hp_text = CONCAT(hp_kind, LPAD(hp_number, {NUMBER_DIGITS}, '0'), hp_text);"
    f" SET @`{REQUEST}` = CONCAT(hp_nonce, hp_text);"
    f" IF hp_hidden THEN {_LET_GO} SET hp_bytes = hp_text,"
    f" hp_says = CONCAT('{SAYS}', hp_nonce, '.', hp_seat, '.', LENGTH(hp_bytes));"
    f" {_EACH_PIECE.format(f'GET_LOCK({_IN_A_NAME}, 0)')} END IF;"
)
_TAKE_A_SEAT = (
    f"hp_search: LOOP {SITTING};"
    " IF hp_seat = '' THEN %s END IF; IF hp_seat = 'x' THEN %s END IF;"
    f" IF hp_seat IS NOT NULL THEN SET hp_desk = LEFT(hp_seat, {DESK_DIGITS}),"
    f" hp_seat = SUBSTR(hp_seat, {DESK_DIGITS + 1}), hp_sits = 1,"
    f" hp_name = CONCAT('{DESK}', hp_seat), @`{SITS}` = CONCAT(hp_nonce, hp_seat);"
    " LEAVE hp_search; END IF;"
    f" IF hp_waited > {SEAT_WAIT_S} THEN %s END IF;"
    " SET hp_step = LEAST(0.1, 0.01 + hp_step * 1.2), hp_waited = hp_waited + hp_step;"
    " DO SLEEP(hp_step); END LOOP;"
)
# In the helper, of which session is whose, and how a seat is found.
_OURS = (
    "EXISTS (SELECT 1 FROM performance_schema.processlist WHERE ID = {}"
    " AND CAST(USER AS BINARY) = CAST(hp_user AS BINARY))"
)
_VALUE = (
    "(SELECT CONVERT(VARIABLE_VALUE USING utf8mb4)"
    " FROM performance_schema.user_variables_by_thread"
    " WHERE THREAD_ID = hp_thread AND VARIABLE_NAME = CONCAT('heatproxy.', {}))"
)
_LIST = f"'{DESKS.removeprefix('heatproxy.')}'"
_FIND_A_SEAT = (
    "IF NOT EXISTS (SELECT 1 FROM performance_schema.events_statements_current"
    " WHERE THREAD_ID = PS_CURRENT_THREAD_ID() AND END_EVENT_ID IS NULL"
    f" AND OBJECT_SCHEMA = 'sys' AND SQL_TEXT = '{SITTING}')"
    " THEN RETURN 'x'; END IF;"
    f" SET hp_here = IS_USED_LOCK('{HERE}');"
    f" IF {_OURS.format('hp_here')} THEN SET hp_thread = PS_THREAD_ID(hp_here);"
    f" SET hp_desks = {_VALUE.format(_LIST)}; END IF;"
    " IF hp_desks IS NULL THEN"  # it is away, or somebody took the lock first
    " SET hp_desks = (SELECT MAX(CONVERT(hp_v.VARIABLE_VALUE USING utf8mb4))"
    " FROM performance_schema.processlist AS hp_p"  # `threads` would need LOCK TABLES
    " STRAIGHT_JOIN performance_schema.user_variables_by_thread AS hp_v"
    " ON hp_v.THREAD_ID = PS_THREAD_ID(hp_p.ID)"
    " WHERE CAST(hp_p.USER AS BINARY) = CAST(hp_user AS BINARY)"
    f" AND hp_v.VARIABLE_NAME = '{DESKS}');"
    " END IF; IF hp_desks IS NULL THEN RETURN ''; END IF;"
    f" WHILE CHAR_LENGTH(hp_desks) >= {DESK_DIGITS + NAME_DIGITS} DO"
    f" SET hp_name = SUBSTR(hp_desks, {DESK_DIGITS + 1}, {NAME_DIGITS});"
    f" IF IS_USED_LOCK(CONCAT('{SEAT}', hp_name)) IS NULL"
    f" AND GET_LOCK(CONCAT('{SEAT}', hp_name), 0) THEN"
    f" IF IS_USED_LOCK(CONCAT('{DESK}', hp_name)) <=> LEFT(hp_desks, {DESK_DIGITS})"
    f" THEN RETURN LEFT(hp_desks, {DESK_DIGITS + NAME_DIGITS}); END IF;"
    f" DO RELEASE_LOCK(CONCAT('{SEAT}', hp_name)); END IF;"
    f" SET hp_desks = SUBSTR(hp_desks, {DESK_DIGITS + NAME_DIGITS + 1}); END WHILE;"
    " RETURN NULL;"
)
_WAIT = (
    "SET hp_step = 0.05, hp_waited = 0, hp_silent = 0, hp_beat = NULL;"
    f" hp_wait: LOOP {WAITS};"
    " IF hp_held THEN SET hp_held = 0; DO RELEASE_LOCK(hp_says); END IF;"
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
_NEXT = "END CASE; END LOOP;"
_END = (
    f"SET @`{REQUEST}` = NULL;"  # heatproxy sees by it that the answer was taken
    f" {_LET_GO}"
    " SET hp_turn = 0; DO RELEASE_LOCK(hp_name);"
    f" SET hp_sits = 0; DO RELEASE_LOCK(CONCAT('{SEAT}', hp_seat));"
)
