"""Recipes and policies with their immutable versions, jobs, runs, and their history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from shop.cells.models import Cell
from shop.equipment.models import Station
from shop.jobs.states import TERMINAL, JobState, RunState
from shop.jobs.terms import Terms

PEOPLE = settings.AUTH_USER_MODEL


class Recipe(models.Model):
    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class RecipeVersion(models.Model):
    """How a procedure is done; never edited, a change is a new version."""

    recipe = models.ForeignKey(Recipe, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    procedure = models.CharField(max_length=40, default="parallel_top_balance")
    parameters = models.JSONField()  # of a module of shop.jobs.recipes
    reason = models.CharField(max_length=500, blank=True, default="")  # why it was stored
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["recipe", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["recipe", "version"], name="recipe_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.recipe} v{self.version}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        about = {"recipe": self.recipe_id, "version": self.version, "procedure": self.procedure}
        who = {"by": self.created_by_id, "at": self.created_at, "reason": self.reason}
        return {"id": self.pk, "parameters": self.parameters, **about, **who}


class RecipeRetirement(models.Model):
    """From now on no new job is made by this version; jobs and runs that have it keep it."""

    version = models.OneToOneField(
        RecipeVersion, on_delete=models.PROTECT, related_name="retirement"
    )
    words = models.CharField(max_length=500)
    by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.version} retired"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        who = {"by": self.by_id, "at": self.at, "words": self.words}
        return {"id": self.pk, "version": self.version_id, **who}


class PolicyVersion(models.Model):
    """What the gate asks for; never edited, the highest version is in force."""

    version = models.PositiveIntegerField(unique=True)
    parameters = models.JSONField()  # shop.jobs.policies.Policy
    reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"policy v{self.version}"

    @property
    def told(self) -> dict[str, Any]:
        """As the audit repeats it."""
        who = {"by": self.created_by_id, "at": self.created_at}
        why = {"reason": self.reason} if self.reason else {}  # earlier entries know of none
        told = {"id": self.pk, "version": self.version, "parameters": self.parameters}
        return {**told, **who, **why}


class Job(models.Model):
    """The order for one procedure on some cells."""

    kind = models.CharField(max_length=40, default="parallel_top_balance")
    recipe_version = models.ForeignKey(RecipeVersion, on_delete=models.PROTECT)
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in JobState], default=JobState.DRAFT.value
    )
    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    claimed_by = models.ForeignKey(
        PEOPLE, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    cells = models.ManyToManyField(Cell, through="JobCell", related_name="jobs")
    # An assembled pack that it is done to, its cells in it (B14).
    pack = models.ForeignKey(
        "shop.Pack", on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in JobState]), name="job_state_known"
            ),
            # A job that is claimed or under way has someone, somewhere, since some time.
            models.CheckConstraint(
                condition=Q(state__in=[JobState.CLAIMED.value, JobState.IN_PROGRESS.value])
                & Q(station__isnull=False, claimed_by__isnull=False, claimed_at__isnull=False)
                | ~Q(state__in=[JobState.CLAIMED.value, JobState.IN_PROGRESS.value]),
                name="job_claim_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"


class JobCell(models.Model):
    """A cell's place in the bank of a job, from 1."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="job_cells")
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT, related_name="job_cells")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["job", "position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="job_position_unique"),
            models.UniqueConstraint(fields=["job", "cell"], name="job_cell_unique"),
            models.CheckConstraint(condition=Q(position__gte=1), name="job_position_from_1"),
        ]


class Run(models.Model):
    """One execution of a job's program at a station by a leased worker."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="runs")
    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in RunState], default=RunState.QUEUED.value
    )
    attempt = models.PositiveIntegerField(default=1)
    token = models.BigIntegerField(null=True, blank=True)
    started_by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")
    queued_at = models.DateTimeField()
    program = models.JSONField(null=True, blank=True)  # stations.procedures.steps.Program
    program_hash = models.CharField(max_length=64, blank=True)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT)
    attended = models.BooleanField(default=True, db_default=True)  # F4: somebody stays
    # F6: it begins at this moment, worked out so that it is done by `ready_by`; where nobody stays
    # it is the first output that waits for it.
    not_before = models.DateTimeField(null=True, blank=True)
    ready_by = models.DateTimeField(null=True, blank=True)
    simulated = models.BooleanField(null=True, blank=True)  # known from preflight on
    step = models.JSONField(null=True, blank=True)  # {index, name, title, kind} as journalled
    cause = models.CharField(max_length=500, blank=True)  # why it ended, in words
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    stop_requested_by = models.ForeignKey(
        PEOPLE, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    stored_seq = models.BigIntegerField(default=0)  # last reading stored of this attempt
    journal_closed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cells = models.ManyToManyField(Cell, through="RunCell", related_name="runs")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RunState]), name="run_state_known"
            ),
            models.UniqueConstraint(
                fields=["job"],
                condition=~Q(state__in=sorted(s.value for s in TERMINAL)),
                name="run_one_alive_per_job",
            ),
            models.UniqueConstraint(
                fields=["station"],
                condition=~Q(state__in=sorted(s.value for s in TERMINAL)),
                name="run_one_alive_per_station",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.state in TERMINAL

    @property
    def waits_to_begin(self) -> bool:
        """F6: nothing has happened yet, and nothing will before its moment."""
        return self.state == RunState.QUEUED and self.attended and self.not_before is not None

    @property
    def terms(self) -> Terms:
        return Terms(self.attended, self.not_before, self.ready_by)

    @property
    def is_journalled(self) -> bool:
        """Whether anything of the present attempt's journal was stored."""
        return self.stored_seq > 0 or self.step is not None


class RunCell(models.Model):
    """A cell in a run; one cell is in at most one active run."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="run_cells")
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT, related_name="run_cells")
    position = models.PositiveSmallIntegerField()
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="run_position_unique"),
            models.UniqueConstraint(
                fields=["cell"], condition=Q(active=True), name="cell_one_active_run"
            ),
        ]


class PersonAct(models.Model):
    """What a person confirmed during a run; append-only, the uplink forwards each id once."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=20)
    data = models.JSONField(default=dict)
    by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def holds_in(self, attempt: int) -> bool:
        """An announcement is made to one attempt, a cell is read in one; else done stays done."""
        made_in = self.data.get("attempt", self.data.get("announced_in", attempt))
        return bool(made_in == attempt)


class JobEvent(models.Model):
    """The history of a job, append-only; `by` is null where a process acted."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="events")
    run = models.ForeignKey(
        Run, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    kind = models.CharField(max_length=40)
    by = models.ForeignKey(
        PEOPLE, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
