"""Envelopes of compression: packed, unpacked, numbered, refused."""

import random
import zlib
from collections.abc import Sequence

import pytest
from backports import zstd

from heatproxy.errors import MySQLError, ProtocolError
from heatproxy.wire.compression import (
    ALGORITHMS,
    ENOUGH_BYTES,
    HEADER_BYTES,
    WORTH_BYTES,
    ZLIB,
    ZSTD,
    Compression,
    Stretches,
    chosen,
    offered,
)
from heatproxy.wire.packets import MAX_FRAME, Capability, PacketReader, frame, parse_err

BOTH = int(Capability.COMPRESS | Capability.ZSTD)
COMPRESS, ZSTD_BIT = int(Capability.COMPRESS), int(Capability.ZSTD)
PACK = {ZLIB: zlib.compress, ZSTD: zstd.compress}
LEVEL = 3


@pytest.mark.parametrize(
    ("algorithms", "capabilities"),
    [(ALGORITHMS, BOTH), ([ZLIB], COMPRESS), ([ZSTD], ZSTD_BIT), (["uncompressed"], 0)],
)
def test_what_may_be_chosen_is_offered(
    algorithms: Sequence[str], capabilities: int
) -> None:
    assert offered(algorithms) == capabilities


# What MySQL 9.7 answers for the same protocol_compression_algorithms.
CHOICES = {
    "zlib before zstd": (BOTH, LEVEL, ALGORITHMS, ZLIB),
    "zlib whatever the level": (BOTH, 0, ALGORITHMS, ZLIB),
    "zlib": (COMPRESS, 0, ALGORITHMS, ZLIB),
    "zstd": (ZSTD_BIT, 22, ALGORITHMS, ZSTD),
    "neither": (0, 0, ALGORITHMS, None),
    "zstd, as zlib is not allowed": (BOTH, 1, [ZSTD], ZSTD),
    "uncompressed, as zlib is not allowed": (COMPRESS, 0, ["uncompressed"], None),
    "uncompressed whatever the level": (ZSTD_BIT, 99, ["uncompressed"], None),
    "nothing allowed": (0, 0, [ZLIB, ZSTD], 3922),
    "only the other one allowed": (ZSTD_BIT, LEVEL, [ZLIB], 3922),
    "level 0": (ZSTD_BIT, 0, ALGORITHMS, 3923),
    "level 23": (ZSTD_BIT, 23, ALGORITHMS, 3923),
}


@pytest.mark.parametrize(
    ("capabilities", "level", "algorithms", "expected"), CHOICES.values(), ids=CHOICES
)
def test_the_choice_is_mysqls(
    capabilities: int,
    level: int,
    algorithms: Sequence[str],
    expected: str | int | None,
) -> None:
    if isinstance(expected, int):
        with pytest.raises(MySQLError) as refused:
            chosen(capabilities, level, algorithms)
        assert refused.value.number == expected
        return
    compression = chosen(capabilities, level, algorithms)
    if expected is None:
        assert compression is None
    else:
        assert compression is not None
        compression.receive(envelope(b"x", 0))
        packed = compression.send(b"\x00\x00\x00\x01" * 100)[HEADER_BYTES:]
        assert packed.startswith(b"\x78" if expected == ZLIB else b"\x28\xb5\x2f\xfd")


def envelope(
    data: bytes, number: int, algorithm: str = "", length: int | None = None
) -> bytes:
    """What a client sends; ``length`` is what it claims, if that is not true."""
    packed = PACK[algorithm](data) if algorithm else data
    claimed = (len(data) if algorithm else 0) if length is None else length
    head = len(packed).to_bytes(3, "little") + bytes([number])
    return head + claimed.to_bytes(3, "little") + packed


def opened(data: bytes, algorithm: str) -> list[tuple[int, bytes]]:
    """The numbers and contents of envelopes; no byte is left over."""
    found = []
    while data:
        length, number = int.from_bytes(data[:3], "little"), data[3]
        body = data[HEADER_BYTES : HEADER_BYTES + length]
        if unpacked := int.from_bytes(data[4:7], "little"):
            body = (zlib if algorithm == ZLIB else zstd).decompress(body)
            assert len(body) == unpacked
        found.append((number, body))
        data = data[HEADER_BYTES + length :]
    return found


def all_of(compression: Compression, data: bytes) -> bytes:
    """What arrives when these bytes do, asked for until there is no more."""
    found, answer = compression.receive(data)
    assert not answer
    while compression.more:
        part, _ = compression.receive(b"")
        found += part
    return found


@pytest.fixture(params=[ZLIB, ZSTD])
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


SIZES = [4, WORTH_BYTES - 1, WORTH_BYTES, 1000, ENOUGH_BYTES, ENOUGH_BYTES + 1, 1 << 24]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sent_can_be_opened(algorithm: str, size: int) -> None:
    compression = Compression(algorithm, LEVEL)
    compression.receive(envelope(b"\x01\x00\x00\x00\x0e", 0))
    data = frame(b"x" * (size - 4), 1)
    found = opened(compression.send(data), algorithm)
    assert b"".join(part for _, part in found) == data
    assert [number for number, _ in found] == list(range(1, len(found) + 1))


def test_what_does_not_get_shorter_is_sent_as_it_is(algorithm: str) -> None:
    noise = frame(random.Random(5).randbytes(500), 1)  # noqa: S311
    sent = Compression(algorithm, LEVEL).send(noise)
    assert sent == envelope(noise, 0)


@pytest.mark.parametrize("piece", [1, 1000, 1 << 18, 1 << 30])
def test_envelopes_are_filled_with_whole_packets(algorithm: str, piece: int) -> None:
    """Connector/Python 9 and later are prepared for no other."""
    sizes = [3, 900, 0, 70_000, 300_000, MAX_FRAME - 1, 5, MAX_FRAME + 9, 40]
    if piece < 1000:
        sizes = sizes[:3]
    chance = random.Random(6)  # noqa: S311
    data = b"".join(
        frame(chance.randbytes(size // 2) * 2, n) for n, size in enumerate(sizes, 1)
    )
    compression = Compression(algorithm, LEVEL)
    sent = b"".join(
        compression.send(data[start : start + piece])
        for start in range(0, len(data), piece)
    )
    found = [part for _, part in opened(sent, algorithm)]
    assert b"".join(found) == data
    packet = 0  # bytes still to come of the packet under way
    for part in found:
        position, began = packet, bool(packet)
        while position < len(part):
            assert len(part) - position >= 4
            position += 4 + int.from_bytes(part[position : position + 3], "little")
            began = False
        packet = position - len(part)
        assert not (packet and began), "a packet in three envelopes"
    assert packet == 0


def test_of_a_large_packet_nothing_is_sent_before_its_end(algorithm: str) -> None:
    data = frame(b"x" * 3_000_000, 1)
    compression = Compression(algorithm, LEVEL)
    assert compression.send(data[:2_000_000]) == b""
    sent = compression.send(data[2_000_000:] + frame(b"next", 2))
    assert [part for _, part in opened(sent, algorithm)] == [data, frame(b"next", 2)]


@pytest.mark.parametrize("size", [1, 49, 50, 5000, MAX_FRAME])
def test_what_a_client_packs_is_unpacked(algorithm: str, size: int) -> None:
    data = b"y" * size
    arriving = envelope(data, 0, algorithm) + envelope(data, 1)
    assert all_of(Compression(algorithm, LEVEL), arriving) == data * 2


def test_bytes_may_arrive_one_by_one(algorithm: str) -> None:
    packets = [b"\x03SELECT " + b"1" * n for n in (1, 200, 3)]
    arriving = b"".join(
        envelope(frame(packet, 0), 0, algorithm if n else "")
        for n, packet in enumerate(packets)
    )
    compression, reader = Compression(algorithm, LEVEL), PacketReader()
    found = []
    for at in range(len(arriving)):
        data, _ = compression.receive(arriving[at : at + 1])
        found += reader.feed(data)
    assert found == packets


def test_a_packet_may_be_spread_over_envelopes_and_share_one(algorithm: str) -> None:
    data = frame(b"\x03" + b"a" * 300, 0) + frame(b"\x0e", 0)
    arriving = b"".join(
        envelope(data[start : start + 100], number, algorithm)
        for number, start in enumerate(range(0, len(data), 100))
    )
    assert all_of(Compression(algorithm, LEVEL), arriving) == data


def test_an_empty_envelope_is_none(algorithm: str) -> None:
    arriving = envelope(b"", 0) + envelope(b"abc", 1)
    assert all_of(Compression(algorithm, LEVEL), arriving) == b"abc"


def test_answers_are_numbered_from_what_was_asked() -> None:
    compression = Compression(ZLIB, LEVEL)

    def numbers(*packets: bytes) -> list[int]:
        sent = b"".join(compression.send(packet) for packet in packets)
        return [number for number, _ in opened(sent, ZLIB)]

    compression.receive(envelope(b"a", 0))
    assert numbers(frame(b"1", 1), frame(b"2", 2)) == [1, 2]
    compression.turn()
    compression.receive(envelope(b"a", 0) + envelope(b"b", 1) + envelope(b"c", 2))
    assert numbers(frame(b"1", 1)) == [3]
    compression.turn()  # a file is asked for
    compression.receive(envelope(b"a", 4) + envelope(b"b", 5))
    assert numbers(frame(b"1", 9)) == [6]
    compression.turn()
    # what nobody asked for: why the session ends
    assert numbers(frame(b"\xff", 0)) == [0]


def test_numbers_start_over_behind_255() -> None:
    compression = Compression(ZLIB, LEVEL)
    compression.receive(envelope(b"a", 0))
    sent = b"".join(compression.send(frame(b"x", n)) for n in range(1, 600))
    assert [n for n, _ in opened(sent, ZLIB)] == [n % 256 for n in range(1, 600)]


def test_a_bomb_is_unpacked_as_far_as_there_is_room(algorithm: str) -> None:
    bomb = envelope(b"\x00" * MAX_FRAME, 0, algorithm)
    assert len(bomb) < 20_000
    compression = Compression(algorithm, LEVEL)
    data, _ = compression.receive(bomb * 50)
    assert len(data) == MAX_FRAME
    assert compression.more
    data, _ = compression.receive(b"")
    assert len(data) == MAX_FRAME


def test_a_bomb_that_lies_is_not_unpacked(algorithm: str) -> None:
    bomb = envelope(b"\x00" * (100 << 20), 0, algorithm, 1000)
    assert refusal(Compression(algorithm, LEVEL), bomb) == 1157


def refusal(compression: Compression, data: bytes) -> int:
    """The number of the error that the client is told."""
    with pytest.raises(ProtocolError):
        all_of(compression, data)
    [(number, packet)] = opened(compression.end(), ZLIB)
    assert (number, packet[3]) == (0, 0)
    return parse_err(packet[4:]).number


TEXT = b"\x09\x00\x00\x00\x03SELECT 1"
WRONG = {
    "out of order": (lambda a: envelope(TEXT, 5, a), 1156),
    "out of order, seen by its header": (
        lambda a: b"\xff\xff\xff\x07" + b"x" * 9,
        1156,
    ),
    "an X protocol message": (lambda a: b"\x01\x00\x00\x00\x01" * 4, 1157),
    "noise": (lambda a: envelope(b"noise" * 20, 0, "", 100), 1157),
    "longer than it says": (lambda a: envelope(TEXT, 0, a, len(TEXT) - 1), 1157),
    "shorter than it says": (lambda a: envelope(TEXT, 0, a, len(TEXT) + 1), 1157),
    "cut off": (lambda a: cut_off(envelope(TEXT * 20, 0, a)), 1157),
    "with something behind it": (lambda a: lengthened(envelope(TEXT, 0, a)), 1157),
    "nothing at all, packed": (lambda a: envelope(b"", 0, "", 5), 1157),
}


def cut_off(data: bytes) -> bytes:
    return (len(data) - 8).to_bytes(3, "little") + data[3:-1]


def lengthened(data: bytes) -> bytes:
    return (len(data) - 6).to_bytes(3, "little") + data[3:] + b"!"


@pytest.mark.parametrize(("made", "number"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_and_ends_it(
    algorithm: str, made: object, number: int
) -> None:
    assert callable(made)
    assert refusal(Compression(algorithm, LEVEL), made(algorithm)) == number


def test_whatever_arrives_is_unpacked_or_refused(algorithm: str) -> None:
    chance = random.Random(20)  # noqa: S311
    whole = b"".join(
        envelope(chance.randbytes(20) * chance.randrange(30), 0, algorithm)
        for _ in range(5)
    )
    refused = 0
    for _ in range(5000):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        compression = Compression(algorithm, LEVEL)
        try:
            while data:
                size = chance.randrange(1, len(data) + 1)
                assert len(all_of(compression, bytes(data[:size]))) < 1 << 24
                del data[:size]
        except ProtocolError:
            refused += 1
            assert opened(compression.end(), ZLIB)
        else:
            assert compression.end() == b""
    assert refused > 2000


# --- streams -------------------------------------------------------------------------

EVENT, ASKS = b"\x00\xef\x00" + b"e" * 20, b"\x00\xef\x01" + b"e" * 20
STREAMS = {
    "counting on": ([(EVENT, n) for n in range(1, 600)], [None]),
    "acknowledged": (
        [(EVENT, 1), (ASKS, 2), (EVENT, 1), (ASKS, 2), (EVENT, 1)],
        [0, 0],
    ),
    "acknowledged behind 255": (
        [*((EVENT, n % 256) for n in range(1, 256)), (ASKS, 0), (EVENT, 1)],
        [0],
    ),
    "a large event that is acknowledged": (
        [(EVENT, 1), (ASKS + b"x" * MAX_FRAME, 2), (EVENT, 1)],
        [0],
    ),
    "answers of a clone": ([(EVENT, 1), (EVENT, 1), (EVENT, 2), (b"\x05", 1)], [1, 1]),
    "short ones": ([(EVENT, 1), (b"\xfe\x00\x00\x02\x00", 2)], []),
}


@pytest.mark.parametrize(("packets", "begun"), STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("piece", [1, 5, 1000, 1 << 30])
def test_a_stream_is_cut_where_it_counts_anew(
    packets: list[tuple[bytes, int]], begun: list[int | None], piece: int
) -> None:
    data = b"".join(frame(payload, number) for payload, number in packets)
    if len(data) > 1 << 20 and piece < 1000:
        piece = 1 << 16
    stretches, found = Stretches(), []
    for start in range(0, len(data), piece):
        found += stretches.feed(data[start : start + piece])
    assert b"".join(part for _, part in found) == data
    expected = [number for number in begun if number is not None]
    assert [number for number, _ in found if number is not None] == expected
