"""Short functions in machine code, where numba is installed to make it.

They run on every packet of a relay, so that how they are called matters as much as what
they do.
"""

from collections.abc import Callable
from typing import Any

BYTES = "Bytes(uint8, 1, 'C', readonly=True)"
NUMBERS = "int64[::1]"


def compiled(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    """The function for arguments of one signature, kept on disk once it is made.

    Where there is no compiler it is the function as it was.
    """
    try:
        from numba import njit
    except ImportError:
        return function
    made: Callable[..., Any] = njit(signature, cache=True)(function)
    return made


def entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """How Python calls a compiled function at once; the function must stay.

    Called as it is, numba finds out first of what types its arguments are, which takes
    as long as the work. Nobody does so here: they must be of the signature's.
    """
    dispatcher: Any = function
    if not hasattr(dispatcher, "get_overload"):
        return function
    found: Callable[..., Any] = dispatcher.get_overload(dispatcher.signatures[0])
    return found
