"""Fixtures every test may use: real servers, and an environment for child processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import services

pytest_plugins = ["tests.faults.matrix", "tests.stations.model.tables"]

# Before Django's settings are read: they take their addresses from the environment.
services.prepare()
os.environ["DJANGO_SETTINGS_MODULE"] = "deploy.settings"

import redis
from django.conf import settings

from deploy import embedded

# No assertion on speed: a busy machine is not a fault.
hypothesis.settings.register_profile("shop", deadline=None)
hypothesis.settings.load_profile("shop")
# A hundred log-ins at the full number of rounds would take most of the tests' time.
settings.PASSWORD_HASHERS = ["tests.hasher.QuickHasher"]
assert settings.DATABASES  # configures Django, so that pytest-django sets it up
if services.redis_is_embedded():  # its URL is set all the same: a database for each process
    settings.EMBEDDED |= {embedded.Server.REDIS}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each worker read the settings after `prepare` has chosen its own Redis database.

    With the variable inherited, pytest-django would read them before its conftest.
    """
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        services.leave()
    else:
        services.clean_up()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """The tests' database, which a test that committed leaves empty again, evidence too."""
    from tests.emptying import let_flush_empty_evidence

    let_flush_empty_evidence()


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """The real Redis of this worker, emptied."""
    if services.redis_is_embedded():
        embedded.join(services.folder_of_session(), needs=settings.EMBEDDED, durable=False)
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def process_env(db: None, redis_client: redis.Redis, tmp_path: Path) -> dict[str, str]:
    """Environment for a child process: this worker's databases and a data folder of its own.

    The child sees only committed rows, so the test needs `django_db(transaction=True)`.
    """
    from django.db import connection

    address = connection.settings_dict
    url = (
        f"postgres://{address['USER']}:{address['PASSWORD']}"
        f"@{address['HOST']}:{address['PORT']}/{address['NAME']}"
    )
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "DATABASE_URL": url,
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "CELLSHOP_DATA": str(tmp_path),
        "DB_POOL_MAX": "0",
        "PYTHONUNBUFFERED": "1",
    }
