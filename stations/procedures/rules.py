"""By what measured cells are judged: one frozen rule per kind of measurement.

`judge` applies them.  Volts, and ages as lengths of time since current stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from stations.plain import LATER
from stations.values import NAN, Window


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
    """Cells that are driven one by one: each, at rest, may be driven at all (B9, B12, B17).

    One that rests below `start_low_v` is too empty already to end where the others do.
    """

    TAGGED: ClassVar[bool] = True
    voltage: Window
    capacity_ah: float
    start_low_v: float = field(default=0.0, metadata=LATER)


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
    balanced together; empty means all of them.  `both_ways`: a cell that is too high fails too;
    one that was emptied and rests high has charge that its neighbours have not (B9).
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
    temperature_span_k: float = field(default=math.inf, metadata=LATER)  # between any two probes
    both_ways: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class WatchRule:
    """Self-discharge: what each resting cell lost since a first check, against the group's median.

    Losses are shares of capacity in a month of 30 days; ages are wall time.  `before_v` is what
    the first check saw, by position, and `before_check` its number; empty where this is the first.
    """

    TAGGED: ClassVar[bool] = True
    gap_min: timedelta
    gap_max: timedelta  # a first check that is older begins anew
    rest_min: timedelta  # since current stopped, where that is known
    warn_month: float
    fail_month: float
    observable_share: float  # of `fail_month`, that a loss may be unsure by
    unsure_v: float  # by which a rested voltage may be off: meter, temperature, hysteresis
    hysteresis_v: float  # a cell rests so far beyond equilibrium, on the side of its last current
    plateau_v: float  # the same where that side is not known
    temperature_span_k: float
    before_v: tuple[float, ...] = ()
    before_at: datetime | None = None
    before_c: float = NAN
    before_check: int = 0


@dataclass(frozen=True, slots=True)
class BottomRule:
    """B9: emptied cells, each at the same age after its own discharge, judged together."""

    TAGGED: ClassVar[bool] = True
    spread_max_v: float
    mean: Window
    late: timedelta = field(default=timedelta(0), metadata=LATER)  # older is no such age; 0: any


@dataclass(frozen=True, slots=True)
class ResistanceRule:
    """What a DC resistance is held against: shares of what the type's datasheet calls typical."""

    typical_ohm: float
    low_share: float  # below: no such cell has so little
    warn_share: float
    fail_share: float
