"""Frames as printed in public drivers of the family; check sums computed independently."""

from __future__ import annotations

import pytest

from stations.sim import rtu

READ_STATE = bytes.fromhex("01 03 00 08 00 0B 85 CF")
SET_VOLTS = bytes.fromhex("01 06 00 08 01 6D C8 75")


@pytest.mark.parametrize(
    ("frame", "request_"),
    [
        (bytes.fromhex("01 01 00 00 00 08 3D CC"), rtu.Request(rtu.READ_COILS, 0, 8)),
        (
            bytes.fromhex("01 05 02 00 00 05 0C 71"),
            rtu.Request(rtu.WRITE_COIL, 0x200, 1, (5,)),
        ),
        (
            bytes.fromhex("01 0F 00 00 00 08 01 05 3E 96"),
            rtu.Request(rtu.WRITE_COILS, 0, 8, (1, 0, 1, 0, 0, 0, 0, 0)),
        ),
        (READ_STATE, rtu.Request(rtu.READ, 8, 11)),
        (SET_VOLTS, rtu.Request(rtu.WRITE_ONE, 8, 1, (365,))),
        (
            rtu.sealed(bytes.fromhex("01 10 00 08 00 02 04 01 6D 07 08")),
            rtu.Request(rtu.WRITE_MANY, 8, 2, (365, 1800)),
        ),
    ],
)
def test_reads_the_requests_of_the_family(frame: bytes, request_: rtu.Request) -> None:
    assert rtu.Deframer(1).feed(frame) == [request_]


def test_answers_as_the_device_does() -> None:
    state = (365, 1800, 334, 1800, 0, 6012, 6520, 0, 0, 1, 1)
    answer = bytes.fromhex(
        "01 03 16 01 6D 07 08 01 4E 07 08 00 00 17 7C 19 78 00 00 00 00 00 01 00 01 3E A0"
    )

    assert rtu.read_answer(1, state) == answer
    assert rtu.write_answer(1, rtu.Request(rtu.WRITE_ONE, 8, 1, (365,))) == SET_VOLTS


def test_answers_about_coils_as_the_device_does() -> None:
    closed = (True, False, True, False, False, False, False, False)
    many = rtu.Request(rtu.WRITE_COILS, 0, 8, (1, 0, 1, 0, 0, 0, 0, 0))

    assert rtu.read_coils_answer(1, closed) == bytes.fromhex("01 01 01 05 91 8B")
    assert rtu.write_answer(1, many) == bytes.fromhex("01 0F 00 00 00 08 54 0D")


def test_joins_a_frame_that_came_in_pieces() -> None:
    deframer = rtu.Deframer(1)

    pieces = [deframer.feed(READ_STATE[i : i + 1]) for i in range(len(READ_STATE))]

    assert pieces[:-1] == [[]] * 7
    assert pieces[-1] == [rtu.Request(rtu.READ, 8, 11)]


def test_forgets_half_a_frame_after_a_pause() -> None:
    deframer = rtu.Deframer(1)
    deframer.feed(READ_STATE[:5])

    assert deframer.pause() == []
    assert deframer.feed(SET_VOLTS) == [rtu.Request(rtu.WRITE_ONE, 8, 1, (365,))]


@pytest.mark.parametrize(
    "frame",
    [READ_STATE[:-1] + b"\x00", rtu.sealed(bytes.fromhex("02 03 00 08 00 0B"))],
    ids=["bad check sum", "another slave"],
)
def test_ignores_what_is_not_for_it(frame: bytes) -> None:
    assert rtu.Deframer(1).feed(frame) == []


def test_hands_over_a_function_it_does_not_know_after_a_pause() -> None:
    deframer = rtu.Deframer(1)

    assert deframer.feed(rtu.sealed(bytes.fromhex("01 04 00 00 00 01"))) == []
    assert deframer.pause() == [rtu.Request(4)]
