"""A bench with a person at its keyboard: steps are said, a typed yes confirms the one at hand,
or the number that it asks for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from stations.clock import guard_s
from stations.guardian_client import GuardianBench, GuardianLink, GuardianRefused, GuardianSilent
from stations.keyboard import Keyboard, NobodyThere
from stations.procedures.steps import Asked, Instruct, Presence, Program
from stations.values import Draw, Event, OffProof, Protection, Reading, Setpoint

AUTHORITY_S = 900.0  # the bench goes off so long after nobody renewed it
RENEWED_EVERY_S = 60.0
# F4: how long nobody may be silent with an output on, where the program does not say.
PRESENCE = Presence(every=timedelta(minutes=30), warn=timedelta(minutes=5))


class Attended:
    """A `Bench` of a session at a guardian; the person is looked for between two readings."""

    def __init__(
        self,
        bench: GuardianBench,
        link: GuardianLink,
        keyboard: Keyboard,
        program: Program,
        run: str,
        presence: Presence = PRESENCE,
    ) -> None:
        self._bench = bench
        self._link = link
        self._keyboard = keyboard
        self._steps = {step.name: step for step in program.steps}
        self._run = run
        self._silent_s = (presence.every - presence.warn).total_seconds()
        self._asked: Instruct | None = None
        self._left = False
        self._renewed_s = self._heard_s = guard_s()
        self._asked_there = False
        self._token: int = int(link.status()["highest_token"])

    def next(self) -> Reading | Event:
        self._renew()
        self._ask_there()
        self._hear()
        return self._bench.next()

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        self._bench.note(kind, data)
        if kind == "step":
            self._begin(str(data["name"]), str(data["title"]))
        elif kind == "record":
            self._keyboard.say(record_words(data))
        elif kind == "alarm":
            self._keyboard.say(f"! {data['words']}")

    def _begin(self, name: str, title: str) -> None:
        self._keyboard.say(f"\n{title}")
        step = self._steps[name]
        self._asked = step if isinstance(step, Instruct) else None
        if self._asked is not None:
            self._keyboard.say(self._asked.text)
            asks = self._asked.asks
            wanted = f"Then type {asks.label}: " if asks else "Type yes: "
            self._keyboard.ask(f"{self._asked.confirm}? {wanted}")

    def _hear(self) -> None:
        """A typed yes confirms; whoever leaves the keyboard stops the run."""
        if self._left:
            return
        try:
            line = self._keyboard.line(wait=False)
        except NobodyThere as error:
            self._left = True
            with suppress(GuardianSilent):
                self._link.stop(reason=str(error), run=self._run)
            return
        if line is None:
            return
        if self._asked is None:
            self._say("presence", {})
            return
        answer, again = answered(self._asked.asks, line)
        if again:
            self._keyboard.ask(again)
        elif self._say("confirm", {"step": self._asked.name, **answer}):
            self._asked = None

    def _say(self, kind: str, data: Mapping[str, Any]) -> bool:
        """Whether the guardian took it; what it did not is said again by the next line."""
        try:
            self._link.act(run=self._run, act=str(uuid.uuid4()), kind=kind, data=data)
        except (GuardianSilent, GuardianRefused):
            return False
        self._heard_s, self._asked_there = guard_s(), False
        return True

    def _ask_there(self) -> None:
        """F4: whoever attends a run says so in time, by any line."""
        due = guard_s() - self._heard_s >= self._silent_s
        if due and not self._asked_there and self._asked is None:
            self._asked_there = True
            self._keyboard.ask("Are you at the bench? Press Enter, or the output goes off: ")

    def _renew(self) -> None:
        if guard_s() - self._renewed_s < RENEWED_EVERY_S:
            return
        with suppress(GuardianSilent, GuardianRefused):
            self._link.lease(token=self._token, valid_s=AUTHORITY_S)
            self._renewed_s = guard_s()

    # What is asked of the bench itself

    def configure(self, setpoint: Setpoint, protection: Protection) -> None:
        self._bench.configure(setpoint, protection)

    def route(self, cell: int) -> datetime:
        return self._bench.route(cell)

    def configure_load(self, draw: Draw) -> None:
        self._bench.configure_load(draw)

    def arrived(self) -> Sequence[Reading | Event]:
        return self._bench.arrived()

    def see_parted(self) -> None:
        self._bench.see_parted()

    def energise(self) -> datetime:
        return self._bench.energise()

    def adjust(self, setpoint: Setpoint) -> None:
        self._bench.adjust(setpoint)

    def off(self) -> OffProof:
        return self._bench.off()


def answered(asked: Asked | None, line: str) -> tuple[Mapping[str, float], str]:
    """What a typed line adds to a confirmation, or what to ask again."""
    if asked is None:
        return {}, "" if line.strip().lower() == "yes" else "Type yes when it is done: "
    try:
        number = float(line)
    except ValueError:
        return {}, f"Type {asked.label}, a number: "
    return {"answer": number}, "" if asked.allowed.contains(number) else f"{asked.wrong} Type it: "


def record_words(record: Mapping[str, Any]) -> str:
    """What a finished step left, in a line and one more for each cell."""
    remarks = ", ".join(record["remarks"]) or "done"
    cells = [
        f"  cell {cell['position']}: {cell['voltage_v']:.4f} V, {cell['verdict']}"
        for cell in record["cells"]
        if cell["voltage_v"] is not None
    ]
    return "\n".join([f"{record['step']}: {remarks}", *cells])
