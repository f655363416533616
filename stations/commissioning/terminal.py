"""The person at the bench, by the keyboard of a terminal or by lines of a pipe."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stations.commissioning.asking import Answered
from stations.commissioning.figures import CannotCommission
from stations.commissioning.report import Report
from stations.keyboard import Keyboard, NobodyThere
from stations.procedures.capacity_test import Recipe

SAFETY = """\
Before anything is switched on:
  rings and watches off, insulated tools, busbars covered
  the cells are linked in parallel, plus to plus and minus to minus
  the supply's leads are on the bank, at opposite ends; the meter is at the end far from them
  you stay beside the bench until this is over; Ctrl-C switches off
Type yes to begin: """


BANK = """\
The load is tried too; its leads are on the bank as well, plus to plus and minus to minus:
  for some seconds it draws at most {most_a:g} A, half of its rating, but no more of the cells than
  a capacity test does ({rate:g}C); before that a tenth of it until its display was read
  all leads must bear {most_a:g} A; otherwise press Enter now, and nothing is switched on
How many ampere-hours have the linked cells together? """
LAY_TOGETHER = """\
The supply's offset at its target of {target_v:.2f} V can be measured too, with no cell on it:
  take its leads off the bank and lay the meter's leads on them, plus to plus
  nothing else may hang on them, and the ends must not touch each other
Type yes once it is so, or press Enter to leave it out: """


class Terminal(Keyboard):
    """Lines that are typed, without waiting for one unless that is asked."""

    def begin(self) -> None:
        """Raises CannotCommission unless the person says yes."""
        if self.answer(SAFETY).strip().lower() != "yes":
            raise CannotCommission("not begun: nobody typed yes")

    def bank_ah(self, most_a: float) -> float:
        """Of all linked cells together, once it is said that up to `most_a` will be drawn.

        Raises CannotCommission for what is no number.
        """
        line = self.answer(BANK.format(rate=Recipe().discharge_c, most_a=most_a))
        try:
            return _number(line)
        except ValueError as error:
            words = f"not begun: {line.strip()!r} are no ampere-hours; check again, typing a number"
            raise CannotCommission(words) from error

    def laid_together(self, target_v: float) -> bool:
        """Whether the meter alone is on the supply's leads now; nobody there has not done it."""
        try:
            line = self.answer(LAY_TOGETHER.format(target_v=target_v))
        except CannotCommission:
            return False
        return line.strip().lower() == "yes"

    def ask_panel(self, role: str) -> None:
        self.ask(f"Read the ammeter on the {role}'s own front.\nHow many amps are there? ")

    def panel_a(self) -> float | None:
        line = self.line(wait=False)
        if line is None:
            return None
        try:
            return _number(line)
        except ValueError:
            self.say("a number like 0.75, please")
            return None

    def line(self, *, wait: bool) -> str | None:
        try:
            return super().line(wait=wait)
        except NobodyThere as error:
            raise CannotCommission(f"{error}: a check needs a person") from error


def _number(line: str) -> float:
    return float(line.strip().replace(",", "."))


def table(rows: Sequence[Answered]) -> str:
    """Role, model, serial number, firmware and words, in columns."""
    cells = [
        (
            row.config.role,
            row.seen.model if row.seen else row.config.driver,
            f"serial number {row.seen.serial_number}" if row.seen else "no answer",
            row.seen.firmware if row.seen else "",
            row.words,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    return "\n".join(
        "  ".join(
            [*(f"{text:<{width}}" for text, width in zip(line, widths, strict=False)), line[4]]
        ).rstrip()
        for line in cells
    )


def registered(rows: Sequence[Answered]) -> str:
    """JSON as a shop takes it in, of everybody who answers as bench.toml says (F1)."""
    answered = [
        {
            "role": row.config.role,
            "driver": row.config.driver,
            "model": row.seen.model,
            "serial_number": row.seen.serial_number,
        }
        for row in rows
        if row.seen and not row.problem
    ]
    return json.dumps({"instruments": answered}, indent=2)


def findings(report: Report) -> str:
    """Each finding in a line, what to do below it."""
    lines = []
    for finding in report.findings:
        lines.append(f"{finding.verdict:<8}{finding.check}: {finding.words}")
        if finding.fix:
            lines.append(f"        {finding.fix}")
    if report.ended:
        lines.append(f"ended   {report.ended}")
    return "\n".join(lines)
