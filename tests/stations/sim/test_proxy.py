"""The spoiled TCP line, with a server that answers each line of text with the same."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from stations.clock import guard_s
from stations.sim.proxy import CORRUPT, DROP, HALF_OPEN, PASS, RESET, Proxy, cut, delay, slow
from tests.wait import wait_until

SILENCE_S = 0.15


class Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with suppress(ConnectionError):
            for line in self.rfile:
                self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with Proxy(("127.0.0.1", server.server_address[1])) as between:
            yield between
        server.shutdown()


class Client:
    def __init__(self, proxy: Proxy) -> None:
        self.link = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def ask(self, text: bytes) -> bytes:
        self.link.sendall(text)
        return self.hear(len(text))

    def hear(self, length: int) -> bytes:
        """Up to `length` bytes; fewer at the end of the stream."""
        heard = b""
        while len(heard) < length and (data := self.link.recv(length - len(heard))):
            heard += data
        return heard

    def is_silent(self) -> bool:
        return not select.select([self.link], [], [], SILENCE_S)[0]


def test_passes_on_what_is_sent(proxy: Proxy) -> None:
    text = b"0123456789abcdef" * 40_000 + b"\n"
    with Client(proxy) as client:
        sender = threading.Thread(target=client.link.sendall, args=(text,))
        sender.start()
        assert client.hear(len(text)) == text
        sender.join()

        assert proxy.connections == 1
    wait_until(lambda: proxy.connections == 0)


def test_a_delay_is_added_in_each_direction(proxy: Proxy) -> None:
    with Client(proxy) as client:
        proxy.line = delay(0.1)
        began_s = guard_s()
        assert client.ask(b"one\n") == b"one\n"

        assert guard_s() - began_s >= 0.2


def test_what_a_drop_held_back_arrives_when_the_line_is_good_again(proxy: Proxy) -> None:
    with Client(proxy) as client:
        assert client.ask(b"one\n") == b"one\n"
        proxy.line = DROP
        client.link.sendall(b"two\n")
        assert client.is_silent()
        assert proxy.held == 4

        proxy.line = PASS

        assert client.hear(4) == b"two\n"


def test_a_new_connection_finds_nobody_while_the_line_drops(proxy: Proxy) -> None:
    proxy.line = DROP
    with Client(proxy) as client:
        client.link.sendall(b"one\n")
        assert client.is_silent()

        proxy.line = PASS

        assert client.hear(4) == b"one\n"


def test_half_open_freezes_what_is_connected_for_good_and_lets_new_ones_pass(
    proxy: Proxy,
) -> None:
    with Client(proxy) as old:
        assert old.ask(b"one\n") == b"one\n"
        proxy.line = HALF_OPEN
        old.link.sendall(b"two\n")
        with Client(proxy) as new:
            assert new.ask(b"three\n") == b"three\n"

        proxy.line = PASS

        assert old.is_silent()
        assert proxy.held == 4


def test_the_end_of_a_frozen_connection_is_not_passed_on(proxy: Proxy) -> None:
    with Client(proxy) as client:
        assert client.ask(b"one\n") == b"one\n"
        proxy.line = HALF_OPEN
        client.link.shutdown(socket.SHUT_WR)

        assert client.is_silent()
        assert proxy.connections == 1


def test_reset_ends_every_connection_and_refuses_new_ones(proxy: Proxy) -> None:
    with Client(proxy) as old:
        assert old.ask(b"one\n") == b"one\n"
        proxy.line = RESET
        with pytest.raises(ConnectionResetError):
            old.link.recv(1)
    with pytest.raises(ConnectionError), Client(proxy) as new:
        new.ask(b"two\n")

    proxy.line = PASS

    with Client(proxy) as third:
        assert third.ask(b"three\n") == b"three\n"


def test_corruption_changes_a_byte_and_no_length(proxy: Proxy) -> None:
    with Client(proxy) as client:
        assert client.ask(b"one\n") == b"one\n"
        proxy.line = CORRUPT

        assert client.ask(b"two three\n") == b"two t\xffree\n"


def test_a_slow_line_passes_so_many_bytes_a_second(proxy: Proxy) -> None:
    with Client(proxy) as client:
        proxy.line = slow(50)
        began_s = guard_s()
        assert client.ask(b"0123456789\n") == b"0123456789\n"

        assert guard_s() - began_s >= 10 / 50  # both directions at once, so once the length


def test_a_cut_hangs_up_after_so_many_bytes(proxy: Proxy) -> None:
    with Client(proxy) as client:
        assert client.ask(b"one\n") == b"one\n"
        proxy.line = cut(after=6)
        assert client.ask(b"two\n") == b"two\n"

        client.link.sendall(b"three\n")

        assert client.hear(6) in (b"", b"th")
        assert client.link.recv(1) == b""


def test_a_client_whose_server_is_gone_is_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    proxy = Proxy(("127.0.0.1", port))
    with proxy, pytest.raises(ConnectionError), Client(proxy) as client:
        client.ask(b"one\n")


def test_its_end_ends_every_connection(proxy: Proxy) -> None:
    with Proxy(("127.0.0.1", proxy.port)) as second:
        client = Client(second)
        assert client.ask(b"one\n") == b"one\n"

    with client:
        assert client.link.recv(1) == b""
