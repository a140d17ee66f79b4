"""The two generations of formats: that of HeatWave 9.5, and that of 8.0.3x.

Labs of 2022 and 2023 read the older one: they ask for ``_id``, unquote ``ml_results``
of a row and find columns by their places. The setting ``automl.format`` chooses.

Source: outputs of HeatWave 8.0.33 and 9.5 in public notebooks (reference, sections 5.3,
5.5 and 6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heatproxy.jsontext import NumberText

FORMATS = ("9.5", "8.0")


@dataclass(frozen=True, slots=True)
class Generation:
    """What differs; ``handles_per_s`` is the unit of the number in a made up handle."""

    name: str
    generated_key: str
    model_format: str  # of a model of ours
    handles_per_s: int
    is_old: bool

    def handle(self, table: str, user: str, now: float) -> str:
        """A model's handle where the caller gives none."""
        return f"{table}_{user}_{int(now * self.handles_per_s)}"

    def row_results(self, results: Mapping[str, Any], text: str) -> Any:
        """``ml_results`` in an answer to a row: an object, or its text.

        ``text`` is the JSON of ``results``. Of an explanation 8.0 gave what Python
        prints, with single quotes.
        """
        if not self.is_old:
            return results
        return _python(results) if "attributions" in results else text

    def column_names(self, names: Sequence[str] | None) -> Any:
        """What the catalog's column of that name holds: an array, or an object."""
        if not self.is_old:
            return list(names or [])
        return {str(place): name for place, name in enumerate(names or [])}

    def metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The ``model_metadata`` of a model of ours, or of another."""
        ours = str(metadata.get("format") or "").startswith("HWML")
        return {**metadata, **({"format": self.model_format} if ours else {})}


NEW = Generation("9.5", "_4aad19ca6e_pk_id", "HWMLv2.0", 1000, is_old=False)
OLD = Generation("8.0", "_id", "HWMLv1.0", 1, is_old=True)
GENERATIONS = {generation.name: generation for generation in (NEW, OLD)}


def _python(value: Any) -> str:
    """A value as Python prints it."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key!r}: {_python(value[key])}" for key in value)
        return "{" + inner + "}"
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_python(member) for member in value) + "]"
    return repr(value)
