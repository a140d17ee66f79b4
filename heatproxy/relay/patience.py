"""Ends sessions that keep heatproxy waiting: for their login, or for anything at all.

It looks at them now and then instead of setting a clock with every byte. A client is
told what MySQL would tell it.
"""

import asyncio
from typing import TYPE_CHECKING

from heatproxy.errors import inactive, login_timed_out

if TYPE_CHECKING:
    from heatproxy.relay.frontend import Frontend, Worker

LOOKS = 20  # so often within the shortest timeout
SHORTEST_S, LONGEST_S = 0.05, 1.0


async def watch(worker: "Worker") -> None:
    """Look at the worker's sessions for as long as it lives."""
    loop = asyncio.get_running_loop()
    while True:
        limits = worker.gate.limits
        login_s, idle_s = limits.login_timeout_s, limits.idle_timeout_s
        now = loop.time()
        if login_s:
            for session in list(worker.arriving):
                if now - session.arrived_at > login_s:
                    _end_login(session)
        if idle_s:
            for session in list(worker.sessions):
                _end_if_idle(session, now, idle_s)
        shortest = min(login_s or LONGEST_S, idle_s or LONGEST_S)
        await asyncio.sleep(max(SHORTEST_S, min(LONGEST_S, shortest / LOOKS)))


def _end_login(session: "Frontend") -> None:
    session.count_refusal("login_timeout")
    session.refuse_login(login_timed_out())


def _end_if_idle(session: "Frontend", now: float, idle_s: float) -> None:
    """Note when it was heard of last; end it when that is too long ago."""
    heard = session.client.bytes_in
    if session.commands is None or session.commands.busy or heard != session.heard:
        session.heard, session.heard_at = heard, now
    elif now - session.heard_at > idle_s:
        session.count_refusal("idle_timeout")
        session.end(inactive(), 0)
