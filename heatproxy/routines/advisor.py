"""heatwave_advisor: what the engine holds, how queries fared, what could be unloaded.

Encodings and data placement keys mean nothing here: the engine is one node, and it
chooses encodings by itself. So no advice about them is ever given, and that is said.

Source: HeatWave User Guide, "HEATWAVE_ADVISOR", "Auto Query Time Estimation", "Unload
Advisor".
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from heatproxy.answer import titled
from heatproxy.errors import secondary_engine
from heatproxy.lakehouse.report import Block
from heatproxy.options import (
    BadOption,
    Constraint,
    Flag,
    ListOf,
    Nested,
    Number,
    OneOf,
    Options,
    Text,
)
from heatproxy.routines.advice import advised
from heatproxy.routines.held import held_tables
from heatproxy.routines.report import keep_report
from heatproxy.routines.routine import Outcome, Procedure, needs
from heatproxy.session import Session

_MODES = ("off", "recommend")
_LINES = "SELECT CAST('' AS CHAR(4096) CHARACTER SET utf8mb4)"
_MAY_READ = b"SELECT 1 FROM performance_schema.threads"


@dataclass(frozen=True, slots=True)
class _AnyObject:
    """A JSON object whose keys are names of the caller's."""

    default: dict[str, Any] | None = None

    def convert(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadOption(self.describe())
        return value

    def describe(self) -> str:
        return "a JSON object"


_ENCODING = Options(
    mode=OneOf(_MODES, default="recommend"), fixed_enc=_AnyObject(default={})
)
_PLACEMENT = Options(
    benefit_threshold=Number(low=0, default=0.01),
    max_combinations=Number(low=1, whole=True, default=10_000),
)
_UNLOAD = Options(
    mode=OneOf(_MODES, default="recommend"),
    exclude_list=ListOf(Text(), default=()),
    last_queried_hours=Number(low=0, default=24),
    memory_gain_ascending=Flag(default=False),
    limit_tables=Number(low=1, whole=True, default=10),
)
OPTIONS = Options(
    output=OneOf(("normal", "silent", "help"), default="normal"),
    target_schema=ListOf(Text(), default=()),
    exclude_query=ListOf(Number(whole=True), default=()),
    query_session_id=ListOf(Number(whole=True), default=()),
    query_insights=Flag(default=False),
    auto_enc=Nested(_ENCODING),
    auto_dp=Nested(_PLACEMENT),
    auto_unload=Nested(_UNLOAD),
)


async def advise(session: Session, options: str | None) -> Outcome:
    """Answer the blocks of the report, and keep its rows in ``sys``.

    Raises:
        MySQLError: 3877, a wrong option; 1142, the caller may not read
            performance_schema.
    """
    given = _checked(options)
    if given["output"] == "help":
        await _send(session, [help_block()])
        return Outcome()
    await session.backend.prepared_columns(_MAY_READ)
    house = session.house
    held = await asyncio.to_thread(held_tables, house)
    history = house.rapid.history.latest()
    advice = advised(given, held, history, datetime.now(UTC))
    if given["output"] == "normal":
        await _send(session, advice.blocks)
    else:
        for block in advice.blocks:
            stage = block.title.replace(" ", "_")
            advice.add(stage, "info", {"text": list(block.rows)})
    await keep_report(session, advice.rows)
    return Outcome()


HEATWAVE_ADVISOR = Procedure(
    "heatwave_advisor", needs("IN options JSON"), run=advise, reports=True
)


def _checked(options: str | None) -> dict[str, Any]:
    try:
        return OPTIONS.check(json.loads(options) if options is not None else None)
    except BadOption as problem:
        text = f"Invalid argument of heatwave_advisor, options: {problem}"
        raise secondary_engine(text) from None


async def _send(session: Session, blocks: Sequence[Block]) -> None:
    plain = (await session.backend.query(_LINES)).columns[0]
    for block in blocks:
        column = await asyncio.to_thread(titled, plain, block.title)
        rows = [[row] for row in block.rows]
        await session.answer.text_rows([column], rows, more=True)


def help_block() -> Block:
    """The result set of ``output: help``; HeatWave's own text is not published."""
    lines = ["CALL sys.heatwave_advisor(options);", "", "options: JSON object or NULL"]
    for name, constraint in OPTIONS.declared.items():
        lines.append(f"  {name}: {_help(constraint)}")
        if isinstance(constraint, Nested):
            lines += [
                f"    {key}: {_help(inner)}"
                for key, inner in constraint.options.declared.items()
            ]
    return Block("HEATWAVE ADVISOR HELP", (*lines, ""))


def _help(constraint: Constraint) -> str:
    default = constraint.default
    if default is None or isinstance(default, tuple | dict):
        return constraint.describe()
    return f"{constraint.describe()} (default {json.dumps(default)})"
