"""A routine of ``sys`` as a declared value, and the stub that stands for it in MySQL.

The stub (``stubs``) makes GRANT EXECUTE, information_schema.ROUTINES, drivers'
``callproc`` and MySQL's own checks of a CALL work, and calls from inside the server.

A procedure that has run in heatproxy ends in MySQL: with its OUT values in variables of
the session its stub is called, which only hands them on. So they reach a client as
those of any procedure do, in every protocol, and so does the OK behind them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from heatproxy.aftermath import Condition
from heatproxy.routines.stubs import Named, function_stub, procedure_stub
from heatproxy.session import Session


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its direction, name and SQL type as HeatWave declares it."""

    direction: str  # IN, OUT or INOUT
    name: str
    type: str

    @property
    def is_out(self) -> bool:
        return self.direction != "IN"

    @property
    def named(self) -> Named:
        return self.direction, self.name, self.type


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a procedure leaves behind: its OUT values, as SQL expressions.

    ``conditions`` are the rows of SHOW WARNINGS, of a procedure that has no OUT values.
    """

    out: Sequence[str] = ()
    conditions: Sequence[Condition] = ()


Handler = Callable[..., Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Procedure:
    """A routine that is called by CALL.

    ``least`` is how many arguments the oldest scripts pass; those missing are NULL.
    ``run`` takes the session and the arguments as text, None for NULL. ``reports``
    says that it answers result sets.
    """

    name: str
    parameters: tuple[Parameter, ...]
    run: Handler
    least: int | None = None
    reports: bool = False

    @property
    def arities(self) -> range:
        most = len(self.parameters)
        return range(most if self.least is None else self.least, most + 1)

    @property
    def has_out(self) -> bool:
        """Whether it gives values back."""
        return any(parameter.is_out for parameter in self.parameters)

    def stub(self) -> str:
        """The CREATE statement of its stub."""
        return procedure_stub(self.name, [one.named for one in self.parameters])


@dataclass(frozen=True, slots=True)
class RowFunction:
    """A routine that is used as a function of one row's JSON.

    ``run`` takes the session and the argument tuples of many rows, and returns the
    JSON text of each.
    """

    name: str
    parameters: tuple[Parameter, ...]
    run: Callable[
        [Session, Sequence[tuple[str | None, ...]]], Awaitable[list[str | None]]
    ]
    least: int

    @property
    def arities(self) -> range:
        return range(self.least, len(self.parameters) + 1)

    def stub(self) -> str:
        """The CREATE statement of its stub."""
        return function_stub(self.name, [one.named for one in self.parameters])


Routine = Procedure | RowFunction


def needs(*names_and_types: str) -> tuple[Parameter, ...]:
    """Parameters from ``"IN name TYPE"`` declarations."""
    parameters = []
    for declaration in names_and_types:
        direction, name, kind = declaration.split(maxsplit=2)
        parameters.append(Parameter(direction, name, kind))
    return tuple(parameters)
