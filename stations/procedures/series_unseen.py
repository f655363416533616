"""The charge of a string whose cells nobody sees (B10): its BMS ends it, or its own voltage.

A BMS that opens and a lead that comes off look alike: no current flows and the supply stands at
its set-point.  What came before parts them: a cell that runs up to its BMS's voltage lifts the
whole string with it, and a lead comes off whenever it likes.  One that does so just then is taken
for the BMS; either way the output is off.
"""

from __future__ import annotations

import math
from datetime import datetime

from stations.frozen import changed
from stations.procedures.actions import Action, Hold, Next, SafeHold, Set
from stations.procedures.charging import SETTLE_READINGS, as_cold
from stations.procedures.criteria import Unseen
from stations.procedures.progress import close_series, cv_counted, cv_s
from stations.procedures.state import Run
from stations.procedures.steps import SeriesCharge
from stations.values import NAN, Reading

TRAIL_STEPS = 10  # points of the trail in one run-up

Trail = tuple[tuple[float, float], ...]


def decide_unseen(
    run: Run, step: SeriesCharge, unseen: Unseen, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """End by the BMS, by the tail or by the hold; give up where a lead may be off; go on."""
    run = _followed(run, step, unseen, reading)
    gone = run.no_current_since
    if gone is not None and reading.at - gone >= step.gone_for:
        return _no_current(run, step, unseen, now)
    if run.tail_since is not None and reading.at - run.tail_since >= step.gone_for:
        words = f"the string is at its {step.setpoint.voltage_v:.2f} V and takes no more"
        return _closed(run, step, unseen, now, words, bms_opened=False), Next()
    if cv_s(run, reading.at) >= unseen.hold_max.total_seconds():
        words = f"held at its {step.setpoint.voltage_v:.2f} V for {unseen.hold_max}"
        return _closed(run, step, unseen, now, words, bms_opened=False), Next()
    setpoint = run.setpoint or step.setpoint
    wanted = as_cold(setpoint, run.program.limits, reading.coldest_c)
    if wanted == setpoint or reading.seq <= run.set_seq + SETTLE_READINGS:
        return run, Hold()
    return changed(run, setpoint=wanted, set_seq=reading.seq), Set(wanted)


def run_up_v(trail: Trail, unseen: Unseen) -> float:
    """By how much the string rose over its last ampere-hours more than over as many before.

    NaN while less than both has gone in.
    """
    if not trail:
        return NAN
    ah, volts = trail[-1]
    middle_v, before_v = (_at(trail, ah - back * unseen.run_up_ah) for back in (1, 2))
    return volts - 2 * middle_v + before_v


def _at(trail: Trail, ah: float) -> float:
    """The volts when so much had gone in; NaN before the trail began."""
    return next((volts for known_ah, volts in reversed(trail) if known_ah <= ah), NAN)


def _followed(run: Run, step: SeriesCharge, unseen: Unseen, reading: Reading) -> Run:
    """How long the supply was in CV, and the trail with what this reading shows."""
    flows = run.charge_current_a >= step.proven_on_a
    run = cv_counted(run, reading.at, counts=flows and reading.regulation == "CV")
    return changed(run, trail=_longer(run, unseen, reading.voltage_v)) if flows else run


def _longer(run: Run, unseen: Unseen, volts: float) -> Trail:
    """The newest point moves on with each reading, and stays once it is a step from the last."""
    ah, apart_ah = run.step_charge_ah, unseen.run_up_ah / TRAIL_STEPS
    kept = run.trail
    if len(kept) > 1 and kept[-1][0] - kept[-2][0] < apart_ah:
        kept = kept[:-1]
    oldest_ah = ah - 2 * unseen.run_up_ah - 2 * apart_ah
    return (*(point for point in kept if point[0] >= oldest_ah), (ah, volts))


def _no_current(run: Run, step: SeriesCharge, unseen: Unseen, now: datetime) -> tuple[Run, Action]:
    rose_v, last_v = run_up_v(run.trail, unseen), run.trail[-1][1] if run.trail else NAN
    if rose_v >= unseen.run_up_v or last_v >= unseen.knee_v * run.program.cells:
        words = f"the BMS opened: no current flows, and the string had run up to {last_v:.2f} V"
        return _closed(run, step, unseen, now, words, bms_opened=True), Next()
    return run, SafeHold(
        f"no current flows with the supply at its {step.setpoint.voltage_v:.2f} V: a lead is off, "
        f"or the BMS opened early; {_unlifted(run, unseen, last_v)}. Check leads, the BMS's "
        "setting, sense leads and probes"
    )


def _unlifted(run: Run, unseen: Unseen, last_v: float) -> str:
    if not run.trail:
        return "the string never took any"
    if math.isnan(run_up_v(run.trail, unseen)):
        least_ah = 2 * unseen.run_up_ah
        return f"less than the {least_ah:.1f} Ah went in that would tell, up to {last_v:.2f} V"
    return f"no full cell was lifting the string, which stood at {last_v:.2f} V"


def _closed(
    run: Run, step: SeriesCharge, unseen: Unseen, now: datetime, words: str, *, bms_opened: bool
) -> Run:
    facts = (("run_up_v", run_up_v(run.trail, unseen)),)
    return close_series(run, step, now, (words,), bms_opened=bms_opened, facts=facts)
