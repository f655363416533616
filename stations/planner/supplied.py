"""Leads and supply as a charge under way shows them, for the rest of it to be played with.  Pure.

What lies between the supply's own volts and the meter is what the leads drop, less what the supply
gives more than it says.  One current shows only both together; two tell them apart.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stations.planner.cutting import trimmed_v
from stations.planner.following import Possible
from stations.planner.seen import Seen
from stations.procedures.steps import Charge, Step

LEAD_SEEN_ABOVE = 0.25  # of the set current: below, a voltmeter's offset looks like milliohms
APART = 0.5  # one current is less than so much of the other
LEADS_LEAST_OHM = 0.5e-3


def as_supplied(possible: Possible, step: Step, now: Seen) -> Possible:
    """With leads and offset of the supply by the readings of `step` so far.

    The set-point is where it was trimmed to, and no supply is off by more than its accuracy.
    """
    if not isinstance(step, Charge):
        return possible
    setting, trim = possible.setting, step.trim
    seen = now.only((now.on > 0) & np.isfinite(now.supply_v - now.voltage_v) & (now.current_a > 0))
    drops_v = seen.supply_v - seen.voltage_v
    if not len(drops_v):
        return possible
    leads_ohm, drop_v, amps = setting.leads_ohm, float(drops_v[-1]), float(seen.current_a[-1])
    large = seen.current_a >= LEAD_SEEN_ABOVE * step.setpoint.current_a
    is_apart = False
    if large.any():
        most_drop_v, most_a = (
            float(np.median(drops_v[large])),
            float(np.median(seen.current_a[large])),
        )
        is_apart = amps < APART * most_a
        if is_apart:
            leads_ohm = max(LEADS_LEAST_OHM, (most_drop_v - drop_v) / (most_a - amps))
        else:
            drop_v, amps = most_drop_v, most_a
    least_v, most_v = trim.offset_v - trim.accuracy_v, trim.offset_v + trim.accuracy_v
    off_v = min(max(least_v, leads_ohm * amps - drop_v), most_v)
    if not is_apart:
        leads_ohm = max(LEADS_LEAST_OHM, (drop_v + off_v) / amps)
    off_v += trimmed_v(step, now)
    return replace(possible, setting=replace(setting, leads_ohm=leads_ohm, supply_offset_v=off_v))
