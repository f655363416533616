"""The two checks of a self-discharge watch: when each is one, and what it leaves.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from stations.procedures.losses import is_observable, losses
from stations.procedures.rules import WatchRule
from stations.procedures.state import CellResult, Taken
from stations.values import NAN, OffProof, Window

LYING = (
    "rests on the plateau: not observable; if it was filled with the others it leaks, re-check it"
)


def problems(
    rule: WatchRule, taken: Sequence[Taken], warm_c: float, stopped: OffProof | None
) -> list[str]:
    """Why what was read is no check of a watch, with what to do; empty means go.

    `warm_c` is the mean of the cells, NaN where nobody measures it.
    """
    at, found = taken[0].received_at, []
    if stopped is not None and at - stopped.received_at < rule.rest_min:
        ready_at = stopped.received_at + rule.rest_min
        found.append(
            f"Current stopped {_hours(at - stopped.received_at)} ago, and volts near an end relax "
            f"for {_hours(rule.rest_min)}: begin from {_said(ready_at)} on."
        )
    first_at = _first_at(rule, at)
    if first_at is not None:
        if at - first_at < rule.gap_min:
            found.append(
                f"The first check was {_hours(at - first_at)} ago: what a cell lost shows from "
                f"{_said(first_at + rule.gap_min)} on."
            )
        apart_k = abs(warm_c - rule.before_c)
        if apart_k > rule.temperature_span_k:  # NaN, where nobody measured it, is not above
            found.append(
                f"The cells are {apart_k:.1f} K from what they were at the first check, more than "
                f"{rule.temperature_span_k:g} K: wait until they are as warm as then."
            )
        return found
    lying = _on_plateau(rule, taken)
    if 2 * len(lying) >= len(taken):
        found.append(
            f"Cells {', '.join(map(str, lying))} rest on the plateau, where volts tell no charge: "
            "charge the group to full together, let it rest for a day, then begin."
        )
    return found


def results(
    rule: WatchRule, taken: Sequence[Taken], warm_c: float, stopped: OffProof | None
) -> tuple[tuple[CellResult, ...], tuple[str, ...], tuple[tuple[str, float], ...]]:
    """Verdicts, remarks and facts of one check: of the first one what can be seen later."""
    first_at = _first_at(rule, taken[0].received_at)
    facts = {"temperature_c": warm_c, "first_check": 0.0}
    if first_at is None:
        lying = _on_plateau(rule, taken)
        nowhere = Window(NAN, NAN)
        judged = [(nowhere, "unseen" if one.position in lying else "pass") for one in taken]
        remarks = tuple(f"cell {n} {LYING}" for n in lying)
        if rule.before_at is not None:
            days = (taken[0].received_at - rule.before_at) / timedelta(days=1)
            remarks = (f"the first check was {days:.0f} days ago: the watch begins anew", *remarks)
    else:
        seen = losses(rule, [one.voltage_v for one in taken], taken[0].received_at)
        judged, remarks = [(cell.window, cell.verdict) for cell in seen.cells], seen.remarks
        facts |= {
            "first_check": float(rule.before_check),
            "days": seen.gap / timedelta(days=1),
            "median_month": seen.median_month,
            "median_drop_v": seen.median_drop_v,
        }
    found = tuple(
        CellResult(
            position=one.position,
            voltage_v=one.voltage_v,
            verdict=verdict,
            window=window,
            at=one.at,
            received_at=one.received_at,
            age_s=(one.received_at - stopped.received_at).total_seconds() if stopped else NAN,
        )
        for one, (window, verdict) in zip(taken, judged, strict=True)
    )
    return found, remarks, tuple(facts.items())


def _first_at(rule: WatchRule, at: datetime) -> datetime | None:
    """When the first check was; None where there is none, or one that is too old."""
    if rule.before_at is None or at - rule.before_at > rule.gap_max:
        return None
    return rule.before_at


def _on_plateau(rule: WatchRule, taken: Sequence[Taken]) -> list[int]:
    return [one.position for one in taken if not is_observable(rule, one.voltage_v, rule.gap_min)]


def _said(at: datetime) -> str:
    return f"{at:%d %b %H:%M} UTC"


def _hours(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):.0f} h"
