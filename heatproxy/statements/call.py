"""CALL of a procedure of ``sys`` that heatproxy offers.

MySQL itself decides whether the caller may execute it and whether the arguments are
right in number and form: the CALL is prepared on the caller's session, where the
routine's stub stands. Then the arguments are evaluated there and the routine runs. At
the end the stub is called there, which sets the OUT values and gives the client its OK.
"""

from collections.abc import Awaitable, Collection, Sequence
from functools import partial
from typing import TypeVar

from pymysql.constants import FIELD_TYPE

from heatproxy.aftermath import Aftermath
from heatproxy.errors import MySQLError, no_result_set_here
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import Outcome, Procedure
from heatproxy.routines.stubs import DONE, out_variable
from heatproxy.session import Session
from heatproxy.sql.calls import RoutineCall, parse_call
from heatproxy.sql.lexer import Kind, tokens
from heatproxy.statements import Text, Work
from heatproxy.statements.primary import in_primary
from heatproxy.wire.packets import Capability
from heatproxy.wire.parameters import Parameter, encode

T = TypeVar("T")
PARAMETER = b"?"


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a CALL of one of ROUTINES."""
    call = parse_call(statement.text, statement.tokens)
    routine = ROUTINES.get(call.name.upper()) if call else None
    if call is None or not isinstance(routine, Procedure):
        return None
    schema = call.schema if call.schema is not None else await session.schema()
    if schema is None or schema.lower() != "sys":
        return None
    arguments = list(call.arguments)
    if len(arguments) in routine.arities:
        arguments += [b"NULL"] * (len(routine.parameters) - len(arguments))
    parameters = _given_as_parameters(call, statement)
    run = partial(_answer, session, routine, arguments, parameters)
    return Work(run, _call_of(routine, arguments), kind=routine.name)


def _given_as_parameters(call: RoutineCall, statement: Text) -> set[int]:
    """Which arguments were a ``?``, of a prepared statement."""
    if statement.binding is None:
        return set()
    places = statement.binding.places
    return {index for index, start in enumerate(call.starts) if start in places}


async def _answer(
    session: Session,
    procedure: Procedure,
    arguments: Sequence[bytes],
    parameters: Collection[int],
) -> None:
    """Run the procedure and tell the client; some arguments were parameters.

    Raises:
        MySQLError: 1318, 1370 and the like from MySQL; 1414, an OUT argument is not a
            variable; the routine's own.
    """
    await session.backend.prepared_columns(_call_of(procedure, arguments))
    may_report = session.backend.capabilities & Capability.MULTI_RESULTS
    if procedure.reports and not may_report:
        raise no_result_set_here(f"sys.{procedure.name}")
    async with in_primary(session):  # where the model catalog is
        await _run(session, procedure, arguments, parameters)


async def _run(
    session: Session,
    procedure: Procedure,
    arguments: Sequence[bytes],
    parameters: Collection[int],
) -> None:
    ending = [
        _ending(procedure, index, argument, index in parameters)
        for index, argument in enumerate(arguments)
    ]
    expressions = [
        b"CAST((" + text + b"\n) AS JSON)" if parameter.type == "JSON" else text
        for parameter, text in zip(procedure.parameters, arguments, strict=True)
        if parameter.direction != "OUT"
    ]
    backend = session.backend
    *given, insert_id = await backend.evaluate([*expressions, b"LAST_INSERT_ID()"])
    values = iter(given)
    run = procedure.run(
        session,
        *(
            None if parameter.direction == "OUT" else next(values)
            for parameter in procedure.parameters
        ),
    )
    try:
        outcome = await noted(session, procedure.name, run)
    finally:
        if backend.inserted:  # into a catalog or a report, of which nobody knows
            await backend.query(f"SET last_insert_id = {insert_id}")
    if outcome.conditions and not procedure.has_out:
        await _say(session, outcome, _call_of(procedure, ending))
        return
    await _hand_on(
        session,
        procedure,
        outcome,
        _call_of(procedure, ending),
        by_parameter=PARAMETER in ending,
    )


async def noted(session: Session, routine: str, work: Awaitable[T]) -> T:
    """Run a routine; if it is one of AutoML's, rpd_query_stats tells of it."""
    if not routine.startswith(("ML_", "TRAIN_")):
        return await work
    operation = session.begin_operation(routine)
    try:
        result = await work
    except BaseException as problem:
        operation.end(problem)
        raise
    finally:
        session.operation = None
    operation.end()
    return result


def _call_of(procedure: Procedure, arguments: Sequence[bytes]) -> bytes:
    name = procedure.name.encode()
    return b"CALL `sys`.`" + name + b"`(" + b"\n, ".join(arguments) + b"\n)"


def _ending(
    procedure: Procedure, index: int, argument: bytes, is_parameter: bool
) -> bytes:
    """What the call of the stub has for this argument."""
    if not procedure.parameters[index].is_out:
        return b"NULL"
    if is_parameter:
        return PARAMETER
    if not _is_variable(argument):
        raise MySQLError(
            1414,
            "42000",
            f"OUT or INOUT argument {index + 1} for routine"
            f" sys.{procedure.name} is not a variable or NEW pseudo-variable"
            " in BEFORE trigger",
        )
    return argument


async def _say(session: Session, outcome: Outcome, call: bytes) -> None:
    """End the answer with an OK that counts warnings, and keep them to be shown."""
    await session.backend.query(f"SET {DONE} = TRUE")
    await session.backend.query(call)
    session.answer.warnings = len(outcome.conditions)
    await session.answer.ok()
    session.aftermath = Aftermath(conditions=list(outcome.conditions))


async def _hand_on(
    session: Session,
    procedure: Procedure,
    outcome: Outcome,
    call: bytes,
    *,
    by_parameter: bool,
) -> None:
    """Have the stub give the client the OUT values and the end of its answer."""
    outs = [
        out_variable(index)
        for index, parameter in enumerate(procedure.parameters)
        if parameter.is_out
    ]
    given = [f"{name} = {out}" for name, out in zip(outs, outcome.out, strict=True)]
    setting = f"SET {', '.join([*given, f'{DONE} = TRUE'])}"
    try:
        await session.watch.step(_call_stub(session, setting, call, by_parameter))
    except MySQLError:  # a KILL perhaps, before the stub took them
        nothing = [f"{name} = NULL" for name in (*outs, DONE)]
        await session.backend.query(f"SET {', '.join(nothing)}")
        raise


async def _call_stub(
    session: Session, setting: str, call: bytes, by_parameter: bool
) -> None:
    await session.backend.query(setting)
    if by_parameter:
        await _execute(session, call)
    else:
        await session.relay(call)


async def _execute(session: Session, call: bytes) -> None:
    """Call the stub in the binary protocol: OUT parameters are a result set there."""
    reply = await session.backend.prepare(call)
    nulls = [Parameter(FIELD_TYPE.VAR_STRING, None)] * len(reply.parameters)
    capabilities = session.backend.capabilities
    try:
        await session.relay_command(encode(reply.statement_id, capabilities, nulls))
    finally:
        session.backend.close_statement(reply.statement_id)


def _is_variable(argument: bytes) -> bool:
    """Whether it is a user variable and nothing else."""
    found = tokens(argument)
    is_one = len(found) == 1 and found[0].kind is Kind.VARIABLE
    return is_one and not argument.startswith(b"@@")
