"""What ends the commands of a session: a binlog or a clone, passed on blind.

A replica, mysqlbinlog or a CDC tool asks for the binlog, a server for a clone of
another; from then on neither side speaks of statements any more. Nothing is looked at,
except that envelopes of compression are numbered with the packets in them.
"""

from collections.abc import Callable

from heatproxy.relay.leg import Leg
from heatproxy.wire.compression import Compression, Stretches


def pass_on(
    client: Leg,
    backend: Leg,
    compression: Compression | None,
    asked: bytes,
    answered: bytes,
) -> None:
    """Pass on all that comes, beginning with what has come already of either side.

    ``answered`` begins with the first packet of the backend's answer.
    """
    to_client: Callable[[bytes], None] = client.write
    if compression is not None:
        to_client = _numbered(client, compression)
    client.on_bytes, backend.on_bytes = backend.write, to_client
    to_client(answered)
    if asked:
        backend.write(asked)


def _numbered(client: Leg, compression: Compression) -> Callable[[bytes], None]:
    stretches = Stretches()

    def write(data: bytes) -> None:
        for number, part in stretches.feed(data):
            if number is not None:
                compression.turn_to(number)
            client.write(part)

    return write
