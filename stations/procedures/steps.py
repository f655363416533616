"""A procedure as data: a short tuple of frozen steps.

`decide` interprets any program; nothing here acts.  Durations are process time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from stations.plain import LATER
from stations.procedures.criteria import (
    Agreement,
    Holding,
    Pulse,
    StringEnd,
    Tail,
    Trim,
    Unseen,
)
from stations.procedures.rules import (
    BottomRule,
    DisconnectRule,
    LevelRule,
    ParallelRule,
    RecheckRule,
    RestedRule,
    WatchRule,
)
from stations.values import Draw, Limits, OffProof, Protection, Setpoint, Window


@dataclass(frozen=True, slots=True)
class Asked:
    """A number that a person reads off somewhere and types; it must lie within `allowed`."""

    name: str  # under which it stands in the step's record
    label: str  # with its unit, for the person
    allowed: Window
    wrong: str  # what to do about one that lies outside


@dataclass(frozen=True, slots=True)
class Instruct:
    """A person does something with the output off, and confirms it.

    `announceable`: the confirmation may be given before the step is reached ("I am at the
    bench"); the step then passes at once.  Where something is asked it is confirmed by an answer.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    text: str
    confirm: str  # the words on the button
    drawing: str = ""
    announceable: bool = False
    timeout: timedelta = timedelta(hours=12)
    asks: Asked | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Led:
    """The bench reads its own meter, which a person leads from cell to cell (B7).

    Once a cell is scanned its reading counts when all that the meter showed over `settle` lies
    within `settle_v`; a scan that comes to no reading within `wait_max` is asked for again.
    """

    settle_v: float
    settle: timedelta
    wait_max: timedelta


@dataclass(frozen=True, slots=True)
class ByHand:
    """A person goes from cell to cell, where no scanner reads them (B7, B8).

    With a hand-held meter, whose figures they type, or with the bench's own, which is `led`.  A
    figure must lie in `voltage`; what is further than `jump_v` from the middle of the others is
    measured again.  `again`: the first cell is read once more at the end (G6).
    """

    voltage: Window
    jump_v: float
    again: bool
    led: Led | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCell:
    """A step that may be the turn of one cell: the position of that one, which has records and an
    account of its own; 0: of all."""

    cell: int = field(default=0, metadata=LATER)

    @property
    def place(self) -> int:
        """The position of the one cell that is looked at; 0: of all."""
        return self.cell


@dataclass(frozen=True, slots=True, kw_only=True)
class OnLeads(OfCell):
    """A step for which leads and meter are on the bank, or on one cell.

    `alone` is the position of that one where no cell has a turn: it is all that the program is
    of, and a scanner may see others beside it.
    """

    alone: int = field(default=0, metadata=LATER)

    @property
    def place(self) -> int:
        """The position of the one cell that leads and meter are on; 0 where that is the bank."""
        return self.cell or self.alone


@dataclass(frozen=True, slots=True)
class Measure(OfCell):
    """Every cell, individually, output proven off; judged by `rule` when settled.

    Read by the scanner, or `by_hand`: then each reading has a time of its own.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    rule: ParallelRule | RestedRule | LevelRule | DisconnectRule | RecheckRule | WatchRule
    settle_samples: int = 3
    settle_v: float = 0.002
    timeout: timedelta = timedelta(minutes=30)
    by_hand: ByHand | None = field(default=None, metadata=LATER)
    routed: bool = field(default=False, metadata=LATER)  # the router takes the leads off first


@dataclass(frozen=True, slots=True)
class Verify(OnLeads):
    """The joined bank at rest, just before a charge: what the meter sees must be these cells.

    The bank meter lies within `margin_v` of what these cells were last seen at, or in `voltage`
    where they were not, and every cell that a scanner sees within `cells_within_v` of the bank,
    `settle_samples` times in a row.  In `series` the meter shows the sum of the cells, each of
    which is seen, within `margin_v`, and a BMS that tells at how many volts of a cell it opens
    must say one within `bms_over`; of cells that nobody sees it is in `voltage`.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    margin_v: float
    cells_within_v: float
    settle_samples: int = 3
    timeout: timedelta = timedelta(minutes=15)
    skip_if_announced: str = ""  # needless where the charge after it is
    voltage: Window | None = field(default=None, metadata=LATER)
    series: bool = field(default=False, metadata=LATER)
    bms_over: Window | None = field(default=None, metadata=LATER)
    routed: bool = field(default=False, metadata=LATER)  # the router puts the leads on its cell


@dataclass(frozen=True, slots=True)
class Charge(OnLeads):
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


@dataclass(frozen=True, slots=True)
class SeriesCharge:
    """CC/CV into a string behind its BMS until the first cell is at target (B10).

    It also ends when the BMS opens, which shows as a current below `proven_on_a` for `gone_for`
    with the supply at its set-point, or as the BMS's own word.  Where the highest cell had not
    come within `near_v` of the target by then, that was early, or a lead is off.  A string that
    is at its set-point and takes no more than `tail_a` for `gone_for` is as full as it gets.
    The meter agrees with the sum of the cells within `cells_v` of its Agreement for each, and
    what `link_max_ohm` drops.  Where the cells are `unseen` only current and meter end it.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    setpoint: Setpoint  # of the string
    protection: Protection
    target_v: float  # of a cell
    near_v: float
    tail_a: float
    proven_on_a: float
    gone_for: timedelta
    agreement: Agreement
    link_max_ohm: float  # of all links together
    charge_max_ah: float
    timeout: timedelta
    hold: Holding | None = field(default=None, metadata=LATER)
    unseen: Unseen | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Discharge(OnLeads):
    """Constant current out of the cells until the meter has seen the cut-off (B9, B16).

    A draw that holds its voltage ends at `tail_a` instead, and the meter must not see less.
    `draw` has the load's own ends, which it keeps where everybody else is dead.  Where `gap_max`
    is given what comes out is measured: a longer hole in it makes it worth nothing, and it is
    never resumed.  With a `pulse` it ends by time instead, and the cut-off is where it breaks
    off.  A `string` also ends at its lowest cell, or at so much drawn.
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
    alone: int = field(default=0, kw_only=True)  # always said
    tail_a: float = field(default=0.0, metadata=LATER)  # B9: the current that its taper ends at
    pulse: Pulse | None = field(default=None, metadata=LATER)
    string: StringEnd | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Rest(OnLeads):
    """No current for so long; what the meter shows then stands on record."""

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    lasts: timedelta
    alone: int = field(default=0, kw_only=True)  # always said


@dataclass(frozen=True, slots=True)
class Wait:
    """F6: all stands ready with the output off, nobody is there, and the moment has yet to come.

    It ends at `until`, in process time, or when a person says to begin; what the Verify after it
    asks of the cells holds meanwhile.  Something amiss that lasts for `patience` ends the run.
    """

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    until: datetime
    patience: timedelta


@dataclass(frozen=True, slots=True)
class Compare:
    """Judge the cells by what each showed at the end of its own Rest; at once, output off."""

    TAGGED: ClassVar[bool] = True
    name: str
    title: str
    rule: BottomRule


Step = Instruct | Measure | Verify | Charge | SeriesCharge | Discharge | Rest | Wait | Compare


SUPPLIED = Charge | SeriesCharge  # steps with the supply's output on
DRIVEN = SUPPLIED | Discharge  # steps with an output on: of the supply, of the load


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
class Presence:
    """F4: how long an output may be on until a person says again that they are there.

    Guard time, at every speed of process time; `warn` before its end people are told.
    """

    every: timedelta
    warn: timedelta


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
    # Of an attended run; None: nobody has to be there, or no output ever goes on.
    presence: Presence | None = field(default=None, metadata=LATER)


class PlanRefused(ValueError):
    """A spec cannot become a safe program; `problems` says each reason and what to change."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
