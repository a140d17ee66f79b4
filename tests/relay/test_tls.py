"""TLS without sockets: two layers talk to each other, in pieces of any size."""

import ssl
from pathlib import Path

import pytest

from heatproxy.backend.certificates import TlsFolder
from heatproxy.errors import ProtocolError
from heatproxy.relay.tls import PIECE_BYTES, TlsLayer

BULK = bytes(number * number % 251 for number in range(1 << 16)) * 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> TlsFolder:
    made = TlsFolder(tmp_path_factory.mktemp("tls"))
    made.prepare()
    return made


def server_context(folder: TlsFolder) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder.certificate, folder.key)
    return context


def client_context(ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    return context


class Ends:
    """Both ends of a connection, and what each has read of the other."""

    def __init__(self, folder: TlsFolder, step: int = 1 << 30, **versions: int) -> None:
        asked = client_context(folder.path / "ca.pem")
        for name, version in versions.items():
            setattr(asked, name, version)
        self.server = TlsLayer(server_context(folder), server=True)
        self.client = TlsLayer(asked, server=False, hostname="localhost")
        self.heard = {self.server: b"", self.client: b""}
        self.step = step

    def carry(self, towards: TlsLayer, data: bytes) -> None:
        """Bring bytes to one end, and back what it answers, until there is silence."""
        other = self.client if towards is self.server else self.server
        answers = []
        for start in range(0, len(data), self.step):
            plain, answer = towards.receive(data[start : start + self.step])
            self.heard[towards] += plain
            answers.append(answer)
        if answered := b"".join(answers):
            self.carry(other, answered)


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 30])
@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"]
)
def test_what_one_end_sends_the_other_reads(
    folder: TlsFolder, version: ssl.TLSVersion, step: int
) -> None:
    ends = Ends(folder, step, maximum_version=version)
    ends.carry(ends.server, ends.client.send(b"said before the handshake"))
    assert ends.heard[ends.server] == b"said before the handshake"
    for towards, sender in ((ends.client, ends.server), (ends.server, ends.client)):
        said = BULK[:5000]
        before = ends.heard[towards]
        ends.carry(towards, sender.send(said[:1]) + sender.send(said[1:]))
        assert ends.heard[towards] == before + said


@pytest.mark.parametrize("step", [PIECE_BYTES, PIECE_BYTES + 1, 256_000, 1 << 30])
def test_bulk_goes_through_whatever_comes_at_once(folder: TlsFolder, step: int) -> None:
    ends = Ends(folder)
    ends.carry(ends.server, ends.client.send(b""))
    ends.step = step
    ends.carry(ends.client, ends.server.send(BULK))
    assert ends.heard[ends.client] == BULK


def test_what_was_said_last_is_read_before_the_end(folder: TlsFolder) -> None:
    ends = Ends(folder)
    ends.carry(ends.server, ends.client.send(b""))
    assert not ends.client.ended
    ends.carry(ends.client, ends.server.send(b"why it ends") + ends.server.end())
    assert (ends.heard[ends.client], ends.client.ended) == (b"why it ends", True)
    assert ends.client.end()  # which says the same
    assert ends.client.receive(b"more") == (b"", b"")


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 50, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x04\xff\x00\x00\x00"],
)
def test_what_is_no_tls_is_refused(folder: TlsFolder, garbage: bytes) -> None:
    server = TlsLayer(server_context(folder), server=True)
    with pytest.raises(ProtocolError, match=r"^TLS: [a-z ]+$"):
        server.receive(garbage)


def test_a_record_that_was_tampered_with_ends_it(folder: TlsFolder) -> None:
    ends = Ends(folder)
    ends.carry(ends.server, ends.client.send(b""))
    record = bytearray(ends.client.send(b"GRANT ALL"))
    record[-1] ^= 1
    with pytest.raises(ProtocolError, match="TLS"):
        ends.server.receive(bytes(record))


def test_a_peer_that_shares_no_version_is_told(folder: TlsFolder) -> None:
    context = server_context(folder)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    server = TlsLayer(context, server=True)
    asked = client_context(folder.path / "ca.pem")
    asked.maximum_version = ssl.TLSVersion.TLSv1_2
    client = TlsLayer(asked, server=False, hostname="localhost")
    with pytest.raises(ProtocolError, match="unsupported protocol"):
        server.receive(client.send(b""))
    with pytest.raises(ProtocolError, match="alert protocol version"):
        client.receive(server.end())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_is_for_this_machine(folder: TlsFolder, name: str) -> None:
    ends = Ends(folder)
    context = client_context(folder.path / "ca.pem")
    ends.client = TlsLayer(context, server=False, hostname=name)
    ends.heard[ends.client] = b""
    ends.carry(ends.server, ends.client.send(b"hello"))
    assert ends.heard[ends.server] == b"hello"


def test_the_certificate_is_for_no_other(folder: TlsFolder) -> None:
    ends = Ends(folder)
    context = client_context(folder.path / "ca.pem")
    ends.client = TlsLayer(context, server=False, hostname="mysql.example.com")
    ends.heard[ends.client] = b""
    with pytest.raises(ProtocolError, match=r"mysql\.example\.com"):
        ends.carry(ends.server, ends.client.send(b"hello"))
