"""The routines heatproxy offers in ``sys``, each declared in a file of its family."""

from heatproxy.routines.load import HEATWAVE_LOAD
from heatproxy.routines.routine import Routine

ROUTINES: dict[str, Routine] = {
    routine.name.upper(): routine for routine in (HEATWAVE_LOAD,)
}
