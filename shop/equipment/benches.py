"""Where a station's bench lives on this host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings


def bench_folder(slug: str) -> Path:
    """The folder with bench.toml, the guardian's socket and the journals."""
    return Path(settings.CELLSHOP_DATA) / "benches" / slug


def guardian_socket(slug: str) -> Path:
    return bench_folder(slug) / "guardian.sock"


def authority_s(status: Mapping[str, Any]) -> float:
    """How long a renewed lease is good for by itself, by the guardian's status (F4).

    A supply on its host's own port is reached by nobody else, so its guardian goes on through an
    absence of the server; one on the network might be, so it stops before the lease can lapse.
    """
    return float(settings.AUTONOMY_S if status["supply_is_local"] else settings.SELF_FENCE_S)


def journal_folder(slug: str) -> Path:
    return bench_folder(slug) / "journal"


def deaf_worker_file(slug: str) -> Path:
    """Touched when the station's worker takes no run although it should."""
    return bench_folder(slug) / "worker.deaf"
