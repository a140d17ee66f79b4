"""Routines of HeatWave GenAI: heatproxy has no large language model.

They are declared, so that a call is refused by name, whatever its arguments.
"""

import re
from collections.abc import Sequence

from heatproxy.errors import MySQLError, not_supported
from heatproxy.routines.routine import (
    Outcome,
    Parameter,
    Procedure,
    RowFunction,
    needs,
)
from heatproxy.session import Session

# Names of models in HeatWave's manuals and labs: a language model's, or an embedding's.
_LLM = re.compile(
    r"(?i)(mistral|llama|cohere|meta|xai|google|openai|gemini|grok|command)[-_.\d].*"
    r"|(all|multilingual)[-_](minilm|mpnet|e5).*|e5-.*|gte-.*"
)
_QUERY_OUT = ("IN query LONGTEXT", "OUT output JSON", "IN options JSON")


def is_llm(handle: str) -> bool:
    """Whether a handle is the id of a model of GenAI's."""
    return _LLM.fullmatch(handle) is not None


def no_llm(handle: str) -> MySQLError:
    """1235: what would have been loaded is not here."""
    return not_supported(f"sys.ML_MODEL_LOAD of the large language model {handle}")


def _procedure(name: str, *parameters: str, least: int | None = None) -> Procedure:
    async def refuse(session: Session, *arguments: str | None) -> Outcome:
        raise _refused(name)

    declared: tuple[Parameter, ...] = needs(*parameters)
    return Procedure(name, declared, run=refuse, least=least)


def _function(name: str, *parameters: str) -> RowFunction:
    async def refuse(
        session: Session, rows: Sequence[tuple[str | None, ...]]
    ) -> list[str | None]:
        raise _refused(name)

    return RowFunction(name, needs(*parameters), run=refuse, least=1)


def _refused(name: str) -> MySQLError:
    if name == "NL_SQL":
        # a client of MySQL Shell learns by these words that the routine is absent
        text = f"PROCEDURE sys.{name} does not exist: heatproxy doesn't support GenAI"
        return MySQLError(1305, "42000", text)
    return not_supported(f"sys.{name}")


LATER: tuple[Procedure | RowFunction, ...] = (
    _function("ML_GENERATE", "IN input_data LONGTEXT", "IN options JSON"),
    _function("ML_EMBED_ROW", "IN input_data LONGTEXT", "IN options JSON"),
    _procedure(
        "ML_GENERATE_TABLE",
        "IN input_table_column VARCHAR(255)",
        "IN output_table_column VARCHAR(255)",
        "IN options JSON",
        least=2,
    ),
    _procedure(
        "ML_EMBED_TABLE",
        "IN input_table_column VARCHAR(255)",
        "IN output_table_column VARCHAR(255)",
        "IN options JSON",
        least=2,
    ),
    _procedure("ML_RAG", *_QUERY_OUT, least=2),
    _procedure(
        "ML_RAG_TABLE",
        "IN input_table_column VARCHAR(255)",
        "IN output_table_column VARCHAR(255)",
        "IN options JSON",
        least=2,
    ),
    _procedure("ML_RETRIEVE_SCHEMA_METADATA", *_QUERY_OUT, least=2),
    _procedure("NL_SQL", *_QUERY_OUT, least=2),
    _procedure("NL2ML", "IN query TEXT", "OUT response JSON"),
    _procedure(
        "ML_SIMILARITY_SEARCH",
        "IN query_embedding LONGTEXT",
        "IN tables JSON",
        "IN columns JSON",
        "IN n_citations INT",
        "IN distance_metric VARCHAR(255)",
        "IN document_names JSON",
        "IN exclusions JSON",
        "IN options JSON",
        "OUT context LONGTEXT",
        "OUT context_map JSON",
        "OUT retrieval_info JSON",
    ),
    _procedure("VECTOR_STORE_LOAD", "IN uri LONGTEXT", "IN options JSON", least=1),
    _procedure("HEATWAVE_CHAT", "IN query LONGTEXT"),
)
