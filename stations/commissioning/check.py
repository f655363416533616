"""`check`: a guardian of its own for the bench, one session at it, a report at the end.

The guardian is the ordinary one, as a child: whatever becomes of this process, it switches off and
proves it.  Where another guardian holds the bench nothing is begun.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from stations import __version__
from stations.bench import BenchError
from stations.clock import wall_now
from stations.commissioning import at_target, procedure
from stations.commissioning.drawing import DrawPlan, draw_plan, drawn_most_a
from stations.commissioning.figures import (
    CannotCommission,
    Figures,
    Judged,
    Plan,
    plan,
)
from stations.commissioning.report import Commissioned, Report, judged, write
from stations.commissioning.terminal import Terminal
from stations.commissioning.trying_load import try_load
from stations.config import BenchConfig, load
from stations.drivers.registry import DRIVERS
from stations.guardian.child import NotProvenOff, own_guardian
from stations.guardian.service import alone
from stations.guardian_client import GuardianBench, GuardianLink
from stations.values import Limits, LoadRatings, MeterRatings, SupplyRatings

RUN = "commissioning"
LOG = "commissioning.log"  # what the guardian says, beside bench.toml
HURRY_MAX = 1000.0  # a simulated bench runs at most so much faster
VALID_S = 1800.0  # of the authority: twice as long as a person is waited for, of both displays
CONTACTOR = (
    "the offset at target is left out: a contactor's contacts are seen open by the bank, which "
    "must be off the leads for it"
)
LEADS_BACK = "once this check has ended, leads and meter go back to where they were"
Work = Callable[[GuardianBench], tuple[Figures, str]]
"""What is done in a session: the figures, and why it ended early or ""."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person asked for on the command line; None leaves it to the supply's rating."""

    target_v: float
    large_a: float | None


def check(path: Path, asked: Asked, person: Terminal) -> Report:
    """The report on the bench of the bench.toml at `path`, passed or not.

    What was seen at the bank is on disk before anybody is asked to lay leads together, and does
    not pass where the output is not proven off at the end.

    Raises CannotCommission before anything was measured, BenchTaken where a guardian runs, and
    NotProvenOff.
    """
    config = load(path)
    by = judged_by(config)
    chosen = plan(by.supply, target_v=asked.target_v, large_a=asked.large_a)
    with alone(config.folder):
        person.begin()
        bank_ah = person.bank_ah(drawn_most_a(by.load)) if by.load else 0.0
        if by.load:
            draw_plan(by.load, bank_ah=bank_ah)  # refused before anything is on
    found: Report | None = None
    try:
        with own_guardian(path, config, LOG) as link:
            found = _at_the_bank(config, link, chosen, by, bank_ah, person)
            write(config.folder, found)
            if found.passed and config.relay is not None:
                person.say(CONTACTOR)
            elif found.passed and person.laid_together(chosen.target_v):
                found = _at_the_target(config, link, chosen, by, found)
                person.say(LEADS_BACK)
            return found
    except NotProvenOff as error:
        if found is not None:
            write(config.folder, _ended(found, str(error)))
        raise


def _ended(found: Report, words: str) -> Report:
    """The same, of a bench that was not as it must be after all."""
    findings, passed = judged(found.figures, found.judged_by, words)
    return replace(found, findings=findings, passed=passed, ended=words)


def judged_by(config: BenchConfig) -> Judged:
    supply, meter = (DRIVERS[i.driver].ratings for i in (config.supply, config.meter))
    assert isinstance(supply, SupplyRatings)  # noqa: S101 - bench.toml names drivers by role
    assert isinstance(meter, MeterRatings)  # noqa: S101
    draws = DRIVERS[config.load.driver].ratings if config.load else None
    return Judged(supply, meter.accuracy_v, load=draws if isinstance(draws, LoadRatings) else None)


def _at_the_bank(
    config: BenchConfig,
    link: GuardianLink,
    chosen: Plan,
    by: Judged,
    bank_ah: float,
    person: Terminal,
) -> Report:
    """The report of the supply, and of the load where there is one, cells linked."""
    hurry = _hurry(link)
    draws = draw_plan(by.load, bank_ah=bank_ah, hurry=hurry) if by.load else None
    allowed = procedure.limits(chosen, hurry=hurry)

    def work(bench: GuardianBench) -> tuple[Figures, str]:
        person.say("every instrument is the one in bench.toml")
        return _figures(bench, chosen, by, draws, person)

    return _session(config, link, draws.within(allowed) if draws else allowed, by, work)


def _at_the_target(
    config: BenchConfig, link: GuardianLink, chosen: Plan, by: Judged, found: Report
) -> Report:
    """The same report with the supply's offset at its target, in a session of its own."""

    def work(bench: GuardianBench) -> tuple[Figures, str]:
        try:
            return at_target.measure(bench, by.supply, chosen, found.figures), ""
        except (CannotCommission, BenchError) as error:
            return found.figures, f"at the target, leads laid together: {error}"

    allowed = at_target.limits(by.supply, chosen, hurry=_hurry(link))
    more = _session(config, link, allowed, by, work)
    return replace(more, journal=found.journal, target_journal=more.journal)


def _hurry(link: GuardianLink) -> float:
    return HURRY_MAX if link.status()["simulated"] else 1.0


def _session(
    config: BenchConfig, link: GuardianLink, allowed: Limits, by: Judged, work: Work
) -> Report:
    token = int(link.status()["highest_token"]) + 1
    with GuardianBench(
        config.socket,
        run=RUN,
        attempt=token,
        token=token,
        limits=allowed,
        program={"name": RUN, "version": "1"},
        valid_s=VALID_S,
    ) as bench:
        figures, ended = work(bench)
        journal = _closed(bench, token, ended)
        return _report(config, bench, figures, by, ended, journal)


def _figures(
    bench: GuardianBench, chosen: Plan, by: Judged, draws: DrawPlan | None, person: Terminal
) -> tuple[Figures, str]:
    """What was seen, and why it ended early."""
    seen = [Figures(target_v=chosen.target_v)]
    try:
        seen.append(procedure.commission(bench, chosen, by, person, seen.append))
        if draws is not None:
            seen.append(try_load(bench, draws, by, person, seen[-1], seen.append))
    except (CannotCommission, BenchError) as error:
        return seen[-1], str(error)
    return seen[-1], ""


def _closed(bench: GuardianBench, token: int, ended: str) -> dict[str, str]:
    """The journal's name and last hash; without one where the guardian is gone."""
    told = {"name": f"{RUN}-{token}"}
    with suppress(BenchError):
        kind = "STOPPED" if ended else "FINISHED"
        closed = bench.close(kind=kind, reason=ended or "commissioned")
        told["head"] = str(closed["head"])
    return told


def _report(
    config: BenchConfig,
    bench: GuardianBench,
    figures: Figures,
    by: Judged,
    ended: str,
    journal: dict[str, str],
) -> Report:
    found, passed = judged(figures, by, ended)
    drivers = {instrument.role: instrument.driver for instrument in config.instruments}
    return Report(
        station=config.station,
        at=wall_now(),
        simulated=bench.simulated,
        instruments=tuple(
            Commissioned(driver=drivers[said["role"]], **said) for said in bench.instruments
        ),
        figures=figures,
        judged_by=by,
        findings=found,
        passed=passed,
        journal=journal,
        software={"version": __version__, "python": platform.python_version()},
        ended=ended,
    )
