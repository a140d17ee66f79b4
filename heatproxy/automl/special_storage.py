"""A specialist's model as the files of a zip, and back: JSON values and arrays.

Arrays are NumPy's own format, of numbers alone: nothing in it is executed.

Source: NumPy, NEP 1, "A Simple File Format for NumPy Arrays".
"""

import io
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from heatproxy.automl.tasks import specialist_named
from heatproxy.automl.tasks.contract import SpecialModel

VERSION = 1
SPECIAL = "special.json"
_ARRAY = ".npy"
_KINDS = "biuf"  # of arrays: truth values, integers, floats


def files_of(model: SpecialModel) -> dict[str, bytes]:
    """Name and content of each file; ``read_files`` is the inverse."""
    state, arrays = model.state()
    whole = {"version": VERSION, "task": model.task_name, "state": state}
    files = {SPECIAL: json.dumps(whole, allow_nan=False).encode()}
    for name, array in arrays.items():
        files[f"{name}{_ARRAY}"] = _packed(array)
    return files


def read_files(files: dict[str, bytes]) -> SpecialModel:
    """The model of such files. Any exception means that it cannot be read.

    Each array leaves ``files`` when it is read: a large model is not held twice.
    """
    whole = json.loads(files[SPECIAL])
    if whole["version"] != VERSION:
        raise ValueError(f"version {whole['version']}, not {VERSION}")
    specialist = specialist_named(whole["task"])
    if specialist is None:
        raise ValueError("a task that trains no such model")
    arrays = {
        name.removesuffix(_ARRAY): _unpacked(files.pop(name))
        for name in [name for name in files if name.endswith(_ARRAY)]
    }
    return specialist.restore(whole["state"], arrays)


def _packed(array: npt.NDArray[Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(array), allow_pickle=False)
    return out.getvalue()


def _unpacked(content: bytes) -> npt.NDArray[Any]:
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in _KINDS:
        raise ValueError("an array of something else than numbers")
    return array
