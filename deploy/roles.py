"""As whom a process connects to the database.

The *owner* migrates and owns the tables.  The *app* (web, office worker, beat) and the *bench*
(uplink, station worker) own nothing; `deploy.grants` says what they may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Values of DATABASE_ROLE."""

    OWNER = "owner"
    APP = "app"
    BENCH = "bench"


# Where each role's address stands in the environment; without its own, DATABASE_URL counts.
URLS: Mapping[Role, str] = {
    Role.APP: "DATABASE_URL",
    Role.OWNER: "DATABASE_OWNER_URL",
    Role.BENCH: "DATABASE_BENCH_URL",
}


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)
