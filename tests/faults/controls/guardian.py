"""A guardian without one of its safeguards: `python -m tests.faults.controls.guardian <name> …`.

What follows the name goes to `python -m stations`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from stations.__main__ import main
from stations.config import Timing
from stations.guardian import core, requests, supply
from stations.guardian.session import Session

NEVER_S = 1e9


def without_dead_man() -> None:
    """The runner may be silent for ever; the lease and the age of readings count as before."""

    def patient(judge: Callable[..., Any]) -> Callable[..., Any]:
        def judged(session: Session, timing: Timing, *now_s: float) -> Any:
            return judge(session, replace(timing, deadman_s=NEVER_S), *now_s)

        return judged

    for name in ("expired", "expires_s"):
        setattr(core, name, patient(vars(core)[name]))


def without_token() -> None:
    """Whoever asks commands the session that is open, overtaken or not."""
    judge = vars(requests)["token_refusal"]

    def lenient(session: Session | None, highest: int, token: object) -> Any:
        return judge(session, highest, token) if session is None else None

    setattr(requests, "token_refusal", lenient)  # noqa: B010


def without_look_at_the_contactor() -> None:
    """Whatever a supply's terminals show, the contactor is taken for open."""
    setattr(supply, "parted_problem", lambda *_: "")  # noqa: B010


WITHOUT: Mapping[str, Callable[[], None]] = {
    "contactor-seen-open": without_look_at_the_contactor,
    "dead-man": without_dead_man,
    "guardian-token": without_token,
}

if __name__ == "__main__":
    WITHOUT[sys.argv.pop(1)]()
    sys.exit(main())
