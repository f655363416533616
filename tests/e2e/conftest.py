"""A browser on the pages: the real ASGI application in a thread, Debian's chromium on it."""

from __future__ import annotations

import ctypes
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from tests.wait import wait_until

if TYPE_CHECKING:
    from tests.cast import Cast


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: its event loop must be gone before other tests use the ORM."""
    path = shutil.which("chromium")
    assert path, "these tests need chromium: apt-get install chromium libatomic1"
    ctypes.CDLL("libatomic.so.1")  # Playwright's driver needs it: apt-get install libatomic1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def cast(
    transactional_db: None, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> Cast:
    """The cast, committed, for the server has connections of its own."""
    # Playwright's sync API keeps a loop in this thread, in which Django refuses the ORM.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    from tests.cast import the_cast

    return the_cast()


@pytest.fixture
def site(cast: Cast) -> Iterator[str]:
    """The address of the running application."""
    from deploy.asgi import application

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(application, lifespan="off", ws="none", log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started, what="the server's start")
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=60)  # a page may just have asked for hours, which are played
        assert not thread.is_alive()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where screenshots go, to be looked at."""
    return tmp_path
