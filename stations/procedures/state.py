"""What one execution of a program remembers, and what its finished steps leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from stations.plain import LATER
from stations.procedures.steps import Program, Step
from stations.values import NAN, OffProof, Reading, Setpoint, Window


@dataclass(frozen=True, slots=True)
class Taken:
    """One cell's voltage, and when it was taken.

    `meter`: the serial number of the one that went from cell to cell, "" for the scanner.
    """

    position: int  # from 1
    voltage_v: float
    at: datetime
    received_at: datetime
    meter: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """A cell that a person scanned, the bench meter's probes on it: its reading is waited for.

    `act` is the number of what they did, `at` when the bench heard of it.  `corrects`: what was
    read of the cell before counts no more.
    """

    act: str
    position: int  # from 1
    at: datetime
    meter: str
    corrects: bool = False


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

    Of a step for one cell: its position, and when its current stopped.  `received_at` is the wall
    time of the reading that a rest ended with.  Of cells that were read one by one: the meter's
    serial number, and the first cell as it read again at the end.
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
    received_at: datetime | None = field(default=None, metadata=LATER)
    meter: str = field(default="", metadata=LATER)
    again: Taken | None = field(default=None, metadata=LATER)


def has_rested(record: Record) -> bool:
    """Whether it is of one cell's rest that came to its end."""
    return record.kind == "rest" and record.cell > 0 and bool(record.facts)


@dataclass(frozen=True, slots=True)
class Sample:
    """The meter and the drawn current, so long after the load went on."""

    after_s: float
    voltage_v: float
    drawn_a: float


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
    coldest_c: float = NAN  # of the last reading that had a temperature
    charge_ah: float = 0.0  # over the run
    step_charge_ah: float = 0.0
    drawn_ah: float = 0.0  # by a load, over the run
    step_drawn_ah: float = 0.0
    step_drawn_wh: float = 0.0
    counted: Reading | None = None  # the last one that is in these integrals
    below_cutoff: int = 0  # readings in a row at the step's end
    under_hold: int = 0  # readings in a row below what a load should hold
    off_v: tuple[float, ...] = ()  # at the meter, as the last Verify step accepted them
    sampled: tuple[Sample, ...] = ()  # of the present current step
    zero_sum_a: float = 0.0
    zero_count: int = 0
    cv_since: datetime | None = None
    charge_current_a: float = 0.0  # the last one seen with the output on
    done_since: datetime | None = None  # the charge was done, and holds for a person
    tail_since: datetime | None = None
    partial_since: datetime | None = None
    no_current_since: datetime | None = None
    opened_since: datetime | None = None  # the BMS, in a hold
    amiss_since: datetime | None = None  # in a Wait: cells, meter or probes are not as they must be
    fed_above_v: float = NAN  # the supply over its string, last time that current flowed
    trimmed_v: float = NAN  # how far below target the set-point was when it last fed a hold
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
    calm_attempts: int = 0  # that broke off a long wait for the moment
    interruptions: tuple[str, ...] = ()  # each in words; they stay on every later charge's record
    settled: tuple[tuple[float, ...], ...] = ()
    typed: tuple[Taken, ...] = ()  # by hand, in the present step, in the order of reading
    retyped: tuple[str, ...] = ()  # figures that a person corrected, in words
    scan: Scan | None = None  # whose reading by the led meter is waited for
    steadying: tuple[Taken, ...] = ()  # what the led meter showed since then, newest last
    doubted: tuple[Taken, ...] = ()  # its readings that were asked for again
    unread: str = ""  # why the last scan came to no reading
    metered_v: float = NAN  # the led meter, last time that it was seen
    on_cell: int = 0  # the position of the one that it read last and has not left since
    doubtful: int = 0
    above_window: int = 0
    flat_from: datetime | None = None
    flat_current_a: float = 0.0
    flat_voltage_v: float = 0.0
    lead_ohm: float = NAN  # supply volts minus bank volts over current, last time it was seen
    last_cells_v: tuple[float, ...] = ()  # of a string, last seen with the output on
    peak_voltage_v: float = NAN  # highest bank reading of the step
    peak_cell_v: float = NAN  # highest cell of the step while current flowed, and which
    peak_cell: int = 0
    # Of a string that nobody sees: ampere-hours into it and its volts, newest last.
    trail: tuple[tuple[float, float], ...] = ()
    answers: tuple[tuple[str, float], ...] = ()  # what a person typed, by name
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
