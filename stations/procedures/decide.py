"""decide(run, reading, now) -> (run, action): the only place that judges a reading.

Pure: the reading and the time come in, what the bench must do goes out.  Safety is judged
before progress: a reading that ends a step and breaks a limit trips.  Comparisons are written
so that NaN fails them.
"""

from __future__ import annotations

import math
from datetime import datetime

from stations.frozen import changed
from stations.procedures import (
    charging,
    discharging,
    led,
    measuring,
    resting,
    series_charging,
    verifying,
    waiting,
)
from stations.procedures.actions import Action, Hold, SafeHold, Trip
from stations.procedures.handling import UNSAID, only_takes_off
from stations.procedures.progress import close_step, onward, zero_a
from stations.procedures.state import Run
from stations.procedures.steps import (
    DRIVEN,
    SUPPLIED,
    Charge,
    Compare,
    Discharge,
    Instruct,
    Measure,
    Rest,
    SeriesCharge,
    Verify,
    Wait,
)
from stations.values import Reading, only_silent

DOUBTS_MAX = 2  # doubtful readings in a row before the output goes off
OUT_OF_PLACE_MAX = 3  # readings in a row with the output in the other state than the step's


def decide(run: Run, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """Return the run after `reading`, and what the bench must do next.

    `now` is process time; the age of the reading is guard time.  A doubtful reading (flags, or
    instruments that contradict each other) makes no progress and, twice in a row, is a SafeHold;
    a valid reading over a limit trips.  A reading of before the step was entered is judged for
    safety only: the stream lags behind.
    """
    run, stop = _safety(run, reading, now)
    if stop is not None:
        return run, stop
    step, coldest_c = run.step, reading.coldest_c
    if math.isfinite(coldest_c) and coldest_c != run.coldest_c:
        run = changed(run, coldest_c=coldest_c)
    if isinstance(step, Discharge):
        hole = discharging.hole(run, step, reading)
        if hole:
            return run, SafeHold(hole)
        run = discharging.account(run, reading)
    else:
        run = _account(run, reading)
    if not reading.at > run.entered_at:
        return run, Hold()  # taken before the step began: no part of it
    if run.doubtful:
        return _in_doubt(run, reading, now)
    run, stop = _place(run, reading)
    if stop is not None:
        return run, stop
    if run.outs_of_place:
        return run, Hold()
    if isinstance(step, Charge):
        return charging.decide_charge(run, step, reading, now)
    if isinstance(step, SeriesCharge):
        return series_charging.decide_series(run, step, reading, now)
    if isinstance(step, Discharge):
        return discharging.decide_discharge(run, step, reading, now)
    if isinstance(step, Instruct):
        return _decide_instruct(run, step, now)
    if isinstance(step, Verify):
        return verifying.decide_verify(run, step, reading, now)
    if isinstance(step, Rest):
        return resting.decide_rest(run, step, reading, now)
    if isinstance(step, Wait):
        return waiting.decide_wait(run, step, reading, now)
    if isinstance(step, Compare):
        return resting.decide_compare(run, step, reading, now)
    return measuring.decide_measure(run, step, reading, now)


def _safety(run: Run, reading: Reading, now: datetime) -> tuple[Run, Action | None]:
    limits = run.program.limits
    tripped = sorted(flag for flag in reading.flags if "_tripped_" in flag)
    if tripped:
        role, _, protection = tripped[0].partition("_tripped_")
        return run, Trip(f"the {role} switched itself off by {protection.upper()}")
    if run.last_at is not None and not reading.at >= run.last_at:
        return run, SafeHold("process time ran back")
    if not reading.age_s <= limits.reading_age_max_s:  # guard time; this way round NaN holds
        return run, SafeHold("reading is stale", resumable=True)
    if not (now - run.started_at).total_seconds() <= limits.duration_max_s:
        words = "the run took longer than its hard limit"
        return run, Trip(words) if reading.output_on else SafeHold(words)
    over = _over_limit(run, reading) if reading.output_on and not reading.flags else None
    if over is not None:
        return run, over
    doubts = _doubts(run, reading)
    if not doubts:
        return changed(run, doubtful=0), None
    run = changed(run, doubtful=run.doubtful + 1, tail_since=None, partial_since=None)
    if reading.output_on and run.doubtful >= DOUBTS_MAX:
        return run, SafeHold(f"readings in doubt: {doubts}", only_silent(reading.flags))
    return run, None


def _doubts(run: Run, reading: Reading) -> str:
    """What speaks against this reading: its flags, or instruments that contradict each other."""
    if reading.flags:
        return ", ".join(sorted(reading.flags))
    step = run.step
    if isinstance(step, Charge) and reading.output_on:
        return charging.disagreement(step, reading)
    if isinstance(step, SeriesCharge) and reading.output_on:
        return series_charging.disagreement(step, reading)
    if isinstance(step, Discharge) and reading.output_on:
        return discharging.disagreement(step, reading)
    return ""


def _over_limit(run: Run, reading: Reading) -> Trip | None:
    limits = run.program.limits
    if not reading.voltage_v <= limits.bank_voltage_max_v:
        return Trip(
            f"bank at {reading.voltage_v:.3f} V, above the hard limit of "
            f"{limits.bank_voltage_max_v:.3f} V"
        )
    if not reading.voltage_v >= limits.bank_voltage_min_v:
        return Trip(
            f"bank at {reading.voltage_v:.3f} V, below the hard limit of "
            f"{limits.bank_voltage_min_v:.3f} V"
        )
    if not reading.supply_current_a <= limits.current_max_a:
        return Trip(
            f"current {reading.supply_current_a:.2f} A, above the hard limit of "
            f"{limits.current_max_a:.2f} A"
        )
    if isinstance(run.step, Discharge) and not -reading.supply_current_a <= limits.drawn_max_a:
        return Trip(
            f"{-reading.supply_current_a:.2f} A drawn, above the hard limit of "
            f"{limits.drawn_max_a:.2f} A"
        )
    for position, volt in enumerate(reading.cell_voltages_v, start=1):
        if not limits.cell_voltage_min_v <= volt <= limits.cell_voltage_max_v:
            return Trip(
                f"cell {position} at {volt:.3f} V, outside "
                f"{limits.cell_voltage_min_v:.2f} … {limits.cell_voltage_max_v:.3f} V"
            )
    low_c = limits.temperature_min_c if isinstance(run.step, SUPPLIED) else -math.inf
    for probe, celsius in enumerate(reading.temperatures_c, start=1):
        if not low_c <= celsius <= limits.temperature_max_c:
            return Trip(
                f"probe {probe} at {celsius:.1f} °C, outside {low_c:.0f} … "
                f"{limits.temperature_max_c:.0f} °C"
            )
    if not run.charge_ah <= limits.charge_max_ah:
        return Trip(f"{run.charge_ah:.1f} Ah delivered, above the hard limit")
    if not run.drawn_ah <= limits.drawn_max_ah:
        return Trip(f"{run.drawn_ah:.1f} Ah drawn, above the hard limit")
    return None


def _account(run: Run, reading: Reading) -> Run:
    """Integrate charge by trapezoids, keep the ammeter's zero while the output is off."""
    current_a = reading.supply_current_a
    if math.isnan(current_a):  # NaN: keep what is known, integrate over the hole later
        return changed(run, last_seq=reading.seq)
    if not reading.output_on:
        if reading.flags or isinstance(run.step, SUPPLIED):
            return changed(run, last_at=reading.at, last_seq=reading.seq, last_current_a=0.0)
        return changed(
            run,
            last_at=reading.at,
            last_seq=reading.seq,
            last_current_a=0.0,
            zero_sum_a=run.zero_sum_a + current_a,
            zero_count=run.zero_count + 1,
        )
    current_a -= zero_a(run)
    since = run.last_at or reading.at
    hours = (reading.at - since).total_seconds() / 3600.0
    moved_ah = 0.5 * (current_a + run.last_current_a) * hours
    return changed(
        run,
        last_at=reading.at,
        last_seq=reading.seq,
        last_current_a=current_a,
        charge_ah=run.charge_ah + moved_ah,
        step_charge_ah=run.step_charge_ah + moved_ah,
    )


def _place(run: Run, reading: Reading) -> tuple[Run, Action | None]:
    """The output must be on in a driven step and off elsewhere; a sample under way may lag."""
    wanted = isinstance(run.step, DRIVEN)
    if reading.output_on == wanted:
        return changed(run, outs_of_place=0), None
    run = changed(run, outs_of_place=run.outs_of_place + 1, tail_since=None)
    if run.outs_of_place < OUT_OF_PLACE_MAX:
        return run, None
    found = "on" if reading.output_on else "off"
    return run, SafeHold(f"the output is {found} in step “{run.step.title}”")


def _in_doubt(run: Run, reading: Reading, now: datetime) -> tuple[Run, Action]:
    """No progress by a doubtful reading; a step that has waited too long ends all the same."""
    step = run.step
    if isinstance(step, Instruct):
        if only_takes_off(run):  # a meter or BMS that is taken off as well has fallen silent
            return _decide_instruct(run, step, now)
        return run, _waited(run, step, now)
    if isinstance(step, Measure):
        return measuring.overdue(run, step, reading, now) or (led.doubted(run, reading), Hold())
    if isinstance(step, Verify):
        return verifying.overdue(run, step, reading, now) or (changed(run, settled=()), Hold())
    if isinstance(step, Rest):
        return run, resting.overdue(run, step, now) or Hold()
    if isinstance(step, Wait):
        return waiting.amiss(run, step, ", ".join(sorted(reading.flags)), now)
    return run, Hold()  # a driven step bears few of them


def _decide_instruct(run: Run, step: Instruct, now: datetime) -> tuple[Run, Action]:
    if step.name in run.confirmed:
        return onward(close_step(run, now))
    if only_takes_off(run) and now - run.entered_at > step.timeout:
        return onward(close_step(run, now, (UNSAID,)))
    return run, _waited(run, step, now)


def _waited(run: Run, step: Instruct, now: datetime) -> Action:
    if now - run.entered_at > step.timeout:
        hours = step.timeout.total_seconds() / 3600
        done = "was seen done" if step.name in run.confirmed else "was confirmed"
        return SafeHold(f"“{step.title}” not {done} within {hours:.1f} h")
    return Hold()
