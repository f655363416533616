"""A procedure as data: a short tuple of frozen steps, and what one execution of it remembers.

`decide` interprets any program; nothing here acts.  Durations are process time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from stations.plain import LATER
from stations.values import NAN, Draw, Limits, OffProof, Protection, Reading, Setpoint, Window


@dataclass(frozen=True, slots=True)
class Instruct:
    """A person does something with the output off, and confirms it.

    `announceable`: the confirmation may be given before the step is reached ("I am at the
    bench"); the step then passes at once.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    text: str
    confirm: str  # the words on the button
    drawing: str = ""
    announceable: bool = False
    timeout: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class ParallelRule:
    """B3: may these rested cells be joined?  Spread in volts, peak as C-rate of one cell."""

    TAGGED: ClassVar[bool] = True
    spread_max_v: float
    level_max_v: float
    voltage: Window
    peak_warn_c: float
    peak_max_c: float
    path_ohm: float  # resistance that limits the surge between two cells: cells and links
    capacity_ah: float
    # [A]: 0.5 to 1 ohm, 50 W, for two or three minutes; told of with what it truly does.
    resistor_ohm: float = field(default=0.5, metadata=LATER)
    resistor_s: float = field(default=180.0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class RestedRule:
    """Cells that are charged one by one: each, at rest, may be charged at all (B12, B17)."""

    TAGGED: ClassVar[bool] = True
    voltage: Window
    capacity_ah: float


@dataclass(frozen=True, slots=True)
class LevelRule:
    """B3: what low cells rest at once they were levelled; it ends a program and refuses nothing."""

    TAGGED: ClassVar[bool] = True
    voltage: Window


@dataclass(frozen=True, slots=True)
class DisconnectRule:
    """B7: windows relative to target by age since current stopped."""

    TAGGED: ClassVar[bool] = True
    target_v: float
    pass_below_v: float  # 0.030: inside the fresh age, passes from target − this
    marginal_below_v: float  # 0.050
    above_v: float  # 0.005
    fresh: timedelta  # 5 min
    late: timedelta  # 15 min


@dataclass(frozen=True, slots=True)
class RecheckRule:
    """B8: each cell against the median of its bank, linear between an early and a late age.

    Ages are wall time since current stopped.  `banks` says by position which cells were
    balanced together; empty means all of them.
    """

    TAGGED: ClassVar[bool] = True
    early: timedelta  # 4 h, and before
    early_warn_v: float
    early_fail_v: float
    late: timedelta  # 24 h, and after
    late_warn_v: float
    late_fail_v: float
    floor_v: float
    banks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BottomRule:
    """B9: emptied cells, each at the same age after its own discharge, judged together."""

    TAGGED: ClassVar[bool] = True
    spread_max_v: float
    mean: Window


@dataclass(frozen=True, slots=True)
class Measure:
    """Every cell, individually, output proven off; judged by `rule` when settled.

    `cell` is the position of the only one that is judged, here and in the steps below; 0: all.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    rule: ParallelRule | RestedRule | LevelRule | DisconnectRule | RecheckRule
    settle_samples: int = 3
    settle_v: float = 0.002
    timeout: timedelta = timedelta(minutes=30)
    cell: int = field(default=0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Verify:
    """The joined bank at rest, just before a charge: what the meter sees must be these cells.

    The bank meter lies within `margin_v` of what these cells were last seen at, or in `voltage`
    where they were not, and every cell that a scanner sees within `cells_within_v` of the bank,
    `settle_samples` times in a row.  `alone` is the position of the one cell that leads and
    meter are on, 0 where that is the whole bank.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    margin_v: float
    cells_within_v: float
    settle_samples: int = 3
    timeout: timedelta = timedelta(minutes=15)
    skip_if_announced: str = ""  # needless where the charge after it is
    cell: int = field(default=0, metadata=LATER)
    voltage: Window | None = field(default=None, metadata=LATER)
    alone: int = field(default=0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Trim:
    """B5: how the set-point follows the bank meter in CV."""

    step_v: float  # the supply's resolution
    accuracy_v: float  # how far it may rise above target when the supply reads low
    offset_v: float = 0.0  # commissioned: true terminal volts minus set-point


@dataclass(frozen=True, slots=True)
class Agreement:
    """B5: how far the bank meter may be from what else sees the bank before it is in doubt."""

    cells_v: float  # from the nearest cell that a scanner sees
    supply_v: float  # from the supply's terminals, less what the leads may drop
    lead_max_ohm: float


@dataclass(frozen=True, slots=True)
class Tail:
    """B2: what ends the CV hold, and what a stop before it is worth."""

    done_a: float
    partial_a: float
    at_least_v: float  # bank and every seen cell
    dwell: timedelta
    cv_min: timedelta
    cv_max: timedelta
    flat_for: timedelta
    flat_fraction: float
    no_current_for: timedelta  # in CV without any current: a lead has come off
    proven_on_a: float = 0.0  # a current below this is no tail: a fallen lead looks like one


@dataclass(frozen=True, slots=True)
class Charge:
    """CC/CV with a tail; `finish_current_a` above `finish_above_v` removes spread (B1)."""

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    setpoint: Setpoint
    protection: Protection
    finish_above_v: float
    finish_current_a: float
    tail: Tail
    trim: Trim
    alarm_v: float
    charge_max_ah: float
    timeout: timedelta
    skip_if_announced: str = ""  # name of the Instruct whose early confirmation makes this needless
    # B19: once done it holds on, supervised, until that Instruct is announced; at most so long.
    hold_for: str = ""
    hold_max: timedelta = timedelta(0)
    agreement: Agreement | None = None  # None in stored programs of version 1
    # B11: a voltage on the way to the target; what it reached is never the balance itself.
    stage: bool = field(default=False, metadata=LATER)
    cell: int = field(default=0, metadata=LATER)
    alone: int = field(default=0, metadata=LATER)  # as in Verify


@dataclass(frozen=True, slots=True)
class Discharge:
    """Constant current out of the cells until the meter has seen the cut-off (B9, B16).

    `draw` has the load's own ends, which it keeps where everybody else is dead.  Where `gap_max`
    is given what comes out is measured: a longer hole in it makes it worth nothing, and it is
    never resumed.  `alone` is as in Verify.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    draw: Draw
    cutoff_v: float  # at the meter ...
    cutoff_samples: int  # ... so many times in a row, with the load proven on
    proven_on_a: float  # a load that draws less has come off, or does not do as it was told
    no_current_for: timedelta
    draw_max_ah: float
    timeout: timedelta
    agreement: Agreement
    gap_max: timedelta | None = None
    alone: int = 0


@dataclass(frozen=True, slots=True)
class Rest:
    """No current for so long; what the meter shows then stands on record."""

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    lasts: timedelta
    alone: int = 0


@dataclass(frozen=True, slots=True)
class Compare:
    """Judge the cells by what each showed at the end of its own Rest; at once, output off."""

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    rule: BottomRule


Step = Instruct | Measure | Verify | Charge | Discharge | Rest | Compare
DRIVEN = Charge | Discharge  # steps with an output on: of the supply, of the load


@dataclass(frozen=True, slots=True)
class ResumeRule:
    """When a run whose bench or worker was lost may go on by itself, and when no more.

    `gap_max` counts from current stopped, `wait_max` from the interruption of a step without
    current; `rest` is waited after current stopped before the bank is verified again.
    """

    gap_max: timedelta
    wait_max: timedelta
    rest: timedelta
    attempts_max: int


@dataclass(frozen=True, slots=True)
class Program:
    """Name, version, steps and hard limits; all that a bench needs to run it."""

    name: str
    version: str
    cells: int
    target_v: float
    steps: tuple[Step, ...]
    limits: Limits
    resume: ResumeRule
    facts: tuple[tuple[str, float], ...] = ()  # planned figures to show before start
    # When current last stopped in these cells, if no step of this program lets it flow.
    current_stopped: OffProof | None = None


class PlanRefused(ValueError):
    """A spec cannot become a safe program; `problems` says each reason and what to change."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CellResult:
    """One cell's verdict in a Measure step, with the limits that were applied."""

    position: int  # from 1
    voltage_v: float
    verdict: str  # "pass", "marginal", "fail", "invalid", "missing"
    window: Window
    at: datetime
    received_at: datetime
    age_s: float  # since current stopped; NaN before any current


@dataclass(frozen=True, slots=True)
class Record:
    """What one finished step leaves behind.

    Of a step for one cell: its position, and when the charge's current stopped.
    """

    step: str
    kind: str
    entered_at: datetime
    ended_at: datetime
    cells: tuple[CellResult, ...] = ()
    remarks: tuple[str, ...] = ()
    facts: tuple[tuple[str, float], ...] = ()
    cell: int = field(default=0, metadata=LATER)
    stopped: OffProof | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Carried:
    """What earlier attempts did of a step that was cut short: its caps count over all of them."""

    step: str
    charge_ah: float
    cv_s: float
    spent_s: float
    drawn_ah: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """All that `decide` remembers of one execution; serialises to JSON and back."""

    program: Program
    started_at: datetime
    step_index: int = 0
    step_entered_at: datetime | None = None
    setpoint: Setpoint | None = None  # as asked for now
    set_seq: int = 0  # the last reading before the set-point last changed
    current_stopped: OffProof | None = None
    confirmed: frozenset[str] = frozenset()  # Instruct steps a person confirmed
    announced: frozenset[str] = frozenset()  # of these, the ones confirmed before their step
    last_at: datetime | None = None
    last_current_a: float = 0.0
    last_seq: int = 0
    charge_ah: float = 0.0  # over the run
    step_charge_ah: float = 0.0
    drawn_ah: float = 0.0  # by a load, over the run
    step_drawn_ah: float = 0.0
    step_drawn_wh: float = 0.0
    counted: Reading | None = None  # the last one that is in these integrals
    below_cutoff: int = 0  # readings in a row
    zero_sum_a: float = 0.0
    zero_count: int = 0
    cv_since: datetime | None = None
    charge_current_a: float = 0.0  # the last one seen with the output on
    done_since: datetime | None = None  # the charge was done, and holds for a person
    tail_since: datetime | None = None
    partial_since: datetime | None = None
    no_current_since: datetime | None = None
    reached_cv: bool = False
    least_charge_ah: float = 0.0  # what the start SOC implies must at least go in
    rested: Window | None = None  # of the cells at the pre-check: the bank lies within
    # Cells that are charged one by one, by position: volts at rest, and the least to go in.
    rested_alone: tuple[tuple[float, float], ...] = ()
    cell: int = 0  # the position of the one whose turn it is
    least_from_ah: float = 0.0  # `charge_ah` when its turn began
    last_on_v: float = NAN  # the bank, last seen with the output on
    rest_until: datetime | None = None  # nothing is verified before
    carried: Carried | None = None  # into the step named there
    step_spent_s: float = 0.0  # of the present charge, in earlier attempts
    cv_spent_s: float = 0.0
    interruptions: tuple[str, ...] = ()  # each in words; they stay on every later charge's record
    settled: tuple[tuple[float, ...], ...] = ()
    doubtful: int = 0
    above_window: int = 0
    flat_from: datetime | None = None
    flat_current_a: float = 0.0
    lead_ohm: float = NAN  # supply volts minus bank volts over current, last time it was seen
    peak_voltage_v: float = NAN  # highest bank reading of the step
    outs_of_place: int = 0  # readings in a row whose output state is not the step's
    alarms: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()

    @property
    def step(self) -> Step:
        return self.program.steps[self.step_index]

    @property
    def entered_at(self) -> datetime:
        """When the present step was entered."""
        return self.step_entered_at or self.started_at


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Set:
    """Change the set-point of the running output."""

    setpoint: Setpoint


@dataclass(frozen=True, slots=True)
class Next:
    """This step is done; enter the following one (the output goes off first)."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The program is done."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """A check before any current failed: problems in words, nothing was energised."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SafeHold:
    """Doubt about the bench: output off.  `resumable`: it may pass without a person's help."""

    reason: str
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class Trip:
    """A valid reading over a limit, or a step that took too long: output off, DUT suspect."""

    reason: str


Action = Hold | Set | Next | Finish | Refuse | SafeHold | Trip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.  `kind` is FINISHED, REFUSED, TRIPPED, ERROR, STOPPED or INTERRUPTED.

    INTERRUPTED: nothing is wrong with cells or bench as far as anybody knows, and the run may
    go on by its ResumeRule from `unclosed`, which is `run` before the present step was closed.
    """

    kind: str
    reason: str
    run: Run
    unclosed: Run
    problems: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
