"""One run as a person or a program follows it: status, need, live figures, checks, result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from django.db.models import Prefetch, QuerySet

from api.reads.board import confirmed_steps, run_progress
from api.reads.checks import CellShown, CheckShown, check_shown, strip, together
from api.reads.deadlines import (
    PassWindow,
    PresenceShown,
    pass_window,
    presence_shown,
    presence_version,
)
from api.reads.live import Live, live
from api.reads.program import Ask, Progress
from api.reads.watches import WatchShown, watch_of
from api.words import amps, number
from shop.equipment.states import OutputState
from shop.evidence.models import (
    Balance,
    CapacityTest,
    ResistanceTest,
    VoltageCheck,
)
from shop.jobs.models import Run
from shop.jobs.procedures import RECHECK, procedure_of
from shop.jobs.queries import steps_begun
from shop.jobs.sheets import Figure, Sheet, sheet_of
from shop.jobs.states import RunState

BOTTOM = VoltageCheck.Kind.BOTTOM
OFF = frozenset({"unlinked", "pack-off"})  # drawings of steps after which nothing is on the cells


@dataclass(frozen=True, slots=True)
class RunShown:
    run: Run
    progress: Progress
    live: Live | None
    checks: tuple[CheckShown, ...]
    balance: Balance | None
    capacity_test: CapacityTest | None
    resistance_test: ResistanceTest | None
    watch: WatchShown | None
    serials: tuple[str, ...]  # of what the bench sees at each position
    window: PassWindow | None
    presence: PresenceShown | None
    sheet: Sheet | None = None  # while a person reads the cells

    @property
    def facts(self) -> dict[str, float]:
        """The planned figures that the program carries, by name."""
        return dict((self.run.program or {}).get("facts", []))

    @property
    def target_v(self) -> float | None:
        """None where nothing is charged and no check is held against it: a current step."""
        if "pulse_a" in self.facts:
            return None
        return (self.run.program or {}).get("target_v")

    @property
    def tail_done_a(self) -> float | None:
        """The tail limit of the balance step, in amps of the bank."""
        charges = [s for s in (self.run.program or {}).get("steps", []) if s["type"] == "Charge"]
        return charges[0]["tail"]["done_a"] if charges else None

    @property
    def looks(self) -> tuple[CheckShown, ...]:
        """The checks as people see them: emptied cells, each with its own, beside one another."""
        bottom = [shown.check for shown in self.checks if shown.check.kind == BOTTOM]
        others = tuple(shown for shown in self.checks if shown.check.kind != BOTTOM)
        return (*others, together(bottom)) if bottom else others

    @property
    def outside(self) -> tuple[CellShown, ...]:
        """Emptied cells that are apart from their neighbours, or were not compared."""
        looks = [look for look in self.looks if look.check.kind == BOTTOM]
        return tuple(cell for look in looks for cell in look.cells if cell.verdict != "PASS")

    @property
    def tail_note(self) -> str:
        if self.balance is None:
            return ""
        return f"done at {amps(self.balance.done_a)}, partial above {amps(self.balance.partial_a)}"

    @property
    def is_good(self) -> bool:
        """It is done, and what it found is as it should be."""
        balance, resistance, watch = self.balance, self.resistance_test, self.watch
        return self.run.state == RunState.FINISHED and (
            (balance is not None and balance.completeness == Balance.Completeness.COMPLETE)
            or self.capacity_test is not None
            or (resistance is not None and resistance.verdict == ResistanceTest.Verdict.PASS)
            or (watch is not None and watch.is_clean)
        )

    @property
    def leads_to_approval(self) -> bool:
        """Its cells are judged next: a balance or a re-check, and neither a test nor a watch."""
        return self.balance is not None or self.run.job.kind == RECHECK

    @property
    def is_in_series(self) -> bool:
        """Its cells are measured in their string, and are never joined in parallel."""
        return procedure_of(self.run.job.kind).in_series

    @property
    def cells_unseen(self) -> bool:
        """B10: nothing on the bench shows the cells of its string."""
        return bool((self.run.program or {}).get("limits", {}).get("cells_unseen"))

    @property
    def resistance_note(self) -> str:
        test = self.resistance_test
        return f"after {test.after_s:g} s, ± {number(test.u_mohm, 3)} mΩ" if test else ""

    @property
    def early_note(self) -> str:
        test = self.resistance_test
        if test is None:
            return ""
        seen = "" if test.early_mohm is not None else ": no sample was early enough"
        return f"after {test.early_after_s:g} s{seen}"

    @property
    def is_stopping(self) -> bool:
        """STOP was pressed, or the run ends: nobody is asked for anything more."""
        return self.run.stop_requested_at is not None or self.run.state == RunState.STOPPING

    @property
    def begin(self) -> Ask | None:
        """F6: the bench waits for its moment with the output off; whoever is there may begin."""
        return None if self.is_stopping else self.progress.begin

    @property
    def is_interrupted(self) -> bool:
        return self.run.state == RunState.INTERRUPTED

    @property
    def ask(self) -> Ask | None:
        """What a person has to do now."""
        return None if self.is_stopping else self.progress.needs

    @property
    def reads(self) -> Sheet | None:
        """What a person has to read at the posts now; None while nobody has to."""
        return None if self.is_stopping or not self.sheet or not self.sheet.left else self.sheet

    @property
    def read_so_far(self) -> tuple[CellShown, ...]:
        """The cells as they were read one by one, at their places."""
        if self.sheet is None:
            return ()
        read = {one.position: one.voltage_v for one in reversed(self.sheet.read)}
        return strip([(s, read.get(n)) for n, s in sorted(self.sheet.serials.items())])

    @property
    def last_read(self) -> Figure | None:
        return self.reads.last if self.reads else None

    @property
    def output_at(self) -> datetime | None:
        lease = getattr(self.run.station, "lease", None)
        return lease.output_at if lease else None

    @property
    def output_is_off(self) -> bool:
        """As the bench says now, whoever drives it."""
        lease = getattr(self.run.station, "lease", None)
        return lease is not None and lease.output_state == OutputState.OFF

    @property
    def output_seen_off(self) -> bool:
        """By a person, at a bench that is lost."""
        lease = getattr(self.run.station, "lease", None)
        return lease is not None and lease.output_state == OutputState.SEEN_OFF

    @property
    def left_on(self) -> str:
        """What was put on for this run and nobody said came off, as its step is drawn; or ""."""
        on, confirmed = "", confirmed_steps(self.run)
        for step in (self.run.program or {}).get("steps", []):
            if step.get("drawing") and step["name"] in confirmed:
                on = "" if step["drawing"] in OFF else step["drawing"]
        return on

    @property
    def is_measuring(self) -> bool:
        return self.progress.now is not None and self.progress.now.kind == "measure"

    @property
    def cells_live(self) -> tuple[CellShown, ...]:
        """Every cell as the scanner sees it now; empty without a scanner."""
        volts = self.live.cell_voltages_v if self.live else ()
        return strip(list(zip(self.serials, volts, strict=False)))

    @property
    def version(self) -> str:
        """Changes when what a person is asked for changes."""
        now, needs, early = self.progress.now, self.progress.needs, self.progress.announce
        parts = (
            self.run.state,
            now.name if now else "",
            needs.step if needs else "",
            early.step if early else "",
            "b" if self.progress.begin else "",
            self.progress.announced.step if self.progress.announced else "",
            "s" if self.is_stopping else "",
            "w" if self.progress.waiting_for_bench else "",
            "o" if self.is_interrupted and self.output_is_off else "",
            str(len(self.checks)),
            presence_version(self.presence),
            _version_of(self.sheet),
        )
        return "-".join(parts)


def _version_of(sheet: Sheet | None) -> str:
    if sheet is None:
        return ""
    read = ",".join(f"{one.position}:{one.voltage_v}" for one in sheet.read)
    return f"{read}:{sheet.settling}:{crc32(sheet.unread.encode())}" if sheet.is_led else read


def runs() -> QuerySet[Run]:
    """Runs with everything that showing one of them reads."""
    return Run.objects.select_related(
        "job__recipe_version__recipe",
        "job__claimed_by",
        "station__lease",
        "started_by",
        "balance",
        "resistance_test",
    ).prefetch_related(
        "acts",
        "run_cells__cell",
        Prefetch("voltage_checks", VoltageCheck.objects.order_by("pk")),
        "voltage_checks__cells__cell",
        "voltage_checks__meter",
        "balance__cells__cell",
        "capacity_tests",
    )


def shown(run: Run, *, now: datetime) -> RunShown:
    """`run` must come from `runs()`."""
    told = {} if run.is_over else live([run.station.slug], now=now)
    return RunShown(
        run=run,
        progress=run_progress(run, {step.name for step in steps_begun(run.pk)}),
        live=told.get(run.station.slug),
        checks=tuple(check_shown(check) for check in run.voltage_checks.all()),
        balance=getattr(run, "balance", None),
        capacity_test=next(iter(run.capacity_tests.all()), None),
        resistance_test=getattr(run, "resistance_test", None),
        watch=watch_of(run),
        serials=_serials(run),
        window=pass_window(run, now),
        presence=presence_shown(run, now),
        sheet=sheet_of(run),
    )


def _serials(run: Run) -> tuple[str, ...]:
    """By position as the bench sees them; none where cells stand in parallel at one place."""
    serials = tuple(row.cell.serial for row in run.run_cells.all())
    places = int((run.program or {}).get("cells") or len(serials))
    in_parallel = run.job.pack_id is not None and places != len(serials)
    return ("",) * places if in_parallel else serials


def is_worth_polling(run: Run) -> bool:
    """Until the journal is wholly stored there is more to come."""
    return not run.is_over or (run.state != RunState.REFUSED and run.journal_closed_at is None)
