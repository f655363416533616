"""The IT8514C+, frame by frame.

Frames follow BK's "85xx manual" and sigrok's driver; check sums were computed by hand from
there, not recorded from a load of our own.
"""

from __future__ import annotations

import math

import pytest

from stations.drivers.itech_it8500 import IT8514C, ItechIT8500, frame
from stations.drivers.protocols import (
    BadReply,
    InstrumentSilent,
    LoadState,
    OutOfRange,
    Refused,
    WrongInstrument,
)
from stations.values import Cutoff
from tests.stations.drivers.cases import (
    DONE,
    ENDS,
    LOAD_ARMED,
    LOAD_LEVEL,
    LOAD_OFF,
    LOAD_PRODUCT,
    LOAD_READ,
)
from tests.stations.drivers.transcript import Pair, on_pty, playing

MEET = Pair(frame(0x6A), frame(0x6A, LOAD_PRODUCT))
ROOM = Pair(frame(0x24, bytes.fromhex("00 9F 24 00")), DONE)  # 240 A
SET_40_A = Pair(frame(0x2A, bytes.fromhex("80 1A 06 00")), DONE)
IN_CC = Pair(frame(0x28, b"\x00"), DONE)
HELD = Cutoff(2.505, 10_800.0)
LIMIT_40_A = Pair(frame(0x25), frame(0x25, bytes.fromhex("80 1A 06 00")))
KEEPS = [  # fixed function, constant voltage, 2.505 V, three hours
    Pair(frame(0x5E), frame(0x5E, b"\x00")),
    Pair(frame(0x29), frame(0x29, b"\x01")),
    Pair(frame(0x2D), frame(0x2D, bytes.fromhex("C9 09 00 00"))),
    *LOAD_ARMED[6:],
]
HOLD_SENT = [
    Pair(frame(0x2C, bytes.fromhex("C9 09 00 00")), DONE),
    Pair(frame(0x2A), DONE),
    Pair(frame(0x24, bytes.fromhex("80 1A 06 00")), DONE),
    Pair(frame(0x28, b"\x01"), DONE),
    Pair(frame(0x5D), DONE),
    LIMIT_40_A,
    *LOAD_ARMED[2:4],
]


def load(path: str, *, timeout_s: float = 10.0) -> ItechIT8500:
    return ItechIT8500(path, model=IT8514C, timeout_s=timeout_s)


def limits(*, watts: int) -> Pair:
    """Amps, volts, lowest volts, watts and ohms, in the units of the frame."""
    data = [2_400_000, 120_000, 100, watts * 1000, 10_000_000]
    return Pair(frame(0x01), frame(0x01, b"".join(value.to_bytes(4, "little") for value in data)))


@pytest.mark.parametrize(
    ("command", "data", "published"),
    [
        (0x20, "01", "AA 00 20 01 ... CB"),
        (0x28, "00", "AA 00 28 00 ... D2"),
        (0x28, "01", "AA 00 28 01 ... D3"),
        (0x24, "E0 79 00 00", "AA 00 24 E0 79 00 00 ... 27"),  # BK's own example, 3.12 A
        (0x2C, "C9 09 00 00", "AA 00 2C C9 09 00 00 ... A8"),
        (0x2A, "80 1A 06 00", "AA 00 2A 80 1A 06 00 ... 74"),
        (0x4E, "C4 09 00 00", "AA 00 4E C4 09 00 00 ... C5"),
        (0x5D, "04", "AA 00 5D 04 ... 0B"),
        (0x21, "01", "AA 00 21 01 ... CC"),
        (0x5F, "", "AA 00 5F ... 09"),
        (0x12, "80", "AA 00 12 80 ... 3C"),
        (0x5F, "81 0C 00 00 6C 1A 06 00 22 F4 01 00 0C 40 00",
         "AA 00 5F 81 0C 00 00 6C 1A 06 00 22 F4 01 00 0C 40 00 ... 85"),
    ],
)  # fmt: skip
def test_frames_are_the_published_ones(command: int, data: str, published: str) -> None:
    head, tail = published.split(" ... ")
    built = frame(command, bytes.fromhex(data))

    assert len(built) == 26
    assert built == bytes.fromhex(head).ljust(25, b"\0") + bytes.fromhex(tail)


def test_reads_the_published_state() -> None:
    with playing(on_pty([MEET, LOAD_READ, LOAD_LEVEL])) as player:
        driver = load(player.resource)

        assert driver.read() == LoadState(
            level_a=40.0,
            voltage_v=3.201,
            drawn_a=39.998,
            output_on=True,
            regulation="CC",
            tripped="",
            raw=LOAD_READ.answered[3:25].hex(" "),
        )

        driver.close()


@pytest.mark.parametrize(
    ("demand", "tripped"), [(0x01, "reverse"), (0x04, "OC"), (0x08, "OP"), (0x11, "reverse OT")]
)
def test_says_what_it_complains_of(demand: int, tripped: str) -> None:
    said = LOAD_READ.answered[3:16] + bytes((demand, 0))
    with playing(on_pty([MEET, Pair(frame(0x5F), frame(0x5F, said)), LOAD_LEVEL])) as player:
        driver = load(player.resource)

        assert driver.read().tripped == tripped

        driver.close()


def test_prepare_leaves_it_off_under_remote_control_in_constant_current() -> None:
    mode = Pair(frame(0x28, b"\x00"), DONE)
    with playing(on_pty([MEET, limits(watts=1500), *LOAD_OFF, mode])) as player:
        driver = load(player.resource)
        driver.prepare()
        driver.close()


def test_a_load_that_bears_less_than_its_name_says_is_refused() -> None:
    with playing(on_pty([MEET, limits(watts=1200)])) as player:
        driver = load(player.resource)

        with pytest.raises(WrongInstrument, match="expected"):
            driver.prepare()

        driver.close()


def test_its_own_cut_off_is_set_and_read_back() -> None:
    """B9: the load ends the discharge by itself, by voltage and by time."""
    with playing(on_pty([MEET, *LOAD_ARMED, *LOAD_ARMED[4:]])) as player:
        driver = load(player.resource)

        driver.protect(ENDS)

        assert driver.read_protection() == ENDS
        driver.close()


def test_a_cut_off_that_is_not_kept_is_refused() -> None:
    fixed = Pair(frame(0x5E), frame(0x5E, b"\x00"))
    with playing(on_pty([MEET, *LOAD_ARMED[:4], fixed, *LOAD_ARMED[5:]])) as player:
        driver = load(player.resource)

        with pytest.raises(Refused, match="kept"):
            driver.protect(ENDS)

        driver.close()


def test_without_a_cut_off_nothing_would_end_it() -> None:
    script = [
        MEET,
        Pair(frame(0x5E), frame(0x5E, b"\x00")),
        LOAD_ARMED[5],
        LOAD_ARMED[6],
        Pair(frame(0x53), frame(0x53, b"\x00")),
    ]
    with playing(on_pty(script)) as player:
        driver = load(player.resource)

        assert driver.read_protection() == Cutoff(0.0, math.inf)

        driver.close()


def test_it_is_not_switched_on_without_its_own_cut_off() -> None:
    with playing(on_pty([MEET, *LOAD_OFF])) as player:
        driver = load(player.resource)

        with pytest.raises(Refused, match="cut-off first"):
            driver.output(True)

        driver.close()


def test_a_new_connection_wants_the_cut_off_anew() -> None:
    """Its power may have failed meanwhile."""
    with playing(on_pty([MEET, *LOAD_ARMED, MEET, *LOAD_OFF])) as player:
        driver = load(player.resource)
        driver.protect(ENDS)
        driver.reopen()

        with pytest.raises(Refused, match="cut-off first"):
            driver.output(True)

        driver.close()


@pytest.mark.parametrize("cutoff", [Cutoff(0.0, 60.0), Cutoff(2.5, 0.0), Cutoff(0.0004, 60.0)])
def test_a_cut_off_that_ends_nothing_is_out_of_range(cutoff: Cutoff) -> None:
    with playing(on_pty([])) as player:
        driver = load(player.resource)

        with pytest.raises(OutOfRange, match="outside"):
            driver.protect(cutoff)

        driver.close()


def test_a_level_is_set_and_read_back() -> None:
    with playing(on_pty([MEET, ROOM, SET_40_A, IN_CC, LOAD_LEVEL])) as player:
        driver = load(player.resource)
        driver.apply(40.0)
        driver.close()


def test_a_level_of_nothing_gives_no_room_and_is_set_before_the_mode() -> None:
    """It is for a load that ignores OFF: what was set for constant current before must not act."""
    nothing = Pair(frame(0x2A), DONE)
    with playing(on_pty([MEET, nothing, IN_CC, Pair(frame(0x2B), frame(0x2B))])) as player:
        driver = load(player.resource)
        driver.apply(0.0)
        driver.close()


def test_a_voltage_to_hold_its_limit_and_its_timer_are_set_and_read_back() -> None:
    """B9: level, limit, mode and function before the input is ever on."""
    script = [MEET, *HOLD_SENT, *KEEPS, *KEEPS, LOAD_READ, LIMIT_40_A]
    with playing(on_pty(script)) as player:
        driver = load(player.resource)

        driver.hold(HELD, 40.0)

        assert driver.read_protection() == HELD
        assert driver.read().level_a == 40.0
        driver.close()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({0: Pair(frame(0x5E), frame(0x5E, b"\x04"))}, "kept Cutoff.voltage_v=0.0"),
        ({1: Pair(frame(0x29), frame(0x29, b"\x00"))}, "kept Cutoff.voltage_v=0.0"),
        ({2: Pair(frame(0x2D), frame(0x2D, bytes.fromhex("60 09 00 00")))}, "voltage_v=2.4"),
        ({4: Pair(frame(0x53), frame(0x53, b"\x00"))}, "duration_s=inf"),
    ],
)
def test_a_hold_that_is_not_kept_is_refused_and_never_switched_on(
    changed: dict[int, Pair], words: str
) -> None:
    kept = [changed.get(number, pair) for number, pair in enumerate(KEEPS)]
    with playing(on_pty([MEET, *HOLD_SENT, *kept, *LOAD_OFF])) as player:
        driver = load(player.resource)

        with pytest.raises(Refused, match=words):
            driver.hold(HELD, 40.0)
        with pytest.raises(Refused, match="cut-off first"):
            driver.output(True)

        driver.close()


def test_a_limit_of_the_hold_that_is_not_kept_is_refused() -> None:
    most = Pair(frame(0x25), frame(0x25, bytes.fromhex("00 9F 24 00")))
    with playing(on_pty([MEET, *HOLD_SENT[:5], most])) as player:
        driver = load(player.resource)

        with pytest.raises(Refused, match=r"kept 240\.0 A"):
            driver.hold(HELD, 40.0)

        driver.close()


@pytest.mark.parametrize(
    ("cutoff", "limit_a"),
    [
        (HELD, 241.0),
        (HELD, math.nan),
        (Cutoff(121.0, 60.0), 40.0),
        (Cutoff(0.0, 60.0), 40.0),
        (Cutoff(2.5, 1e6), 40.0),
    ],
)
def test_a_hold_beyond_its_rating_is_out_of_range(cutoff: Cutoff, limit_a: float) -> None:
    with playing(on_pty([])) as player:
        driver = load(player.resource)

        with pytest.raises(OutOfRange, match="outside"):
            driver.hold(cutoff, limit_a)

        driver.close()


def test_after_a_hold_a_constant_current_wants_its_own_cut_off() -> None:
    script = [MEET, *HOLD_SENT, *KEEPS, ROOM, SET_40_A, IN_CC, LOAD_LEVEL, *LOAD_OFF]
    with playing(on_pty(script)) as player:
        driver = load(player.resource)
        driver.hold(HELD, 40.0)
        driver.apply(40.0)

        with pytest.raises(Refused, match="cut-off first"):
            driver.output(True)

        driver.close()


def test_a_level_that_is_not_kept_is_refused() -> None:
    ten = Pair(frame(0x2B), frame(0x2B, bytes.fromhex("A0 86 01 00")))
    with playing(on_pty([MEET, ROOM, SET_40_A, IN_CC, ten])) as player:
        driver = load(player.resource)

        with pytest.raises(Refused, match=r"kept 10\.0 A"):
            driver.apply(40.0)

        driver.close()


@pytest.mark.parametrize(
    ("status", "words"), [(0x90, "check sum"), (0xA0, "parameter"), (0xB0, "carried out")]
)
def test_a_refusal_is_named(status: int, words: str) -> None:
    refused = Pair(SET_40_A.sent, frame(0x12, bytes((status,))))
    with playing(on_pty([MEET, ROOM, refused])) as player:
        driver = load(player.resource)

        with pytest.raises(Refused, match=words):
            driver.apply(40.0)

        driver.close()


def test_an_acknowledgement_is_no_answer_to_a_question() -> None:
    with playing(on_pty([MEET, Pair(frame(0x5F), DONE)] * 2)) as player:
        driver = load(player.resource)

        with pytest.raises(BadReply, match="no answer"):
            driver.read()

        driver.close()


def test_a_write_without_an_answer_is_never_repeated() -> None:
    with playing(on_pty([MEET, ROOM, Pair(SET_40_A.sent)])) as player:
        driver = load(player.resource, timeout_s=0.6)

        with pytest.raises(InstrumentSilent):
            driver.apply(40.0)

        driver.close()
