"""One session of a runner at the guardian, as a frozen value with its rules.  Pure.

A session lives from the open that raised the fencing token until its journal has a close
record.  Guard time comes in as `now_s`; nothing here reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stations.config import Timing
from stations.frozen import changed
from stations.guardian.envelope import Repeats, Standstill, Tally
from stations.values import CELL_CEILING_V, Draw, Limits, Protection, Setpoint

OVP_MARGIN_V = 0.10  # requirement F4: OVP at most this far above what the bank may reach
# The supply's own OCP, at most so far above what the session may carry: as at commissioning, room
# for what a supply overshoots at ON, and never what it shipped with (a Riden: 1.02 of its rating).
OCP_MARGIN = 1.2
VALID_MAX_S = 24 * 3600.0  # the longest authority that anyone may hand out at once


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not done: a code for programs, words for people."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The guardian ended the session by itself (or a person stopped it): nothing energises."""

    kind: str  # "trip", "safe_hold", "stop"
    reason: str
    until_s: float  # guard time by which the runner must have closed
    resumable: bool = False

    @property
    def outcome(self) -> Mapping[str, str]:
        kinds = {"trip": "TRIPPED", "stop": "STOPPED"}
        doubt = "INTERRUPTED" if self.resumable else "ERROR"
        return {"kind": kinds.get(self.kind, doubt), "reason": self.reason}


def interrupted(reason: str) -> Mapping[str, str]:
    """The outcome of a session that ended for no fault of bench or cells: it may be resumed."""
    return {"kind": "INTERRUPTED", "reason": reason}


@dataclass(frozen=True, slots=True)
class Session:
    """What the guardian holds of the one run that may drive this bench."""

    run: str
    attempt: int
    token: int
    limits: Limits
    heard_s: float  # guard time of the runner's last sign of life
    lease_until_s: float
    tally: Tally
    cells: int = 0  # on the scanner's first channels; 0: on all that are wired
    seq: int = 0
    configured: Setpoint | Draw | None = None  # since the output was last off
    expected_on: bool = False
    routed: int = 0  # the cell that the router has put leads and meter on; 0: none
    on_since_s: float = 0.0
    presence_s: float = math.inf  # longest with an output on until a person says they are there
    present_s: float = 0.0  # guard time of when one last did
    valid_s: float = 0.0  # guard time of the last journalled sample without a doubt
    meter: Repeats = field(default_factory=Repeats)
    scanner: Repeats = field(default_factory=Repeats)
    bms: Standstill = field(default_factory=Standstill)
    acts: frozenset[str] = field(default_factory=frozenset)
    ending: Ending | None = None

    @property
    def drives(self) -> str:
        """Whose output is meant: the load's once a draw was configured."""
        return "load" if isinstance(self.configured, Draw) else "supply"

    def heard_raw(self, raw: Mapping[str, str], at: datetime, current_a: float) -> Session:
        """Count how often meter and scanner have said the very same."""
        meter, scanner = self.meter, self.scanner
        if "meter" in raw:
            meter = meter.after(raw["meter"], at, current_a)
        if "scanner" in raw:
            scanner = scanner.after(raw["scanner"], at, current_a)
        return changed(self, meter=meter, scanner=scanner)

    def heard_bms(self, cells_v: tuple[float, ...], meter_v: float, current_a: float) -> Session:
        return changed(self, bms=self.bms.after(cells_v, meter_v, current_a))

    def stuck(self, at: datetime) -> frozenset[str]:
        counts = (("meter_stuck", self.meter), ("scanner_stuck", self.scanner))
        found = frozenset(flag for flag, repeats in counts if repeats.stuck(at))
        return found | {"bms_stuck"} if self.bms.stuck else found

    def off(self) -> Session:
        """The output is to be off: a new set-up is needed before it may go on."""
        return changed(self, configured=None, expected_on=False)

    def on(self, now_s: float) -> Session:
        return changed(self, expected_on=True, on_since_s=now_s, valid_s=now_s)


def expired(session: Session, timing: Timing, now_s: float) -> str:
    """Why the guardian must end the session now, or ""."""
    if session.ending is not None:
        return ""
    if not now_s - session.heard_s <= timing.deadman_s:
        return f"the runner was silent for {timing.deadman_s:g} s"
    if not now_s <= session.lease_until_s:
        return "the lease has passed"
    if session.expected_on and absent(session, now_s):
        return absent(session, now_s)
    age_max_s = session.limits.reading_age_max_s
    if session.expected_on and not now_s - session.valid_s <= age_max_s:
        return f"no valid, journalled sample for {age_max_s:g} s"
    return ""


def absent(session: Session, now_s: float) -> str:
    """Why no output may be on: nobody said in time that they are there; or ""."""
    if now_s - session.present_s <= session.presence_s:
        return ""
    return f"nobody confirmed to be at the bench for {session.presence_s / 60:.3g} min"


def expires_s(session: Session, timing: Timing) -> float:
    """Guard time at which `expired` (or the end of an ending) is next worth asking."""
    if session.ending is not None:
        return session.ending.until_s
    times = [session.heard_s + timing.deadman_s, session.lease_until_s]
    if session.expected_on:
        times.append(session.valid_s + session.limits.reading_age_max_s)
        times.append(session.present_s + session.presence_s)
    return min(times)


def token_refusal(session: Session | None, highest: int, token: object) -> Refusal | None:
    """Why this token may not command, or None; `highest` is the fence's."""
    if type(token) is not int:
        return Refusal("bad_request", "token must be a whole number")
    if token < highest:
        return Refusal("stale_token", f"token {token} was overtaken by {highest}: stop")
    if session is None or session.token != token:
        return Refusal("no_session", f"no session with token {token} is open")
    return None


def open_refusal(highest: int, token: object) -> Refusal | None:
    if type(token) is not int or token < 1:
        return Refusal("bad_request", "token must be a whole number above 0")
    if token <= highest:
        return Refusal("stale_token", f"token {token} is not above {highest}: lease again")
    return None


_ZERO_ALLOWED = frozenset(
    {"drawn_max_a", "drawn_max_ah", "cold_current_max_a", "series_cells", "cells_unseen"}
)
_ANY = frozenset({"temperature_min_c", "cold_below_c"})  # degrees, of either sign


def limits_problem(limits: Limits) -> str:
    """A limit that is not a positive number would never trip; a load may have nothing to draw,
    and cells be in parallel."""
    for name in Limits.__dataclass_fields__:
        value = getattr(limits, name)
        if (name in _ZERO_ALLOWED and value == 0) or (name in _ANY and math.isfinite(value)):
            continue
        if not (math.isfinite(value) and value > 0):
            return f"limits.{name} is {value!r}; it must be a number above 0"
    return _ceiling_problem(limits)


def _ceiling_problem(limits: Limits) -> str:
    """Whoever asks, by whatever recipe: no cell is led above what any LiFePO4 cell bears."""
    together_v = CELL_CEILING_V * max(limits.series_cells, 1)
    for name, highest_v in (
        ("cell_voltage_max_v", CELL_CEILING_V),
        ("bank_voltage_max_v", together_v),
        ("setpoint_voltage_max_v", together_v),
    ):
        value = getattr(limits, name)
        if not value <= highest_v + 1e-9:
            return (
                f"limits.{name} is {value:g} V; with at most {CELL_CEILING_V:.2f} V on a cell it "
                f"must not be above {highest_v:.2f} V"
            )
    return ""


def presence_problem(presence_s: object, absent_s: object) -> str:
    """Both None, or how long a person may be silent and for how long they were."""
    if presence_s is None:
        return ""
    if not (isinstance(presence_s, int | float) and 0 < presence_s <= VALID_MAX_S):
        return f"presence_s is {presence_s!r}; it must be seconds between 0 and {VALID_MAX_S:.0f}"
    if not (isinstance(absent_s, int | float) and absent_s >= 0):
        return f"absent_s is {absent_s!r}; it must be seconds since a person was there"
    return ""


def valid_problem(valid_s: object) -> str:
    if not isinstance(valid_s, int | float) or not 0 < valid_s <= VALID_MAX_S:
        return f"valid_s is {valid_s!r}; it must be seconds between 0 and {VALID_MAX_S:.0f}"
    return ""


def cells_problem(cells: object, wired: int) -> str:
    """What is wrong with a session's number of cells, or ""; 0 is as many as are wired."""
    if type(cells) is int and cells >= 0 and (cells <= wired or not wired):
        return ""
    return (
        f"the program has {cells!r} cells, the scanner of this bench is wired for {wired}: use a "
        "bench that is wired for them"
    )


def setpoint_problem(limits: Limits, setpoint: Setpoint) -> str:
    """Why the envelope forbids this set-point; written so that NaN is forbidden."""
    if not 0.0 <= setpoint.voltage_v <= limits.setpoint_voltage_max_v + 1e-9:
        return (
            f"set-point {setpoint.voltage_v:g} V is not within 0 … "
            f"{limits.setpoint_voltage_max_v:g} V of this session"
        )
    if not 0.0 <= setpoint.current_a <= limits.current_max_a + 1e-9:
        return (
            f"current limit {setpoint.current_a:g} A is not within 0 … "
            f"{limits.current_max_a:g} A of this session"
        )
    return ""


def protection_problem(limits: Limits, setpoint: Setpoint, protection: Protection) -> str:
    """Why the supply's own OVP and OCP would not protect this session."""
    highest_v = limits.bank_voltage_max_v + OVP_MARGIN_V
    if not setpoint.voltage_v < protection.ovp_v <= highest_v + 1e-9:
        return (
            f"OVP {protection.ovp_v:g} V must lie above the set-point {setpoint.voltage_v:g} V "
            f"and at most at {highest_v:g} V"
        )
    if not setpoint.current_a < protection.ocp_a:
        return f"OCP {protection.ocp_a:g} A must lie above the {setpoint.current_a:g} A asked for"
    highest_a = OCP_MARGIN * limits.current_max_a
    if not protection.ocp_a <= highest_a + 1e-9:
        return f"OCP {protection.ocp_a:g} A must be at most {highest_a:g} A in this session"
    return ""


def draw_problem(limits: Limits, draw: Draw) -> str:
    """Why the envelope forbids this draw; written so that NaN is forbidden."""
    if not 0.0 < draw.current_a <= limits.drawn_max_a + 1e-9:
        return (
            f"a draw of {draw.current_a:g} A is not within 0 … {limits.drawn_max_a:g} A of this "
            "session"
        )
    own = draw.cutoff
    if not (0.0 < own.voltage_v < limits.bank_voltage_max_v and 0.0 < own.duration_s < math.inf):
        return f"{own} would not end a discharge that nobody ends"
    if draw.holds and not own.voltage_v >= limits.bank_voltage_min_v:
        return (
            f"a hold at {own.voltage_v:g} V is below the {limits.bank_voltage_min_v:g} V of this "
            "session"
        )
    return ""


def energise_problem(session: Session) -> Refusal | None:
    """Why the output may not go on now."""
    if session.ending is not None:
        return Refusal("refused", f"the session has ended: {session.ending.reason}")
    if session.expected_on:
        return Refusal("refused", "the output is on already")
    if session.configured is None:
        return Refusal("refused", "configure first: nothing was set since the output was off")
    return None


def describe(session: Session | None, *, live: bool) -> Mapping[str, Any] | None:
    """The session as `status` tells it."""
    if session is None:
        return None
    return {
        "run": session.run,
        "attempt": session.attempt,
        "token": session.token,
        "live": live and session.ending is None,
    }
