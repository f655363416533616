"""Numbers, times and states as people read them: value, unit, age; never a naked number.

Pure text functions, one place for every page.  Rounding for show happens here and nowhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from shop.jobs.states import JOB_WORDS, RUN_WORDS

THIN = "\u202f"  # narrow no-break space, before a unit
MINUS = "−"
NOTHING = "–"

MINUTE, HOUR, DAY = 60, 3600, 86_400


def number(value: float | None, digits: int) -> str:
    """`value` with `digits` decimals and a true minus sign; a dash where nothing was measured."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def quantity(value: float | None, digits: int, unit: str) -> str:
    shown = number(value, digits)
    return shown if shown == NOTHING else f"{shown}{THIN}{unit}"


def volts(value: float | None) -> str:
    """Three decimals: the millivolt that every window of the shop is written in."""
    return quantity(value, 3, "V")


def millivolts(value_v: float | None) -> str:
    """A difference of volts, signed, in whole millivolts."""
    if value_v is None or not math.isfinite(value_v):
        return NOTHING
    shown = number(value_v * 1000, 0)
    sign = "" if shown.startswith(MINUS) or shown == "0" else "+"
    return f"{sign}{shown}{THIN}mV"


def amps(value: float | None) -> str:
    return quantity(value, 2, "A")


def amp_hours(value: float | None) -> str:
    return quantity(value, 1, "Ah")


def duration(length: timedelta | float | None) -> str:
    """A length of time as people say it: "3 h 20 min", "48 min", "14 s"."""
    if length is None:
        return NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if not math.isfinite(seconds):
        return NOTHING
    seconds = max(0, round(seconds))
    if seconds < MINUTE:
        return f"{seconds}{THIN}s"
    if seconds < HOUR:
        return f"{seconds // MINUTE}{THIN}min"
    if seconds < 2 * DAY:
        hours, minutes = divmod(seconds // MINUTE, 60)
        return f"{hours}{THIN}h {minutes}{THIN}min" if minutes else f"{hours}{THIN}h"
    return f"{seconds // DAY} days"


def hours(value_h: float) -> str:
    """A length of charging: "40 min", "2 h 50 min", and beyond ten hours whole ones, never days."""
    minutes = max(0, round(value_h * 12) * 5)
    if minutes >= 600:
        return f"{round(value_h)}{THIN}h"
    return duration(minutes * MINUTE) if minutes else f"0{THIN}min"


def countdown(seconds: float) -> str:
    """What is left of a length that somebody works against: to the second below ten minutes."""
    left = max(0, math.floor(seconds))
    if left < MINUTE or left >= 10 * MINUTE:
        return duration(left)
    return f"{left // MINUTE}{THIN}min {left % MINUTE:02d}{THIN}s"


def moment(at: datetime, now: datetime) -> str:
    """A time with its age: "06:02 today, 12 min ago".  Both in the zone to show."""
    clock = at.strftime("%H:%M")
    days = (now.date() - at.date()).days
    day = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(days, at.strftime("%-d %b %Y"))
    age = now - at
    if age < timedelta(0):
        return f"{clock} {day}, in {duration(-age)}"
    return f"{clock} {day}, {duration(age)} ago"


def parameter(value: float | bool | str, unit: str) -> str:
    """A number of a recipe with its unit; a length of time also as people say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) or not unit:
        return f"{value}" if isinstance(value, str) else f"{value:g}"
    shown = f"{plain_number(value)}{THIN}{unit}"
    return f"{shown} ({duration(value)})" if unit == "s" and value >= MINUTE else shown


def plain_number(value: float) -> str:
    """As it is stored and typed: no exponent, no digit too many."""
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


# role of an instrument -> what it is called at a bench
ROLES = {
    "supply": "supply",
    "meter": "bank meter",
    "scanner": "scanner",
    "load": "load",
    "thermometer": "temperature logger",
    "bms": "BMS",
    "relay": "contactor relay",
    "router": "router",
    "manual": "hand-held meter",
}
GUARD_LOST = "the guardian is gone"
DOUBTS = {
    "stuck": "the {} repeats itself: its reading stays the same while current flows",
    "silent": "the {} does not answer: look for its mains and its cable",
    "invalid": "the {} gives no number",
}


def cause(text: str) -> str:
    """Why a run ended, as a sentence: true minus signs, and no word of the machinery."""
    if GUARD_LOST in text:
        return (
            "The bench lost its safety guard in the middle of the run. "
            "Its first act when it comes back is to switch the output off."
        )
    told = re.sub(rf"\b([a-z]+)_({'|'.join(DOUBTS)})\b", _doubt, text)
    told = re.sub(r"(?<![\w.])-(?=\d)", MINUS, told)
    return capitalised(told)


def _doubt(flag: re.Match[str]) -> str:
    """A reading's flag, such as "meter_stuck", in words."""
    role = flag[1]
    return DOUBTS[flag[2]].format(ROLES.get(role, role))


def capitalised(text: str) -> str:
    """With a capital at its beginning, and the rest as it is."""
    return f"{text[:1].upper()}{text[1:]}"


def _badges(said: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """(class and icon, words) by state."""
    return {str(state): (kinds[state], capitalised(words)) for state, words in said.items()}


def grouped(serial: str) -> list[str]:
    """A serial in groups of four for the eye; one that brings its own separators stays whole."""
    if any(not character.isalnum() for character in serial) or len(serial) < 6:
        return [serial]
    return [serial[start : start + 4] for start in range(0, len(serial), 4)]


# state of a run, of a job -> class and icon; what they are called is said by `shop.jobs.states`
RUN_STATUS = _badges(
    RUN_WORDS,
    {
        "QUEUED": "idle",
        "LEASED": "running",
        "PREFLIGHT": "running",
        "RUNNING": "running",
        "SAFE_HOLD": "waiting",
        "STOPPING": "stopped",
        "INTERRUPTED": "waiting",
        "FINISHED": "done",
        "REFUSED": "refused",
        "TRIPPED": "error",
        "ERROR": "error",
        "STOPPED": "stopped",
    },
)
JOB_STATUS = _badges(
    JOB_WORDS,
    {
        "DRAFT": "idle",
        "OPEN": "idle",
        "CLAIMED": "waiting",
        "IN_PROGRESS": "running",
        "DONE": "done",
        "CANCELLED": "stopped",
    },
)
# kind of an event in a job's history -> words; a step of the bench is told by its title
EVENTS = {
    "created": "Job made",
    "claimed": "Claimed",
    "released": "Claim given back",
    "claim_lapsed": "Claim lapsed",
    "started": "Started",
    "run_leased": "Taken up by the station",
    "run_preflight": "Plan made, bench checked",
    "run_running": "Bench at work",
    "run_stopping": "Ending, output off",
    "run_finished": "Done",
    "run_refused": "Refused",
    "run_tripped": "Tripped",
    "run_error": "Ended by an error",
    "run_stopped": "Stopped",
    "run_interrupted": "Interrupted",
    "run_safe_hold": "Safe hold, output off",
    "confirmed": "Confirmed",
    "second_check": "Opened by itself, the second check is due",
    "read_by_hand": "Read by hand",
    "scanned": "Meter led to a cell",
    "bench_unread": "Not read",
    "given_up": "Given up, output seen off by a person",
    "stop_requested": "STOP pressed",
    "present": "Somebody is at the bench",
    "done": "Job done",
    "back_to_claimed": "Job is back with who claimed it",
    "bench_current_stopped": "Current stopped, output proven off",
    "bench_alarm": "Alarm at the bench",
    "bench_safe_hold": "Bench switched off by itself",
    "bench_stop": "Stopped at the bench",
    "bench_trip": "Tripped at the bench",
    "chunk_refused": "Readings set aside, they do not follow from those before",
}
# kind of a job -> what is done to its cells
PROCEDURES = {
    "parallel_top_balance": "balance",
    "step_pause_top_balance": "step-and-pause balance",
    "individual_top_balance": "individual balance",
    "cell_recharge": "recharge",
    "levelling": "levelling",
    "recheck": "re-check",
    "capacity_test": "capacity test",
    "bottom_balance": "bottom balance",
    "resistance_test": "DC resistance test",
    "series_precharge": "series pre-charge",
    "series_precharge_unseen": "series pre-charge, cells not seen",
    "pack_recovery": "recovery of a pack",
    "self_discharge": "self-discharge check",
}
# what is looked at in a run's readings -> its name beside what was found
LOOKS = {
    "supply": "Supply",
    "contacts": "Contacts",
    "leads": "Leads",
    "leak": "Leak",
    "capacity": "Capacity",
}
VERDICTS = {
    "pass": ("pass", "Pass"),
    "marginal": ("marginal", "Marginal"),
    "fail": ("fail", "Fail"),
    "missing": ("missing", "Missing"),
    "invalid": ("missing", "Invalid"),
    "unseen": ("idle", "Not observable"),
    "not applicable": ("idle", "Not needed"),
    "warning": ("warning", "Warning"),
}
ICONS = {"marginal": "error", "warning": "error", "skipped": "idle"}


def tone(table: dict[str, tuple[str, str]], key: str) -> tuple[str, str]:
    """(class, words) of a state; an unknown one is shown as it is rather than hidden."""
    return table.get(key, ("idle", key.replace("_", " ").capitalize()))


def event(kind: str, data: Mapping[str, object]) -> str:
    """One line of a job's history, with the cause where it has one."""
    if kind == "bench_step":
        return f"Step: {data.get('title', '')}"
    if kind == "bench_read":
        return f"Read by the bench meter: cell {data.get('cell')}, {data.get('voltage_v'):.3f} V"
    told = EVENTS.get(kind, kind.replace("_", " ").capitalize())
    why = data.get("cause") or data.get("words") or data.get("reason")
    return told if not why or why == "done" else f"{told}: {cause(str(why))}"
