"""What must hold of a bench before its output may go on, once its guardian has been asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shop.equipment.states import UNCALIBRATED, UNWIRED, InstrumentRole
from shop.refusals import Problem


@dataclass(frozen=True, slots=True)
class Registered:
    """An instrument as the shop knows it, with the span of the calibration in force."""

    role: str
    model: str
    serial_number: str
    certificate: str = ""
    valid_until: datetime | None = None


def preflight_problems(
    *,
    registered: Sequence[Registered],
    found: Sequence[Mapping[str, str]],
    planned_end: datetime,
    simulated_expected: bool,
    simulated: bool,
) -> list[Problem]:
    """F1: the instruments on the bench are the registered ones, calibrated to the planned end.

    `found` are role, model and serial_number as each instrument said them.
    """
    said = {instrument["role"]: instrument for instrument in found}
    problems = []
    for known in registered:
        if known.role not in UNWIRED:
            problems += _identity_problems(known, said.pop(known.role, None))
        ends = known.valid_until is None or known.valid_until < planned_end
        if ends and known.role not in UNCALIBRATED:
            until = f"{known.valid_until:%Y-%m-%d %H:%M} UTC" if known.valid_until else "never"
            problems.append(
                Problem(
                    "calibration_ends",
                    f"The calibration of {known.role} {known.serial_number} is valid until "
                    f"{until}, the run may last until {planned_end:%Y-%m-%d %H:%M} UTC.",
                    "Record a new certificate or use another station.",
                )
            )
    problems += [
        Problem(
            "unregistered",
            f"The bench has a {role} {other.get('serial_number')} that is not registered.",
            "Register it, or remove it from bench.toml.",
        )
        for role, other in said.items()
    ]
    if simulated != simulated_expected:
        problems.append(
            Problem(
                "simulated",
                "The bench changed between simulated and real while the run was being set up.",
                "Start the run again.",
            )
        )
    return problems


def _identity_problems(known: Registered, said: Mapping[str, str] | None) -> list[Problem]:
    if said is None and known.role == InstrumentRole.BMS:
        return []  # it lives on its string, and is met once that is built
    if said is None:
        return [
            Problem(
                "instrument_missing",
                f"The bench has no {known.role}; {known.serial_number} is registered.",
                "Check bench.toml and the registered instruments.",
            )
        ]
    if (said.get("model"), said.get("serial_number")) != (known.model, known.serial_number):
        return [
            Problem(
                "wrong_instrument",
                f"The {known.role} says it is {said.get('model')} {said.get('serial_number')}; "
                f"{known.model} {known.serial_number} is registered.",
                "Connect the registered instrument, or register this one with its calibration.",
            )
        ]
    return []
