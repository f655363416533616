"""A string held full while its balancer works (B14): no cell above the target, so much time."""

from __future__ import annotations

from datetime import datetime

from stations.frozen import changed
from stations.procedures.actions import Action, Hold, Next, SafeHold, Set
from stations.procedures.charging import SETTLE_READINGS, as_cold, cv_s
from stations.procedures.progress import close_series
from stations.procedures.state import Run
from stations.procedures.steps import Holding, SeriesCharge
from stations.values import Reading, Setpoint

RISE_BELOW_V = 0.005  # the highest cell lies so far below the target before the set-point rises
OPENED = "the BMS opened in the hold"


def decide_holding(
    run: Run, step: SeriesCharge, hold: Holding, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """End when it has lasted, give up where the string has come off, else follow its cells."""
    highest_v = max(reading.cell_voltages_v)
    near = highest_v >= step.target_v - step.near_v
    opened = reading.bms is not None and reading.bms.charge_open
    if not opened and (near or reading.regulation == "CV"):
        run = changed(run, cv_since=run.cv_since or reading.at)
    if cv_s(run, reading.at) >= hold.lasts.total_seconds():
        return close_series(run, step, now, (_done(run, reading, hold),)), Next()
    run, reason = _parted(run, step, reading, opened=opened)
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
        steps = max(1, round(over_v / hold.step_v))
        return Setpoint(round(from_v - steps * hold.step_v, 6), current_a)
    if over_v < -RISE_BELOW_V and now.voltage_v < step.setpoint.voltage_v:
        risen_v = min(step.setpoint.voltage_v, now.voltage_v + hold.step_v)
        return Setpoint(round(risen_v, 6), current_a)
    return changed(now, current_a=current_a)


def _parted(run: Run, step: SeriesCharge, reading: Reading, *, opened: bool) -> tuple[Run, str]:
    """What keeps current out: the BMS, which may close again, or a lead that is off, which not."""
    if opened and OPENED not in run.alarms:
        run = changed(run, alarms=(*run.alarms, OPENED))
    if opened and run.peak_cell_v < step.target_v - step.near_v:
        return run, (
            f"the BMS opened early, the highest cell at {run.peak_cell_v:.3f} V, below the "
            f"{step.target_v:.3f} V of the hold: check its setting, sense leads and probes"
        )
    above_v = reading.supply_voltage_v - reading.voltage_v
    flows = reading.supply_current_a >= step.proven_on_a
    off = not (flows or opened) and above_v > step.agreement.supply_v
    run = changed(run, no_current_since=(run.no_current_since or reading.at) if off else None)
    since = run.no_current_since
    if since is None or reading.at - since < step.gone_for:
        return run, ""
    return run, (
        f"no current flows and the supply is {above_v:.2f} V above the string: a lead is off, or "
        "the BMS opened"
    )


def _done(run: Run, reading: Reading, hold: Holding) -> str:
    spread_mv = 1000 * (max(reading.cell_voltages_v) - min(reading.cell_voltages_v))
    hours = hold.lasts.total_seconds() / 3600
    return f"held for {hours:.1f} h: {spread_mv:.0f} mV between the cells"
