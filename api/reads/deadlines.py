"""What somebody at a run works against: until when a check counts, by when to say "I am here"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shop.equipment.states import OutputState
from shop.jobs.attending import presence_due_at, presence_is_close, waits_for_somebody
from shop.jobs.models import Run
from shop.jobs.states import RunState


@dataclass(frozen=True, slots=True)
class PassWindow:
    """B7: how long the disconnect check may still begin; seconds of wall time, below 0 when past.

    `late_s` is how long any check still counts.
    """

    left_s: float
    whole_s: float
    late_s: float


@dataclass(frozen=True, slots=True)
class PresenceShown:
    """By when somebody at an attended run must say that they are there; seconds of wall time.

    `left_s` is below 0 when nobody did in time; `waits` says that the run stands still for that.
    """

    due_at: datetime
    left_s: float
    is_close: bool
    waits: bool


def presence_shown(run: Run, now: datetime) -> PresenceShown | None:
    due_at = presence_due_at(run)
    if due_at is None or run.stop_requested_at is not None:
        return None
    left_s = (due_at - now).total_seconds()
    waits = run.state == RunState.INTERRUPTED and waits_for_somebody(run, now)
    return PresenceShown(due_at, left_s, presence_is_close(run, now), waits)


def presence_version(presence: PresenceShown | None) -> str:
    if presence is None:
        return ""
    return "h" if presence.waits else "p!" if presence.is_close else "p"


def pass_window(run: Run, now: datetime) -> PassWindow | None:
    """While somebody takes the links off: counted from when the output was proven off."""
    steps = (run.program or {}).get("steps", [])
    following = steps[(run.step or {}).get("index", 0) :]
    ahead = [s for s in following if s["type"] in ("Charge", "Measure")]
    rule = ahead[0].get("rule", {}) if ahead else {}
    lease = getattr(run.station, "lease", None)
    if run.is_over or "fresh" not in rule:
        return None
    if lease is None or lease.output_state != OutputState.OFF or lease.output_at is None:
        return None
    age_s = (now - lease.output_at).total_seconds()
    return PassWindow(rule["fresh"] - age_s, rule["fresh"], rule["late"] - age_s)
