"""The answers to all rows of a call at once, from columns where its arguments are such.

Then no JSON is read, and where the statement takes ``$.Prediction`` alone none is built
but that.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from heatproxy.automl.json_columns import joined, json_strings
from heatproxy.errors import MySQLError
from heatproxy.routines.columnwise import (
    ColumnPredictor,
    as_given,
    column_predictor,
    echoed,
)
from heatproxy.session import Cancel, Session
from heatproxy.sql.calls import RoutineCall
from heatproxy.sql.lexer import tokens
from heatproxy.statements.predicting.calls import as_text
from heatproxy.statements.predicting.early import NAMES, Selects
from heatproxy.statements.predicting.plain import fields_of
from heatproxy.statements.predicting.scalars import are_scalars

ROWS_AT_ONCE = 1 << 16
_EXTRACTS = re.compile(rb"(?is)(?<![\w$.`])JSON_EXTRACT\s*\(\s*$")
_VALUE_OF = re.compile(rb"(?is)(?<![\w$.`])JSON_VALUE\s*\(\s*$")
_ALONE = re.compile(rb"\s*,\s*'\$\.Prediction'\s*\)")
_FIRST = re.compile(rb"\s*,\s*'\$\.Prediction'[\s)]")
_NEAR = 64  # bytes before a call

Answers = tuple[pa.Array, pa.Array]  # keys and JSON texts (n_rows,)


def as_bytes(value: bytes) -> bytes:
    """The text of arguments as bytes: texts that a collation takes for one differ."""
    return b"CAST(" + value + b" AS BINARY)"


def takes_prediction(text: bytes, call: RoutineCall) -> bool:
    """Whether nothing but ``$.Prediction`` of a call's answer is looked at."""
    before = text[max(0, call.start - _NEAR) : call.start]
    if _EXTRACTS.search(before):
        return _ALONE.match(text, call.end) is not None
    return bool(_VALUE_OF.search(before) and _FIRST.match(text, call.end))


async def by_columns(
    session: Session,
    call: RoutineCall,
    value: bytes,
    gathers: Callable[[bytes], Sequence[bytes]],
    early: Selects,
    *,
    narrow: bool,
) -> Answers | None:
    """The answers by the keys of their arguments; None where rows must go one by one.

    ``gathers`` gives the SELECTs of a list of expressions for the rows of the call,
    of which one is enough, ``early`` those of which all are wanted besides;
    ``narrow``: the answers need no more than the Prediction.

    Raises:
        MySQLError: 1317, killed.
    """
    escapes = session.backslash_escapes
    argument = call.arguments[0]
    fields = fields_of(argument, tokens(argument, backslash_escapes=escapes))
    if fields is None or call.name != "ML_PREDICT_ROW":
        return None
    listed = [e + b" AS heatproxy_c%d" % place for place, (_, e) in enumerate(fields)]
    try:
        predictor = await column_predictor(
            session, *await session.backend.evaluate(as_text(call)[1:])
        )
        if predictor is None:
            return None
        asked = b", ".join([*listed, as_bytes(value)])
        texts = [expression for _, expression in fields]
        rows = await _rows(session, gathers(asked), early(asked), texts)
        if rows is None:
            return None
        keys = [key for key, _ in fields]
        return await session.off_loop(partial(_answers, predictor, rows, keys, narrow))
    except MySQLError as problem:
        if problem.is_kill:
            raise
        return None  # what it is about is found out once more, row by row


async def _rows(
    session: Session,
    selects: Sequence[bytes],
    more: Sequence[bytes],
    fields: Sequence[bytes],
) -> pa.Table | None:
    """The rows that the first SELECT gives whose names are right, and all of more."""
    for select in selects:
        try:
            columns = await session.backend.prepared_columns(select)
            if not are_scalars(columns[:-1], fields):
                return None
            found = [await session.backend.read_table(select)]
            for one in more:
                found.append(await session.backend.read_table(one))
            return pa.concat_tables(found, promote_options="permissive")
        except MySQLError as refused:
            if refused.number not in NAMES:
                raise
    return None


def _answers(
    predictor: ColumnPredictor,
    rows: pa.Table,
    keys: Sequence[str],
    narrow: bool,
    cancel: Cancel,
) -> Answers:
    values = rows.column(rows.num_columns - 1).combine_chunks()
    codes = values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(codes, return_index=True)
    places = pa.array(np.sort(first))
    digests = [
        hashlib.sha256(text).digest()
        for text in cancel.between(values.take(places).to_pylist())
    ]
    rows = rows.select(range(len(keys))).rename_columns(list(keys)).take(places)
    texts = []
    for start in cancel.between(range(0, rows.num_rows, ROWS_AT_ONCE)):
        part = rows.slice(start, ROWS_AT_ONCE).combine_chunks()
        texts.append(_texts(predictor, part, narrow))
    answers = pa.concat_arrays(texts) if texts else pa.array([], pa.string())
    return pa.array(digests, pa.binary()), answers


def _texts(predictor: ColumnPredictor, part: pa.Table, narrow: bool) -> pa.Array:
    columns = [column.combine_chunks() for column in part.columns]
    names = part.column_names
    given = pa.Table.from_arrays([as_given(column) for column in columns], names)
    if not narrow:
        echo = dict(zip(names, map(echoed, columns), strict=True))
        return predictor.answers(given, echo).rows().cast(pa.string())
    found = predictor.answers(given, {})
    texts = json_strings(found.predictions) if found.is_text else found.predictions
    return joined(['{"Prediction": ', texts, "}"]).cast(pa.string())
