"""A run's program as people follow it: which step is now, and what is needed from whom.

Pure: reads `Run.program` (plain JSON of `stations.procedures.steps.Program`) and the journalled
step; asks nothing of the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from stations.procedures.handling import position_of

KINDS = {
    "Instruct": "instruct",
    "Measure": "measure",
    "Verify": "verify",
    "Charge": "charge",
    "SeriesCharge": "charge",
    "Discharge": "discharge",
    "Rest": "rest",
    "Wait": "wait",
    "Compare": "compare",
}
WORDS = {"skipped": "not needed", "stopped": "ended here"}
OVER_EARLY = frozenset({"STOPPED", "ERROR", "TRIPPED", "REFUSED"})
PERSON_MAY_CONFIRM = frozenset({"PREFLIGHT", "RUNNING", "SAFE_HOLD"})


@dataclass(frozen=True, slots=True)
class StepShown:
    name: str
    title: str
    kind: str  # instruct, measure, verify, charge, discharge, rest, wait, compare
    state: str  # done, now, next, skipped, stopped

    @property
    def word(self) -> str:
        if self.state in WORDS:
            return WORDS[self.state]
        return "by hand" if self.kind == "instruct" else ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person is asked to do and to confirm, in the program's own words."""

    step: str
    title: str
    text: str
    confirm: str
    drawing: str = ""
    asks: str = ""  # a number to be typed: what it is, with its unit
    cells: int = 0  # how many are drawn; 0: not known
    cell: int = 0  # the position of the one that it is about; 0: all


@dataclass(frozen=True, slots=True)
class Progress:
    """`needs`: somebody is waited for.  `announce`: may be confirmed before it is reached.

    `begin`: the bench waits for its moment, and who confirms this begins now.  `announced`: it was
    announced, and the bank still charges.  `by_hand`: somebody reads the cells now.
    """

    steps: tuple[StepShown, ...] = ()
    now: StepShown | None = None
    needs: Ask | None = None
    announce: Ask | None = None
    announced: Ask | None = None
    begin: Ask | None = None
    waits_later: bool = False  # once hands are done the bench waits for its moment
    waiting_for_bench: bool = False  # confirmed, and the bench has not yet moved on
    by_hand: bool = False

    @property
    def waits(self) -> bool:
        """Whether somebody is waited for."""
        return self.needs is not None or self.by_hand


def progress(
    program: Mapping[str, Any] | None,
    step: Mapping[str, Any] | None,
    *,
    state: str,
    confirmed: Collection[str],
    entered: Collection[str] = (),
) -> Progress:
    """Where a run stands.

    `confirmed` names the steps that a person confirmed, `entered` those that the bench came to:
    what it passed without either was not needed.  Where nothing is known of it, all count.
    """
    steps = (program or {}).get("steps", [])
    index = _index(steps, step, state)
    seen = {*entered, *confirmed} if entered else None
    shown = tuple(
        _shown(plain, _state(plain["name"], at, index, state, seen))
        for at, plain in enumerate(steps)
    )
    if not 0 <= index < len(steps) or state not in PERSON_MAY_CONFIRM:
        return Progress(shown, shown[index] if 0 <= index < len(shown) else None)
    plain = steps[index]
    is_instruct, is_wait = plain["type"] == "Instruct", plain["type"] == "Wait"
    is_confirmed = plain["name"] in confirmed
    cells = int((program or {}).get("cells", 0))
    early = _announceable(steps, index, cells)
    return Progress(
        steps=shown,
        now=shown[index],
        needs=_ask(plain, cells) if is_instruct and not is_confirmed else None,
        announce=early if early and early.step not in confirmed else None,
        announced=early if early and early.step in confirmed else None,
        begin=_begin(plain) if is_wait and not is_confirmed else None,
        waits_later=any(step["type"] == "Wait" for step in steps[index + 1 :]),
        waiting_for_bench=(is_instruct or is_wait) and is_confirmed,
        by_hand=bool(plain.get("by_hand")),
    )


def _index(steps: list[Any], step: Mapping[str, Any] | None, state: str) -> int:
    """-1 before the first step, len(steps) after the last."""
    if state == "FINISHED":
        return len(steps)
    if not step:
        return -1
    return int(step.get("index", -1))


def _state(name: str, at: int, index: int, run: str, seen: Collection[str] | None) -> str:
    if at < index:
        return "done" if seen is None or name in seen else "skipped"
    if at > index:
        return "next"
    return "stopped" if run in OVER_EARLY else "now"


def _shown(plain: Mapping[str, Any], state: str) -> StepShown:
    kind = KINDS.get(plain["type"], plain["type"].lower())
    return StepShown(plain["name"], plain["title"], kind, state)


def _ask(plain: Mapping[str, Any], cells: int) -> Ask:
    return Ask(
        plain["name"],
        plain["title"],
        plain["text"],
        plain["confirm"],
        plain.get("drawing", ""),
        (plain.get("asks") or {}).get("label", ""),
        cells,
        position_of(plain["name"]),
    )


def _begin(plain: Mapping[str, Any]) -> Ask:
    text = "All stands ready and the output is off. Confirm to go on now and not at the moment."
    return Ask(plain["name"], plain["title"], text, "Begin now")


def _announceable(steps: list[Any], index: int, cells: int) -> Ask | None:
    """The next instruction, while the bank still charges, if it may be confirmed early (B19)."""
    if steps[index]["type"] != "Charge":
        return None
    following = next((s for s in steps[index + 1 :] if s["type"] == "Instruct"), None)
    if following is None or not following.get("announceable"):
        return None
    return _ask(following, cells)
