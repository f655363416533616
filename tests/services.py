"""Real PostgreSQL and Redis for the tests: the product's own embedded servers, throw-away.

One data folder, and so one cluster, per pytest session, shared by its xdist workers; each
worker has its own database (pytest-django names it) and its own Redis database.  Where
DATABASE_URL and REDIS_URL are set, those servers are used instead: the Redis databases from
the one that is named upwards are emptied again and again.  Ours start with the first
connection, so pure tests pay nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from deploy import embedded
from deploy.embedded import locks
from deploy.embedded.membership import wait_for

# Handed from the pytest controller to its xdist workers; no URL of Redis means our own.
_FOLDER, _REDIS = "CELLSHOP_TEST_DATA", "CELLSHOP_TEST_REDIS"


def prepare() -> None:
    """Set the environment that `deploy.settings` reads; call before Django is configured."""
    if _FOLDER not in os.environ:
        folder = tempfile.mkdtemp(prefix="cellshop-tests-")
        os.chmod(folder, 0o711)  # root's PostgreSQL runs as another user, who must pass  # noqa: S103
        os.environ[_FOLDER] = folder
    os.environ["CELLSHOP_DATA"] = os.environ[_FOLDER]
    os.environ["CELLSHOP_DURABLE"] = "0"
    os.environ["DATABASE_ROLE"] = "owner"  # who makes and drops the tests' databases
    os.environ["DB_POOL_MAX"] = "0"  # a pool outlives the test database under its name
    os.environ["LOG_LEVEL"] = "WARNING"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    given = os.environ.setdefault(_REDIS, os.environ.get("REDIS_URL", ""))
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    os.environ["REDIS_URL"] = (
        _database_after(given, number)
        if given
        else embedded.plan(folder_of_session()).redis_url(number)
    )


def redis_is_embedded() -> bool:
    return not os.environ[_REDIS]


def _database_after(url: str, number: int) -> str:
    """The URL of the `number`-th Redis database after the one that `url` names."""
    parts = urlsplit(url)
    first = int(parts.path.strip("/") or 0)
    return parts._replace(path=f"/{first + number}").geturl()


def folder_of_session() -> Path:
    return Path(os.environ[_FOLDER])


def leave() -> None:
    """At the end of each process of the session; the last one stops the servers."""
    embedded.leave(folder_of_session())


def clean_up() -> None:
    """At the end of the session, in the controller: nothing runs on, the folder is removed."""
    leave()
    folder = folder_of_session()
    stopped = wait_for(lambda: locks.holder_state(folder) == "absent", 30.0)
    shutil.rmtree(folder, ignore_errors=True)
    if not stopped:
        raise RuntimeError(f"the servers of {folder} run on although the tests have ended")
