"""A worker that is told to end asks its guardian for a safe stop; the run then ends itself."""

from __future__ import annotations

import logging
import re
from typing import Any

from celery.signals import worker_shutting_down

from shop.equipment.benches import guardian_socket
from stations.guardian_client import GuardianLink, GuardianRefused, GuardianSilent

log = logging.getLogger(__name__)

# A station's worker is named station-<slug>@<host>.
NAME = re.compile(r"station-(?P<slug>[a-zA-Z0-9_-]+)@")


@worker_shutting_down.connect
def stop_the_bench(sender: str = "", **_: Any) -> None:
    """In the worker's main process, at once on SIGTERM; a bench without a run is left alone."""
    name = NAME.match(str(sender))
    if name is None:
        return
    link = GuardianLink(guardian_socket(name["slug"]))
    try:
        session = link.status()["session"]
        if session and session["live"]:
            link.stop(reason="the station's worker is shutting down", run=session["run"])
    except (GuardianSilent, GuardianRefused) as error:
        log.warning("%s: no safe stop asked for: %s", name["slug"], error)
