"""What a person may still do to a run: confirm a step, or give it up for lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from shop.jobs.states import RUN_WORDS, RunState
from shop.refusals import Problem


def takes_acts(state: str) -> bool:
    """Whether a person's act can still reach the bench of a run in this state."""
    return state in (RunState.PREFLIGHT, RunState.RUNNING, RunState.SAFE_HOLD)


def not_running(state: str) -> str:
    """Why no act reaches the bench, in words."""
    return f"The run is not running: {RUN_WORDS[state]}."


def lost_problems(
    *, state: str, is_held: bool, silent_for: timedelta, silent_least: timedelta, goes_on: bool
) -> list[Problem]:
    """Why a run may not be given up: its bench must be lost, and nothing else must end it.

    `goes_on`: its readings are stored and the output is proven off.
    """
    if state != RunState.INTERRUPTED:
        words = f"The run is not interrupted: {RUN_WORDS[state]}."
        return [Problem("run_not_lost", words, "Press STOP, or wait until its lease has lapsed.")]
    found = []
    if goes_on:
        words = "The output is proven off and every reading is stored: the run ends by itself."
        found.append(Problem("run_goes_on", words, "Press STOP if it should not go on."))
    if is_held:
        words = "Somebody still holds the lease on this station."
        found.append(Problem("lease_held", words, "Wait until it has lapsed."))
    if silent_for < silent_least:
        words = f"The bench was heard of {_minutes(silent_for)} min ago."
        fix = (
            f"A bench counts as lost after {_minutes(silent_least)} min; bring it back if you can."
        )
        found.append(Problem("bench_heard", words, fix))
    return found


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def confirm_problems(
    *,
    state: str,
    step: str,
    steps: Sequence[Mapping[str, Any]],
    index: int,
    answer: float | None = None,
) -> list[Problem]:
    """A confirmation needs a running run, and its present instruction or an announceable one.

    Whoever confirms a wait ends it.  `steps` are the program's as stored, `index` the present one.
    Where it asks for a number the `answer` must lie within what it allows.
    """
    if not takes_acts(state):
        return [Problem("run_not_running", not_running(state), "Nothing to confirm.")]
    may_confirm = [
        s["name"]
        for i, s in enumerate(steps)
        if (i == index and s.get("type") in ("Instruct", "Wait"))
        or (i == index + 1 and s.get("type") == "Instruct" and s.get("announceable"))
    ]
    if step in may_confirm:
        return _answer_problems(next(s for s in steps if s["name"] == step), answer)
    known = any(s["name"] == step for s in steps)
    return [
        Problem(
            "step_not_now" if known else "unknown_step",
            f"Step {step!r} cannot be confirmed now."
            if known
            else f"The program has no step {step!r}.",
            f"What can be confirmed now: {', '.join(may_confirm) or 'nothing'}.",
        )
    ]


def _answer_problems(step: Mapping[str, Any], answer: float | None) -> list[Problem]:
    asked = step.get("asks")
    if asked is None:
        return []
    low, high = asked["allowed"]["low"], asked["allowed"]["high"]
    if answer is not None and low <= answer <= high:
        return []
    said = "nothing was typed" if answer is None else f"{answer:g} was typed"
    return [Problem("wrong_answer", f"{asked['label']}: {said}.", asked["wrong"])]
