"""The weights a collation gives to characters and texts, asked of MySQL."""

import threading
from collections.abc import Iterable, Sequence

from heatproxy.backend.account import ServiceAccount
from heatproxy.sql.collation import (
    CollationWeights,
    is_weighable,
    key_query,
    weights_query,
)

ASKED_BYTES = 4 << 20  # of texts in one statement


class Weights:
    """Collations' weights, remembered for the life of the process."""

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account
        self._known = CollationWeights({})
        self._lock = threading.Lock()

    def of(self, collations: Iterable[str]) -> CollationWeights:
        """The weights of those of these collations that have a rule, or more.

        Raises:
            pymysql.MySQLError: the backend refused to tell, or cannot be reached.
        """
        wanted = [n for n in set(collations) - set(self._known.keys) if is_weighable(n)]
        for name in wanted:
            rows = self._account.query(weights_query(name))
            found = CollationWeights.from_rows({name: rows})
            with self._lock:
                self._known = CollationWeights({**self._known.keys, **found.keys})
        return self._known

    def weigh(self, collation: str, texts: Sequence[str]) -> list[bytes]:
        """WEIGHT_STRING of each text.

        Raises:
            pymysql.MySQLError: as ``of``.
            ValueError: MySQL had no weight for a text.
        """
        found: list[bytes] = []
        begin = 0
        while begin < len(texts):
            end, size = begin, 0
            while end < len(texts) and size < ASKED_BYTES:
                size += len(texts[end].encode())
                end += 1
            rows = self._account.query(key_query(collation, texts[begin:end]))
            places = [place for place, weight in rows if weight is not None]
            if places != list(range(1, end - begin + 1)):
                raise ValueError(f"texts without a weight in {collation}")
            found += [weight for _, weight in rows]
            begin = end
        return found
