"""The family's manners: one sweep over every driver in the registry."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stations.clock import guard_s
from stations.drivers.protocols import (
    BadReply,
    InstrumentSilent,
    OutOfRange,
    WrongInstrument,
)
from stations.drivers.registry import DRIVERS
from stations.values import (
    BmsRatings,
    Cutoff,
    LoadRatings,
    MeterRatings,
    Protection,
    RelayRatings,
    Setpoint,
    SupplyRatings,
    ThermometerRatings,
)
from tests.stations.drivers.case import Case
from tests.stations.drivers.cases import CASES
from tests.stations.drivers.transcript import Pair, playing

IMPATIENT_S = 0.6  # for transcripts in which something never comes
PATIENT_S = 10.0


def _each(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.key)


every_driver = _each(CASES)
every_family = _each([case for case in CASES if case.stands_for_family])
every_told_apart = _each([case for case in CASES if case.stranger])
every_supply = _each([case for case in CASES if case.role == "supply"])
every_load = _each([case for case in CASES if case.role == "load"])
every_switched = _each([case for case in CASES if case.on])
every_relay_board = _each([case for case in CASES if case.role == "relay"])

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
    "another's answer": lambda case: case.meet[0].answered,
}
every_damage = pytest.mark.parametrize("name", DAMAGES)
ENDS_IN_SILENCE = ("empty", "first half", "last byte lost")  # where no line end says it is over


def damaged(case: Case, name: str) -> Pair:
    return replace(case.read, answered=DAMAGES[name](case))


def time_out_s(case: Case, name: str) -> float:
    return IMPATIENT_S if name in ENDS_IN_SILENCE and not case.end else PATIENT_S


def test_every_driver_has_a_case() -> None:
    assert {case.key for case in CASES} == set(DRIVERS)


ROLE_OF = {
    SupplyRatings: ("supply",),
    MeterRatings: ("meter", "scanner"),
    LoadRatings: ("load",),
    RelayRatings: ("relay",),
    BmsRatings: ("bms",),
    ThermometerRatings: ("thermometer",),
}
BOUNDS = {  # what is declared, and what no instrument of this shop is beyond
    "voltage_max_v": 1000.0,
    "current_max_a": 1000.0,
    "power_max_w": 20_000.0,
    "duration_max_s": 7 * 86400.0,
    "voltage_resolution_v": 0.01,
    "current_resolution_a": 0.1,
    "resolution_v": 0.001,
    "voltage_accuracy_v": 0.1,
    "accuracy_v": 0.01,
    "resolution_c": 0.1,
    "accuracy_c": 1.0,
    "channels": 60,
    "hold_max_s": 3600.0,
    "cells_max": 32,
}


@pytest.mark.parametrize("key", DRIVERS)
def test_declares_its_ratings(key: str) -> None:
    spec = DRIVERS[key]
    ratings = spec.ratings

    assert spec.role in ROLE_OF[type(ratings)]
    assert _letters(ratings.model) in _letters(key)
    declared = {name: getattr(ratings, name) for name in BOUNDS if hasattr(ratings, name)}
    assert len(declared) >= 2
    for name, value in declared.items():
        assert 0 < value <= BOUNDS[name], name


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


@every_driver
def test_sends_nothing_until_it_is_used(case: Case) -> None:
    with playing(case.player([])) as player:
        driver = case.open(player.resource)
        assert driver.ratings == DRIVERS[case.key].ratings
        driver.close()


@every_driver
def test_tells_who_it_is(case: Case) -> None:
    with playing(case.player(case.meet)) as player:
        driver = case.open(player.resource)

        assert driver.identify() == case.identity

        driver.close()


@every_driver
def test_reads_its_numbers(case: Case) -> None:
    with playing(case.player([*case.wake, *case.reading, *case.reading])) as player:
        driver = case.open(player.resource)

        assert case.numbers(driver) == case.expected
        assert case.numbers(driver) == case.expected

        driver.close()


@every_damage
@every_family
def test_a_damaged_answer_is_no_number(case: Case, name: str) -> None:
    # Played twice: a read may be repeated once, on a new connection.
    script = [*case.wake, *case.before, damaged(case, name)]
    with playing(case.player(script * 2)) as player:
        driver = case.open(player.resource, timeout_s=time_out_s(case, name))

        with pytest.raises((BadReply, InstrumentSilent)):
            case.numbers(driver)

        driver.close()


@every_damage
@every_family
def test_the_read_after_a_damaged_one_is_right(case: Case, name: str) -> None:
    script = [*case.wake, *case.before, damaged(case, name), *case.wake, *case.reading]
    with playing(case.player(script)) as player:
        driver = case.open(player.resource, timeout_s=time_out_s(case, name))

        assert case.numbers(driver) == case.expected

        driver.close()


@every_family
def test_a_late_answer_never_answers_the_next_question(case: Case) -> None:
    """It comes when the repeated read is already under way, in front of the right answer."""
    late = replace(case.read, answered=b"", late=case.other)
    script = [*case.wake, *case.before, late, *case.wake, *case.reading, *case.reading]
    with playing(case.player(script)) as player:
        driver = case.open(player.resource, timeout_s=IMPATIENT_S)

        assert case.numbers(driver) == case.expected
        assert case.numbers(driver) == case.expected

        driver.close()


@every_family
def test_silence_is_an_error_and_no_zero(case: Case) -> None:
    with playing(case.player([Pair(case.meet[0].sent)] * case.tries)) as player:
        driver = case.open(player.resource, timeout_s=IMPATIENT_S)

        with pytest.raises(InstrumentSilent):
            case.numbers(driver)

        driver.close()


@every_driver
def test_a_line_that_goes_dead_is_noticed_at_once(case: Case) -> None:
    half = replace(case.read, answered=case.read.answered[:3], hang_up=True)
    with playing(case.player([*case.wake, *case.before, half])) as player:
        driver = case.open(player.resource, timeout_s=60.0)
        started_s = guard_s()

        with pytest.raises(InstrumentSilent):
            case.numbers(driver)

        assert guard_s() - started_s < 30.0
        driver.close()


@every_told_apart
def test_another_model_is_refused(case: Case) -> None:
    with playing(case.player([replace(case.meet[0], answered=case.stranger)])) as player:
        driver = case.open(player.resource)

        with pytest.raises(WrongInstrument, match="expected"):
            driver.prepare()

        driver.close()


@every_driver
def test_the_instrument_that_is_back_must_be_the_same(case: Case) -> None:
    """F1: somebody may have changed the cables while the link was down."""
    namesake = [replace(case.meet[0], answered=case.namesake), *case.meet[1:]]
    with playing(case.player([*case.meet, *namesake])) as player:
        driver = case.open(player.resource)
        driver.identify()
        driver.reopen()

        with pytest.raises(WrongInstrument, match="found"):
            case.numbers(driver)

        driver.close()


@pytest.mark.parametrize("text", ["NaN", "+9.90000000E+37", "+9.91E+37", "inf", "OVLD", "3,30"])
@every_family
def test_what_is_no_number_is_never_taken_for_one(case: Case, text: str) -> None:
    said = replace(case.read, answered=text.encode() + case.end)
    script = [*case.wake, *case.before, said]
    with playing(case.player(script * 2), whole=False) as player:
        driver = case.open(player.resource, timeout_s=IMPATIENT_S)

        try:
            numbers = case.numbers(driver)
        except (BadReply, InstrumentSilent):
            numbers = ()

        assert all(math.isnan(number) for number in numbers)
        driver.close()


FACTORS = pytest.mark.parametrize("factor", [-0.01, 1.01, 1e9, math.inf, math.nan])


@FACTORS
@every_supply
def test_a_supply_refuses_what_is_out_of_range_and_sends_nothing(case: Case, factor: float) -> None:
    with playing(case.player([])) as player:
        driver = case.open(player.resource)
        ratings = driver.ratings
        volts, amps = ratings.voltage_max_v * factor, ratings.current_max_a * factor

        _refuses(driver.apply, Setpoint(volts, 1.0), Setpoint(3.65, amps))
        _refuses(driver.protect, Protection(2 * volts, 1.0), Protection(3.75, 2 * amps))

        driver.close()


@FACTORS
@every_load
def test_a_load_refuses_what_is_out_of_range_and_sends_nothing(case: Case, factor: float) -> None:
    with playing(case.player([])) as player:
        driver = case.open(player.resource)
        ratings = driver.ratings
        volts, seconds = ratings.voltage_max_v * factor, ratings.duration_max_s * factor

        _refuses(driver.apply, ratings.current_max_a * factor)
        _refuses(driver.protect, Cutoff(volts, 60.0), Cutoff(2.5, seconds))

        driver.close()


def _refuses(act: Callable[[Any], None], *values: Any) -> None:
    for value in values:
        with pytest.raises(OutOfRange, match="outside"):
            act(value)


@every_switched
def test_off_goes_out_before_anything_else(case: Case) -> None:
    with playing(case.player([*case.off, *case.wake, *case.reading])) as player:
        driver = case.open(player.resource)

        driver.output(False)

        assert case.numbers(driver) == case.expected
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


@every_switched
def test_a_read_tells_whether_it_is_on(case: Case) -> None:
    with playing(case.player([*case.wake, *case.reading])) as player:
        driver = case.open(player.resource)

        assert driver.read().output_on is True

        driver.close()


@every_switched
def test_closing_leaves_the_output_off(case: Case) -> None:
    with playing(case.player([*case.wake, *case.on, *case.off, *case.release])) as player:
        driver = case.open(player.resource)

        case.energise(driver)
        driver.close()
