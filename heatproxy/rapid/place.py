"""Where the stream of the binlog is, and whether a server still has what follows."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from heatproxy.backend.dump import Source
from heatproxy.rapid.members import ANOTHER, START, Members
from heatproxy.wire.binlog import GtidSet, Position

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """On which server, up to where all was applied, and which transactions that is."""

    uuid: str
    position: Position
    gtids: GtidSet | None  # None: they are not all known
    born: int | None = None  # when the file was begun, by the server's clock

    @classmethod
    def from_json(cls, text: str) -> "Place":
        """The place that to_json wrote."""
        kept = json.loads(text)
        gtids = None if kept["gtids"] is None else GtidSet.parse(kept["gtids"])
        return cls(kept["uuid"], Position(*kept["position"]), gtids, kept["born"])

    def to_json(self) -> str:
        """As from_json reads it."""
        return json.dumps(
            {
                "uuid": self.uuid,
                "position": (self.position.file, self.position.offset),
                "gtids": None if self.gtids is None else self.gtids.text(),
                "born": self.born,
            }
        )

    def at(self, position: Position) -> "Place":
        """The same server's binlog elsewhere; all these transactions stay applied."""
        born = self.born if position.file == self.position.file else None
        return Place(self.uuid, position, self.gtids, born)

    def is_in(self, server: Source, others: Sequence[Position]) -> bool:
        """Whether the same server's binlog has all that was applied, and ``others``."""
        if max([self.position, *others]) > server.end:
            return False
        return self.gtids is None or self.gtids.is_within(server.gtids)

    def goes_on_in(self, server: Source) -> bool:
        """Whether another server has all that was applied, and can say what follows."""
        if self.gtids is None or not server.has_gtids:
            return False
        has_tag = any(":" in key for key in self.gtids.ranges)
        return not has_tag and self.gtids.is_within(server.gtids)


def place_on(
    server: Source, place: Place | None, members: Members
) -> tuple[Place, GtidSet | None]:
    """Where the stream is on this server, and its transactions if those are asked by.

    It is the same object where nothing has changed. Tables that cannot go on there are
    STALE.
    """
    if place is not None and members.positions():
        if place.uuid != server.uuid:
            for one in members.all():
                if not one.live:
                    members.spoil(one, ANOTHER)
            if place.goes_on_in(server):
                log.info("%s: going on behind what is applied", ANOTHER)
                members.begin_elsewhere()
                return Place(server.uuid, START, place.gtids), place.gtids
            members.spoil_all(ANOTHER)
        elif place.is_in(server, members.positions()):
            return place, None
        else:
            members.spoil_all("the backend's binary log is not what it was")
    return Place(server.uuid, server.end, server.gtids), None
