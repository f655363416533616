"""Each kind of fault at each instrument: set by the hands, seen on the wire by its driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from stations.clock import guard_s
from stations.config import load
from stations.drivers.protocols import BadReply, InstrumentError, InstrumentSilent
from stations.drivers.registry import open_relays
from stations.sim import kinds
from stations.sim.faults import INSTRUMENTS
from stations.sim.folder import Folder
from stations.sim.kinds import KINDS, NO_MEANING
from stations.values import Cutoff, Protection, Setpoint
from tests.stations.sim.driven import driver_of
from tests.stations.sim.harness import cell
from tests.stations.sim.inside import Inside, Rtu, inside
from tests.wait import wait_until

CELLS = 4
PATIENT_S, BRIEF_S = 3.0, 0.4
HELD_S = 60.0  # far longer than any test here
FOLDER = Folder(
    cells=[cell(soc=0.95)] * CELLS,
    relay=True,
    router=True,
    more=("itech_it8514c", "jbd_bms", "eletechsup_r4dcb08"),
    bms={"over_v": 3.65},
)
SERIAL = ("supply", "relay", "router", "load", "bms", "thermometer")


@dataclass
class Driven:
    """One instrument by its production driver, and the hands that break it."""

    bench: Inside
    role: str
    device: Any

    def fault(self, name: str) -> None:
        self.bench.hands.fault(self.role, name)

    def state(self) -> Any:
        return self.bench.hands.state()

    def patience(self, seconds: float) -> None:
        """The same instrument over a new line, with a driver that waits so long."""
        self.device.close()
        self.device = opened(self.bench, self.role, seconds)

    def read(self) -> Any:
        """What it tells of the bench: its measurement, or the state of its relays."""
        if self.role in ("meter", "scanner"):
            return self.device.measure().volts
        if self.role == "thermometer":
            return self.device.measure().celsius
        return self.device.read()

    def shown(self) -> float:
        """The first figure that it measures."""
        seen = self.read()
        if self.role == "bms":
            return float(seen.cell_volts[0])
        return float(seen.voltage_v if self.role in ("supply", "load") else seen[0])

    def says_on(self) -> bool:
        """Whether its output, its switch or its first relay reads back on or closed."""
        seen = self.device.read()
        if self.role in ("relay", "router"):
            return 1 in seen.closed
        return bool(seen.charge_on if self.role == "bms" else seen.output_on)

    def is_on(self) -> bool:
        """The truth of the same."""
        state = self.state()
        told: Mapping[str, bool] = {
            "supply": state["output"],
            "load": state["load"],
            "bms": not state["bms_open"],
            "relay": state["contactor"] == "closed",
            "router": state["alone"] == 1,
        }
        return told[self.role]

    def switch(self, on: bool) -> None:
        """By its driver, set up so far that it obeys; a BMS is switched by its cells alone."""
        if self.role in ("relay", "router"):
            self.device.hold(1, HELD_S) if on else self.device.release(1)
            return
        if on and self.role == "supply":
            self.device.protect(Protection(ovp_v=3.75, ocp_a=15.0))
            self.device.apply(Setpoint(3.65, 10.0))
        if on and self.role == "load":
            self.device.protect(Cutoff(2.0, 3600.0))
            self.device.apply(5.0)
        self.device.output(on)


def opened(bench: Inside, role: str, timeout_s: float) -> Any:
    if role == "router":
        router = load(bench.path / "bench.toml").router
        assert router is not None
        return open_relays(router.driver, router.resource, address=2, timeout_s=timeout_s)
    return driver_of(bench, role, timeout_s)


@pytest.fixture
def driven(tmp_path: Path, role: str) -> Iterator[Driven]:
    """Leads on the joined cells, the contactor closed where the load or the supply needs it."""
    with inside(tmp_path, FOLDER) as bench:
        made = Driven(bench, role, opened(bench, role, PATIENT_S))
        made.device.prepare()
        yield made
        with suppress(InstrumentError):
            made.device.close()


def joined(driven: Driven) -> None:
    """The bank on the leads, through a contactor that is held closed."""
    driven.bench.hands.post("/links/on")
    contactor = opened(driven.bench, "relay", PATIENT_S)
    contactor.prepare()
    contactor.hold(1, HELD_S)
    contactor._link.close()  # and left closed


def energised(driven: Driven) -> None:
    """Current flows: what sticks, sticks while it does."""
    joined(driven)
    supply = driven.device if driven.role == "supply" else opened(driven.bench, "supply", PATIENT_S)
    supply.prepare()
    supply.protect(Protection(ovp_v=3.75, ocp_a=15.0))
    supply.apply(Setpoint(3.65, 10.0))
    supply.output(True)
    wait_until(lambda: driven.state()["supply_current_a"] > 1.0)
    if supply is not driven.device:
        supply._link.close()


# What each kind does on the wire


def is_silent(driven: Driven) -> None:
    with pytest.raises(InstrumentSilent):
        driven.read()


def is_not_believed(driven: Driven) -> None:
    """No answer, or none that a driver takes for one."""
    with pytest.raises((InstrumentSilent, BadReply)):
        driven.read()
    assert driven.bench.truth("spoilt")


def comes_late(driven: Driven) -> None:
    began_s = guard_s()
    driven.patience(PATIENT_S)
    driven.device.prepare()
    driven.read()
    assert guard_s() - began_s >= 0.2


def echoes_another(driven: Driven) -> None:
    is_probe = driven.role == "thermometer"
    with pytest.raises(BadReply):
        driven.device.prepare() if is_probe else driven.switch(on=True)


def sticks(driven: Driven) -> None:
    first = driven.shown()
    at = driven.state()["at"]
    wait_until(lambda: driven.state()["at"] > at)
    assert {driven.shown() for _ in range(3)} == {first}


def drifts(driven: Driven) -> None:
    first = driven.shown()
    wait_until(lambda: driven.shown() < first - 0.02)


def stays_on(driven: Driven) -> None:
    with suppress(InstrumentError):  # a driver may notice by itself
        driven.switch(on=False)
    assert driven.says_on()
    assert driven.is_on()


def lies(driven: Driven) -> None:
    driven.switch(on=False)
    assert not driven.says_on()
    assert driven.is_on()


def overshoots(driven: Driven) -> None:
    if driven.role == "supply":
        driven.device.apply(Setpoint(3.30, 10.0))  # below the bank: what it regulates is seen
        driven.bench.hands.post("/links/off")
        assert driven.shown() == pytest.approx(3.38, abs=0.02)
    else:
        assert driven.device.read().drawn_a == pytest.approx(10.0, abs=0.1)


def holds_on(driven: Driven) -> None:
    """A relay that is told to close for half a second is closed long after."""
    driven.switch(on=False)
    driven.device.hold(1, 0.5)
    until_s = guard_s() + 0.9
    wait_until(lambda: guard_s() > until_s)
    assert driven.says_on()


def has_no_contact(driven: Driven) -> None:
    if driven.role == "scanner":
        volts = driven.read()
        assert volts[1] == pytest.approx(0.0, abs=1e-3)
        assert volts[0] > 3.0
    else:
        driven.switch(on=True)
        assert not driven.says_on()
        assert not driven.is_on()


def is_unplugged(driven: Driven) -> None:
    with pytest.raises((InstrumentSilent, BadReply)):
        driven.read()
    assert driven.bench.truth("unplugged")
    if driven.role in SERIAL:
        assert not (driven.bench.path / f"{driven.role}.tty").is_symlink()


def is_dark(driven: Driven) -> None:
    is_silent(driven)
    if driven.role in ("supply", "load", "relay", "router"):
        assert not driven.is_on()  # it was on


EFFECTS: Mapping[str, Callable[[Driven], None]] = {
    "silence": is_silent,
    "garbage": is_not_believed,
    "half reply": is_not_believed,
    "late reply": is_silent,
    "delay": comes_late,
    kinds.WRONG_ECHO: echoes_another,
    kinds.STUCK: sticks,
    kinds.DRIFT: drifts,
    kinds.STAYS_ON: stays_on,
    kinds.LIES: lies,
    kinds.OVERSHOOTS: overshoots,
    kinds.STUCK_RELAY: has_no_contact,
    "unplug": is_unplugged,
    "mains off": is_dark,
}
FLOWING = (kinds.STUCK, kinds.DRIFT)
SWITCHES = ("supply", "load", "relay", "router")
WHILE_ON = (kinds.STAYS_ON, kinds.LIES, kinds.OVERSHOOTS, "mains off")
BRIEFLY = ("silence", "garbage", "half reply", "late reply", "unplug", "mains off")
CASES = [
    pytest.param(kind, role, name, id=f"{kind}-{role}".replace(" ", "_"))
    for kind, names in KINDS.items()
    for role, name in names.items()
    if (kind, role)
    not in {(kind, "bms") for kind in (kinds.STAYS_ON, kinds.LIES, kinds.OVERSHOOTS)}
]


@pytest.mark.parametrize(("kind", "role", "name"), CASES)
def test_a_fault_that_is_set_is_seen_by_the_driver_and_goes_away(
    driven: Driven, kind: str, name: str
) -> None:
    if kind in FLOWING:
        energised(driven)
    elif driven.role == "load":
        joined(driven)
    if kind in WHILE_ON and driven.role in SWITCHES:
        driven.switch(on=True)
        assert driven.is_on()
    if kind in BRIEFLY:
        driven.patience(BRIEF_S)
        driven.device.prepare()
    if kind == kinds.WRONG_ECHO and driven.role == "thermometer":
        set_to_report_unasked(driven)
    if kind == kinds.STUCK:
        driven.read()  # it repeats what it has said before
    driven.fault(name)

    effect = holds_on if name == "no_timer" else EFFECTS[kind]
    effect(driven)

    driven.fault("none")
    wait_until(lambda: speaks(driven))


def set_to_report_unasked(driven: Driven) -> None:
    """So that its driver writes to it."""
    line = Rtu(driven.bench.path / "thermometer.tty")
    line.write(0xFD, 5)
    line.close()


def speaks(driven: Driven) -> bool:
    """Whether it is read again, by somebody who comes afresh."""
    driven.patience(PATIENT_S)
    try:
        driven.device.prepare()
        driven.read()
    except InstrumentError:
        return False
    return True


@pytest.mark.parametrize("role", ["bms"])
@pytest.mark.parametrize(
    ("name", "over_v", "says_on", "is_on"),
    [
        ("none", 3.2, False, False),
        ("never_opens", 3.2, True, True),
        ("lies_open", 3.2, False, True),
        ("opens_late", 3.2, True, True),
        ("opens_late", 3.0, False, False),
    ],
)
def test_what_a_bms_says_of_its_switch_and_what_that_does(
    tmp_path: Path, role: str, name: str, over_v: float, says_on: bool, is_on: bool
) -> None:
    """Its cells rest above the setting: it opens two seconds after they were made a string."""
    folder = Folder(cells=FOLDER.cells, more=FOLDER.more, bms={"over_v": over_v})
    with inside(tmp_path, folder) as bench:
        driven = Driven(bench, role, opened(bench, role, PATIENT_S))
        driven.device.prepare()
        driven.fault(name)
        began = driven.state()["at"]
        bench.hands.post("/string/on")
        wait_until(lambda: seconds_since(driven, began) > 3.0)

        assert (driven.says_on(), driven.is_on()) == (says_on, is_on)
        driven.device.close()


def seconds_since(driven: Driven, began: str) -> float:
    now = datetime.fromisoformat(driven.state()["at"])
    return (now - datetime.fromisoformat(began)).total_seconds()


def test_every_kind_is_at_every_instrument_or_says_why_not() -> None:
    for kind, names in KINDS.items():
        reasons = NO_MEANING.get(kind, {})
        assert set(names) | set(reasons) == set(INSTRUMENTS), kind
        assert not set(names) & set(reasons), kind
        assert all(reasons.values()), kind
    assert set(NO_MEANING) <= set(KINDS)
    assert set(KINDS) == set(EFFECTS)


@pytest.mark.parametrize(
    ("kind", "role"), [(kind, role) for kind, roles in NO_MEANING.items() for role in roles]
)
def test_what_has_no_meaning_cannot_be_set(tmp_path: Path, kind: str, role: str) -> None:
    names = set(KINDS[kind].values())
    with inside(tmp_path, FOLDER) as bench:
        for name in names:
            with pytest.raises(httpx.HTTPStatusError, match="400"):
                bench.hands.fault(role, name)
