"""CALL of a procedure of ``sys`` that heatproxy offers.

MySQL itself decides whether the caller may execute it and whether the arguments are
right in number and form: the CALL is prepared on the caller's session, where the
routine's stub stands. Then the arguments are evaluated there, the routine runs, and
its OUT values are set there.
"""

from functools import partial

from heatproxy.errors import MySQLError
from heatproxy.routines import ROUTINES
from heatproxy.routines.routine import Procedure
from heatproxy.session import Session
from heatproxy.sql.calls import RoutineCall, parse_call
from heatproxy.sql.lexer import Kind, tokens
from heatproxy.statements import Text, Work


async def handle(session: Session, statement: Text) -> Work | None:
    """Take a CALL of one of ROUTINES."""
    call = parse_call(statement.text, statement.tokens)
    routine = ROUTINES.get(call.name.upper()) if call else None
    if call is None or not isinstance(routine, Procedure):
        return None
    schema = call.schema if call.schema is not None else await session.schema()
    if schema is None or schema.lower() != "sys":
        return None
    return partial(_answer, session, routine, call)


async def _answer(session: Session, procedure: Procedure, call: RoutineCall) -> None:
    """Run the procedure and tell the client.

    Raises:
        MySQLError: 1318, 1370 and the like from MySQL; 1414, an OUT argument is not a
            variable; the routine's own.
    """
    arguments = list(call.arguments)
    if len(arguments) in procedure.arities:
        arguments += [b"NULL"] * (len(procedure.parameters) - len(arguments))
    name = b"`sys`.`" + procedure.name.encode() + b"`"
    await session.backend.prepared_columns(
        b"CALL " + name + b"(" + b"\n, ".join(arguments) + b"\n)"
    )
    outs = _out_arguments(procedure, arguments)
    expressions = [
        b"CAST((" + text + b"\n) AS JSON)" if parameter.type == "JSON" else text
        for parameter, text in zip(procedure.parameters, arguments, strict=True)
        if parameter.direction != "OUT"
    ]
    values = iter(await session.backend.evaluate(expressions))
    outcome = await procedure.run(
        session,
        *(
            None if parameter.direction == "OUT" else next(values)
            for parameter in procedure.parameters
        ),
    )
    for variable, value in zip(outs, outcome.out, strict=True):
        await session.backend.query(b"SET " + variable + b" = " + value.encode())
    await session.answer.ok()


def _out_arguments(procedure: Procedure, arguments: list[bytes]) -> list[bytes]:
    outs = []
    for index, parameter in enumerate(procedure.parameters):
        if not parameter.is_out:
            continue
        if not _is_variable(arguments[index]):
            raise MySQLError(
                1414,
                "42000",
                f"OUT or INOUT argument {index + 1} for routine"
                f" sys.{procedure.name} is not a variable or NEW pseudo-variable"
                " in BEFORE trigger",
            )
        outs.append(arguments[index])
    return outs


def _is_variable(argument: bytes) -> bool:
    """Whether it is a user variable and nothing else."""
    found = tokens(argument)
    is_one = len(found) == 1 and found[0].kind is Kind.VARIABLE
    return is_one and not argument.startswith(b"@@")
