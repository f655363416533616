"""Hours of a charge as an interval: the very program on the cell model, over what is not known.

A stretch of a program is bulk and end.  In the bulk the current is what the supply's limit or the
leads let through, so its hours are ampere-hours over amperes.  The end, from just below the knee
to the last thing that the stretch does, is played by the program itself on the model, once for
each of a few settings of everything that shapes it; each start SOC then only makes the bulk
longer or shorter.  Cells that are charged one by one are alike: one is played for all.  Cells in
parallel of which the same is known are alike too: one of them all is played, as large as the bank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np

from stations.model.bank import Bank, Wiring
from stations.model.cell import HYSTERESIS_V, CellParameters, cell_of
from stations.model.ocv import ocv_v, soc_at
from stations.planner.knowledge import CAPACITY_SHARE, Known
from stations.planner.stretches import Stretch, plain, stretches
from stations.procedures.criteria import Trim
from stations.procedures.state import Record
from stations.procedures.steps import Charge, Discharge, Instruct, Program
from stations.runner import begun, run
from stations.values import Window
from stations.virtual import Act, VirtualBench
from stations.virtual_instruments import Instruments

SAMPLE_S, DRAWN_SAMPLE_S = 20.0, 5.0  # a draw ends steeply
BELOW_KNEE = 0.97  # SOC of the fullest cell where the end begins: still on the plateau
LIMITED_BELOW = 0.95  # of the set current: what flows is less by the leads, or by a full bank
ABOVE_TAIL = 3.0  # times its amps: where a charge ends on the plateau, as levelling does
POINTS, LEAST_C = 40, 1e-3  # of the bulk's mean current; a held plateau never takes less
KNEE_PER_C, KNEE_C_MAX = 0.075, 0.2  # a charge at c comes to CV that much below full, c up to 0.2
# The tail's length is known within a factor; the surface gains move it about as much.
SURFACE = Window(0.4, 2.0)
OFFSET_KEEPS_V = 0.005  # a supply's offset that was commissioned drifts by some millivolts
LEAK_MONTH = Window(0.005, 0.035)
SHARES = tuple((i + 0.5) / 24 for i in range(24))  # of the SOC window, for the bulk
READY = Instruct("ready", "Ready", "The bank is joined.", "Ready")
OVER = Instruct("over", "Over", "The charge has ended.", "Over")
PERSON = (Act(READY.name, 1.0, hands="join"), Act(OVER.name, 1.0, says="stop"))


@dataclass(frozen=True, slots=True)
class Interval:
    """Hours: in one of ten cases it is faster than `low`, in one slower than `high`."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a program would end otherwise than with its tail; `by_time`: by the recipe's limit."""

    words: str
    by_time: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """One way that a charge may go: Ah up to the knee at `bulk_a`, and hours from there."""

    bulk_a: float
    charge_ah: float
    rest_h: float
    stop: Stop | None = None

    @property
    def finishes(self) -> bool:
        return self.stop is None

    @property
    def stops(self) -> str:
        """Why it does not finish, in words; "" where it does."""
        return self.stop.words if self.stop else ""

    @property
    def hours(self) -> float:
        return self.charge_ah / self.bulk_a + self.rest_h


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of everything that shapes the end."""

    surface: float
    leads_ohm: float
    link_ohm: float
    leak_month: float
    capacity_share: float
    supply_offset_v: float


def charge_of(program: Program) -> Charge | None:
    """The charge whose hours matter: the first one."""
    return next((step for step in program.steps if isinstance(step, Charge)), None)


def courses(program: Program, charge: Charge, known: Known, *, settings: int = 8) -> list[Course]:
    """Every setting with every start SOC; a few simulated hours each."""
    if not stretches(program)[0].cell and len(set(known.soc)) == 1:
        known = as_one(known)
    found: list[Course] = []
    for setting in spread(charge, known, settings):
        found += _courses_of(program, charge, known, setting)
    return found


def interval(hours: Sequence[float]) -> Interval:
    """Of equally likely hours, at least one."""
    ordered = sorted(hours)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Interval(at(0.1), at(0.5), at(0.9))


def spread(charge: Charge | None, known: Known, count: int) -> list[Setting]:
    """`count` settings that lie evenly over all windows at once (Halton's sequence)."""
    offsets_v = _offsets(charge.trim) if charge else Window(0.0, 0.0)
    return [
        Setting(
            surface=exp(between(Window(log(SURFACE.low), log(SURFACE.high)), halton(i, 2))),
            leads_ohm=between(known.leads_ohm, halton(i, 3)),
            link_ohm=between(known.link_ohm, halton(i, 5)),
            leak_month=between(LEAK_MONTH, halton(i, 7)),
            capacity_share=between(CAPACITY_SHARE, halton(i, 11)),
            supply_offset_v=between(offsets_v, halton(i, 13)),
        )
        for i in range(1, count + 1)
    ]


def _offsets(trim: Trim) -> Window:
    unknown_v = OFFSET_KEEPS_V if trim.offset_v else trim.accuracy_v / 2  # it was measured, or not
    return Window(trim.offset_v - unknown_v, trim.offset_v + unknown_v)


def halton(index: int, base: int) -> float:
    """The `index`-th point, from 1, of van der Corput's sequence in `base`; in 0 … 1."""
    point, weight = 0.0, 1.0
    while index:
        weight /= base
        index, digit = divmod(index, base)
        point += digit * weight
    return point


def between(window: Window, share: float) -> float:
    """`share` of the way from its low end to its high one."""
    return window.low + share * (window.high - window.low)


def knee(c_rate: float) -> float:
    """SOC at which a cell-sensed charge comes to CV."""
    return 1.0 - KNEE_PER_C * min(c_rate, KNEE_C_MAX)


def cell_with(capacity_ah: float, setting: Setting) -> CellParameters:
    """A cell of that rated capacity, as the setting has it."""
    cell = cell_of(capacity_ah * setting.capacity_share)
    return replace(
        cell,
        g1=cell.g1 * setting.surface,
        g2=cell.g2 * setting.surface,
        self_discharge_month=setting.leak_month,
    )


def as_one(known: Known) -> Known:
    """A parallel bank of cells of which the same is known, as one cell of its size."""
    links_ohm = Window(known.link_ohm.low / known.cells, known.link_ohm.high / known.cells)
    return replace(known, capacity_ah=known.bank_ah, soc=known.soc[:1], link_ohm=links_ohm)


def _courses_of(
    program: Program, charge: Charge, known: Known, setting: Setting
) -> Sequence[Course]:
    """The end from where the bulk is over, and every start SOC that the windows allow before it."""
    cell, stretch = cell_with(known.capacity_ah, setting), stretches(program)[0]
    alone = stretch.cell > 0
    turns = known.cells if alone else 1
    bank_ah = known.cells * cell.capacity_ah
    bulk = Bulk(charge, cell, setting, 1 if alone else known.cells)
    middle = [between(window, 0.5) for window in known.soc]
    start = [_mean(middle)] if alone else middle
    lift = max(0.0, bulk.over - max(start))
    played = _played(program, stretch, charge, [soc + lift for soc in start], cell, setting)
    over = _mean(middle) + lift
    found = []
    for share in SHARES:
        soc = _mean([between(window, share) for window in known.soc])
        bulk_a = bulk.amps(soc, over)
        full = over if charge.stage else knee(bulk_a / bulk.ah)
        rest_h = turns * played.hours - (full - over) * bank_ah / bulk_a
        first_h = (over - soc) * bulk.ah / bulk_a + played.first_h
        if played.stops:
            stop: Stop | None = Stop(_limited(charge, setting, bulk_a) or played.stops)
        else:
            stop = _too_long(charge, first_h, bulk_a)
        found.append(Course(bulk_a, (full - soc) * bank_ah, rest_h, stop))
    return found


def _limited(charge: Charge, setting: Setting, bulk_a: float) -> str:
    """What the leads do to a current that they do not let through (B6)."""
    if bulk_a >= LIMITED_BELOW * charge.setpoint.current_a:
        return ""
    return (
        f"limited by the leads: {1000 * setting.leads_ohm:.0f} mΩ let {bulk_a:.0f} A of "
        f"{charge.setpoint.current_a:.0f} A through, and it breaks off before its tail"
    )


def _too_long(charge: Charge, hours: float, bulk_a: float) -> Stop | None:
    limit_h = charge.timeout.total_seconds() / 3600
    if hours <= limit_h:
        return None
    return Stop(
        f"limited by its time: {hours:.0f} h at {bulk_a:.1f} A, and the recipe stops it after "
        f"{limit_h:.0f} h",
        by_time=True,
    )


class Bulk:
    """The current before the end: the supply's limit, or what leads and cells let through."""

    def __init__(self, charge: Charge, cell: CellParameters, setting: Setting, cells: int) -> None:
        self.ah = cells * cell.capacity_ah
        self._most_a = charge.setpoint.current_a
        # Volts of a rested cell at which nothing flows any more: last charged, it stands higher.
        self._level_v = charge.setpoint.voltage_v + setting.supply_offset_v - HYSTERESIS_V[1]
        inside_ohm = cell.r0_ohm + cell.r1_ohm + cell.r2_ohm + setting.link_ohm
        self._ohm = setting.leads_ohm + inside_ohm / cells
        # Where the end is played from: on the plateau, and well above the tail.
        above_tail_v = ABOVE_TAIL * charge.tail.done_a * self._ohm
        self.over = float(min(BELOW_KNEE, soc_at(self._level_v - above_tail_v)))

    def carried_a(self) -> float:
        """What the leads let through until the plateau is over, whatever the supply gives."""
        return float((self._level_v - ocv_v(np.array([self.over]))[0]) / self._ohm)

    def amps(self, begins: float, ends: float) -> float:
        """The mean over the time from one SOC to another."""
        soc = np.linspace(min(begins, ends), ends, POINTS)
        amps = np.clip((self._level_v - ocv_v(soc)) / self._ohm, LEAST_C * self.ah, self._most_a)
        return float(1.0 / np.mean(1.0 / amps))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@dataclass(frozen=True, slots=True)
class _Played:
    """Hours of a stretch and of its first charge; `stops` says why it did not come to its end."""

    hours: float
    first_h: float
    stops: str


def _played(
    program: Program,
    stretch: Stretch,
    charge: Charge,
    soc: Sequence[float],
    cell: CellParameters,
    setting: Setting,
) -> _Played:
    """The stretch by the program itself."""
    bank = Bank(
        [cell] * len(soc),
        Wiring(link_ohm=setting.link_ohm, lead_ohm=setting.leads_ohm),
        soc=soc,
        linked=False,
        fed=False,
    )
    draws = any(isinstance(step, Discharge) for step in stretch.steps)
    bench = VirtualBench(
        bank,
        person=PERSON,
        sample_s=DRAWN_SAMPLE_S if draws else SAMPLE_S,
        instruments=Instruments(
            supply_resolution_v=charge.trim.step_v, supply_offset_v=setting.supply_offset_v
        ),
    )
    made = replace(played(program, stretch), cells=len(soc))
    outcome = run(begun(made, bench.clock.now()), bench)
    names = {step.name for step in stretch.steps}
    records = [done for done in outcome.run.records if done.step in names]
    cut = [words for done in records for words in done.remarks if words in ("partial", "cut short")]
    stops = "" if len(records) == len(names) and not cut else (outcome.reason or cut[0])
    return _Played(_hours(records[0], records[-1]), _hours(records[0], records[0]), stops)


def _hours(first: Record, last: Record) -> float:
    return (last.ended_at - first.entered_at).total_seconds() / 3600


def played(program: Program, stretch: Stretch) -> Program:
    """The program with nothing but this stretch, on a bank that somebody joins."""
    return replace(program, steps=(READY, *(plain(step) for step in stretch.steps), OVER))
