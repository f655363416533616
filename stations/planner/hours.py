"""Hours of a charge as an interval: the very program on the cell model, over what is not known.

A charge is bulk and end.  In the bulk the current is constant, by the supply's limit or by the
leads' resistance, so its hours are ampere-hours over amperes.  The end, from just below the knee
to the tail that the program asks for, is played by the program itself on the model, once for
each of a few settings of everything that shapes it; each start SOC then only makes the bulk
longer or shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

from stations.model.bank import Bank, Wiring
from stations.model.cell import CellParameters, cell_of
from stations.planner.knowledge import CAPACITY_SHARE, Known
from stations.procedures.steps import Charge, Instruct, Program
from stations.runner import begun, run
from stations.values import Window
from stations.virtual import Act, Instruments, VirtualBench

SAMPLE_S = 20.0
BELOW_KNEE = 0.97  # SOC of the fullest cell where the end begins: still on the plateau
BULK_V = 3.36  # a cell there under a small current
KNEE_PER_C, KNEE_C_MAX = 0.075, 0.2  # a charge at c comes to CV that much below full, c up to 0.2
# The tail's length is known within a factor; the surface gains move it about as much.
SURFACE = Window(0.4, 2.0)
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
class Course:
    """One way that a charge may go: Ah up to the knee at `bulk_a`, and hours from there.

    `finishes` is False where the program would end otherwise than with its tail.
    """

    bulk_a: float
    charge_ah: float
    rest_h: float
    finishes: bool

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


def spread(charge: Charge, known: Known, count: int) -> list[Setting]:
    """`count` settings that lie evenly over all windows at once (Halton's sequence)."""
    accuracy_v = charge.trim.accuracy_v
    return [
        Setting(
            surface=exp(between(Window(log(SURFACE.low), log(SURFACE.high)), halton(i, 2))),
            leads_ohm=between(known.leads_ohm, halton(i, 3)),
            link_ohm=between(known.link_ohm, halton(i, 5)),
            leak_month=between(LEAK_MONTH, halton(i, 7)),
            capacity_share=between(CAPACITY_SHARE, halton(i, 11)),
            supply_offset_v=between(Window(-accuracy_v / 2, accuracy_v / 2), halton(i, 13)),
        )
        for i in range(1, count + 1)
    ]


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


def _courses_of(
    program: Program, charge: Charge, known: Known, setting: Setting
) -> Sequence[Course]:
    """The end from just below the knee, and every start SOC that the windows allow before it."""
    cell = _cell(known, setting)
    bank_ah = known.cells * cell.capacity_ah
    bulk_a = min(
        charge.setpoint.current_a, (charge.setpoint.voltage_v - BULK_V) / setting.leads_ohm
    )
    middle = [between(window, 0.5) for window in known.soc]
    lift = max(0.0, BELOW_KNEE - max(middle))
    hours, finishes = _played(program, charge, [soc + lift for soc in middle], cell, setting)
    full = knee(bulk_a / bank_ah)
    rest_h = hours - (full - _mean(middle) - lift) * bank_ah / bulk_a
    return [
        Course(bulk_a, (full - _mean(soc)) * bank_ah, rest_h, finishes)
        for soc in ([between(window, share) for window in known.soc] for share in SHARES)
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _cell(known: Known, setting: Setting) -> CellParameters:
    cell = cell_of(known.capacity_ah * setting.capacity_share)
    return replace(
        cell,
        g1=cell.g1 * setting.surface,
        g2=cell.g2 * setting.surface,
        self_discharge_month=setting.leak_month,
    )


def _played(
    program: Program,
    charge: Charge,
    soc: Sequence[float],
    cell: CellParameters,
    setting: Setting,
) -> tuple[float, bool]:
    """Hours of the end of the charge by the program itself, and whether its tail ended it."""
    bank = Bank(
        [cell] * len(soc),
        Wiring(link_ohm=setting.link_ohm, lead_ohm=setting.leads_ohm),
        soc=soc,
        linked=False,
        fed=False,
    )
    bench = VirtualBench(
        bank,
        person=PERSON,
        sample_s=SAMPLE_S,
        instruments=Instruments(
            supply_resolution_v=charge.trim.step_v, supply_offset_v=setting.supply_offset_v
        ),
    )
    outcome = run(begun(end_of(program, charge), bench.clock.now()), bench)
    record = next(done for done in outcome.run.records if done.step == charge.name)
    hours = (record.ended_at - record.entered_at).total_seconds() / 3600
    return hours, "partial" not in record.remarks


def end_of(program: Program, charge: Charge) -> Program:
    """The program with nothing but the charge, on a bank that somebody joins; no hold after it."""
    charge = replace(charge, hold_for="", skip_if_announced="")
    return replace(program, steps=(READY, charge, OVER))
