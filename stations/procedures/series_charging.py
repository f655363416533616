"""The charge of a series string: until the first cell is full or the BMS opens (B10)."""

from __future__ import annotations

import math
from datetime import datetime

from stations.frozen import changed
from stations.procedures import series_holding, series_unseen
from stations.procedures.actions import Action, Hold, Next, SafeHold, Set, Trip
from stations.procedures.charging import LEAD_SEEN_ABOVE, SETTLE_READINGS, as_cold
from stations.procedures.criteria import Agreement
from stations.procedures.progress import close_series
from stations.procedures.state import Run
from stations.procedures.steps import SeriesCharge
from stations.values import NAN, Reading


def decide_series(
    run: Run, step: SeriesCharge, reading: Reading, now: datetime
) -> tuple[Run, Action]:
    """Judge one valid reading with the output on: end, take less where cells are cold, go on."""
    run = _observe(run, step, reading)
    if run.step_charge_ah > step.charge_max_ah:
        return run, Trip(f"{run.step_charge_ah:.1f} Ah delivered, above the step's limit")
    if (now - run.entered_at).total_seconds() + run.step_spent_s > step.timeout.total_seconds():
        return run, Trip(f"“{step.title}” took longer than {step.timeout}")
    if step.hold is not None:
        return series_holding.decide_holding(run, step, step.hold, reading, now)
    if step.unseen is not None:
        return series_unseen.decide_unseen(run, step, step.unseen, reading, now)
    if reading.bms is not None and reading.bms.charge_open:
        return _opened(run, step, reading, now)
    highest_v = max(reading.cell_voltages_v)
    if highest_v >= step.target_v:
        cell = reading.cell_voltages_v.index(highest_v) + 1
        words = f"cell {cell} is full: {highest_v:.3f} V"
        return close_series(run, step, now, (words,)), Next()
    gone = run.no_current_since
    if gone is not None and reading.at - gone >= step.gone_for:
        return _opened(run, step, reading, now)
    if run.tail_since is not None and reading.at - run.tail_since >= step.gone_for:
        words = f"the string is at its {step.setpoint.voltage_v:.2f} V and takes no more"
        return close_series(run, step, now, (words,)), Next()
    setpoint = run.setpoint or step.setpoint
    wanted = as_cold(setpoint, run.program.limits, reading.coldest_c)
    if wanted == setpoint or reading.seq <= run.set_seq + SETTLE_READINGS:
        return run, Hold()
    return changed(run, setpoint=wanted, set_seq=reading.seq), Set(wanted)


def disagreement(step: SeriesCharge, reading: Reading) -> str:
    """Why meter or cells are in doubt, or ""; NaN agrees with nothing.

    The meter shows the sum of the cells, where they are seen, and what the links between them
    drop.  While current flows it lies below the supply's terminals by what leads and BMS drop; a
    BMS that is open parts the two.
    """
    budget, meter_v = step.agreement, reading.voltage_v
    links_v = step.link_max_ohm * max(0.0, reading.supply_current_a)
    apart = "" if step.unseen else string_apart(budget, reading, links_v)
    if apart:
        return apart
    if reading.supply_current_a < step.proven_on_a:
        return ""
    leads_v = budget.lead_max_ohm * reading.supply_current_a
    if not -budget.supply_v <= reading.supply_voltage_v - meter_v <= budget.supply_v + leads_v:
        return f"meter {meter_v:.3f} V and supply {reading.supply_voltage_v:.3f} V disagree"
    return ""


def string_apart(budget: Agreement, reading: Reading, links_v: float) -> str:
    """Why the meter on a string and the sum of its cells disagree, or ""."""
    meter_v, cells = reading.voltage_v, reading.cell_voltages_v
    sum_v, apart_v = math.fsum(cells), budget.cells_v * len(cells)
    low_v, high_v = min(0.0, links_v), max(0.0, links_v)
    if cells and low_v - apart_v <= meter_v - sum_v <= apart_v + high_v:
        return ""
    return f"meter {meter_v:.3f} V and {len(cells)} cells of {sum_v:.3f} V together disagree"


def _observe(run: Run, step: SeriesCharge, reading: Reading) -> Run:
    current_a, at = run.last_current_a, reading.at
    flows, in_cc = current_a >= step.proven_on_a, reading.regulation == "CC"
    tail = flows and not in_cc and current_a <= step.tail_a
    peak_v, peak_cell_v, peak_cell = run.peak_voltage_v, run.peak_cell_v, run.peak_cell
    highest_v, lead_ohm = max(reading.cell_voltages_v, default=NAN), run.lead_ohm
    if reading.cell_voltages_v and not peak_cell_v >= highest_v:
        peak_cell_v, peak_cell = highest_v, reading.cell_voltages_v.index(highest_v) + 1
    if not peak_v >= reading.voltage_v:
        peak_v = reading.voltage_v
    if current_a >= LEAD_SEEN_ABOVE * step.setpoint.current_a:
        lead_ohm = (reading.supply_voltage_v - reading.voltage_v) / current_a
    return changed(
        run,
        charge_current_a=current_a,
        reached_cv=run.reached_cv or not in_cc,
        no_current_since=None if flows or in_cc else run.no_current_since or at,
        tail_since=(run.tail_since or at) if tail else None,
        last_on_v=reading.voltage_v,
        last_cells_v=reading.cell_voltages_v,
        peak_voltage_v=peak_v,
        peak_cell_v=peak_cell_v,
        peak_cell=peak_cell,
        lead_ohm=lead_ohm,
    )


def _opened(run: Run, step: SeriesCharge, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """No current goes in any more: the end that was wanted, or one that came too early."""
    bms = reading.bms
    said = f", it says {', '.join(sorted(bms.protections)) or 'nothing'}" if bms else ""
    at = f"cell {run.peak_cell} at {run.peak_cell_v:.3f} V"
    if run.peak_cell_v >= step.target_v - step.near_v:
        words = f"the BMS opened: {at}{said}"
        return close_series(run, step, now, (words,), bms_opened=True), Next()
    early_mv = 1000 * (step.target_v - run.peak_cell_v)
    by = f"the highest was {at}, {early_mv:.0f} mV below the {step.target_v:.3f} V of its setting"
    if bms is not None and bms.charge_open:
        return run, SafeHold(
            f"the BMS opened early{said}: {by}; check its setting, sense leads and probes"
        )
    return run, SafeHold(
        f"no current flows with the supply at its {step.setpoint.voltage_v:.2f} V: the BMS opened "
        f"early, or a lead is off; {by}"
    )
