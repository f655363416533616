"""Off is off only when the supply's state and its current say so twice; and nobody gives up.

A scripted supply stands in for misbehaviour that the wire simulators do not have (yet): late
commands, a current that stays, values that do not stick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stations.clock import RealClock, guard_s
from stations.drivers.protocols import InstrumentSilent, SupplyState
from stations.guardian.lane import Answer, Done
from stations.guardian.lockout import Lockout
from stations.guardian.off import OffKeeper
from stations.guardian.supply import SupplyHand
from stations.guardian.switched import NotOff, Overtaken, ReadBackDiffers, TooSoon
from stations.values import Identity, OffProof, Protection, Setpoint, SupplyRatings
from tests.stations.scripted_device import ScriptedDevice

RATINGS = SupplyRatings(
    model="RD6018",
    voltage_max_v=60.0,
    current_max_a=18.0,
    power_max_w=1080.0,
    voltage_resolution_v=0.01,
    current_resolution_a=0.01,
    voltage_accuracy_v=0.04,
    has_watchdog=False,
)
LATENCY_S = 0.05
SETPOINT, PROTECTION = Setpoint(3.65, 14.4), Protection(3.75, 15.1)


@dataclass
class Supply(ScriptedDevice):
    """A supply with switches for what goes wrong."""

    on: bool = True
    current_a: float = 14.4
    obeys: bool = True
    late_on_s: float = 0.0  # guard time at which an ON that timed out is obeyed after all
    sticks: bool = True
    setpoint: Setpoint = Setpoint(0.0, 0.0)  # noqa: RUF009  frozen
    protection: Protection = Protection(62.0, 18.36)  # noqa: RUF009  frozen
    ratings: SupplyRatings = RATINGS

    def identify(self) -> Identity:
        return Identity("supply", "RD6018", "00012345", "1.28")

    def output(self, on: bool) -> None:
        self.exchange("on" if on else "off")
        if self.obeys:
            self.on = on
            self.current_a = 14.4 if on else self.current_a if not self.sticks else 0.0

    def read(self) -> SupplyState:
        self.exchange("read")
        if self.late_on_s and guard_s() >= self.late_on_s:
            self.on, self.late_on_s = True, 0.0
        return SupplyState(
            setpoint=self.setpoint,
            voltage_v=3.4,
            current_a=self.current_a,
            output_on=self.on,
            regulation="CC",
            tripped="",
            raw="",
        )

    def protect(self, protection: Protection) -> None:
        self.exchange("protect")
        if self.sticks:
            self.protection = protection

    def read_protection(self) -> Protection:
        self.exchange("read protection")
        return self.protection

    def apply(self, setpoint: Setpoint) -> None:
        self.exchange("apply")
        if self.sticks:
            self.setpoint = setpoint


def hand(supply: Supply) -> SupplyHand:
    return SupplyHand(supply, RealClock(), LATENCY_S)


def test_off_is_proven_by_two_looks() -> None:
    supply = Supply()

    proof = hand(supply).off()

    assert supply.sent == ["off", "read", "read"]
    assert proof.supply_current_a == 0.0


def test_off_by_its_word_alone_is_no_proof() -> None:
    """The output says off while current flows: a relay that stuck."""
    supply = Supply(sticks=False)

    with pytest.raises(NotOff, match=r"off by its state, but 14\.4 A flow") as refused:
        hand(supply).off()

    assert refused.value.output == "on"


@pytest.mark.parametrize(("current_a", "proven"), [(0.01, True), (0.02, False), (-0.02, False)])
def test_off_means_less_than_two_counts_of_current(current_a: float, proven: bool) -> None:
    supply = Supply(sticks=False, current_a=current_a)

    if proven:
        assert hand(supply).off().supply_current_a == current_a
    else:
        with pytest.raises(NotOff):
            hand(supply).off()


def test_an_output_that_stays_on_is_said_to_be_on() -> None:
    with pytest.raises(NotOff) as refused:
        hand(Supply(obeys=False)).off()

    assert refused.value.output == "on"


def test_after_a_silence_off_is_sent_again_on_a_new_link_and_looked_at_twice_apart() -> None:
    supply = Supply(silent=1)

    began_s = guard_s()
    hand(supply).off()

    assert supply.sent == ["off", "reopen", "off", "read", "read"]
    assert guard_s() - began_s >= LATENCY_S


def test_a_late_on_that_lands_after_off_is_seen() -> None:
    supply = Supply(silent=1, late_on_s=guard_s() + LATENCY_S / 2)

    with pytest.raises(NotOff, match="reads back on after OFF"):
        hand(supply).off()


def test_a_supply_that_answers_nothing_is_unknown_and_its_link_is_made_anew() -> None:
    supply = Supply(silent=9)

    with pytest.raises(NotOff, match="no proof") as refused:
        hand(supply).off()

    assert refused.value.output == "unknown"
    assert supply.sent == ["off", "reopen", "off", "reopen"]


def test_on_is_never_sent_soon_after_a_silence() -> None:
    supply = Supply(on=False, silent=1)
    quiet = hand(supply)
    with pytest.raises(InstrumentSilent):
        quiet.read()

    with pytest.raises(TooSoon):
        quiet.energise(lambda: True)

    assert "on" not in supply.sent


def test_on_is_not_sent_when_off_was_asked_for_meanwhile() -> None:
    supply = Supply(on=False)

    with pytest.raises(Overtaken):
        hand(supply).energise(lambda: False)

    assert supply.sent == []


@pytest.mark.parametrize("sticks", [True, False])
def test_a_set_up_counts_only_when_it_reads_back(sticks: bool) -> None:
    supply = Supply(on=False, current_a=0.0, sticks=sticks)

    if sticks:
        hand(supply).configure(SETPOINT, PROTECTION)
        assert supply.sent == ["read", "protect", "read protection", "apply", "read"]
    else:
        with pytest.raises(ReadBackDiffers, match=r"OVP 3\.75 V .* was sent, 62 V"):
            hand(supply).configure(SETPOINT, PROTECTION)


def test_a_set_up_is_refused_while_the_output_is_on() -> None:
    supply = Supply(on=True)

    with pytest.raises(ReadBackDiffers, match="nothing was set"):
        hand(supply).configure(SETPOINT, PROTECTION)

    assert supply.sent == ["read"]


def test_a_turned_knob_is_noticed_at_the_next_read() -> None:
    supply = Supply(on=False, current_a=0.0)
    held = hand(supply)
    held.configure(SETPOINT, PROTECTION)
    assert held.read().as_set

    supply.setpoint = Setpoint(3.67, 14.4)

    assert not held.read().as_set


class Lane:
    """A lane whose work is done when the test says so."""

    def __init__(self, supply: Supply) -> None:
        self.hand = hand(supply)
        self.work: list[tuple[Callable[[SupplyHand], Any], Done]] = []

    def submit(self, priority: int, work: Callable[[SupplyHand], Any], done: Done) -> None:
        self.work.append((work, done))

    def run(self) -> None:
        work, done = self.work.pop(0)
        try:
            done(Answer(work(self.hand), None, 0.0, 0.0))
        except NotOff as error:
            done(Answer(None, error, 0.0, 0.0))


def keeper(supply: Supply) -> tuple[OffKeeper, Lane, list[str]]:
    lane, alarms = Lane(supply), list[str]()
    free = Lockout(Path("/nowhere/locked"))
    off = OffKeeper(lane, 0.2, alarms.append, lockout=free)  # type: ignore[arg-type]
    return off, lane, alarms


def test_nobody_says_off_before_it_is_proven() -> None:
    off, lane, _ = keeper(Supply())
    proofs: list[OffProof | None] = []

    off.demand(proofs.append)
    assert (off.output, proofs) == ("unknown", [])
    lane.run()

    assert off.output == "off"
    assert proofs == [off.last]


def test_an_off_after_an_attempt_to_switch_on_is_a_new_one() -> None:
    """Current may have flowed until then, although nobody saw the output on."""
    off, lane, _ = keeper(Supply())
    off.demand()
    lane.run()
    before = off.last

    off.shaken()
    assert (off.output, off.last) == ("unknown", None)
    off.demand()
    lane.run()

    assert off.output == "off"
    assert before is not None
    assert off.last is not None
    assert off.last.at > before.at


def test_never_gives_up_and_takes_the_voltage_away() -> None:
    supply = Supply(obeys=False)
    off, lane, alarms = keeper(supply)
    told: list[OffProof | None] = []
    proven: list[OffProof | None] = []
    off.demand(told.append)
    off.demand(proven.append, patient=True)

    for _ in range(50):
        lane.run()
        off.tick(off.due_s())

    assert off.output == "on"
    assert told == [None]  # who cannot wait is told once
    assert proven == []
    assert len(alarms) == 1
    assert "after 50 tries" in off.alarm
    assert supply.setpoint == Setpoint(0.0, 0.0)

    supply.obeys = True
    lane.run()

    assert off.output == "off"
    assert (proven, off.alarm) == ([off.last], "")


def test_whoever_waits_is_told_in_the_order_of_asking() -> None:
    off, lane, _ = keeper(Supply())
    told: list[str] = []
    off.demand(lambda proof: told.append("first"))
    off.demand(lambda proof: told.append("second"), patient=True)
    off.demand(lambda proof: told.append("third"))

    lane.run()

    assert told == ["first", "second", "third"]


def test_the_moment_of_current_stopped_is_the_first_proof() -> None:
    supply = Supply()
    off, lane, _ = keeper(supply)
    off.demand()
    lane.run()
    first = off.last
    assert first is not None

    off.demand()
    lane.run()
    again = off.last
    off.went_on()
    supply.on = True
    off.demand()
    lane.run()

    assert again == first
    assert off.last is not None
    assert off.last.at > first.at


def test_an_output_found_on_is_switched_off() -> None:
    supply = Supply()
    off, lane, _ = keeper(supply)
    off.demand()
    lane.run()

    supply.on = True
    off.seen(True, expected_on=False)

    assert off.output == "on"
    lane.run()
    assert off.output == "off"
    assert not supply.on


def test_a_supply_that_was_silent_is_proven_off_anew() -> None:
    off, lane, alarms = keeper(Supply())
    off.demand()
    lane.run()
    first = off.last

    off.unseen("the supply does not answer")
    assert (off.output, alarms) == ("unknown", ["the supply does not answer"])
    off.answered()
    off.seen(False, expected_on=False)
    assert off.output == "unknown"
    lane.run()

    assert off.output == "off"
    assert off.last is not None
    assert first is not None
    assert off.last.at > first.at
