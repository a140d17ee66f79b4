"""The routines heatproxy offers in ``sys``, each declared in a file of its family."""

from heatproxy.routines.routine import Routine

ROUTINES: dict[str, Routine] = {}
