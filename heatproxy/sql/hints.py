"""What optimizer hints of a statement say that changes its answer or who gives it.

Most hints only advise MySQL's optimizer. SET_VAR may set a variable that changes what
the statement means; MAX_EXECUTION_TIME ends it.

Source: MySQL Reference Manual, "Optimizer Hints".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from heatproxy.sql.lexer import hint_spans

_SET_VAR = re.compile(
    rb"(?i)\bSET_VAR\s*\(\s*`?(\w+)`?\s*=\s*('[^']*'|\"[^\"]*\"|[^)\s]*)\s*\)"
)
_MAX_TIME = re.compile(rb"(?i)\bMAX_EXECUTION_TIME\s*\(\s*(\d+)\s*\)")
_ENGINE = re.compile(
    rb"(?i)(\bSET_VAR\s*\(\s*`?use_secondary_engine`?\s*=\s*)('[^']*'|[^)\s]*)(\s*\))"
)
# They change how MySQL works, not what it answers.
_HARMLESS = re.compile(
    r"optimizer_\w+|\w+_buffer_size|tmp_table_size|max_heap_table_size|big_tables"
    r"|range_optimizer_max_mem_size|eq_range_index_dive_limit|max_seeks_for_key"
    r"|internal_tmp_mem_storage_engine|max_length_for_sort_data|rapid_\w+"
    r"|set_operations_buffer_size|join_cache_level|cte_max_recursion_depth"
)
_STORES = re.compile(rb"(?i)\bNO_MERGE\b")
ENGINE, THRESHOLD = "use_secondary_engine", "secondary_engine_cost_threshold"
SWITCHES, STORING = "optimizer_switch", "derived_merge=off"


@dataclass(frozen=True, slots=True)
class Hints:
    """``variables`` are those that ``decide`` reads; ``problem`` names another."""

    variables: Mapping[str, str] = field(default_factory=dict)
    max_execution_ms: int | None = None
    problem: str | None = None


def read(text: bytes, *, backslash_escapes: bool = True) -> Hints:
    """What the hints of a statement say."""
    if b"/*+" not in text:
        return Hints()
    variables: dict[str, str] = {}
    limit: int | None = None
    problem: str | None = None
    for start, end in hint_spans(text, backslash_escapes=backslash_escapes):
        hint = text[start:end]
        for name, value in _SET_VAR.findall(hint):
            variable = name.decode().lower()
            if variable in (ENGINE, THRESHOLD):
                said = value.decode("utf-8", "replace").strip("'\"").upper()
                if variables.setdefault(variable, said) != said:
                    problem = f"SET_VAR({variable}) twice"
            elif not _HARMLESS.fullmatch(variable):
                problem = f"SET_VAR({variable})"
            elif variable == SWITCHES and STORING.encode() in value:
                variables[SWITCHES] = STORING
        if _STORES.search(hint):
            variables[SWITCHES] = STORING
        if found := _MAX_TIME.search(hint):
            limit = int(found[1])
    return Hints(variables, limit, problem)


def without(text: bytes, *, backslash_escapes: bool = True) -> bytes:
    """The statement with a blank for each hint."""
    if b"/*+" not in text:
        return text
    pieces, position = [], 0
    for start, end in hint_spans(text, backslash_escapes=backslash_escapes):
        pieces += [text[position:start], b" "]
        position = end
    return b"".join([*pieces, text[position:]])


def in_primary(text: bytes, *, backslash_escapes: bool = True) -> bytes:
    """The statement with MySQL's own engine wherever a hint says which."""
    if b"/*+" not in text:
        return text
    pieces, position = [], 0
    for start, end in hint_spans(text, backslash_escapes=backslash_escapes):
        hint = _ENGINE.sub(rb"\1OFF\3", text[start:end])
        pieces += [text[position:start], hint]
        position = end
    return b"".join([*pieces, text[position:]])
