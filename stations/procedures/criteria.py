"""What a step with an output on goes by: how its set-point follows, what is doubt, what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from stations.plain import LATER
from stations.procedures.rules import ResistanceRule


@dataclass(frozen=True, slots=True)
class Trim:
    """B5: how the set-point follows the bank meter in CV."""

    step_v: float  # the supply's resolution
    accuracy_v: float  # how far it may rise above target when the supply reads low
    offset_v: float = 0.0  # commissioned: true terminal volts minus set-point
    # How far it may rise above target for what the leads drop at that moment; 0: not at all.
    compensate_v: float = field(default=0.0, metadata=LATER)
    ovp_room_v: float = field(default=0.050, metadata=LATER)  # but never above OVP less this
    # The same minus what its voltmeter shows; None: not known apart from it.
    shown_offset_v: float | None = field(default=None, metadata=LATER)

    @property
    def above_shown_v(self) -> float:
        """By how much the supply's terminals truly lie above what it shows."""
        return self.offset_v if self.shown_offset_v is None else self.shown_offset_v

    @property
    def rise_max_v(self) -> float:
        """The furthest above target that the set-point may ever be."""
        return max(self.accuracy_v, self.compensate_v)


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
    cv_min: timedelta  # of the bank at `at_least_v` with the supply in CV, in one piece
    cv_max: timedelta  # the same, in all
    flat_for: timedelta
    flat_fraction: float
    no_current_for: timedelta  # in CV without any current: a lead has come off
    proven_on_a: float = 0.0  # a current below this is no tail: a fallen lead looks like one


@dataclass(frozen=True, slots=True)
class Holding:
    """B14: the string is held full while its balancer works; the set-point follows its cells.

    No cell is led above the step's target: the set-point falls while the highest is above it, and
    rises again, never above the step's own.  The hold counts from when the supply regulates its
    voltage, or the highest cell is near the target.
    """

    lasts: timedelta
    step_v: float  # the supply's resolution
    finish_above_v: float  # of the highest cell: from there on with ...
    finish_current_a: float


@dataclass(frozen=True, slots=True)
class Unseen:
    """B10: nobody sees the cells of the string; its meter is all there is.

    One full cell lifts a string that was level: over the last `run_up_ah` it rises by `run_up_v`
    more than over as many before them, however many cells there are.  So it does, or stands above
    `knee_v` a cell, when its BMS opens; when a lead comes off it does not.
    """

    run_up_v: float
    run_up_ah: float
    knee_v: float
    hold_max: timedelta  # with the supply at its set-point


@dataclass(frozen=True, slots=True)
class StringEnd:
    """How a string is discharged (B14): until its lowest cell, or so much of its charge."""

    lowest_v: float
    enough_ah: float
    link_max_ohm: float  # of all links together


@dataclass(frozen=True, slots=True)
class Pulse:
    """A current step: how far the volts fall below those before it, at two moments of it."""

    lasts: timedelta
    early: timedelta
    resolution_v: float  # one count of the meter
    rule: ResistanceRule
