"""Where a station's bench lives on this host."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings


def bench_folder(slug: str) -> Path:
    """The folder with bench.toml, the guardian's socket and the journals."""
    return Path(settings.CELLSHOP_DATA) / "benches" / slug


def guardian_socket(slug: str) -> Path:
    return bench_folder(slug) / "guardian.sock"


def journal_folder(slug: str) -> Path:
    return bench_folder(slug) / "journal"


def deaf_worker_file(slug: str) -> Path:
    """Touched when the station's worker takes no run although it should."""
    return bench_folder(slug) / "worker.deaf"
