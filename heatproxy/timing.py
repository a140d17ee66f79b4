"""How long statements take that the engine process answers: for metrics and slow log.

Two are reported under names of their own, being what people wait for: loads of files
and trainings. Others go by the kind of statement they are.
"""

import logging
import time
from collections.abc import Awaitable, Callable

from heatproxy.errors import MySQLError
from heatproxy.house import House
from heatproxy.ledger import ENGINE
from heatproxy.session import Declined

log = logging.getLogger(__name__)


async def timed(house: House, kind: str, run: Callable[[], Awaitable[None]]) -> None:
    """Answer a statement and note how that went; ``kind`` is what the metrics say."""
    route = house.ledger.route(ENGINE, kind)
    route.running += 1
    began = time.perf_counter()
    error: int | str | None = "ended"  # its client has gone, or it is our mistake
    declined = False
    try:
        await run()
        error = None
    except Declined:  # the relay times it
        declined = True
        raise
    except MySQLError as refused:
        error = refused.number
        raise
    finally:
        seconds = time.perf_counter() - began
        route.running -= 1
        if not declined:
            route.note(seconds, error)
        slow_s = house.config.log.slow_statement_s
        if 0 < slow_s <= seconds and not declined:
            facts = {
                "route": f"{ENGINE}:{kind}",
                "seconds": round(seconds, 3),
                "error": error,
            }
            log.warning("slow statement", extra={"facts": facts})
