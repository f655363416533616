"""A string held full while its balancer works (B14): no cell above the target, so much time."""

from __future__ import annotations

from datetime import datetime, timedelta

from stations.frozen import changed
from stations.procedures.actions import Action, Hold, Next, SafeHold, Set
from stations.procedures.charging import SETTLE_READINGS, as_cold
from stations.procedures.criteria import Holding
from stations.procedures.planned import in_steps
from stations.procedures.progress import close_series, cv_counted, cv_s
from stations.procedures.state import Run
from stations.procedures.steps import SeriesCharge
from stations.values import Reading, Setpoint

RISE_BELOW_V = 0.005  # the highest cell lies so far below the target before the set-point rises
# A full string that nothing feeds falls by so much a cell within minutes, and the supply does not.
FALLEN_CELL_V = 0.005
# A BMS that opened for a full cell closes again once that has come back by 0.1 V, in minutes.
OPEN_MAX = timedelta(minutes=30)
OPENED = "the BMS opened in the hold"


def decide_holding(
    run: Run, step: SeriesCharge, hold: Holding, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """End when it has lasted, give up where the string has come off, else follow its cells."""
    highest_v = max(reading.cell_voltages_v)
    near = highest_v >= step.target_v - step.near_v
    opened = reading.bms is not None and reading.bms.charge_open
    if opened:  # nothing is held by a supply that is shut out: the time stands still
        run = cv_counted(run, reading.at, counts=False)
    elif near or reading.regulation == "CV":
        run = cv_counted(run, reading.at, counts=True)
    if cv_s(run, reading.at) >= hold.lasts.total_seconds():
        return close_series(run, step, now, (_done(run, reading, hold),)), Next()
    run, reason = _parted(run, step, hold, reading, opened=opened)
    if reason:
        return run, SafeHold(reason)
    setpoint = run.setpoint or step.setpoint
    wanted = as_cold(
        _followed(step, hold, setpoint, reading, highest_v), run.program.limits, reading.coldest_c
    )
    if wanted == setpoint or reading.seq <= run.set_seq + SETTLE_READINGS:
        return run, Hold()
    return changed(run, setpoint=wanted, set_seq=reading.seq), Set(wanted)


def _followed(
    step: SeriesCharge, hold: Holding, now: Setpoint, reading: Reading, highest_v: float
) -> Setpoint:
    """The set-point for what the highest cell shows; the current never rises again."""
    current_a = now.current_a
    if highest_v >= hold.finish_above_v:
        current_a = min(current_a, hold.finish_current_a)
    over_v = highest_v - step.target_v
    if over_v > 0:
        # In CC the supply is below its set-point, and only from there it is felt.
        from_v = min(now.voltage_v, max(reading.supply_voltage_v, reading.voltage_v))
        if now.voltage_v + step.agreement.supply_v < reading.voltage_v:
            return changed(now, current_a=current_a)  # none comes from there: it falls by itself
        steps = max(1, round(over_v / hold.step_v))
        return Setpoint(in_steps(from_v - steps * hold.step_v, hold.step_v), current_a)
    if over_v < -RISE_BELOW_V and now.voltage_v < step.setpoint.voltage_v:
        risen_v = min(step.setpoint.voltage_v, now.voltage_v + hold.step_v)
        return Setpoint(round(risen_v, 6), current_a)
    return changed(now, current_a=current_a)


def _parted(
    run: Run, step: SeriesCharge, hold: Holding, reading: Reading, *, opened: bool
) -> tuple[Run, str]:
    """What keeps current out: the BMS, which may close again, or a lead that is off, which not."""
    if opened and OPENED not in run.alarms:
        run = changed(run, alarms=(*run.alarms, OPENED))
    if opened and run.peak_cell_v < step.target_v - step.near_v:
        return run, (
            f"the BMS opened early, the highest cell at {run.peak_cell_v:.3f} V, below the "
            f"{step.target_v:.3f} V of the hold: check its setting, sense leads and probes"
        )
    since = (run.opened_since or reading.at) if opened else None
    run = changed(run, opened_since=since)
    if since is not None and reading.at - since >= OPEN_MAX:
        said = ", ".join(sorted(reading.bms.protections)) if reading.bms else ""
        return run, f"{OPENED} and has not closed for {OPEN_MAX}, it says {said or 'nothing'}"
    return _off_its_lead(run, step, hold, reading, opened=opened)


def _off_its_lead(
    run: Run, step: SeriesCharge, hold: Holding, reading: Reading, *, opened: bool
) -> tuple[Run, str]:
    """Little current is the end of a hold, and what a lead shows that is off: there the string
    falls away from the supply, from where both stood while the supply fed it."""
    above_v = reading.supply_voltage_v - reading.voltage_v
    if reading.supply_current_a >= step.proven_on_a:
        return changed(run, fed_above_v=above_v, no_current_since=None), ""
    fallen_v = 2 * hold.step_v + FALLEN_CELL_V * len(reading.cell_voltages_v)
    apart = above_v > step.agreement.supply_v or above_v > run.fed_above_v + fallen_v
    if opened or not apart:
        return changed(run, no_current_since=None), ""
    since = run.no_current_since or reading.at
    run = changed(run, no_current_since=since)
    if reading.at - since < step.gone_for:
        return run, ""
    return run, (
        f"no current flows and the supply is {above_v:.2f} V above the string: a lead is off, or "
        "the BMS opened"
    )


def _done(run: Run, reading: Reading, hold: Holding) -> str:
    spread_mv = 1000 * (max(reading.cell_voltages_v) - min(reading.cell_voltages_v))
    hours = hold.lasts.total_seconds() / 3600
    return f"held for {hours:.1f} h: {spread_mv:.0f} mV between the cells"
