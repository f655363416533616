"""What a bench must have shown before it may run unattended (F4).  Pure.

F4's other conditions (independent meter, OVP, cut-off, temperature, alert path) join these where a
run that asks to be unattended is checked before it begins (`jobs.attending`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop.refusals import Problem

AGAIN = "Run `python -m stations check` at the bench and send its report in."


@dataclass(frozen=True, slots=True)
class Commissioned:
    """The newest report of a station: serial numbers by role.

    `tried_load`: it asked of the load what it asked of the supply.
    """

    measured_at: datetime
    passed: bool
    instruments: Mapping[str, str]
    tried_load: bool = False


def commissioning_problems(
    newest: Commissioned | None,
    *,
    registered: Mapping[str, str],
    now: datetime,
    valid_for: timedelta,
    draws: bool = False,
) -> list[Problem]:
    """Why this station may not run unattended; `registered` are serial numbers by role.

    `draws`: the run draws by the load, which then must have been tried too.
    """
    if newest is None:
        return [Problem("not_commissioned", "This station was never commissioned.", AGAIN)]
    found = []
    if not newest.passed:
        words = f"The commissioning of {newest.measured_at:%Y-%m-%d} did not pass."
        found.append(Problem("commissioning_failed", words, f"Mend what it names. {AGAIN}"))
    if not now - newest.measured_at <= valid_for:
        words = (
            f"The commissioning is of {newest.measured_at:%Y-%m-%d}, "
            f"older than {valid_for.days} days."
        )
        found.append(Problem("commissioning_old", words, AGAIN))
    if draws and not newest.tried_load:
        words = (
            f"The commissioning of {newest.measured_at:%Y-%m-%d} did not try the load, and a run "
            "that draws by it may then not be left alone."
        )
        found.append(Problem("load_not_commissioned", words, AGAIN))
    for role in sorted(registered.keys() | newest.instruments.keys()):
        ours, then = registered.get(role), newest.instruments.get(role)
        if ours != then:
            words = (
                f"The {role} is {ours or 'gone'}, and was {then or 'none'} when the station was "
                "commissioned."
            )
            found.append(Problem("commissioned_other", words, AGAIN))
    return found
