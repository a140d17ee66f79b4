"""Numerical work whose failure is an answer: this model is not for this series."""

import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")

# what an optimiser or a decomposition raises on data that does not suit a model
MISFITS = (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError)


def quietly(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Any:
    """The work's result, or None when the numbers did not let it end.

    Warnings that it did not converge say nothing that validation does not show.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            # statsmodels has its own filters set while it is imported
            import statsmodels.tools.sm_exceptions  # noqa: F401

            warnings.simplefilter("ignore")
            return work(*args, **kwargs)
        except MISFITS:
            return None
