"""Our session below PyVISA: its own interface over it, and what waiting and hanging up cost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import cast

import pytest
import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.resources import TCPIPSocket

from stations.clock import guard_s
from stations.drivers.protocols import InstrumentSilent
from stations.drivers.transport import ScpiLink
from stations.drivers.visa_socket import HUNG_UP, SILENT, TOO_LONG, SocketSession, session_of

NOTICED_WITHIN_S = 0.05


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def resource_of(server: socket.socket) -> str:
    return f"TCPIP0::127.0.0.1::{server.getsockname()[1]}::SOCKET"


@pytest.fixture
def resource(server: socket.socket) -> Iterator[TCPIPSocket]:
    opened = pyvisa.ResourceManager("@py").open_resource(
        resource_of(server), open_timeout=5000, resource_pyclass=TCPIPSocket
    )
    yield cast(TCPIPSocket, opened)
    opened.close()


@pytest.fixture
def peer(server: socket.socket, resource: TCPIPSocket) -> Iterator[socket.socket]:
    connection, _ = server.accept()
    with connection:
        yield connection


def test_pyvisa_opens_our_session(resource: TCPIPSocket) -> None:
    assert type(session_of(resource)) is SocketSession


def test_pyvisa_asks_and_reads_line_by_line(resource: TCPIPSocket, peer: socket.socket) -> None:
    resource.read_termination = resource.write_termination = "\n"
    peer.sendall(b"1\n2\n")

    assert resource.query("ONE?") == "1"
    assert resource.query("TWO?") == "2"
    assert peer.recv(4096) == b"ONE?\nTWO?\n"


def test_pyvisa_times_out_on_half_a_line(resource: TCPIPSocket, peer: socket.socket) -> None:
    resource.read_termination, resource.timeout = "\n", 50
    peer.sendall(b"+3.2")

    with pytest.raises(pyvisa.VisaIOError, match="VI_ERROR_TMO"):
        resource.read()


def test_what_was_heard_comes_with_how_it_ended(resource: TCPIPSocket, peer: socket.socket) -> None:
    session = session_of(resource)
    peer.sendall(b"12345")
    peer.close()

    assert session.read(3) == (b"123", TOO_LONG)
    assert session.read(3) == (b"45", StatusCode.success)
    assert session.read(3) == (b"", HUNG_UP)


def test_a_peer_that_does_not_read_is_silent(resource: TCPIPSocket, peer: socket.socket) -> None:
    session, status = session_of(resource), StatusCode.success

    while status == StatusCode.success:
        _, status = session.write(b"0" * 65536)

    assert status == SILENT


def test_a_hang_up_is_noticed_at_once(server: socket.socket) -> None:
    noticed_s = [hang_up_noticed_s(server) for _ in range(9)]

    assert median(noticed_s) <= NOTICED_WITHIN_S


def hang_up_noticed_s(server: socket.socket) -> float:
    """From the peer's hang-up, while it is waited for, to the error."""
    link = ScpiLink(resource_of(server), 60.0)
    link.reopen()
    peer, _ = server.accept()
    closed_s: list[float] = []

    def hang_up() -> None:
        peer.recv(4096)
        closed_s.append(guard_s())
        peer.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with pytest.raises(InstrumentSilent, match="hung up"):
        link.ask("READ?", str)
    noticed_s = guard_s()
    thread.join()
    return noticed_s - closed_s[0]


def test_waiting_is_no_work(server: socket.socket) -> None:
    """Of processor time: a session that spins takes all of its time-out."""
    link = ScpiLink(resource_of(server), 0.5)
    link.reopen()
    peer, _ = server.accept()
    worked_s = time.thread_time()

    with peer, pytest.raises(InstrumentSilent, match="no answer"):
        link.ask("READ?", str)

    assert time.thread_time() - worked_s < 0.05
