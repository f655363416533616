"""The family's manners: one sweep over every driver in the registry."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from stations.clock import guard_s
from stations.drivers.protocols import (
    BadReply,
    InstrumentSilent,
    OutOfRange,
    WrongInstrument,
)
from stations.drivers.registry import DRIVERS
from stations.values import Protection, RelayRatings, Setpoint, SupplyRatings
from tests.stations.drivers.cases import CASES, Case, answer, coils_answer
from tests.stations.drivers.transcript import Pair, playing

IMPATIENT_S = 0.6  # for transcripts in which something never comes
PATIENT_S = 10.0

every_driver = pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
# The models of one family differ in scales and ratings only.
every_family = pytest.mark.parametrize(
    "case",
    [case for case in CASES if "riden" not in case.key or "rd6018" in case.key],
    ids=lambda case: case.key,
)
every_supply = pytest.mark.parametrize(
    "case",
    [case for case in CASES if DRIVERS[case.key].role == "supply"],
    ids=lambda case: case.key,
)
every_relay_board = pytest.mark.parametrize(
    "case",
    [case for case in CASES if DRIVERS[case.key].role == "relay"],
    ids=lambda case: case.key,
)

Damage = Callable[[Case], bytes]

DAMAGES: dict[str, Damage] = {
    "garbage": lambda case: b"\x00\xff\x13#?" + case.end,
    "empty": lambda case: case.end or b"\x01",
    "first half": lambda case: case.read.answered[: len(case.read.answered) // 2] + case.end,
    "second half": lambda case: case.read.answered[len(case.read.answered) // 2 :],
    "first byte lost": lambda case: case.read.answered[1:],
    "last byte lost": lambda case: (
        case.read.answered.removesuffix(case.end)[:-1] + case.end
        if case.end
        else case.read.answered[:-1]
    ),
    "doubled": lambda case: case.read.answered * 2,
    "doubled on one line": lambda case: (
        case.read.answered.removesuffix(case.end) + case.read.answered
    ),
    "junk before": lambda case: b"\x07" + case.read.answered,
    "junk after": lambda case: case.read.answered.removesuffix(case.end) + b" V" + case.end,
    "another's answer": lambda case: case.identify.answered,
}
every_damage = pytest.mark.parametrize("name", DAMAGES)
ENDS_IN_SILENCE = ("empty", "first half", "last byte lost")  # where no line end says it is over


def damaged(case: Case, name: str) -> Pair:
    return replace(case.read, answered=DAMAGES[name](case))


def time_out_s(case: Case, name: str) -> float:
    return IMPATIENT_S if name in ENDS_IN_SILENCE and not case.end else PATIENT_S


def test_every_driver_has_a_case() -> None:
    assert {case.key for case in CASES} == set(DRIVERS)


@pytest.mark.parametrize("key", DRIVERS)
def test_declares_its_ratings(key: str) -> None:
    spec = DRIVERS[key]
    ratings = spec.ratings

    assert ratings.model.lower() in key
    if isinstance(ratings, RelayRatings):
        assert spec.role == "relay"
        assert ratings.channels >= 1
        assert 10 <= ratings.hold_max_s < math.inf
        return
    assert math.isfinite(ratings.voltage_max_v)
    assert ratings.voltage_max_v > 0
    if isinstance(ratings, SupplyRatings):
        assert spec.role == "supply"
        assert ratings.current_max_a > 0
        assert 0 < ratings.voltage_resolution_v <= 0.01
    else:
        assert spec.role in ("meter", "scanner")
        assert 0 < ratings.accuracy_v < 0.001
        assert ratings.channels >= 1


@every_driver
def test_sends_nothing_until_it_is_used(case: Case) -> None:
    with playing(case.player([])) as player:
        driver = case.open(player.resource)
        assert driver.ratings == DRIVERS[case.key].ratings
        driver.close()


@every_driver
def test_tells_who_it_is(case: Case) -> None:
    with playing(case.player([case.identify])) as player:
        driver = case.open(player.resource)

        assert driver.identify() == case.identity

        driver.close()


@every_driver
def test_reads_its_numbers(case: Case) -> None:
    with playing(case.player([*case.wake, case.read, case.read])) as player:
        driver = case.open(player.resource)

        assert case.numbers(driver) == case.expected
        assert case.numbers(driver) == case.expected

        driver.close()


@every_damage
@every_family
def test_a_damaged_answer_is_no_number(case: Case, name: str) -> None:
    # Played twice: a read may be repeated once, on a new connection.
    script = [*case.wake, damaged(case, name)]
    with playing(case.player(script * 2)) as player:
        driver = case.open(player.resource, timeout_s=time_out_s(case, name))

        with pytest.raises((BadReply, InstrumentSilent)):
            case.numbers(driver)

        driver.close()


@every_damage
@every_family
def test_the_read_after_a_damaged_one_is_right(case: Case, name: str) -> None:
    script = [*case.wake, damaged(case, name), *case.wake, case.read]
    with playing(case.player(script)) as player:
        driver = case.open(player.resource, timeout_s=time_out_s(case, name))

        assert case.numbers(driver) == case.expected

        driver.close()


@every_family
def test_a_late_answer_never_answers_the_next_question(case: Case) -> None:
    """It comes when the repeated read is already under way, in front of the right answer."""
    other = _another_reading(case)
    late = replace(case.read, answered=b"", late=other)
    with playing(case.player([*case.wake, late, *case.wake, case.read, case.read])) as player:
        driver = case.open(player.resource, timeout_s=IMPATIENT_S)

        assert case.numbers(driver) == case.expected
        assert case.numbers(driver) == case.expected

        driver.close()


@every_family
def test_silence_is_an_error_and_no_zero(case: Case) -> None:
    with playing(case.player([Pair(case.identify.sent), Pair(case.identify.sent)])) as player:
        driver = case.open(player.resource, timeout_s=IMPATIENT_S)

        with pytest.raises(InstrumentSilent):
            case.numbers(driver)

        driver.close()


@every_driver
def test_a_line_that_goes_dead_is_noticed_at_once(case: Case) -> None:
    half = replace(case.read, answered=case.read.answered[:5], hang_up=True)
    with playing(case.player([*case.wake, half])) as player:
        driver = case.open(player.resource, timeout_s=60.0)
        started_s = guard_s()

        with pytest.raises(InstrumentSilent):
            case.numbers(driver)

        assert guard_s() - started_s < 30.0
        driver.close()


@every_driver
def test_another_model_is_refused(case: Case) -> None:
    stranger = Pair(case.identify.sent, _another_model(case))
    with playing(case.player([stranger])) as player:
        driver = case.open(player.resource)

        with pytest.raises(WrongInstrument, match="expected"):
            driver.prepare()

        driver.close()


@every_driver
def test_the_instrument_that_is_back_must_be_the_same(case: Case) -> None:
    """F1: somebody may have changed the cables while the link was down."""
    with playing(case.player([case.identify, _another_serial_number(case)])) as player:
        driver = case.open(player.resource)
        driver.identify()
        driver.reopen()

        with pytest.raises(WrongInstrument, match="found"):
            case.numbers(driver)

        driver.close()


@every_supply
@pytest.mark.parametrize("factor", [-0.01, 1.01, 1e9, math.inf, math.nan])
def test_refuses_what_is_out_of_range_and_sends_nothing(case: Case, factor: float) -> None:
    with playing(case.player([])) as player:
        driver = case.open(player.resource)
        ratings = driver.ratings
        volts, amps = ratings.voltage_max_v * factor, ratings.current_max_a * factor

        with pytest.raises(OutOfRange, match="outside"):
            driver.apply(Setpoint(volts, 1.0))
        with pytest.raises(OutOfRange, match="outside"):
            driver.apply(Setpoint(3.65, amps))
        with pytest.raises(OutOfRange, match="outside"):
            driver.protect(Protection(2 * volts, 1.0))
        with pytest.raises(OutOfRange, match="outside"):
            driver.protect(Protection(3.75, 2 * amps))

        driver.close()


@every_supply
def test_closing_leaves_the_output_off(case: Case) -> None:
    on = bytes.fromhex("01 06 00 12 00 01 E8 0F")
    off = bytes.fromhex("01 06 00 12 00 00 29 CF")
    with playing(case.player([*case.wake, Pair(on, on), Pair(off, off)])) as player:
        driver = case.open(player.resource)

        driver.output(True)
        driver.close()


@every_relay_board
@pytest.mark.parametrize(
    ("channel", "seconds"),
    [(0, 1.0), (9, 1.0), (-1, 1.0), (1, 0.0), (1, 1e9), (1, math.inf), (1, math.nan)],
)
def test_a_relay_board_refuses_what_it_does_not_have(
    case: Case, channel: int, seconds: float
) -> None:
    with playing(case.player([])) as player:
        driver = case.open(player.resource)

        with pytest.raises(OutOfRange, match="outside"):
            driver.hold(channel, seconds)

        driver.close()


@every_relay_board
def test_closing_leaves_no_relay_closed(case: Case) -> None:
    hold = bytes.fromhex("01 05 02 00 00 05 0C 71")
    release = bytes.fromhex("01 05 00 00 00 00 CD CA")
    script = [*case.wake, Pair(hold, hold), Pair(release, release)]
    with playing(case.player(script)) as player:
        driver = case.open(player.resource)

        driver.hold(1, 0.5)
        driver.close()


def _another_model(case: Case) -> bytes:
    """What another model of the family says to the same question."""
    if DRIVERS[case.key].role == "relay":
        return answer(case.identify.sent, 100)  # an older protocol on the same board
    other = next(c for c in CASES if c.player is case.player and c.key != case.key)
    return other.identify.answered


def _another_reading(case: Case) -> bytes:
    """A well-formed answer to the same question with other numbers in it."""
    if case.end:
        return case.read.answered.replace(b"3.", b"2.")
    if DRIVERS[case.key].role == "relay":
        return coils_answer(case.read.sent, 0xA0)
    return answer(case.read.sent, *range(8), 0, 0, 0)


def _another_serial_number(case: Case) -> Pair:
    if case.end:
        return replace(case.identify, answered=case.identify.answered.replace(b",MY", b",US"))
    if DRIVERS[case.key].role == "relay":  # it has none: a board of another version
        return replace(case.identify, answered=answer(case.identify.sent, 201))
    model_id = int.from_bytes(case.identify.answered[3:5], "big")
    return replace(case.identify, answered=answer(case.identify.sent, model_id, 0, 54321, 128))
