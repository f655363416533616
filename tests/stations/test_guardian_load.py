"""The load beside the supply: set, read back, and off only where both are (F1, B16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stations.clock import RealClock
from stations.drivers.protocols import LoadState, OutOfRange
from stations.guardian.envelope import judge
from stations.guardian.lane import Answer, Done
from stations.guardian.load import LoadHand
from stations.guardian.lockout import Lockout
from stations.guardian.off import OffKeeper
from stations.guardian.sampler import Sample, reading_of
from stations.guardian.session import draw_problem, limits_problem
from stations.guardian.switched import NotOff, ReadBack, ReadBackDiffers
from stations.values import NAN, Cutoff, Draw, Identity, LoadRatings, OffProof, Reading
from tests.stations.procedures.scripted import LOAD
from tests.stations.scripted_device import ScriptedDevice
from tests.stations.test_guardian_envelope import FINE, LIMITS, START, TALLY
from tests.stations.test_guardian_off import Lane as SupplyLane
from tests.stations.test_guardian_off import Supply
from tests.stations.test_guardian_sampler import AT, GOOD, supply

DRAW = Draw(40.0, Cutoff(2.2, 3600.0))
HOLD = Draw(40.0, Cutoff(2.505, 3600.0), holds=True)
DRAWING = replace(LIMITS, drawn_max_a=42.0, drawn_max_ah=10.0)


@dataclass
class ScriptedLoad(ScriptedDevice):
    """A load with switches for what goes wrong."""

    on: bool = False
    obeys: bool = True
    keeps: bool = True
    level_a: float = 0.0
    cutoff: Cutoff = Cutoff(0.0, 0.0)  # noqa: RUF009  frozen
    ratings: LoadRatings = LOAD

    def identify(self) -> Identity:
        return Identity("load", "IT8514C+", "8000123456", "1.12")

    def output(self, on: bool) -> None:
        self.exchange("on" if on else "off")
        if self.obeys:
            self.on = on

    def read(self) -> LoadState:
        self.exchange("read")
        return LoadState(self.level_a, 3.2, self.level_a if self.on else 0.0, self.on, "CC", "", "")

    def protect(self, cutoff: Cutoff) -> None:
        self.exchange("protect")
        if self.keeps:
            self.cutoff = cutoff

    def read_protection(self) -> Cutoff:
        self.exchange("read protection")
        return self.cutoff

    def hold(self, cutoff: Cutoff, limit_a: float) -> None:
        self.exchange("hold")
        if self.keeps:
            self.cutoff, self.level_a = cutoff, limit_a

    def apply(self, level_a: float) -> None:
        self.exchange("apply")
        if self.keeps:
            self.level_a = level_a


def hand(load: ScriptedLoad) -> LoadHand:
    return LoadHand(load, RealClock(), 0.05)


def test_its_own_ends_are_set_before_its_current_and_both_read_back() -> None:
    load = ScriptedLoad()

    hand(load).configure(DRAW)

    assert load.sent == ["read", "protect", "read protection", "apply", "read"]
    assert (load.level_a, load.cutoff) == (40.0, DRAW.cutoff)


def test_a_hold_is_set_with_its_ends_and_both_are_read_back() -> None:
    load = ScriptedLoad()
    held = hand(load)

    held.configure(HOLD)

    assert load.sent == ["read", "hold", "read protection", "read"]
    load.cutoff = Cutoff(0.0, 3600.0)  # it holds nothing any more
    held._protection_seen_s = 0.0  # a second later
    assert (held.read().as_set, held.read().protected) == (True, False)


def test_a_load_that_holds_no_voltage_is_asked_for_none() -> None:
    load = ScriptedLoad(ratings=replace(LOAD, has_cv=False))

    with pytest.raises(OutOfRange, match="holds no voltage"):
        hand(load).configure(HOLD)

    assert load.sent == []


@pytest.mark.parametrize(
    ("load", "words"),
    [(ScriptedLoad(on=True), "load is on"), (ScriptedLoad(keeps=False), "cut-off at 2.2 V")],
)
def test_a_load_that_is_on_or_keeps_other_values_is_not_used(
    load: ScriptedLoad, words: str
) -> None:
    with pytest.raises(ReadBackDiffers, match=words):
        hand(load).configure(DRAW)


def test_another_current_or_other_ends_are_seen_in_a_reading() -> None:
    load = ScriptedLoad()
    held = hand(load)
    held.configure(DRAW)
    assert (held.read().as_set, held.read().protected) == (True, True)

    load.level_a = 41.0
    load.cutoff = Cutoff(0.0, 3600.0)
    held._protection_seen_s = 0.0  # a second later

    assert (held.read().as_set, held.read().protected) == (False, False)


def test_on_is_refused_while_somebody_wants_it_off_and_seen_when_obeyed() -> None:
    load = ScriptedLoad()
    held = hand(load)
    held.configure(DRAW)

    held.energise(lambda: True)
    assert load.on
    with pytest.raises(NotOff, match="load reads back on"):
        held.look()

    assert held.off().supply_current_a == 0.0
    assert not load.on


class LoadLane:
    """A lane whose work is done when the test says so."""

    def __init__(self, load: ScriptedLoad) -> None:
        self.hand = hand(load)
        self.work: list[tuple[Callable[[LoadHand], Any], Done]] = []

    def submit(self, priority: int, work: Callable[[LoadHand], Any], done: Done) -> None:
        self.work.append((work, done))

    def run(self) -> None:
        work, done = self.work.pop(0)
        try:
            done(Answer(work(self.hand), None, 0.0, 0.0))
        except NotOff as error:
            done(Answer(None, error, 0.0, 0.0))


def keeper(load: ScriptedLoad) -> tuple[OffKeeper, SupplyLane, LoadLane]:
    lane, beside = SupplyLane(Supply()), LoadLane(load)
    free = Lockout(Path("/nowhere/locked"))
    off = OffKeeper(lane, 0.2, lambda words: None, lockout=free, load=beside)  # type: ignore[arg-type]
    return off, lane, beside


def test_off_is_both_and_its_moment_the_later_one() -> None:
    off, lane, beside = keeper(ScriptedLoad(on=True, level_a=40.0))
    proofs: list[OffProof | None] = []

    off.demand(proofs.append)
    lane.run()
    assert (off.output, proofs) == ("unknown", [])
    beside.run()

    assert off.output == "off"
    assert proofs == [off.last]


@pytest.mark.parametrize(
    ("load", "output", "words"),
    [
        (ScriptedLoad(on=True, obeys=False, level_a=40.0), "on", "load reads back on"),
        (ScriptedLoad(silent=99), "unknown", "no answer"),
    ],
)
def test_a_supply_that_is_off_is_no_off_where_the_load_is_not(
    load: ScriptedLoad, output: str, words: str
) -> None:
    off, lane, beside = keeper(load)
    told: list[OffProof | None] = []
    off.demand(told.append)

    for _ in range(4):
        beside.run()
        lane.run()
        off.tick(off.due_s())

    assert off.output == output
    assert words in off.alarm
    assert told == [None]


def load_read(*, on: bool = True, tripped: str = "", **changes: Any) -> ReadBack[LoadState]:
    state = LoadState(40.0, 3.0, 40.0 if on else 0.0, on, "CC", tripped, "aa 00")
    return ReadBack(replace(state), **({"as_set": True, "protected": True} | changes))


def reading(load: ReadBack[LoadState] | None, **changes: Any) -> Reading:
    heard = dict(GOOD) | {"supply": supply(on=False)} | ({"load": load} if load else {})
    sample = Sample(began_s=10.0, pending=set(), heard=heard)
    sample.oldest_s = 10.0
    fields: dict[str, Any] = {"expected_on": True, "driven": "load", **changes}
    return reading_of(
        sample, seq=1, at=AT, received_at=AT, now_s=10.1, cells=2, stuck=frozenset(), **fields
    )


def test_a_reading_of_a_draw_has_the_loads_volts_and_a_current_below_zero() -> None:
    seen = reading(load_read())

    assert (seen.output_on, seen.supply_voltage_v, seen.supply_current_a) == (True, 3.0, -40.0)
    assert (seen.voltage_v, seen.regulation, seen.flags) == (3.4, "CC", frozenset())


@pytest.mark.parametrize(
    ("load", "flag"),
    [
        (None, "load_silent"),
        (load_read(as_set=False), "load_setpoint"),
        (load_read(protected=False), "load_protection"),
        (load_read(on=False, tripped="OT"), "load_tripped_ot"),
    ],
)
def test_what_is_odd_about_the_load_is_a_flag(load: ReadBack[LoadState] | None, flag: str) -> None:
    seen = reading(load)

    assert seen.flags == {flag}
    assert (seen.supply_current_a != seen.supply_current_a) == (load is None)


def drawn(**changes: Any) -> Reading:
    return replace(FINE, supply_current_a=-40.0, supply_voltage_v=3.0, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"supply_current_a": -42.1}, "current 42.10 A, above 42.00 A"),
        ({"supply_current_a": NAN}, "current nan A"),
        ({"voltage_v": 2.49}, "bank at 2.490 V"),
        ({"cell_voltages_v": (3.4, 2.44)}, "cell 2 at 2.440 V"),
        ({"flags": frozenset({"load_tripped_ot"}), "output_on": False}, "the load switched itself"),
        ({"at": START + timedelta(seconds=1000)}, "Ah drawn, above 10.0 Ah"),
    ],
)
def test_a_draw_is_judged_by_its_own_limits(changes: dict[str, Any], words: str) -> None:
    tally = replace(TALLY, last_current_a=-40.0)

    _, verdict = judge(DRAWING, tally, replace(drawn(), **changes), expected_on=True, draws=True)

    assert (verdict is None) == (words == "")
    assert verdict is None or (verdict.kind == "trip" and words in verdict.reason)


@pytest.mark.parametrize("astray", ["supply", "load"])
def test_the_other_one_found_on_is_a_safe_hold_at_once(astray: str) -> None:
    _, verdict = judge(DRAWING, TALLY, drawn(), expected_on=True, draws=True, astray=astray)

    assert verdict is not None
    assert (verdict.kind, f"the {astray} was found on" in verdict.reason) == ("safe_hold", True)


def test_what_a_charge_delivers_is_no_draw() -> None:
    tally, verdict = judge(LIMITS, TALLY, replace(FINE, supply_current_a=-0.01), expected_on=True)

    assert (tally.drawn_ah, verdict) == (0.0, None)


@pytest.mark.parametrize(
    ("draw", "allowed"),
    [
        (DRAW, True),
        (replace(DRAW, current_a=42.1), False),
        (replace(DRAW, current_a=NAN), False),
        (replace(DRAW, cutoff=Cutoff(NAN, 60.0)), False),
        (replace(DRAW, cutoff=Cutoff(2.2, 0.0)), False),
        (replace(HOLD, cutoff=Cutoff(DRAWING.bank_voltage_min_v, 60.0)), True),
        (replace(HOLD, cutoff=Cutoff(DRAWING.bank_voltage_min_v - 0.001, 60.0)), False),
    ],
)
def test_a_draw_needs_limits_and_ends_of_its_own(draw: Draw, allowed: bool) -> None:
    assert (draw_problem(DRAWING, draw) == "") == allowed
    assert draw_problem(LIMITS, draw) != ""


def test_limits_may_forbid_any_draw_and_must_be_numbers() -> None:
    assert limits_problem(LIMITS) == limits_problem(DRAWING) == ""
    assert "drawn_max_a" in limits_problem(replace(LIMITS, drawn_max_a=NAN))
    assert "drawn_max_ah" in limits_problem(replace(LIMITS, drawn_max_ah=-1.0))
