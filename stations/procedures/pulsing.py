"""The current step: a DC resistance from how far the volts fall at one constant current.  Pure.

R(t) = (V before - V at t) / I, both volts from the independent meter at the cell's own posts.
V before is the mean of the readings that the Verify step accepted, with the output off.  The
samples seldom fall on the moment t, so the two around it are interpolated; how far they lie
apart is part of the uncertainty.  What it leaves out, and the certificates tell, are the gain
of the meter and the error of the load's ammeter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from stations.procedures.actions import Action, Hold, Next, SafeHold, Trip
from stations.procedures.criteria import Pulse
from stations.procedures.rules import ResistanceRule
from stations.procedures.state import Record, Run, Sample
from stations.procedures.steps import Discharge
from stations.values import NAN, Reading

KIND = "pulse"  # of the record
DONE = "done"
MILLI = 1000.0
VERDICTS = frozenset({"pass", "marginal", "fail", "invalid"})  # one of them is a remark


@dataclass(frozen=True, slots=True)
class Resistance:
    """Milliohms at one moment of the step, and by how much they may be off; NaN: not seen."""

    mohm: float
    u_mohm: float


UNSEEN = Resistance(NAN, NAN)


def decide_pulse(
    run: Run, step: Discharge, pulse: Pulse, reading: Reading, now: datetime, *, flows: bool
) -> tuple[Run, Action]:
    """Keep one valid reading with the load on; at the end of its time the step is judged."""
    if not flows or reading.at - timedelta(seconds=reading.age_s) <= run.entered_at:
        return run, Hold()  # not drawing yet, or begun before it was
    after_s = (reading.at - run.entered_at).total_seconds()
    drawn_a = -reading.supply_current_a
    run = replace(run, sampled=(*run.sampled, Sample(after_s, reading.voltage_v, drawn_a)))
    if reading.voltage_v <= step.cutoff_v:
        return run, Trip(
            f"the cell fell to {reading.voltage_v:.3f} V within {after_s:.1f} s at {drawn_a:.1f} A:"
            " it is nearly empty, or its resistance is far too high"
        )
    if after_s < pulse.lasts.total_seconds():
        return run, Hold()
    whole = resistance_at(run.off_v, run.sampled, pulse.lasts, pulse.resolution_v)
    if not whole.mohm > 0:  # this way round NaN is none
        return run, SafeHold(
            f"{len(run.sampled)} readings in {pulse.lasts.total_seconds():g} s of current tell no "
            "resistance: the bench samples too slowly, or the volts did not fall"
        )
    record = _record(run, step, pulse, whole, now)
    return replace(run, records=(*run.records, record)), Next()


def resistance_at(
    off_v: Sequence[float], samples: Sequence[Sample], at: timedelta, resolution_v: float
) -> Resistance:
    """Between the two samples around `at`; UNSEEN where they do not reach to both its sides."""
    wanted_s = at.total_seconds()
    around = [(a, b) for a, b in pairwise(samples) if a.after_s <= wanted_s <= b.after_s]
    if not off_v or not around:
        return UNSEEN
    before_v = sum(off_v) / len(off_v)
    first, last = around[0]
    low, high = ((before_v - sample.voltage_v) / sample.drawn_a for sample in (first, last))
    share = (wanted_s - first.after_s) / (last.after_s - first.after_s)
    unsure_v = max(off_v) - min(off_v) + resolution_v
    u_ohm = abs(high - low) / 2 + unsure_v / min(first.drawn_a, last.drawn_a)
    return Resistance(MILLI * (low + share * (high - low)), MILLI * u_ohm)


def verdict(rule: ResistanceRule, mohm: float) -> str:
    """ "pass", "marginal" (much for its type), "fail" (too much), "invalid" (impossibly little)."""
    share = mohm / MILLI / rule.typical_ohm
    if not share >= rule.low_share:
        return "invalid"
    if share > rule.fail_share:
        return "fail"
    return "marginal" if share > rule.warn_share else "pass"


WORDS = {
    "marginal": "much for a cell of its type: is it cold, and are the meter's wires on the posts?",
    "fail": "too much for a cell of its type, even a cold one",
    "invalid": "less than any cell of its type has: check the load's ammeter and the meter's wires",
}


def _record(run: Run, step: Discharge, pulse: Pulse, whole: Resistance, now: datetime) -> Record:
    early = resistance_at(run.off_v, run.sampled, pulse.early, pulse.resolution_v)
    rule, judged = pulse.rule, verdict(pulse.rule, whole.mohm)
    times_s = [sample.after_s for sample in run.sampled]
    facts = {
        "r_mohm": whole.mohm,
        "r_u_mohm": whole.u_mohm,
        "r_after_s": pulse.lasts.total_seconds(),
        "early_mohm": early.mohm,
        "early_u_mohm": early.u_mohm,
        "early_after_s": pulse.early.total_seconds(),
        "drawn_a": sum(sample.drawn_a for sample in run.sampled) / len(run.sampled),
        "rested_v": sum(run.off_v) / len(run.off_v),
        "end_voltage_v": run.sampled[-1].voltage_v,
        "sample_s": max((b - a for a, b in pairwise(times_s)), default=NAN),
        "typical_mohm": MILLI * rule.typical_ohm,
        "low_mohm": MILLI * rule.typical_ohm * rule.low_share,
        "warn_mohm": MILLI * rule.typical_ohm * rule.warn_share,
        "fail_mohm": MILLI * rule.typical_ohm * rule.fail_share,
        "drawn_ah": run.step_drawn_ah,
        "alone": float(step.alone),
    }
    said = (f"{whole.mohm:.3f} mΩ is {WORDS[judged]}",) if judged in WORDS else ()
    return Record(
        step=step.name,
        kind=KIND,
        entered_at=run.entered_at,
        ended_at=now,
        remarks=(DONE, judged, *said, *run.interruptions, *run.alarms),
        facts=tuple(facts.items()),
    )
