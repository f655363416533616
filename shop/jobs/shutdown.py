"""A worker that is told to end: none begins a run any more, and the one under way pauses safely.

SIGTERM reaches the worker's main process; the run is in a child of its pool.  So main leaves
word in memory that both share and asks the guardian for a safe stop; the child looks for word
after it has opened the bench.  Whichever comes second sees the other: no run slips through.
"""

from __future__ import annotations

import logging
import mmap
import re
import threading
from typing import Any

from celery.signals import worker_shutting_down
from celery.worker import state as worker

from shop.equipment.benches import guardian_socket
from stations.guardian_client import GuardianLink, GuardianRefused, GuardianSilent

log = logging.getLogger(__name__)

WORDS = "the station's worker is shutting down"
ASK_AGAIN_S = 0.2

# A station's worker is named station-<slug>@<host>.
NAME = re.compile(r"station-(?P<slug>[a-zA-Z0-9_-]+)@")


class Word:
    """One flag in memory that a process shares with those that it forks."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    def leave(self) -> None:
        self._shared[0] = 1

    @property
    def is_left(self) -> bool:
        return self._shared[0] == 1


told_to_end = Word()  # of this worker, made before its pool is forked


@worker_shutting_down.connect
def stop_the_bench(sender: str = "", **_: Any) -> None:
    """In the worker's main process, at once on SIGTERM."""
    told_to_end.leave()
    name = NAME.match(str(sender))
    # A worker without a run leaves the bench to whoever drives it.
    if name is not None and worker.reserved_requests:
        threading.Thread(target=_ask_for_a_stop, args=(name["slug"],), daemon=True).start()


def _ask_for_a_stop(slug: str) -> None:
    """Until the guardian has answered; it may be busy, or just being restarted."""
    link, pause = GuardianLink(guardian_socket(slug)), threading.Event()
    while True:
        try:
            session = link.status()["session"]
            if session and session["live"]:
                link.stop(reason=WORDS, run=session["run"], resumable=True)
        except (GuardianSilent, GuardianRefused) as error:
            log.warning("%s: no safe stop yet: %s", slug, error)
            pause.wait(ASK_AGAIN_S)
        else:
            return
