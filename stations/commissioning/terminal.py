"""The person at the bench, by the keyboard of a terminal or by lines of a pipe."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence

from stations.commissioning.asking import Answered
from stations.commissioning.figures import CannotCommission
from stations.commissioning.report import Report

SAFETY = """\
Before anything is switched on:
  rings and watches off, insulated tools, busbars covered
  the cells are linked in parallel, plus to plus and minus to minus
  the supply's leads are on the bank, at opposite ends; the meter is at the end far from them
  you stay beside the bench until this is over; Ctrl-C switches off
Type yes to begin: """


class Terminal:
    """Lines that are typed, without waiting for one unless that is asked."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._typed = b""

    def begin(self) -> None:
        """Raises CannotCommission unless the person says yes."""
        sys.stdout.write(SAFETY)
        sys.stdout.flush()
        while (line := self._line(wait=True)) is None:
            continue
        if line.strip().lower() != "yes":
            raise CannotCommission("not begun: nobody typed yes")

    def ask_panel(self) -> None:
        sys.stdout.write("Read the ammeter on the supply's own front.\nHow many amps are there? ")
        sys.stdout.flush()

    def panel_a(self) -> float | None:
        line = self._line(wait=False)
        if line is None:
            return None
        try:
            return float(line.strip().replace(",", "."))
        except ValueError:
            self.say("a number like 0.75, please")
            return None

    def say(self, words: str) -> None:
        sys.stdout.write(words + "\n")
        sys.stdout.flush()

    def _line(self, *, wait: bool) -> str | None:
        """The next line; None where there is none yet.  Raises CannotCommission at the end."""
        if b"\n" not in self._typed:
            ready, _, _ = select.select([self._descriptor], [], [], None if wait else 0.0)
            if not ready:
                return None
            block = os.read(self._descriptor, 4096)
            if not block:
                raise CannotCommission("nobody is at the keyboard: a check needs a person")
            self._typed += block
        line, whole, rest = self._typed.partition(b"\n")
        if not whole:
            return None
        self._typed = rest
        return line.decode(errors="replace")


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
