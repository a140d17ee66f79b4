"""Specialists' models as bytes: what is read back, and what is refused."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from heatproxy.automl.storage import from_bytes, to_bytes
from heatproxy.errors import MySQLError
from tests.automl.tasks.trained import fit

NUMBERS = pa.table({"a": [float(i % 7) for i in range(40)], "b": list(range(40))})
RATINGS = pa.table(
    {"u": ["a", "b"] * 20, "i": [f"i{n // 2}" for n in range(40)], "y": [1, 5] * 20}
)
LINES = pa.table({"line": [f"job {i} ended with {i % 3}" for i in range(40)]})
MODELS: dict[str, Callable[[], Any]] = {
    "GkNN": lambda: fit(NUMBERS, None, "anomaly_detection"),
    "PCA": lambda: fit(NUMBERS, None, "anomaly_detection", model_list=["PCA"]),
    "GLOF": lambda: fit(NUMBERS, None, "anomaly_detection", model_list=["GLOF"]),
    "SVD": lambda: fit(
        RATINGS, "y", "recommendation", users="u", items="i", model_list=["SVD"]
    ),
    "log": lambda: fit(LINES, None, "log_anomaly_detection"),
}


@pytest.fixture(scope="module")
def kept() -> dict[str, bytes]:
    return {name: to_bytes(make()) for name, make in MODELS.items()}


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def npy(array: Any, allow_pickle: bool = False) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


def refused(data: bytes) -> None:
    with pytest.raises(MySQLError, match="The stored model cannot be read") as caught:
        from_bytes(data)
    assert caught.value.number == 3877


@pytest.mark.parametrize("name", MODELS)
def test_the_same_model_makes_the_same_bytes(name: str, kept: dict[str, bytes]) -> None:
    assert to_bytes(from_bytes(kept[name])) == kept[name]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_lacking_an_array_is_refused(name: str, kept: dict[str, bytes]) -> None:
    files = parts(kept[name])
    for missing in files:
        if missing.endswith(".npy"):
            refused(packed({n: c for n, c in files.items() if n != missing}))


@pytest.mark.parametrize("name", MODELS)
def test_arrays_of_another_shape_or_without_end_are_refused(
    name: str, kept: dict[str, bytes]
) -> None:
    files = parts(kept[name])
    for array in [n for n in files if n.endswith(".npy")]:
        for wrong in (np.zeros((1, 1, 1, 1)), np.full(3, np.nan)):
            refused(packed({**files, array: npy(wrong)}))


@pytest.mark.parametrize("name", MODELS)
def test_python_objects_are_not_loaded(name: str, kept: dict[str, bytes]) -> None:
    files = parts(kept[name])
    array = next(n for n in files if n.endswith(".npy"))
    hostile = npy(np.array([print], dtype=object), allow_pickle=True)
    refused(packed({**files, array: hostile}))


STATES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another version": lambda whole: whole.update(version=99),
    "an unknown task": lambda whole: whole.update(task="magic"),
    "a task of classes": lambda whole: whole.update(task="classification"),
    "no state": lambda whole: whole.pop("state"),
    "no facts": lambda whole: whole["state"].pop("facts"),
}


@pytest.mark.parametrize("spoil", STATES.values(), ids=STATES)
@pytest.mark.parametrize("name", MODELS)
def test_states_that_are_none_are_refused(
    name: str, spoil: Callable[[dict[str, Any]], object], kept: dict[str, bytes]
) -> None:
    files = parts(kept[name])
    whole = json.loads(files["special.json"])
    spoil(whole)
    refused(packed({**files, "special.json": json.dumps(whole).encode()}))


def test_codes_of_nobody_are_refused(kept: dict[str, bytes]) -> None:
    files = parts(kept["SVD"])
    for wrong in (-1, 2):
        codes = np.full(40, wrong, np.int32)
        refused(packed({**files, "seen_users.npy": npy(codes)}))
