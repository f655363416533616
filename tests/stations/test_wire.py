"""JSON lines over a unix socket, wherever the bench folder lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.wire import LINE_MAX, LineBuffer, WireError, connect, encode, listen


def test_a_socket_may_lie_deeper_than_an_address_is_long(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)

    with listen(folder / "guardian.sock"), connect(folder / "guardian.sock", 1.0) as caller:
        caller.sendall(encode({"op": "status"}))


def test_a_new_listener_takes_the_place_of_a_dead_one(tmp_path: Path) -> None:
    listen(tmp_path / "guardian.sock").close()

    with listen(tmp_path / "guardian.sock"), connect(tmp_path / "guardian.sock", 1.0):
        pass


def test_nobody_listening_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        connect(tmp_path / "guardian.sock", 1.0)


def test_messages_come_out_whole_however_they_arrive() -> None:
    buffer = LineBuffer()
    data = encode({"id": 1}) + encode({"id": 2, "words": "zwei\nlines"}) + encode({"id": 3})

    heard = [message["id"] for byte in data for message in buffer.feed(bytes([byte]))]

    assert heard == [1, 2, 3]


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"[1]\n", b"\xff\n", b"\n", b"[" * 100_000 + b"\n"]
)
def test_what_is_no_message_ends_the_connection(line: bytes) -> None:
    with pytest.raises(WireError):
        LineBuffer().feed(line)


def test_a_line_without_end_ends_the_connection() -> None:
    with pytest.raises(WireError, match="more than"):
        LineBuffer().feed(b"x" * (LINE_MAX + 1))


def test_refuses_to_send_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode({"voltage_v": float("nan")})
