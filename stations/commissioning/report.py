"""The report of a commissioning: canonical JSON in a file, and back with every doubt named.

Canonical form: RFC 8785, one line.  The findings in it are for people; whoever takes a report in
judges its figures again, so that a verdict that was edited does not pass.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import rfc8785

from stations.commissioning import judge
from stations.commissioning.figures import Figures, Finding, Judged
from stations.plain import LATER, from_plain, to_plain
from stations.values import Measured

SCHEMA = "commissioning/1"
FILE = "commissioning.json"
BYTES_MAX = 100_000


class ReportWrong(ValueError):
    """Not a report as the bench writes it; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Commissioned:
    """One instrument as it answered, and the driver that bench.toml names for it."""

    role: str
    driver: str
    model: str
    serial_number: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Report:
    """`at` is wall time at the end; `journal` names the bench's record of it and its last hash.

    `target_journal` likewise of the session at the target, where there was one.
    """

    station: str
    at: datetime
    simulated: bool
    instruments: tuple[Commissioned, ...]
    figures: Figures
    judged_by: Judged
    findings: tuple[Finding, ...]
    passed: bool
    journal: Mapping[str, str]
    software: Mapping[str, str]
    ended: str = ""  # why it did not come to its end, "" where it did
    schema: str = SCHEMA
    target_journal: Mapping[str, str] | None = field(default=None, metadata=LATER)

    @property
    def tried_load(self) -> bool:
        """Whether a load was asked the same as the supply; of before that, or without one: no."""
        return self.judged_by.load is not None

    @property
    def lead_milliohm(self) -> float:
        """NaN where it was not come to."""
        return 1000 * self.figures.lead_ohm

    @property
    def measured(self) -> Measured:
        """What a plan needs of it.

        An offset is corrected for only where all passed: bad leads are bad either way.  The one
        at the target where it is known, else the one at the bank's own voltage.
        """
        figures = self.figures
        at_target_v = figures.offset_target_v
        offset_v = at_target_v if math.isfinite(at_target_v) else figures.offset_v
        known = self.passed and math.isfinite(offset_v)
        shown_v = figures.at_target.drop_v if known and figures.at_target else math.nan
        return Measured(
            supply_offset_v=-offset_v if known else 0.0,
            leads_ohm=figures.lead_ohm,
            zero_a=figures.zero_a,
            shown_offset_v=-shown_v if math.isfinite(shown_v) else None,
        )


def judged(figures: Figures, by: Judged, ended: str) -> tuple[tuple[Finding, ...], bool]:
    """The findings and whether all is well."""
    found = judge.findings(figures, by)
    return found, judge.passed(found) and not ended


def encode(report: Report) -> bytes:
    """The bytes that are hashed and kept."""
    return rfc8785.dumps(to_plain(report))


def write(folder: Path, report: Report) -> Path:
    """Put it beside bench.toml, whole or not at all, in place of the one before."""
    path = folder / FILE
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(encode(report) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return path


def decode(data: bytes) -> Report:
    """The report that `encode` wrote, judged again; raises ReportWrong for anything else."""
    report = read(data)
    try:
        canonical = encode(report)
    except (TypeError, rfc8785.CanonicalizationError) as error:
        raise ReportWrong(f"{error}: check the bench again and send its {FILE}") from error
    if canonical != data.strip():
        raise ReportWrong(f"not as a bench writes it: send {FILE} unchanged")
    _refuse_other_verdicts(report)
    return report


def read(data: bytes) -> Report:
    """A report that was taken in already, maybe before a field was added that has a default."""
    if len(data) > BYTES_MAX:
        raise ReportWrong(f"more than {BYTES_MAX} bytes: send the bench's {FILE}")
    try:
        plain: Any = json.loads(data)
    except ValueError as error:
        raise ReportWrong(f"not JSON ({error}): send the bench's {FILE} as it is") from error
    if not isinstance(plain, Mapping) or plain.get("schema") != SCHEMA:
        raise ReportWrong(f"not a report of schema {SCHEMA}: send the bench's {FILE}")
    try:
        return from_plain(Report, plain)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ReportWrong(f"{error}: check the bench again and send its {FILE}") from error


def _refuse_other_verdicts(report: Report) -> None:
    if report.at.tzinfo is None:
        raise ReportWrong("at has no time zone: check the bench again")
    try:
        found, passed = judged(report.figures, report.judged_by, report.ended)
    except (ValueError, OverflowError) as error:
        raise ReportWrong(f"figures that cannot be judged ({error})") from error
    said = [(finding.check, finding.verdict) for finding in report.findings]
    if said != [(finding.check, finding.verdict) for finding in found] or passed != report.passed:
        raise ReportWrong("its findings do not follow from its figures: check the bench again")
