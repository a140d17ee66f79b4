"""The weights a collation gives to characters, asked of MySQL once."""

from collections.abc import Iterable

from heatproxy.backend.account import ServiceAccount
from heatproxy.sql.collation import PAD_SPACE, CollationWeights, weights_query


class Weights:
    """Collations' weights, remembered for the life of the process."""

    def __init__(self, account: ServiceAccount) -> None:
        self._account = account
        self._asked: dict[str, list[tuple[int, str]]] = {}

    def of(self, collations: Iterable[str]) -> CollationWeights:
        """The weights of those of these collations that have a rule."""
        for name in collations:
            if name in PAD_SPACE and name not in self._asked:
                rows = self._account.query(weights_query(name))
                self._asked[name] = [(code, text) for code, text in rows]
        return CollationWeights.from_rows(self._asked)
