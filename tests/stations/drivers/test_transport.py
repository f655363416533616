"""What a link does when the other end misbehaves; over real sockets and pseudo-terminals."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stations.clock import guard_s
from stations.drivers.protocols import BadReply, InstrumentSilent
from stations.drivers.transport import REPLY_MAX, ScpiLink, SerialLink
from tests.stations.drivers.transcript import Pair, lines, on_pty, on_socket, playing
from tests.wait import wait_until

ONE = lines(("ONE?", "1"))
TWO = lines(("TWO?", "2"))
SHORT_S = 0.6


def whole(heard: bytes) -> bytes | None:
    """A frame of this file: eight bytes that begin with an A."""
    if not heard.startswith(b"A"):
        raise BadReply(repr(heard))
    return heard if len(heard) >= 8 else None


def test_pairs_each_answer_with_its_question() -> None:
    with playing(on_socket([*ONE, *lines(("SET 5", "")), *TWO])) as player:
        link = ScpiLink(player.resource, 10.0)

        assert link.ask("ONE?", str) == "1"
        link.tell("SET 5")
        assert link.ask("TWO?", str) == "2"

        link.close()


def test_a_second_line_never_answers_the_next_question() -> None:
    with playing(on_socket([Pair(b"ONE?\n", b"1\n9\n"), *TWO])) as player:
        link = ScpiLink(player.resource, 10.0)

        with pytest.raises(BadReply):
            link.ask("ONE?", str)
        assert link.ask("TWO?", str) == "2"

        link.close()


def test_a_line_that_nobody_asked_for_never_answers_the_next_question() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = ScpiLink(f"TCPIP0::127.0.0.1::{server.getsockname()[1]}::SOCKET", 10.0)
        link.reopen()
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"9\n")

            wait_until(lambda: _is_refused(link, "ABOR"), what="the stray line is seen")

            assert link.session == 0
            link.reopen()  # and what was left unread is gone with the old connection
            server.accept()[0].close()
        link.close()


def _is_refused(link: ScpiLink, command: str) -> bool:
    try:
        link.tell(command)
    except BadReply:
        return True
    return False


def test_a_refused_parse_drops_the_connection() -> None:
    def refuse(line: str) -> str:
        raise BadReply(line)

    with playing(on_socket([*ONE, *TWO])) as player:
        link = ScpiLink(player.resource, 10.0)

        with pytest.raises(BadReply):
            link.ask("ONE?", refuse)
        assert link.session == 0
        assert link.ask("TWO?", str) == "2"
        assert link.session == 2

        link.close()


def test_an_answer_without_end_is_cut_off() -> None:
    with playing(on_socket([Pair(b"ONE?\n", b"1" * (2 * REPLY_MAX))])) as player:
        link = ScpiLink(player.resource, 10.0)

        with pytest.raises(BadReply, match="endless"):
            link.ask("ONE?", str)


@pytest.mark.parametrize("reply", [b"\xb5\n", b"1\r\n", b"\x001\n", b"1\t\n"])
def test_only_printable_text_is_an_answer(reply: bytes) -> None:
    with playing(on_socket([Pair(b"ONE?\n", reply)])) as player:
        link = ScpiLink(player.resource, 10.0)

        with pytest.raises(BadReply):
            link.ask("ONE?", str)


def test_an_answer_in_pieces_is_one_answer() -> None:
    with playing(on_socket([replace(ONE[0], answered=b"+3.29\n", pause_s=0.01)])) as player:
        link = ScpiLink(player.resource, 5.0)

        assert link.ask("ONE?", str) == "+3.29"

        link.close()


def test_a_drip_of_bytes_does_not_stretch_the_time_out() -> None:
    with playing(on_socket([replace(ONE[0], answered=b"1" * 200, pause_s=0.02)])) as player:
        link = ScpiLink(player.resource, SHORT_S)
        started_s = guard_s()

        with pytest.raises(InstrumentSilent, match="after b'1"):
            link.ask("ONE?", str)

        assert guard_s() - started_s < 3.0  # the whole drip takes 4 s


def test_a_measurement_may_take_longer_than_the_time_out() -> None:
    with playing(on_socket([replace(ONE[0], pause_s=0.8)])) as player:
        link = ScpiLink(player.resource, SHORT_S)

        assert link.ask("ONE?", str, busy_s=5.0) == "1"

        link.close()


def test_a_peer_that_hangs_up_in_the_middle_costs_no_time_and_no_work() -> None:
    half = replace(ONE[0], answered=b"+3.2", hang_up=True)
    with playing(on_socket([half])) as player:
        link = ScpiLink(player.resource, 60.0)
        started_s, worked_s = guard_s(), time.thread_time()

        with pytest.raises(InstrumentSilent, match="hung up"):
            link.ask("ONE?", str)

        assert guard_s() - started_s < 30.0
        assert time.thread_time() - worked_s < 5.0


def test_a_peer_that_hung_up_between_two_questions_is_noticed_before_sending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = ScpiLink(f"TCPIP0::127.0.0.1::{server.getsockname()[1]}::SOCKET", 60.0)
        link.reopen()
        server.accept()[0].close()

        with pytest.raises(InstrumentSilent, match="hung up"):
            wait_until(lambda: link.tell("SET 5"), what="the hang-up is seen")

        assert link.session == 0


def test_nobody_at_the_address_is_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    link = ScpiLink(f"TCPIP0::127.0.0.1::{port}::SOCKET", 10.0)

    with pytest.raises(InstrumentSilent, match="switched on"):
        link.ask("ONE?", str)


@pytest.mark.parametrize("resource", ["", "ASRL/dev/null::INSTR", "127.0.0.1:5025"])
def test_an_address_that_is_no_socket_is_refused_in_words(resource: str) -> None:
    with pytest.raises(InstrumentSilent, match="does not connect"):
        ScpiLink(resource, 10.0).ask("ONE?", str)


def test_a_serial_line_goes_through_a_symbolic_link(tmp_path: Path) -> None:
    with playing(on_pty([Pair(b"ask", b"A2345678")])) as player:
        path = tmp_path / "supply.tty"
        path.symlink_to(player.resource)
        link = SerialLink(str(path), 115_200, 10.0)

        assert link.exchange(b"ask", whole) == b"A2345678"

        link.close()


def test_what_lies_on_a_serial_line_is_discarded_before_a_question() -> None:
    first = Pair(b"ask", b"A2345678")
    with playing(on_pty([first, Pair(b"hello"), replace(first, late=b"")])) as player:
        link = SerialLink(player.resource, 115_200, SHORT_S)
        link.exchange(b"ask", whole)
        with pytest.raises(InstrumentSilent, match="no answer"):
            link.exchange(b"hello", whole)

        assert link.exchange(b"ask", whole) == b"A2345678"
        assert link.session == 2

        link.close()


def test_a_serial_line_full_of_noise_is_given_up() -> None:
    noise = Pair(b"ask", b"\xff" * 3000)
    with playing(on_pty([noise])) as player:
        link = SerialLink(player.resource, 115_200, SHORT_S)

        with pytest.raises((BadReply, InstrumentSilent)):
            link.exchange(b"ask", lambda heard: None)

        link.close()


def test_a_serial_device_that_is_unplugged_is_noticed_at_once() -> None:
    with playing(on_pty([Pair(b"ask", b"A2", hang_up=True)])) as player:
        link = SerialLink(player.resource, 115_200, 60.0)
        started_s = guard_s()

        with pytest.raises(InstrumentSilent, match="check the cable"):
            link.exchange(b"ask", whole)

        assert guard_s() - started_s < 30.0


def test_a_serial_port_that_is_not_there_is_silence(tmp_path: Path) -> None:
    link = SerialLink(str(tmp_path / "nowhere"), 115_200, 10.0)

    with pytest.raises(InstrumentSilent, match="nowhere"):
        link.exchange(b"ask", whole)
    with pytest.raises(InstrumentSilent, match="nowhere"):
        link.reopen()


def test_a_reply_without_an_end_is_whole_when_the_line_is_quiet() -> None:
    dripping = Pair(b"ask", b"12345", pause_s=0.01)
    with playing(on_pty([dripping])) as player:
        link = SerialLink(player.resource, 9600, 10.0)

        assert link.exchange(b"ask", lambda heard: heard, quiet_s=0.3) == b"12345"

        link.close()


def test_silence_is_no_reply_without_an_end() -> None:
    with playing(on_pty([Pair(b"ask")])) as player:
        link = SerialLink(player.resource, 9600, SHORT_S)

        with pytest.raises(InstrumentSilent, match="no answer"):
            link.exchange(b"ask", lambda heard: heard, quiet_s=0.05)


def test_a_drip_without_end_does_not_stretch_the_time_out() -> None:
    with playing(on_pty([Pair(b"ask", b"1" * 200, pause_s=0.02)])) as player:
        link = SerialLink(player.resource, 9600, SHORT_S)
        started_s = guard_s()

        assert len(link.exchange(b"ask", lambda heard: heard, quiet_s=0.5)) < 200

        assert guard_s() - started_s < 3.0  # the whole drip takes 4 s
        link.close()


def test_a_command_that_asks_nothing_leaves_the_device_time() -> None:
    with playing(on_pty([Pair(b"set"), Pair(b"ask", b"A2345678")])) as player:
        link = SerialLink(player.resource, 9600, 10.0)
        started_s = guard_s()

        link.tell(b"set", quiet_s=0.1)

        assert guard_s() - started_s >= 0.1
        assert link.exchange(b"ask", whole) == b"A2345678"
        link.close()


def test_an_answer_to_what_asks_nothing_drops_the_line() -> None:
    with playing(on_pty([Pair(b"set", b"?")])) as player:
        link = SerialLink(player.resource, 9600, 10.0)

        with pytest.raises(BadReply, match="asks nothing"):
            link.tell(b"set", quiet_s=5.0)

        assert link.session == 0
