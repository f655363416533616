"""What resting cells lost between two looks, in charge, each against the group's median.  Pure.

A rested voltage tells charge only where the curve of rested volts over charge is steep, near full
and near empty; on the plateau 10 mV can be 20 % of charge.  So volts are turned into charge by that
curve (`stations.model.ocv`), and a loss of which more than a part would be guesswork is "unseen".
The group's median takes out what all cells have in common: temperature, the meter, relaxation.

A cell that has fallen onto the plateau since the first look is lower than the curve can tell; what
it lost at least is enough to name it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from stations.model.ocv import ocv_v, soc_at
from stations.procedures.rules import WatchRule
from stations.values import NAN, Window

MONTH = timedelta(days=30)
# Between the ends: on which of them a cell is, and so on which side of equilibrium it rests.
MIDDLE_V = 3.30
ROSE_V = 0.005  # no cell at rest for a day rises by so much


@dataclass(frozen=True, slots=True)
class CellLoss:
    """One cell; losses are shares of capacity in a month, NaN where nothing can be said."""

    position: int
    before_v: float
    now_v: float
    loss_month: float
    unsure_month: float
    window: Window  # what it may have fallen to
    verdict: str  # "pass", "marginal", "fail", "unseen", "invalid"

    @property
    def drop_v(self) -> float:
        return self.before_v - self.now_v


@dataclass(frozen=True, slots=True)
class Losses:
    """All cells of one group; NaN where the group's own loss is not observable."""

    gap: timedelta
    median_month: float
    median_drop_v: float
    cells: tuple[CellLoss, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        found = [words for cell in self.cells if (words := self._words(cell))]
        if math.isnan(self.median_month):
            return (
                "not observable: most cells rest on the plateau, where volts tell no charge",
                *found,
            )
        days = self.gap / timedelta(days=1)
        group = f"the group loses {100 * self.median_month:.1f} % a month, over {days:.1f} days"
        return (group, *found)

    def _words(self, cell: CellLoss) -> str:
        lost = f"{100 * cell.loss_month:.1f} % a month"
        match cell.verdict:
            case "fail":
                return f"cell {cell.position} leaks, it loses {lost} or more"
            case "marginal":
                return f"cell {cell.position} loses about {lost}: watch it again"
            case "unseen":
                return f"cell {cell.position}: not observable"
            case "invalid":
                rose_mv = -1000 * cell.drop_v
                return f"cell {cell.position} rose by {rose_mv:.0f} mV: it was not at rest"
        return ""


def is_observable(rule: WatchRule, voltage_v: float, gap: timedelta) -> bool:
    """Whether a first look at `voltage_v` leaves room for a second one that tells a loss."""
    return _unsure_soc(voltage_v, rule.unsure_v) / (gap / MONTH) <= _unsure_max(rule) / 2


def losses(rule: WatchRule, volts: Sequence[float], at: datetime) -> Losses:
    """What each cell lost since the rule's first check; the first check must be there."""
    assert rule.before_at is not None  # noqa: S101  a first check has its time
    gap = at - rule.before_at
    seen = [_lost(rule, b, n, gap) for b, n in zip(rule.before_v, volts, strict=True)]
    known = [lost for lost in seen if lost.unsure_month <= _unsure_max(rule) and not lost.rose]
    if not 2 * len(known) > len(seen):
        typical, drop_v = NAN, NAN
    else:
        typical = median(lost.month for lost in known)
        drop_v = median(lost.before_v - lost.now_v for lost in known)
    cells = tuple(_judged(rule, n, lost, typical, gap) for n, lost in enumerate(seen, start=1))
    return Losses(gap, typical, drop_v, cells)


@dataclass(frozen=True, slots=True)
class _Lost:
    """What two looks at one cell tell by themselves."""

    before_v: float
    now_v: float
    offset_v: float  # of the rested volts from equilibrium
    unsure_v: float
    month: float
    unsure_month: float

    @property
    def rose(self) -> bool:
        return self.now_v - self.before_v > ROSE_V


def _lost(rule: WatchRule, before_v: float, now_v: float, gap: timedelta) -> _Lost:
    """The side of equilibrium on which a cell rests stays, for no current flows."""
    if is_observable(rule, before_v, gap):
        offset_v = rule.hysteresis_v if before_v > MIDDLE_V else -rule.hysteresis_v
        unsure_v = rule.unsure_v
    else:
        offset_v, unsure_v = 0.0, rule.plateau_v
    then, now, months = before_v - offset_v, now_v - offset_v, gap / MONTH
    unsure_soc = _unsure_soc(then, unsure_v) + _unsure_soc(now, unsure_v)
    return _Lost(
        before_v=before_v,
        now_v=now_v,
        offset_v=offset_v,
        unsure_v=unsure_v,
        month=(soc_at(then) - soc_at(now)) / months,
        unsure_month=unsure_soc / months,
    )


def _judged(
    rule: WatchRule, position: int, lost: _Lost, typical: float, gap: timedelta
) -> CellLoss:
    unseen = not lost.unsure_month <= _unsure_max(rule)
    window, verdict, month = Window(NAN, NAN), "pass", lost.month
    if lost.rose:
        verdict = "invalid"
    elif math.isnan(typical):
        verdict = "unseen"
    else:
        window = _window(rule, lost, typical, gap)
        month = _at_least(lost, gap) if unseen else lost.month
        if not lost.now_v >= window.low:
            verdict = "fail"
        elif month > typical + rule.warn_month:
            verdict = "marginal"
        elif unseen:
            verdict = "unseen"
    told = month if verdict in ("pass", "marginal", "fail") else NAN
    return CellLoss(position, lost.before_v, lost.now_v, told, lost.unsure_month, window, verdict)


def _window(rule: WatchRule, lost: _Lost, typical: float, gap: timedelta) -> Window:
    """From the volts below which even the kindest reading of both looks is too much lost."""
    least_soc = soc_at(lost.before_v - lost.offset_v - lost.unsure_v)
    limit_soc = least_soc - (typical + rule.fail_month) * (gap / MONTH)
    low_v = float(ocv_v(limit_soc)) + lost.offset_v - lost.unsure_v
    return Window(round(low_v, 6), float("inf"))


def _at_least(lost: _Lost, gap: timedelta) -> float:
    before_soc = soc_at(lost.before_v - lost.offset_v - lost.unsure_v)
    return (before_soc - soc_at(lost.now_v - lost.offset_v + lost.unsure_v)) / (gap / MONTH)


def _unsure_soc(voltage_v: float, unsure_v: float) -> float:
    """By how much charge is unsure where volts are: the slope of the curve, around that voltage."""
    return (soc_at(voltage_v + unsure_v) - soc_at(voltage_v - unsure_v)) / 2


def _unsure_max(rule: WatchRule) -> float:
    return rule.observable_share * rule.fail_month
