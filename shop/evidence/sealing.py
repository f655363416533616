"""Whether what a run left behind stands: sealed, signed, of a run that ended well (T4)."""

from __future__ import annotations

from shop.jobs.models import Run
from shop.jobs.states import RUN_WORDS, RunState
from shop.readings.models import Manifest
from shop.verification.keys import stored_manifest
from shop.verification.seals import Keys

# Whether a stopped run got far enough, its balance says: complete or partial.
ENDED_WELL = frozenset({RunState.FINISHED, RunState.STOPPED})


def broken(run: Run, manifest: Manifest | None, trusted: Keys) -> str | None:
    """Why the balance of `run` proves nothing, in words; None where its seal holds.

    `manifest` is the one that the balance names, with its key and that key's retirement.
    """
    if manifest is None:
        return f"the manifest of run {run.pk} that it names is not there"
    problem = stored_manifest(manifest).problem(trusted)
    if problem:
        return f"the manifest of run {run.pk} {problem}"
    sealed = (manifest.body.get("outcome") or {}).get("state")
    if run.state != sealed:
        return f"run {run.pk} is {_said(run.state)} and was sealed as {_said(sealed)}"
    if run.state not in ENDED_WELL:
        return f"run {run.pk} ended as {_said(run.state)}"
    return None


def _said(state: object) -> str:
    """As a run's badge says it; what no run can be is shown as it is, for it was tampered with."""
    return f"“{RUN_WORDS.get(str(state), str(state))}”"
