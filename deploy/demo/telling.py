"""What the story prints: a line of progress per step, and the evidence at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

EVERY_S = 5.0


def tell(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


class RunTeller:
    """Says when a run changes, and now and then what is measured."""

    def __init__(self) -> None:
        self._said = ""
        self._last_s = time.monotonic()

    def tell(self, run: Mapping[str, Any]) -> None:
        where = f"run {run['id']} {run['state']}" + (f": {run['step']}" if run["step"] else "")
        if where != self._said:
            self._said, self._last_s = where, time.monotonic()
            tell(where)
        elif run["live"] and time.monotonic() - self._last_s >= EVERY_S:
            self._last_s = time.monotonic()
            tell(f"  {_live(run['live'])}, {run['stored_samples']} samples stored")


def show_evidence(run: Mapping[str, Any]) -> None:
    """Tail amps, and age and volts of each cell at disconnect."""
    balance = run["balance"]
    if balance:
        tell(
            f"balance {balance['completeness']}: tail {_number(balance['tail_a'], '.3f')} A "
            f"(done below {_number(balance['done_a'], '.3f')} A), "
            f"{_number(balance['cv_s'], '.0f')} s in CV, "
            f"{_number(balance['charge_ah'], '.1f')} Ah, target {balance['target_v']} V"
        )
    for check in run["checks"]:
        if check["kind"] != "DISCONNECT":
            continue
        for cell in check["cells"]:
            tell(
                f"  {cell['serial']}: {_number(cell['voltage_v'], '.4f')} V, "
                f"{_number(cell['age_s'], '.0f')} s after current stopped: {cell['verdict']}"
            )


def show_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """Every finding of the gate: rule, verdict and its sentence."""
    for finding in findings:
        fix = f" → {finding['fix']}" if finding.get("fix") and finding["verdict"] != "pass" else ""
        tell(f"  {finding['rule']} {finding['verdict']}: {finding['words']}{fix}")


def _live(live: Mapping[str, Any]) -> str:
    return (
        f"{_number(live['voltage_v'], '.4f')} V, {_number(live['supply_current_a'], '.2f')} A, "
        f"output {live['output']}"
    )


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
