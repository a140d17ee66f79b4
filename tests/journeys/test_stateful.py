"""Sessions drawn at random go through heatproxy packet by packet as past it."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import zip_longest

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from heatproxy.objectstore import ObjectStore
from tests.conftest import Server
from tests.journeys import sequences
from tests.journeys.conftest import Pair
from tests.journeys.sequences import Action, Answer, Held, batches
from tests.lakeside import external, load
from tests.rawclient import Packet

pytestmark = pytest.mark.mysql

# More of them on demand: the draws of a longer run begin differently.
SESSIONS = int(os.environ.get("HEATPROXY_TEST_SESSIONS", "150"))
at_random = settings(
    max_examples=SESSIONS,
    derandomize=True,
    database=None,
    deadline=None,  # a session takes as long as the machine lets it
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Sessions:
    """Pairs of sessions in equal schemas."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        pair.admin("CREATE USER IF NOT EXISTS journey_anybody")
        pair.admin("GRANT ALL ON journey.* TO journey_anybody")

    def close(self) -> None:
        self._pair.admin("DROP USER journey_anybody")

    def agree(
        self,
        options: int,
        actions: Sequence[Action],
        cuts: Sequence[int],
        ahead: Sequence[bool],
    ) -> None:
        """Hold a session past heatproxy and the same through it."""
        groups = batches(actions, ahead)
        expected, got = (self._held(way, options, groups, cuts) for way in (0, 1))
        if _settled(got) != _settled(expected):
            raise AssertionError(_transcript(groups, expected, got))

    def _held(
        self,
        way: int,
        options: int,
        groups: Sequence[Sequence[Action]],
        cuts: Sequence[int],
    ) -> list[list[Answer]]:
        self._pair.fresh_schema()
        self._pair.admin("USE journey")
        for sql in sequences.SETUP:
            self._pair.admin(sql)
        answers = []
        with self._pair.ways[way](options, read_timeout=60) as client:
            held = Held(client, cuts)
            for group in groups:
                answers.append(held.hold(group))
                if held.over:
                    break
        self._pair.wait_until_gone(client.thread_id)
        return answers


_COUNTS = re.compile(rb"(?s)(.-?[0-9]+)(.[0-9]+)(.[0-9]+)")


def _settled(session: Sequence[Sequence[Answer]]) -> list[list[list[Packet]]]:
    """The answers without FOUND_ROWS() behind a statement that failed.

    MySQL says there what it said before, heatproxy 1 where it asked MySQL about it.
    """
    failed, kept = False, []
    for group in session:
        kept.append([])
        for answer in group:
            packets = list(answer)
            if failed and any(b"FOUND_ROWS()" in one.payload for one in packets):
                packets = [
                    replace(one, payload=_COUNTS.sub(rb"\1?\3", one.payload))
                    for one in packets
                ]
            if any(one.payload[:1] == b"\xff" for one in packets):
                failed = True
            elif len(packets) > 2:  # rows
                failed = False
            kept[-1].append(packets)
    return kept


def _transcript(
    groups: Sequence[Sequence[Action]],
    expected: Sequence[list[Answer]],
    got: Sequence[list[Answer]],
) -> str:
    """What was said up to the first difference, and what was answered there."""
    lines = []
    for group, direct, proxied in zip(groups, expected, got, strict=False):
        lines.append(f"{len(group)} at once:")
        for action, right, wrong in zip_longest(group, direct, proxied):
            lines.append(f"  {action}")
            if wrong != right:
                both = zip_longest(right or (), wrong or ())
                differing = [pair for pair in both if pair[0] != pair[1]]
                return "\n".join(
                    [*lines, *(f"    {one} became {other}" for one, other in differing)]
                )
    return "\n".join(lines)


@pytest.fixture(scope="module")
def held(pair: Pair) -> Iterator[Sessions]:
    made = Sessions(pair)
    yield made
    made.close()


@at_random
@given(sequences.capabilities, sequences.sessions, sequences.pieces, sequences.haste)
def test_any_session_is_the_same_as_with_mysql_itself(
    held: Sessions,
    options: int,
    actions: list[Action],
    cuts: list[int],
    ahead: list[bool],
) -> None:
    held.agree(options, actions, cuts, ahead)


@pytest.fixture(scope="module")
def namesake(server: Server) -> Iterator[None]:
    """A Lakehouse table ``t`` elsewhere: statements of a ``t`` go to the engine."""
    store = ObjectStore({"t.csv": b"a,b\n1,2\n"})
    with store, closing(server.connect()) as connection:
        load(connection, "journey_lake", {"t": external(store.url("t.csv"))})
        yield
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE journey_lake")


@pytest.mark.usefixtures("namesake")
@at_random
@given(sequences.capabilities, sequences.sessions, sequences.pieces, sequences.haste)
def test_any_session_is_the_same_when_the_engine_looks_at_it(
    held: Sessions,
    options: int,
    actions: list[Action],
    cuts: list[int],
    ahead: list[bool],
) -> None:
    held.agree(options, actions, cuts, ahead)
