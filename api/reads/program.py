"""A run's program as people follow it: which step is now, and what is needed from whom.

Pure: reads `Run.program` (plain JSON of `stations.procedures.steps.Program`) and the journalled
step; asks nothing of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

KINDS = {"Instruct": "instruct", "Measure": "measure", "Charge": "charge"}
PERSON_MAY_CONFIRM = frozenset({"PREFLIGHT", "RUNNING", "SAFE_HOLD"})


@dataclass(frozen=True, slots=True)
class StepShown:
    name: str
    title: str
    kind: str  # instruct, measure, charge
    state: str  # done, now, next

    @property
    def word(self) -> str:
        return "by hand" if self.kind == "instruct" else ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person is asked to do and to confirm, in the program's own words."""

    step: str
    title: str
    text: str
    confirm: str
    drawing: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """`needs`: somebody is waited for.  `announce`: may be confirmed before it is reached."""

    steps: tuple[StepShown, ...] = ()
    now: StepShown | None = None
    needs: Ask | None = None
    announce: Ask | None = None
    waiting_for_bench: bool = False  # confirmed, and the bench has not yet moved on


def progress(
    program: Mapping[str, Any] | None,
    step: Mapping[str, Any] | None,
    *,
    state: str,
    confirmed: Collection[str],
) -> Progress:
    """Where a run stands.  `confirmed` holds the names of the steps that a person confirmed."""
    steps = (program or {}).get("steps", [])
    index = _index(steps, step, state)
    shown = tuple(_shown(plain, _state(at, index)) for at, plain in enumerate(steps))
    if not 0 <= index < len(steps) or state not in PERSON_MAY_CONFIRM:
        return Progress(shown, shown[index] if 0 <= index < len(shown) else None)
    plain = steps[index]
    is_instruct = plain["type"] == "Instruct"
    is_confirmed = plain["name"] in confirmed
    return Progress(
        steps=shown,
        now=shown[index],
        needs=_ask(plain) if is_instruct and not is_confirmed else None,
        announce=_announceable(steps, index, confirmed),
        waiting_for_bench=is_instruct and is_confirmed,
    )


def confirmable(program: Mapping[str, Any] | None) -> list[str]:
    return [s["name"] for s in (program or {}).get("steps", []) if s["type"] == "Instruct"]


def _index(steps: list[Any], step: Mapping[str, Any] | None, state: str) -> int:
    """-1 before the first step, len(steps) after the last."""
    if state == "FINISHED":
        return len(steps)
    if not step:
        return -1
    return int(step.get("index", -1))


def _state(at: int, index: int) -> str:
    if at < index:
        return "done"
    return "now" if at == index else "next"


def _shown(plain: Mapping[str, Any], state: str) -> StepShown:
    kind = KINDS.get(plain["type"], plain["type"].lower())
    return StepShown(plain["name"], plain["title"], kind, state)


def _ask(plain: Mapping[str, Any]) -> Ask:
    return Ask(
        plain["name"], plain["title"], plain["text"], plain["confirm"], plain.get("drawing", "")
    )


def _announceable(steps: list[Any], index: int, confirmed: Collection[str]) -> Ask | None:
    """The next instruction, while the bank still charges, if it may be confirmed early (B19)."""
    if steps[index]["type"] != "Charge":
        return None
    following = next((s for s in steps[index + 1 :] if s["type"] == "Instruct"), None)
    if following is None or not following.get("announceable") or following["name"] in confirmed:
        return None
    return _ask(following)
